//! What `log repair` does for a directory whose newest entries no copy has yet, which is the usual case.

use std::{fs, path::Path};

use rusqlite::{Connection, params};

use crate::{
    copies::{Machine, text},
    program::{Run, run},
};

/// A log whose only mirror ends with its first signed head, of two entries.
pub(crate) fn ahead_of_its_mirror() -> Machine {
    let machine = Machine::new();
    machine.grow("data", "ada");
    let (data, copy, key) = (machine.path("data"), machine.path("copy"), machine.key("data"));
    run(["log", "mirror", text(&data), text(&copy), "--log", &key]).expect_code(0);
    machine
}

pub(crate) fn database(machine: &Machine) -> Connection {
    Connection::open(machine.path("data/chaoschain.sqlite")).unwrap()
}

pub(crate) fn repair(machine: &Machine, options: &[&str]) -> Run {
    let copy = machine.path("copy");
    machine.on("data", &[&["log", "repair", "--from", text(&copy)], options].concat())
}

/// Flips a bit in the last hash of the lowest tile that grows.
fn rot_the_tile(machine: &Machine) {
    let database = database(machine);
    let sql = "SELECT hashes FROM edge WHERE level = 0 ORDER BY part DESC LIMIT 1";
    let mut hashes: Vec<u8> = database.query_row(sql, [], |row| row.get(0)).unwrap();
    *hashes.last_mut().unwrap() ^= 1;
    let rotten = "UPDATE edge SET hashes = ?1 WHERE level = 0";
    assert_eq!(database.execute(rotten, [hashes]).unwrap(), 1);
}

pub(crate) fn goes_on(machine: &Machine) {
    machine.on("data", &["log", "rebuild", "--check"]).expect_code(0);
    machine.grow("data", "zuse");
}

/// The tile is what is computed from the entries, and a head that they lead to says that they are whole.
#[test]
fn tile_that_rots_over_entries_which_a_head_covers_costs_nothing() {
    let machine = ahead_of_its_mirror();
    machine.grow("data", "grace");
    let before = machine.on("data", &["log", "show", "--json"]).stdout;
    rot_the_tile(&machine);
    machine.on("data", &["log", "rebuild", "--check"]).expect_code(5);
    let done = repair(&machine, &[]).expect_code(0);
    assert!(done.stdout.contains("computed 1 tiles anew"), "{}", done.stdout);
    assert_eq!(machine.on("data", &["log", "show", "--json"]).stdout, before);
    goes_on(&machine);
}

/// Nothing tells then whether the tile or the entry was changed: the entry stands, and it is said once.
#[test]
fn tile_that_rots_over_an_entry_that_no_head_covers_is_told_once() {
    let machine = ahead_of_its_mirror();
    machine.register("data", "grace").expect_code(0);
    rot_the_tile(&machine);
    let done = repair(&machine, &[]).expect_code(1);
    assert!(done.stdout.contains("entry 2 is kept as record and leaf have it"), "{}", done.stdout);
    repair(&machine, &[]).expect_code(0);
    goes_on(&machine);
}

#[test]
fn what_no_head_covers_is_given_up_only_where_that_is_asked() {
    let machine = ahead_of_its_mirror();
    for name in ["grace", "edsger"] {
        machine.register("data", name).expect_code(0);
    }
    database(&machine).execute("UPDATE entries SET record = x'00' WHERE idx = 2", []).unwrap();
    for _ in 0..2 {
        let told = repair(&machine, &[]).expect_code(1);
        assert!(told.stdout.contains("entry 2 is damaged or missing"), "{}", told.stdout);
        assert!(told.stderr.contains("--drop-unsigned"), "{}", told.stderr);
    }
    let done = repair(&machine, &["--drop-unsigned"]).expect_code(0);
    assert!(done.stderr.contains("2 entries given up"), "{}", done.stderr);
    let former = machine.path("data/chaoschain.sqlite.longer");
    let kept: i64 = Connection::open(former)
        .unwrap()
        .query_row("SELECT count(*) FROM entries", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 4);
    goes_on(&machine);
}

#[test]
fn what_a_head_covers_is_never_given_up() {
    let machine = ahead_of_its_mirror();
    machine.grow("data", "grace");
    database(&machine).execute("UPDATE entries SET record = x'00' WHERE idx = 2", []).unwrap();
    let told = repair(&machine, &["--drop-unsigned"]).expect_code(1);
    assert!(told.stderr.contains("the log has signed entry 2"), "{}", told.stderr);
    assert!(!machine.path("data/chaoschain.sqlite.longer").exists());
}

