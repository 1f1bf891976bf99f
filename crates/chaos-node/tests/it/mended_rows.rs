//! What in a row of an entry follows from other data costs no entry, and no entry is given up that a copy has.

use std::fs;

use rusqlite::{Connection, params};

use crate::{
    copies::{Machine, text},
    mended::{ahead_of_its_mirror, database, goes_on, repair},
    program::run,
};

fn shown(machine: &Machine) -> String {
    machine.on("data", &["log", "show", "--json"]).expect_code(0).stdout
}

/// A log whose last three entries no head covers.
fn ahead() -> (Machine, String) {
    let machine = ahead_of_its_mirror();
    for name in ["grace", "edsger", "barbara"] {
        machine.register("data", name).expect_code(0);
    }
    let before = shown(&machine);
    (machine, before)
}

#[test]
fn entry_whose_digest_column_rots_is_whole_and_no_word_of_giving_it_up() {
    let (machine, before) = ahead();
    for index in [0, 2, 4] {
        let sql = "SELECT digest FROM entries WHERE idx = ?1";
        let mut digest: Vec<u8> = database(&machine).query_row(sql, [index], |r| r.get(0)).unwrap();
        digest[9] ^= 4;
        let sql = "UPDATE entries SET digest = ?2 WHERE idx = ?1";
        database(&machine).execute(sql, params![index, digest]).unwrap();
        machine.on("data", &["log", "rebuild", "--check"]).expect_code(5);
        let done = repair(&machine, &[]).expect_code(0);
        assert!(done.stdout.contains("fetched 0 entries"), "{}", done.stdout);
        assert!(done.stdout.contains("1 row of an entry put right"), "{}", done.stdout);
        assert!(!done.stderr.contains("--drop-unsigned"), "{}", done.stderr);
        assert_eq!(shown(&machine), before);
    }
    goes_on(&machine);
}

#[test]
fn entry_whose_number_rots_goes_back_to_its_place_in_the_log_and_in_a_copy() {
    let (machine, before) = ahead();
    for (from, to) in [(4, 5), (4, 68), (2, 66), (1, 65), (0, 64)] {
        let moved = "UPDATE entries SET idx = ?2 WHERE idx = ?1";
        database(&machine).execute(moved, [from, to]).unwrap();
        let done = repair(&machine, &["--drop-unsigned"]).expect_code(0);
        assert!(!done.stderr.contains("given up"), "{}", done.stderr);
        assert_eq!(shown(&machine), before, "{from} to {to}");
    }
    goes_on(&machine);
    let (data, copy) = (machine.path("data"), machine.path("copy"));
    run(["log", "mirror", text(&data), text(&copy)]).expect_code(0);
    let database = Connection::open(copy.join("chaoschain.sqlite")).unwrap();
    database.execute("UPDATE entries SET idx = 69 WHERE idx = 5", []).unwrap();
    drop(database);
    machine.on("copy", &["log", "repair", "--from", text(&data)]).expect_code(0);
    machine.on("copy", &["log", "rebuild", "--check"]).expect_code(0);
    run(["log", "mirror", text(&data), text(&copy)]).expect_code(0);
}

/// A note of how many entries there were makes no repair endless, and keeps no copy from getting well.
#[test]
fn number_in_a_note_of_a_former_database_chooses_no_loops_length() {
    let (machine, _) = ahead();
    let (data, copy) = (machine.path("data"), machine.path("copy"));
    for number in ["400000000", "1000000000000"] {
        let note = "INSERT INTO meta VALUES ('former', ?1)";
        for folder in [&data, &copy] {
            let database = Connection::open(folder.join("chaoschain.sqlite")).unwrap();
            database.execute(note, [number.as_bytes()]).unwrap();
        }
        machine.on("copy", &["log", "repair", "--from", text(&data)]).expect_code(0);
        machine.on("copy", &["log", "rebuild", "--check"]).expect_code(0);
        repair(&machine, &[]).expect_code(1);
        let done = repair(&machine, &["--drop-unsigned"]).expect_code(0);
        assert!(done.stderr.contains("nothing that is here came after it"), "{}", done.stderr);
        assert_eq!(shown(&machine).lines().count(), 5);
        fs::remove_file(machine.path("data/chaoschain.sqlite.longer")).unwrap();
    }
    goes_on(&machine);
}

/// A backup each night, and a checkpoint each week.
#[test]
fn entry_that_lies_whole_in_a_backup_comes_back_from_it() {
    let (machine, _) = ahead();
    machine.copy("data", "backup");
    machine.register("data", "konrad").expect_code(0);
    let before = shown(&machine);
    let damage = "UPDATE entries SET record = x'00' WHERE idx = 3";
    database(&machine).execute(damage, []).unwrap();
    let backup = machine.path("backup");
    let line = ["log", "repair", "--from", text(&backup)];
    let done = machine.on("data", &line).expect_code(0);
    assert!(done.stdout.contains("fetched 1 entries"), "{}", done.stdout);
    assert_eq!(shown(&machine), before);
    // Where no tile tells which entry it was, how the folder is used is said.
    database(&machine).execute(damage, []).unwrap();
    database(&machine).execute("DELETE FROM edge WHERE level = 0", []).unwrap();
    let told = machine.on("data", &line).expect_code(1);
    assert!(told.stderr.contains("names holds 5 entries"), "{}", told.stderr);
    machine.on("backup", &["log", "checkpoint"]).expect_code(0);
    machine.on("data", &line).expect_code(0);
    assert_eq!(shown(&machine), before);
    goes_on(&machine);
}

/// That a database was lost the directory knows, whichever call filled it, until it is written to.
#[test]
fn what_a_lost_database_had_is_told_until_something_is_written() {
    let (machine, _) = ahead();
    for ending in ["", "-wal", "-shm"] {
        let file = format!("data/chaoschain.sqlite{ending}");
        let _absent = fs::rename(machine.path(&file), machine.path(&format!("moved{ending}")));
    }
    for _ in 0..2 {
        let told = repair(&machine, &[]).expect_code(0);
        assert!(told.stderr.contains("what an earlier database had"), "{}", told.stderr);
        let told = repair(&machine, &["--json"]).expect_code(0).json().remove(0);
        assert_eq!(told["former_database_lost"], true, "{told}");
    }
    machine.register("data", "zuse").expect_code(0);
    let done = repair(&machine, &[]).expect_code(0);
    assert!(!done.stderr.contains("what an earlier database had"), "{}", done.stderr);
    let done = repair(&machine, &["--json"]).expect_code(0).json().remove(0);
    assert_eq!(done["former_database_lost"], false, "{done}");
}
