//! What is published is held against the places at which the root key signed that its delegations stand.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use chaos_agency::action::Profile;
use chaos_ledger::{Heads, Ledger, System, agents};
use chaos_log::{Checkpoint, LogKey, SignedCheckpoint};

use crate::{
    compatibility::KINDS,
    copies::Machine,
    program::run_with,
    rotated::{Rotated, ensure_found, proof_in, verify},
};

const SYSTEM: System = System {
    kinds: KINDS,
    now_ms: || 1_900_000_000_000,
    random: |_| Err(std::io::ErrorKind::Unsupported.into()),
};

/// The key that signs a data directory's checkpoints, as whoever carries the directory off has it.
pub(crate) fn key_of(data: &Path) -> LogKey {
    let password = Some("test".to_owned().into());
    Ledger::open_rows(data, password, SYSTEM).unwrap().log_key().unwrap()
}

/// Publishes what a directory holds under a head that this key signs, with this file of the log's keys.
pub(crate) fn publish(log: &Rotated, data: &str, key: &LogKey, keys: &Path) {
    let public = format!("{data}-public");
    let folder = log.text(&public);
    drop(fs::remove_dir_all(&folder));
    log.elsewhere(data, &["log", "export", &folder]);
    let note = log.machine.path(&public).join("checkpoint");
    let signed = SignedCheckpoint::parse(&fs::read(&note).unwrap()).unwrap();
    let (claimed, origin) = (signed.claimed(), signed.claimed().origin());
    let head = Checkpoint::new(origin, claimed.size(), *claimed.root()).unwrap();
    fs::write(note, head.sign(key).unwrap().to_string()).unwrap();
    fs::copy(keys, log.machine.path(&public).join("keys")).unwrap();
}

/// A log with two rotations, after two and after six entries, its files of keys from between and after them,
/// and the key that had its time between.
pub(crate) struct Places {
    pub(crate) log: Rotated,
    pub(crate) former: LogKey,
}

impl Places {
    pub(crate) fn new() -> Self {
        let machine = Machine::new();
        machine.grow("data", "ada");
        let root = machine.key("data");
        let log = Rotated { machine, root };
        log.branch("rewritten");
        log.copy_of("mirror", "data", "started").expect_code(0);
        log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
        log.machine.copy("data", "carried-off");
        log.machine.copy("data", "early");
        let former = key_of(&log.machine.path("carried-off"));
        for agent in ["grace", "edsger", "barbara"] {
            log.machine.grow("data", agent);
        }
        log.branch("thief");
        let export = |name: &str| {
            log.machine.on("data", &["log", "export", &log.text(name)]).expect_code(0);
        };
        export("between");
        log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
        log.machine.grow("data", "tony");
        export("after");
        Self { log, former }
    }

    /// The history from the first delegation on rewritten by whoever has the former key, without any.
    fn rewrite(&self, from: u64, size: u64, keys: &str) {
        for number in from..size {
            let name = format!("eve{number}");
            let line = ["agent", "register", "--name", &name, "--role", "researcher"];
            self.log.elsewhere("rewritten", &line);
        }
        self.log.elsewhere("rewritten", &["log", "checkpoint"]);
        let keys = self.log.machine.path(keys).join("keys");
        publish(&self.log, "rewritten", &self.former, &keys);
    }

