//! A reader's copy of a log that is damaged: it speaks neither for nor against what it is held against, and hides
//! nothing that is shown without it.

use std::{fs, os::unix::fs::symlink, path::Path};

use rusqlite::Connection;
use serde_json::Value;

use crate::{
    copies::{Machine, text},
    program::{Run, root, run, run_with},
    rotated::{Rotated, proof_in},
};

/// A log that forked, with a proof of that, a bundle on one branch, a bundle of a form that there is none of, and
/// copies of the log that are damaged.
struct Damaged {
    log: Rotated,
    proof: String,
    bundle: String,
    malformed: String,
}

impl Damaged {
    fn new() -> Self {
        let machine = Machine::new();
        machine.grow("data", "ada");
        let root = machine.key("data");
        let log = Rotated { machine, root };
        log.branch("other");
        let bundle = log.grow("grace");
        log.copy_of("mirror", "data", "whole").expect_code(0);
        log.machine.copy("whole", "watched");
        for agent in ["eve", "mallory"] {
            log.grow_elsewhere("other", agent);
        }
        log.copy_of("mirror", "other", "watched").expect_code(6);
        let proof = proof_in(&log.machine.path("watched")).to_str().unwrap().to_owned();
        let malformed = log.text("malformed.json");
        let form = fs::read_to_string(&bundle).unwrap();
        fs::write(&malformed, form.replacen("chaoschain-bundle", "chaoschain-bundlx", 1)).unwrap();
        Self { log, proof, bundle, malformed }
    }

    /// A copy of the whole copy, damaged like this.
    fn copy(&self, name: &str, damage: impl Fn(&Path)) -> String {
        self.log.machine.copy("whole", name);
        damage(&self.log.machine.path(name));
        self.log.text(name)
    }

    /// Verifies in both forms, which end alike, and gives both.
    #[track_caller]
    fn verify(&self, files: &[&str], copy: &str, code: i32) -> [Run; 2] {
        let trust = ["--log", &self.log.root, "--log-dir", copy];
        let line = [&["verify"], files, &trust].concat();
        let said = run_with(&line, &[]).expect_code(code);
        let found = run_with([&line[..], &["--json"]].concat(), &[]).expect_code(code);
        assert_eq!(found.json().len(), files.len(), "{}", found.stdout);
        [said, found]
    }
}

fn change(copy: &Path, statements: &str) {
    Connection::open(copy.join("chaoschain.sqlite")).unwrap().execute_batch(statements).unwrap();
}

/// Every copy in which something is damaged, by a name; the first ones do open.
fn damaged_copies(world: &Damaged) -> Vec<(String, bool)> {
    let leaf = |copy: &Path| {
        let database = Connection::open(copy.join("chaoschain.sqlite")).unwrap();
        let read = |row: &rusqlite::Row<'_>| row.get(0);
        let mut leaf: Vec<u8> =
            database.query_row("SELECT leaf FROM entries WHERE idx = 1", [], read).unwrap();
        *leaf.last_mut().unwrap() ^= 1;
        database.execute("UPDATE entries SET leaf = ?1 WHERE idx = 1", [leaf]).unwrap();
    };
    let record = |copy: &Path| change(copy, "UPDATE entries SET record = x'00' WHERE idx = 1");
    let table = |copy: &Path| change(copy, "CREATE TABLE extra (a)");
    let link = |copy: &Path| {
        fs::rename(copy.join("blobs"), copy.with_extension("blobs")).unwrap();
        symlink(copy.with_extension("blobs"), copy.join("blobs")).unwrap();
    };
    let page = |copy: &Path| {
        let database = copy.join("chaoschain.sqlite");
        let read = |row: &rusqlite::Row<'_>| row.get::<_, u32>(0);
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'entries'";
        let at = Connection::open(&database).unwrap().query_row(sql, [], read).unwrap() as usize;
        let mut bytes = fs::read(&database).unwrap();
        let size = usize::from(bytes[16]) << 8 | usize::from(bytes[17]);
        bytes[(at - 1) * size..at * size].fill(0xa5);
        fs::write(&database, bytes).unwrap();
    };
    vec![
        (world.copy("leaf", leaf), true),
        (world.copy("record", record), true),
        (world.copy("table", table), false),
        (world.copy("link", link), false),
        (world.copy("page", page), false),
    ]
}

