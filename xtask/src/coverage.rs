//! Which lines the tests run, crate by crate, by the compiler's own instrumentation.
//!
//! The instrumentation is given to the workspace's crates alone, by a wrapper of the compiler that
//! cargo calls for them and for nothing else: dependencies keep their artifacts. Reading the profiles
//! takes `llvm-profdata` and `llvm-cov` of the compiler's own major version, because their format
//! changes with it: those of rustup's `llvm-tools`, or of a Linux distribution's `llvm-N`.
//!
//! The shares that were reached once are kept, and may only rise ([`floor`]).

mod floor;

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    process::{self, Step, cargo, executables, target},
    root, say,
};

/// The compiler comes as the first argument.
const WRAPPER: &str = "#!/bin/sh\nrustc=$1\nshift\nexec \"$rustc\" \"$@\" -C instrument-coverage\n";

/// Lines with code, and those of them that some test ran.
#[derive(Debug, Default, Clone, Copy)]
struct Lines {
    all: u64,
    run: u64,
}

impl Lines {
    /// The share in thousandths, rounded down: a share that is shown was reached.
    const fn permille(self) -> u64 {
        self.run * 1000 / if self.all == 0 { 1 } else { self.all }
    }
}

/// Crates with their lines, and the workspace under [`ALL`].
type Shares = BTreeMap<String, Lines>;

/// The row of the whole workspace.
const ALL: &str = "all";

/// Prints the shares of the tests that the arguments choose; with `--check` of all tests, held
/// against what was reached before, and with `--raise` kept for the next time.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [check] if check == "--check" => floor::check(&measure(&[])?),
        [raise] if raise == "--raise" => floor::raise(&measure(&[])?),
        arguments => measure(arguments).map(|_| ()),
    }
}

/// Runs the tests that the arguments choose, all without any, and prints and gives the shares.
fn measure(arguments: &[String]) -> Result<Shares> {
    floor::ensure_no_option(arguments)?;
    let tools = Tools::find()?;
    let folder = target()?.join("coverage");
    let profiles = folder.join("profiles");
    if profiles.exists() {
        fs::remove_dir_all(&profiles).with_context(|| format!("{}", profiles.display()))?;
    }
    fs::create_dir_all(&profiles).with_context(|| format!("{}", profiles.display()))?;
    let wrapper = write_wrapper(&folder)?;
    let step = |name: &'static str| {
        let step = Step::new(name, cargo()).args(["test", "--lib", "--bins", "--tests"]);
        let step =
            if arguments.is_empty() { step.arg("--workspace") } else { step.args(arguments) };
        step.env("RUSTC_WORKSPACE_WRAPPER", &wrapper)
            .env("LLVM_PROFILE_FILE", profiles.join("%m-%p.profraw"))
            .env("CHAOSCHAIN_TEST", "1")
    };
    let objects = executables(step("coverage build").arg("--no-run"))?;
    process::run(step("coverage tests"))?;
    let merged = folder.join("merged.profdata");
    process::run(
        Step::new("coverage profiles", &tools.profdata)
            // Tests kill processes, whose profiles end in the middle.
            .args(["merge", "--sparse", "--failure-mode=all", "--output"])
            .arg(&merged)
            .arg(&profiles),
    )?;
    let shares = with_sum(by_crate(&tools.export(&merged, &objects)?)?);
    ensure!(shares.len() > 1, "no line of any crate was run");
    say(table(&shares).trim_end());
    Ok(shares)
}

