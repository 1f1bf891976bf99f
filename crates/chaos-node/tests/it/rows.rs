//! Somebody may write to the database; the program signs nothing that follows from it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::{
    clocks::dated_wrongly,
    program::{Run, run},
};

fn on(data: &Path, arguments: &[&str]) -> Run {
    run([arguments, &["--data", data.to_str().unwrap()]].concat())
}

fn database(data: &Path) -> Connection {
    Connection::open(data.join("chaoschain.sqlite")).unwrap()
}

fn size(data: &Path) -> i64 {
    database(data).query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).unwrap()
}

/// A log whose third entry is dated in 2036.
fn log() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let (data, _) = dated_wrongly(&dir);
    (dir, data)
}

#[test]
fn a_false_time_in_a_row_makes_nobody_sign_a_correction() {
    let (_dir, data) = log();
    let update = "UPDATE state SET value = CAST(replace(CAST(value AS TEXT), ?2, ?3) AS BLOB) \
                  WHERE key = ?1";
    let key = b"action\x0000000000000000000002".as_slice();
    let (from, to) = ("2098742400000", "1767225600000");
    assert_eq!(database(&data).execute(update, params![key, from, to]).unwrap(), 1);
    // Leaves say when entries were taken in, so that what is proposed is right all the same.
    let proposed = on(&data, &["log", "correct-time", "--json"]).expect_code(0).json().remove(0);
    assert_eq!((&proposed["first"], &proposed["later"]), (&2.into(), &1.into()), "{proposed}");
    let sign = ["log", "correct-time", "--sign"];
    on(&data, &sign)
        .expect_error(5, &["the row action/00000000000000000002 is damaged", "log rebuild"]);
    assert_eq!(size(&data), 3, "nothing was appended");
    on(&data, &["log", "rebuild"]).expect_code(0);
    on(&data, &sign).expect_code(0);
    on(&data, &["log", "rebuild", "--check"]).expect_code(0);
}

#[test]
fn an_entry_that_is_not_the_trees_is_folded_by_no_command() {
    let (_dir, data) = log();
    let database = database(&data);
    database.execute("DELETE FROM state", []).unwrap();
    database.execute("DELETE FROM groups", []).unwrap();
    database.execute("DELETE FROM meta WHERE key = 'fold'", []).unwrap();
    let update = "UPDATE entries SET leaf = CAST(replace(CAST(leaf AS TEXT), ?1, ?2) AS BLOB) \
                  WHERE idx = 2";
    assert_eq!(database.execute(update, ["2098742400000", "2098742400001"]).unwrap(), 1);
    drop(database);
    for arguments in [&["log", "checkpoint"][..], &["log", "correct-time", "--sign"]] {
        on(&data, arguments)
            .expect_error(5, &["entry 2 has the leaf hash", "log rebuild --check", "log repair"]);
    }
}

/// What a signed head says of the rows is proved from what the map was then, which is kept as differences.
#[test]
fn what_the_map_was_at_the_newest_head_is_checked_and_folded_anew() {
    let (_dir, data) = log();
    on(&data, &["log", "checkpoint"]).expect_code(0);
    on(&data, &["log", "correct-time", "--sign"]).expect_code(0);
    on(&data, &["log", "rebuild", "--check"]).expect_code(0);
    let damage = "UPDATE former SET front = front + 100000";
    assert!(database(&data).execute(damage, []).unwrap() > 0);
    let checked = on(&data, &["log", "rebuild", "--check"]).expect_code(1);
    assert!(checked.stdout.contains("map at the newest checkpoint"), "{}", checked.stdout);
    on(&data, &["log", "rebuild"]).expect_code(0);
    on(&data, &["log", "rebuild", "--check"]).expect_code(0);
}

#[test]
fn a_head_that_was_signed_and_is_no_longer_published_is_told() {
    let (dir, data) = log();
    on(&data, &["log", "correct-time", "--sign"]).expect_code(0);
    on(&data, &["log", "checkpoint"]).expect_code(0);
    let export = |folder: &str| {
        let folder = dir.path().join(folder);
        on(&data, &["log", "export", folder.to_str().unwrap()]).expect_code(0).stderr
    };
    let told = "a head of 4 entries was signed on this machine";
    assert!(!export("before").contains(told));
    assert_eq!(database(&data).execute("DELETE FROM checkpoints WHERE size = 4", []).unwrap(), 1);
    let said = export("after");
    assert!(said.contains(told) && said.contains("chaoschain log checkpoint"), "{said}");
    on(&data, &["log", "checkpoint"]).expect_code(0);
    assert!(!export("again").contains(told));
}

/// Which head is the newest is asked by the size that it is kept under.
#[test]
fn an_old_head_under_a_larger_size_is_damage_that_repair_mends() {
    let (dir, data) = log();
    on(&data, &["log", "correct-time", "--sign"]).expect_code(0);
    let signed = on(&data, &["log", "checkpoint", "--json"]).expect_code(0).json().remove(0);
    let (copy, key) = (dir.path().join("copy"), signed["log"].as_str().unwrap().to_owned());
    let (copy, from) = (copy.to_str().unwrap(), data.to_str().unwrap());
    assert_eq!(run(["log", "mirror", from, copy, "--log", &key]).code, 1, "a correction is told");
    let insert = "INSERT INTO checkpoints SELECT 999, note FROM checkpoints ORDER BY size LIMIT 1";
    assert_eq!(database(&data).execute(insert, []).unwrap(), 1);
    let public = dir.path().join("public");
    let export = ["log", "export", public.to_str().unwrap()];
    for arguments in [&["log", "checkpoint"][..], &export, &["log", "show"]] {
        on(&data, arguments).expect_error(5, &["the checkpoint under size 999", "log repair"]);
    }
    let repaired = on(&data, &["log", "repair", "--from", copy]).expect_code(0).stdout;
    assert!(repaired.contains("1 checkpoint under another size than the own"), "{repaired}");
    on(&data, &["log", "rebuild", "--check"]).expect_code(0);
    let again = on(&data, &["log", "checkpoint", "--json"]).expect_code(0).json().remove(0);
    assert_eq!(again["size"], signed["size"]);
}

/// Where nothing can be written, what is behind is not read and not called damaged.
#[test]
fn rows_that_are_behind_in_a_folder_that_cannot_be_written_say_what_to_do() {
    let (_dir, data) = log();
    database(&data).execute("DELETE FROM meta WHERE key = 'fold'", []).unwrap();
    // Who may not write cannot take the lock; neither can anybody while it is a program that runs.
    let lock = data.join("lock");
    std::fs::copy("/bin/sleep", &lock).unwrap();
    let mut running = std::process::Command::new(&lock).arg("600").spawn().unwrap();
    on(&data, &["log", "show"]).expect_error(
        5,
        &["folded from 0 of 3 entries", "cannot be written to from here", "log rebuild --data"],
    );
    running.kill().unwrap();
    running.wait().unwrap();
    on(&data, &["log", "show"]).expect_code(0);
}

#[test]
fn who_vouched_for_a_clock_is_told_from_when_and_for_how_long() {
    let (_dir, data) = log();
    let said = on(&data, &["log", "accept-clock"]).expect_code(0).stdout;
    assert!(said.contains("may be dated from") && said.contains("for 30 days"), "{said}");
}
