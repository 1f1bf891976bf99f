//! Whatever is damaged on the disk is reported by name, and never taken for a shorter log.

use std::{fs, path::PathBuf};

use chaos_store::{
    DATABASE_FILE, Damage, OpenError, Records as _, Refilled, Shortened, Store, StoreError,
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::{append, chain, record, signed};

/// A data directory with a log of 700 entries and one checkpoint, closed again.
pub(crate) fn closed_log() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let batch: Vec<_> = (0..700).map(|n| append(&n.to_string())).collect();
    store.append_batch(&batch[..500]).unwrap();
    store.put_checkpoint(&signed(store.head().unwrap())).unwrap();
    store.append_batch(&batch[500..]).unwrap();
    drop(store);
    let path = directory.path().join(DATABASE_FILE);
    (directory, path)
}

fn alter(sql: &str) -> TempDir {
    let (directory, path) = closed_log();
    assert_ne!(Connection::open(path).unwrap().execute(sql, []).unwrap(), 0);
    directory
}

#[track_caller]
fn check_open(sql: &str, expect: &str) {
    let directory = alter(sql);
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::Store { .. }), "{error:?}");
    assert!(chain(&error).ends_with(expect), "{}", chain(&error));
}

#[track_caller]
fn check_whole(sql: &str, expect: &str) {
    let directory = alter(sql);
    let error = Store::open(directory.path()).unwrap().check().unwrap_err();
    assert!(chain(&error).ends_with(expect), "{}", chain(&error));
}

#[test]
fn a_log_that_lost_entries_or_tiles_does_not_open() {
    let expect = "tile 2 of level 0 holds 188 hashes, expected 187";
    check_open("DELETE FROM entries WHERE idx = 699", expect);
    let expect = "tile 0 of level 0 holds 256 hashes, expected 0";
    check_open("DELETE FROM entries", expect);
    let expect = "tile 2 of level 0 holds 0 hashes, expected 188";
    check_open("DELETE FROM edge WHERE level = 0", expect);
    let expect = "tile 2 of level 0 holds 40 hashes, expected 44";
    check_open("DELETE FROM edge WHERE level = 0 AND part = 10", expect);
    let expect =
        "tile 0 of level 1 cannot be read: expected 1 to 256 hashes of 32 bytes, found 3 bytes";
    check_open("UPDATE edge SET hashes = x'010203' WHERE level = 1", expect);
    check_open(
        "UPDATE checkpoints SET note = 'nothing'",
        "the checkpoint of size 500 cannot be read: checkpoint is not a valid signed note: \
         note has no empty line between its text and its signatures",
    );
    // Entries and tiles are gone alike, but the log has signed that they were there.
    let directory = alter("DELETE FROM entries WHERE idx >= 300");
    let path = directory.path().join(DATABASE_FILE);
    Connection::open(path)
        .unwrap()
        .execute_batch(
            "DELETE FROM edge WHERE level = 0;
             WITH RECURSIVE parts (part) AS
                 (VALUES (0) UNION ALL SELECT part + 1 FROM parts WHERE part < 10)
             INSERT INTO edge SELECT level, part, idx, substr(hashes, 1 + 128 * part, 128)
                 FROM tiles, parts WHERE level = 0 AND idx = 1;
             DELETE FROM tiles WHERE level = 0 AND idx = 1;
             UPDATE edge SET hashes = substr(hashes, 1, 32) WHERE level = 1;",
        )
        .unwrap();
    let error = chain(&Store::open(directory.path()).unwrap_err());
    let expect = "a checkpoint of size 500 was signed, but only 300 entries are stored";
    assert!(error.ends_with(expect), "{error}");
}

/// Which one is the newest is asked by the size that it is kept under.
#[test]
fn checkpoint_under_another_size_than_its_own_does_not_open_and_is_mended() {
    let twice = "INSERT INTO checkpoints SELECT 999, note FROM checkpoints";
    check_open(twice, "the checkpoint under size 999 is of size 500");
    for (sql, kept) in [
        (twice, Some(500)),
        ("UPDATE checkpoints SET size = 999", Some(500)),
        ("UPDATE checkpoints SET note = 'nothing'", None),
    ] {
        let directory = alter(sql);
        let mut store = Store::open_damaged(directory.path()).unwrap();
        assert_eq!([(); 2].map(|()| store.mend_checkpoints().unwrap()), [1, 0], "{sql}");
        drop(store);
        let checkpoint = Store::open(directory.path()).unwrap().checkpoint().unwrap();
        assert_eq!(checkpoint.map(|signed| signed.claimed().size()), kept, "{sql}");
    }
}

