//! What is published is held against the places at which the root key signed that its delegations stand.

use std::{fs, path::Path};

use chaos_ledger::{Ledger, System};
use chaos_log::{Checkpoint, LogKey, SignedCheckpoint};

use crate::{
    compatibility::KINDS,
    copies::Machine,
    program::run_with,
    rotated::{Rotated, ensure_found, proof_in, verify},
};

const SYSTEM: System = System {
    kinds: KINDS,
    now_ms: || 1_900_000_000_000,
    random: |_| Err(std::io::ErrorKind::Unsupported.into()),
};

/// The key that signs a data directory's checkpoints, as whoever carries the directory off has it.
fn key_of(data: &Path) -> LogKey {
    let password = Some("test".to_owned().into());
    Ledger::open_rows(data, password, SYSTEM).unwrap().log_key().unwrap()
}

/// Publishes what a directory holds under a head that this key signs, with this file of the log's keys.
fn publish(log: &Rotated, data: &str, key: &LogKey, keys: &Path) {
    let public = format!("{data}-public");
    let folder = log.text(&public);
    log.elsewhere(data, &["log", "export", &folder]);
    let note = log.machine.path(&public).join("checkpoint");
    let signed = SignedCheckpoint::parse(&fs::read(&note).unwrap()).unwrap();
    let (claimed, origin) = (signed.claimed(), signed.claimed().origin());
    let head = Checkpoint::new(origin, claimed.size(), *claimed.root()).unwrap();
    fs::write(note, head.sign(key).unwrap().to_string()).unwrap();
    fs::copy(keys, log.machine.path(&public).join("keys")).unwrap();
}

/// A log with two rotations, after two and after six entries, its files of keys from between and after them,
/// and the key that had its time between.
struct Places {
    log: Rotated,
    former: LogKey,
}

impl Places {
    fn new() -> Self {
        let machine = Machine::new();
        machine.grow("data", "ada");
        let root = machine.key("data");
        let log = Rotated { machine, root };
        log.branch("rewritten");
        log.copy_of("mirror", "data", "started").expect_code(0);
        log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
        log.machine.copy("data", "carried-off");
        let former = key_of(&log.machine.path("carried-off"));
        for agent in ["grace", "edsger", "barbara"] {
            log.machine.grow("data", agent);
        }
        log.branch("thief");
        let export = |name: &str| {
            log.machine.on("data", &["log", "export", &log.text(name)]).expect_code(0);
        };
        export("between");
        log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
        log.machine.grow("data", "tony");
        export("after");
        Self { log, former }
    }

    /// The history from the first delegation on rewritten by whoever has the former key, without any.
    fn rewrite(&self, size: u64, keys: &str) {
        let register = |name: &str| {
            let line = ["agent", "register", "--name", name, "--role", "researcher"];
            self.log.elsewhere("rewritten", &line);
        };
        for number in 2..size {
            register(&format!("eve{number}"));
        }
        self.log.elsewhere("rewritten", &["log", "checkpoint"]);
        let keys = self.log.machine.path(keys).join("keys");
        publish(&self.log, "rewritten", &self.former, &keys);
    }
}

#[test]
fn history_without_its_delegations_is_followed_by_nobody_under_the_logs_own_keys() {
    // What `keys` is proved under is longer than the first, and shows that the key in force forked the second.
    // The others are by a key that it says is retired.
    let cases = [
        (5, "between", None),
        (7, "between", Some("prefix")),
        (5, "after", Some("place")),
        (6, "after", Some("place")),
        (7, "after", Some("place")),
    ];
    for (size, keys, kind) in cases {
        let places = Places::new();
        places.rewrite(size, keys);
        let log = &places.log;
        // One copy has what the root key signed itself, the others nothing.
        for (command, copy) in [("mirror", "started"), ("mirror", "new"), ("monitor", "eyes")] {
            let (folder, text) = (log.machine.path(copy), log.text(copy));
            let seen = log.copy_of(command, "rewritten-public", copy);
            let agents = run_with(["agent", "list", "--data", &text], &[]);
            assert!(!agents.stdout.contains("eve"), "{}", agents.stdout);
            let Some(kind) = kind else {
                let said = format!("{}{}", seen.stdout, seen.stderr);
                assert!(said.contains("stand at entry 2, the first 3 entries have root"), "{said}");
                assert_eq!(seen.code, 1, "{said}");
                continue;
            };
            seen.expect_code(6);
            let proof = proof_in(&folder);
            let found = verify(&[proof.to_str().unwrap()], &["--log", &log.root]);
            let code = if kind == "prefix" { 6 } else { 0 };
            assert_eq!(found.expect_code(code).json()[0]["kind"], kind, "{size} {keys}");
            // A person has looked at it: the owner's log is followed, and this one by nobody.
            let accepted = run_with(["log", "findings", &text, "--accept", "all"], &[]);
            // A new copy has read nothing yet.
            accepted.expect_code(if copy == "started" { 0 } else { 4 });
            let done = log.copy_of(command, "after", copy);
            assert!([0, 1].contains(&done.code), "{} {}", done.stdout, done.stderr);
            log.copy_of(command, "rewritten-public", copy).expect_code(6);
        }
        // A directory whose database is gone takes nothing of it either.
        let data = log.machine.path("data");
        fs::rename(data.join("chaoschain.sqlite"), log.machine.path("lost.sqlite")).unwrap();
        let (none, from) = (log.machine.path("none"), log.text("rewritten-public"));
        let mended = log.machine.with_heads(&none, "data", &["log", "repair", "--from", &from]);
        assert_eq!(mended.code, if kind.is_some() { 6 } else { 1 }, "{}", mended.stderr);
        assert!(!mended.stdout.contains("fetched"), "{}", mended.stdout);
    }
}

#[test]
fn first_head_that_a_leaving_key_may_sign_is_proved_to_be_another_history() {
    let Places { log, .. } = Places::new();
    // Seven entries: as many as end with the second delegation, whose place another entry has.
    let theirs = log.grow_elsewhere("thief", "eve");
    let honest = log.grow("leslie");
    for command in ["mirror", "monitor"] {
        let seen = log.copy_of(command, "thief", command);
        assert!([0, 1].contains(&seen.code), "{} {}", seen.stdout, seen.stderr);
        let told = log.copy_of(command, "data", command).expect_code(6);
        assert!(!told.stdout.contains("contradicts itself"), "{}", told.stdout);
        let folder = log.machine.path(command);
        let proof = proof_in(&folder);
        let proof = proof.to_str().unwrap();
        let trust = ["--log", &log.root];
        assert_eq!(verify(&[proof], &trust).expect_code(0).json()[0]["kind"], "place");
        let shown = run_with(["verify", proof, "--log", &log.root], &[]).expect_code(0).stdout;
        assert!(shown.contains("its owner or a thief"), "{shown}");
        let expected = ["retired_key", "accepted", "key-retired"];
        ensure_found(verify(&[proof, &honest, &theirs], &trust), 1, &expected);
        let text = folder.to_str().unwrap();
        run_with(["log", "findings", text], &[]).expect_code(6);
        log.copy_of(command, "thief", command).expect_code(6);
        run_with(["log", "findings", text, "--accept", "all"], &[]).expect_code(0);
        log.copy_of(command, "thief", command).expect_code(6);
        let done = log.copy_of(command, "data", command);
        assert!([0, 1].contains(&done.code), "{} {}", done.stdout, done.stderr);
        let with_copy = ["--log", &log.root, "--log-dir", text];
        ensure_found(verify(&[&honest], &with_copy), 0, &["accepted"]);
    }
}