/// Puts rot in the page of the database that holds these bytes.
fn spoil(path: &Path, start: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(start.len()).position(|window| window == start).unwrap();
    let size = usize::from(bytes[16]) << 8 | usize::from(bytes[17]);
    let page = at / size * size;
    bytes[page..page + size].fill(0xa5);
    fs::write(path, bytes).unwrap();
}

/// The row of the last entry begins with its digest and its leaf; a long record goes on on other pages.
fn last_row(database: &Connection) -> Vec<u8> {
    database
        .query_row("SELECT digest, leaf FROM entries ORDER BY idx DESC LIMIT 1", [], |row| {
            let (digest, leaf): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            Ok([digest.as_slice(), &leaf[..40]].concat())
        })
        .unwrap()
}

#[test]
fn entries_of_a_last_page_that_cannot_be_read_are_told_and_not_forgotten() {
    let machine = ahead_of_its_mirror();
    for name in ["grace", "edsger", "barbara", "konrad"] {
        machine.register("data", name).expect_code(0);
    }
    let file = machine.path("data/chaoschain.sqlite");
    let row = {
        let database = database(&machine);
        database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        last_row(&database)
    };
    spoil(&file, &row);
    let told = repair(&machine, &[]).expect_code(1);
    assert!(told.stdout.contains("damaged or missing"), "{}", told.stdout);
    assert!(told.stderr.contains("chaoschain.sqlite.damaged"), "{}", told.stderr);
    repair(&machine, &["--drop-unsigned"]).expect_code(0);
    goes_on(&machine);
}

/// A row chooses no loop's length.
#[test]
fn row_with_a_huge_index_is_told_in_a_line_and_given_up() {
    let machine = ahead_of_its_mirror();
    let huge = "INSERT INTO entries VALUES (1 << 40, randomblob(32), x'00', x'00')";
    database(&machine).execute(huge, []).unwrap();
    let told = repair(&machine, &[]).expect_code(1);
    assert!(told.stdout.contains("entry 1099511627776 is damaged"), "{}", told.stdout);
    assert_eq!(told.stdout.matches("damaged or missing").count(), 1, "{}", told.stdout);
    let done = repair(&machine, &["--drop-unsigned"]).expect_code(0);
    assert!(done.stderr.contains("1 entry given up"), "{}", done.stderr);
    goes_on(&machine);
}

/// Whose log it is every entry says, and so does the name of its checkpoints: the row is not needed for that.
#[test]
fn row_of_who_runs_the_log_is_held_against_its_entries_and_put_right() {
    let machine = ahead_of_its_mirror();
    let sql = "SELECT value FROM meta WHERE key = 'operator'";
    let own: Vec<u8> = database(&machine).query_row(sql, [], |row| row.get(0)).unwrap();
    let own = String::from_utf8(own).unwrap();
    let other = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
    for found in [other, "did:key:z6Mk", &own.replace("did", "die"), "\u{1b}[2J"] {
        let wrong = "UPDATE meta SET value = ?1 WHERE key = 'operator'";
        database(&machine).execute(wrong, params![found.as_bytes()]).unwrap();
        for line in [&["log", "show"][..], &["log", "checkpoint"], &["agent", "list"]] {
            let refused = machine.on("data", line);
            assert!(!refused.stderr.contains('\u{1b}'), "{}", refused.stderr);
            refused.expect_error(5, &["runs the log", "log repair --from SOURCE"]);
        }
        let done = repair(&machine, &[]).expect_code(0);
        assert!(done.stderr.contains("put right by the log's entries"), "{}", done.stderr);
    }
    goes_on(&machine);
}

/// The key that is named like the root key's file is another one by then.
#[test]
fn values_that_are_lost_are_put_right_where_the_root_key_is_elsewhere() {
    let machine = ahead_of_its_mirror();
    machine.on("data", &["log", "rotate-key"]).expect_code(0);
    machine.on("data", &["log", "replace-operator"]).expect_code(0);
    machine.grow("data", "grace");
    let (data, copy) = (machine.path("data"), machine.path("copy"));
    run(["log", "mirror", text(&data), text(&copy)]).expect_code(0);
    let root = machine.path("data/keys/operator.root.pem");
    fs::rename(&root, machine.path("away.pem")).unwrap();
    database(&machine).execute("DELETE FROM meta", []).unwrap();
    repair(&machine, &[]).expect_code(0);
    goes_on(&machine);
}

