//! A data directory that may have come from anybody, and what is damaged in one's own.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use rusqlite::Connection;

use crate::{
    copies::{Machine, text},
    program::run,
    running::Running,
};

/// A log of three entries that signed each, as `data` of a machine, with a mirror as `copy`.
fn mirrored() -> Machine {
    let machine = Machine::new();
    machine.register("data", "ada").expect_code(0);
    machine.on("data", &["log", "checkpoint"]).expect_code(0);
    machine.grow("data", "grace");
    follow(&machine);
    machine
}

fn follow(machine: &Machine) {
    let (data, copy, key) = (machine.path("data"), machine.path("copy"), machine.key("data"));
    run(["log", "mirror", text(&data), text(&copy), "--log", &key]).expect_code(0);
}

/// Everything in a directory and in those in it.
fn listed(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() { [vec![path.clone()], listed(&path)].concat() } else { vec![path] }
        })
        .collect()
}

/// A name that the program comes to use later is in no list of this test, and is found by it all the same.
#[test]
fn whatever_is_made_in_a_data_directory_is_refused_as_a_link() {
    let machine = mirrored();
    machine.on("data", &["log", "rotate-key"]).expect_code(0);
    let (data, copy) = (machine.path("data"), machine.path("copy"));
    run(["log", "monitor", text(&data), text(&copy)]).expect_code(1);
    let mut seen = Vec::new();
    for from in ["data", "copy"] {
        for path in listed(&machine.path(from)) {
            let name = path.strip_prefix(machine.path(from)).unwrap().to_owned();
            let handed = format!("handed-{}", seen.len());
            machine.copy(from, &handed);
            let (link, elsewhere) =
                (machine.path(&handed).join(&name), machine.path(&format!("{handed}-elsewhere")));
            fs::rename(&link, &elsewhere).unwrap();
            symlink(&elsewhere, &link).unwrap();
            let refused = run(["log", "rebuild", "--data", text(&machine.path(&handed))]);
            refused.expect_error(5, &["is a link", text(&name)]);
            seen.push(name);
        }
    }
    for name in ["keys/operator.pem", "blobs/temporary", "alarms", "lock", "chaoschain.sqlite"] {
        assert!(seen.iter().any(|seen| seen == Path::new(name)), "{name} of {seen:?}");
    }
}

#[test]
fn folder_that_a_handed_directory_leads_to_is_not_emptied() {
    let machine = mirrored();
    let victim = machine.path("victim");
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("thesis"), "precious").unwrap();
    let (data, copy) = (machine.path("data"), machine.path("copy"));
    fs::remove_dir(copy.join("blobs/temporary")).unwrap();
    symlink("../../victim", copy.join("blobs/temporary")).unwrap();
    for command in [
        &["log", "rebuild", "--data", text(&copy)][..],
        &["log", "mirror", text(&data), text(&copy)],
        &["log", "monitor", text(&data), text(&copy)],
        &["log", "repair", "--from", text(&data), "--data", text(&copy)],
        &["log", "findings", text(&copy), "--accept", "all"],
    ] {
        run(command.iter().copied()).expect_error(5, &["blobs/temporary", "is a link"]);
        assert_eq!(fs::read_to_string(victim.join("thesis")).unwrap(), "precious");
    }
}

#[test]
fn log_that_shares_files_with_a_copy_is_read_and_says_why_it_is_not_written_to() {
    let machine = mirrored();
    let (database, other) = (machine.path("data/chaoschain.sqlite"), machine.path("other"));
    fs::hard_link(&database, &other).unwrap();
    machine.on("data", &["log", "show"]).expect_code(0);
    let refused = machine.on("data", &["log", "checkpoint"]);
    refused.expect_error(5, &["another name", "cp -al", "Remove the other name"]);
    fs::remove_file(other).unwrap();
    machine.on("data", &["log", "checkpoint"]).expect_code(0);
}

