//! A log that forked, as its mirrors and its readers find out.

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, run, run_with};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs a command on a data directory whose signed heads are remembered beside it.
fn on(data: &Path, arguments: &[&str]) -> Run {
    let heads = data.with_extension("heads");
    let variables = [("CHAOSCHAIN_PASSWORD", "test"), ("CHAOSCHAIN_HEADS", text(&heads))];
    let arguments = [arguments, &["--data", text(data), "--json"]].concat();
    run_with(arguments, &variables).expect_code(0)
}

fn register(data: &Path, name: &str) {
    on(data, &["agent", "register", "--name", name, "--role", "researcher"]);
}

fn sign(data: &Path) -> Value {
    on(data, &["log", "checkpoint"]).json().remove(0)
}

/// Two data directories of one log that went two ways, as a machine and its restored copy do, and the
/// log's verifier key.
fn forked(dir: &Path) -> (std::path::PathBuf, std::path::PathBuf, String) {
    let (one, other) = (dir.join("one"), dir.join("other"));
    register(&one, "ada");
    let key = sign(&one)["log"].as_str().unwrap().to_owned();
    let copied = Command::new("cp").arg("-r").args([&one, &other]).status().unwrap();
    assert!(copied.success());
    register(&one, "grace");
    sign(&one);
    // The copy's machine does not remember, and somebody vouches for what is not so.
    on(&other, &["log", "resume", "--only-copy"]);
    for name in ["edsger", "barbara"] {
        register(&other, name);
    }
    (one, other, key)
}

#[test]
fn mirror_and_monitor_end_with_6_and_leave_a_proof_that_verify_reads() {
    let dir = TempDir::new().unwrap();
    let (one, other, key) = forked(dir.path());
    let (mirror, watched) = (dir.path().join("mirror"), dir.path().join("watched"));
    for (command, folder) in [("mirror", &mirror), ("monitor", &watched)] {
        run(["log", command, text(&one), text(folder), "--log", &key]).expect_code(0);
    }
    // The other branch is longer, so that the proof is of a prefix.
    sign(&other);
    run(["log", "mirror", text(&other), text(&mirror)]).expect_error(6, &["forked"]);
    let seen =
        run(["log", "monitor", text(&other), text(&watched), "--json"]).expect_code(6).json();
    assert_eq!(seen[0]["alarm"], "fork");
    let alarm = seen[0]["file"].as_str().unwrap();
    let proof = alarm.replace(".json", ".fork");
    let shown = run(["verify", &proof, "--log", &key]).expect_code(6).stdout;
    assert!(shown.contains("the tree of size 4 that it signed does not start with"), "{shown}");
    // Whoever has a bundle of either branch learns of it from the file.
    let receipt =
        on(&one, &["log", "show"]).json()[2]["action"]["receipt"].as_str().unwrap().to_owned();
    let bundle = dir.path().join("bundle.json");
    on(&one, &["log", "prove", &receipt, "--out", text(&bundle)]);
    run(["verify", text(&bundle), "--log", &key]).expect_code(0);
    let lines = run(["verify", text(&bundle), &proof, "--json"]).expect_code(6).json();
    assert_eq!(lines[0]["verdict"], "rejected", "{}", lines[0]);
    assert!(fs::exists(alarm).unwrap());
}
