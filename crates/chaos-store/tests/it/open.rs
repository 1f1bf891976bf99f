use std::fs;

use chaos_store::{DATABASE_FILE, OpenError, Records as _, Store};
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
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let error = Store::open(directory.path()).unwrap_err();
    let expect = format!(
        "`{}` has schema version 2, this program knows version 1; use a program of its version",
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
