use std::fs;

use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use chaos_agency::{
    Action, Evidence, Leaf, Receipt, Views,
    action::Verdict,
    receipt::{Draft, Product},
};
use chaos_log::TlogProof;
use chaos_store::{Append, Change, Records as _, Store};
use chaos_types::{AgentKey, Digest};
use tempfile::TempDir;

use crate::{
    compatibility::KINDS,
    program::{Run, run, run_with},
};

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

/// A key of the Web3 Secret Storage definition's test vectors, with its password.
const KEYSTORE: &str = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},"ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2","kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},"mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#;

#[test]
fn agent_is_paid_at_accounts_that_agreed_by_their_own_signature() {
    let dir = TempDir::new().unwrap();
    register(&dir, "ada").expect_code(0);
    register(&dir, "bob").expect_code(0);
    let account = PrivateKeySigner::from_slice(&[21; 32]).unwrap();
    let named = account.address().to_string();
    let of = |agent: &'static str| ["account", agent, "--chain", "eip155:1", "--account"];
    let before = size(&dir);
    let asked = agent(&dir, &[&of("ada")[..], &[&named]].concat()).expect_code(0).json().remove(0);
    let text = asked["text"].as_str().unwrap();
    assert!(text.contains(&named.to_lowercase()), "{text}");
    assert_eq!(size(&dir), before, "the text is printed and nothing is changed");

    let file = dir.path().join("signed");
    let path = file.to_str().unwrap();
    let sign = |text: &str| {
        let signature = account.sign_message_sync(text.as_bytes()).unwrap();
        fs::write(&file, format!("{signature}\n")).unwrap();
    };
    sign("another text");
    let bind = |name| agent(&dir, &[&of(name)[..], &[&named, "--signature", path]].concat());
    bind("ada").expect_error(3, &["is to agree", "another text"]);
    sign(text);
    bind("ada").expect_code(0);
    bind("bob").expect_error(3, &["is to agree"]);
    // What was agreed to is of use once; the text for the next number is another.
    bind("ada").expect_error(3, &["is to agree", "another text"]);
    let next = agent(&dir, &[&of("ada")[..], &[&named]].concat()).expect_code(0).json().remove(0);
    assert_eq!((&asked["number"], &next["number"]), (&1.into(), &2.into()));
    sign(next["text"].as_str().unwrap());
    bind("ada").expect_error(3, &["already"]);
    assert_eq!(size(&dir), before + 1, "what is refused leaves no entry");

    let keystore = dir.path().join("key.json");
    fs::write(&keystore, KEYSTORE).unwrap();
    let data = dir.path().join("data");
    let arguments = ["agent", "account", "ada", "--chain", "eip155:1", "--keystore"];
    let paths = [keystore.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let with = [("CHAOSCHAIN_PASSWORD", "test"), ("CHAOSCHAIN_KEYSTORE_PASSWORD", "testpassword")];
    run_with([&arguments[..], &paths].concat(), &with).expect_code(0);
    let shown = agent(&dir, &["show", "ada"]).expect_code(0).json().remove(0);
    let accounts = shown["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 2, "{shown}");
    assert_eq!(accounts[0]["account"], named.to_lowercase());
    assert_eq!(accounts[0]["until"], accounts[1]["from"]);
    log(&dir, &["rebuild", "--check"]).expect_code(0);
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
    assert_eq!(all, KINDS.capabilities().len());

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
    let told = register(&dir, "bob").expect_code(5).stderr;
    for words in ["waiting for process", "error: ", "in use"] {
        assert!(told.contains(words), "{told}");
    }
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
        agent(&dir, &revoke).expect_error(3, &["root key", "cannot be revoked"]);
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

#[test]
fn memory_of_signed_heads_is_named_by_its_whole_path_and_lies_apart_from_the_data() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let within = data.join("heads");
    let register = |heads: &str| {
        let register = ["agent", "register", "--name", "ada", "--role", "researcher", "--data"];
        let with = [("CHAOSCHAIN_PASSWORD", "test"), ("CHAOSCHAIN_HEADS", heads)];
        run_with([&register[..], &[data.to_str().unwrap()]].concat(), &with)
    };
    register("heads").expect_error(3, &["CHAOSCHAIN_HEADS", "relative"]);
    register(within.to_str().unwrap()).expect_error(3, &["lies inside of"]);
    assert!(!data.exists(), "nothing is begun");
    std::os::unix::fs::symlink(dir.path(), dir.path().join("link")).unwrap();
    let by_link = dir.path().join("link/data/heads");
    register(by_link.to_str().unwrap()).expect_error(3, &["lies inside of"]);
    register(dir.path().join("heads").to_str().unwrap()).expect_code(0);
}

#[test]
fn commands_that_begin_at_once_wait_for_each_other() {
    let dir = TempDir::new().unwrap();
    register(&dir, "first").expect_code(0);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let dir = &dir;
            scope.spawn(move || register(dir, &format!("agent-{number}")).expect_code(0));
        }
        for kind in ["secret", "service"] {
            let data = dir.path().join("data");
            scope.spawn(move || {
                run([kind, "list", "--data", data.to_str().unwrap()]).expect_code(0)
            });
        }
    });
    assert_eq!(size(&dir), 10, "the operator, the first and eight more");
    let shown = log(&dir, &["show"]).expect_code(0).stdout;
    assert!(shown.contains(" UTC"), "{shown}");
}

