//! A data directory that somebody handed over: nothing in it leads elsewhere, and what it answers it answers again.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use chaos_store::{BlobError, Blobs as _, DATABASE_FILE, Exchange, OpenError, Records as _, Store};
use chaos_types::Digest;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::append;

/// A data directory with an entry and a blob, closed.
fn filled() -> (TempDir, Digest) {
    let directory = TempDir::new().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    store.append_batch(&[append("a")]).unwrap();
    let digest = store.blobs().put(b"a blob").unwrap();
    (directory, digest)
}

/// What is said to whoever opens a directory for writing.
fn writing(directory: &Path) -> [Option<OpenError>; 3] {
    [
        Store::open(directory).err(),
        Exchange::begin(directory).err(),
        Store::open_damaged(directory).err(),
    ]
}

fn reading(directory: &Path) -> [Option<OpenError>; 2] {
    [Store::read(directory).err(), Store::read_live(directory).err()]
}

/// A folder with a file in it, which nothing may touch.
fn victim() -> (TempDir, PathBuf) {
    let elsewhere = TempDir::new().unwrap();
    let victim = elsewhere.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    (elsewhere, victim)
}

fn remove(path: &Path) {
    drop(fs::remove_file(path));
    drop(fs::remove_dir_all(path));
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// What reading touches, and what only writing does.
const READ: [&str; 10] = [
    "aside",
    "anew",
    "blobs",
    "blobs/sha256",
    "blobs/temporary",
    DATABASE_FILE,
    "chaoschain.sqlite-wal",
    "chaoschain.sqlite-shm",
    "chaoschain.sqlite-journal",
    "chaoschain.new",
];
const WRITTEN: [&str; 8] = [
    "lock",
    "vault.json",
    "broker.json",
    "keys",
    "keys/ada.pem",
    "alarms",
    "transactions",
    "transactions/done/0xab/1.json",
];

#[test]
fn links_in_a_data_directory_are_not_followed() {
    for name in READ.iter().chain(&WRITTEN) {
        for is_there in [true, false] {
            let (directory, _) = filled();
            let directory = directory.path();
            let (elsewhere, victim) = victim();
            let link = directory.join(name);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            remove(&link);
            let leads_to = if is_there { elsewhere.path() } else { &victim.join("absent") };
            symlink(leads_to, &link).unwrap();
            for refused in writing(directory) {
                assert!(matches!(&refused, Some(OpenError::Link { .. })), "{name}: {refused:?}");
            }
            for refused in reading(directory) {
                let is_refused = matches!(&refused, Some(OpenError::Link { .. }));
                assert_eq!(is_refused, READ.contains(name), "{name}: {refused:?}");
            }
            assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{name}");
            assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1, "{name}");
        }
    }
}

#[test]
fn pipe_in_the_place_of_a_file_or_folder_is_refused() {
    for name in READ.iter().chain(&WRITTEN) {
        let (directory, _) = filled();
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        remove(&path);
        pipe(&path);
        for refused in writing(directory.path()) {
            let Some(OpenError::NoFile { path: found } | OpenError::NoFolder { path: found }) =
                &refused
            else {
                panic!("{name}: {refused:?}")
            };
            assert_eq!(*found, path);
        }
        for refused in reading(directory.path()) {
            assert_eq!(refused.is_some(), READ.contains(name), "{name}: {refused:?}");
        }
    }
}

#[test]
fn file_that_has_another_name_is_not_written_to_and_the_database_is_read() {
    let check = |names: &[&str], is_own: bool| {
        let (directory, _) = filled();
        let (_elsewhere, victim) = victim();
        let paths: Vec<_> = names.iter().map(|name| directory.path().join(name)).collect();
        for path in &paths {
            if path.exists() {
                fs::hard_link(path, path.with_extension("snapshot")).unwrap();
            } else {
                fs::hard_link(&victim, path).unwrap();
            }
        }
        for refused in writing(directory.path()) {
            match refused {
                Some(OpenError::Shared { paths: found }) => assert_eq!(found, paths),
                other => panic!("{names:?}: {other:?}"),
            }
        }
        for refused in reading(directory.path()) {
            assert!(refused.is_none(), "{names:?}: {refused:?}");
        }
        assert_eq!(Store::read(directory.path()).unwrap().head().unwrap().size, 1, "{names:?}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{names:?}");
        // As the message says.
        for path in paths.iter().filter(|_| is_own) {
            let new = path.with_extension("copy");
            fs::copy(path, &new).unwrap();
            fs::rename(&new, path).unwrap();
        }
        assert_eq!(Store::open(directory.path()).is_ok(), is_own, "{names:?}");
    };
    check(&[DATABASE_FILE, "lock"], true);
    check(&["lock"], true);
    check(&["chaoschain.sqlite-wal"], false);
    check(&["chaoschain.sqlite-shm"], false);
    check(&["chaoschain.sqlite-wal", "chaoschain.sqlite-shm"], false);
}

