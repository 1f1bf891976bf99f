//! `chaoschain anchor`.

use std::process::ExitCode;

use chaos_agency::{Action, Evidence, action};
use chaos_chains::{Address, EvmChain, Signer};
use chaos_log::SignedCheckpoint;
use chaos_store::Records as _;
use chaos_types::{ChainId, Digest, canonical};
use chaos_verify::Anchored;
use serde_json::json;

use crate::{
    args::AnchorArgs,
    exit::{Failure, Kind, OrFail as _},
    ledger, output,
};
use chaos_ledger::{Heads, Ledger, NewEntry};

pub(crate) fn run(args: &AnchorArgs) -> Result<ExitCode, Failure> {
    let mut ledger = ledger::open(&args.data.data)?;
    // What the log would not admit must not be paid for.
    ledger.operator_for("anchor")?;
    let heads = ledger::heads()?;
    let expected: Option<ChainId> = match &args.chain {
        Some(text) => Some(text.parse().or_fail(Kind::Input)?),
        None => None,
    };
    let signer = Signer::load(args.keystore.as_deref()).or_fail(Kind::Input)?;
    runtime()?.block_on(async {
        let chain =
            EvmChain::connect(&args.rpc_url, expected.as_ref()).await.or_fail(Kind::Outside)?;
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
        let anchoring = anchor(&mut ledger, &heads, &place).await?;
        report(args, &anchoring)
    })
}

/// A checkpoint that was written to a chain, and the receipt of it.
pub(crate) struct Anchoring {
    pub(crate) checkpoint: SignedCheckpoint,
    pub(crate) body: action::Anchor,
    pub(crate) receipt: Digest,
    pub(crate) anchored: Anchored,
}

/// Where a checkpoint is written, and by whom.
pub(crate) struct Place<'a> {
    pub(crate) chain: &'a EvmChain,
    pub(crate) contract: Address,
    pub(crate) signer: &'a Signer,
}

/// Signs a checkpoint, writes it to the chain, proves that the block holds it, and logs a receipt.
pub(crate) async fn anchor(
    ledger: &mut Ledger,
    heads: &Heads,
    place: &Place<'_>,
) -> Result<Anchoring, Failure> {
    let Place { chain, contract, signer } = *place;
    let key = ledger.operator_for("anchor")?;
    let checkpoint = ledger.checkpoint(heads)?;
    let (size, root) = (checkpoint.claimed().size(), *checkpoint.claimed().root().as_bytes());
    let written =
        chain.anchor_checkpoint(contract, signer, size, root).await.or_fail(Kind::Outside)?;
    let proof = chain.anchor_proof(&written.transaction, contract).await.or_fail(Kind::Outside)?;
    let fact = proof.verify(size, root).or_fail(Kind::Check)?;
    let body = action::Anchor {
        chain: chain.chain_id().clone(),
        contract: format!("{contract:#x}"),
        log_size: size,
        root: hex::encode(root),
        transaction: format!("{:#x}", written.transaction.hash),
        block_number: fact.block_number,
        block_hash: format!("{:#x}", fact.block_hash),
    };
    let receipt = ledger.record(NewEntry {
        agent: key.did(),
        keys: vec![&key],
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action: Action::Anchor(body.clone()),
    })?;
    let entry =
        ledger.store().entry_by_digest(&receipt).or_fail(Kind::Storage)?.ok_or_else(|| {
            Failure::message(Kind::Storage, "the anchor receipt is not in the log")
        })?;
    let anchored = Anchored {
        envelope: canonical::from_slice(&entry.record).or_fail(Kind::Storage)?,
        proof: serde_json::to_value(&proof).or_fail(Kind::Check)?,
    };
    Ok(Anchoring { checkpoint, body, receipt, anchored })
}

/// The runtime for the chain adapter, which is the only asynchronous part.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .or_fail(Kind::Outside)
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
