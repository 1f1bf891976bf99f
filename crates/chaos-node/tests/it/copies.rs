//! Copies of a data directory: restored ones, clones that run on, and what is left of a lost one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    program::{Run, run_with},
    running::Running,
};

/// A machine with its memory of signed heads.
pub(crate) struct Machine {
    dir: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn heads(&self) -> PathBuf {
        self.path("heads")
    }

    /// Runs a command on a data directory of this machine.
    pub(crate) fn on(&self, data: &str, arguments: &[&str]) -> Run {
        self.with_heads(&self.heads(), data, arguments)
    }

    pub(crate) fn with_heads(&self, heads: &Path, data: &str, arguments: &[&str]) -> Run {
        let variables = [
            ("CHAOSCHAIN_PASSWORD", "test"),
            ("CHAOSCHAIN_HEADS", text(heads)),
            ("HOME", ""),
            ("XDG_STATE_HOME", ""),
        ];
        let data = self.path(data);
        run_with([arguments, &["--data", text(&data)]].concat(), &variables)
    }

    pub(crate) fn register(&self, data: &str, name: &str) -> Run {
        self.on(data, &["agent", "register", "--name", name, "--role", "researcher"])
    }

    /// Appends an agent and signs the head.
    pub(crate) fn grow(&self, data: &str, name: &str) {
        self.register(data, name).expect_code(0);
        self.on(data, &["log", "checkpoint"]).expect_code(0);
    }

    pub(crate) fn copy(&self, from: &str, to: &str) {
        let paths = [self.path(from), self.path(to)];
        assert!(Command::new("cp").arg("-r").args(paths).status().unwrap().success());
    }

    /// The verifier key of a log.
    pub(crate) fn key(&self, data: &str) -> String {
        let signed = self.on(data, &["log", "checkpoint", "--json"]).expect_code(0).json();
        signed[0]["log"].as_str().unwrap().to_owned()
    }

