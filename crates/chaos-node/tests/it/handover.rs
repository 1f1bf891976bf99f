//! The roles of a log's root key handed on, through the program: lost keys, other operators, and kills
//! between the steps.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    copies::{Machine, witness},
    program::run_with,
};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A log with an agent and a signed head, and its root key.
pub(crate) fn begun() -> (Machine, String) {
    let machine = Machine::new();
    machine.grow("data", "ada");
    let root = machine.key("data");
    (machine, root)
}

#[test]
fn mirror_follows_a_lost_keys_successor_under_a_quorum_of_witnesses() {
    let (machine, root) = begun();
    machine.on("data", &["log", "rotate-key"]).expect_code(0);
    let data = machine.path("data");
    fs::remove_file(data.join("keys/operator.log.pem")).unwrap();
    machine.on("data", &["log", "checkpoint"]).expect_code(3);
    machine.on("data", &["log", "rotate-key", "--lost"]).expect_error(3, &["asks no witness"]);
    let lost = ["log", "rotate-key", "--lost", "--unwitnessed", "--json"];
    let rotated = machine.on("data", &lost).expect_code(0);
    let signer = rotated.json()[0]["signer"].as_str().unwrap().to_owned();
    let copy = machine.path("copy");
    let follow = ["log", "mirror", text(&data), text(&copy), "--log", &root];
    let refused = run_with(follow, &[]).expect_error(1, &["in the place of a lost one"]);
    assert!(refused.stderr.contains("--log-policy"), "{}", refused.stderr);
    // A witness that was told the new key.
    let (mut running, policy) = witness(&machine, &signer);
    let with_quorum = [&follow[..], &["--log-policy", text(&policy)]].concat();
    run_with(&with_quorum, &[]).expect_error(1, &["not followed"]);
    machine.register("data", "grace").expect_code(0);
    machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]).expect_code(0);
    run_with(follow, &[]).expect_error(1, &["in the place of a lost one"]);
    run_with(&with_quorum, &[]).expect_code(0);
    machine.register("data", "edsger").expect_code(0);
    machine.on("data", &["log", "checkpoint"]).expect_code(0);
    running.kill();
    run_with(&with_quorum, &[]).expect_code(0);
    let agents = run_with(["agent", "list", "--data", text(&copy), "--json"], &[]).expect_code(0);
    assert_eq!(agents.json()[0].as_array().unwrap().len(), 4, "{}", agents.stdout);
}

/// The entry is written before any witness is asked: what the witnesses have to be told is not to be lost with
/// their answer.
#[test]
fn key_is_named_although_no_witness_cosigns_its_first_head() {
    let (machine, root) = begun();
    let (mut running, policy) = witness(&machine, &root);
    machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]).expect_code(0);
    running.kill();
    let kept_back = machine.on("data", &["log", "rotate-key"]).expect_code(4);
    let line = kept_back.stdout.lines().find(|line| line.starts_with("log ")).unwrap();
    assert!(kept_back.stdout.starts_with("entry "), "{}", kept_back.stdout);
    for said in ["entry 2 stands", line, "chaoschain log checkpoint"] {
        assert!(kept_back.stderr.contains(said), "{said}: {}", kept_back.stderr);
    }
}

/// A witness knows no root key: what it knows is the order of the lines, and what it cosigned.
#[test]
fn witness_that_cosigned_by_the_newer_key_takes_nothing_by_the_older_one() {
    let (machine, root) = begun();
    let rotate = ["log", "rotate-key", "--json"];
    let rotated = machine.on("data", &rotate).expect_code(0);
    let former = rotated.json()[0]["signer"].as_str().unwrap().to_owned();
    machine.copy("data", "stolen");
    let (mut running, policy) = witness(&machine, &format!("{root}\nlog {former}"));
    machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]).expect_code(0);
    running.kill();
    let kept_back = machine.on("data", &["log", "rotate-key"]).expect_code(4);
    for said in ["below the one that is there", "this directory alone holds", "for ever"] {
        assert!(kept_back.stderr.contains(said), "{said}: {}", kept_back.stderr);
    }
    let newer = kept_back.stdout.lines().find_map(|line| line.strip_prefix("log ")).unwrap();
    let (mut running, policy) = witness(&machine, &format!("{root}\nlog {former}\nlog {newer}"));
    let publish = ["log", "checkpoint", "--log-policy", text(&policy)];
    machine.on("data", &publish).expect_code(0);
    // It goes on from what was cosigned, under the key that was stolen.
    let heads = machine.path("thief-heads");
    let thief = |arguments: &[&str]| machine.with_heads(&heads, "stolen", arguments);
    thief(&["log", "resume", "--only-copy"]).expect_code(0);
    for agent in ["eve", "mallory", "trent"] {
        let register = ["agent", "register", "--name", agent, "--role", "researcher"];
        thief(&register).expect_code(0);
    }
    let refused = thief(&publish);
    assert_ne!(refused.code, 0, "{}", refused.stdout);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("the older key signs no more"), "{said}");
    machine.register("data", "grace").expect_code(0);
    machine.on("data", &["log", "checkpoint"]).expect_code(0);
    running.kill();
    // Lines in another order than heads by them were cosigned in.
    let lines = machine.path("reversed.policy");
    fs::write(&lines, format!("log {newer}\nlog {former}\nquorum none\n")).unwrap();
    let folder = machine.path("witness");
    let again = ["witness", "--name", "witness.example.org/w", "--log-policy", text(&lines)];
    let again = [&again[..], &["--listen", "127.0.0.1:0", "--folder", text(&folder)]].concat();
    let refused = run_with(again, &[("CHAOSCHAIN_PASSWORD", "test")]);
    refused.expect_error(3, &["in the order in which they sign"]);
}