/// What SQLite keeps for itself is no other program's table.
#[test]
fn statistics_of_another_tool_stop_nobody() {
    let machine = ahead_of_its_mirror();
    database(&machine).execute_batch("ANALYZE").unwrap();
    goes_on(&machine);
}

/// A repair that found nothing leaves nothing that could be taken for a log.
#[test]
fn repair_that_fetches_nothing_leaves_no_database() {
    let machine = ahead_of_its_mirror();
    let key = machine.key("data");
    machine.on("data", &["log", "rotate-key"]).expect_code(0);
    machine.on("data", &["log", "replace-operator"]).expect_code(0);
    machine.grow("data", "grace");
    let (data, copy) = (machine.path("data"), machine.path("copy"));
    run(["log", "mirror", text(&data), text(&copy)]).expect_code(0);
    fs::rename(machine.path("data/keys/operator.root.pem"), machine.path("away.pem")).unwrap();
    for ending in ["", "-wal", "-shm"] {
        let file = format!("data/chaoschain.sqlite{ending}");
        let _absent = fs::rename(machine.path(&file), machine.path(&format!("moved{ending}")));
    }
    for _ in 0..2 {
        repair(&machine, &[]).expect_error(3, &["--log"]);
        assert!(!machine.path("data/chaoschain.sqlite").exists());
        let lost = machine.on("data", &["log", "checkpoint"]);
        lost.expect_error(5, &["holds the key of a log and none of its entries"]);
    }
    repair(&machine, &["--log", &key]).expect_code(0);
    goes_on(&machine);
}

/// A log that lost what it had acknowledged holds together: the memory of its heads says that it is not whole.
#[test]
fn check_of_a_log_that_lost_its_end_is_no_success() {
    let machine = ahead_of_its_mirror();
    machine.copy("data", "old");
    machine.grow("data", "grace");
    machine.on("data", &["log", "rebuild", "--check"]).expect_code(0);
    let check = machine.on("old", &["log", "rebuild", "--check"]);
    check.expect_error(5, &["signed a head of 3 entries", "holds 2"]);
}

/// What was acknowledged is known after a call that was ended, too, where the mark of the fold alone says it.
#[test]
fn entries_that_a_refill_could_not_read_are_told_by_the_next_repair_as_well() {
    let machine = ahead_of_its_mirror();
    for name in ["grace", "edsger", "barbara", "konrad"] {
        machine.register("data", name).expect_code(0);
    }
    let file = machine.path("data/chaoschain.sqlite");
    let (row, hashes): (Vec<u8>, Vec<u8>) = {
        let database = database(&machine);
        database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        let hashes = database.query_row("SELECT hashes FROM edge", [], |row| row.get(0)).unwrap();
        (last_row(&database), hashes)
    };
    spoil(&file, &row);
    spoil(&file, &hashes);
    let unreachable = ["log", "repair", "--from", "http://127.0.0.1:1"];
    machine.on("data", &unreachable).expect_code(4);
    for _ in 0..2 {
        let told = repair(&machine, &[]).expect_code(1);
        let up_to_the_last = ["entry 5 is damaged or missing", "to 5 are damaged or missing"];
        assert!(up_to_the_last.iter().any(|said| told.stdout.contains(said)), "{}", told.stdout);
        machine.register("data", "zuse").expect_code(5);
    }
    repair(&machine, &["--drop-unsigned"]).expect_code(0);
    goes_on(&machine);
}

/// One flip in eight makes a note no text at all.
#[test]
fn kept_checkpoint_that_is_no_text_any_more_is_dropped() {
    let machine = ahead_of_its_mirror();
    machine.grow("data", "grace");
    let sql =
        "UPDATE checkpoints SET note = CAST(x'80' || CAST(note AS BLOB) AS TEXT) WHERE size = 3";
    assert_eq!(database(&machine).execute(sql, []).unwrap(), 1);
    machine.on("data", &["log", "checkpoint"]).expect_code(5);
    let done = repair(&machine, &[]).expect_code(0);
    assert!(done.stdout.contains("unreadable: put in place, or dropped"), "{}", done.stdout);
    goes_on(&machine);
}