/// `cp -al` beside the server of the log, whose notes get a second name too.
#[test]
fn snapshot_by_hard_links_of_a_log_that_is_served_stops_no_reader_of_either() {
    let machine = mirrored();
    let (data, copy, snapshot) =
        (machine.path("data"), machine.path("copy"), machine.path("snapshot"));
    let mut served = Running::start(&["log", "serve", "--listen", "127.0.0.1:0"], Some(&data));
    let url = served.wait_for("ready")["url"].as_str().unwrap().to_owned();
    machine.grow("data", "edsger");
    assert!(Command::new("cp").arg("-al").args([&data, &snapshot]).status().unwrap().success());
    for name in ["data", "snapshot"] {
        let show = machine.on(name, &["log", "show", "--json"]).expect_code(0);
        assert_eq!(show.json().len(), 4, "{name}");
        let public = machine.path(&format!("{name}-public"));
        machine.on(name, &["log", "export", text(&public)]).expect_code(0);
        machine.on(name, &["log", "rebuild", "--check"]).expect_code(0);
        let from = machine.path(name);
        run(["log", "mirror", text(&from), text(&copy)]).expect_code(0);
        let refused = machine.register(name, "barbara");
        refused.expect_error(5, &["another name", "Remove the other name"]);
    }
    run(["log", "mirror", &url, text(&copy)]).expect_code(0);
    assert_eq!(served.stop(), 0);
    for name in ["data", "snapshot"] {
        machine.on(name, &["log", "show"]).expect_code(0);
    }
    fs::remove_dir_all(&snapshot).unwrap();
    machine.grow("data", "barbara");
}

#[test]
fn copy_whose_entries_are_a_view_is_refused() {
    let machine = mirrored();
    let shown = machine.on("data", &["log", "show", "--json"]).json();
    let (receipt, bundle) =
        (shown[1]["action"]["receipt"].as_str().unwrap(), machine.path("b.json"));
    machine.on("data", &["log", "prove", receipt, "--out", text(&bundle)]).expect_code(0);
    let copy = machine.path("copy");
    Connection::open(copy.join("chaoschain.sqlite"))
        .unwrap()
        .execute_batch(
            "ALTER TABLE entries RENAME TO kept; CREATE VIEW entries AS SELECT * FROM kept;",
        )
        .unwrap();
    let verified =
        ["verify", text(&bundle), "--log", &machine.key("data"), "--log-dir", text(&copy)];
    run(verified).expect_error(5, &["it holds the view `entries`"]);
}

/// The source is one signed head behind, as it usually is: what only the damaged file has is not lost.
#[test]
fn damaged_index_is_mended_though_no_copy_has_the_newest_entries() {
    let machine = mirrored();
    machine.grow("data", "edsger");
    let before = machine.on("data", &["log", "show", "--json"]).stdout;
    let database = machine.path("data/chaoschain.sqlite");
    let root: u32 = Connection::open(&database)
        .unwrap()
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name LIKE '%index_entries%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let mut bytes = fs::read(&database).unwrap();
    let size = usize::from(bytes[16]) << 8 | usize::from(bytes[17]);
    let end = root as usize * size;
    bytes[end - size / 4..end].fill(0xa5);
    fs::write(&database, bytes).unwrap();
    machine.on("data", &["log", "rebuild", "--check"]).expect_code(5);
    let copy = machine.path("copy");
    let repair = ["log", "repair", "--from", text(&copy)];
    let mended = machine.on("data", &repair).expect_code(0);
    assert!(mended.stderr.contains("chaoschain.sqlite.damaged"), "{}", mended.stderr);
    machine.on("data", &["log", "rebuild", "--check"]).expect_code(0);
    assert_eq!(machine.on("data", &["log", "show", "--json"]).stdout, before);
    machine.grow("data", "barbara");
}

#[test]
fn kept_checkpoint_with_a_changed_signature_is_dropped_and_everything_fits_again() {
    let machine = mirrored();
    let database = Connection::open(machine.path("data/chaoschain.sqlite")).unwrap();
    let note: String = database
        .query_row("SELECT note FROM checkpoints WHERE size = 2", [], |row| row.get(0))
        .unwrap();
    let at = note.trim_end().len() - 8;
    let other = if note.as_bytes()[at] == b'A' { "B" } else { "A" };
    let changed = format!("{}{other}{}", &note[..at], &note[at + 1..]);
    database.execute("UPDATE checkpoints SET note = ?1 WHERE size = 2", [changed]).unwrap();
    drop(database);
    let damaged = machine.on("data", &["log", "rebuild", "--check"]);
    damaged.expect_error(5, &["the kept head of size 2", "log repair --from SOURCE"]);
    let copy = machine.path("copy");
    let repair = ["log", "repair", "--from", text(&copy)];
    let told = machine.on("data", &repair).expect_code(0).stdout;
    assert!(told.contains("the kept checkpoint of 2 entries was not the one"), "{told}");
    machine.on("data", &["log", "rebuild", "--check"]).expect_code(0);
}
