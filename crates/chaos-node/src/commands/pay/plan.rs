//! `chaoschain pay plan`.

use std::process::ExitCode;

use chaos_chains::{Contract, sending::wei};
use chaos_programs::{
    paying::{Due, PayPlan, PayTerms},
    studio,
};
use serde_json::json;

use super::{DECIMALS, tokens};
use crate::{
    args::PlanArgs,
    commands::{deployment, sending::reach},
    exit::{Failure, Kind},
    ledger, output, runtime,
};

const DAY_S: u32 = 24 * 60 * 60;
/// The contract takes no shorter time.
const DAYS_MIN: u32 = 90;

pub(super) fn run(args: &PlanArgs) -> Result<ExitCode, Failure> {
    let pool = wei(&args.pool, DECIMALS).and_then(|pool| u128::try_from(pool).ok());
    let pool = pool.filter(|pool| *pool > 0).ok_or_else(|| {
        let text = args.pool.escape_debug();
        Failure::message(
            Kind::Input,
            format!("--pool `{text}`: expected a number such as 1000 or 0.5"),
        )
    })?;
    let refund_after_s = match args.refund_after {
        0 => None,
        days if days < DAYS_MIN => {
            let reason = format!("--refund-after {days}: expected 0, or at least {DAYS_MIN} days");
            return Err(Failure::message(Kind::Input, reason));
        }
        days => days.checked_mul(DAY_S).map(Some).ok_or_else(|| {
            Failure::message(Kind::Input, format!("--refund-after {days} is too large"))
        })?,
    };
    let terms = runtime::single()?.block_on(async {
        let chain = reach(&args.read.chain).await?;
        let at =
            async |contract| deployment::contract(&chain, contract, None, &args.deployment).await;
        let token = match args.token {
            Some(token) => token,
            None => at(Contract::Token).await?,
        };
        Ok::<_, Failure>(PayTerms {
            chain: chain.chain_id().clone(),
            genesis: chain.first_block().await?.0,
            token,
            distributor: at(Contract::RewardDistributor).await?,
            outcome: args.outcome,
            pool,
            refund_after_s,
        })
    })?;
    let studio = studio::load(args.studio.as_deref())?;
    let plan = PayPlan::new(&ledger::read(&args.read.data.data)?, &studio, &terms)?;
    let due = plan.due()?;
    deployment::write_text(&args.out, &plan.to_json())?;
    for Due { agent, account, amount, .. } in due {
        if args.read.json {
            output::json(&json!({
                "agent": agent,
                "account": format!("{account:#x}"),
                "amount": amount.to_string(),
            }))?;
        } else {
            output::line(format_args!("{account:#x}  {}", tokens(amount)));
            output::line(format_args!("  {agent}"));
        }
    }
    if !args.read.json {
        output::line(format_args!("written to {}; nothing is paid yet", args.out.display()));
    }
    Ok(ExitCode::SUCCESS)
}