#[test]
fn the_whole_check_finds_what_opening_does_not_read() {
    let lost = "entry 20 is missing";
    check_whole("DELETE FROM entries WHERE idx = 20", lost);
    let changed = "tile 0 of level 0 does not have the hashes of the stored leaves";
    check_whole("UPDATE entries SET leaf = CAST(leaf || x'00' AS BLOB) WHERE idx = 20", changed);
    check_whole("UPDATE entries SET leaf = x'00' WHERE idx = 20", &{
        let found = append("20").digest();
        format!("the leaf of entry 20 does not name its record, whose digest is {found}")
    });
    check_whole("UPDATE entries SET record = x'00' WHERE idx = 20", &{
        let expected = append("20").digest();
        let found = chaos_types::Digest::of(&[0]);
        format!("the record of entry 20 has digest {found}, expected {expected}")
    });
    check_whole(
        "UPDATE tiles SET hashes = zeroblob(8192) WHERE level = 0 AND idx = 0",
        "tile 0 of level 0 does not have the hashes of the stored leaves",
    );
}

#[test]
fn a_changed_record_is_never_returned() {
    let (directory, path) = closed_log();
    let mut bytes = fs::read(&path).unwrap();
    let target = record("321");
    let place = bytes.windows(target.len()).position(|window| window == target).unwrap();
    bytes[place] ^= 1;
    fs::write(&path, bytes).unwrap();
    let store = Store::open(directory.path()).unwrap();
    let error = store.entry(321).unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged { source: Damage::Record { index: 321, .. }, .. }),
        "{error:?}"
    );
    assert!(store.entry_by_digest(&append("321").digest()).is_err());
    assert!(store.entries(300..400).is_err());
    assert!(store.check().is_err());
    store.entry(320).unwrap().unwrap();
}

#[test]
fn a_truncated_database_is_refused_wherever_it_is_cut() {
    let (_directory, path) = closed_log();
    let whole = fs::read(&path).unwrap();
    let lengths = (0..whole.len()).step_by(4_096).chain([1, 15, 17, 99, 101, whole.len() - 1]);
    for length in lengths {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(DATABASE_FILE), &whole[..length]).unwrap();
        let outcome = Store::open(directory.path()).map(|store| store.check());
        let refused = match &outcome {
            Ok(checked) => checked.is_err(),
            Err(error) => matches!(error, OpenError::Foreign { .. } | OpenError::Store { .. }),
        };
        // Zeros at the end are read as they were: nothing is lost with them.
        let is_lost = whole[length..].iter().any(|byte| *byte != 0);
        assert_eq!(refused, is_lost, "cut at {length} of {}: {outcome:?}", whole.len());
    }
}

/// The tree commits to leaves. Whoever may write to the database could otherwise put any record under
/// any leaf, together with its digest.
#[test]
fn record_that_its_leaf_does_not_name_is_damage_whatever_digest_stands_beside_it() {
    let (directory, path) = closed_log();
    let other = record("another");
    let digest = chaos_types::Digest::of(&other);
    let database = Connection::open(path).unwrap();
    let sql = "UPDATE entries SET record = ?1, digest = ?2 WHERE idx = 7";
    database.execute(sql, rusqlite::params![other, digest.as_bytes()]).unwrap();
    drop(database);
    let store = Store::open(directory.path()).unwrap();
    let refused = store.entry(7).unwrap_err();
    assert!(chain(&refused).contains("leaf of entry 7 does not name its record"), "{refused}");
    assert!(store.entries(0..20).is_err());
    assert!(store.check().is_err());
}

/// Puts rot in the second half of the page of the database that holds a byte.
fn spoil(path: &std::path::Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    let size = usize::from(bytes[16]) << 8 | usize::from(bytes[17]);
    let start = at / size * size;
    bytes[start + size / 2..start + size].fill(0xa5);
    fs::write(path, bytes).unwrap();
}

#[test]
fn damaged_index_costs_nothing_but_a_fresh_database() {
    let (directory, path) = closed_log();
    assert_eq!(Store::refill(directory.path(), true).unwrap(), None, "its pages fit");
    let head = Store::open(directory.path()).unwrap().check().unwrap();
    let root: u32 = Connection::open(&path)
        .unwrap()
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name LIKE '%index_entries%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    spoil(&path, (root as usize - 1) * 1_024);
    let error = Store::open(directory.path()).unwrap().check().unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    let Refilled { former, size } = Store::refill(directory.path(), false).unwrap().unwrap();
    assert_eq!(former, directory.path().join("chaoschain.sqlite.damaged"));
    assert_eq!(size, 700);
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.check().unwrap(), head);
    assert_eq!(store.checkpoint().unwrap().unwrap().claimed().size(), 500);
    assert_eq!(store.folded().unwrap(), None, "the log is folded anew");
    drop(store);
    assert_eq!(Store::refill(directory.path(), true).unwrap(), None);
    assert!(former.exists());
}

