//! What a kill leaves behind, prepared by hand, and what the next command makes of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chaos_store::{Append, Change, Records as _, Store};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, run};

fn in_data(data: &Path, arguments: &[&str]) -> Run {
    run([arguments, &["--data", data.to_str().unwrap(), "--json"]].concat())
}

fn register(data: &Path, name: &str) -> Run {
    in_data(data, &["agent", "register", "--name", name, "--role", "researcher"])
}

fn key_file(data: &Path, name: &str) -> PathBuf {
    data.join("keys").join(format!("{name}.pem"))
}

/// A key file that no log but the one in `elsewhere` knows, and its DID.
fn stray_key(elsewhere: &Path) -> (PathBuf, String) {
    let registered = register(elsewhere, "stray").expect_code(0).json().remove(0);
    (key_file(elsewhere, "stray"), registered["agent"].as_str().unwrap().to_owned())
}

/// The current key of an agent, as the log has it.
fn current_key(data: &Path, name: &str) -> String {
    let shown = in_data(data, &["agent", "show", name]).expect_code(0).json().remove(0);
    let keys: &Vec<Value> = shown["agent"]["keys"].as_array().unwrap();
    keys.last().unwrap()["key"].as_str().unwrap().to_owned()
}

#[test]
fn registration_killed_before_its_entry_goes_on_with_the_key_it_wrote() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    let (file, did) = stray_key(&dir.path().join("elsewhere"));
    fs::copy(file, key_file(&data, "bob")).unwrap();
    let bob = register(&data, "bob").expect_code(0).json().remove(0);
    assert_eq!(bob["agent"], did);
    in_data(&data, &["agent", "revoke", "bob", "--reason", "done"]).expect_code(0);
}

#[test]
fn key_file_of_another_agent_is_not_taken_up() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    fs::copy(key_file(&data, "ada"), key_file(&data, "bob")).unwrap();
    register(&data, "bob").expect_error(3, &["bob.pem", "agent `ada`"]);
    assert_eq!(in_data(&data, &["log", "show"]).json().len(), 2);
}

#[test]
fn log_killed_before_it_knew_its_operator_goes_on_with_the_key_it_wrote() {
    let dir = TempDir::new().unwrap();
    let (data, elsewhere) = (dir.path().join("data"), dir.path().join("elsewhere"));
    let (_, _) = stray_key(&elsewhere);
    fs::create_dir_all(data.join("keys")).unwrap();
    fs::copy(key_file(&elsewhere, "operator"), key_file(&data, "operator")).unwrap();
    drop(Store::open(&data).unwrap());
    in_data(&data, &["log", "show"]).expect_error(5, &["names no log operator"]);
    register(&data, "ada").expect_code(0);
    assert_eq!(current_key(&data, "operator"), current_key(&elsewhere, "operator"));
    in_data(&data, &["log", "checkpoint"]).expect_code(0);
}

#[test]
fn rotation_killed_before_its_entry_puts_no_key_in_force_that_lay_there_since() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    let (file, did) = stray_key(&dir.path().join("elsewhere"));
    fs::copy(file, key_file(&data, "ada.next")).unwrap();
    in_data(&data, &["agent", "rotate", "ada"]).expect_code(0);
    assert_ne!(current_key(&data, "ada"), did);
    assert!(!key_file(&data, "ada.next").exists());
    in_data(&data, &["agent", "rotate", "ada"]).expect_code(0);
}

/// A rotation that the log knows: the files as they were before either rename, or after the first.
fn half_renamed(data: &Path, renames: usize) {
    register(data, "ada").expect_code(0);
    let old = fs::read(key_file(data, "ada")).unwrap();
    in_data(data, &["agent", "rotate", "ada"]).expect_code(0);
    fs::rename(key_file(data, "ada"), key_file(data, "ada.next")).unwrap();
    if renames == 0 {
        fs::write(key_file(data, "ada"), old).unwrap();
    }
}

#[test]
fn rotation_killed_between_its_entry_and_its_renames_is_finished_on_use() {
    for renames in [0, 1] {
        for again in [&["revoke", "ada", "--reason", "done"][..], &["rotate", "ada"]] {
            let dir = TempDir::new().unwrap();
            let data = dir.path().join("data");
            half_renamed(&data, renames);
            in_data(&data, &[&["agent"], again].concat()).expect_code(0);
            assert!(key_file(&data, "ada").exists(), "{renames} {again:?}");
            assert!(!key_file(&data, "ada.next").exists(), "{renames} {again:?}");
        }
    }
}