/// A snapshot by hard links, made while the log is written to: SQLite's notes have a second name then as well.
#[test]
fn log_with_a_second_name_is_read_under_both_as_far_as_it_is_written() {
    let (directory, _) = filled();
    let snapshot = TempDir::new().unwrap();
    let mut writer = Store::open(directory.path()).unwrap();
    writer.append_batch(&[append("b")]).unwrap();
    let live = Store::read_live(directory.path()).unwrap();
    for name in ["", "-wal", "-shm"].map(|end| format!("{DATABASE_FILE}{end}")) {
        fs::hard_link(directory.path().join(&name), snapshot.path().join(&name)).unwrap();
    }
    let sizes = |expected: u64| {
        for path in [directory.path(), snapshot.path()] {
            assert_eq!(Store::read(path).unwrap().head().unwrap().size, expected);
        }
        assert_eq!(live.head().unwrap().size, expected);
    };
    sizes(2);
    writer.append_batch(&[append("c")]).unwrap();
    sizes(3);
    let refused = Store::open(snapshot.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Shared { .. }), "{refused}");
    let notes = fs::read(snapshot.path().join("chaoschain.sqlite-wal")).unwrap();
    drop((writer, live));
    // The log itself has ended with it; what is left of the second name is as it was.
    assert_eq!(fs::read(snapshot.path().join("chaoschain.sqlite-wal")).unwrap(), notes);
    assert_eq!(Store::read(snapshot.path()).unwrap().head().unwrap().size, 3);
}

#[test]
fn message_about_a_second_name_says_what_made_it_and_what_mends_it() {
    let (directory, _) = filled();
    let (database, lock) = (directory.path().join(DATABASE_FILE), directory.path().join("lock"));
    for path in [&database, &lock] {
        fs::hard_link(path, path.with_extension("snapshot")).unwrap();
    }
    let told = Store::open(directory.path()).unwrap_err().to_string();
    let files = format!("`{}`, `{}` have another name", database.display(), lock.display());
    assert!(told.starts_with(&files), "{told}");
    assert!(told.contains("cp -al") && told.contains("Remove the other name"), "{told}");
}

#[test]
fn what_lies_in_another_folder_is_not_cleared_as_leftovers() {
    let (directory, _) = filled();
    let (elsewhere, victim) = victim();
    let temporary = directory.path().join("blobs/temporary");
    fs::remove_dir(&temporary).unwrap();
    symlink(elsewhere.path(), &temporary).unwrap();
    assert!(Store::open(directory.path()).is_err());
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
}

#[test]
fn folder_among_what_interrupted_writes_left_stays_and_stops_nothing() {
    let (directory, _) = filled();
    let temporary = directory.path().join("blobs/temporary");
    let (folder, leftover) = (temporary.join("folder"), temporary.join("leftover"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("thesis"), "precious").unwrap();
    fs::write(&leftover, "half a b").unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.blobs().put(b"another blob").unwrap();
    assert!(folder.join("thesis").exists() && !leftover.exists());
}

#[test]
fn blob_is_a_file_of_its_own_or_is_not_read_and_putting_it_mends_that() {
    let makers: [fn(&Path); 4] = [
        |path| pipe(path),
        |path| symlink("/dev/zero", path).unwrap(),
        |path| symlink("absent", path).unwrap(),
        |path| symlink("/etc/hostname", path).unwrap(),
    ];
    for make in makers {
        let (directory, digest) = filled();
        let store = Store::open(directory.path()).unwrap();
        let path = store.blobs().path(&digest);
        fs::remove_file(&path).unwrap();
        make(&path);
        let refusals = [
            store.blobs().get(&digest).err(),
            store.blobs().has(&digest).err(),
            store.check_blobs().err(),
        ];
        for refused in refusals {
            assert!(matches!(refused, Some(BlobError::NoFile { .. })), "{refused:?}");
        }
        store.blobs().put(b"a blob").unwrap();
        assert_eq!(store.blobs().get(&digest).unwrap(), b"a blob");
    }
}

#[test]
fn blobs_are_not_kept_behind_a_link() {
    let (directory, digest) = filled();
    let (elsewhere, _) = victim();
    let store = Store::open(directory.path()).unwrap();
    let path = store.blobs().path(&digest);
    let folder = path.parent().unwrap();
    fs::remove_dir_all(folder).unwrap();
    symlink(elsewhere.path(), folder).unwrap();
    let refusals = [
        store.blobs().put(b"a blob").err(),
        store.blobs().get(&digest).err(),
        store.blobs().has(&digest).err(),
        store.check_blobs().err(),
    ];
    for refused in refusals {
        assert!(matches!(refused, Some(BlobError::NoFolder { .. })), "{refused:?}");
    }
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
}

/// A view answers as it likes each time it is asked, and so may what was checked once be another thing afterwards.
#[test]
fn database_with_anything_but_our_tables_is_refused() {
    let view = "ALTER TABLE entries RENAME TO kept; CREATE VIEW entries AS SELECT * FROM kept;";
    let check = |sql: &str, expect: &str| {
        let (directory, _) = filled();
        let database = Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
        database.execute_batch(sql).unwrap();
        drop(database);
        let is_older = sql.contains("user_version");
        let [open, _, damaged] = writing(directory.path());
        let read = reading(directory.path()).into_iter().filter(|_| !is_older);
        for refused in [open, damaged].into_iter().chain(read) {
            let Some(refused @ OpenError::OtherTables { .. }) = refused else {
                panic!("{sql}: {refused:?}")
            };
            assert!(refused.to_string().contains(expect), "{refused}");
        }
    };
    check(view, "it holds the view `entries`");
    check("CREATE TABLE more (x)", "it holds the table `more`");
    check("CREATE INDEX more ON entries (leaf)", "it holds the index `more`");
    check(
        "CREATE TRIGGER more AFTER INSERT ON entries BEGIN DELETE FROM meta; END",
        "it holds the trigger `more`",
    );
    check("DROP TABLE former", "it lacks the table `former`");
    check("ALTER TABLE meta ADD COLUMN more TEXT", "it holds the table `meta`");
    // One of an older version as well, before anything of it is read.
    check(&format!("{view} PRAGMA user_version = 3;"), "it holds the view `entries`");
}