/// Where a record lies in the database.
fn of_record(path: &std::path::Path, name: &str) -> usize {
    let (bytes, record) = (fs::read(path).unwrap(), record(name));
    bytes.windows(record.len()).position(|window| window == record).unwrap()
}

/// What lies between two pages that cannot be read is taken over, and how many entries there were is known where the
/// last page is one of them.
#[test]
fn damaged_pages_of_entries_cost_the_entries_in_them_alone() {
    for spoiled in [&["350"][..], &["350", "699"], &["0", "350", "699"], &["699"]] {
        let (directory, path) = closed_log();
        for name in spoiled {
            spoil(&path, of_record(&path, name));
        }
        let refilled = Store::refill(directory.path(), true).unwrap().unwrap();
        assert_eq!(refilled.size, 700, "{spoiled:?}");
        let store = Store::open_damaged(directory.path()).unwrap();
        let lost: Vec<u64> =
            (0..700).filter(|index| store.stored(*index).unwrap().is_none()).collect();
        assert!((1..20 * spoiled.len()).contains(&lost.len()), "{spoiled:?}: {lost:?}");
        assert_eq!(store.acknowledged_size().unwrap(), 700, "{spoiled:?}");
    }
}

/// A copy whose values are lost does not become one that trusts its log anew.
#[test]
fn database_without_its_values_is_refilled_only_where_something_else_says_them() {
    let (directory, path) = closed_log();
    Store::open(directory.path()).unwrap().put_meta("mirror/log", b"whose log it is").unwrap();
    let root: u32 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'meta'", [], |row| row.get(0))
        .unwrap();
    spoil(&path, (root as usize - 1) * 1_024);
    let before = fs::read(&path).unwrap();
    let error = Store::refill(directory.path(), false).unwrap_err();
    assert!(matches!(error, OpenError::ValuesLost { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(!directory.path().join("anew").exists());
    let refilled = Store::refill(directory.path(), true).unwrap().unwrap();
    assert!(refilled.former.exists());
    assert_eq!(Store::open(directory.path()).unwrap().check().unwrap().size, 700);
}

/// What is given up is kept aside, and nothing that was signed is.
#[test]
fn log_is_shortened_to_what_was_signed_and_no_further() {
    let (directory, path) = closed_log();
    let error = Store::shorten(directory.path(), 499).unwrap_err();
    assert!(error.to_string().contains("cannot open"), "{error}");
    let before = fs::read(&path).unwrap();
    let Shortened { former, given_up } = Store::shorten(directory.path(), 600).unwrap();
    assert_eq!(given_up, 100);
    assert_eq!(fs::read(former).unwrap(), before);
    let store = Store::open_damaged(directory.path()).unwrap();
    assert_eq!((store.stored_size().unwrap(), store.acknowledged_size().unwrap()), (600, 600));
    assert_eq!(store.checkpoint().unwrap().unwrap().claimed().size(), 500);
}

/// SQLite's own statistics, which any tool has it make, stop nobody; a table of that name that is another does.
#[test]
fn statistics_that_sqlite_keeps_stop_nobody() {
    let (directory, path) = closed_log();
    let run = |sql: &str| Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    run("ANALYZE");
    assert_eq!(Store::open(directory.path()).unwrap().check().unwrap().size, 700);
    assert_eq!(Store::read(directory.path()).unwrap().head().unwrap().size, 700);
    run("DROP TABLE sqlite_stat1; CREATE TABLE other (a); CREATE TABLE more (a)");
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::OtherTables { .. }), "{error:?}");
}

/// What lies beside a database that was moved away holds what was acknowledged last.
#[test]
fn no_database_is_made_beside_what_another_one_left() {
    for ending in ["-wal", "-journal"] {
        let (directory, path) = closed_log();
        let left = directory.path().join(format!("{DATABASE_FILE}{ending}"));
        fs::write(&left, "pages").unwrap();
        fs::rename(&path, directory.path().join("moved")).unwrap();
        let error = Store::open_damaged(directory.path()).unwrap_err();
        assert!(matches!(&error, OpenError::Orphan { path } if *path == left), "{error:?}");
        assert_eq!(fs::read_to_string(&left).unwrap(), "pages");
        assert!(!path.exists());
        // One that is empty, as a reader leaves it, holds nothing.
        fs::write(&left, "").unwrap();
        Store::open_damaged(directory.path()).unwrap();
    }
}
