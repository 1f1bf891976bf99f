use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::ProcessGroup;

/// A launcher: it starts a program that would run for an hour, names itself and the program, and
/// waits. Being killed, it leaves that program alone.
const LAUNCHER: &str = "sleep 3600 & echo $$ $!; wait";
/// Names the role of [`starter`] to a copy of this test program.
const STARTER: &str = "CHAOSCHAIN_TEST_STARTS_A_GROUP";
/// An end comes within this time, or the test fails.
const DEADLINE: Duration = Duration::from_secs(30);

fn launch() -> ProcessGroup {
    ProcessGroup::start(Path::new("/bin/sh"), ["-c", LAUNCHER]).unwrap()
}

/// The launcher and its program, as the launcher names them.
fn members(output: impl Read) -> Vec<u32> {
    let line = BufReader::new(output).lines().map_while(Result::ok).find(|line| {
        line.split(' ').count() == 2 && line.split(' ').all(|word| word.parse::<u32>().is_ok())
    });
    line.unwrap().split(' ').map(|word| word.parse().unwrap()).collect()
}

/// What is dead and not yet waited for by its parent does not count.
fn runs(process: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[track_caller]
fn ensure_ends(processes: &[u32]) {
    let until = Instant::now() + DEADLINE;
    while let Some(process) = processes.iter().find(|process| runs(**process)) {
        assert!(Instant::now() < until, "process {process} runs on");
        std::thread::yield_now();
    }
}

fn there_is_no_proc() -> bool {
    let absent = !Path::new("/proc/self/stat").exists();
    if absent {
        eprintln!("skipped: this system has no /proc");
    }
    absent
}

#[test]
fn dropping_a_group_ends_the_children_of_its_program_too() {
    if there_is_no_proc() {
        return;
    }
    let mut group = launch();
    let members = members(group.take_stdout().unwrap());
    assert!(members.iter().all(|member| runs(*member)));
    drop(group);
    ensure_ends(&members);
}

#[test]
fn children_of_a_launcher_that_was_killed_end_with_the_group() {
    if there_is_no_proc() {
        return;
    }
    let mut group = launch();
    let members = members(group.take_stdout().unwrap());
    signal("-KILL", members[0]);
    ensure_ends(&members[..1]);
    assert!(runs(members[1]), "the launcher leaves its program");
    drop(group);
    ensure_ends(&members);
}

/// Not a claim of its own: the process that [`group_ends_with_whoever_started_it`] ends.
#[test]
fn starter() {
    if env::var_os(STARTER).is_none() {
        return;
    }
    let mut group = launch();
    let members = members(group.take_stdout().unwrap());
    println!("{} {}", members[0], members[1]);
    // Until the test that reads the line above ends this process.
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
}

#[test]
fn group_ends_with_whoever_started_it() {
    if there_is_no_proc() {
        return;
    }
    for name in ["-TERM", "-INT", "-HUP", "-KILL"] {
        let mut starter = start_starter();
        let members = members(starter.stdout.take().unwrap());
        assert!(members.iter().all(|member| runs(*member)));
        signal(name, starter.id());
        assert!(!starter.wait().unwrap().success());
        ensure_ends(&members);
    }
}

fn start_starter() -> Child {
    let module = module_path!().split_once("::").map_or("", |(_, module)| module);
    Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::starter"), "--nocapture"])
        .env(STARTER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([name, &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn program_that_is_absent_or_may_not_be_run_is_no_group() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("program");
    let none: [&str; 0] = [];
    assert!(ProcessGroup::start(&path, none).is_err());
    fs::write(&path, "#!/bin/sh\n").unwrap();
    assert!(ProcessGroup::start(&path, none).is_err());
    assert!(ProcessGroup::start(dir.path(), none).is_err());
}

#[test]
fn outputs_close_when_the_program_ends_by_itself() {
    let mut group = ProcessGroup::start(Path::new("/bin/sh"), ["-c", "echo done"]).unwrap();
    let mut said = String::new();
    group.take_stdout().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "done\n");
}
