//! A log whose root key has handed checkpoints on, when one of its keys tells two histories.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    copies::Machine,
    program::{Run, run_with},
    running::Running,
};

/// A log with one rotation, and copies of it that grow elsewhere under the keys that they hold.
pub(crate) struct Rotated {
    pub(crate) machine: Machine,
    pub(crate) root: String,
}

impl Rotated {
    pub(crate) fn new() -> Self {
        let machine = Machine::new();
        machine.grow("data", "ada");
        let root = machine.key("data");
        machine.on("data", &["log", "rotate-key"]).expect_code(0);
        Self { machine, root }
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.machine.path(name).to_str().unwrap().to_owned()
    }

    /// The verifier key that signs checkpoints now.
    fn signer(&self) -> String {
        let signed = self.machine.on("data", &["log", "checkpoint", "--json"]).expect_code(0);
        signed.json()[0]["signer"].as_str().unwrap().to_owned()
    }

    /// A copy of the log as it is, which goes on where nobody remembers what it signed.
    pub(crate) fn branch(&self, name: &str) {
        self.machine.copy("data", name);
        self.elsewhere(name, &["log", "resume", "--only-copy"]);
    }

    pub(crate) fn elsewhere(&self, name: &str, arguments: &[&str]) -> Run {
        let heads = self.machine.path(&format!("{name}-heads"));
        self.machine.with_heads(&heads, name, arguments).expect_code(0)
    }

    /// Appends an agent to a copy, signs the head, and gives a bundle under it.
    pub(crate) fn grow_elsewhere(&self, name: &str, agent: &str) -> String {
        let register = ["agent", "register", "--name", agent, "--role", "researcher", "--json"];
        let receipt = receipt(&self.elsewhere(name, &register));
        self.elsewhere(name, &["log", "checkpoint"]);
        let file = self.text(&format!("{name}-{agent}.json"));
        self.elsewhere(name, &["log", "prove", &receipt, "--out", &file]);
        file
    }

    /// The same of the log itself.
    pub(crate) fn grow(&self, agent: &str) -> String {
        let register = ["agent", "register", "--name", agent, "--role", "researcher", "--json"];
        let receipt = receipt(&self.machine.on("data", &register).expect_code(0));
        self.machine.on("data", &["log", "checkpoint"]).expect_code(0);
        let file = self.text(&format!("{agent}.json"));
        self.machine.on("data", &["log", "prove", &receipt, "--out", &file]).expect_code(0);
        file
    }

    /// One round of a mirror or a monitor that knows the root key.
    pub(crate) fn copy_of(&self, command: &str, source: &str, copy: &str) -> Run {
        let (source, copy) = (self.text(source), self.text(copy));
        run_with(["log", command, &source, &copy, "--log", &self.root], &[])
    }
}

fn receipt(run: &Run) -> String {
    run.json()[0]["receipt"].as_str().unwrap().to_owned()
}

/// The only proof of a fork that a copy keeps.
#[track_caller]
pub(crate) fn proof_in(copy: &Path) -> PathBuf {
    let files = fs::read_dir(copy.join("alarms")).unwrap().map(|file| file.unwrap().path());
    let mut proofs: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "fork")).collect();
    assert_eq!(proofs.len(), 1, "{proofs:?}");
    proofs.remove(0)
}

/// The proof without the line that ties its key to the root key.
fn untied(proof: &Path) -> String {
    let text = fs::read_to_string(proof).unwrap();
    assert!(text.contains("\nkeys {"), "{text}");
    let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("keys "));
    let file = proof.with_extension("untied.fork");
    fs::write(&file, lines.collect::<String>()).unwrap();
    file.to_str().unwrap().to_owned()
}

pub(crate) fn verify(files: &[&str], trust: &[&str]) -> Run {
    run_with([&["verify", "--json"], files, trust].concat(), &[])
}

