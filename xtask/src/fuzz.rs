//! Coverage-guided fuzzing with libFuzzer, on the pinned stable compiler.
//!
//! `cargo fuzz` wants a nightly compiler for its sanitizers. Coverage alone does not: these are the
//! flags that it passes for it (<https://github.com/rust-fuzz/cargo-fuzz>, `--sanitizer none`), so a
//! fresh machine needs nothing more than Rust and a C++ compiler.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    complain,
    process::{self, Step, cargo},
    root,
};

/// What turns on coverage feedback and assertions.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-sanitizer-coverage-stack-depth \
    -Cdebug-assertions -Ccodegen-units=1";

/// Longer inputs than this find nothing more in a short run, in bytes: the largest document a target
/// reads is a quote with its collateral.
const INPUT_BYTES_MAX: u32 = 64 << 10;

/// A package of fuzz targets and its folder.
struct Package {
    name: &'static str,
    folder: &'static str,
}

const PACKAGES: [Package; 2] = [
    Package { name: "chaos-fuzz", folder: "fuzz" },
    Package { name: "chaos-fuzz-execution", folder: "fuzz/execution" },
];

/// A fuzz target.
struct Target {
    package: &'static str,
    name: String,
}

/// Runs the named targets, `execution` for those of secure execution, or all.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut seconds = 120;
    let mut named = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            let given = rest.next().context("--seconds: expected a number")?;
            seconds = given.parse().with_context(|| format!("--seconds: `{given}`"))?;
        } else {
            named.push(argument.as_str());
        }
    }
    smoke(&named, seconds)
}

/// Runs each of the targets for so many seconds, as many at once as there are cores.
pub(crate) fn smoke(named: &[&str], seconds: u32) -> Result<()> {
    let mut chosen = targets()?;
    chosen.retain(|target| {
        named.is_empty()
            || named.contains(&target.name.as_str())
            || (named.contains(&"execution") && target.package == "chaos-fuzz-execution")
    });
    ensure!(!chosen.is_empty(), "no fuzz target is called {}", named.join(" or "));
    for package in &PACKAGES {
        let names: Vec<_> = chosen.iter().filter(|t| t.package == package.name).collect();
        if !names.is_empty() {
            build(package, &names)?;
        }
    }
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found = Vec::new();
    for group in chosen.chunks(at_once) {
        let running = group
            .iter()
            .map(|target| Ok((target, start(target, seconds)?)))
            .collect::<Result<Vec<_>>>()?;
        for (target, mut child) in running {
            let status = child.wait().with_context(|| format!("waiting for {}", target.name))?;
            complain(&format!("xtask: fuzz: {}: {seconds} s, {status}", target.name));
            if !status.success() {
                found.push(target.name.as_str());
            }
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let runs = built()?.join("runs");
    bail!("fuzz: {} failed; the input and the log are in {}", found.join(", "), runs.display())
}

fn targets() -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for package in &PACKAGES {
        let folder = root().join(package.folder).join("fuzz_targets");
        for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                targets.push(Target { package: package.name, name });
            }
        }
    }
    targets.sort_by(|one, other| (one.package, &one.name).cmp(&(other.package, &other.name)));
    Ok(targets)
}

fn build(package: &Package, targets: &[&Target]) -> Result<()> {
    let mut step = Step::new("fuzz build", cargo())
        .args(["build", "--release", "--locked", "--target", triple(), "--target-dir"])
        .arg(built()?)
        .args(["--manifest-path", "fuzz/Cargo.toml", "--package", package.name])
        .env("RUSTFLAGS", FLAGS);
    for target in targets {
        step = step.args(["--bin", &target.name]);
    }
    process::run(step)
}

/// Where targets are built and run.
fn built() -> Result<PathBuf> {
    Ok(process::target()?.join("fuzz"))
}

/// Naming the target keeps the flags away from build scripts and procedural macros.
const fn triple() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "aarch64-unknown-linux-gnu"
    } else {
        "x86_64-unknown-linux-gnu"
    }
}

fn start(target: &Target, seconds: u32) -> Result<Child> {
    let folder = built()?.join("runs").join(&target.name);
    let corpus = folder.join("corpus");
    fs::create_dir_all(&corpus).with_context(|| format!("{}", corpus.display()))?;
    let log = folder.join("log");
    let output = fs::File::create(&log).with_context(|| format!("{}", log.display()))?;
    let binary = built()?.join(triple()).join("release").join(&target.name);
    let mut command = Command::new(&binary);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-artifact_prefix={}/", folder.display()))
        .arg(&corpus)
        .current_dir(&folder)
        .stdout(Stdio::null())
        .stderr(output);
    // Inputs that are kept in the tree, so that a run of two minutes begins inside the formats.
    let seeds = root().join("fuzz/seeds").join(&target.name);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    command.spawn().with_context(|| format!("cannot start {}", binary.display()))
}