/// Puts an entry of a stranger's in the log, as a program with other rules would, and answers its receipt.
fn smuggle(dir: &TempDir, kind: &str) -> Digest {
    let mut store = Store::open(dir.path().join("data")).unwrap();
    let entries = store.entries(0..100).unwrap();
    let first = Receipt::open_bytes(&entries[0].record, &KINDS).unwrap();
    let mut views = Views::new(first.log, KINDS);
    for entry in &entries {
        views.apply(&entry.leaf, &entry.record).unwrap();
    }
    let key = AgentKey::from_seed(&[7; 32]);
    let verdict = Verdict { receipt: first.id, failed: None, reexecuted: false };
    let envelope = Draft {
        log: first.log,
        agent: key.did(),
        claimed_at_ms: 0,
        parents: vec![],
        subjects: vec![Product::new(kind, Digest::of(kind.as_bytes()))],
        evidence: Evidence::None {},
        action: Action::Verify(verdict),
    };
    let record = envelope.sign(&[&key]).unwrap().to_bytes().unwrap();
    let (read, id) = (Receipt::open_bytes(&record, &KINDS), Digest::of(&record));
    let leaf = views.stating(Leaf::new(id, views.last_integrated_at_ms()), &read);
    store.append_batch(&[Append::new(record, leaf.to_bytes()).unwrap()]).unwrap();
    id
}

#[test]
fn receipt_that_the_log_refuses_is_said_to_be_refused_and_its_place_can_be_shown() {
    let dir = TempDir::new().unwrap();
    register(&dir, "ada").expect_code(0);
    let refused = smuggle(&dir, "verify").to_string();
    log(&dir, &["rebuild"]).expect_code(0);
    let run = log(&dir, &["prove", &refused]);
    run.expect_error(1, &["entry 2", "counts for nothing", "subject-other", "--tlog-proof"]);
    let unknown = Digest::of(b"none").to_string();
    log(&dir, &["prove", &unknown]).expect_error(3, &["no receipt"]);
    let text = log(&dir, &["prove", &refused, "--tlog-proof"]).expect_code(0).stdout;
    let proof = TlogProof::parse(text.as_bytes()).unwrap();
    let leaf = proof.extra().unwrap();
    let head = log(&dir, &["checkpoint", "--json"]).expect_code(0).json().remove(0);
    let vkey = head["log"].as_str().unwrap().parse().unwrap();
    proof.verify(&chaos_log::leaf_hash(leaf), &vkey).unwrap();
    assert_eq!(Leaf::from_bytes(leaf).unwrap().receipt.to_string(), refused);
}
