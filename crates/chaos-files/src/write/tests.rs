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

#[test]
fn file_that_is_there_is_not_created_again() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("list.json");
    create_synced(&path, Readers::Everyone, b"first").unwrap();
    let error = create_synced(&path, Readers::Everyone, b"second").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"first");
    assert_eq!(names(dir.path()), ["list.json"]);
}

#[test]
fn parts_of_earlier_writers_are_cleared_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    for name in ["ada.part", "ada.pem", "ada.pem.part", ".7-0.part", "part", "notes.txt"] {
        fs::write(dir.path().join(name), "kept or not").unwrap();
    }
    fs::create_dir(dir.path().join("folder.part")).unwrap();
    clear_former_parts(dir.path()).unwrap();
    let kept = [".7-0.part", "ada.pem", "ada.pem.part", "folder.part", "notes.txt", "part"];
    assert_eq!(names(dir.path()), kept);
    clear_former_parts(&dir.path().join("absent")).unwrap();
}

#[cfg(unix)]
mod unix {
    use std::{
        io::Read as _,
        os::{
            fd::AsRawFd as _,
            unix::{fs::symlink, net::UnixListener},
        },
        thread,
    };

    use super::*;

    #[test]
    fn link_stays_one_and_its_file_is_replaced() {
        let dir = TempDir::new().unwrap();
        let (folder, link) = (dir.path().join("folder"), dir.path().join("link.json"));
        fs::create_dir(&folder).unwrap();
        symlink("folder/list.json", &link).unwrap();
        for bytes in [b"old", b"new"] {
            write_unsynced(&link, bytes).unwrap();
            write_synced(&link, Readers::Everyone, bytes).unwrap();
            assert_eq!(fs::read(folder.join("list.json")).unwrap(), bytes);
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(names(dir.path()), ["folder", "link.json"]);
        assert_eq!(names(&folder), ["list.json"]);
    }

    #[test]
    fn links_in_a_circle_are_refused() {
        let dir = TempDir::new().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        symlink(&one, &other).unwrap();
        symlink(&other, &one).unwrap();
        assert_eq!(write_unsynced(&one, b"x").unwrap_err().to_string(), "too many links");
    }

    #[test]
    fn descriptor_is_written_to_and_its_link_stays() {
        let (mut reader, writer) = io::pipe().unwrap();
        let path = format!("/dev/fd/{}", writer.as_raw_fd());
        let written = thread::spawn(move || write_unsynced(Path::new(&path), b"answer"));
        let mut read = [0; 6];
        reader.read_exact(&mut read).unwrap();
        written.join().unwrap().unwrap();
        assert_eq!(&read, b"answer");
        drop(writer);
    }

    #[test]
    fn descriptor_of_a_file_is_written_behind_what_is_there() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("log.txt");
        fs::write(&path, "before, ").unwrap();
        let open = File::open(&path).unwrap();
        write_unsynced(Path::new(&format!("/dev/fd/{}", open.as_raw_fd())), b"after").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"before, after");
        assert_eq!(names(dir.path()), ["log.txt"]);
    }

    #[test]
    fn what_keeps_nothing_is_refused_where_it_has_to_last() {
        let dir = TempDir::new().unwrap();
        let socket = dir.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        for path in [Path::new("/dev/null"), &socket] {
            let error = write_synced(path, Readers::Everyone, b"key").unwrap_err();
            assert_eq!(error.to_string(), "not a regular file", "{}", path.display());
            assert!(!fs::metadata(path).unwrap().is_file());
        }
        write_unsynced(Path::new("/dev/null"), b"forgotten").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
