use std::{fs, path::Path};

use chaos_log::map::{EMPTY, Key, MemoryMap, Node, Value, grouped, prove_grouped};
use chaos_store::{
    Blobs as _, Change, DATABASE_FILE, Mark, MemoryStore, OpenError, Records as _, Store,
};
use chaos_types::Digest;
use rusqlite::Connection;

use crate::{append, chain};

#[test]
fn a_second_opener_is_told_who_holds_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    store.append_batch(&[append("a")]).unwrap();
    let error = Store::open(directory.path()).unwrap_err();
    let expect = format!(
        "data directory `{}` is in use by process {}; stop it or use another directory",
        directory.path().display(),
        std::process::id()
    );
    assert_eq!(error.to_string(), expect);
    store.append_batch(&[append("b")]).unwrap();
    drop(store);
    assert_eq!(Store::open(directory.path()).unwrap().head().unwrap().size, 2);
}

#[test]
fn files_of_other_programs_are_refused_and_left_alone() {
    let check = |bytes: &[u8]| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(DATABASE_FILE);
        fs::write(&path, bytes).unwrap();
        let error = Store::open(directory.path()).unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{}", chain(&error));
        let expect = format!("`{}` is not a chaoschain database", path.display());
        assert_eq!(error.to_string(), expect);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    };
    check(b"");
    check(b"#!/bin/sh\necho not a database\n");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.sqlite");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE entries (x)").unwrap();
    check(&fs::read(&path).unwrap());
}

#[test]
fn a_newer_schema_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(Store::open(directory.path()).unwrap());
    let path = directory.path().join(DATABASE_FILE);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 5).unwrap();
    let error = Store::open(directory.path()).unwrap_err();
    let expect = format!(
        "`{}` has schema version 5, this program knows version 4; use a program of its version",
        path.display()
    );
    assert_eq!(error.to_string(), expect);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = Store::open(file.join("data")).unwrap_err();
    let expect = format!("cannot create `{}`", file.join("data").display());
    assert_eq!(error.to_string(), expect);
}

#[test]
fn a_start_interrupted_before_the_tables_were_whole_is_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let unfinished = directory.path().join(DATABASE_FILE).with_extension("new");
    fs::write(&unfinished, b"half a header").unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.check().unwrap().size, 0);
    assert!(!unfinished.exists());
}

