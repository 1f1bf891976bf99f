//! `chaoschain import`.

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use anyhow::Context as _;
use chaos_chains::{B256, Bytes};
use chaos_evm::{
    Block, Bytecodes, RecordedBlock, ReplayInput,
    import::{Imported, StateProof, prestate, record_complete},
    recorded::{FeeRow, Pack, PackedBlock, encode_with, plain},
    replay,
};
use chaos_programs::recorded;
use chaos_types::{ChainId, Digest};
use serde_json::{Value, json};

use super::export::report;
use crate::{
    args::ImportArgs,
    exit::{Failure, Kind, OrFail as _},
    output,
};

pub(crate) fn run(args: &ImportArgs) -> Result<ExitCode, Failure> {
    recorded::ensure_free(&args.out)?;
    let mut digests = BTreeMap::new();
    let mut read = |name: &'static str, path: &Path| -> Result<Vec<u8>, Failure> {
        let bytes = plain(super::read(path)?)
            .with_context(|| path.display().to_string())
            .or_fail(Kind::Input)?;
        digests.insert(name, Digest::of(&bytes).to_string());
        Ok(bytes)
    };
    let raw_block = result_of(&read("block", &args.block)?, &args.block)?;
    let block =
        Block::decode_rpc(&serde_json::to_vec(&raw_block).or_fail(Kind::Input)?, args.chain_id)
            .with_context(|| args.block.display().to_string())
            .or_fail(Kind::Input)?;
    let (from, imported) = match (&args.state_proof, &args.trace) {
        (Some(path), _) => {
            let bytes = read("state proof", path)?;
            let parent = match &args.parent {
                Some(path) => {
                    let header = result_of(&read("parent", path)?, path)?;
                    Some(serde_json::to_vec(&header).or_fail(Kind::Input)?)
                }
                None => None,
            };
            let state_proof = StateProof::decode(&bytes, &block, parent.as_deref())
                .with_context(|| path.display().to_string())
                .or_fail(Kind::Input)?;
            ("proof", record_complete(&block, &state_proof).or_fail(Kind::Input)?)
        }
        (None, Some(path)) => {
            let trace = read("trace", path)?;
            let diff = args.diff.as_ref().map(|path| read("diff", path)).transpose()?;
            let prestate = prestate(&trace, diff.as_deref(), &block)
                .with_context(|| path.display().to_string())
                .or_fail(Kind::Input)?;
            let (recorded, codes) = prestate.into_recorded(block.clone());
            ("trace", from_recorded(&block, recorded, codes)?)
        }
        (None, None) => return Err(Failure::message(Kind::Input, "no --trace and no --proof")),
    };
    ensure_agrees(&imported, from)?;
    let manifest = write(args, &raw_block, &imported, json!({"kind": from, "files": digests}))?;
    report(&manifest, &args.out, args.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Keeps what the execution read of it, if it answered everything; else all of it, so that what is
/// unknown stays unknown.
fn from_recorded(
    block: &Block,
    recorded: RecordedBlock,
    codes: BTreeMap<B256, Bytes>,
) -> Result<Imported, Failure> {
    let checked = Bytecodes::from_codes(codes.clone()).or_fail(Kind::Input)?;
    let input = ReplayInput::new(recorded.clone(), &checked);
    let replay = replay(&input).or_fail(Kind::Input)?;
    let unknown = replay.unknown_reads;
    if unknown.total() == 0 {
        return record_complete(block, input.snapshot().view()).or_fail(Kind::Input);
    }
    output::say(format_args!(
        "{} reads are not in the trace ({} slots, {} codes, {} block hashes) and count as unknown in \
         every replay",
        unknown.total(),
        unknown.storage,
        unknown.code,
        unknown.block_hash
    ));
    Ok(Imported { recorded, codes, replay })
}

fn ensure_agrees(imported: &Imported, from: &str) -> Result<(), Failure> {
    if imported.is_borne_out() {
        return Ok(());
    }
    let replay = &imported.replay;
    let failure = Failure::message(
        Kind::Check,
        format!(
            "block {} executed on the {from} does not agree with its header: gas {} instead of {}, \
             {} rejected transactions, receipts root {:?}",
            replay.number,
            replay.gas_replayed,
            replay.gas_header,
            replay.rejected.len(),
            replay.receipts_root
        ),
    );
    Err(failure
        .hint("nothing was written; a trace without --diff misses accounts made in the block"))
}

fn write(
    args: &ImportArgs,
    raw_block: &Value,
    imported: &Imported,
    source: Value,
) -> Result<Value, Failure> {
    let json = encode_with(&imported.recorded, raw_block, None);
    let chain = imported.recorded.block.chain_id;
    let block = PackedBlock {
        recorded: RecordedBlock::decode(&json, Some(chain)).or_fail(Kind::Input)?,
        json,
    };
    let pack = Pack {
        chain: ChainId::evm(chain),
        fees: vec![FeeRow::from(block.header())],
        blocks: vec![block],
        codes: imported.codes.clone(),
        checks: json!({
            "agrees": imported.replay.agrees(),
            "unknown_reads": imported.replay.unknown_reads.total(),
            "state_proven": source["kind"] == "proof",
        }),
        source,
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(recorded::write(pack, &args.out)?)
}

/// The document, out of its JSON-RPC envelope if it is in one.
fn result_of(bytes: &[u8], path: &Path) -> Result<Value, Failure> {
    let mut value: Value = serde_json::from_slice(bytes)
        .with_context(|| path.display().to_string())
        .or_fail(Kind::Input)?;
    match value.get_mut("result") {
        Some(result) if result.is_object() => Ok(result.take()),
        _ => Ok(value),
    }
}