fn write_wrapper(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("rustc");
    // Written anew only when it differs: cargo builds again when its wrapper changes.
    if !fs::read(&path).is_ok_and(|there| there == WRAPPER.as_bytes()) {
        fs::write(&path, WRAPPER).with_context(|| format!("{}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(path)
}

/// The two programs that read profiles.
struct Tools {
    profdata: PathBuf,
    cov: PathBuf,
}

impl Tools {
    /// Those of the compiler's toolchain, then those with its LLVM's version in their names, then
    /// any whose version fits.
    fn find() -> Result<Self> {
        let (library, major) = compiler()?;
        let mut places = vec![library.join("bin").join("llvm-profdata")];
        for folder in env::split_paths(&env::var_os("PATH").unwrap_or_default()) {
            places.push(folder.join(format!("llvm-profdata-{major}")));
            places.push(folder.join("llvm-profdata"));
        }
        // Older versions of `llvm-profdata` do not know `--version`; its companion always did.
        let pairs = places.into_iter().filter_map(|profdata| {
            let name = profdata.file_name()?.to_string_lossy().replace("profdata", "cov");
            let cov = profdata.with_file_name(name);
            profdata.exists().then_some(Self { profdata, cov })
        });
        pairs.into_iter().find(|pair| version(&pair.cov).is_some_and(|v| v == major)).with_context(
            || {
                format!(
                    "coverage needs llvm-profdata and llvm-cov {major}, whose format is the \
                     compiler's: `rustup component add llvm-tools`, or a package `llvm-{major}`"
                )
            },
        )
    }

    /// The sums per file, as `llvm-cov export` gives them.
    fn export(&self, profile: &Path, objects: &[PathBuf]) -> Result<Value> {
        let mut command = Command::new(&self.cov);
        command.args(["export", "--summary-only", "--instr-profile"]).arg(profile);
        for (number, object) in objects.iter().enumerate() {
            if number > 0 {
                command.arg("--object");
            }
            command.arg(object);
        }
        let output = command.output().context("cannot run llvm-cov")?;
        ensure!(
            output.status.success(),
            "llvm-cov failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).context("llvm-cov printed no JSON")
    }
}

/// The folder of the compiler's own programs, and the major version of its LLVM.
fn compiler() -> Result<(PathBuf, String)> {
    let ask = |arguments: &[&str]| {
        let program = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
        let output = Command::new(program).args(arguments).current_dir(root()).output();
        let output = output.context("cannot run rustc")?;
        Ok::<_, anyhow::Error>(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let about = ask(&["-vV"])?;
    let llvm = about.lines().find_map(|line| line.strip_prefix("LLVM version: "));
    let major = llvm.and_then(|version| version.split('.').next());
    let major = major.context("rustc -vV names no version of LLVM")?.to_owned();
    let library = PathBuf::from(ask(&["--print", "target-libdir"])?.trim());
    Ok((library.parent().unwrap_or(&library).to_owned(), major))
}

/// The major version of LLVM that a program says it is of.
fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, version) = text.split_once("LLVM version ")?;
    version.split('.').next().map(ToOwned::to_owned)
}

/// Adds up the files below `crates/NAME/src` but the tests among them.
fn by_crate(export: &Value) -> Result<Shares> {
    let files = export["data"][0]["files"].as_array().context("llvm-cov lists no files")?;
    let mut crates = Shares::new();
    for file in files {
        let path = Path::new(file["filename"].as_str().unwrap_or_default());
        let Ok(path) = path.strip_prefix(root().join("crates")) else { continue };
        let mut parts = path.iter().map(|part| part.to_string_lossy());
        let (Some(name), Some(folder)) = (parts.next(), parts.next()) else { continue };
        if folder != "src" || path.iter().any(|part| part == "tests" || part == "tests.rs") {
            continue;
        }
        let lines = &file["summary"]["lines"];
        let count = |key: &str| lines[key].as_u64().context("llvm-cov counts no lines");
        let sum = crates.entry(name.into_owned()).or_default();
        sum.all += count("count")?;
        sum.run += count("covered")?;
    }
    Ok(crates)
}

/// Adds the row of the workspace.
fn with_sum(mut crates: Shares) -> Shares {
    let mut whole = Lines::default();
    for lines in crates.values() {
        whole.all += lines.all;
        whole.run += lines.run;
    }
    crates.insert(ALL.to_owned(), whole);
    crates
}

/// Crate by crate, and the workspace last.
fn table(shares: &Shares) -> String {
    let mut text = format!("{:<20} {:>7} {:>7} {:>7}\n", "crate", "lines", "run", "share");
    let (whole, crates): (Vec<_>, Vec<_>) = shares.iter().partition(|(name, _)| *name == ALL);
    for (name, lines) in crates.into_iter().chain(whole) {
        let share = percent(lines.permille());
        text.push_str(&format!("{name:<20} {:>7} {:>7} {share:>7}\n", lines.all, lines.run));
    }
    text
}

fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_added_up_per_crate_without_tests_and_dependencies() {
        let file = |path: &str, count: u64, covered: u64| {
            let path = root().join(path);
            json!({"filename": path, "summary": {"lines": {"count": count, "covered": covered}}})
        };
        let export = json!({"data": [{"files": [
            file("crates/chaos-log/src/tree.rs", 10, 9),
            file("crates/chaos-log/src/tree/tests.rs", 100, 100),
            file("crates/chaos-log/tests/it/main.rs", 100, 100),
            file("crates/chaos-types/src/lib.rs", 3, 2),
            json!({"filename": "/registry/serde/src/lib.rs",
                   "summary": {"lines": {"count": 5, "covered": 0}}}),
        ]}]});
        let text = table(&with_sum(by_crate(&export).unwrap()));
        let rows: Vec<Vec<&str>> =
            text.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["chaos-log", "10", "9", "90.0", "%"]);
        assert_eq!(rows[1], ["chaos-types", "3", "2", "66.6", "%"]);
        assert_eq!(rows[2], ["all", "13", "11", "84.6", "%"]);
    }
}
