use std::path::Path;

use chaos_agency::{Kinds, action::Profile};
use chaos_store::DATABASE_FILE;
use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::{
    Error, Ledger, System,
    agents::{self, RevokedBy},
};

const SYSTEM: System = System {
    kinds: Kinds::new(&[]),
    now_ms: || 1_767_225_600_000,
    random: |bytes| {
        use std::io::Read as _;
        std::fs::File::open("/dev/urandom")?.read_exact(bytes)
    },
};

fn open(dir: &Path) -> Result<Ledger, Error> {
    Ledger::open_or_create(dir, Some("test".to_owned().into()), None, SYSTEM)
}

fn profile(name: &str, role: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        role: role.to_owned(),
        capabilities: vec!["run".to_owned()],
        studio: "workshop".to_owned(),
    }
}

/// A log in which ada was admitted.
fn log() -> TempDir {
    let dir = TempDir::new().unwrap();
    agents::enrol(&mut open(dir.path()).unwrap(), profile("ada", "researcher")).unwrap();
    dir
}

fn database(dir: &Path) -> Connection {
    Connection::open(dir.join(DATABASE_FILE)).unwrap()
}

fn rows(database: &Connection) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut read = database.prepare("SELECT key, value FROM state").unwrap();
    let rows = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// Whoever can write to the database and holds a revoked key can write the rows of before its revocation,
/// and nothing follows from them.
#[test]
fn rows_that_the_log_does_not_commit_to_admit_nobody() {
    let dir = log();
    let before = rows(&database(dir.path()));
    let mut ledger = open(dir.path()).unwrap();
    agents::revoke(&mut ledger, "ada", "left", RevokedBy::Operator).unwrap();
    drop(ledger);
    let tampered = database(dir.path());
    for (key, value) in before {
        let update = "UPDATE state SET value = ?2 WHERE key = ?1";
        tampered.execute(update, params![key, value]).unwrap();
    }
    drop(tampered);
    let refused = open(dir.path())
        .and_then(|mut ledger| agents::update(&mut ledger, profile("ada", "developer")));
    assert!(matches!(refused, Err(Error::Row { .. })), "{refused:?}");
    let password = || Some("test".to_owned().into());
    let mut ledger = Ledger::rebuild(dir.path(), password(), SYSTEM).unwrap();
    let refused = agents::update(&mut ledger, profile("ada", "developer"));
    assert!(matches!(refused, Err(Error::Revoked { .. })), "{refused:?}");
}

/// A row that is gone is not one that never was.
#[test]
fn a_name_whose_row_is_gone_is_not_free() {
    let dir = log();
    database(dir.path()).execute("DELETE FROM state WHERE key LIKE 'name%'", []).unwrap();
    let refused = open(dir.path())
        .and_then(|mut ledger| agents::enrol(&mut ledger, profile("ada", "researcher")));
    assert!(matches!(refused, Err(Error::Row { .. })), "{refused:?}");
}

/// A false time there would date every later entry.
#[test]
fn time_and_root_where_the_rows_end_are_those_of_the_last_leaf() {
    for (from, to) in [(" 1767225600000 ", " 2795988821470 "), (" true", " false")] {
        let dir = log();
        let update = "UPDATE meta SET value = CAST(replace(CAST(value AS TEXT), ?1, ?2) AS BLOB) \
                      WHERE key = 'fold'";
        assert_eq!(database(dir.path()).execute(update, [from, to]).unwrap(), 1);
        let refused = open(dir.path());
        assert!(matches!(refused, Err(Error::Mark { size: 2, .. })), "{refused:?}");
        Ledger::rebuild(dir.path(), None, SYSTEM).unwrap();
        open(dir.path()).unwrap();
    }
}

/// A false entry is not folded: what is dropped first is lost to whoever asks next.
#[test]
fn entries_are_held_against_their_tiles_before_rows_are_dropped() {
    let dir = log();
    let before = rows(&database(dir.path()));
    let update = "UPDATE entries SET leaf = CAST(replace(CAST(leaf AS TEXT), '600000', '600001') AS BLOB) \
                  WHERE idx = 0";
    assert_eq!(database(dir.path()).execute(update, []).unwrap(), 1);
    assert!(Ledger::rebuild(dir.path(), None, SYSTEM).is_err());
    assert_eq!(rows(&database(dir.path())), before);
}

/// The last leaf states the root that rows are held against, and nothing commits to it but its tile.
#[test]
fn a_last_leaf_that_is_not_in_its_tile_vouches_for_no_rows() {
    let dir = log();
    let database = database(dir.path());
    let update = "UPDATE entries SET leaf = CAST(replace(CAST(leaf AS TEXT), '\"state\":\"', '\"state\":\"0') \
                  AS BLOB) WHERE idx = 1";
    assert_eq!(database.execute(update, []).unwrap(), 1);
    drop(database);
    let refused = open(dir.path());
    assert!(matches!(refused, Err(Error::Mark { size: 2, .. })), "{refused:?}");
}
