//! What a demo leaves running: nothing, however it ends and however its chain was started.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::program::{anvil_is_there, root};

/// Processes of one test carry its folder in this variable, which children inherit.
const MARK: &str = "CHAOSCHAIN_TEST_MARK";
/// An end comes within this time, or the test fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// A launcher as npm's: it starts anvil as a child of its own and would leave it alone.
fn launcher(dir: &Path) -> PathBuf {
    let anvil = chaos_chains::anvil::find(Some(&root())).expect("it is there");
    let path = dir.join("launcher");
    fs::write(&path, format!("#!/bin/sh\n'{}' \"$@\" &\nwait\n", anvil.display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn start(dir: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaoschain"));
    command.env("CHAOSCHAIN_HEADS", crate::program::heads());
    command.args(["demo", "--elasticity", "0", "--out"]).arg(dir.join("out"));
    command.env(MARK, dir).env("CHAOSCHAIN_ANVIL", launcher(dir));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the program was built")
}

/// How many processes carry the mark; one that is dead and not yet waited for carries nothing.
fn marked(dir: &Path) -> usize {
    let mark = format!("{MARK}={}", dir.display());
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let variables = processes.filter_map(|entry| fs::read(entry.path().join("environ")).ok());
    variables.filter(|all| all.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())).count()
}

#[track_caller]
fn wait_until(dir: &Path, wanted: impl Fn(usize) -> bool) {
    let until = Instant::now() + DEADLINE;
    loop {
        let count = marked(dir);
        if wanted(count) {
            return;
        }
        assert!(Instant::now() < until, "{count} processes run");
        std::thread::yield_now();
    }
}

fn is_possible() -> bool {
    let there = Path::new("/proc/self/environ").exists();
    if !there {
        eprintln!("skipped: this system has no /proc");
    }
    there && anvil_is_there()
}

#[test]
fn a_finished_demo_leaves_no_process_behind() {
    if !is_possible() {
        return;
    }
    let dir = TempDir::new().unwrap();
    assert!(start(dir.path()).wait().unwrap().success());
    wait_until(dir.path(), |count| count == 0);
}

#[test]
fn a_demo_that_is_ended_by_a_signal_leaves_no_process_behind() {
    if !is_possible() {
        return;
    }
    for signal in ["-TERM", "-KILL"] {
        let dir = TempDir::new().unwrap();
        let mut demo = start(dir.path());
        // The program, the guard of its chain, the launcher and anvil.
        wait_until(dir.path(), |count| count >= 4);
        let sent = Command::new("kill").args([signal, &demo.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert!(!demo.wait().unwrap().success());
        wait_until(dir.path(), |count| count == 0);
    }
}
