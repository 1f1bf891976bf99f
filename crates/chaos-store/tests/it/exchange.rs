//! A database in the place of another one.

use std::{fs, path::Path};

use chaos_store::{DATABASE_FILE, Exchange, OpenError, Records as _, Store};
use tempfile::TempDir;

use crate::append;

/// Fills the database of a directory.
fn fill(directory: &Path, texts: &[&str]) {
    let entries: Vec<_> = texts.iter().map(|text| append(text)).collect();
    Store::open(directory).unwrap().append_batch(&entries).unwrap();
}

fn size(directory: &Path) -> u64 {
    Store::read(directory).unwrap().head().unwrap().size
}

#[test]
fn former_database_stays_under_a_name_that_nothing_had() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    fill(directory, &["a", "b", "c"]);
    for (number, expected) in ["aside.db", "aside.db.2", "aside.db.3"].into_iter().enumerate() {
        let exchange = Exchange::begin(directory).unwrap();
        fill(&exchange.folder(), &["a"]);
        let aside = exchange.end("aside.db").unwrap();
        assert_eq!(aside, directory.join(expected));
        assert_eq!(size(directory), 1);
        let former = TempDir::new().unwrap();
        fs::copy(aside, former.path().join(DATABASE_FILE)).unwrap();
        assert_eq!(size(former.path()), if number == 0 { 3 } else { 1 });
    }
}

#[test]
fn database_that_a_process_has_open_is_not_exchanged() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert!(matches!(Exchange::begin(directory.path()), Err(OpenError::InUse { .. })));
    drop(store);
    let exchange = Exchange::begin(directory.path()).unwrap();
    assert!(matches!(Store::open(directory.path()), Err(OpenError::InUse { .. })));
    // Who gives up leaves what was there.
    drop(exchange);
    assert_eq!(size(directory.path()), 0);
}

/// The files of a directory and of what it holds, by their paths.
fn listing(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for file in fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()) {
        if file.is_dir() {
            names.extend(listing(&file));
        }
        names.push(file.display().to_string());
    }
    // SQLite's notes for readers beside a database.
    names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
    names.sort();
    names
}

#[test]
fn step_that_was_begun_is_ended_by_whoever_opens_the_directory_and_by_no_reader() {
    for is_moved in [false, true] {
        let directory = TempDir::new().unwrap();
        let directory = directory.path();
        fill(directory, &["a", "b"]);
        fill(&directory.join("anew"), &["c"]);
        fs::write(directory.join("aside"), "former").unwrap();
        if is_moved {
            fs::rename(directory.join(DATABASE_FILE), directory.join("former")).unwrap();
        }
        let before = listing(directory);
        assert_eq!(size(directory), 1);
        assert_eq!(Store::read_live(directory).unwrap().head().unwrap().size, 1);
        assert_eq!(listing(directory), before);
        drop(Store::open(directory).unwrap());
        assert_eq!(size(directory), 1);
        assert!(directory.join("former").exists());
        assert!(!directory.join("aside").exists() && !directory.join("anew").exists());
    }
}

#[test]
fn name_that_leads_elsewhere_is_refused_and_nothing_is_moved() {
    let elsewhere = TempDir::new().unwrap();
    let victim = elsewhere.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let absolute = victim.to_str().unwrap().to_owned();
    let names = [absolute.as_str(), "../victim", "a/b", "..", ".", "", "lock", "aside", "anew"];
    for name in names.into_iter().chain(["chaoschain.sqlite", "chaoschain.sqlite-wal", "a\nb"]) {
        let directory = TempDir::new().unwrap();
        let directory = directory.path();
        fill(directory, &["a", "b"]);
        fill(&directory.join("anew"), &["c"]);
        fs::write(directory.join("aside"), name).unwrap();
        // Who only reads obeys nothing of it.
        assert_eq!(size(directory), 1);
        assert!(matches!(Store::open(directory), Err(OpenError::Exchange { .. })), "{name}");
        assert!(matches!(Exchange::begin(directory), Err(OpenError::Exchange { .. })), "{name}");
        assert!(directory.join(DATABASE_FILE).exists() && directory.join("anew").exists());
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    }
}
