//! Benchmarks by name, each one object per measure with `--json`, else a table.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    complain,
    process::{self, Step, cargo, npm_install},
    say,
};

mod agents;
mod aim;
mod row;

use row::Row;

/// A bench target of a package.
struct Target {
    package: &'static str,
    name: &'static str,
}

const REPLAY: Target = Target { package: "chaos-evm", name: "replay" };
const MARKET: Target = Target { package: "chaos-simulation", name: "market" };
const LOG: Target = Target { package: "chaos-node", name: "log" };
const WHOLE: Target = Target { package: "chaos-node", name: "simulation" };
const APPEND: Target = Target { package: "chaos-store", name: "append" };
const VERIFY: Target = Target { package: "chaos-verify", name: "verify" };
const ATTESTATION: Target = Target { package: "chaos-attestation", name: "attestation" };
const NATIVE: Target = Target { package: "chaos-sandbox", name: "native" };
const RELEASE: Target = Target { package: "chaos-broker", name: "release" };
const SANDBOX: Target = Target { package: "chaos-sandbox", name: "sandbox" };

/// What can be asked for, and the targets that it runs one after the other.
const BENCHES: [(&str, &[&Target]); 8] = [
    ("replay", &[&REPLAY]),
    ("simulation", &[&REPLAY, &MARKET, &WHOLE]),
    ("append", &[&APPEND]),
    ("log", &[&LOG, &VERIFY]),
    ("verify", &[&VERIFY]),
    ("attestation", &[&ATTESTATION]),
    ("sandbox", &[&SANDBOX, &NATIVE]),
    ("release", &[&RELEASE]),
];

/// Runs the named bench, or all of them.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let json = arguments.iter().any(|argument| argument == "--json");
    let full = arguments.iter().any(|argument| argument == "--full");
    let named = arguments.iter().find(|argument| !argument.starts_with("--"));
    let chosen: Vec<_> = match named {
        Some(named) => BENCHES.iter().filter(|(name, _)| name == named).collect(),
        // The simulation includes the replay.
        None => BENCHES.iter().filter(|(name, _)| *name != "replay").collect(),
    };
    if chosen.is_empty() {
        let known: Vec<_> = BENCHES.iter().map(|(known, _)| *known).collect();
        let named = named.map_or("", String::as_str);
        bail!("unknown benchmark `{named}`; known are {}", known.join(", "));
    }
    let mut rows = Vec::new();
    for (name, targets) in chosen {
        rows.extend(measure(name, targets, json, full)?);
    }
    if !json {
        say(row::table(&rows).trim_end());
    }
    let missed: Vec<_> = rows.iter().filter(|row| row.met() == Some(false)).collect();
    for row in missed {
        complain(&format!("xtask: {} misses its aim", row.measure));
    }
    Ok(())
}

/// Builds all targets first, so that no build runs beside a measurement.
fn measure(name: &'static str, targets: &[&Target], json: bool, full: bool) -> Result<Vec<Row>> {
    if name == "simulation"
        && let Err(error) = npm_install()
    {
        complain(&format!("skipped: the local chain is not there: {error:#}"));
    }
    for target in targets {
        process::run(bench(name, target).arg("--no-run"))?;
    }
    let mut rows = Vec::new();
    for target in targets {
        let mut failure = None;
        let long = full.then_some("--full");
        let step = bench(target.name, target).args(["--", "--json"]).args(long);
        process::lines(step, |line| {
            match serde_json::from_str::<Value>(line).context("it is not JSON") {
                Ok(object) => match Row::read(&object) {
                    Ok(row) => show(row, json, &mut rows),
                    Err(error) => failure = Some(error),
                },
                Err(error) => failure = Some(error),
            }
        })?;
        if let Some(error) = failure {
            return Err(error.context(format!("{} printed something else than rows", target.name)));
        }
    }
    if name == "simulation" {
        match agents::measure(&rows) {
            Ok(row) => show(row, json, &mut rows),
            Err(error) => complain(&format!("skipped: {}: {error:#}", agents::MEASURE)),
        }
    }
    Ok(rows)
}

fn show(row: Row, json: bool, rows: &mut Vec<Row>) {
    if json {
        say(&row.to_json().to_string());
    }
    rows.push(row);
}

fn bench(name: &'static str, target: &Target) -> Step {
    let arguments = ["bench", "--quiet", "--package", target.package, "--bench", target.name];
    Step::new(name, cargo()).args(arguments)
}
