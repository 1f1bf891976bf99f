//! `chaoschain anchor`.

mod audit;

use std::process::ExitCode;

use chaos_agency::action;
use chaos_chains::{self as chain, Address, AnchoredLog, EvmChain, Outbox, Signer};
use chaos_ledger::Ledger;
use chaos_log::{SignedCheckpoint, root_at};
use chaos_programs::{
    Error,
    anchoring::{self, Place, Recorded},
};
use serde_json::json;

use super::sending::{connect, outbox, show_plans};
use crate::{
    args::{AnchorArgs, AnchorCommand},
    exit::{Failure, Kind, OrFail as _},
    ledger, output, runtime,
};

pub(crate) fn run(command: &AnchorCommand) -> Result<ExitCode, Failure> {
    match command {
        AnchorCommand::Write(args) => write(args),
        AnchorCommand::Audit(args) => audit::run(args),
    }
}

fn write(args: &AnchorArgs) -> Result<ExitCode, Failure> {
    if args.spend.dry_run {
        return plan(args);
    }
    let mut ledger = ledger::open(&args.data.data)?;
    // What the log would not admit must not be paid for.
    ledger.operator_for(action::Anchor::KIND)?;
    let heads = ledger::heads()?;
    let outbox = outbox(&args.data.data, &args.spend)?;
    let contract = contract(args)?;
    let signer = Signer::load(args.key.keystore.as_deref()).or_fail(Kind::Input)?;
    runtime::server()?.block_on(async {
        let chain = connect(&args.chain, outbox).await?;
        let origin = ledger.log_key()?.name().to_string();
        let log = AnchoredLog { origin: &origin, publisher: signer.address(), contract };
        chain.ensure_anchorable(&log).await?;
        let contract = match contract {
            Some(contract) => contract,
            None => deploy(&chain, &signer, &log).await?,
        };
        let place = Place { chain: &chain, contract, signer: &signer };
        for (size, root) in anchoring::unlogged(&ledger, &chain, contract, signer.address())? {
            finish(&mut ledger, size, root, &place).await?;
        }
        let checkpoint = chaos_api::publish_head(&mut ledger, &heads, &ledger::tell_silent).await?;
        // Until the block stays, others may write to the log.
        drop(ledger);
        let (size, root) = (checkpoint.claimed().size(), *checkpoint.claimed().root().as_bytes());
        let written = anchoring::write(size, root, &place).await?;
        let mut ledger = ledger::open(&args.data.data)?;
        report(args, &checkpoint, &anchoring::record(&mut ledger, written)?)
    })
}

/// Logs an anchor that an earlier command paid for and did not wait for.
async fn finish(
    ledger: &mut Ledger,
    size: u64,
    root: [u8; 32],
    place: &Place<'_>,
) -> Result<(), Failure> {
    if *root_at(ledger.store(), size).or_fail(Kind::Storage)?.as_bytes() != root {
        output::say(format_args!("the anchor of size {size} in the journal is of another log"));
        return Ok(());
    }
    match anchoring::write(size, root, place).await {
        Ok(written) => {
            let receipt = anchoring::record(ledger, written)?.receipt;
            output::say(format_args!("size {size} was anchored before, receipt {receipt}"));
            Ok(())
        }
        Err(Error::Chain(
            error @ (chain::Error::Failed { .. } | chain::Error::Reverted { .. }),
        )) => {
            output::say(format_args!("the anchor of size {size} came to nothing: {error}"));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn contract(args: &AnchorArgs) -> Result<Option<Address>, Failure> {
    args.contract.as_ref().map(|text| text.parse().or_fail(Kind::Input)).transpose()
}

async fn deploy(
    chain: &EvmChain,
    signer: &Signer,
    log: &AnchoredLog<'_>,
) -> Result<Address, Failure> {
    let (deployed, _) = chain.deploy_anchor(signer, log.origin, signer.address()).await?;
    output::say(format_args!("deployed CheckpointAnchor at {deployed:#x}"));
    // Where it is, the node says.
    chain.ensure_anchorable(&AnchoredLog { contract: Some(deployed), ..*log }).await?;
    Ok(deployed)
}

/// What anchoring the log as it stands would send.
fn plan(args: &AnchorArgs) -> Result<ExitCode, Failure> {
    let ledger = ledger::read(&args.data.data)?;
    let outbox: Outbox = outbox(&args.data.data, &args.spend)?;
    let contract = contract(args)?;
    let signer = Signer::load(args.key.keystore.as_deref()).or_fail(Kind::Input)?;
    let size = ledger.size();
    let root = root_at(ledger.store(), size).or_fail(Kind::Storage)?;
    let origin = ledger.verifier()?.name().to_string();
    runtime::single()?.block_on(async {
        let chain = connect(&args.chain, outbox).await?;
        let log = AnchoredLog { origin: &origin, publisher: signer.address(), contract };
        let plans = chain.plan_anchor(&log, size, *root.as_bytes()).await?;
        if plans.is_empty() && !args.json {
            output::line(format_args!(
                "size {size} is anchored, or its transaction is in the journal"
            ));
        }
        show_plans(&chain, &plans, args.json)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn report(
    args: &AnchorArgs,
    checkpoint: &SignedCheckpoint,
    recorded: &Recorded,
) -> Result<ExitCode, Failure> {
    let Recorded { body, receipt, reached, .. } = recorded;
    if args.json {
        output::json(&json!({
            "receipt": receipt,
            "anchor": body,
            "finality": reached.finality.to_string(),
            "depth": reached.depth.to_string(),
            "checkpoint": checkpoint.to_string(),
        }))?;
    } else {
        output::line(format_args!("anchored size {} on {}, {reached}", body.log_size, body.chain));
        output::line(format_args!("  root         {}", body.root));
        output::line(format_args!("  contract     {}", body.contract));
        output::line(format_args!("  transaction  {}", body.transaction));
        output::line(format_args!("  block        {} {}", body.block_number, body.block_hash));
        output::line(format_args!("  receipt      {receipt}"));
    }
    Ok(ExitCode::SUCCESS)
}
