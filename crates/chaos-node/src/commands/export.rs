//! `chaoschain export`.

use std::{path::Path, process::ExitCode};

use chaos_evm::recorded::Pack;
use chaos_programs::{
    live::{self, StateFrom},
    recorded::{self, Recorded},
};
use chaos_types::ChainId;
use serde_json::{Value, json};

use crate::{
    args::ExportArgs,
    blocks,
    exit::{Failure, Kind, OrFail as _},
    output,
};

pub(crate) fn run(args: &ExportArgs) -> Result<ExitCode, Failure> {
    recorded::ensure_free(&args.out)?;
    let wanted: Option<ChainId> =
        args.chain.as_ref().map(|text| text.parse().or_fail(Kind::Input)).transpose()?;
    let manifest = match (&args.blocks, &args.rpc_url) {
        (Some(dir), _) => repack(args, dir, wanted.as_ref())?,
        (None, Some(url)) if args.headers_only => headers(args, url, wanted.as_ref())?,
        (None, Some(url)) => live_blocks(args, url, wanted.as_ref())?,
        (None, None) => {
            return Err(Failure::message(Kind::Input, "no blocks were named")
                .hint("give recorded blocks by --blocks DIR or live ones by --rpc-url URL"));
        }
    };
    report(&manifest, &args.out, args.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what was written; the whole manifest with `--json`.
pub(crate) fn report(manifest: &Value, out: &Path, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(manifest);
    }
    output::line(format_args!(
        "{}: {} blocks, {} rows of fees, {} codes of {}",
        out.display(),
        manifest["blocks"].as_array().map_or(0, Vec::len),
        manifest["fee_history"]["blocks"],
        manifest["bytecodes"]["count"].as_u64().unwrap_or(0),
        manifest["chain"].as_str().unwrap_or("")
    ));
    Ok(())
}

fn live_blocks(args: &ExportArgs, url: &str, wanted: Option<&ChainId>) -> Result<Value, Failure> {
    let fetched = blocks::fetch_blocks(url, &args.source(), wanted)?;
    let inputs = fetched.blocks.inputs.iter();
    let recorded =
        Recorded::read(&fetched.folder, inputs.map(|input| input.block().header.number))?;
    let state_from = StateFrom::from(args.node.state_from);
    let source = json!({
        "kind": "rpc",
        "endpoint": fetched.node.endpoint,
        "state_from": state_from.name(),
    });
    let checks = json!({
        "header_hashes_recomputed": fetched.hashes_recomputed,
        "parent_hashes": recorded.blocks.len().saturating_sub(1),
        "state_proven": state_from == StateFrom::StateProof,
    });
    Ok(recorded::write(pack(fetched.blocks.chain, recorded, source, checks), &args.out)?)
}

fn headers(args: &ExportArgs, url: &str, wanted: Option<&ChainId>) -> Result<Value, Failure> {
    let fetched = blocks::fetch_headers(url, &args.source(), wanted)?;
    let source = json!({"kind": "rpc", "endpoint": fetched.node.endpoint, "headers_only": true});
    let checks = json!({"parent_hashes": fetched.headers.len().saturating_sub(1)});
    let fees = fetched.fees();
    let pack = Pack { fees, ..pack(fetched.chain, Recorded::default(), source, checks) };
    Ok(recorded::write(pack, &args.out)?)
}

fn repack(args: &ExportArgs, dir: &Path, wanted: Option<&ChainId>) -> Result<Value, Failure> {
    let (first, last) = match &args.range {
        Some(text) => live::first_last(text).ok_or_else(|| {
            let text = format!("--range: expected FIRST..=LAST with --blocks, found `{text}`");
            Failure::message(Kind::Input, text)
        })?,
        None => (0, u64::MAX),
    };
    let selected = recorded::select(dir, wanted, &(first..=last))?;
    let checks = json!({"parent_hashes": selected.linked});
    let source = json!({"kind": "recorded"});
    Ok(recorded::write(pack(selected.chain, selected.recorded, source, checks), &args.out)?)
}

fn pack(chain: ChainId, recorded: Recorded, source: Value, checks: Value) -> Pack {
    let fees = recorded.fees();
    let Recorded { blocks, codes } = recorded;
    Pack { chain, blocks, codes, fees, source, checks, version: env!("CARGO_PKG_VERSION") }
}