/// A repair that fails brings no head back that the log has gone on from since.
#[test]
fn what_an_ended_repair_had_taken_away_comes_back_beside_newer_heads() {
    let machine = ahead_of_its_mirror();
    let ended = r#"[[9,"bm8gbm90ZQ=="]]"#;
    let put = "INSERT INTO meta (key, value) VALUES ('repair/checkpoints', ?1)";
    database(&machine).execute(put, params![ended.as_bytes()]).unwrap();
    machine.grow("data", "grace");
    machine.on("data", &["log", "repair", "--from", "http://127.0.0.1:1"]).expect_code(4);
    let sizes = |machine: &Machine| -> Vec<i64> {
        let database = database(machine);
        let mut rows = database.prepare("SELECT size FROM checkpoints ORDER BY size").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert!(sizes(&machine).contains(&3), "{:?}", sizes(&machine));
    repair(&machine, &[]).expect_code(0);
    assert_eq!(sizes(&machine), [2, 3]);
}

/// How far the log is folded follows from the log.
#[test]
fn mark_of_the_fold_that_rots_is_folded_anew() {
    let machine = ahead_of_its_mirror();
    machine.register("data", "grace").expect_code(0);
    let before = machine.on("data", &["log", "show", "--json"]).stdout;
    for rotten in
        ["value || ' '", "'x' || substr(value, 2)", "CAST(x'80' || CAST(value AS BLOB) AS TEXT)"]
    {
        let sql = format!("UPDATE meta SET value = CAST({rotten} AS BLOB) WHERE key = 'fold'");
        assert_eq!(database(&machine).execute(&sql, []).unwrap(), 1);
        machine.on("data", &["log", "show"]).expect_code(5);
        repair(&machine, &[]).expect_code(0);
        assert_eq!(machine.on("data", &["log", "show", "--json"]).stdout, before, "{rotten}");
    }
    goes_on(&machine);
}

#[test]
fn copy_gives_nothing_up() {
    let machine = ahead_of_its_mirror();
    let (data, copy) = (machine.path("data"), machine.path("copy"));
    let older = machine.path("older");
    let key = machine.key("data");
    run(["log", "mirror", text(&copy), text(&older), "--log", &key]).expect_code(0);
    machine.grow("data", "grace");
    run(["log", "mirror", text(&data), text(&copy)]).expect_code(0);
    {
        let database = Connection::open(copy.join("chaoschain.sqlite")).unwrap();
        database.execute("UPDATE entries SET record = x'00' WHERE idx = 2", []).unwrap();
        database.execute("DELETE FROM checkpoints WHERE size = 3", []).unwrap();
    }
    let line = ["log", "repair", "--from", text(&older), "--drop-unsigned"];
    let told = machine.on("copy", &line).expect_code(1);
    assert!(told.stderr.contains("a copy holds nothing that was not signed"), "{}", told.stderr);
    assert!(!copy.join("chaoschain.sqlite.longer").exists());
    machine.on("copy", &["log", "repair", "--from", text(&data)]).expect_code(0);
}

/// The line is the key's signature still, and says that it is another's.
#[test]
fn kept_checkpoint_whose_key_id_rots_is_dropped() {
    let machine = ahead_of_its_mirror();
    machine.grow("data", "grace");
    let sql = "SELECT note FROM checkpoints WHERE size = 3";
    let note: String = database(&machine).query_row(sql, [], |row| row.get(0)).unwrap();
    // After the dash, the name and a space come four bytes of the key's id, in base64.
    let line = note.rfind('\u{2014}').unwrap();
    let at = note.trim_end().rfind(' ').unwrap() + 1;
    assert!(line < at);
    let other = if note.as_bytes()[at] == b'A' { "B" } else { "A" };
    let changed = format!("{}{other}{}", &note[..at], &note[at + 1..]);
    let update = "UPDATE checkpoints SET note = ?1 WHERE size = 3";
    database(&machine).execute(update, params![changed]).unwrap();
    let done = repair(&machine, &[]).expect_code(0);
    assert!(done.stdout.contains("the kept checkpoint of 3 entries"), "{}", done.stdout);
    goes_on(&machine);
}
