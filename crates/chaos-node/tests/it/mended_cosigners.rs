//! The line of a witness below the kept note, as a disk left it.

use std::fs;

use rusqlite::Connection;

use crate::{
    copies::{Machine, text},
    program::run,
    witness_memory::cosigned,
};

/// A log whose newest head a witness has cosigned, its policy for readers, and an export of it.
fn published() -> (Machine, String) {
    let (machine, key) = cosigned();
    let lines = fs::read_to_string(machine.path("witnesses.policy")).unwrap();
    fs::write(machine.path("readers.policy"), format!("log {key}\n{lines}")).unwrap();
    machine.on("data", &["log", "export", text(&machine.path("public"))]).expect_code(0);
    (machine, key)
}

/// Changes one character of the witness's line: of its name, of the key's id, of the time, or of the signature.
fn rot(machine: &Machine, place: &str) {
    let database = Connection::open(machine.path("data/chaoschain.sqlite")).unwrap();
    let sql = "SELECT note FROM checkpoints WHERE size = 3";
    let note: String = database.query_row(sql, [], |row| row.get(0)).unwrap();
    let line = note.find("witness.example.org").unwrap();
    let bytes = line + note[line..].find(' ').unwrap() + 1;
    let at = match place {
        "name" => line,
        "id" => bytes + 1,
        "time" => bytes + 14,
        _ => bytes + 60,
    };
    let other = if &note[at..=at] == "A" { "B" } else { "A" };
    let other = if place == "name" { "v" } else { other };
    let changed = format!("{}{other}{}", &note[..at], &note[at + 1..]);
    let sql = "UPDATE checkpoints SET note = ?1 WHERE size = 3";
    assert_eq!(database.execute(sql, [changed]).unwrap(), 1);
}

#[test]
fn changed_line_of_a_witness_is_told_published_by_nobody_and_mended_from_the_source() {
    let (machine, key) = published();
    let [public, other] = ["public", "other"].map(|name| text(&machine.path(name)).to_owned());
    let readers = machine.path("readers.policy");
    for place in ["signature", "id", "name", "time"] {
        rot(&machine, place);
        let check = machine.on("data", &["log", "rebuild", "--check"]);
        check.expect_error(5, &["a line of a witness below the kept head of size 3", "log repair"]);
        let refused = machine.on("data", &["log", "export", &other]);
        refused.expect_error(5, &["is not published", "log repair"]);
        let done = machine.on("data", &["log", "repair", "--from", &public]).expect_code(0);
        assert!(done.stdout.contains("the kept checkpoint of 3 entries"), "{}", done.stdout);
        machine.on("data", &["log", "rebuild", "--check"]).expect_code(0);
        machine.on("data", &["log", "export", &other]).expect_code(0);
        machine.on("data", &["log", "export", &other, "--check"]).expect_code(0);
        let copy = machine.path(&format!("copy-{place}"));
        let mirror = ["log", "mirror", &other, text(&copy), "--log", &key];
        run([&mirror[..], &["--log-policy", text(&readers)]].concat()).expect_code(0);
        fs::remove_dir_all(&other).unwrap();
    }
}
