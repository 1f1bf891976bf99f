//! `chaoschain pay refund`.

use std::process::ExitCode;

use chaos_chains::{U256, distribution_id};
use serde_json::json;

use super::{funder, read, tokens};
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
        let plan = read(&chain, &args.payment).await?;
        let (from, key) = (funder(&plan, &args.payment)?, *plan.outcome.as_bytes());
        let left = chain.remaining(plan.distributor, distribution_id(from, key)).await?;
        match chain.refund(plan.distributor, &signer, from, key).await {
            Ok(sent) => {
                if args.send.json {
                    output::json(&json!({
                        "event": "refunded",
                        "funder": format!("{from:#x}"),
                        "amount": left.to_string(),
                        "transaction": format!("{:#x}", sent.hash),
                        "block_number": sent.block_number.to_string(),
                    }))?;
                } else {
                    let left = tokens(U256::from(left));
                    output::line(format_args!("{left} tokens went back to {from:#x}"));
                    output::line(format_args!("  transaction  {:#x}", sent.hash));
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => planned(&chain, error, args.send.json),
        }
    })
}