    /// The memory of the only log, which tests damage.
    fn note(&self) -> PathBuf {
        let mut files = fs::read_dir(self.heads()).unwrap().map(|file| file.unwrap().path());
        files.find(|path| path.extension().is_some_and(|ending| ending == "note")).unwrap()
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Every way to write, on a directory whose log has signed.
const WRITES: [&[&str]; 7] = [
    &["agent", "register", "--name", "eve", "--role", "researcher"],
    &["agent", "rotate", "ada"],
    &["agent", "revoke", "ada", "--reason", "gone"],
    &["log", "checkpoint"],
    &["log", "accept-clock"],
    &["broker", "serve", "--policy", "development"],
    &["broker", "allowlist"],
];

#[test]
fn log_that_has_signed_is_written_to_by_nobody_where_nothing_remembers_what() {
    let machine = Machine::new();
    machine.grow("data", "ada");
    machine.copy("data", "old");
    machine.grow("data", "grace");
    let none = Path::new("");
    let elsewhere = machine.path("elsewhere");
    for (heads, words) in [(none, "no folder here"), (&elsewhere, "remembers none")] {
        for arguments in WRITES {
            let refused = machine.with_heads(heads, "old", arguments);
            refused.expect_error(5, &["signed a head of 2 entries", words]);
        }
        machine.with_heads(heads, "old", &["agent", "list"]).expect_code(0);
        machine.with_heads(heads, "old", &["log", "rebuild"]).expect_code(0);
    }
    // The hint of a damaged memory moves the file away, and that opens nothing.
    fs::write(machine.note(), "rot").unwrap();
    let damaged = machine.register("old", "eve").expect_error(5, &["does not hold a head"]);
    assert!(damaged.stderr.contains("log resume"), "{}", damaged.stderr);
    fs::remove_file(machine.note()).unwrap();
    for arguments in WRITES {
        machine.on("old", arguments).expect_error(5, &["remembers none"]);
    }
    // What others hold says that the copy is old, and the right directory goes on.
    let public = machine.path("public");
    machine.on("data", &["log", "export", text(&public)]).expect_code(0);
    let note = public.join("checkpoint");
    let resume = ["log", "resume", "--from", text(&note)];
    machine.on("old", &resume).expect_error(5, &["it is an old copy"]);
    machine.on("data", &resume).expect_code(0);
    machine.grow("data", "edsger");
    machine.register("old", "eve").expect_error(5, &["it is an old copy"]);
}

#[test]
fn key_whose_log_is_lost_founds_no_second_one_and_its_log_comes_back_from_a_copy() {
    let machine = Machine::new();
    machine.grow("data", "ada");
    let key = machine.key("data");
    let (mirror, data) = (machine.path("mirror"), machine.path("data"));
    let copy = ["log", "mirror", text(&data), text(&mirror), "--log", &key];
    run_with(copy, &[]).expect_code(0);
    for file in fs::read_dir(&data).unwrap().map(|file| file.unwrap().path()) {
        if file.is_file() {
            fs::remove_file(file).unwrap();
        }
    }
    for arguments in [WRITES[0], &["broker", "serve", "--policy", "development"]] {
        let refused = machine.on("data", arguments).expect_error(5, &["none of its entries"]);
        assert!(refused.stderr.contains("log repair --from"), "{}", refused.stderr);
    }
    let read = machine.on("data", &["log", "checkpoint"]).expect_code(5);
    assert!(read.stderr.contains("log repair --from"), "{}", read.stderr);
    machine.on("data", &["log", "repair", "--from", text(&mirror)]).expect_code(0);
    machine.on("data", &["log", "rebuild", "--check"]).expect_code(0);
    machine.grow("data", "grace");
    run_with(["log", "mirror", text(&data), text(&mirror)], &[]).expect_code(0);
}

#[test]
fn broker_on_a_clone_stops_once_the_log_has_signed_elsewhere_on_the_machine() {
    let machine = Machine::new();
    machine.grow("data", "ada");
    machine.copy("data", "clone");
    let heads = machine.heads();
    let (clone, serve) = (machine.path("clone"), ["broker", "serve", "--policy", "development"]);
    let mut broker =
        Running::start_with(&serve, Some(&clone), &[("CHAOSCHAIN_HEADS", text(&heads))]);
    broker.wait_for("ready");
    machine.on("clone", &["broker", "allowlist"]).expect_code(0);
    machine.grow("data", "grace");
    let refused = machine.on("clone", &["broker", "allowlist"]);
    assert_ne!(refused.code, 0, "{}", refused.stdout);
    assert_eq!(broker.wait_for_end(), 5, "{}", broker.said);
    assert!(broker.said.contains("would fork the log"), "{}", broker.said);
    machine.on("clone", &["broker", "allowlist"]).expect_code(5);
}

#[test]
fn repair_refuses_a_fork_before_it_changes_anything_and_says_what_is_still_missing() {
    let machine = Machine::new();
    machine.grow("data", "ada");
    for copy in ["old", "fork"] {
        machine.copy("data", copy);
    }
    let key = machine.key("data");
    // On another machine the fork is signed.
    let elsewhere = machine.path("elsewhere");
    for arguments in [&["log", "resume", "--only-copy"][..], WRITES[0], &["log", "checkpoint"]] {
        machine.with_heads(&elsewhere, "fork", arguments).expect_code(0);
    }
    machine.grow("data", "grace");
    let from = |source: &str| machine.path(source);
    let repair =
        |source: &str| machine.on("old", &["log", "repair", "--from", text(&from(source))]);
    let refused = repair("fork").expect_error(6, &["forked", "the proof is in"]);
    // What the hint names is there, and shows the fork to anybody.
    let named = refused.stderr.split_once("the proof is in ").unwrap().1;
    let proof = named.split_once(',').unwrap().0;
    let shown = run_with(["verify", proof, "--log", &key], &[]).expect_code(6);
    assert!(shown.stdout.contains("fork"), "{}", shown.stdout);
    assert_eq!(
        machine.on("old", &["log", "show", "--json"]).json().len(),
        2,
        "nothing is taken in"
    );
    // A source that ends before what was signed: said, and no success.
    machine.copy("old", "short");
    let short = repair("short").expect_code(1);
    assert!(
        short.stdout.contains("the log signed a head of 3 entries, and 2 are here"),
        "{}",
        short.stdout
    );
    // An old copy publishes nothing, and is read.
    let public = from("public");
    machine.on("old", &["log", "export", text(&public)]).expect_error(5, &["it is an old copy"]);
    machine.on("old", &["agent", "list"]).expect_code(0);
    let whole = repair("data").expect_code(0);
    assert!(whole.stdout.contains("head of 3 entries that was signed here"), "{}", whole.stdout);
    for reading in
        [&["log", "show"][..], &["log", "rebuild", "--check"], &["log", "export", text(&public)]]
    {
        machine.on("old", reading).expect_code(0);
    }
    // A mirror that got the key, as where SQLite could not read the log's own file.
    let mirrored = from("mirrored");
    run_with(["log", "mirror", text(&from("old")), text(&mirrored), "--log", &key], &[])
        .expect_code(0);
    let keys = [machine.path("data/keys"), from("mirrored")];
    assert!(Command::new("cp").arg("-r").args(keys).status().unwrap().success());
    machine.grow("data", "edsger");
    machine.register("mirrored", "eve").expect_error(5, &["log repair", "it is an old copy"]);
    machine.on("mirrored", &["log", "repair", "--from", text(&from("data"))]).expect_code(0);
    machine.grow("mirrored", "barbara");
}

/// A witness that runs, its policy line and the log's policy file.
pub(crate) fn witness(machine: &Machine, key: &str) -> (Running, PathBuf) {
    let (mut running, policy) = witness_with(machine, key, &[], &[]);
    let ready = running.wait_for("ready");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let line = format!("witness w {} {}\nquorum w\n", text(&ready["witness"]), text(&ready["url"]));
    fs::write(&policy, line).unwrap();
    (running, policy)
}

/// A witness that is started with more options and variables, and where its policy would stand.
pub(crate) fn witness_with(
    machine: &Machine,
    key: &str,
    options: &[&str],
    variables: &[(&str, &str)],
) -> (Running, PathBuf) {
    let logs = machine.path("logs.policy");
    fs::write(&logs, format!("log {key}\nquorum none\n")).unwrap();
    let (folder, listen) = (machine.path("witness"), "127.0.0.1:0");
    let name = "witness.example.org/w";
    let arguments = ["witness", "--name", name, "--log-policy", text(&logs), "--listen", listen];
    let arguments = [&arguments[..], &["--folder", text(&folder)], options].concat();
    let running = Running::start_with(&arguments, None, variables);
    (running, machine.path("witnesses.policy"))
}

#[test]
fn log_that_lost_its_policy_publishes_nothing_until_somebody_sets_one() {
    let machine = Machine::new();
    machine.grow("data", "ada");
    let key = machine.key("data");
    machine.copy("data", "before");
    let (mut running, policy) = witness(&machine, &key);
    machine.register("data", "grace").expect_code(0);
    machine.on("data", &["log", "checkpoint", "--log-policy", text(&policy)]).expect_code(0);
    running.kill();
    let (data, mirror) = (machine.path("data"), machine.path("mirror"));
    run_with(["log", "mirror", text(&data), text(&mirror), "--log", &key], &[]).expect_code(0);
    // A copy of before it, brought forward.
    machine.on("before", &["log", "repair", "--from", text(&mirror)]).expect_code(0);
    let refused = machine.on("before", &["log", "checkpoint"]);
    let refused = refused.expect_error(5, &["the policy of witnesses sha256:"]);
    assert!(refused.stderr.contains("--log-policy"), "{}", refused.stderr);
    // A mirror with the key, on a machine that remembers nothing.
    let keys = [machine.path("data/keys"), mirror];
    assert!(Command::new("cp").arg("-r").args(keys).status().unwrap().success());
    let elsewhere = machine.path("elsewhere");
    let there = |arguments: &[&str]| machine.with_heads(&elsewhere, "mirror", arguments);
    there(&["log", "resume", "--only-copy"]).expect_code(0);
    there(&["log", "checkpoint"]).expect_error(5, &["cosigned the newest one"]);
    // One row deleted.
    let script = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as d: \
                  d.execute(\"DELETE FROM meta WHERE key = 'log-policy'\")";
    let database = data.join("chaoschain.sqlite");
    let deleted = Command::new("python3").args(["-c", script, text(&database)]).status().unwrap();
    assert!(deleted.success());
    machine
        .on("data", &["log", "checkpoint"])
        .expect_error(5, &["the policy of witnesses sha256:"]);
    let none = machine.path("none.policy");
    fs::write(&none, "quorum none\n").unwrap();
    machine.on("data", &["log", "checkpoint", "--log-policy", text(&none)]).expect_code(0);
    machine.on("data", &["log", "checkpoint"]).expect_code(0);
}