#[test]
fn operators_receipts_count_under_the_key_that_took_the_role() {
    let (machine, root) = begun();
    machine.on("data", &["log", "replace-operator"]).expect_code(0);
    let data = machine.path("data");
    fs::rename(data.join("keys/operator.root.pem"), machine.path("root.pem")).unwrap();
    machine.register("data", "grace").expect_code(0);
    // The checkpoints are still the root key's, which is away.
    machine.on("data", &["log", "checkpoint"]).expect_code(3);
    let elsewhere = machine.path("root.pem");
    let rotate = ["log", "rotate-key", "--root", text(&elsewhere)];
    let refused = machine.on("data", &rotate);
    assert_eq!(refused.code, 0, "{}", refused.stderr);
    let revoke = ["agent", "revoke", "ada", "--reason", "gone", "--json"];
    let revoked = machine.on("data", &[&revoke[..], &["--by-operator"]].concat()).expect_code(0);
    let receipt = revoked.json()[0]["receipt"].as_str().unwrap().to_owned();
    machine.on("data", &["log", "checkpoint"]).expect_code(0);
    let bundle = machine.path("revoked.json");
    machine.on("data", &["log", "prove", &receipt, "--out", text(&bundle)]).expect_code(0);
    let require = ["--log", &root, "--require", "counted"];
    run_with([&["verify", text(&bundle)], &require[..]].concat(), &[]).expect_code(0);
    let copy = machine.path("copy");
    let follow = ["log", "mirror", text(&data), text(&copy), "--log", &root];
    run_with(follow, &[]).expect_code(0);
    let folded = [&require[..], &["--log-dir", text(&copy)]].concat();
    run_with([&["verify", text(&bundle)], &folded[..]].concat(), &[]).expect_code(0);
}

/// Ends a rotation with a kill as soon as the folder shows that a step was made, or lets it end.
fn killed_rotation(machine: &Machine, is_made: impl Fn() -> bool) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chaoschain"))
        .args(["log", "rotate-key", "--data", text(&machine.path("data"))])
        .env("CHAOSCHAIN_HEADS", machine.path("heads"))
        .env("CHAOSCHAIN_PASSWORD", "test")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() && !is_made() {
        assert!(began.elapsed() < Duration::from_secs(60), "the step was never made");
        std::thread::yield_now();
    }
    let _ended = child.kill();
    child.wait().unwrap();
}

#[test]
fn rotation_that_is_killed_after_any_step_is_finished_by_the_next_command() {
    let steps: [&dyn Fn(&Path) -> bool; 4] = [
        &|dir| dir.join("data/keys/operator.log.next.pem").exists(),
        &|dir| {
            fs::read_dir(dir.join("heads")).is_ok_and(|mut files| {
                files.any(|file| file.unwrap().path().extension().is_some_and(|end| end == "keys"))
            })
        },
        &|dir| dir.join("data/keys/operator.log.pem").exists(),
        &|_| true,
    ];
    for (number, is_made) in steps.into_iter().enumerate() {
        let (machine, root) = begun();
        let dir = machine.path("");
        killed_rotation(&machine, || is_made(&dir));
        machine.register("data", "grace").expect_code(0);
        machine.on("data", &["log", "rotate-key"]).expect_code(0);
        machine.grow("data", "edsger");
        machine.on("data", &["log", "rebuild", "--check"]).expect_code(0);
        assert!(!dir.join("data/keys/operator.log.next.pem").exists(), "step {number}");
        let (data, copy) = (machine.path("data"), machine.path("copy"));
        let follow = ["log", "mirror", text(&data), text(&copy), "--log", &root];
        run_with(follow, &[]).expect_code(0);
    }
}