    /// One round of a copy, which takes in nothing of the rewritten log and leaves a proof of this kind, or says
    /// what was compared.
    fn ensure_refused(&self, command: &str, copy: &str, kind: Option<&str>) {
        let log = &self.log;
        let (folder, text) = (log.machine.path(copy), log.text(copy));
        let seen = log.copy_of(command, "rewritten-public", copy);
        let agents = run_with(["agent", "list", "--data", &text], &[]);
        assert!(!agents.stdout.contains("eve"), "{}", agents.stdout);
        let Some(kind) = kind else {
            let said = format!("{}{}", seen.stdout, seen.stderr);
            assert!(said.contains("stand at entry 2, the first 3 entries have root"), "{said}");
            assert_eq!(seen.code, 1, "{said}");
            return;
        };
        seen.expect_code(6);
        let proof = proof_in(&folder);
        let found = verify(&[proof.to_str().unwrap()], &["--log", &log.root]);
        let code = if kind == "prefix" { 6 } else { 0 };
        assert_eq!(found.expect_code(code).json()[0]["kind"], kind);
        // A person has looked at it: the owner's log is followed, and this one by nobody.
        let accepted = run_with(["log", "findings", &text, "--accept", "all"], &[]);
        accepted.expect_code(0);
        // What a key in force signed twice decides nothing about what it signs once it is retired.
        let sources = ["after", "rewritten-public", "after"];
        for source in sources.into_iter().take(if kind == "prefix" { 2 } else { 3 }) {
            let expected = if source == "after" { [0, 1] } else { [6, 6] };
            let done = log.copy_of(command, source, copy);
            assert!(expected.contains(&done.code), "{source} {} {}", done.stdout, done.stderr);
        }
    }
}

#[test]
fn history_without_its_delegations_is_followed_by_nobody_under_the_logs_own_keys() {
    let places = Places::new();
    let log = &places.log;
    // What `keys` is proved under is longer than the first, and shows that the key in force forked the last.
    // The others are by a key that it says is retired.
    let cases = [
        (5, "between", None),
        (5, "after", Some("place")),
        (6, "after", Some("place")),
        (7, "after", Some("place")),
        (7, "between", Some("prefix")),
    ];
    let mut from = 2;
    for (size, keys, kind) in cases {
        places.rewrite(from, size, keys);
        from = size;
        let [copy, eyes, lost] =
            ["copy", "eyes", "lost"].map(|name| format!("{name}-{size}-{keys}"));
        // One copy has what the root key signed itself, the other nothing.
        log.machine.copy("started", &copy);
        places.ensure_refused("mirror", &copy, kind);
        places.ensure_refused("monitor", &eyes, kind);
        // A directory whose database is gone takes nothing of it either.
        log.machine.copy("data", &lost);
        fs::remove_file(log.machine.path(&lost).join("chaoschain.sqlite")).unwrap();
        let (none, from) = (log.machine.path("none"), log.text("rewritten-public"));
        let mended = log.machine.with_heads(&none, &lost, &["log", "repair", "--from", &from]);
        assert_eq!(mended.code, if kind.is_some() { 6 } else { 1 }, "{}", mended.stderr);
        assert!(!mended.stdout.contains("fetched"), "{}", mended.stdout);
    }
}

#[test]
fn first_head_that_a_leaving_key_may_sign_is_proved_to_be_another_history() {
    let Places { log, .. } = Places::new();
    // Seven entries: as many as end with the second delegation, whose place another entry has.
    let theirs = log.grow_elsewhere("thief", "eve");
    let honest = log.grow("leslie");
    for command in ["mirror", "monitor"] {
        let seen = log.copy_of(command, "thief", command);
        assert!([0, 1].contains(&seen.code), "{} {}", seen.stdout, seen.stderr);
        let told = log.copy_of(command, "data", command).expect_code(6);
        assert!(!told.stdout.contains("contradicts itself"), "{}", told.stdout);
        let folder = log.machine.path(command);
        let proof = proof_in(&folder);
        let proof = proof.to_str().unwrap();
        let trust = ["--log", &log.root];
        assert_eq!(verify(&[proof], &trust).expect_code(0).json()[0]["kind"], "place");
        let shown = run_with(["verify", proof, "--log", &log.root], &[]).expect_code(0).stdout;
        assert!(shown.contains("its owner or a thief"), "{shown}");
        let expected = ["retired_key", "accepted", "key-retired"];
        ensure_found(verify(&[proof, &honest, &theirs], &trust), 1, &expected);
        let text = folder.to_str().unwrap();
        run_with(["log", "findings", text], &[]).expect_code(6);
        log.copy_of(command, "thief", command).expect_code(6);
        run_with(["log", "findings", text, "--accept", "all"], &[]).expect_code(0);
        let again = log.copy_of(command, "thief", command).expect_code(6);
        let said = format!("{}{}", again.stdout, again.stderr);
        assert!(command == "monitor" || said.contains("as was decided"), "{said}");
        let done = log.copy_of(command, "data", command);
        assert!([0, 1].contains(&done.code), "{} {}", done.stdout, done.stderr);
        let with_copy = ["--log", &log.root, "--log-dir", text];
        ensure_found(verify(&[&honest], &with_copy), 0, &["accepted"]);
    }
}

