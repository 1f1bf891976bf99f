//! `chaoschain pay plan`.

use std::process::ExitCode;

use chaos_chains::{Contract, TokenUnit};
use chaos_programs::{
    paying::{Due, PayPlan, PayTerms},
    studio,
};
use serde_json::json;

use super::{DAY_S, DAYS_MIN, term, unit};
use crate::{
    args::PlanArgs,
    commands::{deployment, sending::reach},
    exit::{Failure, Kind},
    ledger, output, runtime,
};

pub(super) fn run(args: &PlanArgs) -> Result<ExitCode, Failure> {
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
    let (terms, unit) = runtime::single()?.block_on(async {
        let chain = reach(&args.read.chain).await?;
        let at =
            async |contract| deployment::contract(&chain, contract, None, &args.deployment).await;
        let token = match args.token {
            Some(token) => token,
            None => at(Contract::Token).await?,
        };
        let asked = unit::Asked {
            deployment: &args.deployment,
            decimals: args.unit.decimals,
            needed_for: Some("--pool is"),
        };
        let (unit, _) = unit::of(&chain, token, &asked).await?;
        let terms = PayTerms {
            chain: chain.chain_id().clone(),
            genesis: chain.first_block().await?.0,
            token,
            distributor: at(Contract::RewardDistributor).await?,
            outcome: args.outcome,
            pool: pool(&args.pool, &unit)?,
            refund_after_s,
        };
        Ok::<_, Failure>((terms, unit))
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
            output::line(format_args!("{account:#x}  {}", unit.amount(amount)));
            output::line(format_args!("  {agent}"));
        }
    }
    if !args.read.json {
        output::line(format_args!("token {unit}"));
        output::line(term(refund_after_s));
        output::line(format_args!("written to {}; nothing is paid yet", args.out.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// What is divided, in the token's smallest unit. Whole tokens mean nothing where it does not say how many of these one
/// has.
pub(super) fn pool(text: &str, unit: &TokenUnit) -> Result<u128, Failure> {
    if unit.decimals.is_none() {
        let reason = format!("{:#x} does not say how many decimals it has", unit.token);
        let hint = "--pool is in whole tokens: name a token by --token that answers decimals()";
        return Err(Failure::message(Kind::Input, reason).hint(hint));
    }
    let pool = unit.smallest(text).and_then(|pool| u128::try_from(pool).ok());
    pool.filter(|pool| *pool > 0).ok_or_else(|| {
        let text = text.escape_debug();
        let reason =
            format!("--pool `{text}`: expected more than 0, such as 1000 or 0.5, of token {unit}");
        Failure::message(Kind::Input, reason).hint(
            "it takes digits and a point, with as many places behind it as the token has decimals",
        )
    })
}
