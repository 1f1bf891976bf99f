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
