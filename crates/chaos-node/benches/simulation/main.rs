//! The simulator as a whole: against `anvil`, over many scenarios, in memory, and in one large
//! study.
//!
//! Each measure is a median over rounds in which the sides take turns. What needs a process of its
//! own (peak memory, two processes at once) is run by starting this program again with `--child`.
//!
//! `cargo bench -p chaos-node --bench simulation -- [--json] [--rounds N] [--data DIR] [NAME..]`,
//! where NAME is one of `anvil`, `scenarios`, `memory`, `study`; all of them if none is given.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark reports to a terminal")]

mod anvil;
mod child;
mod data;
mod memory;
mod report;
mod scenarios;
mod study;

use std::path::{Path, PathBuf};

use data::Data;
use report::Report;

/// Rounds when none are asked for.
const ROUNDS: usize = 5;

/// What the measures need.
struct Bench {
    data: Data,
    rounds: usize,
    report: Report,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)
    };
    let folder = value("--data").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let data = Data::new(folder);
    if let Some(kind) = value("--child") {
        return child::answer(kind, &data, value("--count"));
    }
    let bench = Bench {
        data,
        rounds: value("--rounds").and_then(|n| n.parse().ok()).unwrap_or(ROUNDS).max(1),
        report: Report { as_json: arguments.iter().any(|argument| argument == "--json") },
    };
    type Measure = fn(&Bench) -> Result<(), String>;
    let measures: [(&str, Measure); 4] = [
        ("anvil", anvil::measure),
        ("scenarios", scenarios::measure),
        ("memory", memory::measure),
        ("study", study::measure),
    ];
    let asked = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !measures.iter().any(|(name, _)| asked(name));
    for (name, measure) in measures {
        if (all || asked(name))
            && let Err(reason) = measure(&bench)
        {
            eprintln!("skipped: {name}: {reason}");
        }
    }
}
