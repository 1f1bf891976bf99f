//! What in the row of an entry follows from its record and from the tiles costs nothing when a disk changes it.

use std::{fs, path::Path};

use chaos_store::{DATABASE_FILE, Records as _, Store};
use rusqlite::{Connection, params};

use crate::{append, damage::closed_log};

fn mended(directory: &Path) -> u64 {
    Store::open_damaged(directory).unwrap().mend_rows().unwrap()
}

/// Every entry is there again, under its own number.
#[track_caller]
fn is_whole(directory: &Path) {
    let store = Store::open(directory).unwrap();
    assert_eq!(store.check().unwrap().size, 700);
    for index in [0, 2, 3, 350, 650, 699] {
        let entry = store.entry(index).unwrap().unwrap();
        assert_eq!(entry.record, append(&index.to_string()).record());
        assert_eq!(store.index_of(&entry.digest).unwrap(), Some(index));
    }
}

#[test]
fn digest_that_is_not_its_records_is_written_anew() {
    let (directory, path) = closed_log();
    let changed = "UPDATE entries SET digest = randomblob(32) WHERE idx IN (0, 350, 699)";
    assert_eq!(Connection::open(path).unwrap().execute(changed, []).unwrap(), 3);
    assert!(Store::open(directory.path()).unwrap().check().is_err());
    assert_eq!([(); 2].map(|()| mended(directory.path())), [3, 0]);
    is_whole(directory.path());
}

#[test]
fn digest_in_a_leaf_is_written_anew_where_the_tile_has_that_leaf() {
    let (directory, path) = closed_log();
    let leaf = append("699").leaf().to_vec();
    let mut changed = leaf.clone();
    *changed.last_mut().unwrap() ^= 0x11;
    let sql = "UPDATE entries SET leaf = ?1 WHERE idx = 699";
    Connection::open(&path).unwrap().execute(sql, [changed]).unwrap();
    assert_eq!(mended(directory.path()), 1);
    is_whole(directory.path());
    // What no tile has is not made up.
    let changed = [b"x", leaf.as_slice()].concat();
    Connection::open(&path).unwrap().execute(sql, [&changed]).unwrap();
    assert_eq!(mended(directory.path()), 0);
    let stored = Store::open_damaged(directory.path()).unwrap().stored(699).unwrap().unwrap();
    assert_eq!(stored.leaf, changed);
}

#[test]
fn entry_under_another_number_goes_where_a_tile_has_its_leaf() {
    for (from, to) in [(699, 763), (699, 1_i64 << 40), (650, 700), (0, 4_096)] {
        let (directory, path) = closed_log();
        let moved = "UPDATE entries SET idx = ?2 WHERE idx = ?1";
        Connection::open(path).unwrap().execute(moved, params![from, to]).unwrap();
        assert_eq!(mended(directory.path()), 1, "{from} to {to}");
        is_whole(directory.path());
    }
    // Two that have one another's.
    let (directory, path) = closed_log();
    let database = Connection::open(path).unwrap();
    for (from, to) in [(3, 9_000), (2, 3), (9_000, 2)] {
        database.execute("UPDATE entries SET idx = ?2 WHERE idx = ?1", [from, to]).unwrap();
    }
    drop(database);
    assert_eq!(mended(directory.path()), 2);
    is_whole(directory.path());
}

/// Flips bits of the number under which SQLite has the row of an entry.
fn flip_rowid(path: &Path, index: u64, mask: u8) {
    let database = Connection::open(path).unwrap();
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(database);
    let mut bytes = fs::read(path).unwrap();
    let page_bytes = usize::from(bytes[16]) << 8 | usize::from(bytes[17]);
    let digest = *append(&index.to_string()).digest().as_bytes();
    let varint = |bytes: &[u8], at: usize| {
        let (mut value, mut next) = (0_u64, at);
        loop {
            let byte = bytes[next];
            (value, next) = (value << 7 | u64::from(byte & 0x7f), next + 1);
            if byte < 0x80 {
                return (value, next);
            }
        }
    };
    for page in (0..bytes.len()).step_by(page_bytes).skip(1) {
        // A leaf of a table.
        if bytes[page] != 13 {
            continue;
        }
        let two = |at: usize| usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1]);
        let cells = two(page + 3);
        let places: Vec<usize> = (0..cells).map(|cell| page + two(page + 8 + 2 * cell)).collect();
        for place in places {
            let (length, at) = varint(&bytes, place);
            let (found, after) = varint(&bytes, at);
            let end = (after + usize::try_from(length).unwrap()).min(bytes.len());
            if found == index && bytes[after..end].windows(32).any(|part| part == digest) {
                // The last byte of the number: its low seven bits.
                bytes[after - 1] ^= mask;
                fs::write(path, bytes).unwrap();
                return;
            }
        }
    }
    panic!("no row of entry {index}");
}

/// A bit of a number makes a row another entry's, or one far beyond the log; the index over digests tells it then, and
/// what is taken into a fresh database goes to its own place.
#[test]
fn flipped_number_of_a_row_costs_nothing_but_a_fresh_database() {
    for (index, mask) in [(699, 0x01), (699, 0x40), (650, 0x20), (350, 0x02), (3, 0x01), (0, 0x40)]
    {
        let (directory, path) = closed_log();
        flip_rowid(&path, index, mask);
        let refilled = Store::refill(directory.path(), true).unwrap().unwrap();
        assert_eq!(refilled.size, 700, "{index} by {mask}");
        is_whole(directory.path());
        assert_eq!(mended(directory.path()), 0);
    }
}

