use std::fs;

use chaos_store::{Change, Records as _, Store};
use tempfile::TempDir;

use crate::program::{Run, run, run_with};

fn agent(dir: &TempDir, arguments: &[&str]) -> Run {
    let data = dir.path().join("data");
    let mut all = vec!["agent".to_owned()];
    all.extend(arguments.iter().map(|&argument| argument.to_owned()));
    all.extend(["--data".to_owned(), data.display().to_string(), "--json".to_owned()]);
    run(all)
}

fn register(dir: &TempDir, name: &str) -> Run {
    agent(dir, &["register", "--name", name, "--role", "researcher"])
}

fn log(dir: &TempDir, arguments: &[&str]) -> Run {
    let data = dir.path().join("data");
    let mut all = vec!["log".to_owned()];
    all.extend(arguments.iter().map(|&argument| argument.to_owned()));
    all.extend(["--data".to_owned(), data.display().to_string()]);
    run(all)
}

fn size(dir: &TempDir) -> usize {
    log(dir, &["show", "--json"]).expect_code(0).json().len()
}

#[test]
fn agent_lives_from_registration_to_revocation() {
    let dir = TempDir::new().unwrap();
    let registered = register(&dir, "ada").expect_code(0).json();
    let did = registered[0]["agent"].as_str().unwrap().to_owned();
    assert!(did.starts_with("did:key:z6Mk"));

    let before = agent(&dir, &["show", "ada"]).expect_code(0).json();
    assert_eq!(before[0]["agent"]["keys"].as_array().unwrap().len(), 1);
    agent(&dir, &["rotate", "ada"]).expect_code(0);
    let after = agent(&dir, &["show", &did]).expect_code(0).json();
    let keys = after[0]["agent"]["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0]["until"], keys[1]["from"]);

    agent(&dir, &["revoke", "ada", "--reason", "stolen"]).expect_code(0);
    let listed = agent(&dir, &["list"]).expect_code(0).json();
    assert_eq!(listed[0].as_array().unwrap().len(), 2, "the operator and ada");
    agent(&dir, &["rotate", "ada"]).expect_error(3, &["ada", "revoked (stolen)"]);
    agent(&dir, &["revoke", "ada", "--reason", "again"]).expect_error(3, &["revoked"]);
    register(&dir, "ada").expect_error(3, &["duplicate agent", "ada", "revoked", "for ever"]);
    assert_eq!(size(&dir), 4, "refused actions leave no entry");
}

/// A kind that a later version brings can be used in a log that exists.
#[test]
fn agent_and_operator_get_other_capabilities_and_keep_their_names_and_keys() {
    let dir = TempDir::new().unwrap();
    register(&dir, "ada").expect_code(0);
    let profile = |name: &str| {
        let shown = agent(&dir, &["show", name]).expect_code(0).json();
        (shown[0]["agent"]["profile"].clone(), shown[0]["agent"]["keys"].clone())
    };
    let (first, first_keys) = profile("ada");
    agent(&dir, &["update", "ada", "--role", "core_developer"]).expect_code(0);
    let (second, keys) = profile("ada");
    assert_eq!((&second["role"], &second["name"]), (&"core_developer".into(), &first["name"]));
    assert_ne!(second["capabilities"], first["capabilities"]);
    assert_eq!(keys, first_keys, "an update changes no key");

    agent(&dir, &["update", "operator", "--capability", "score"]).expect_code(0);
    assert_eq!(profile("operator").0["capabilities"], serde_json::json!(["score"]));
    agent(&dir, &["update", "operator"]).expect_code(0);
    let all = profile("operator").0["capabilities"].as_array().unwrap().len();
    assert_eq!(all, crate::compatibility::KINDS.capabilities().len());

    let before = size(&dir);
    agent(&dir, &["update", "operator"]).expect_error(3, &["operator", "already"]);
    agent(&dir, &["update", "operator", "--role", "jester"]).expect_error(3, &["operator"]);
    agent(&dir, &["update", "ada", "--capability", "juggle"]).expect_error(3, &["juggle"]);
    agent(&dir, &["update", "bob"]).expect_error(3, &["bob"]);
    agent(&dir, &["revoke", "ada", "--reason", "stolen"]).expect_code(0);
    agent(&dir, &["update", "ada", "--role", "researcher"]).expect_error(3, &["stolen"]);
    assert_eq!(size(&dir), before + 1, "refused actions leave no entry");
    log(&dir, &["rebuild", "--check"]).expect_code(0);
}

#[test]
fn duplicate_agent_is_refused_by_name_and_nothing_changes() {
    let dir = TempDir::new().unwrap();
    register(&dir, "ada").expect_code(0);
    let before = size(&dir);
    register(&dir, "ada").expect_error(3, &["duplicate agent", "ada"]);
    register(&dir, "Ada Lovelace").expect_error(3, &["name must be", "Ada Lovelace"]);
    agent(&dir, &["register", "--name", "bob", "--role", "jester"])
        .expect_error(3, &["jester", "researcher"]);
    assert_eq!(size(&dir), before);
    let keys: Vec<_> = fs::read_dir(dir.path().join("data/keys")).unwrap().collect();
    assert_eq!(keys.len(), 2, "no key file is left of a refused registration");
}

#[test]
fn keys_need_their_password_and_it_is_never_shown() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let register = ["agent", "register", "--name", "ada", "--role", "researcher", "--data", data];
    run_with(register, &[]).expect_error(3, &["CHAOSCHAIN_PASSWORD is not set"]);
    run_with(register, &[("CHAOSCHAIN_PASSWORD", "right-horse")]).expect_code(0);
    let rotate = ["agent", "rotate", "ada", "--data", data];
    let wrong = run_with(rotate, &[("CHAOSCHAIN_PASSWORD", "wrong-horse")])
        .expect_error(3, &["ada.pem", "password is wrong"]);
    assert!(!wrong.stderr.contains("horse"));
    let pem = fs::read_to_string(dir.path().join("data/keys/ada.pem")).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
}

