//! What is laid below a published note: lines that are nobody's, and a retired key's own below the owner's tree.

use std::{fs, path::Path};

use chaos_log::{Checkpoint, EMPTY_ROOT, LogKey, SignedCheckpoint};
use chaos_types::canonical;
use serde_json::Value;

use crate::{
    places::{Places, key_of, publish},
    program::{Run, run_with},
    rotated::{Rotated, ensure_found, proof_in, verify},
};

/// A line that names a key and is no signature by it of any other text than its own.
fn false_line(key: &LogKey) -> String {
    let other = Checkpoint::new(key.name().as_str(), 0, EMPTY_ROOT).unwrap();
    let signed = other.sign(key).unwrap().to_string();
    format!("{}\n", signed.lines().last().unwrap())
}

/// Lays lines below a note in a file.
fn lay(note: &Path, lines: &str) {
    let text = fs::read_to_string(note).unwrap();
    SignedCheckpoint::parse(format!("{text}{lines}").as_bytes()).unwrap();
    fs::write(note, format!("{text}{lines}")).unwrap();
}

/// A bundle whose head has these lines too.
fn with_lines(bundle: &str, lines: &str) -> String {
    let mut read: Value = serde_json::from_slice(&fs::read(bundle).unwrap()).unwrap();
    let note = read["checkpoint"].as_str().unwrap().to_owned();
    read["checkpoint"] = format!("{note}{lines}").into();
    let file = format!("{bundle}.lines.json");
    fs::write(&file, canonical::to_vec(&read).unwrap()).unwrap();
    file
}

fn findings(log: &Rotated, copy: &str, more: &[&str]) -> Run {
    run_with([&["log", "findings", &log.text(copy)], more].concat(), &[])
}

/// The copy follows the owner's log, and holds nothing of a thief's.
#[track_caller]
fn ensure_honest(log: &Rotated, copy: &str) {
    log.copy_of("mirror", "after", copy).expect_code(0);
    let text = log.text(copy);
    let agents = run_with(["agent", "list", "--data", &text], &[]).expect_code(0).stdout;
    assert!(agents.contains("tony") && !agents.contains("eve"), "{agents}");
    run_with(["log", "rebuild", "--check", "--data", &text], &[]).expect_code(0);
}

/// The copy blames the thief with a proof, and after a person's decision follows the owner.
#[track_caller]
fn ensure_decided(log: &Rotated, copy: &str) {
    log.copy_of("mirror", "after", copy).expect_code(6);
    let proof = proof_in(&log.machine.path(copy));
    let shown = verify(&[proof.to_str().unwrap()], &["--log", &log.root]).expect_code(0).json();
    assert_eq!(
        (&shown[0]["kind"], &shown[0]["verdict"]),
        (&"signer".into(), &"retired_key".into())
    );
    findings(log, copy, &["--accept", "all"]).expect_code(0);
    ensure_honest(log, copy);
}

fn databases_aside(log: &Rotated, copy: &str) -> usize {
    let files = fs::read_dir(log.machine.path(copy)).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("chaoschain.sqlite.fork-")).count()
}

#[test]
fn false_line_that_names_the_key_in_force_makes_no_bundle_the_logs() {
    let Places { log, .. } = Places::new();
    let line = false_line(&key_of(&log.machine.path("data")));
    log.grow_elsewhere("thief", "eve");
    let thief = log.grow_elsewhere("thief", "mallory");
    let (owner, spoilt) = (log.grow("grete"), with_lines(&thief, &line));
    let (trust, data) = (["--log", &log.root, "--require", "counted"], log.text("data"));
    let with_copy = [&trust[..], &["--log-dir", &data]].concat();
    for stolen in [&thief, &spoilt] {
        let expected = ["key-retired", "accepted"];
        ensure_found(verify(&[stolen, &owner], &trust), 1, &expected);
        ensure_found(verify(&[&owner, stolen], &trust), 1, &["accepted", "key-retired"]);
        let found = verify(&[stolen, &owner], &with_copy).expect_code(1).json();
        assert!(found[0]["checks"].to_string().contains("key-retired"), "{found:#?}");
        assert_eq!(found[1]["verdict"], "accepted", "{found:#?}");
    }
}

