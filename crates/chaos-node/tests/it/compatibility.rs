//! What the first version wrote still opens, folds, verifies and resumes, and what it hashed and
//! signed keeps its bytes. `fixtures/first` says how its files were made.

mod second;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_agency::{Kinds, Receipt};
use chaos_sandbox::{Configuration, Sandbox};
use chaos_types::{Digest, canonical, dsse::Envelope};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{anvil_is_there, root, run};

/// The kinds of receipts that the program knows.
pub(crate) const KINDS: Kinds =
    Kinds::new(&[chaos_governance::receipts::EXTENSION, chaos_broker::receipts::EXTENSION]);

/// A file or folder that the first version wrote.
pub(crate) fn first(name: &str) -> PathBuf {
    root().join("fixtures/first").join(name)
}

/// What the first version printed.
fn printed(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(first("printed").join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A copy that may be changed.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

pub(crate) fn copied(name: &str) -> (TempDir, String) {
    let dir = TempDir::new().unwrap();
    let to = dir.path().join("data");
    copy(&first(name), &to);
    let text = to.to_str().unwrap().to_owned();
    (dir, text)
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(first(folder)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 10, "{folder}: {} files", paths.len());
    paths
}

#[test]
fn a_log_of_the_first_version_folds_to_the_views_that_it_stored() {
    let (_dir, data) = copied("log");
    run(["log", "rebuild", "--check", "--data", &data]).expect_code(0);
    let shown = run(["log", "show", "--data", &data, "--json"]).expect_code(0).json();
    assert_eq!(shown, printed("log.jsonl"));
    let agents = run(["agent", "list", "--data", &data, "--json"]).expect_code(0).json();
    assert_eq!(agents, printed("agents.jsonl"));
}

#[test]
fn a_log_of_the_first_version_takes_new_entries() {
    let (_dir, data) = copied("log");
    // Nothing here remembers what it signed elsewhere.
    run(["log", "resume", "--only-copy", "--data", &data]).expect_code(0);
    let register = ["agent", "register", "--name", "newcomer", "--role", "researcher"];
    run([&register[..], &["--data", &data]].concat()).expect_code(0);
    run(["log", "rebuild", "--check", "--data", &data]).expect_code(0);
    let shown = run(["log", "show", "--data", &data, "--json"]).expect_code(0).json();
    assert_eq!(shown.len(), printed("log.jsonl").len() + 1);
}

#[test]
fn bundles_of_the_first_version_verify() {
    let log = printed("demo.json")[0]["log"].as_str().unwrap().to_owned();
    for bundle in files("bundles") {
        let line = run(["verify", bundle.to_str().unwrap(), "--log", &log, "--json"])
            .expect_code(0)
            .json()
            .remove(0);
        assert_eq!(line["verdict"], "accepted", "{}: {line}", bundle.display());
    }
}

/// Whatever could be run again still can: natively, and in the component that a receipt names. What a
/// score or a payment would be run on is its signer's summary of the log, and shows nothing; from a copy
/// of the log both are recomputed.
#[test]
fn bundles_of_the_first_version_reexecute() {
    let (_dir, data) = copied("log");
    // A copy is read as it is; what an earlier version left is mended first.
    run(["log", "rebuild", "--data", &data]).expect_code(0);
    let inputs = first("inputs");
    let inputs = ["--reexecute", "--inputs", inputs.to_str().unwrap(), "--json"];
    let evidence = |line: &Value| {
        let checks = line["checks"].as_array().unwrap();
        checks.iter().find(|check| check["check"] == "evidence").unwrap().clone()
    };
    let (mut repeated, mut recomputed) = (0, 0);
    for bundle in files("bundles") {
        let verify = [&["verify", bundle.to_str().unwrap()], &inputs[..]].concat();
        let line =
            run([&verify[..], &["--log-dir", &data]].concat()).expect_code(0).json().remove(0);
        assert_eq!(line["words"]["counted"], "recomputed", "{}: {line}", bundle.display());
        if !line["receipt"]["evidence"].as_str().unwrap().contains("replayable") {
            continue;
        }
        assert_eq!(evidence(&line)["status"], "passed", "{}: {line}", bundle.display());
        repeated += 1;
        if ["score", "pay"].contains(&line["receipt"]["kind"].as_str().unwrap()) {
            let alone = run(verify).expect_code(1).json().remove(0);
            assert_eq!(evidence(&alone)["code"], "inputs-not-from-log", "{alone}");
            recomputed += 1;
        }
    }
    assert_eq!((repeated, recomputed), (9, 2));
}

/// Reading a receipt and writing its action again gives the bytes that were signed.
#[test]
fn actions_keep_their_wire_form() {
    let mut kinds = BTreeSet::new();
    for bundle in files("bundles").into_iter().chain(files("kinds")) {
        let bundle: Value = canonical::from_slice(&fs::read(bundle).unwrap()).unwrap();
        let history = bundle["history"].as_array().unwrap().iter();
        for logged in history.chain([&bundle["receipt"]]) {
            let bytes = canonical::to_vec(&logged["envelope"]).unwrap();
            kinds.insert(ensure_same_action(&canonical::from_slice(&bytes).unwrap()));
        }
    }
    let expected = [
        "anchor",
        "analyse",
        "draft",
        "observe_vote",
        "oversee",
        "pay",
        "register",
        "revoke",
        "rotate_key",
        "run",
        "score",
        "simulate",
        "submit",
        "verify",
    ];
    let missing: Vec<_> = expected.iter().filter(|kind| !kinds.contains(**kind)).collect();
    assert!(missing.is_empty(), "no receipt of {missing:?} among {kinds:?}");
}

/// The kind of the action that an envelope holds.
#[track_caller]
fn ensure_same_action(envelope: &Envelope) -> String {
    let payload = STANDARD.decode(&envelope.payload).unwrap();
    let statement: Value = canonical::from_slice(&payload).unwrap();
    let receipt = Receipt::open(envelope, &KINDS).unwrap();
    assert_eq!(
        canonical::to_vec(&receipt.action).unwrap(),
        canonical::to_vec(&statement["predicate"]["action"]).unwrap()
    );
    receipt.action.kind().to_owned()
}

#[test]
fn a_control_plane_of_the_first_version_folds_to_the_same_state() {
    let (_dir, data) = copied("broker");
    run(["log", "rebuild", "--check", "--data", &data]).expect_code(0);
    run(["log", "resume", "--only-copy", "--data", &data]).expect_code(0);
    for (command, file) in [
        (["secret", "audit"], "secret-audit.jsonl"),
        (["secret", "list"], "secret-list.jsonl"),
        (["lease", "list"], "lease-list.jsonl"),
        (["service", "list"], "service-list.jsonl"),
        (["broker", "allowlist"], "broker-allowlist.jsonl"),
    ] {
        let shown = run([&command[..], &["--data", &data, "--json"]].concat());
        let shown = shown.expect_code(0).json();
        assert_eq!(ageless(shown), ageless(printed(file)), "{command:?}");
    }
}

/// Without the states that only time brings: whatever lived then has expired since.
fn ageless(mut rows: Vec<Value>) -> Vec<Value> {
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        if row.get("state").is_some_and(|state| state != "revoked") {
            row.remove("state");
        }
    }
    rows
}

/// Cells that were kept do not say whether the one fee rule gives their figures: they are left as they
/// are and computed anew, and the result is that of the undisturbed study.
#[test]
fn a_study_of_the_first_version_resumes_to_its_digest() {
    let dir = TempDir::new().unwrap();
    copy(&first("study"), &dir.path().join("study"));
    copy(&first("inputs"), &dir.path().join("inputs"));
    let cells = dir.path().join("study/out/cells");
    let kept: BTreeMap<_, _> = fs::read_dir(&cells)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.path(), entry.metadata().unwrap().modified().unwrap()))
        .collect();
    assert!(!kept.is_empty());
    let path = |name: &str| dir.path().join("study").join(name).to_str().unwrap().to_owned();
    let (file, out) = (path("study.toml"), path("out"));
    let ran = run(["simulate", "--experiment", &file, "--out", &out, "--json"]).expect_code(0);
    // A study is named by its content since; under the name that it had, by its bytes, the result is the first version's.
    let result = fs::read_to_string(path("out/result.json")).unwrap();
    let first = printed("study.json").remove(0);
    let (now, before) = (ran.json().remove(0)["study"].clone(), first["study"].clone());
    let result = result.trim_end().replace(now.as_str().unwrap(), before.as_str().unwrap());
    assert_eq!(json!(Digest::of(result.as_bytes())), first["result_digest"]);
    let earlier = kept.len();
    for (cell, written) in kept {
        let now = fs::metadata(&cell).unwrap().modified().unwrap();
        assert_eq!(now, written, "{} was changed", cell.display());
    }
    assert_eq!(fs::read_dir(&cells).unwrap().count(), earlier + 6);
}

