//! The one door to the project's chores: `cargo xtask` with
//! `{demo,test,coverage,bench,fuzz,python,interop,contracts,tidy,gen}`.

mod bench;
mod contracts;
mod coverage;
mod fuzz;
mod guests;
mod interop;
mod process;
mod python;
mod test;
mod tidy;

use std::{env, path::Path, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use process::{Step, become_step, cargo, executables, npm_install, run};

const HELP: &str = "\
usage: cargo xtask <command>

  demo [ARGS]         set up, build, and run `chaoschain demo` (ARGS are passed on); without --out
                      it goes to demo-out, or beside an earlier demo to demo-out-2 and so on
  test [--long]       everything CI checks: format, layers, stale artifacts, lints, tests,
                      the Python package where python3 exists; --long adds what takes hours
  coverage [ARGS]     lines that the tests run, per crate; ARGS choose tests (`--package chaos-log`),
                      --check refuses less than was reached once, --raise keeps what is reached now
  bench [NAME] [--json]   measure; NAME is one of simulation, replay, append, verify,
                      attestation, release, sandbox (default: all; simulation includes replay)
  fuzz [NAME..] [--seconds N]   run fuzz targets for N seconds each (default 120): all, by name,
                      or `execution` for those of secure execution
  python              the part of `test` that checks sdk/python
  interop             have other people's implementations judge a demo and a served log, as
                      `test --long` does; says so if their tools are missing
  contracts           gas bounds, slither, halmos and small wrong changes to the contracts, as
                      `test --long` does; says so if a tool is missing
  tidy                imports point down and ARCHITECTURE.md names the crates that exist
  gen [--check]       compile the contracts into contracts/artifacts and the sandbox's components
                      into guests/artifacts; --check only compares
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let outcome = match command {
        "demo" => demo(rest),
        "test" => test::everything(rest),
        "coverage" => coverage::run(rest),
        "bench" => bench::run(rest),
        "fuzz" => fuzz::run(rest),
        "python" => python::check(),
        "interop" => interop::check(),
        "contracts" => contracts::check(),
        "tidy" => tidy::run(),
        "gen" => generate(rest.iter().any(|argument| argument == "--check")),
        "help" | "--help" | "-h" => {
            say(HELP);
            Ok(())
        }
        other => bail_unknown(other),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn bail_unknown(command: &str) -> Result<()> {
    bail!("unknown command `{command}`\n\n{HELP}")
}

fn demo(arguments: &[String]) -> Result<()> {
    npm_install()?;
    let built =
        executables(Step::new("build", cargo()).args(["build", "--package", "chaos-node"]))?;
    let binary = built.first().context("cargo names no program that it built")?;
    let mut step = Step::new("demo", binary).arg("demo").args(arguments);
    if !arguments.iter().any(|argument| argument == "--out" || argument.starts_with("--out=")) {
        let out = demo_folder(Path::new("."));
        if out != DEMO_OUT {
            complain(&format!("{DEMO_OUT} holds an earlier demo; this one goes to {out}"));
        }
        step = step.args(["--out", &out]);
    }
    become_step(step)
}

/// Where a demo goes unless it is told.
const DEMO_OUT: &str = "demo-out";

/// The first of `demo-out`, `demo-out-2` and so on in a folder that holds no finished demo.
fn demo_folder(parent: &Path) -> String {
    let numbered = (2_u32..).map(|number| format!("{DEMO_OUT}-{number}"));
    std::iter::once(DEMO_OUT.to_owned())
        .chain(numbered)
        .find(|name| !parent.join(name).join("bundles").exists())
        .expect("no folder has four thousand million demos")
}

fn generate(check: bool) -> Result<()> {
    npm_install()?;
    let mut step = Step::new("gen", "node").arg("scripts/compile.mjs").within("contracts");
    if check {
        step = step.arg("--check");
    }
    run(step)?;
    if check { guests::check() } else { guests::generate() }
}

/// The workspace's root folder.
fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("xtask lies in the workspace")
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "talk goes to stderr")]
fn complain(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests;