/// What each file was found to be.
#[track_caller]
pub(crate) fn ensure_found(run: Run, code: i32, expected: &[&str]) {
    let found = run.expect_code(code).json();
    let word = |line: &Value| {
        let verdict = line["verdict"].as_str().unwrap();
        let checks = line["checks"].as_array().into_iter().flatten();
        let mut codes = checks.chain([line]).filter_map(|part| part["code"].as_str());
        codes.next().unwrap_or(verdict).to_owned()
    };
    let words: Vec<String> = found.iter().map(word).collect();
    assert_eq!(words, expected, "{found:#?}");
}

#[test]
fn fork_by_a_later_key_is_one_of_the_log_that_its_root_key_names() {
    let log = Rotated::new();
    log.branch("other");
    let (ours, theirs) = (log.grow("grace"), log.grow_elsewhere("other", "eve"));
    // A real server, and a monitor that sees the other branch after it.
    let data = log.machine.path("data");
    let mut server = Running::start(&["log", "serve", "--listen", "127.0.0.1:0"], Some(&data));
    let url = server.wait_for("ready")["url"].as_str().unwrap().to_owned();
    let copy = log.text("copy");
    let first = run_with(["log", "monitor", &url, &copy, "--log", &log.root], &[]);
    first.expect_code(1);
    log.copy_of("monitor", "other", "copy").expect_code(6);
    let proof = proof_in(&log.machine.path("copy"));
    let (tied, bare) = (proof.to_str().unwrap().to_owned(), untied(&proof));
    let policy = log.text("root.policy");
    fs::write(&policy, format!("log {}\nquorum none\n", log.root)).unwrap();
    let (by_key, by_policy) = (["--log", &log.root], ["--log-policy", &policy]);
    for trust in [&by_key[..], &by_policy, &[]] {
        ensure_found(verify(&[&tied], trust), 6, &["forked"]);
        for bundle in [&ours, &theirs] {
            let forked = ["forked", "log-forked"];
            ensure_found(verify(&[&tied, bundle], trust), 6, &forked);
            // The bundle shows whose key it is.
            ensure_found(verify(&[&bare, bundle], trust), 6, &forked);
        }
    }
    for trust in [&by_key[..], &by_policy] {
        ensure_found(verify(&[&bare], trust), 1, &["fork-not-tied"]);
        let with_copy = [trust, &["--log-dir", &copy]].concat();
        ensure_found(verify(&[&bare], &with_copy), 6, &["forked"]);
    }
    let said = run_with(["verify", &bare, &ours, "--log", &log.root], &[]).expect_code(6);
    let says = format!("signs in the log of root key {}", log.root);
    assert!(said.stdout.contains(&says), "{}", said.stdout);
}

#[test]
fn fork_by_a_retired_key_says_nothing_against_heads_by_the_key_in_force() {
    let log = Rotated::new();
    log.branch("one");
    log.branch("two");
    log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
    let honest = log.grow("grace");
    for name in ["one", "two"] {
        log.grow_elsewhere(name, "eve");
    }
    let (one, two) = (log.grow_elsewhere("one", "mallory"), log.grow_elsewhere("two", "trent"));
    // Whoever has seen neither the second rotation nor the log itself.
    log.copy_of("mirror", "one", "blind").expect_code(0);
    log.copy_of("mirror", "two", "blind").expect_code(6);
    let proof = proof_in(&log.machine.path("blind"));
    let (proof, trust) = (proof.to_str().unwrap(), ["--log", &log.root]);
    ensure_found(verify(&[proof, &one, &two], &trust), 6, &["forked", "log-forked", "log-forked"]);
    let expected = ["retired_key", "accepted", "key-retired"];
    ensure_found(verify(&[proof, &honest, &one], &trust), 1, &expected);
    // Two heads of one size, and no proof beside them.
    ensure_found(verify(&[&one, &honest], &trust), 1, &["key-retired", "accepted"]);
}