/// The fields of an object that another one has.
fn only(object: &Value, other: &Value) -> Value {
    let names = other.as_object().unwrap().keys();
    names.map(|name| (name.clone(), object[name].clone())).collect()
}

#[test]
fn recorded_blocks_replay_and_simulate_to_the_same_figures() {
    let inputs = first("inputs");
    let blocks = inputs.to_str().unwrap();
    let replayed = run(["replay", "--blocks", blocks, "--json"]).expect_code(0).json();
    // Later versions say more of each block; of what the first one said nothing is another.
    let first = printed("replay.jsonl");
    assert_eq!(replayed.len(), first.len());
    for (now, first) in timeless(replayed).iter().zip(timeless(first)) {
        for (name, value) in first.as_object().unwrap() {
            let now =
                if name == "summary" { only(&now["summary"], value) } else { now[name].clone() };
            assert_eq!(now, *value, "{name} of {first}");
        }
    }
    let simulate = ["simulate", "--blocks", blocks, "--set", "gas-limit=6000000"];
    let more = ["--paths", "8", "--path-blocks", "200", "--json"];
    let simulated = run([&simulate[..], &more].concat()).expect_code(0).json();
    assert_eq!(timeless(simulated), timeless(printed("simulate.jsonl")));
}

/// The same generated blocks, the same analysis, drafts and simulations.
#[test]
fn demo_comes_to_the_result_of_the_first_version() {
    if !anvil_is_there() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("demo-out");
    let told = run(["demo", "--out", out.to_str().unwrap(), "--json"]).expect_code(0).json();
    assert_eq!(told[0]["result_digest"], printed("demo.json")[0]["result_digest"]);
}

/// What decides a component's answer and fuel is part of signed receipts.
#[test]
fn components_keep_their_code_identity() {
    let sandbox = Sandbox::new(Configuration::default()).unwrap();
    for identity in printed("components.jsonl") {
        let file = root().join("guests/artifacts").join(identity["file"].as_str().unwrap());
        let component = sandbox.compile(&fs::read(file).unwrap()).unwrap();
        assert_eq!(serde_json::to_value(component.code()).unwrap(), identity["code"]);
    }
}

/// Without what a clock says.
fn timeless(mut lines: Vec<Value>) -> Vec<Value> {
    for line in &mut lines {
        strip(line);
    }
    lines
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| name != "seconds");
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
