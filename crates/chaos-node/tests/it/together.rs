//! Files of one call are judged together: in every order, each of them has the same verdict.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    copies::Machine,
    program::run_with,
    rotated::{Rotated, ensure_found, proof_in, verify},
};

/// A log with two rotations, bundles of its owner's and of a thief's who has the key between, and proofs.
struct Stolen {
    log: Rotated,
    /// Under a head of 7 entries by the key between.
    owner: String,
    /// The same size, the other tree.
    thief: String,
    /// By the key in force.
    later: String,
    /// By the key in force too, on another branch than `later`.
    branch: String,
    /// Two trees of the key between.
    twice: String,
    /// Two trees of the root key.
    by_root: String,
    /// The key between after its end.
    after: String,
}

impl Stolen {
    fn new() -> Self {
        let machine = Machine::new();
        machine.grow("data", "ada");
        let root = machine.key("data");
        let log = Rotated { machine, root };
        // Whoever has the root key signs two trees of three entries.
        for branch in ["one", "two"] {
            log.branch(branch);
            log.grow_elsewhere(branch, branch);
            log.copy_of("mirror", branch, "root-copy");
        }
        log.grow("bea");
        log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
        log.branch("thief");
        log.grow("grace");
        log.grow_elsewhere("thief", "eve");
        log.copy_of("mirror", "data", "early").expect_code(0);
        log.copy_of("mirror", "thief", "early").expect_code(6);
        log.grow("edsger");
        let owner = log.grow("mary");
        log.grow_elsewhere("thief", "mallory");
        let thief = log.grow_elsewhere("thief", "trent");
        log.grow("nora");
        log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
        log.branch("other");
        let (later, branch) = (log.grow("barbara"), log.grow_elsewhere("other", "zed"));
        for agent in ["oscar", "peggy", "quinn", "rupert"] {
            log.grow_elsewhere("thief", agent);
        }
        log.copy_of("mirror", "data", "late").expect_code(0);
        log.copy_of("mirror", "thief", "late").expect_code(6);
        let [by_root, twice, after] = ["root-copy", "early", "late"]
            .map(|copy| proof_in(&log.machine.path(copy)).to_str().unwrap().to_owned());
        Self { log, owner, thief, later, branch, twice, by_root, after }
    }
}

/// Every order of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![vec![]] };
    let with = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, last);
            order
        })
    };
    orders(last).into_iter().flat_map(with).collect()
}

/// Verifies files in every order: each has the expected word, and the call the expected code.
#[track_caller]
fn check(files: &[(&String, &str)], trust: &[&str], code: i32) {
    for order in orders(files.len()) {
        let ordered: Vec<&str> = order.iter().map(|at| files[*at].0.as_str()).collect();
        let expected: Vec<&str> = order.iter().map(|at| files[*at].1).collect();
        ensure_found(verify(&ordered, trust), code, &expected);
    }
}

#[test]
fn what_files_of_one_call_show_does_not_depend_on_their_order() {
    let Stolen { log, owner, thief, later, branch, twice, by_root, after } = Stolen::new();
    let (trust, data) = (["--log", &log.root], log.text("data"));
    let with_copy = ["--log", &log.root, "--log-dir", &data];
    let retired = "retired-key-head";
    // A fork by the key in force is one beside a thief's head too.
    let all =
        [(&owner, retired), (&thief, retired), (&later, "log-forked"), (&branch, "log-forked")];
    check(&all, &trust, 6);
    check(&all[2..], &trust, 6);
    // Two heads by one key are a fork of the log until something shows that it is retired.
    check(&[(&owner, "log-forked"), (&thief, "log-forked")], &trust, 6);
    check(&[(&owner, retired), (&thief, retired), (&later, "accepted")], &trust, 1);
    let all = [(&owner, "accepted"), (&thief, retired), (&later, "accepted")];
    check(&all, &with_copy, 1);
    check(&all[..2], &with_copy, 1);
    // No charge hides another, and being shown clears a head of what a retired key did alone.
    let both = [(&twice, "retired_key"), (&by_root, "forked"), (&owner, "log-forked")];
    check(&both, &with_copy, 6);
    check(&[both[0], (&owner, "accepted")], &with_copy, 0);
    // A key that signs after its end is one whose other heads are in doubt.
    check(&[(&after, "retired_key")], &trust, 0);
    check(&[(&after, "retired_key"), (&thief, retired)], &trust, 1);
    check(&[(&after, "retired_key"), (&owner, "accepted"), (&later, "accepted")], &with_copy, 0);
    // What is said of a retired key's two trees does not say that the log forked.
    let said = run_with(["verify", &twice, &later, "--log", &log.root], &[]).expect_code(0).stdout;
    assert!(said.contains("signs two histories") && !said.contains("forked"), "{said}");
    assert!(said.contains("1 accepted, 0 rejected, 1 about a retired key"), "{said}");
}

#[test]
fn head_by_a_retired_key_is_that_keys_word_until_something_shows_more() {
    let Stolen { log, owner, later, .. } = Stolen::new();
    let (trust, data) = (["--log", &log.root], log.text("data"));
    let placed = |trust: &[&str], code: i32| -> BTreeMap<String, Value> {
        let lines = verify(&[&owner, &later], trust).expect_code(code).json();
        let word = |line: &Value| (line["file"].as_str().unwrap().to_owned(), line.clone());
        lines.iter().map(word).collect()
    };
    let found = placed(&trust, 0);
    assert_eq!(found[&later]["words"]["placed"], "in_the_log");
    assert_eq!(found[&owner]["words"]["placed"], "by_a_retired_key");
    assert_eq!(found[&owner]["words"]["counted"], "stated");
    let said = run_with(["verify", &owner, &later, "--log", &log.root], &[]).expect_code(0).stdout;
    assert!(said.contains("and not held against the root-signed history"), "{said}");
    assert!(said.contains("in the log, by the word of a retired key;"), "{said}");
    // What it does not show is lacking.
    let required = [&trust[..], &["--require", "counted"]].concat();
    let found = placed(&required, 1);
    assert_eq!(found[&owner]["lacks"][0]["code"], "not-counted");
    assert_eq!(found[&later]["verdict"], "accepted");
    let with_copy = [&required[..], &["--log-dir", &data]].concat();
    let found = placed(&with_copy, 0);
    assert_eq!(found[&owner]["words"]["placed"], "in_the_log");
}

#[test]
fn no_report_in_a_log_hides_another() {
    let Stolen { log, owner, later, twice, by_root, .. } = Stolen::new();
    let report = |data: &str, proof: &str| {
        log.elsewhere(data, &["log", "report-fork", proof, "--sign"]);
    };
    for name in ["first", "second", "harmless"] {
        log.branch(name);
    }
    for proof in [&twice, &by_root] {
        report("first", proof);
    }
    for proof in [&by_root, &twice] {
        report("second", proof);
    }
    report("harmless", &twice);
    for (copy, code, word) in
        [("first", 6, "log-forked"), ("second", 6, "log-forked"), ("harmless", 0, "accepted")]
    {
        let copy = log.text(copy);
        let trust = ["--log", &log.root, "--log-dir", &copy];
        check(&[(&owner, word), (&later, word)], &trust, code);
    }
}

#[test]
fn copy_that_ends_with_a_thiefs_head_is_said_to_be_that() {
    let Stolen { log, later, .. } = Stolen::new();
    let copy = log.text("thief");
    let said = run_with(["verify", &later, "--log", &log.root, "--log-dir", &copy], &[]);
    let said = said.expect_code(1).stdout;
    assert!(said.contains("the copy ends with what is refused"), "{said}");
}