#[test]
fn proof_that_a_retired_key_signs_is_about_the_root_key_alone() {
    let log = Rotated::new();
    let retired = log.signer();
    log.branch("thief");
    log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
    let honest = log.grow("grace");
    for agent in ["eve", "mallory"] {
        log.grow_elsewhere("thief", agent);
    }
    let stolen = log.grow_elsewhere("thief", "trent");
    log.copy_of("mirror", "data", "copy").expect_code(0);
    log.copy_of("mirror", "thief", "copy").expect_code(6);
    let proof = proof_in(&log.machine.path("copy"));
    let proof = proof.to_str().unwrap();
    let all = [proof, &honest, &stolen];
    ensure_found(
        verify(&all, &["--log", &log.root]),
        1,
        &["retired_key", "accepted", "key-retired"],
    );
    ensure_found(verify(&all, &[]), 1, &["retired_key", "accepted", "key-retired"]);
    // Whoever names the stolen key has named no log, and is told which key does.
    let expected = ["fork-not-tied", "log-not-trusted", "key-retired"];
    ensure_found(verify(&all, &["--log", &retired]), 1, &expected);
    let policy = log.text("retired.policy");
    fs::write(&policy, format!("log {retired}\nquorum none\n")).unwrap();
    ensure_found(verify(&all, &["--log-policy", &policy]), 1, &expected);
    fs::write(&policy, format!("log {}\nlog {retired}\nquorum none\n", log.root)).unwrap();
    // To a reader each line names a log, and the stolen key is none.
    let refused = verify(&all, &["--log-policy", &policy]);
    refused.expect_error(3, &["two keys for the log"]);
}

#[test]
fn later_key_is_no_name_for_a_log_and_binds_no_folder() {
    let log = Rotated::new();
    log.grow("grace");
    let (signer, data) = (log.signer(), log.machine.path("data"));
    let mut server = Running::start(&["log", "serve", "--listen", "127.0.0.1:0"], Some(&data));
    let url = server.wait_for("ready")["url"].as_str().unwrap().to_owned();
    for command in ["mirror", "monitor"] {
        let copy = log.text(command);
        let named = ["log", command, &url, &copy, "--log", &signer];
        run_with(named, &[]).expect_error(3, &[&signer, &log.root, "not the log's root key"]);
        assert!(!log.machine.path(command).join("alarms").exists());
        let expected = if command == "mirror" { 0 } else { 1 };
        let named = ["log", command, &url, &copy, "--log", &log.root];
        let seen = run_with(named, &[]).expect_code(expected);
        assert!(!seen.stdout.contains("wrong in the log"), "{}", seen.stdout);
        let agents = run_with(["agent", "list", "--data", &copy, "--json"], &[]).expect_code(0);
        assert_eq!(agents.json()[0].as_array().unwrap().len(), 3, "{}", agents.stdout);
    }
    // A witness's policy has the lines of both keys, and each line of a reader's names a log.
    let bundle = log.grow("edsger");
    let policy = log.text("both.policy");
    fs::write(&policy, format!("log {}\nlog {signer}\nquorum none\n", log.root)).unwrap();
    let (both, copy) = (["--log-policy", &policy], log.text("both"));
    let said = ["two keys for the log", "leave the line of the root key alone"];
    run_with(["verify", &bundle, both[0], both[1]], &[]).expect_error(3, &said);
    for command in ["mirror", "monitor"] {
        let named = ["log", command, &url, &copy, "--log", &log.root, both[0], both[1]];
        run_with(named, &[]).expect_error(3, &said);
    }
}

/// A log with two rotations and a thief who has the key between them.
fn stolen() -> Rotated {
    let log = Rotated::new();
    log.branch("thief");
    for command in ["mirror", "monitor"] {
        log.copy_of(command, "data", command);
    }
    log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
    log.grow("grace");
    for agent in ["eve", "mallory"] {
        log.grow_elsewhere("thief", agent);
    }
    log
}