/// An owner's log, what a thief publishes who has the former key, and a copy that the thief reached first.
fn reached_first() -> (Places, String) {
    let places = Places::new();
    let log = &places.log;
    for agent in ["eve", "mallory"] {
        log.grow_elsewhere("thief", agent);
    }
    log.copy_of("mirror", "thief", "copy").expect_code(0);
    log.copy_of("mirror", "data", "copy").expect_code(6);
    let proof = proof_in(&log.machine.path("copy"));
    let name = proof.file_stem().unwrap().to_str().unwrap().to_owned();
    (places, name)
}

#[test]
fn decision_about_a_retired_key_holds_for_whatever_it_signs_besides_the_log() {
    let (Places { log, .. }, _) = reached_first();
    let copy = log.text("copy");
    run_with(["log", "findings", &copy, "--accept", "all"], &[]).expect_code(0);
    for agent in ["trent", "oscar"] {
        log.copy_of("mirror", "thief", "copy").expect_code(6);
        log.grow_elsewhere("thief", agent);
        log.copy_of("mirror", "thief", "copy").expect_error(6, &["as was decided"]);
        run_with(["log", "findings", &copy], &[]);
        log.copy_of("mirror", "data", "copy").expect_code(0);
    }
    let kept = fs::read_dir(log.machine.path("copy")).unwrap();
    let names = kept.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.starts_with("chaoschain.sqlite.fork-")).count(), 1);
}

#[test]
fn head_by_a_retired_key_that_nothing_shows_to_be_the_logs_is_not_followed() {
    let Places { log, .. } = Places::new();
    // Within the key's time, and no later than any delegation.
    log.elsewhere("early", &["log", "resume", "--only-copy"]);
    log.grow_elsewhere("early", "eve");
    let public = log.text("early-public");
    log.elsewhere("early", &["log", "export", &public]);
    log.copy_of("mirror", "early-public", "copy").expect_code(0);
    fs::copy(log.machine.path("after/keys"), Path::new(&public).join("keys")).unwrap();
    for command in ["mirror", "monitor"] {
        let new = log.copy_of(command, "early-public", &format!("new-{command}"));
        new.expect_error(4, &["a key that entry 6 retired", "nothing here shows"]);
    }
    log.machine.copy("data", "lost");
    fs::remove_file(log.machine.path("lost/chaoschain.sqlite")).unwrap();
    let none = log.machine.path("none");
    let mended = log.machine.with_heads(&none, "lost", &["log", "repair", "--from", &public]);
    mended.expect_error(4, &["nothing here shows"]);
    log.copy_of("mirror", "data", "copy").expect_code(6);
    let copy = log.text("copy");
    run_with(["log", "findings", &copy, "--accept", "all"], &[]).expect_code(0);
    log.copy_of("mirror", "early", "copy").expect_error(6, &["as was decided"]);
    log.grow_elsewhere("early", "mallory");
    log.copy_of("mirror", "early", "copy").expect_error(4, &["nothing here shows"]);
    log.copy_of("mirror", "data", "copy").expect_code(0);
    log.copy_of("mirror", "early", "copy").expect_error(6, &["as was decided"]);
    log.copy_of("mirror", "data", "copy").expect_code(0);
}