#[test]
fn files_are_judged_without_a_copy_that_is_damaged_and_the_gravest_of_them_is_the_code() {
    let world = Damaged::new();
    let Damaged { log, proof, bundle, malformed } = &world;
    world.verify(&[bundle], &log.text("whole"), 0);
    for (copy, opens) in damaged_copies(&world) {
        let cases: [(&[&str], i32, &[&str]); 6] = [
            (&[proof], 6, &["forked"]),
            (&[proof, bundle], 6, &["forked", "log-forked"]),
            (&[bundle, proof, malformed], 6, &["log-forked", "bundle-format-unknown"]),
            (&[bundle], 5, &["not compared", "log-copy-unread"]),
            (&[malformed, bundle], 1, &["bundle-format-unknown", "log-copy-unread"]),
            (&[malformed], 1, &["bundle-format-unknown"]),
        ];
        for (files, code, words) in cases {
            let [said, found] = world.verify(files, &copy, code);
            for word in words {
                assert!(said.stdout.contains(word), "{copy}: `{word}`: {}", said.stdout);
                let word = word.replace("not compared", "not_compared");
                assert!(found.stdout.contains(&word), "{copy}: `{word}`: {}", found.stdout);
            }
            // Of a file that is no bundle nothing is asked of a copy.
            let is_asked = !opens || files != [malformed];
            for run in [said, found] {
                assert_eq!(run.stderr.contains("was not read"), is_asked, "{copy}: {}", run.stderr);
                let names_a_way = ["hint: ", "Put what it leads to in its place"];
                let names_a_way = names_a_way.iter().any(|way| run.stderr.contains(way));
                assert_eq!(names_a_way, is_asked, "{copy}: {}", run.stderr);
            }
        }
    }
}

#[test]
fn what_refuses_a_bundle_after_the_place_of_the_copy_is_found_without_the_copy() {
    let machine = Machine::new();
    let first = root().join("fixtures/first");
    let (theirs, copy) = (machine.path("theirs"), machine.path("copy"));
    let paths = [first.join("log"), theirs.clone()];
    assert!(std::process::Command::new("cp").arg("-r").args(paths).status().unwrap().success());
    run(["log", "rebuild", "--data", text(&theirs)]).expect_code(0);
    let bundle = first.join("bundles/10-draft.json");
    let shown: Value = serde_json::from_slice(&fs::read(&bundle).unwrap()).unwrap();
    let key = shown["log"].as_str().unwrap();
    run(["log", "mirror", text(&theirs), text(&copy), "--log", key]).expect_code(0);
    change(&copy, "UPDATE entries SET record = x'00' WHERE idx = 1");
    let hash = format!("0x{}", "11".repeat(32));
    let line = ["verify", text(&bundle), "--log", key, "--log-dir", text(&copy)];
    run(line).expect_error(5, &["was not read", "log repair --from SOURCE"]);
    let refused = run([&line[..], &["--block-hash", &hash]].concat());
    let refused = refused.expect_error(1, &["was not read"]);
    assert!(refused.stdout.contains("anchor-block-other"), "{}", refused.stdout);
}

#[test]
fn proof_that_cannot_be_kept_leaves_the_fork_the_gravest() {
    let log = Rotated::new();
    log.branch("other");
    log.grow("grace");
    let theirs = log.grow_elsewhere("other", "eve");
    let (copy, in_the_way) = (log.text("data"), log.text("in the way"));
    fs::write(&in_the_way, "a file").unwrap();
    let kept = format!("{in_the_way}/forks");
    let line = ["verify", &theirs, "--log", &log.root, "--log-dir", &copy, "--keep-forks", &kept];
    run_with(line, &[]).expect_error(6, &["cannot write"]);
}
