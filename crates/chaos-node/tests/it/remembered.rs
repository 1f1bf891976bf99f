//! A head by a retired key in the memory of signed heads, through the program.

use std::{fs, path::PathBuf};

use crate::{
    copies::{Machine, text},
    program::{Run, run_with},
};

/// A log that rotated twice and replaced its operator (`data`, exported to `ours`); and what a thief, who has its
/// second key, made of the log as it was before the second rotation (exported to `theirs`).
struct Stolen {
    machine: Machine,
    root: String,
    new: PathBuf,
}

impl Stolen {
    fn new() -> Self {
        let machine = Machine::new();
        machine.grow("data", "ada");
        let root = machine.key("data");
        machine.on("data", &["log", "rotate-key"]).expect_code(0);
        machine.grow("data", "grace");
        machine.copy("data", "backup");
        machine.copy("data", "stolen");
        for command in ["rotate-key", "replace-operator"] {
            machine.on("data", &["log", command]).expect_code(0);
        }
        machine.grow("data", "edsger");
        let thief = machine.path("thief-heads");
        let thief = |arguments: &[&str]| machine.with_heads(&thief, "stolen", arguments);
        thief(&["log", "resume", "--only-copy"]).expect_code(0);
        for name in ["m1", "m2", "m3", "m4", "m5", "m6"] {
            let register = ["agent", "register", "--name", name, "--role", "researcher"];
            thief(&register).expect_code(0);
        }
        thief(&["log", "checkpoint"]).expect_code(0);
        thief(&["log", "export", text(&machine.path("theirs"))]).expect_code(0);
        machine.on("data", &["log", "export", text(&machine.path("ours"))]).expect_code(0);
        let new = machine.path("new-heads");
        Self { machine, root, new }
    }

    fn text(&self, name: &str) -> String {
        text(&self.machine.path(name)).to_owned()
    }

    /// On another machine, with its own memory.
    fn on(&self, data: &str, arguments: &[&str]) -> Run {
        self.machine.with_heads(&self.new, data, arguments)
    }

    /// The backup is brought up from the thief's source, as whoever knows no better does.
    fn led_astray(&self) {
        let (source, head) = (self.text("theirs"), self.text("theirs/checkpoint"));
        self.on("backup", &["log", "resume", "--from", &head]).expect_code(5);
        self.on("backup", &["log", "repair", "--from", &source]).expect_code(0);
        self.on("backup", &["log", "resume", "--from", &head]).expect_code(0);
    }
}

#[test]
fn newest_directory_goes_on_where_a_thiefs_head_came_into_the_memory() {
    let log = Stolen::new();
    log.led_astray();
    let told = log.on("data", &["log", "checkpoint"]);
    let told = told.expect_error(5, &["the head of 10 entries", "log resume --from FILE"]);
    assert!(!told.stderr.contains("begin another"), "{}", told.stderr);
    // Strangers are shown what is here, as where nothing is remembered.
    let shown = log.on("data", &["log", "export", &log.text("anew")]).expect_code(0);
    assert!(shown.stderr.contains("does not count here"), "{}", shown.stderr);
    let ours = log.text("ours/checkpoint");
    let resume = ["log", "resume", "--from", &ours, "--json"];
    let resumed = log.on("data", &resume).expect_code(0).json();
    let aside = resumed[0]["aside"]["file"].as_str().unwrap();
    assert_eq!(
        fs::read_to_string(aside).unwrap(),
        fs::read_to_string(log.machine.path("theirs/checkpoint")).unwrap()
    );
    assert_eq!((&resumed[0]["size"], &resumed[0]["aside"]["size"]), (&7.into(), &10.into()));
    log.on("data", &["log", "checkpoint"]).expect_code(0);
    log.on("data", &["log", "repair", "--from", &log.text("ours")]).expect_code(0);
    let again = log.on("data", &["log", "resume", "--from", &log.text("theirs/checkpoint")]);
    again.expect_error(3, &["nothing was remembered", "retired key"]);
}

#[test]
fn backup_that_was_brought_up_from_a_thief_is_told_what_the_owners_head_means() {
    let log = Stolen::new();
    log.led_astray();
    let ours = log.text("ours/checkpoint");
    let told = log.on("backup", &["log", "resume", "--from", &ours]);
    let told =
        told.expect_error(3, &["ours/checkpoint", "by a key that this directory does not know"]);
    assert!(!told.stderr.contains("another log's head"), "{}", told.stderr);
    // As the hint says.
    log.on("backup", &["log", "repair", "--from", &log.text("ours")]).expect_code(6);
    let (source, copy) = (log.text("ours"), log.text("anew"));
    run_with(["log", "mirror", &source, &copy, "--log", &log.root], &[]).expect_code(0);
    let keys = [log.machine.path("data/keys"), log.machine.path("anew/keys")];
    fs::create_dir(&keys[1]).unwrap();
    for file in fs::read_dir(&keys[0]).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), keys[1].join(file.file_name())).unwrap();
    }
    log.on("anew", &["log", "resume", "--from", &ours]).expect_code(0);
    log.on("anew", &["log", "checkpoint"]).expect_code(0);
    // A note of another log is told as that.
    log.machine.grow("other", "ada");
    log.machine.on("other", &["log", "export", &log.text("foreign")]).expect_code(0);
    let foreign = log.text("foreign/checkpoint");
    let told = log.on("anew", &["log", "resume", "--from", &foreign]);
    told.expect_error(3, &["another log's head"]);
}