#[test]
fn copy_that_a_thief_reached_first_blames_the_thief_once_it_sees_the_owner() {
    let log = stolen();
    for (command, code) in [("mirror", 0), ("monitor", 0)] {
        // Nothing that it has seen speaks against the stolen key.
        log.copy_of(command, "thief", command).expect_code(code);
        log.copy_of(command, "data", command).expect_code(6);
        let copy = log.machine.path(command);
        let proof = proof_in(&copy);
        let proof = proof.to_str().unwrap();
        // The file shows the end of the key that it is about, so that the log itself did not fork.
        let shown = verify(&[proof], &["--log", &log.root]).expect_code(0).json();
        assert_eq!(
            (&shown[0]["kind"], &shown[0]["verdict"]),
            (&"signer".into(), &"retired_key".into())
        );
        // It stands, whoever is asked, until a person has decided.
        for source in ["thief", "data", "thief"] {
            log.copy_of(command, source, command).expect_code(6);
        }
        let text = copy.to_str().unwrap();
        let found = run_with(["log", "findings", text, "--json"], &[]).expect_code(6).json();
        assert_eq!(found[0]["alarm"], "fork");
        run_with(["log", "findings", text, "--accept", "all"], &[]).expect_code(0);
    }
}

#[test]
fn theft_that_a_copy_saw_stands_in_each_round_until_a_person_accepts_it() {
    let log = stolen();
    for command in ["mirror", "monitor"] {
        let copy = log.text(command);
        log.copy_of(command, "data", command);
        log.copy_of(command, "thief", command).expect_code(6);
        proof_in(&log.machine.path(command));
        log.copy_of(command, "data", command).expect_code(6);
        let found = run_with(["log", "findings", &copy], &[]).expect_code(6);
        assert!(found.stdout.contains("put another key in its place"), "{}", found.stdout);
        assert!(found.stdout.contains("proof in "), "{}", found.stdout);
        run_with(["log", "findings", &copy, "--accept", "all"], &[]).expect_code(0);
        log.grow(command);
        log.copy_of(command, "data", command).expect_code(0);
    }
}

#[test]
fn fork_between_a_bundle_and_the_readers_copy_leaves_its_proof() {
    let log = Rotated::new();
    log.branch("other");
    log.grow("grace");
    log.grow("edsger");
    let theirs = log.grow_elsewhere("other", "eve");
    log.copy_of("mirror", "data", "copy").expect_code(0);
    let (copy, kept) = (log.text("copy"), log.text("kept"));
    let trust = ["--log", &log.root, "--log-dir", &copy];
    let told = run_with([&["verify", &theirs], &trust[..]].concat(), &[]).expect_code(6);
    assert!(told.stdout.contains("--keep-forks DIR"), "{}", told.stdout);
    let keep = [&trust[..], &["--keep-forks", &kept]].concat();
    let found = verify(&[&theirs], &keep).expect_code(6).json();
    let file = found[0]["fork"]["file"].as_str().unwrap();
    assert_eq!(fs::read_to_string(file).unwrap(), found[0]["fork"]["proof"].as_str().unwrap());
    ensure_found(verify(&[file], &["--log", &log.root]), 6, &["forked"]);
    // A key that was retired by then is a thief's, on whichever side it is.
    log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
    let ours = log.grow("barbara");
    for agent in ["mallory", "trent", "oscar"] {
        log.grow_elsewhere("other", agent);
    }
    let theirs = log.grow_elsewhere("other", "peggy");
    log.copy_of("mirror", "data", "copy").expect_code(0);
    log.copy_of("mirror", "other", "their-copy").expect_code(0);
    let their_copy = log.text("their-copy");
    let cases = [(&theirs, &copy, "key-retired"), (&ours, &their_copy, "log-copy-other")];
    for (bundle, copy, code) in cases {
        let trust = ["--log", &log.root, "--log-dir", copy];
        let found = verify(&[bundle], &trust).expect_code(1).json();
        assert_eq!(found[0]["fork"]["kind"], "signer", "{found:#?}");
        assert!(found[0]["checks"].to_string().contains(code), "{found:#?}");
    }
}