/// A disk that takes no more: the shell caps every file at the size that the database has, and the
/// signal that would kill the writer is ignored, so that writing fails as on a full disk.
#[test]
fn what_a_full_disk_refuses_is_not_in_the_log_and_can_be_tried_again() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    let mut refused = 0;
    // From less than a key file to more than the whole change, in blocks of 512 or 1,024 bytes.
    for blocks in [1, 64, 80, 96, 112, 128, 144, 160, 200] {
        let name = format!("late-{blocks}");
        let before = in_data(&data, &["log", "show"]).json().len();
        let ran = std::process::Command::new("sh")
            .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_chaoschain"))
            .args(["agent", "register", "--role", "researcher", "--name", &name, "--data"])
            .arg(&data)
            .env("CHAOSCHAIN_PASSWORD", "test")
            .output()
            .unwrap();
        let size = in_data(&data, &["log", "show"]).expect_code(0).json().len();
        in_data(&data, &["log", "rebuild", "--check"]).expect_code(0);
        if ran.status.success() {
            assert_eq!(size, before + 1, "{blocks}");
            continue;
        }
        refused += 1;
        assert_eq!(size, before, "{blocks}: {}", String::from_utf8_lossy(&ran.stderr));
        register(&data, &name).expect_code(0);
    }
    assert!(refused > 0, "no limit was low enough");
}

/// Runs a command of a data directory under a cap on every file that it writes.
fn capped(data: &Path, blocks: u32, arguments: &[&str]) -> std::process::Output {
    std::process::Command::new("sh")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_chaoschain"))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .env("CHAOSCHAIN_PASSWORD", "test")
        .env("CHAOSCHAIN_HEADS", data.with_extension("heads"))
        .output()
        .unwrap()
}

/// Every command that writes, on a disk that takes nothing, a little, or more: what it says is so, the
/// log is whole, and the command works once there is room.
#[test]
fn each_command_on_a_full_disk_says_what_is_so_and_works_afterwards() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    for name in ["ada", "bob"] {
        register(&data, name).expect_code(0);
    }
    let export = dir.path().join("public");
    let commands: [&[&str]; 5] = [
        &["log", "checkpoint"],
        &["agent", "rotate", "ada"],
        &["log", "rebuild"],
        &["log", "export", export.to_str().unwrap()],
        &["agent", "revoke", "bob", "--reason", "done"],
    ];
    let mut refused = 0;
    for command in commands {
        // From nothing at all to what the database has.
        for blocks in [0, 1, 32, 90] {
            let before = in_data(&data, &["log", "show"]).expect_code(0).json();
            let ran = capped(&data, blocks, command);
            let after = in_data(&data, &["log", "show"]).expect_code(0).json();
            in_data(&data, &["log", "rebuild", "--check"]).expect_code(0);
            if ran.status.success() {
                break;
            }
            refused += 1;
            let said = String::from_utf8_lossy(&ran.stderr);
            assert!(said.starts_with("error: "), "{command:?} {blocks}: {said}");
            assert_eq!(before, after, "{command:?} {blocks}: {said}");
        }
        // With room: it works, or it had been done.
        let ran = capped(&data, 1 << 20, command);
        let said = String::from_utf8_lossy(&ran.stderr);
        let is_done = ran.status.success() || said.contains("already revoked");
        assert!(is_done, "{command:?}: {said}");
    }
    assert!(refused >= 5, "{refused} were refused");
    in_data(&data, &["log", "rebuild", "--check"]).expect_code(0);
}

#[test]
fn writers_wait_for_each_other_and_all_succeed() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "first").expect_code(0);
    // Held for a moment by this process, as by a command that is soon done.
    let held = Store::open(&data).unwrap();
    let writers: Vec<_> = (0..3)
        .map(|number| {
            let data = data.clone();
            std::thread::spawn(move || register(&data, &format!("writer-{number}")))
        })
        .collect();
    // Reading needs no turn.
    assert_eq!(in_data(&data, &["log", "show"]).expect_code(0).json().len(), 2);
    drop(held);
    for writer in writers {
        writer.join().unwrap().expect_code(0);
    }
    assert_eq!(in_data(&data, &["log", "show"]).expect_code(0).json().len(), 5);
    in_data(&data, &["log", "rebuild", "--check"]).expect_code(0);
}

#[test]
fn writer_that_waits_in_vain_is_told_who_holds_the_data_directory() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "first").expect_code(0);
    let held = Store::open(&data).unwrap();
    let holder = format!("process {}", std::process::id());
    let told = register(&data, "second").expect_code(5).stderr;
    assert!(told.contains(&format!("waiting for {holder}, ")), "{told}");
    assert!(told.contains("in use"), "{told}");
    drop(held);
    register(&data, "second").expect_code(0);
}