#[test]
fn false_line_keeps_no_copy_from_blaming_the_thief_and_following_the_owner() {
    let Places { log, .. } = Places::new();
    let line = false_line(&key_of(&log.machine.path("data")));
    for agent in ["eve", "mallory", "trent"] {
        log.grow_elsewhere("thief", agent);
    }
    let public = log.text("public");
    log.elsewhere("thief", &["log", "export", &public]);
    lay(&log.machine.path("public/checkpoint"), &line);
    // It was there before the owner.
    log.copy_of("mirror", "public", "first").expect_code(0);
    ensure_decided(&log, "first");
    // It withholds its receipts, so that the copy has its note alone.
    log.copy_of("mirror", "between", "second").expect_code(0);
    fs::remove_dir_all(log.machine.path("public/records")).unwrap();
    let withheld = log.copy_of("mirror", "public", "second");
    assert_ne!(withheld.code, 0, "{}", withheld.stdout);
    ensure_decided(&log, "second");
    assert_eq!(databases_aside(&log, "second"), 0);
}

#[test]
fn decision_about_what_a_key_signed_leaves_the_owners_signature_of_the_same_tree_alone() {
    let Places { log, former } = Places::new();
    log.machine.copy("data", "again");
    publish(&log, "again", &former, &log.machine.path("after/keys"));
    for (copy, before) in [("all", "after"), ("some", "between")] {
        log.copy_of("mirror", before, copy).expect_code(0);
        log.copy_of("mirror", "again-public", copy).expect_code(6);
        findings(&log, copy, &["--accept", "all"]).expect_code(0);
        assert_eq!(databases_aside(&log, copy), 0);
        ensure_honest(&log, copy);
        log.copy_of("mirror", "again-public", copy).expect_error(6, &["as was decided"]);
        ensure_honest(&log, copy);
    }
    // The same line below the owner's own is nothing to refuse.
    let (note, owner) = (log.machine.path("again-public/checkpoint"), log.machine.path("after"));
    let stolen = fs::read_to_string(note).unwrap();
    lay(&owner.join("checkpoint"), &format!("{}\n", stolen.lines().last().unwrap()));
    log.copy_of("mirror", "after", "all").expect_code(0);
}

#[test]
fn head_by_a_key_that_an_entry_under_it_retires_is_kept_by_no_copy() {
    let Places { log, former } = Places::new();
    let line = false_line(&key_of(&log.machine.path("data")));
    // Who has the retired key goes on from the owner's entries, beside the keys of before.
    log.branch("evil");
    log.grow_elsewhere("evil", "eve");
    publish(&log, "evil", &former, &log.machine.path("between/keys"));
    for (copy, lines) in [("plain", ""), ("spoilt", line.as_str())] {
        lay(&log.machine.path("evil-public/checkpoint"), lines);
        log.copy_of("mirror", "evil-public", copy).expect_error(1, &["which entry 6 replaced"]);
        let early = format!("{copy}-early");
        log.copy_of("mirror", "between", &early).expect_code(0);
        log.copy_of("mirror", "evil-public", &early).expect_error(1, &["which entry 6 replaced"]);
        run_with(["log", "rebuild", "--check", "--data", &log.text(&early)], &[]).expect_code(0);
        for copy in [copy, &early] {
            ensure_decided(&log, copy);
        }
        // A copy that knows the owner's head is told who signed this one.
        let late = format!("{copy}-late");
        log.copy_of("mirror", "after", &late).expect_code(0);
        log.copy_of("mirror", "evil-public", &late).expect_code(6);
        findings(&log, &late, &["--accept", "all"]).expect_code(0);
        ensure_honest(&log, &late);
    }
}