#[test]
fn row_far_beyond_the_others_and_a_note_are_no_measure_of_the_log() {
    let (directory, path) = closed_log();
    let database = Connection::open(path).unwrap();
    let far = "INSERT INTO entries VALUES (763, randomblob(32), x'00', x'00')";
    database.execute(far, []).unwrap();
    let note = "INSERT INTO meta VALUES ('former', CAST('1000000000000' AS BLOB))";
    database.execute(note, []).unwrap();
    drop(database);
    let mut store = Store::open_damaged(directory.path()).unwrap();
    assert_eq!(store.acknowledged_size().unwrap(), 700);
    assert_eq!(store.rows_from(700).unwrap(), [763]);
    let bytes = fs::metadata(directory.path().join(DATABASE_FILE)).unwrap().len();
    assert!((700..=bytes).contains(&store.former_size().unwrap()));
    // Rows that go on where the tiles end are one, with some of them missing.
    assert_eq!(store.drop_rows_from(700).unwrap(), 1);
    drop(store);
    let database = Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    database.execute("DELETE FROM edge", []).unwrap();
    database.execute("DELETE FROM entries WHERE idx IN (600, 601, 690)", []).unwrap();
    drop(database);
    let store = Store::open_damaged(directory.path()).unwrap();
    assert_eq!(store.acknowledged_size().unwrap(), 700);
}

/// Tiles are damaged as rows are. An entry whose record, leaf and number hold together stays, whatever they say: with a
/// part of the growing tile gone, under another number or on another level, every later leaf seems to stand elsewhere.
#[test]
fn no_damage_of_the_tiles_moves_or_takes_an_entry_that_holds_together() {
    let (directory, path) = closed_log();
    let database = Connection::open(path).unwrap();
    let rows = |database: &Connection| -> Vec<(i64, Vec<u8>, Vec<u8>)> {
        let mut rows =
            database.prepare("SELECT idx, digest, record FROM entries ORDER BY idx").unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap()
    };
    let whole = rows(&database);
    let mut damages = vec![
        "DELETE FROM edge WHERE level = 0".to_owned(),
        "DELETE FROM tiles WHERE level = 0".to_owned(),
        "UPDATE edge SET hashes = substr(hashes, 33)".to_owned(),
        "UPDATE edge SET hashes = substr(hashes, 2)".to_owned(),
        "UPDATE tiles SET hashes = substr(hashes, 33)".to_owned(),
    ];
    let keys: Vec<(i64, i64)> = {
        let mut keys = database.prepare("SELECT level, part FROM edge WHERE level = 0").unwrap();
        let keys = keys.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        keys.collect::<rusqlite::Result<_>>().unwrap()
    };
    for (level, part) in keys {
        let at = format!("WHERE level = {level} AND part = {part}");
        damages.push(format!("DELETE FROM edge {at}"));
        for bit in [0, 1, 2, 5, 22, 40] {
            for column in ["level", "part", "idx"] {
                let flipped = format!("({column} | {0}) - ({column} & {0})", 1_i64 << bit);
                damages.push(format!("UPDATE OR IGNORE edge SET {column} = {flipped} {at}"));
            }
        }
    }
    for tile in 0..2 {
        damages.push(format!("DELETE FROM tiles WHERE level = 0 AND idx = {tile}"));
        for bit in [0, 1, 3, 22, 40] {
            for column in ["level", "idx"] {
                let flipped = format!("({column} | {0}) - ({column} & {0})", 1_i64 << bit);
                damages.push(format!(
                    "UPDATE OR IGNORE tiles SET {column} = {flipped} WHERE level = 0 AND idx = {tile}"
                ));
            }
        }
    }
    database
        .execute_batch(
            "CREATE TEMP TABLE e AS SELECT * FROM edge; CREATE TEMP TABLE t AS SELECT * FROM tiles",
        )
        .unwrap();
    for damage in damages {
        database.execute(&damage, []).unwrap();
        assert_eq!(mended(directory.path()), 0, "{damage}");
        assert!(rows(&database) == whole, "{damage}");
        let back = "DELETE FROM edge; DELETE FROM tiles; INSERT INTO edge SELECT * FROM e; INSERT INTO tiles SELECT * FROM t";
        database.execute_batch(back).unwrap();
    }
    drop(database);
    is_whole(directory.path());
}

/// An entry that another row holds the place of stays where it is, and so does the other.
#[test]
fn row_whose_place_another_has_stays() {
    let (directory, path) = closed_log();
    let database = Connection::open(path).unwrap();
    // Entry 3 under the number 9,000, and a row that holds together in its place.
    let other = append("another");
    database.execute("UPDATE entries SET idx = 9000 WHERE idx = 3", []).unwrap();
    let put = "INSERT INTO entries VALUES (3, ?1, ?2, ?3)";
    database
        .execute(put, params![other.digest().as_bytes(), other.leaf(), other.record()])
        .unwrap();
    assert_eq!(mended(directory.path()), 0);
    let count: i64 = database
        .query_row("SELECT count(*) FROM entries WHERE idx IN (3, 9000)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 2);
}
