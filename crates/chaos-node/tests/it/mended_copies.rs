//! What a copy has kept is the copy's: its damage accuses nobody, and its log's memory does not judge it.

use std::{fs, path::Path};

use rusqlite::{Connection, params};

use crate::{
    copies::{Machine, text},
    mended::{ahead_of_its_mirror, database, goes_on, repair},
    program::{Run, run},
};

fn in_copy(machine: &Machine, copy: &str) -> Connection {
    Connection::open(machine.path(copy).join("chaoschain.sqlite")).unwrap()
}

/// Flips a bit of a value that a copy has kept, in a byte so many halves into it.
fn flip(machine: &Machine, copy: &str, key: &str, halves: usize) {
    let database = in_copy(machine, copy);
    let sql = "SELECT value FROM meta WHERE key = ?1";
    let mut value: Vec<u8> = database.query_row(sql, [key], |row| row.get(0)).unwrap();
    let at = value.len() * halves / 2;
    value[at] ^= 1;
    let sql = "UPDATE meta SET value = ?2 WHERE key = ?1";
    assert_eq!(database.execute(sql, params![key, value]).unwrap(), 1);
}

/// The operator keeps a mirror beside the log, as the guide does.
#[test]
fn mirror_on_the_logs_machine_is_whole_whatever_the_log_has_signed_since() {
    let machine = ahead_of_its_mirror();
    let (data, copy, public) = (machine.path("data"), machine.path("copy"), machine.path("public"));
    machine.on("data", &["log", "export", text(&public)]).expect_code(0);
    machine.grow("data", "grace");
    in_copy(&machine, "copy")
        .execute("UPDATE entries SET record = x'00' WHERE idx = 1", [])
        .unwrap();
    // From a source that ends before what was signed here, and from one that has it.
    for (source, fetched) in [(&public, "fetched 1 entries"), (&data, "fetched 0 entries")] {
        let done = machine.on("copy", &["log", "repair", "--from", text(source)]).expect_code(0);
        assert!(done.stdout.contains(fetched), "{}", done.stdout);
        assert!(!done.stdout.contains("old copy"), "{}", done.stdout);
        assert!(done.stdout.contains("2 entries, root"), "{}", done.stdout);
    }
    machine.on("copy", &["log", "rebuild", "--check"]).expect_code(0);
    run(["log", "mirror", text(&data), text(&copy)]).expect_code(0);
}

/// The file of the log's keys proves itself, and the source publishes it.
#[test]
fn kept_file_of_the_logs_keys_that_rots_is_told_as_the_copys_damage_and_taken_anew() {
    let machine = ahead_of_its_mirror();
    machine.on("data", &["log", "rotate-key"]).expect_code(0);
    let (data, copy) = (machine.path("data"), machine.path("copy"));
    run(["log", "mirror", text(&data), text(&copy)]).expect_code(0);
    let monitor = ["log", "monitor", text(&data), text(&copy)];
    run(monitor).expect_code(1);
    let alarms = || fs::read_dir(copy.join("alarms")).unwrap().count();
    let before = alarms();
    for round in ["mirror", "monitor", "repair"] {
        flip(&machine, "copy", "mirror/keys", 1);
        let told = machine.on("copy", &["log", "rebuild", "--check"]);
        told.expect_error(5, &["what this copy has kept of the log's keys", "log mirror"]);
        match round {
            "repair" => machine.on("copy", &["log", "repair", "--from", text(&data)]),
            round => run(["log", round, text(&data), text(&copy)]),
        }
        .expect_code(0);
        machine.on("copy", &["log", "rebuild", "--check"]).expect_code(0);
    }
    assert_eq!(alarms(), before, "nobody is accused");
    flip(&machine, "copy", "mirror/keys", 1);
    machine.grow("data", "grace");
    run(["log", "mirror", text(&data), text(&copy)]).expect_code(0);
}

/// No source has what a copy found, so that a repair which leaves it so is no success.
#[test]
fn findings_of_a_copy_that_rot_are_told_with_a_way_on() {
    let machine = ahead_of_its_mirror();
    let (data, copy) = (machine.path("data"), machine.path("copy"));
    flip(&machine, "copy", "mirror/findings/1", 0);
    let way_on = |run: Run| run.expect_error(5, &["make a new copy"]);
    way_on(machine.on("copy", &["log", "rebuild", "--check"]));
    way_on(run(["log", "mirror", text(&data), text(&copy)]));
    let told = machine.on("copy", &["log", "repair", "--from", text(&data)]).expect_code(5);
    assert!(told.stderr.contains("make a new copy"), "{}", told.stderr);
}

