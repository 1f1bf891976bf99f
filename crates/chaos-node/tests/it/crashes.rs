//! What a kill leaves behind, prepared by hand, and what the next command makes of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chaos_store::{Records as _, Store};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, run};

fn in_data(data: &Path, arguments: &[&str]) -> Run {
    run([arguments, &["--data", data.to_str().unwrap(), "--json"]].concat())
}

fn register(data: &Path, name: &str) -> Run {
    in_data(data, &["agent", "register", "--name", name, "--role", "researcher"])
}

fn key_file(data: &Path, name: &str) -> PathBuf {
    data.join("keys").join(format!("{name}.pem"))
}

/// A key file that no log but the one in `elsewhere` knows, and its DID.
fn stray_key(elsewhere: &Path) -> (PathBuf, String) {
    let registered = register(elsewhere, "stray").expect_code(0).json().remove(0);
    (key_file(elsewhere, "stray"), registered["agent"].as_str().unwrap().to_owned())
}

/// The current key of an agent, as the log has it.
fn current_key(data: &Path, name: &str) -> String {
    let shown = in_data(data, &["agent", "show", name]).expect_code(0).json().remove(0);
    let keys: &Vec<Value> = shown["agent"]["keys"].as_array().unwrap();
    keys.last().unwrap()["key"].as_str().unwrap().to_owned()
}

#[test]
fn registration_killed_before_its_entry_goes_on_with_the_key_it_wrote() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    let (file, did) = stray_key(&dir.path().join("elsewhere"));
    fs::copy(file, key_file(&data, "bob")).unwrap();
    let bob = register(&data, "bob").expect_code(0).json().remove(0);
    assert_eq!(bob["agent"], did);
    in_data(&data, &["agent", "revoke", "bob", "--reason", "done"]).expect_code(0);
}

#[test]
fn key_file_of_another_agent_is_not_taken_up() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    fs::copy(key_file(&data, "ada"), key_file(&data, "bob")).unwrap();
    register(&data, "bob").expect_error(3, &["bob.pem", "agent `ada`"]);
    assert_eq!(in_data(&data, &["log", "show"]).json().len(), 2);
}

#[test]
fn log_killed_before_it_knew_its_operator_goes_on_with_the_key_it_wrote() {
    let dir = TempDir::new().unwrap();
    let (data, elsewhere) = (dir.path().join("data"), dir.path().join("elsewhere"));
    let (_, _) = stray_key(&elsewhere);
    fs::create_dir_all(data.join("keys")).unwrap();
    fs::copy(key_file(&elsewhere, "operator"), key_file(&data, "operator")).unwrap();
    drop(Store::open(&data).unwrap());
    in_data(&data, &["log", "show"]).expect_error(5, &["names no log operator"]);
    register(&data, "ada").expect_code(0);
    assert_eq!(current_key(&data, "operator"), current_key(&elsewhere, "operator"));
    in_data(&data, &["log", "checkpoint"]).expect_code(0);
}

#[test]
fn rotation_killed_before_its_entry_goes_on_with_the_key_it_wrote() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    let (file, did) = stray_key(&dir.path().join("elsewhere"));
    fs::copy(file, key_file(&data, "ada.next")).unwrap();
    in_data(&data, &["agent", "rotate", "ada"]).expect_code(0);
    assert_eq!(current_key(&data, "ada"), did);
    assert!(!key_file(&data, "ada.next").exists());
    in_data(&data, &["agent", "rotate", "ada"]).expect_code(0);
}

/// A rotation that the log knows: the files as they were before either rename, or after the first.
fn half_renamed(data: &Path, renames: usize) {
    register(data, "ada").expect_code(0);
    let old = fs::read(key_file(data, "ada")).unwrap();
    in_data(data, &["agent", "rotate", "ada"]).expect_code(0);
    fs::rename(key_file(data, "ada"), key_file(data, "ada.next")).unwrap();
    if renames == 0 {
        fs::write(key_file(data, "ada"), old).unwrap();
    }
}

#[test]
fn rotation_killed_between_its_entry_and_its_renames_is_finished_on_use() {
    for renames in [0, 1] {
        for again in [&["revoke", "ada", "--reason", "done"][..], &["rotate", "ada"]] {
            let dir = TempDir::new().unwrap();
            let data = dir.path().join("data");
            half_renamed(&data, renames);
            in_data(&data, &[&["agent"], again].concat()).expect_code(0);
            assert!(key_file(&data, "ada").exists(), "{renames} {again:?}");
            assert!(!key_file(&data, "ada.next").exists(), "{renames} {again:?}");
        }
    }
}

/// Puts the views back to what they were before the last command.
fn with_views_from<T>(data: &Path, command: impl FnOnce() -> T) -> T {
    let names = ["actions", "agents", "proposals", "refused", "reputation", "rewards"];
    let (rows, sizes) = {
        let store = Store::open(data).unwrap();
        let rows: Vec<_> = names.iter().map(|name| store.view(name).unwrap()).collect();
        (rows, store.meta("views").unwrap().unwrap())
    };
    let done = command();
    let mut store = Store::open(data).unwrap();
    for (name, rows) in names.iter().zip(&rows) {
        store.replace_view(name, rows).unwrap();
    }
    store.put_meta("views", &sizes).unwrap();
    done
}

#[test]
fn views_of_a_stopped_command_are_behind_and_do_not_differ() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    with_views_from(&data, || register(&data, "bob").expect_code(0));
    for _again in 0..2 {
        let line = in_data(&data, &["log", "rebuild", "--check"]).expect_code(0).json().remove(0);
        assert_eq!(line["behind"], 1, "checking writes nothing: {line}");
        assert_eq!(line["agree"], true);
    }
    let text = run(["log", "rebuild", "--check", "--data", data.to_str().unwrap()]).expect_code(0);
    assert!(text.stdout.contains("1 entries behind"), "{}", text.stdout);
    in_data(&data, &["log", "rebuild"]).expect_code(0);
    let line = in_data(&data, &["log", "rebuild", "--check"]).expect_code(0).json().remove(0);
    assert_eq!(line["behind"], 0);
}

#[test]
fn views_of_two_sizes_agree_only_as_a_command_may_have_left_them() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    with_views_from(&data, || register(&data, "bob").expect_code(0));
    let check = || in_data(&data, &["log", "rebuild", "--check"]);
    {
        // Killed while views were written: some are of two entries, some of three.
        let mut store = Store::open(&data).unwrap();
        store.put_meta("views", b"2,3").unwrap();
    }
    check().expect_code(0);
    {
        let mut store = Store::open(&data).unwrap();
        let mut rows = store.view("actions").unwrap();
        rows.pop_first();
        store.replace_view("actions", &rows).unwrap();
    }
    check().expect_code(1);
    {
        let mut store = Store::open(&data).unwrap();
        store.put_meta("views", b"99").unwrap();
    }
    check().expect_error(5, &["99", "3"]);
    in_data(&data, &["log", "rebuild"]).expect_code(0);
    check().expect_code(0);
}
