//! Running the program.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// The key of anvil's first development account, which anvil prints on every start.
pub(crate) const DEVELOPMENT_KEY: &str =
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The lines of stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).expect("one JSON object per line");
        self.stdout.lines().map(parse).collect()
    }

    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// The run failed with `code` and an error that names `words`.
    #[track_caller]
    pub(crate) fn expect_error(self, code: i32, words: &[&str]) -> Self {
        let run = self.expect_code(code);
        // What was read may be said before what is wrong with it.
        assert!(run.stderr.lines().any(|line| line.starts_with("error: ")), "{}", run.stderr);
        for word in words {
            assert!(run.stderr.contains(word), "`{word}` is not in: {}", run.stderr);
        }
        run
    }
}

/// Runs the program with a password set.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Run {
    run_with(arguments, &[("CHAOSCHAIN_PASSWORD", "test")])
}

/// Runs the program with exactly these of its variables set.
pub(crate) fn run_with<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    variables: &[(&str, &str)],
) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaoschain"));
    for name in ["CHAOSCHAIN_PASSWORD", "CHAOSCHAIN_DATA", "CHAOSCHAIN_PRIVATE_KEY"] {
        command.env_remove(name);
    }
    command.env("CHAOSCHAIN_HEADS", heads()).args(arguments).envs(variables.iter().copied());
    outcome(&mut command)
}

fn outcome(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().expect("the program was built");
    Run {
        code: status.code().unwrap_or(-1),
        stdout: String::from_utf8(stdout).expect("UTF-8"),
        stderr: String::from_utf8(stderr).expect("UTF-8"),
    }
}

/// Runs a command line as a person types it in the folder `cwd`, with a password set.
pub(crate) fn type_in(cwd: &Path, line: &str) -> Run {
    let program = Path::new(env!("CARGO_BIN_EXE_chaoschain"));
    let folder = program.parent().expect("a program is in a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path).expect("no folder has a colon in its name");
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(cwd).env("PATH", path);
    command.env_remove("CHAOSCHAIN_DATA").env("CHAOSCHAIN_PASSWORD", "test");
    command.env("CHAOSCHAIN_HEADS", heads());
    outcome(&mut command)
}

/// Where tests remember signed heads; a log's key is its own, so that they share one folder.
pub(crate) fn heads() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("heads")
}

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of the recorded data set, or `None` after saying that the test is skipped.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(folder);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: ../shared/data is absent");
    None
}

/// Whether a local chain can be started; where CI runs, it must be.
pub(crate) fn anvil_is_there() -> bool {
    let there = chaos_chains::anvil::find(Some(&root())).is_some();
    assert!(there || std::env::var_os("CI").is_none(), "anvil is absent; run `cargo xtask test`");
    if !there {
        eprintln!("skipped: anvil is absent; `cargo xtask test` installs it");
    }
    there
}