/// Whose log it is follows from its entries, and what a disk made of the first line of a note names no other.
#[test]
fn kept_note_whose_first_line_rots_accuses_no_source() {
    for rotated in [false, true] {
        let machine = ahead_of_its_mirror();
        if rotated {
            machine.on("data", &["log", "rotate-key"]).expect_code(0);
        }
        machine.grow("data", "grace");
        let (data, copy) = (machine.path("data"), machine.path("copy"));
        let public = machine.path("public");
        machine.on("data", &["log", "export", text(&public)]).expect_code(0);
        run(["log", "mirror", text(&public), text(&copy)]).expect_code(0);
        for folder in [&data, &copy] {
            rot_the_name(folder);
        }
        machine.on("data", &["log", "rebuild", "--check"]).expect_code(5);
        for folder in ["data", "copy"] {
            let done = machine.on(folder, &["log", "repair", "--from", text(&public)]);
            let done = done.expect_code(0);
            assert!(done.stdout.contains("was not the one that the log signed"), "{}", done.stdout);
            machine.on(folder, &["log", "rebuild", "--check"]).expect_code(0);
        }
        run(["log", "mirror", text(&public), text(&copy)]).expect_code(0);
        goes_on(&machine);
    }
}

/// Changes a character of the name in the newest note.
fn rot_the_name(folder: &Path) {
    let database = Connection::open(folder.join("chaoschain.sqlite")).unwrap();
    let sql = "UPDATE checkpoints SET note = substr(note, 1, 3) || 'n' || substr(note, 5)
        WHERE size = (SELECT max(size) FROM checkpoints)";
    assert_eq!(database.execute(sql, []).unwrap(), 1);
}

/// Whoever grows suspicious names the agent then.
#[test]
fn agent_that_a_monitor_follows_later_is_looked_for_in_what_it_has_already() {
    let machine = ahead_of_its_mirror();
    let (data, watched) = (machine.path("data"), machine.path("watched"));
    let key = machine.key("data");
    let shown = machine.on("data", &["agent", "show", "ada", "--json"]).expect_code(0).stdout;
    let did = shown.split_once("\"did\":\"").unwrap().1;
    let ada = did.split_once('"').unwrap().0.to_owned();
    run(["log", "monitor", text(&data), text(&watched), "--log", &key]).expect_code(0);
    machine.on("data", &["agent", "rotate", "ada"]).expect_code(0);
    machine.on("data", &["log", "checkpoint"]).expect_code(0);
    run(["log", "monitor", text(&data), text(&watched)]).expect_code(0);
    let follow = ["log", "monitor", text(&data), text(&watched), "--follow", &ada];
    let told = run(follow).expect_code(1);
    for said in
        ["entry 1: `register`", "entry 2: `rotate_key`", "3 earlier entries looked at again"]
    {
        assert!(told.stdout.contains(said), "{}", told.stdout);
    }
    let again = run(follow).expect_code(0);
    assert!(again.stdout.contains("0 alarms"), "{}", again.stdout);
}

/// The policy says whose lines are true: where it cannot be read, none was judged.
#[test]
fn policy_that_rots_is_no_success() {
    let machine = ahead_of_its_mirror();
    let none = machine.path("none.policy");
    fs::write(&none, "quorum none\n").unwrap();
    let checkpoint = ["log", "checkpoint", "--log-policy", text(&none)];
    machine.on("data", &checkpoint).expect_code(0);
    let sql = "UPDATE meta SET value = CAST(value || x'20' AS BLOB) WHERE key = 'log-policy'";
    assert_eq!(database(&machine).execute(sql, []).unwrap(), 1);
    let check = machine.on("data", &["log", "rebuild", "--check"]);
    check.expect_error(5, &["policy of witnesses is damaged", "--log-policy"]);
    let told = repair(&machine, &[]).expect_code(1);
    assert!(told.stdout.contains("no line of theirs was judged"), "{}", told.stdout);
    let public = machine.path("public");
    machine.on("data", &["log", "export", text(&public)]).expect_error(5, &["--log-policy"]);
    machine.on("data", &checkpoint).expect_code(0);
    machine.on("data", &["log", "export", text(&public)]).expect_code(0);
    goes_on(&machine);
}