/// What a kill leaves after each step of putting a database aside, prepared by hand from the copy before and
/// after it.
fn killed_after(step: u8, [before, after]: [&Path; 2], copy: &Path, name: &str) {
    let database = "chaoschain.sqlite";
    fs::create_dir(copy).unwrap();
    fs::create_dir(copy.join("anew")).unwrap();
    let aside = format!("{database}.{name}");
    let is_moved = step >= 3;
    let old = copy.join(if is_moved { &aside } else { database });
    fs::copy(before.join(database), old).unwrap();
    match step {
        // The decision alone, and half of the new database.
        0 => fs::remove_dir(copy.join("anew")).unwrap(),
        1 => fs::write(copy.join("anew").join(database), b"half").unwrap(),
        4 => drop(fs::copy(after.join(database), copy.join(database)).unwrap()),
        _ => drop(fs::copy(after.join(database), copy.join("anew").join(database)).unwrap()),
    }
    if step >= 2 {
        fs::write(copy.join("aside"), &aside).unwrap();
    }
}

#[test]
fn decision_that_was_written_down_holds_after_a_kill_at_any_step() {
    let (Places { log, .. }, name) = reached_first();
    let (before, after) = (log.machine.path("before"), log.machine.path("copy"));
    log.machine.copy("copy", "before");
    let accept = ["log", "findings", after.to_str().unwrap(), "--accept", &name];
    run_with(accept, &[]).expect_code(0);
    // In the former database the decision is all that was written.
    fs::copy(after.join(format!("chaoschain.sqlite.{name}")), before.join("chaoschain.sqlite"))
        .unwrap();
    let steps = [(0, "findings"), (0, "thief"), (1, "thief"), (2, "list"), (2, "findings")];
    let later = [(3, "list"), (3, "thief"), (3, "findings"), (4, "thief"), (4, "data")];
    for (step, first) in steps.into_iter().chain(later) {
        let killed = format!("killed-{step}-{first}");
        let copy = log.machine.path(&killed);
        killed_after(step, [&before, &after], &copy, &name);
        let text = copy.to_str().unwrap();
        match first {
            "findings" => {
                run_with(["log", "findings", text, "--accept", &name], &[]).expect_code(0);
            }
            "list" => drop(run_with(["agent", "list", "--data", text], &[])),
            source => {
                let code = if source == "thief" { 6 } else { 0 };
                log.copy_of("mirror", source, &killed).expect_code(code);
            }
        }
        log.copy_of("mirror", "thief", &killed).expect_code(6);
        log.copy_of("mirror", "data", &killed).expect_code(0);
        let agents = run_with(["agent", "list", "--data", text], &[]).expect_code(0).stdout;
        assert!(agents.contains("tony") && !agents.contains("mallory"), "{step}: {agents}");
        assert!(copy.join(format!("chaoschain.sqlite.{name}")).exists(), "{step} {first}");
        assert!(!copy.join("aside").exists() && !copy.join("anew").exists(), "{step} {first}");
    }
}

