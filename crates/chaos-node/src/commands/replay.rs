//! `chaoschain replay`.

use std::{process::ExitCode, time::Instant};

use chaos_evm::{BlockReplay, ReceiptsRoot, ReplaySummary, replay_all};
use chaos_programs::simulation::threads;
use chaos_report::quantity;
use chaos_types::ChainId;
use serde_json::json;

use crate::{
    args::ReplayArgs,
    blocks,
    exit::{Failure, Kind, OrFail as _},
    output,
};

pub(crate) fn run(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let loaded = blocks::load(&args.source)?;
    let threads = threads(args.threads);
    let started = Instant::now();
    let mut replays = Vec::new();
    for chain in &loaded.chains {
        let bar =
            output::progress(&format!("replaying {}", chain.chain), chain.inputs.len() as u64);
        for chunk in chain.inputs.chunks(8 * threads.get()) {
            replays.extend(replay_all(chunk, threads).or_fail(Kind::Input)?);
            bar.inc(chunk.len() as u64);
        }
        bar.finish_and_clear();
    }
    let elapsed = started.elapsed().as_secs_f64();
    let summary = ReplaySummary::of(&replays);
    if args.json {
        for replay in &replays {
            output::json(&line(replay))?;
        }
        output::json(&json!({
            "summary": {
                "blocks": replays.len(),
                "agreeing": summary.agreeing,
                "with_skipped_transactions": summary.with_skipped,
                "left_out": loaded.left_out,
                "gas": summary.gas.to_string(),
                "unknown_reads": summary.unknown_reads,
                "seconds": format!("{elapsed:.3}"),
            }
        }))?;
    } else {
        human(&replays, &summary, elapsed);
    }
    Ok(if summary.holds { ExitCode::SUCCESS } else { ExitCode::from(Kind::Check as u8) })
}

fn line(replay: &BlockReplay) -> serde_json::Value {
    json!({
        "chain": ChainId::evm(replay.chain),
        "number": replay.number,
        "gas_header": replay.gas_header,
        "gas_replayed": replay.gas_replayed,
        "receipts_root": replay.receipts_root.as_str(),
        "unknown_reads": replay.unknown_reads.total(),
        "skipped_transactions": replay.skipped_transactions.len(),
    })
}

fn human(replays: &[BlockReplay], summary: &ReplaySummary, elapsed: f64) {
    let rows: Vec<_> = replays
        .iter()
        .map(|replay| {
            let root = match &replay.receipts_root {
                ReceiptsRoot::Match => "match".to_owned(),
                ReceiptsRoot::Mismatch { header, computed } => {
                    format!("MISMATCH header {header} replayed {computed}")
                }
                ReceiptsRoot::NotComparable => "not comparable".to_owned(),
            };
            let gas = if replay.gas_header == replay.gas_replayed {
                replay.gas_replayed.to_string()
            } else {
                format!("{} (header {})", replay.gas_replayed, replay.gas_header)
            };
            vec![
                replay.number.to_string(),
                ChainId::evm(replay.chain).to_string(),
                replay.transactions.len().to_string(),
                gas,
                replay.unknown_reads.total().to_string(),
                replay.skipped_transactions.len().to_string(),
                root,
            ]
        })
        .collect();
    output::table(
        &["block", "chain", "txs", "gas replayed", "unknown reads", "skipped", "receipts root"],
        &rows,
    );
    for replay in replays {
        for rejected in &replay.rejected {
            output::sentence(format_args!(
                "block {} transaction {} {}: {:?}",
                replay.number, rejected.index, rejected.hash, rejected.reason
            ));
        }
    }
    let verdict = format!("{} of {} blocks agree", summary.agreeing, replays.len());
    let verdict = if summary.holds { output::good(&verdict) } else { output::bad(&verdict) };
    output::sentence(format_args!(
        "\n{verdict}, {} with skipped transactions; {} in {elapsed:.2} s, {} unknown reads",
        summary.with_skipped,
        quantity::of(i128::try_from(summary.gas).unwrap_or(i128::MAX), "gas"),
        summary.unknown_reads
    ));
}
