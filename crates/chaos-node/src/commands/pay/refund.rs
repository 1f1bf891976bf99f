//! `chaoschain pay refund`.

use std::process::ExitCode;

use chaos_chains::U256;
use serde_json::json;

use super::{asked, funder, read, unit};
use crate::{
    args::StepArgs,
    commands::sending::{connect, outbox, planned, signer},
    exit::Failure,
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
            Err(error) => planned(&chain, error, args.send.json),
        }
    })
}