/// Accepts what stands and ends with a kill as soon as the folder shows that a step was made.
fn killed_decision(copy: &Path, is_made: impl Fn() -> bool) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chaoschain"))
        .args(["log", "findings", copy.to_str().unwrap(), "--accept", "all"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() && !is_made() {
        assert!(began.elapsed() < Duration::from_secs(60), "the step was never made");
        std::thread::yield_now();
    }
    let _ended = child.kill();
    child.wait().unwrap();
}

#[test]
fn process_that_is_killed_while_it_puts_a_database_aside_leaves_the_decision_or_nothing() {
    let (Places { log, .. }, name) = reached_first();
    let steps: [&dyn Fn(&Path) -> bool; 4] = [
        &|copy| copy.join("anew").exists(),
        &|copy| copy.join("anew/chaoschain.sqlite").exists(),
        &|copy| copy.join("aside").exists(),
        &|copy| {
            fs::read_dir(copy).unwrap().any(|file| {
                file.unwrap().file_name().to_string_lossy().starts_with("chaoschain.sqlite.fork-")
            })
        },
    ];
    for (step, is_made) in steps.into_iter().enumerate() {
        let killed = format!("killed-{step}");
        log.machine.copy("copy", &killed);
        let copy = log.machine.path(&killed);
        killed_decision(&copy, || is_made(&copy));
        let text = copy.to_str().unwrap();
        run_with(["log", "findings", text, "--accept", &name], &[]).expect_code(0);
        log.copy_of("mirror", "thief", &killed).expect_code(6);
        log.copy_of("mirror", "data", &killed).expect_code(0);
    }
}

#[test]
fn checkpoint_whose_entries_were_withheld_is_forgotten_with_the_decision() {
    let Places { log, .. } = Places::new();
    log.copy_of("mirror", "between", "copy").expect_code(0);
    for agent in ["eve", "mallory"] {
        log.grow_elsewhere("thief", agent);
    }
    let public = log.text("thief-public");
    log.elsewhere("thief", &["log", "export", &public]);
    fs::remove_dir_all(Path::new(&public).join("records")).unwrap();
    let withheld = log.copy_of("mirror", "thief-public", "copy");
    assert_ne!(withheld.code, 0, "{}", withheld.stdout);
    log.copy_of("mirror", "data", "copy").expect_code(6);
    let copy = log.text("copy");
    run_with(["log", "findings", &copy, "--accept", "all"], &[]).expect_code(0);
    log.copy_of("mirror", "data", "copy").expect_code(0);
    let agents = run_with(["agent", "list", "--data", &copy], &[]).expect_code(0).stdout;
    assert!(agents.contains("tony") && !agents.contains("eve"), "{agents}");
    log.copy_of("mirror", "thief-public", "copy").expect_error(6, &["as was decided"]);
    log.copy_of("mirror", "data", "copy").expect_code(0);
}

/// Appends an entry by a clock that is years ahead, signs the head and gives the index of the entry.
fn append_ahead(log: &Rotated, data: &str, name: &str) -> u64 {
    let system = System {
        now_ms: || 2_098_742_400_000,
        random: |bytes| getrandom::fill(bytes).map_err(std::io::Error::other),
        ..SYSTEM
    };
    let password = Some("test".to_owned().into());
    let heads = Heads::new(log.machine.path(&format!("{data}-heads")));
    let path = log.machine.path(data);
    let mut ledger = Ledger::open(&path, password, Some(&heads), system).unwrap();
    ledger.accept_clock().unwrap();
    let profile = Profile {
        name: name.to_owned(),
        role: "researcher".to_owned(),
        capabilities: vec![],
        studio: "workshop".to_owned(),
    };
    agents::enrol(&mut ledger, profile).unwrap();
    ledger.checkpoint(&heads).unwrap().claimed().size() - 1
}

#[test]
fn what_was_accepted_of_a_thiefs_entry_says_nothing_of_the_logs_own() {
    let Places { log, .. } = Places::new();
    // Each has an entry at index 8 that is dated years ahead.
    for agent in ["eve", "mallory"] {
        log.grow_elsewhere("thief", agent);
    }
    log.branch("own");
    let sizes = ["thief", "own"].map(|data| append_ahead(&log, data, "ahead"));
    assert_eq!(sizes, [8, 8]);
    for accepted in ["all", "fork"] {
        for source in ["data", "own"] {
            let copy = format!("{accepted}-{source}");
            log.copy_of("mirror", "thief", &copy).expect_code(1);
            log.copy_of("mirror", source, &copy).expect_code(6);
            let name = match accepted {
                "all" => "all".to_owned(),
                _ => proof_in(&log.machine.path(&copy))
                    .file_stem()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned(),
            };
            let text = log.text(&copy);
            run_with(["log", "findings", &text, "--accept", &name], &[]);
            // The owner's log is right, and the one that goes on from it has a wrong entry of its own.
            let expected = if source == "own" { 1 } else { 0 };
            let seen = log.copy_of("mirror", source, &copy).expect_code(expected);
            assert_eq!(seen.stdout.contains("future-8"), source == "own", "{}", seen.stdout);
            run_with(["log", "findings", &text, "--accept", "all"], &[]).expect_code(0);
            log.copy_of("mirror", source, &copy).expect_code(0);
        }
    }
}

/// Runs statements on the database of a data directory.
fn spoil(data: &Path, statements: &str) {
    let script =
        "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as d: d.executescript(sys.argv[2])";
    let database = data.join("chaoschain.sqlite");
    let mut spoilt = Command::new("python3");
    spoilt.args(["-c", script, database.to_str().unwrap(), statements]);
    assert!(spoilt.status().unwrap().success());
}

#[test]
fn repair_of_the_owners_directory_takes_in_nothing_that_a_retired_key_signed() {
    let Places { log, .. } = Places::new();
    // Seven entries, of which the last is the thief's; the owner's log has eight.
    log.grow_elsewhere("thief", "eve");
    let (thief, owner) = (log.text("thief"), log.text("after"));
    // The database is lost, and the machine's memory with it: what is left are the key files.
    log.machine.copy("data", "lost");
    fs::remove_file(log.machine.path("lost/chaoschain.sqlite")).unwrap();
    let none = log.machine.path("none");
    let repair =
        |from: &str| log.machine.with_heads(&none, "lost", &["log", "repair", "--from", from]);
    let refused = repair(&thief);
    let refused = refused.expect_error(1, &["the keys of 2 delegations", "the source shows 1"]);
    assert!(refused.stderr.contains("operator.log.retired-"), "{}", refused.stderr);
    assert!(!refused.stdout.contains("fetched"), "{}", refused.stdout);
    repair(&owner).expect_code(0);
    let agents = log.machine.with_heads(&none, "lost", &["agent", "list"]).expect_code(0);
    assert!(!agents.stdout.contains("eve"), "{}", agents.stdout);
    // Its heads and an entry are lost; the machine remembers what was signed.
    let entry = "DELETE FROM checkpoints; UPDATE entries SET record = x'00' WHERE idx = 6;";
    let tiles =
        "DELETE FROM tiles; DELETE FROM edge; UPDATE entries SET leaf = x'00' WHERE idx = 7;";
    let cases = [
        ("tiled", entry.to_owned(), "is not the start of the one of 8 entries"),
        (
            "bare",
            format!("{entry} {tiles}"),
            "nothing here shows that the source's head of 7 entries",
        ),
    ];
    for (name, damage, said) in cases {
        log.machine.copy("data", name);
        spoil(&log.machine.path(name), &damage);
        for file in fs::read_dir(log.machine.path(name).join("keys")).unwrap() {
            let file = file.unwrap();
            if file.file_name().to_string_lossy().starts_with("operator.log") {
                fs::remove_file(file.path()).unwrap();
            }
        }
        log.machine.on(name, &["log", "repair", "--from", &thief]).expect_error(1, &[said]);
        let mended = log.machine.on(name, &["log", "repair", "--from", &owner]).expect_code(0);
        assert!(
            mended.stdout.contains("it goes on from the head of 8 entries"),
            "{}",
            mended.stdout
        );
        log.machine.on(name, &["log", "rebuild", "--check"]).expect_code(0);
    }
}

#[test]
fn head_whose_new_line_is_cut_away_is_kept_by_no_copy_and_the_next_one_is_followed() {
    let log = Rotated::new();
    for command in ["mirror", "monitor"] {
        log.copy_of(command, "data", command);
    }
    log.machine.copy("data", "before");
    let keys = log.text("before-public");
    log.machine.on("data", &["log", "export", &keys]).expect_code(0);
    log.machine.on("data", &["log", "rotate-key"]).expect_code(0);
    // The first head that holds the delegation, with the leaving key's line alone and the keys of before.
    log.machine.copy("data", "cut");
    let leaving = key_of(&log.machine.path("before"));
    publish(&log, "cut", &leaving, &log.machine.path("before-public/keys"));
    log.grow("grace");
    for command in ["mirror", "monitor"] {
        let refused = log.copy_of(command, "cut-public", command).expect_code(1);
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(said.contains("alone, which entry 3 replaced"), "{said}");
        let next = log.copy_of(command, "data", command);
        assert!([0, 1].contains(&next.code), "{} {}", next.stdout, next.stderr);
        log.copy_of(command, "data", command).expect_code(0);
        let copy = log.text(command);
        run_with(["log", "rebuild", "--check", "--data", &copy], &[]).expect_code(0);
        let public = log.text(&format!("{command}-public"));
        run_with(["log", "export", &public, "--data", &copy], &[]).expect_code(0);
    }
}
