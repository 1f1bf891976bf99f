//! The same of the second layout of leaves, whose roots over the folded state every later version has
//! to come to. `fixtures/second` says how its files were made.

use std::{collections::BTreeSet, fs, path::PathBuf};

use chaos_types::canonical;
use serde_json::Value;
use tempfile::TempDir;

use super::{copy, ensure_same_action, first};
use crate::program::{root, run};

fn second(name: &str) -> PathBuf {
    root().join("fixtures/second").join(name)
}

fn printed(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(second("printed").join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bundles() -> Vec<PathBuf> {
    let folders = ["bundles", "kinds"].map(|folder| fs::read_dir(second(folder)).unwrap());
    let mut paths: Vec<_> =
        folders.into_iter().flatten().map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
}

fn copied() -> (TempDir, String) {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    copy(&second("log"), &data);
    let text = data.to_str().unwrap().to_owned();
    (dir, text)
}

/// A root in a leaf that came out otherwise would refuse its entry, and every row behind it.
#[test]
fn leaves_of_the_second_layout_state_what_they_fold_to() {
    let (_dir, data) = copied();
    run(["log", "rebuild", "--data", &data]).expect_code(0);
    run(["log", "rebuild", "--check", "--data", &data]).expect_code(0);
    let shown = run(["log", "show", "--data", &data, "--json"]).expect_code(0).json();
    assert_eq!(shown, printed("log.jsonl"));
    let agents = run(["agent", "list", "--data", &data, "--json"]).expect_code(0).json();
    assert_eq!(agents, printed("agents.jsonl"));
}

/// The first leaf of the second layout commits to all rows of the entries before it.
#[test]
fn a_log_of_both_layouts_folds_to_the_root_that_it_states() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    copy(&first("log"), &data);
    let database = "chaoschain.sqlite";
    fs::copy(second("continued").join(database), data.join(database)).unwrap();
    let data = data.to_str().unwrap();
    run(["log", "rebuild", "--data", data]).expect_code(0);
    run(["log", "rebuild", "--check", "--data", data]).expect_code(0);
    let shown = run(["log", "show", "--data", data, "--json"]).expect_code(0).json();
    assert_eq!(shown.len(), 22);
    assert!(shown.iter().all(|line| line["refused"].is_null()), "{shown:?}");
}

#[test]
fn a_log_of_the_second_layout_takes_new_entries() {
    let (_dir, data) = copied();
    // Nothing here remembers what it signed elsewhere.
    run(["log", "resume", "--only-copy", "--data", &data]).expect_code(0);
    let register = ["agent", "register", "--name", "newcomer", "--role", "researcher"];
    run([&register[..], &["--data", &data]].concat()).expect_code(0);
    run(["log", "rebuild", "--check", "--data", &data]).expect_code(0);
}

#[test]
fn bundles_of_the_second_format_verify() {
    let log = printed("demo.json")[0]["log"].as_str().unwrap().to_owned();
    let (mut shown, mut said) = (0, 0);
    for bundle in bundles() {
        let line = run(["verify", bundle.to_str().unwrap(), "--log", &log, "--json"])
            .expect_code(0)
            .json()
            .remove(0);
        assert_eq!(line["verdict"], "accepted", "{}: {line}", bundle.display());
        match line["words"]["counted"].as_str().unwrap() {
            "shown" => shown += 1,
            _ => said += 1,
        }
    }
    assert_eq!((shown, said), (21, 3));
}

#[test]
fn receipts_of_the_second_format_keep_their_wire_form() {
    let mut kinds = BTreeSet::new();
    for bundle in bundles() {
        let bundle: Value = canonical::from_slice(&fs::read(bundle).unwrap()).unwrap();
        let bytes = canonical::to_vec(&bundle["envelope"]).unwrap();
        kinds.insert(ensure_same_action(&canonical::from_slice(&bytes).unwrap()));
    }
    assert!(kinds.contains("update") && kinds.len() == 14, "{kinds:?}");
}
