//! What CI runs, and what is too long for it.

use std::env;

use anyhow::{Context, Result, bail};

use crate::{
    complain, contracts, coverage, fuzz, generate, guests, interop,
    process::{Step, answers, cargo, run},
    python, tidy,
};

/// How long `test` runs each fuzz target of secure execution, in seconds; unset, it runs none.
const FUZZ_SECONDS: &str = "CHAOSCHAIN_FUZZ_SECONDS";
/// How long `test --long` runs each fuzz target, in seconds.
const LONG_FUZZ_SECONDS: u32 = 600;

pub(crate) fn everything(arguments: &[String]) -> Result<()> {
    match arguments {
        [] => short(),
        [long] if long == "--long" => {
            short()?;
            long_tests()
        }
        [other, ..] => bail!("test: unknown argument `{other}`; expected --long or nothing"),
    }
}

/// The order is cheapest first, so that a slip shows in seconds.
fn short() -> Result<()> {
    run_step(["fmt", "--all", "--check"], "format")?;
    guests::format()?;
    tidy::run()?;
    generate(true)?;
    run(Step::new("contracts", "npm").args(["test", "--silent"]).within("contracts"))?;
    python::check()?;
    run_step(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"], "lints")?;
    for step in tests() {
        run(step.env("CHAOSCHAIN_TEST", "1"))?;
    }
    run(Step::new("docs", cargo())
        .args(["doc", "--workspace", "--no-deps", "--quiet"])
        .env("RUSTDOCFLAGS", "--deny warnings"))?;
    match env::var(FUZZ_SECONDS) {
        Ok(seconds) => {
            let seconds = seconds.parse().with_context(|| format!("{FUZZ_SECONDS}={seconds}"))?;
            fuzz::smoke(&["execution"], seconds)
        }
        Err(_) => {
            complain(&format!(
                "xtask: fuzz: left out; {FUZZ_SECONDS}=20 adds a smoke run, as in CI"
            ));
            Ok(())
        }
    }
}

/// The workspace's tests: by nextest, which runs those of all crates side by side, where it is
/// installed. It leaves out the examples of the documentation, so that these are a step of their own.
fn tests() -> Vec<Step> {
    let workspace =
        |name, arguments: &[&str]| Step::new(name, cargo()).args(arguments).args(["--workspace"]);
    if answers("cargo-nextest", &["nextest", "--version"]) {
        return vec![
            workspace("tests", &["nextest", "run"]),
            workspace("examples", &["test", "--doc"]),
        ];
    }
    vec![workspace("tests", &["test"])]
}

/// How often `test --long` kills a process that appends; a change's tests do so two hundred times.
const LONG_KILLS: &str = "10000";

/// How many seeds of a misbehaving node `test --long` plays, and the kills at every question; a change's tests
/// play fifty.
const LONG_SEEDS: &str = "1000";

/// What takes hours: every bit of every signed prefix, ten thousand kills, a thousand seeds of a misbehaving node,
/// what others' implementations say, what judges the contracts, the coverage of all tests, and every fuzz target.
fn long_tests() -> Result<()> {
    run(Step::new("every bit", cargo())
        .args(["test", "--package", "chaos-attestation", "--test", "it", "no_bit"])
        .env("CHAOSCHAIN_EVERY_BIT", "1"))?;
    run(Step::new("kills", cargo())
        .args(["test", "--package", "chaos-ledger", "--test", "it", "two_hundred_kills"])
        .env("CHAOSCHAIN_KILLS", LONG_KILLS))?;
    run(Step::new("seeds", cargo())
        .args(["test", "--package", "chaos-node", "--test", "it", "seeds::"])
        .env("CHAOSCHAIN_SEEDS", LONG_SEEDS))?;
    interop::check()?;
    contracts::check()?;
    coverage::run(&["--check".to_owned()])?;
    fuzz::smoke(&[], LONG_FUZZ_SECONDS)
}

fn run_step<const N: usize>(arguments: [&str; N], name: &'static str) -> Result<()> {
    run(Step::new(name, cargo()).args(arguments))
}
