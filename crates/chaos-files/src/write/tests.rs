use tempfile::TempDir;

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn both_ways_replace_the_old_file_and_leave_nothing_beside_it() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("list.json");
    fs::write(&path, "old").unwrap();
    write_synced(&path, Readers::Everyone, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    write_unsynced(&path, b"newer").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"newer");
    assert_eq!(names(dir.path()), ["list.json"]);
}

#[test]
fn abandoned_part_leaves_the_old_file_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("list.json");
    fs::write(&path, "old").unwrap();
    for beside in [true, false] {
        let mut part = if beside {
            Part::beside(&path, Readers::Everyone).unwrap()
        } else {
            Part::within(dir.path(), &path, Readers::Everyone).unwrap()
        };
        part.write_all(b"half").unwrap();
        assert_eq!(names(dir.path()).len(), 2);
        drop(part);
        assert_eq!(names(dir.path()), ["list.json"]);
    }
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn what_an_interrupted_writer_left_is_overwritten_and_not_followed() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("key.pem");
    fs::write(dir.path().join("key.pem.part"), "a longer beginning of something").unwrap();
    write_synced(&path, Readers::Owner, b"key").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"key");
    assert_eq!(names(dir.path()), ["key.pem"]);
}

#[cfg(unix)]
#[test]
fn file_for_its_owner_is_readable_by_nobody_else() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = TempDir::new().unwrap();
    let path = dir.path().join("key.pem");
    write_synced(&path, Readers::Owner, b"key").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn two_writers_of_one_file_take_different_parts() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("blob");
    let mut first = Part::within(dir.path(), &path, Readers::Owner).unwrap();
    let mut second = Part::within(dir.path(), &path, Readers::Owner).unwrap();
    first.write_all(b"first").unwrap();
    second.write_all(b"second").unwrap();
    second.publish_synced().unwrap();
    first.publish_unsynced().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"first");
    assert_eq!(names(dir.path()), ["blob"]);
}
