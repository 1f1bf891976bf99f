//! Documents that receipts name and that are not beside the log.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::{
    compatibility::{copied, first},
    program::{run, run_with},
};

/// A draft of the log of `fixtures/first`.
const DRAFT: &str = "bundles/10-draft.json";

fn remove_all(blobs: &Path) {
    for folder in fs::read_dir(blobs.join("sha256")).unwrap() {
        fs::remove_dir_all(folder.unwrap().path()).unwrap();
    }
}

#[test]
fn blobs_that_are_gone_are_named_and_are_no_success() {
    let (_dir, data) = copied("log");
    run(["log", "rebuild", "--data", &data]).expect_code(0);
    let whole = run(["log", "rebuild", "--check", "--data", &data, "--json"]).expect_code(0).json();
    assert_eq!(whole[0]["blobs_not_here"], 0);
    let blobs = Path::new(&data).join("blobs");
    let some = fs::read_dir(blobs.join("sha256")).unwrap().next().unwrap().unwrap().path();
    fs::remove_dir_all(some).unwrap();
    let shown = run(["log", "rebuild", "--check", "--data", &data]).expect_code(1);
    assert!(shown.stdout.contains("not here, and not checked: "), "{}", shown.stdout);
    assert!(shown.stdout.contains(", named by entry "), "{}", shown.stdout);
    assert!(shown.stderr.contains("log repair --from"), "{}", shown.stderr);
    remove_all(&blobs);
    let line = run(["log", "rebuild", "--check", "--data", &data, "--json"]).expect_code(1).json();
    assert_eq!(line[0]["blobs"], 0);
    assert!(line[0]["blobs_not_here"].as_u64().unwrap() > 20, "{}", line[0]);
    assert_eq!(line[0]["blobs_not_here_first"].as_array().unwrap().len(), 5);
}

#[test]
fn proof_says_which_documents_it_left_out() {
    let (_dir, data) = copied("log");
    run(["log", "rebuild", "--data", &data]).expect_code(0);
    let bundle = run(["verify", first(DRAFT).to_str().unwrap(), "--json"]).expect_code(0).json();
    let receipt = bundle[0]["receipt"]["id"].as_str().unwrap();
    let prove = ["log", "prove", receipt, "--data", &data];
    assert!(!run(prove).expect_code(0).stderr.contains("left out"));
    remove_all(&Path::new(&data).join("blobs"));
    let said = run(prove).expect_code(0).stderr;
    assert_eq!(said.matches("left out, since it is not here: sha256:").count(), 3, "{said}");
}

/// A mirror has the log; documents it has only as far as they were fetched.
#[test]
fn mirror_says_what_it_never_fetched() {
    let (_dir, data) = copied("log");
    run(["log", "rebuild", "--data", &data]).expect_code(0);
    let log = run(["log", "show", "--data", &data, "--json"]).expect_code(0).json();
    let bundle = fs::read(first(DRAFT)).unwrap();
    let bundle: serde_json::Value = serde_json::from_slice(&bundle).unwrap();
    let key = bundle["log"].as_str().unwrap();
    let dir = TempDir::new().unwrap();
    let mirror = dir.path().join("mirror");
    let mirror = mirror.to_str().unwrap();
    let told = run_with(["log", "mirror", &data, mirror, "--log", key], &[]).expect_code(0).stdout;
    assert!(told.starts_with(&format!("{} entries", log.len())), "{told}");
    assert!(told.contains("the log states nothing of what it folds to"), "{told}");
    let shown = run_with(["log", "rebuild", "--check", "--data", mirror], &[]).expect_code(0);
    assert!(shown.stdout.contains("not here, and not checked: "), "{}", shown.stdout);
}