#[test]
fn bundle_of_a_logged_receipt_verifies_and_a_tampered_row_is_found() {
    let dir = TempDir::new().unwrap();
    let receipt =
        register(&dir, "ada").expect_code(0).json()[0]["receipt"].as_str().unwrap().to_owned();
    let bundle = dir.path().join("ada.json");
    let bundle = bundle.to_str().unwrap();
    log(&dir, &["prove", &receipt, "--out", bundle]).expect_code(0);
    let verdict = run(["verify", bundle, "--json"]).expect_code(0).json();
    assert_eq!(verdict[0]["verdict"], "accepted");
    let checkpoint = log(&dir, &["checkpoint", "--json"]).expect_code(0).json();
    let vkey = checkpoint[0]["log"].as_str().unwrap();
    run(["verify", bundle, "--log", vkey]).expect_code(0);
    log(&dir, &["prove", "--consistency", "1", "--json"]).expect_code(0);
    log(&dir, &["rebuild", "--check"]).expect_code(0);

    {
        let mut store = Store::open(dir.path().join("data")).unwrap();
        let (key, _) = store.rows(b"agent".as_slice()..b"agent\x01", 1).unwrap().remove(0);
        let rows = [(key, b"{}".to_vec())];
        store.commit(&Change { rows: &rows, ..Change::default() }).unwrap();
    }
    for _again in 0..2 {
        let check = log(&dir, &["rebuild", "--check", "--json"]).expect_code(1).json();
        assert_eq!(check[0]["tables"]["agent"]["differing"].as_array().unwrap().len(), 1);
        assert_eq!(check[0]["rewritten"], false);
    }
    log(&dir, &["rebuild"]).expect_code(0);
    log(&dir, &["rebuild", "--check"]).expect_code(0);
}

#[test]
fn commands_on_an_empty_folder_say_what_to_do() {
    let dir = TempDir::new().unwrap();
    let run = log(&dir, &["show"]).expect_error(3, &["holds no ChaosChain data"]);
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
    assert!(!dir.path().join("data").exists(), "looking does not create");
}

#[test]
fn second_process_on_a_locked_folder_is_told_so() {
    let dir = TempDir::new().unwrap();
    register(&dir, "ada").expect_code(0);
    let _open = Store::open(dir.path().join("data")).unwrap();
    register(&dir, "bob").expect_error(5, &["data"]);
}

/// Reading works beside a writer, and needs no password.
#[test]
fn readers_need_neither_the_lock_nor_a_key() {
    let dir = TempDir::new().unwrap();
    let registered = register(&dir, "ada").expect_code(0).json();
    let receipt = registered[0]["receipt"].as_str().unwrap().to_owned();
    let data = dir.path().join("data");
    let (bundle, data) = (dir.path().join("ada.json"), data.to_str().unwrap());
    let bundle = bundle.to_str().unwrap();
    let read = |arguments: &[&str]| run_with([arguments, &["--data", data]].concat(), &[]);
    let prove = ["log", "prove", &receipt, "--out", bundle];
    read(&prove).expect_error(3, &["CHAOSCHAIN_PASSWORD is not set"]);
    log(&dir, &["checkpoint"]).expect_code(0);
    let open = Store::open(data).unwrap();
    for arguments in [
        &["log", "show", "--last", "1"][..],
        &["agent", "list"],
        &["agent", "show", "ada"],
        &["log", "prove", "--consistency", "1"],
        &["log", "rebuild", "--check"],
        &prove,
    ] {
        read(arguments).expect_code(0);
    }
    assert_eq!(open.head().unwrap().size, 2);
    run_with(["verify", bundle], &[]).expect_code(0);
}

#[test]
fn operator_is_neither_revoked_nor_rotated() {
    let dir = TempDir::new().unwrap();
    let listed = {
        register(&dir, "ada").expect_code(0);
        agent(&dir, &["list"]).expect_code(0).json().remove(0)
    };
    let did = listed[0]["did"].as_str().unwrap();
    for name in ["operator", did] {
        let revoke = ["revoke", name, "--reason", "no"];
        agent(&dir, &revoke).expect_error(3, &["log's key", "cannot be revoked"]);
        agent(&dir, &["revoke", name, "--reason", "no", "--by-operator"])
            .expect_error(3, &["cannot be revoked"]);
        agent(&dir, &["rotate", name]).expect_error(3, &["cannot be rotated"]);
    }
    assert_eq!(size(&dir), 2);
}

#[test]
fn names_that_are_paths_write_nothing_anywhere() {
    let dir = TempDir::new().unwrap();
    for name in ["../../evil", "..", "a/b"] {
        register(&dir, name).expect_error(3, &["name must be", name]);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    register(&dir, "ada").expect_code(0);
    register(&dir, "../../evil").expect_error(3, &["name must be"]);
    assert!(!dir.path().join("evil.pem").exists());
    assert_eq!(size(&dir), 2);
}

#[test]
fn password_of_another_data_directory_registers_nobody() {
    let dir = TempDir::new().unwrap();
    register(&dir, "ada").expect_code(0);
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let bob = ["agent", "register", "--name", "bob", "--role", "researcher", "--data", data];
    run_with(bob, &[("CHAOSCHAIN_PASSWORD", "other")])
        .expect_error(3, &["operator.pem", "password is wrong"]);
    assert_eq!(size(&dir), 2);
    assert!(!dir.path().join("data/keys/bob.pem").exists());
}
