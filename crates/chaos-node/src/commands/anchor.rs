//! `chaoschain anchor`.

use std::process::ExitCode;

use chaos_agency::action;
use chaos_chains::{Address, EvmChain, Signer};
use chaos_programs::anchoring::{Anchoring, Place, anchor};
use chaos_types::ChainId;
use serde_json::json;

use crate::{
    args::AnchorArgs,
    exit::{Failure, Kind, OrFail as _},
    ledger, output, runtime,
};

pub(crate) fn run(args: &AnchorArgs) -> Result<ExitCode, Failure> {
    let mut ledger = ledger::open(&args.data.data)?;
    // What the log would not admit must not be paid for.
    ledger.operator_for(action::Anchor::KIND)?;
    let heads = ledger::heads()?;
    let expected: Option<ChainId> = match &args.chain {
        Some(text) => Some(text.parse().or_fail(Kind::Input)?),
        None => None,
    };
    let outbox = super::sending::outbox(&args.data.data, &args.spend)?;
    let signer = Signer::load(args.keystore.as_deref()).or_fail(Kind::Input)?;
    runtime::server()?.block_on(async {
        let chain =
            EvmChain::connect(&args.rpc_url, expected.as_ref()).await.or_fail(Kind::Outside)?;
        let chain = chain.sending(outbox).await.or_fail(Kind::Outside)?;
        let contract = match &args.contract {
            Some(text) => text.parse::<Address>().or_fail(Kind::Input)?,
            None => {
                let origin = ledger.log_key()?.name().to_string();
                let (deployed, _) = chain
                    .deploy_anchor(&signer, &origin, signer.address())
                    .await
                    .or_fail(Kind::Outside)?;
                output::say(format_args!("deployed CheckpointAnchor at {deployed:#x}"));
                deployed
            }
        };
        let place = Place { chain: &chain, contract, signer: &signer };
        let checkpoint = chaos_api::publish_head(&mut ledger, &heads, &ledger::tell_silent).await?;
        let anchoring = anchor(&mut ledger, checkpoint, &place).await?;
        report(args, &anchoring)
    })
}

fn report(args: &AnchorArgs, anchoring: &Anchoring) -> Result<ExitCode, Failure> {
    let body = &anchoring.body;
    if args.json {
        output::json(&json!({
            "receipt": anchoring.receipt,
            "anchor": body,
            "checkpoint": anchoring.checkpoint.to_string(),
        }))?;
    } else {
        output::line(format_args!("anchored size {} on {}", body.log_size, body.chain));
        output::line(format_args!("  root         {}", body.root));
        output::line(format_args!("  contract     {}", body.contract));
        output::line(format_args!("  transaction  {}", body.transaction));
        output::line(format_args!("  block        {} {}", body.block_number, body.block_hash));
        output::line(format_args!("  receipt      {}", anchoring.receipt));
    }
    Ok(ExitCode::SUCCESS)
}
