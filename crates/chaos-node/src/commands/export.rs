//! `chaoschain export`.

use std::{path::Path, process::ExitCode};

use chaos_evm::{BlockReplay, ReplaySummary, recorded::Pack};
use chaos_programs::{live, recorded, simulation::threads};
use chaos_types::ChainId;
use serde_json::Value;

use super::replay::verdict;
use crate::{
    args::{BlockSource, ExportArgs},
    blocks, chains,
    exit::{Failure, Kind},
    narration::Terminal,
    output,
};

pub(crate) fn run(args: &ExportArgs) -> Result<ExitCode, Failure> {
    recorded::ensure_free(&args.out)?;
    let source = chains::with_config(&args.source(), &args.config)?;
    let wanted = blocks::chosen(&source)?;
    let mut pack = match (&args.blocks, &args.rpc_url) {
        (Some(dir), _) => repack(args, &source, dir, wanted.as_ref())?,
        (None, Some(url)) if args.headers_only => {
            blocks::fetch_headers(url, &source, wanted.as_ref())?.into_pack()
        }
        (None, Some(url)) => live_blocks(args, &source, url, wanted.as_ref())?,
        (None, None) => {
            return Err(Failure::message(Kind::Input, "no blocks were named")
                .hint("give recorded blocks by --blocks DIR or live ones by --rpc-url URL"));
        }
    };
    if pack.blocks.is_empty() {
        report(&recorded::write(pack, &args.out)?, &args.out, args.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let replays = recorded::compare(&mut pack, threads(None))?;
    report(&recorded::write(pack, &args.out)?, &args.out, args.json)?;
    Ok(told(&replays))
}

/// Names the blocks that do not agree with their headers, and gives the exit code of all: what was written
/// may be wrong, and nobody should learn that only from a replay.
pub(crate) fn told(replays: &[BlockReplay]) -> ExitCode {
    for replay in replays.iter().filter(|replay| !replay.agrees()) {
        output::tell(verdict::of_block(replay));
    }
    verdict::exit_code(&ReplaySummary::of(replays))
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

fn live_blocks(
    args: &ExportArgs,
    source: &BlockSource,
    url: &str,
    wanted: Option<&ChainId>,
) -> Result<Pack, Failure> {
    let fetched = blocks::fetch_blocks(url, source, wanted)?;
    Ok(fetched.into_pack(args.node.state_from.into())?)
}

fn repack(
    args: &ExportArgs,
    source: &BlockSource,
    dir: &Path,
    wanted: Option<&ChainId>,
) -> Result<Pack, Failure> {
    let (first, last) = match &args.range {
        Some(text) => live::first_last(text).ok_or_else(|| {
            let text = format!("--range: expected FIRST..=LAST with --blocks, found `{text}`");
            Failure::message(Kind::Input, text)
        })?,
        None => (0, u64::MAX),
    };
    let progress = Terminal::default();
    let (range, under) = (first..=last, blocks::under(source)?);
    Ok(recorded::select(dir, wanted, &range, under, &progress)?.into_pack())
}
