//! `chaoschain replay`.

mod explain;
pub(crate) mod verdict;

use std::{collections::BTreeMap, process::ExitCode, time::Instant};

use chaos_evm::{
    Agreement, BlockReplay, ReceiptsRoot, ReplayInput, ReplaySummary, Verdict, fork, replay_all,
};
use chaos_programs::simulation::threads;
use chaos_report::quantity;
use chaos_types::ChainId;
use serde_json::json;

use crate::{
    args::ReplayArgs,
    blocks, chains,
    exit::{Failure, Kind, OrFail as _},
    output,
};

pub(crate) fn run(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let source = chains::with_config(&args.source, &args.config)?;
    let loaded = blocks::load(&source)?;
    if let Some(number) = args.explain {
        let inputs: Vec<&ReplayInput> =
            loaded.chains.iter().flat_map(|chain| &chain.inputs).collect();
        return explain::run(args, &inputs, number);
    }
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
                "differing": summary.differing,
                "not_comparable": summary.not_comparable,
                "bodies_held_to_headers": summary.bound,
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
    let is_local = |replay: &BlockReplay| {
        replay.chain == fork::LOCAL && replay.agreement() == Agreement::Differs
    };
    if args.source.hardfork.is_none() && replays.iter().any(is_local) {
        output::hint(
            "blocks of a local node are run under osaka unless they remember another fork: if it was started with \
             one, name it by --hardfork",
        );
    }
    Ok(verdict::exit_code(&summary))
}

fn line(replay: &BlockReplay) -> serde_json::Value {
    let agreement = replay.agreement();
    let mut value = json!({
        "chain": ChainId::evm(replay.chain),
        "number": replay.number,
        "outcome": agreement.as_str(),
        "gas_header": replay.gas_header,
        "gas_replayed": replay.gas_replayed,
        "receipts_root": replay.receipts_root.as_str(),
        "unknown_reads": replay.unknown_reads.total(),
        "skipped_transactions": replay.skipped_transactions.len(),
    });
    if let Agreement::NotComparable(why) = agreement {
        value["reason"] = json!({"code": why.as_str(), "text": why.to_string()});
    }
    if let ReceiptsRoot::Mismatch { header, computed } = &replay.receipts_root {
        value["receipts_root_header"] = json!(header);
        value["receipts_root_replayed"] = json!(computed);
    }
    if let Some(agrees) = replay.logs_bloom_agrees {
        value["logs_bloom_agrees"] = json!(agrees);
    }
    let rejected = replay.rejected.iter().map(|rejected| {
        json!({"transaction": rejected.index, "hash": rejected.hash, "reason": rejected.reason.to_string()})
    });
    value["rejected"] = rejected.collect();
    let skipped = replay.skipped_transactions.iter().map(|skipped| {
        json!({"transaction": skipped.index, "type": format!("{:#04x}", skipped.type_byte)})
    });
    value["skipped"] = skipped.collect();
    let unbound = replay
        .unbound
        .iter()
        .map(|unbound| json!({"part": unbound.part.as_str(), "reason": unbound.why.to_string()}));
    value["not_held_to_header"] = unbound.collect();
    value
}

fn human(replays: &[BlockReplay], summary: &ReplaySummary, elapsed: f64) {
    let rows: Vec<_> = replays.iter().map(row).collect();
    output::table(
        &[
            "block",
            "chain",
            "txs",
            "gas replayed",
            "unknown reads",
            "skipped",
            "receipts root",
            "outcome",
        ],
        &rows,
    );
    for replay in replays.iter().filter(|replay| replay.agreement() == Agreement::Differs) {
        output::sentence(verdict::of_block(replay));
    }
    // One line for each reason: thousands of blocks may have the same.
    let mut reasons: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for replay in replays {
        if let Agreement::NotComparable(why) = replay.agreement() {
            reasons.entry(why.to_string()).or_default().push(replay.number);
        }
    }
    for (why, numbers) in reasons {
        let blocks = match numbers[..] {
            [number] => format!("block {number} is not comparable"),
            _ => {
                format!("{} blocks are not comparable, the first is {}", numbers.len(), numbers[0])
            }
        };
        output::sentence(format_args!("{blocks}: {why}"));
    }
    let counts = verdict::counts(summary, replays.len());
    let counts = match summary.verdict() {
        Verdict::Holds => output::good(&counts),
        Verdict::Differs | Verdict::NothingCompared => output::bad(&counts),
    };
    output::sentence(format_args!(
        "\n{counts}, {} with skipped transactions; {} in {elapsed:.2} s, {} unknown reads",
        summary.with_skipped,
        quantity::of(i128::try_from(summary.gas).unwrap_or(i128::MAX), "gas"),
        summary.unknown_reads
    ));
    if summary.bound < replays.len() {
        output::sentence(format_args!(
            "the bodies of {} of {} blocks are held to their headers; of the others fields are not recorded or \
             not known, --json names them",
            summary.bound,
            replays.len()
        ));
    }
}

fn row(replay: &BlockReplay) -> Vec<String> {
    let root = match &replay.receipts_root {
        ReceiptsRoot::Match => "match",
        ReceiptsRoot::Mismatch { .. } => "MISMATCH",
        ReceiptsRoot::NotComparable => "not comparable",
        ReceiptsRoot::NotComputed => "not computed",
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
        root.to_owned(),
        verdict::word(replay.agreement()).to_owned(),
    ]
}
