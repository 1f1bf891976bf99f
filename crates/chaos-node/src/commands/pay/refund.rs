//! `chaoschain pay refund`.

use std::process::ExitCode;

use chaos_chains::{U256, distribution_id};
use serde_json::json;

use super::{asked, funder, read, unit};
use crate::{
    args::StepArgs,
    commands::sending::{connect, outbox, planned, signer},
    exit::{Failure, Kind},
    output, runtime,
};

pub(super) fn run(args: &StepArgs) -> Result<ExitCode, Failure> {
    let outbox = outbox(&args.send)?;
    let signer = signer(&args.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?.settling()?;
        let plan = read(&chain, args).await?;
        let (from, key) = (funder(&plan, &args.payment)?, *plan.outcome.as_bytes());
        let (unit, _) = unit::of(&chain, plan.token, &asked(args, None)).await?;
        match chain.refund(plan.distributor, &signer, from, key).await {
            Ok(refunded) => {
                let sent = refunded.transaction;
                if args.send.json {
                    output::json(&json!({
                        "event": "refunded",
                        "funder": format!("{from:#x}"),
                        "token": format!("{:#x}", plan.token),
                        "amount": refunded.amount.to_string(),
                        "transaction": format!("{:#x}", sent.hash),
                        "block_number": sent.block_number.to_string(),
                    }))?;
                } else {
                    let amount = unit.amount(U256::from(refunded.amount));
                    output::line(format_args!("{amount} went back to {from:#x}"));
                    output::line(format_args!("  token        {:#x}", plan.token));
                    output::line(format_args!("  transaction  {:#x}", sent.hash));
                    output::line(format_args!("  block        {}", sent.block_number));
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(error) if error.is_of_one_call() => {
                let id = distribution_id(from, key);
                match chain.remaining(plan.distributor, id).await {
                    Ok(0) => Err(gone()),
                    Ok(_) | Err(_) => Err(error.into()),
                }
            }
            Err(error) => planned(&chain, error, args.send.json),
        }
    })
}

/// Anybody may send it, so that whoever comes later finds nothing: for that no word of what was sent before is needed.
fn gone() -> Failure {
    let reason = "nothing is left of it: the shares were claimed, or the rest went back to its funder before";
    Failure::message(Kind::Outside, reason.to_owned()).hint("nothing is signed for it any more")
}