/// A mount namespace in which the folder cannot be written, since permissions stop nobody who is root.
#[test]
fn log_in_a_folder_that_nothing_can_write_to_is_read() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    let shown = in_data(&data, &["log", "show"]).expect_code(0).json();
    let within = |script: &str| {
        std::process::Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c"])
            .arg(format!(
                "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\" || exit 77; {script}"
            ))
            .arg(env!("CARGO_BIN_EXE_chaoschain"))
            .arg(&data)
            .env("CHAOSCHAIN_HEADS", dir.path().join("heads"))
            .env("CHAOSCHAIN_PASSWORD", "test")
            .output()
    };
    match within("touch \"$1/probe\" 2> /dev/null && exit 78; exit 0") {
        Ok(probe) if probe.status.success() => {}
        made => {
            eprintln!("skipped: no mount namespace can be made here: {made:?}");
            return;
        }
    }
    for command in ["log show", "log rebuild --check", "agent list"] {
        let ran = within(&format!("exec \"$0\" {command} --data \"$1\" --json")).unwrap();
        assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
        if command == "log show" {
            let lines: Vec<Value> = String::from_utf8(ran.stdout)
                .unwrap()
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert_eq!(lines, shown);
        }
    }
    let ran =
        within("exec \"$0\" agent register --name bob --role researcher --data \"$1\"").unwrap();
    assert_eq!(ran.status.code(), Some(5), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// A log like the one in `data` that was never folded: its operator, and `count` of its entries.
fn unfolded(data: &Path, into: &Path, count: usize) {
    let from = Store::open(data).unwrap();
    let entries = from.entries(0..u64::MAX).unwrap().into_iter().take(count);
    let appends: Vec<_> =
        entries.map(|entry| Append::new(entry.record, entry.leaf).unwrap()).collect();
    let mut store = Store::open(into).unwrap();
    store.put_meta("operator", &from.meta("operator").unwrap().unwrap()).unwrap();
    store.append_batch(&appends).unwrap();
}

#[test]
fn entries_that_no_row_holds_yet_are_folded_by_the_next_command() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    for name in ["ada", "bob"] {
        register(&data, name).expect_code(0);
    }
    let shown = in_data(&data, &["log", "show"]).expect_code(0).json();
    for count in 1..=3 {
        let other = dir.path().join(count.to_string());
        unfolded(&data, &other, count);
        // Reading brings the rows up too, and again finds nothing to do.
        for _again in 0..2 {
            assert_eq!(in_data(&other, &["log", "show"]).expect_code(0).json(), shown[..count]);
        }
        in_data(&other, &["log", "rebuild", "--check"]).expect_code(0);
        // A tail: entries of a writer that knew no rows.
        let rest: Vec<_> = {
            let from = Store::open(&data).unwrap();
            let entries = from.entries(count as u64..u64::MAX).unwrap().into_iter();
            entries.map(|entry| Append::new(entry.record, entry.leaf).unwrap()).collect()
        };
        Store::open(&other).unwrap().append_batch(&rest).unwrap();
        assert_eq!(in_data(&other, &["log", "show"]).expect_code(0).json(), shown);
        in_data(&other, &["log", "rebuild", "--check"]).expect_code(0);
    }
}

#[test]
fn rows_of_a_longer_log_or_of_another_root_are_refused() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    let put = |fold: &str| {
        let mut store = Store::open(&data).unwrap();
        let stored = store.meta("fold").unwrap().unwrap();
        store.put_meta("fold", fold.as_bytes()).unwrap();
        String::from_utf8(stored).unwrap()
    };
    let right = put("1 2 3 nonsense");
    in_data(&data, &["log", "show"]).expect_error(5, &["damaged"]);
    let (rules, roots) = right.split_once(" 2 ").unwrap();
    put(&format!("{rules} 99 {roots}"));
    in_data(&data, &["log", "show"]).expect_error(5, &["99", "2"]);
    put(&format!("{rules} 1 {roots}"));
    in_data(&data, &["agent", "list"]).expect_error(5, &["root"]);
    put(&right);
    in_data(&data, &["log", "rebuild", "--check"]).expect_code(0);
}

#[test]
fn a_missing_row_is_found_and_folded_anew() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    register(&data, "ada").expect_code(0);
    {
        let mut store = Store::open(&data).unwrap();
        let rows = store.rows(b"".as_slice()..b"\xff", usize::MAX).unwrap();
        let groups = store.groups(None, usize::MAX).unwrap();
        let groups: Vec<_> = groups.into_iter().map(|(id, group)| (id, Some(group))).collect();
        let mark = store.folded().unwrap().unwrap().mark;
        store.clear_rows().unwrap();
        let kept: Vec<_> = rows.into_iter().filter(|(key, _)| !key.starts_with(b"name")).collect();
        let change = Change { rows: &kept, groups: &groups, mark: Some(mark), ..Change::default() };
        store.commit(&change).unwrap();
    }
    let line = in_data(&data, &["log", "rebuild", "--check"]).expect_code(1).json().remove(0);
    assert_eq!(line["tables"]["name"]["differing"].as_array().unwrap().len(), 2, "{line}");
    in_data(&data, &["log", "rebuild"]).expect_code(0);
    let line = in_data(&data, &["log", "rebuild", "--check"]).expect_code(0).json().remove(0);
    assert_eq!(line["agree"], true);
}
