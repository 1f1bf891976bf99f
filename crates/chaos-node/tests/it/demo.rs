use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, anvil_is_there, run};

fn demo(out: &Path) -> Run {
    run(["demo", "--out", out.to_str().unwrap(), "--json"])
}

fn bundles(out: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(out.join("bundles")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn bundle(out: &Path, kind: &str) -> std::path::PathBuf {
    let ends = format!("-{kind}.json");
    bundles(out)
        .into_iter()
        .rfind(|path| path.to_string_lossy().ends_with(&ends))
        .unwrap_or_else(|| panic!("no bundle of kind {kind}"))
}

fn verify(path: &Path, more: &[&str]) -> Run {
    run([&["verify", path.to_str().unwrap(), "--json"], more].concat())
}

/// One run, looked at from all sides: a demo takes a few seconds.
#[test]
fn demo_tells_the_whole_story_and_strangers_can_check_it() {
    if !anvil_is_there() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("out");
    let first = demo(&out).expect_code(0).json().remove(0);
    for file in ["proposal.md", "proposal.json", "report.html"] {
        assert!(fs::metadata(out.join(file)).unwrap().len() > 1_000, "{file}");
    }
    every_kind_of_action_has_a_bundle(&out);
    every_bundle_verifies(&out, &first);
    flipped_and_truncated_bundles_are_rejected(&out);
    reexecution_needs_its_inputs(&out);
    views_rebuild_from_the_log(&out);

    let second = demo(&out).expect_code(0).json().remove(0);
    assert_eq!(first["result_digest"], second["result_digest"], "same blocks, same result");
    assert_ne!(first["log"], second["log"], "another log with other keys");
    let foreign = first["log"].as_str().unwrap();
    let rejected = verify(&bundle(&out, "draft"), &["--log", foreign]).expect_code(1).json();
    assert_eq!(failed(&rejected[0]), "checkpoint");
}

fn every_kind_of_action_has_a_bundle(out: &Path) {
    for kind in [
        "register",
        "analyse",
        "simulate",
        "draft",
        "submit",
        "observe-vote",
        "score",
        "pay",
        "verify",
    ] {
        bundle(out, kind);
    }
}

fn every_bundle_verifies(out: &Path, summary: &Value) {
    let log = summary["log"].as_str().unwrap();
    for path in bundles(out) {
        let line = verify(&path, &["--log", log]).expect_code(0).json().remove(0);
        assert_eq!(line["verdict"], "accepted");
        let checks = line["checks"].as_array().unwrap();
        assert_eq!(checks.len(), 8, "every check is listed: {line}");
        let anchor = checks.iter().find(|check| check["check"] == "anchor").unwrap();
        assert_eq!(anchor["status"], "passed", "{line}");
    }
    let draft = verify(&bundle(out, "draft"), &[]).json().remove(0);
    assert_eq!(draft["receipt"]["id"], summary["receipt"]);
}

fn failed(line: &Value) -> String {
    let checks = line["checks"].as_array().unwrap();
    let failed: Vec<_> = checks.iter().filter(|check| check["status"] == "failed").collect();
    assert_eq!(failed.len(), 1, "the first failing check is named: {line}");
    failed[0]["check"].as_str().unwrap().to_owned()
}

/// Every part of the file, in 64 places; the property over all bytes is tested in chaos-agency.
fn flipped_and_truncated_bundles_are_rejected(out: &Path) {
    let good = fs::read(bundle(out, "draft")).unwrap();
    let path = out.join("tampered.json");
    for step in 0..64 {
        let at = step * good.len() / 64;
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        fs::write(&path, &flipped).unwrap();
        let line = verify(&path, &[]).expect_code(1).json().remove(0);
        assert_eq!(line["verdict"], "rejected", "byte {at}");
        failed(&line);
    }
    fs::write(&path, &good[..good.len() - 1]).unwrap();
    assert_eq!(failed(&verify(&path, &[]).expect_code(1).json()[0]), "format");
    fs::remove_file(&path).unwrap();
    verify(&path, &[]).expect_error(3, &["tampered.json"]);
}

fn reexecution_needs_its_inputs(out: &Path) {
    for kind in ["analyse", "simulate", "draft", "score", "pay"] {
        let line = verify(&bundle(out, kind), &["--reexecute"]).expect_code(0).json().remove(0);
        let checks = line["checks"].as_array().unwrap();
        let evidence = checks.iter().find(|check| check["check"] == "evidence").unwrap();
        assert!(evidence["detail"].as_str().unwrap().starts_with("re-executed"), "{line}");
    }
    let elsewhere = TempDir::new().unwrap();
    let empty = elsewhere.path().to_str().unwrap();
    let more = ["--reexecute", "--inputs", empty];
    let line = verify(&bundle(out, "simulate"), &more).expect_code(1).json().remove(0);
    assert_eq!(failed(&line), "evidence");
    assert!(line.to_string().contains("--inputs"), "says what to do: {line}");
}

fn views_rebuild_from_the_log(out: &Path) {
    let data = out.join("data");
    let arguments = ["log", "rebuild", "--check", "--json", "--data", data.to_str().unwrap()];
    let line = run(arguments).expect_code(0).json().remove(0);
    assert_eq!(line["agree"], true);
    for view in ["actions", "agents", "proposals", "reputation", "rewards"] {
        assert!(line["views"][view]["rows"].as_u64().unwrap() > 0, "{view} is empty");
    }
    assert_eq!(line["views"]["refused"]["rows"], 0);
}

#[test]
fn demo_leaves_a_folder_that_is_not_its_own_alone() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("thesis.tex"), "years of work").unwrap();
    demo(dir.path()).expect_error(3, &["not empty"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