/// What is said of the root key's file is read from what the files hold: a rotation that was stopped before its head
/// was published leaves it under its former name.
#[test]
fn root_keys_file_gets_its_name_from_whatever_publishes_the_head_and_is_told_by_what_it_holds() {
    let (machine, root) = begun();
    let (mut running, policy) = witness(&machine, &root);
    machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]).expect_code(0);
    running.kill();
    let kept_back = machine.on("data", &["log", "replace-operator"]).expect_code(4);
    assert!(kept_back.stderr.contains("move none away before"), "{}", kept_back.stderr);
    let keys = machine.path("data").join("keys");
    assert!(!keys.join("operator.root.pem").exists(), "the leaving key signs the next head too");
    let (mut running, policy) = witness(&machine, &root);
    let told = machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]);
    let told = told.expect_code(0);
    assert!(told.stderr.contains("keys/operator.root.pem"), "{}", told.stderr);
    assert!(keys.join("operator.root.pem").exists() && !keys.join("operator.next.pem").exists());
    running.kill();
    let none = machine.path("none.policy");
    fs::write(&none, "quorum none\n").unwrap();
    machine.on("data", &["log", "checkpoint", "--log-policy", text(&none)]).expect_code(0);
    // Under whatever name it lies there.
    fs::rename(keys.join("operator.root.pem"), keys.join("operator.kept.pem")).unwrap();
    let elsewhere = keys.join("operator.kept.pem");
    let done =
        machine.on("data", &["log", "rotate-key", "--root", text(&elsewhere)]).expect_code(0);
    assert!(
        done.stderr.contains("keys/operator.kept.pem in the data directory"),
        "{}",
        done.stderr
    );
    assert!(!done.stderr.contains("holds it"), "{}", done.stderr);
}

/// Under a name that no file of the operator's has, or in a folder of its own.
#[test]
fn file_that_names_the_root_key_is_told_where_it_lies_in_the_data_directory() {
    let (machine, _) = begun();
    for command in ["rotate-key", "replace-operator"] {
        machine.on("data", &["log", command]).expect_code(0);
    }
    let data = machine.path("data");
    fs::create_dir(data.join("keys/safe")).unwrap();
    for name in ["keys/root.pem", "keys/safe/operator.root.pem", "root-backup.pem"] {
        let root = data.join(name);
        fs::copy(data.join("keys/operator.root.pem"), &root).unwrap();
        let aside = machine.path("operator.root.pem");
        fs::rename(data.join("keys/operator.root.pem"), &aside).unwrap();
        let done = machine.on("data", &["log", "rotate-key", "--root", text(&root)]).expect_code(0);
        assert!(done.stderr.contains(&format!("{name} in the data directory")), "{}", done.stderr);
        // Of what was not looked at nothing is claimed.
        let done =
            machine.on("data", &["log", "rotate-key", "--root", text(&aside)]).expect_code(0);
        for said in ["no file `keys/operator*.pem`", "were not looked at"] {
            assert!(done.stderr.contains(said), "{said}: {}", done.stderr);
        }
        fs::rename(&aside, data.join("keys/operator.root.pem")).unwrap();
        fs::remove_file(root).unwrap();
    }
}

#[test]
fn copies_of_key_files_break_no_sentence_and_are_no_keys_of_rotations() {
    let (machine, root) = begun();
    let keys = machine.path("data").join("keys");
    fs::copy(keys.join("operator.pem"), keys.join("operator copy.pem")).unwrap();
    fs::write(keys.join("operator.pem.old"), "not a key any more").unwrap();
    // Another log's root key, kept there.
    machine.grow("other", "ada");
    let stranger = fs::read(machine.path("other/keys/operator.pem")).unwrap();
    fs::write(keys.join("operator.root.pem"), &stranger).unwrap();
    for _ in 0..2 {
        machine.on("data", &["log", "rotate-key"]).expect_code(0);
    }
    let told = machine.on("data", &["log", "replace-operator"]).expect_code(0).stderr;
    for said in [
        "keys/operator copy.pem, keys/operator.root.pem in the data directory",
        "keys/operator.pem.old, which cannot be read as a key",
        "what lay at keys/operator.root.pem in the data directory is keys/operator.root.other-",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    let other = fs::read_dir(&keys).unwrap().map(|file| file.unwrap().path());
    let mut other = other.filter(|path| path.to_string_lossy().contains("root.other-"));
    assert_eq!(fs::read(other.next().unwrap()).unwrap(), stranger);
    machine.grow("data", "grace");
    let (data, copy) = (machine.path("data"), machine.path("copy"));
    run_with(["log", "mirror", text(&data), text(&copy), "--log", &root], &[]).expect_code(0);
    let named = |file: &fs::DirEntry| file.file_name().to_string_lossy().contains("operator.log.");
    let files = fs::read_dir(&keys).unwrap().map(Result::unwrap).filter(named);
    for file in files.collect::<Vec<_>>() {
        fs::copy(file.path(), file.path().with_extension("pem.bak")).unwrap();
    }
    machine.on("data", &["log", "repair", "--from", text(&copy)]).expect_code(0);
}