#[test]
fn copy_that_ends_before_a_rotation_mends_what_it_has() {
    let log = Rotated::new();
    log.copy_of("mirror", "data", "short").expect_code(0);
    log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
    log.grow("grace");
    let script = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as d: \
                  d.execute(\"UPDATE entries SET record = x'00' WHERE idx = 1\")";
    let database = log.machine.path("data").join("chaoschain.sqlite");
    let spoilt = std::process::Command::new("python3")
        .args(["-c", script, database.to_str().unwrap()])
        .status();
    assert!(spoilt.unwrap().success());
    log.machine.on("data", &["log", "rebuild", "--check"]).expect_code(5);
    let mended = log.machine.on("data", &["log", "repair", "--from", &log.text("short")]);
    assert!(mended.expect_code(0).stdout.contains("fetched 1 entries"));
    log.machine.on("data", &["log", "rebuild", "--check"]).expect_code(0);
}

#[test]
fn lost_log_whose_root_key_is_kept_elsewhere_comes_back_under_the_key_that_is_named() {
    let log = Rotated::new();
    log.machine.on("data", &["log", "replace-operator"]).expect_code(0);
    log.grow("grace");
    log.copy_of("mirror", "data", "copy").expect_code(0);
    let data = log.machine.path("data");
    fs::rename(data.join("keys/operator.root.pem"), log.machine.path("root.pem")).unwrap();
    for file in fs::read_dir(&data).unwrap().map(|file| file.unwrap().path()) {
        if file.is_file() {
            fs::remove_file(file).unwrap();
        }
    }
    let copy = log.text("copy");
    let repair = ["log", "repair", "--from", &copy];
    let refused = log.machine.on("data", &repair);
    let refused = refused.expect_error(3, &[&log.root, "not the log's root key"]);
    assert!(refused.stderr.contains("--log"), "{}", refused.stderr);
    let named = [&repair[..], &["--log", &log.root]].concat();
    log.machine.on("data", &named).expect_code(0);
    log.grow("edsger");
    let signer = log.signer();
    let other = [&repair[..], &["--log", &signer]].concat();
    let refused = log.machine.on("data", &other);
    assert_ne!(refused.code, 0, "{}", refused.stdout);
}

/// A log that rotated twice, and a thief's branch of one entry within the time of the key between, with
/// a bundle under the thief's head. The proof of the two heads of that size was made before the key was retired.
struct Former {
    log: Rotated,
    proof: String,
    grace: String,
    honest: String,
    theirs: String,
}

impl Former {
    fn new() -> Self {
        let log = Rotated::new();
        log.branch("thief");
        let grace = log.grow("grace");
        let theirs = log.grow_elsewhere("thief", "eve");
        log.copy_of("mirror", "data", "early").expect_code(0);
        log.copy_of("mirror", "thief", "early").expect_code(6);
        let proof = proof_in(&log.machine.path("early")).to_str().unwrap().to_owned();
        log.grow("edsger");
        log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
        let honest = log.grow("barbara");
        Self { log, proof, grace, honest, theirs }
    }
}

#[test]
fn two_heads_within_a_former_keys_time_say_nothing_against_later_keys() {
    let Former { log, proof, grace, honest, theirs } = Former::new();
    let trust = ["--log", &log.root];
    // Nothing in the call shows that the key is retired.
    ensure_found(verify(&[&proof, &grace], &trust), 6, &["forked", "log-forked"]);
    for order in [[&proof, &honest], [&honest, &proof]] {
        let run = verify(&order.map(String::as_str), &trust).expect_code(0);
        let lines = run.json();
        let verdicts: Vec<_> = lines.iter().map(|line| line["verdict"].as_str().unwrap()).collect();
        assert!(
            verdicts.contains(&"accepted") && verdicts.contains(&"retired_key"),
            "{verdicts:?}"
        );
    }
    // What the later head shows of its tree tells which of the key's own heads is the owner's.
    let all = [proof.as_str(), &honest, &grace, &theirs];
    let expected = ["retired_key", "accepted", "accepted", "retired-key-head"];
    ensure_found(verify(&all, &trust), 1, &expected);
    let said = run_with(["verify", &proof, &honest, "--log", &log.root], &[]).expect_code(0).stdout;
    assert!(said.contains("the owner's or a thief's"), "{said}");
    // The log's own copy knows it where no file says it.
    let data = log.text("data");
    let with_copy = [&trust[..], &["--log-dir", &data]].concat();
    ensure_found(verify(&[&proof], &with_copy), 0, &["retired_key"]);
    // And which of the key's heads is the start of what the root key signed.
    let expected = ["retired_key", "accepted", "retired-key-head"];
    ensure_found(verify(&[&proof, &grace, &theirs], &with_copy), 1, &expected);
    let told = log.machine.on("data", &["log", "report-fork", &proof]).expect_code(0).stdout;
    assert!(told.contains("that key of this log is retired since entry"), "{told}");
}

#[test]
fn head_of_a_thief_within_a_former_keys_time_is_told_by_what_the_root_key_signed() {
    let Former { log, honest, theirs, .. } = Former::new();
    let trust = ["--log", &log.root];
    for command in ["mirror", "monitor"] {
        for (first, second) in [("thief", "data"), ("data", "thief")] {
            let copy = format!("{command}-{first}");
            let seen = log.copy_of(command, first, &copy);
            assert!([0, 1].contains(&seen.code), "{} {}", seen.stdout, seen.stderr);
            log.copy_of(command, second, &copy).expect_code(6);
            let folder = log.machine.path(&copy);
            let proof = proof_in(&folder);
            let proof = proof.to_str().unwrap();
            let shown = verify(&[proof], &trust).expect_code(0).json();
            assert_eq!(shown[0]["kind"], "history");
            let expected = ["retired_key", "accepted", "retired-key-head"];
            ensure_found(verify(&[proof, &honest, &theirs], &trust), 1, &expected);
            let text = folder.to_str().unwrap();
            let found = run_with(["log", "findings", text], &[]).expect_code(6).stdout;
            assert!(found.contains("its owner or a thief"), "{found}");
            for source in ["thief", "data"] {
                log.copy_of(command, source, &copy).expect_code(6);
            }
            // Once a person has looked at it, the owner's log is followed, whoever came first.
            run_with(["log", "findings", text, "--accept", "all"], &[]).expect_code(0);
            let seen = log.copy_of(command, "data", &copy);
            assert!([0, 1].contains(&seen.code), "{} {}", seen.stdout, seen.stderr);
            let with_copy = [&trust[..], &["--log-dir", text, "--require", "counted"]].concat();
            ensure_found(verify(&[&honest], &with_copy), 0, &["accepted"]);
        }
    }
    // The log's own copy keeps the note of that size; a mirror has its newest alone.
    log.copy_of("mirror", "data", "late").expect_code(0);
    for (copy, kind) in [("data", "root"), ("late", "history")] {
        let copy = log.text(copy);
        let found = verify(&[&theirs], &[&trust[..], &["--log-dir", &copy]].concat());
        let found = found.expect_code(1).json();
        assert_eq!(found[0]["fork"]["kind"], kind, "{found:#?}");
        assert!(found[0]["checks"].to_string().contains("retired-key-head"), "{found:#?}");
    }
}

#[test]
fn two_places_of_one_delegation_are_a_fork_by_the_root_key() {
    let machine = Machine::new();
    machine.grow("data", "ada");
    let root = machine.key("data");
    let log = Rotated { machine, root };
    log.branch("other");
    log.grow("edsger");
    log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
    log.elsewhere("other", &["log", "rotate-key"]);
    let (ours, theirs) = (log.grow("grace"), log.grow_elsewhere("other", "eve"));
    let trust = ["--log", &log.root];
    for order in [[&ours, &theirs], [&theirs, &ours]] {
        let order = order.map(String::as_str);
        ensure_found(verify(&order, &trust), 6, &["log-forked", "log-forked"]);
    }
    log.copy_of("mirror", "data", "copy").expect_code(0);
    log.copy_of("mirror", "other", "copy").expect_code(6);
    let proof = proof_in(&log.machine.path("copy"));
    let proof = proof.to_str().unwrap();
    assert_eq!(verify(&[proof], &trust).expect_code(6).json()[0]["kind"], "delegations");
    let expected = ["forked", "log-forked", "log-forked"];
    ensure_found(verify(&[proof, &ours, &theirs], &trust), 6, &expected);
}

/// The head that ends with the rotation's entry is the one that both keys may sign: where the leaving key signed
/// another of that size, the two heads are the proof.
#[test]
fn head_of_the_rotations_own_size_by_the_replaced_key_alone_is_a_fork_to_who_has_the_owners() {
    let machine = Machine::new();
    machine.grow("data", "ada");
    let root = machine.key("data");
    let log = Rotated { machine, root };
    log.machine.copy("data", "stolen");
    log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
    log.copy_of("mirror", "data", "ours").expect_code(0);
    let heads = log.machine.path("thief-heads");
    let thief = |arguments: &[&str]| log.machine.with_heads(&heads, "stolen", arguments);
    thief(&["log", "resume", "--only-copy"]).expect_code(0);
    thief(&["agent", "register", "--name", "eve", "--role", "researcher"]).expect_code(0);
    thief(&["log", "checkpoint"]).expect_code(0);
    // A mirror that the thief reached first learns it from the owner's head of that size.
    log.copy_of("mirror", "stolen", "theirs").expect_code(0);
    log.copy_of("mirror", "data", "theirs").expect_code(6);
    log.copy_of("mirror", "stolen", "ours").expect_code(6);
    for copy in ["ours", "theirs"] {
        let proof = proof_in(&log.machine.path(copy));
        ensure_found(verify(&[proof.to_str().unwrap()], &["--log", &log.root]), 6, &["forked"]);
    }
    // And from a later one that it is another history, which accuses nobody.
    log.machine.register("data", "grace").expect_code(0);
    log.machine.on("data", &["log", "checkpoint"]).expect_code(0);
    log.copy_of("mirror", "stolen", "late").expect_code(0);
    let told = log.copy_of("mirror", "data", "late");
    told.expect_error(1, &["what is kept here is another history", "ask the log's owner"]);
}

#[test]
fn copy_that_ends_before_a_bundles_head_is_not_compared_and_refuses_nothing() {
    let log = Rotated::new();
    log.copy_of("mirror", "data", "behind").expect_code(0);
    let bundle = log.grow("grace");
    let behind = log.text("behind");
    let trust = ["--log", &log.root, "--log-dir", &behind];
    let told = run_with([&["verify", &bundle], &trust[..]].concat(), &[]).expect_code(3);
    for said in ["not compared", "log-copy-behind"] {
        assert!(told.stdout.contains(said), "{said}: {}", told.stdout);
    }
    assert!(told.stderr.contains("chaoschain log mirror"), "{}", told.stderr);
    let found = verify(&[&bundle], &trust).expect_code(3).json();
    assert_eq!(found[0]["verdict"], "not_compared", "{found:#?}");
    log.copy_of("mirror", "data", "behind").expect_code(0);
    verify(&[&bundle], &trust).expect_code(0);
}

#[test]
fn resuming_says_which_file_is_not_the_logs_and_what_a_copy_of_before_a_rotation_lacks() {
    let log = Rotated::new();
    log.machine.copy("data", "old");
    log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
    log.grow("grace");
    let newest = log.machine.path("newest.note");
    let head = log.machine.on("data", &["log", "checkpoint", "--json"]).expect_code(0);
    fs::write(&newest, head.json()[0]["note"].as_str().unwrap()).unwrap();
    let heads = log.machine.path("elsewhere-heads");
    let newest = newest.to_str().unwrap();
    let resumed = log.machine.with_heads(&heads, "old", &["log", "resume", "--from", newest]);
    let told = resumed.expect_error(3, &["newest.note", "does not know the key"]);
    assert!(told.stderr.contains("chaoschain log repair --from"), "{}", told.stderr);
    let source = log.text("data");
    log.machine.with_heads(&heads, "old", &["log", "repair", "--from", &source]).expect_code(0);
    log.machine.with_heads(&heads, "old", &["log", "resume", "--from", newest]).expect_code(0);
}
