//! `chaoschain pay fund`.

use std::process::ExitCode;

use chaos_chains::{Error, U256};
use chaos_programs::paying::Due;
use serde_json::json;

use super::{read, tokens};
use crate::{
    args::StepArgs,
    commands::{
        deployment,
        sending::{Explorer, connect, outbox, planned, signer},
    },
    exit::{Failure, Kind},
    output, runtime,
};

pub(super) fn run(args: &StepArgs) -> Result<ExitCode, Failure> {
    let outbox = outbox(&args.send)?;
    let signer = signer(&args.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?;
        let plan = read(&chain, &args.payment).await?;
        let (funding, account) = (plan.funding()?, signer.address());
        if let Some(funder) = plan.funder.filter(|funder| *funder != account) {
            let reason = format!("{funder:#x} funded it, and the key is that of {account:#x}");
            let failure = Failure::message(Kind::Input, reason);
            return Err(deployment::named(failure, &args.payment)
                .hint("two funders of one outcome would pay twice"));
        }
        let total = U256::from(funding.total);
        let held = chain.token_balance(plan.token, account).await?;
        let id = chaos_chains::distribution_id(account, funding.key);
        let is_funded = chain.remaining(plan.distributor, id).await.is_ok();
        if held < total && !is_funded {
            let (held, total) = (tokens(held), tokens(total));
            let reason = format!("{account:#x} holds {held} tokens, the pool is {total}");
            return Err(Failure::message(Kind::Input, reason).hint("nothing was sent"));
        }
        // The file may be another's: who gets what is said before it is paid.
        for Due { account, amount, .. } in plan.due()? {
            output::say(format_args!("{account:#x} gets {}", tokens(amount)));
        }
        // It goes first into the file whose key it is: whoever is stopped goes on with the same one.
        if !args.send.spend.dry_run {
            deployment::write_text(&args.payment, &plan.funded_by(account).to_json())?;
        }
        let plan = read(&chain, &args.payment).await?;
        let in_block = chain.create_distribution(plan.distributor, &signer, &funding).await;
        let funded = match in_block {
            Ok(_) => {
                let settling = chain.settling()?;
                settling.create_distribution(plan.distributor, &signer, &funding).await
            }
            Err(error) => Err(error),
        };
        match funded {
            Ok(funded) => {
                let hash = funded.transaction.hash;
                if args.send.json {
                    output::json(&json!({
                        "event": "funded",
                        "distribution_id": funded.distribution_id.to_string(),
                        "total": funding.total.to_string(),
                        "transaction": format!("{hash:#x}"),
                        "block_number": funded.transaction.block_number.to_string(),
                    }))?;
                } else {
                    let finality = args.send.spend.wait.finality;
                    output::line(format_args!("{} tokens are funded, {finality}", tokens(total)));
                    output::line(format_args!("  distributor  {:#x}", plan.distributor));
                    output::line(format_args!("  number       {id:#x}"));
                    output::line(format_args!("  transaction  {hash:#x}"));
                    output::line(format_args!(
                        "  block        {}",
                        funded.transaction.block_number
                    ));
                    Explorer::of(&args.send.chain)?.say_transaction(&hash);
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                if matches!(&error, Error::Planned(plan) if plan.what.starts_with("approve")) {
                    output::say("and then createDistribution, of about 170000 gas");
                }
                planned(&chain, error, args.send.json)
            }
        }
    })
}
