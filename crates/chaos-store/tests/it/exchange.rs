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

#[test]
fn links_in_a_data_directory_are_not_followed() {
    let elsewhere = TempDir::new().unwrap();
    let victim = elsewhere.path().join("victim");
    let names = ["lock", "aside", "anew", DATABASE_FILE, "chaoschain.sqlite-wal"];
    for name in names.into_iter().chain(["chaoschain.sqlite-shm", "chaoschain.sqlite-journal"]) {
        for is_there in [true, false] {
            let directory = TempDir::new().unwrap();
            let directory = directory.path();
            fill(directory, &["a"]);
            let link = directory.join(name);
            drop(fs::remove_file(&link));
            drop(fs::remove_file(&victim));
            if is_there {
                fs::write(&victim, "precious").unwrap();
            }
            std::os::unix::fs::symlink(&victim, &link).unwrap();
            for refused in [
                Store::open(directory).err(),
                Store::read(directory).err(),
                Store::read_live(directory).err(),
                Exchange::begin(directory).err(),
                Store::open_damaged(directory).err(),
            ] {
                assert!(matches!(&refused, Some(OpenError::Link { .. })), "{name}: {refused:?}");
            }
            assert_eq!(victim.exists(), is_there, "{name}");
            assert!(!is_there || fs::read_to_string(&victim).unwrap() == "precious", "{name}");
        }
    }
}

#[test]
fn file_of_a_data_directory_that_has_a_second_name_or_is_none_is_refused() {
    let elsewhere = TempDir::new().unwrap();
    let victim = elsewhere.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    for name in ["lock", "aside", DATABASE_FILE, "chaoschain.sqlite-wal", "chaoschain.sqlite-shm"] {
        for is_link in [true, false] {
            let directory = TempDir::new().unwrap();
            let directory = directory.path();
            fill(directory, &["a"]);
            let path = directory.join(name);
            drop(fs::remove_file(&path));
            if is_link {
                fs::hard_link(&victim, &path).unwrap();
            } else {
                let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
                assert!(made.success());
            }
            for refused in [
                Store::open(directory).err(),
                Store::read(directory).err(),
                Store::read_live(directory).err(),
                Exchange::begin(directory).err(),
                Store::open_damaged(directory).err(),
            ] {
                match refused {
                    Some(OpenError::Link { path: found }) if is_link => assert_eq!(found, path),
                    Some(OpenError::NoFile { path: found }) if !is_link => assert_eq!(found, path),
                    other => panic!("{name}, link {is_link}: {other:?}"),
                }
            }
            assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{name}");
        }
    }
}