/// Back from version 4 to version 3: rows in the order of their keys, a partial tile in one row.
const TO_3: &str = "
    INSERT INTO tiles (level, idx, hashes)
        SELECT level, idx, unhex(group_concat(hex(hashes), '' ORDER BY part)) FROM edge GROUP BY level;
    DROP TABLE edge;
    ALTER TABLE state RENAME TO rows;
    CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO state SELECT key, value FROM rows;
    DROP TABLE rows;
    DROP TABLE groups;
    DROP TABLE former;
    CREATE TABLE nodes (hash BLOB PRIMARY KEY, node BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE dead (hash BLOB PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    PRAGMA user_version = 3;";

/// A log as an older version of the schema kept it.
fn older(count: u32, sql: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let batch: Vec<_> = (0..count).map(|n| append(&n.to_string())).collect();
    let rows = [(b"a".to_vec(), b"{}".to_vec())];
    let (rules, size) = (Digest::of(b"rules"), u64::from(count));
    let mark = Mark { rules, size, last_ms: 7, state: EMPTY, is_stated: false };
    let change = Change { appends: &batch, rows: &rows, mark: Some(mark), ..Change::default() };
    store.commit(&change).unwrap();
    drop(store);
    let database = Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    database.execute_batch(TO_3).unwrap();
    database.execute_batch(sql).unwrap();
    directory
}

/// With a view that its program folded.
fn of_version_1() -> tempfile::TempDir {
    let sql = "
        DROP TABLE state;
        DROP TABLE nodes;
        DROP TABLE dead;
        CREATE TABLE views (name TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
            PRIMARY KEY (name, key)) STRICT, WITHOUT ROWID;
        INSERT INTO views VALUES ('agents', 'a', x'7b7d');
        DELETE FROM meta WHERE key = 'fold';
        INSERT INTO meta VALUES ('views', x'32');
        PRAGMA user_version = 1;";
    older(2, sql)
}

/// Rows without a map.
fn of_version_2() -> tempfile::TempDir {
    let sql = "
        DROP TABLE nodes;
        DROP TABLE dead;
        INSERT OR REPLACE INTO meta VALUES ('fold', CAST('1 2 7 root' AS BLOB));
        PRAGMA user_version = 2;";
    older(2, sql)
}

#[test]
fn an_older_schema_is_brought_up_by_the_first_that_writes() {
    for (version, directory) in [(1, of_version_1()), (2, of_version_2())] {
        let refused = Store::read(directory.path()).unwrap_err();
        let is_old = matches!(refused, OpenError::OldSchema { found, .. } if found == version);
        assert!(is_old, "{}", chain(&refused));
        for _again in 0..2 {
            let store = Store::open(directory.path()).unwrap();
            assert_eq!(store.check().unwrap().size, 2);
            assert_eq!(store.folded().unwrap(), None, "the log is folded anew");
            assert_eq!(store.row(b"a").unwrap(), None);
            assert_eq!(store.groups(None, 9).unwrap(), []);
            assert_eq!(store.meta("views").unwrap(), None);
        }
        assert_eq!(Store::read(directory.path()).unwrap().head().unwrap().size, 2);
    }
}

/// The nodes of a map as version 3 kept them, one of them dead.
fn put_nodes(database: &Connection, map: &MemoryMap) {
    let mut put = database.prepare("INSERT INTO nodes VALUES (?1, ?2)").unwrap();
    for (hash, node) in map.nodes() {
        put.execute(rusqlite::params![hash.as_bytes(), node.to_bytes()]).unwrap();
    }
    let dead = Node::Leaf { key: Key::of(b"dead"), value: Value::of(b"1") };
    put.execute(rusqlite::params![dead.hash().as_bytes(), dead.to_bytes()]).unwrap();
    let bury = "INSERT INTO dead VALUES (?1, 1)";
    database.execute(bury, [dead.hash().as_bytes()]).unwrap();
}

#[test]
fn the_map_of_version_3_is_kept_or_folded_anew() {
    let mut map = MemoryMap::new();
    (0..500_u16).for_each(|n| map.insert(Key::of(&n.to_be_bytes()), Value::of(b"1")));
    let directory = older(2, "");
    let database = Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    put_nodes(&database, &map);
    drop(database);
    let store = Store::open(directory.path()).unwrap();
    let expect: Vec<_> = grouped(map.entries()).into_iter().collect();
    assert_eq!(store.groups(None, 9_999).unwrap(), expect);
    assert_eq!(store.folded().unwrap().unwrap().mark.size, 2);
    let proof = prove_grouped(&store, &map.root(), &Key::of(b"absent")).unwrap();
    assert_eq!(proof, map.prove(&Key::of(b"absent")));
    // A node that cannot be read costs a fold.
    let directory = older(2, "INSERT INTO nodes VALUES (x'00', x'0102')");
    let store = Store::open(directory.path()).unwrap();
    assert_eq!((store.folded().unwrap(), store.row(b"a").unwrap()), (None, None));
}

#[test]
fn a_log_of_version_3_keeps_its_rows_and_grows_on() {
    for count in [1, 5, 255, 256, 257, 700] {
        let directory = older(count, "");
        let refused = Store::read(directory.path()).unwrap_err();
        assert!(matches!(refused, OpenError::OldSchema { found: 3, .. }), "{}", chain(&refused));
        let mut memory = MemoryStore::new();
        let batch: Vec<_> = (0..count + 300).map(|n| append(&n.to_string())).collect();
        memory.append_batch(&batch[..count as usize]).unwrap();
        let mut store = Store::open(directory.path()).unwrap();
        assert_eq!(store.check().unwrap(), memory.head().unwrap(), "{count}");
        assert_eq!(store.folded().unwrap().unwrap().mark.size, u64::from(count));
        assert_eq!(store.row(b"a").unwrap(), Some(b"{}".to_vec()));
        memory.append_batch(&batch).unwrap();
        store.append_batch(&batch).unwrap();
        drop(store);
        let store = Store::open(directory.path()).unwrap();
        assert_eq!(store.check().unwrap(), memory.head().unwrap(), "{count}");
    }
}

#[test]
fn a_reader_needs_no_lock_and_sees_one_moment() {
    let directory = tempfile::tempdir().unwrap();
    let absent = Store::read(directory.path()).unwrap_err();
    assert!(matches!(absent, OpenError::Absent { .. }), "{}", chain(&absent));
    let mut writer = Store::open(directory.path()).unwrap();
    writer.append_batch(&[append("a")]).unwrap();
    let mut reader = Store::read(directory.path()).unwrap();
    writer.append_batch(&[append("b")]).unwrap();
    assert_eq!((reader.head().unwrap().size, writer.head().unwrap().size), (1, 2));
    assert_eq!(reader.entry(1).unwrap(), None, "the head and the entries are of one moment");
    assert_eq!(reader.check().unwrap().size, 1);
    let refused = reader.append_batch(&[append("c")]).unwrap_err();
    assert!(refused.to_string().ends_with("is open for reading only"), "{refused}");
    assert!(reader.blobs().put(b"bytes").unwrap_err().to_string().ends_with("reading only"));
    drop(reader);
    assert_eq!(Store::read(directory.path()).unwrap().head().unwrap().size, 2);
}

/// Whoever may do everything (root) is not kept from writing, and reads as everybody does.
#[cfg(unix)]
#[test]
fn a_folder_without_the_right_to_write_is_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("a b?c%d#e");
    Store::open(&data).unwrap().append_batch(&[append("a")]).unwrap();
    let allow = |mode| fs::set_permissions(&data, fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    let read = Store::read(&data).map(|store| store.check().unwrap().size);
    allow(0o755);
    assert_eq!(read.unwrap(), 1);
}

#[test]
fn a_reader_writes_nothing_to_the_database() {
    let directory = tempfile::tempdir().unwrap();
    Store::open(directory.path()).unwrap().append_batch(&[append("a")]).unwrap();
    let path = directory.path().join(DATABASE_FILE);
    let before = fs::read(&path).unwrap();
    let store = Store::read(directory.path()).unwrap();
    assert_eq!(store.check().unwrap().size, 1);
    assert_eq!(store.check_blobs().unwrap(), 0);
    drop(store);
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// The databases that older programs of ours made are, once brought up, as this program makes one.
#[test]
fn database_of_an_older_program_has_our_tables_once_it_is_brought_up() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    for name in ["first/log", "first/broker", "second/log", "second/continued"] {
        let directory = tempfile::tempdir().unwrap();
        let from = fixtures.join(name).join(DATABASE_FILE);
        fs::copy(from, directory.path().join(DATABASE_FILE)).unwrap();
        let refused = Store::read(directory.path()).unwrap_err();
        assert!(matches!(refused, OpenError::OldSchema { .. }), "{}", chain(&refused));
        let size = Store::open(directory.path()).unwrap().check().unwrap().size;
        assert_eq!(Store::read(directory.path()).unwrap().head().unwrap().size, size, "{name}");
    }
}
