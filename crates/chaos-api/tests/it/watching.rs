//! Alarms.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use chaos_agency::Kinds;
use chaos_api::{Alarm, Mirror, Source, Watch, Watched, watch};
use chaos_log::{ForkProof, leaf_hash};
use chaos_store::Records as _;
use tempfile::TempDir;

use crate::{
    liar::{self, Answer},
    world::{Log, NOW_MS, follow, runtime},
};

/// A round that is told.
fn round(folder: &Path, log: &Log, source: &Arc<Source>, watching: &Watch) -> Watched {
    let mut mirror = Mirror::open(folder, Some(log.verifier())).unwrap();
    let seen = runtime().block_on(watch(&mut mirror, source, SEEN_MS, watching)).unwrap();
    seen.told(&mut mirror).unwrap();
    seen
}

/// The clock of these monitors, milliseconds since 1970.
const SEEN_MS: u64 = NOW_MS + 1_000_000;

fn nobody() -> Watch {
    Watch { followed: BTreeSet::new(), kinds: Kinds::default() }
}

/// The alarms of a round, and that each has its file.
#[track_caller]
fn names(seen: &Watched) -> Vec<&str> {
    for alarm in &seen.alarms {
        let file = fs::read_to_string(seen.folder.join(alarm.file())).unwrap();
        assert!(file.contains(&format!("\"alarm\": \"{}\"", alarm.name())), "{file}");
    }
    seen.alarms.iter().map(Alarm::name).collect()
}

#[test]
fn honest_log_raises_no_alarm_and_entries_of_followed_agents_do() {
    let mut log = Log::of(5);
    let copy = TempDir::new().unwrap();
    let seen = round(copy.path(), &log, &log.source(), &nobody());
    assert_eq!((names(&seen), seen.examined), (vec![], 5));
    log.grow(2);
    log.sign();
    let follow = Watch { followed: [log.agent()].into(), kinds: Kinds::default() };
    let seen = round(copy.path(), &log, &log.source(), &follow);
    // Who is followed from now on is looked for in what is here already.
    assert_eq!((names(&seen), seen.examined, seen.examined_again), (vec!["followed"; 7], 2, 5));
    let seen = round(copy.path(), &log, &log.source(), &follow);
    assert_eq!((names(&seen), seen.examined, seen.examined_again), (vec![], 0, 0));
    // Who was not followed for a while is told what came meanwhile, once.
    log.grow(3);
    log.sign();
    assert!(names(&round(copy.path(), &log, &log.source(), &nobody())).is_empty());
    let seen = round(copy.path(), &log, &log.source(), &follow);
    assert_eq!((names(&seen), seen.examined, seen.examined_again), (vec!["followed"; 3], 0, 3));
    let seen = round(copy.path(), &log, &log.source(), &follow);
    assert_eq!((names(&seen), seen.examined_again), (vec![], 0));
}

/// A kind that is not known here, or a body that breaks a rule, is still what the followed key signed.
#[test]
fn entry_by_a_followed_key_that_cannot_be_read_raises_an_alarm() {
    let mut log = Log::of(2);
    let copy = TempDir::new().unwrap();
    round(copy.path(), &log, &log.source(), &nobody());
    let record = log.unreadable_receipt();
    log.append_raw(record, NOW_MS + 10);
    log.sign();
    let follow = Watch { followed: [log.agent()].into(), kinds: Kinds::default() };
    assert_eq!(names(&round(copy.path(), &log, &log.source(), &follow)), ["followed"; 3]);
}

/// Whoever follows a log folds it, and finds the root that the log does not fold to.
#[test]
fn a_root_that_the_log_does_not_fold_to_is_an_alarm() {
    let mut log = Log::of(2);
    log.append_stating(2, chaos_log::map::EMPTY);
    log.append(3, NOW_MS + 3);
    log.sign();
    let copy = TempDir::new().unwrap();
    let seen = round(copy.path(), &log, &log.source(), &nobody());
    assert_eq!(names(&seen), ["state"]);
    let told: Vec<_> = seen.alarms.iter().map(ToString::to_string).collect();
    assert!(told[0].starts_with("entry 2: ") && told[0].contains("the log folds to"), "{told:?}");
    // Entry 3 states no root, which follows from the one before it.
    accept_all(copy.path());
    assert!(names(&round(copy.path(), &log, &log.source(), &nobody())).is_empty());
    log.append_stating(4, chaos_log::map::EMPTY);
    log.sign();
    assert!(names(&round(copy.path(), &log, &log.source(), &nobody())).is_empty());
}

/// It is in the signed tree, so that nothing that is published contradicts anything.
#[test]
fn receipt_that_is_logged_twice_is_an_alarm_of_its_own_until_it_is_accepted_and_the_copy_ends_there()
 {
    let log = Log::of(4);
    let (source, _) = liar::repeating(&log);
    let copy = TempDir::new().unwrap();
    for _ in 0..2 {
        let seen = round(copy.path(), &log, &source, &nobody());
        assert_eq!(names(&seen), ["repeated"]);
        assert_eq!(seen.alarms[0].file(), "repeated-3.json");
    }
    accept_all(copy.path());
    let seen = round(copy.path(), &log, &source, &nobody());
    assert_eq!(names(&seen), ["contradiction"], "no round is quiet that could not go on");
    assert!(seen.alarms[0].to_string().contains("repeats the receipt of entry 1"));
}

#[test]
fn entries_that_a_kill_left_unexamined_are_examined() {
    let mut log = Log::of(2);
    log.append(2, NOW_MS - 1);
    log.sign();
    let copy = TempDir::new().unwrap();
    follow(copy.path(), &log, &log.source()).unwrap();
    assert_eq!(names(&round(copy.path(), &log, &log.source(), &nobody())), ["time-back"]);
}

#[test]
fn fork_keeps_both_checkpoints_and_is_raised_again_and_nothing_more_is_stored() {
    let log = Log::of(5);
    let copy = TempDir::new().unwrap();
    round(copy.path(), &log, &log.source(), &nobody());
    let other = log.signed(5, leaf_hash(b"another"));
    let note = other.to_string().into_bytes();
    let source = liar::start(log.published(), move |_| Answer::Body(note.clone()));
    for _ in 0..2 {
        let seen = round(copy.path(), &log, &source, &nobody());
        assert_eq!(names(&seen), ["fork"]);
        assert_eq!(seen.head, log.store.checkpoint().unwrap());
        let file = seen.alarms[0].file().replace(".json", ".fork");
        let proof = ForkProof::parse(&fs::read(seen.folder.join(file)).unwrap()).unwrap();
        assert_eq!(proof.log(), log.verifier());
    }
    assert_eq!(fs::read_dir(copy.path().join("alarms")).unwrap().count(), 2);
}

#[test]
fn rollback_and_contradiction_are_alarms_and_silence_is_none() {
    let log = Log::of(5);
    let copy = TempDir::new().unwrap();
    round(copy.path(), &log, &log.source(), &nobody());
    let old = log.signed(2, chaos_log::root_at(&log.store, 2).unwrap());
    let note = old.to_string().into_bytes();
    let source = liar::start(log.published(), move |_| Answer::Body(note.clone()));
    assert_eq!(names(&round(copy.path(), &log, &source, &nobody())), ["rollback"]);
    let source = liar::start(log.published(), |_| Answer::Body(b"no checkpoint".to_vec()));
    assert_eq!(names(&round(copy.path(), &log, &source, &nobody())), ["contradiction"]);
    let source = liar::start(log.published(), |_| Answer::Status(503, "", Vec::new()));
    let mut mirror = Mirror::open(copy.path(), None).unwrap();
    let watching = nobody();
    let silent = watch(&mut mirror, &source, NOW_MS, &watching);
    assert!(runtime().block_on(silent).is_err());
}

/// What a server says instead of the truth.
type Lie = fn() -> Answer;

#[test]
fn every_lie_of_a_server_is_an_alarm_and_what_says_nothing_of_the_log_is_none() {
    let mut log = Log::of(100);
    let copy = TempDir::new().unwrap();
    round(copy.path(), &log, &log.source(), &nobody());
    log.grow(500);
    log.sign();
    let lies: [(&str, Lie); 8] = [
        ("checkpoint", || Answer::Body(b"nothing".to_vec())),
        ("tile/1/000.p/2", || Answer::Body(vec![7; 64])),
        ("tile/0/002.p/88", || Answer::Body(vec![7; 32])),
        ("tile/0/002.p/88", || Answer::Body(vec![7; 33])),
        ("tile/entries/001", || Answer::Body(vec![0xff; 9])),
        ("records/001", || Answer::Body(vec![0xff; 9])),
        ("records/001", || Answer::Endless),
        ("tile/entries/001", || {
            Answer::Status(200, "content-encoding: gzip\r\n", vec![0x1f, 0x8b, 8, 0])
        }),
    ];
    for (path, lie) in lies {
        let source =
            liar::start(
                log.published(),
                move |asked| {
                    if asked == path { lie() } else { Answer::Honest }
                },
            );
        let seen = round(copy.path(), &log, &source, &nobody());
        assert_eq!(names(&seen), ["contradiction"], "{path}");
        assert_eq!(seen.head.map(|head| head.claimed().size()), Some(100), "{path}");
    }
    let nothing: [Lie; 3] = [
        || Answer::Status(503, "", Vec::new()),
        || Answer::Status(302, "location: http://127.0.0.1:1/\r\n", Vec::new()),
        || Answer::CutOff(vec![b'x'; 100]),
    ];
    for silence in nothing {
        let source = liar::start(log.published(), move |asked| {
            if asked == "checkpoint" { silence() } else { Answer::Honest }
        });
        let mut mirror = Mirror::open(copy.path(), None).unwrap();
        let watching = nobody();
        let seen = watch(&mut mirror, &source, NOW_MS, &watching);
        assert!(runtime().block_on(seen).is_err());
    }
    let seen = round(copy.path(), &log, &log.source(), &nobody());
    assert_eq!((names(&seen), seen.examined), (vec![], 500));
}

#[test]
fn findings_that_are_too_many_for_a_round_are_told_in_the_next() {
    let mut log = Log::of(0);
    let copy = TempDir::new().unwrap();
    let entries: Vec<_> = (0..1_600_u64)
        .map(|number| {
            // None of the records is a receipt.
            let record = number.to_string().into_bytes();
            let leaf = chaos_agency::Leaf::new(chaos_types::Digest::of(&record), NOW_MS);
            chaos_store::Append::new(record, leaf.to_bytes()).unwrap()
        })
        .collect();
    log.store.append_batch(&entries).unwrap();
    log.sign();
    let first = round(copy.path(), &log, &log.source(), &nobody());
    assert_eq!((first.alarms.len(), first.left_out, first.examined), (1_000, 600, 1_600));
    // They stand, and the others wait for their names until somebody has seen these.
    let again = round(copy.path(), &log, &log.source(), &nobody());
    assert_eq!((again.alarms.len(), again.left_out, again.examined), (1_000, 600, 0));
    accept_all(copy.path());
    let second = round(copy.path(), &log, &log.source(), &nobody());
    assert_eq!((second.alarms.len(), second.left_out), (600, 0));
    accept_all(copy.path());
    assert!(round(copy.path(), &log, &log.source(), &nobody()).alarms.is_empty());
}

fn accept_all(folder: &Path) {
    let mut mirror = Mirror::open(folder, None).unwrap();
    let found = mirror.standings().unwrap();
    let names: Vec<_> = found.open().map(|finding| finding.name.clone()).collect();
    mirror.accept(&names, SEEN_MS).unwrap();
}

#[test]
fn entry_of_a_followed_agent_is_an_alarm_until_somebody_was_told() {
    let log = Log::of(3);
    let copy = TempDir::new().unwrap();
    let follow = Watch { followed: [log.agent()].into(), kinds: Kinds::default() };
    let source = log.source();
    for _ in 0..2 {
        let mut mirror = Mirror::open(copy.path(), Some(log.verifier())).unwrap();
        let seen = watch(&mut mirror, &source, SEEN_MS, &follow);
        assert_eq!(names(&runtime().block_on(seen).unwrap()), ["followed"; 3]);
    }
    round(copy.path(), &log, &log.source(), &follow);
    assert!(round(copy.path(), &log, &log.source(), &follow).alarms.is_empty());
}

#[test]
fn fork_that_was_seen_stops_a_monitor_on_either_branch_until_a_person_decides() {
    let mut log = Log::of(5);
    let copy = TempDir::new().unwrap();
    round(copy.path(), &log, &log.source(), &nobody());
    let note = log.signed(5, leaf_hash(b"another")).to_string().into_bytes();
    let other = liar::start(log.published(), move |_| Answer::Body(note.clone()));
    assert_eq!(names(&round(copy.path(), &log, &other, &nobody())), ["fork"]);
    // The branch that is kept grows, and nothing of it is taken.
    log.grow(2);
    log.sign();
    let asked = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let honest = liar::start(log.published(), move |_| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Answer::Honest
    });
    for _ in 0..2 {
        let seen = round(copy.path(), &log, &honest, &nobody());
        assert_eq!(names(&seen), ["fork"]);
        assert_eq!(seen.head.unwrap().claimed().size(), 5);
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 0, "nobody was asked");
    accept_all(copy.path());
    let seen = round(copy.path(), &log, &honest, &nobody());
    assert_eq!((names(&seen), seen.examined), (vec![], 2));
    // The decision was about that fork, and is written down.
    let found = chaos_api::standings(copy.path()).unwrap();
    assert!(!found.is_open() && found.findings.len() == 1);
}

#[test]
fn contradictions_of_different_causes_have_different_files() {
    let log = Log::of(5);
    let copy = TempDir::new().unwrap();
    let files = [33, 40].map(|bytes| {
        let source = liar::start(log.published(), move |path| match path {
            "tile/0/000.p/5" => Answer::Body(vec![7; bytes]),
            _ => Answer::Honest,
        });
        let seen = round(copy.path(), &log, &source, &nobody());
        assert_eq!(names(&seen), ["contradiction"]);
        seen.alarms[0].file()
    });
    assert_ne!(files[0], files[1]);
}

#[test]
fn size_that_no_log_has_is_an_alarm_at_first_sight_and_later() {
    let log = Log::of(5);
    for size in [1_u64 << 63, u64::MAX] {
        let note = log.signed(size, leaf_hash(b"")).to_string().into_bytes();
        let source = liar::start(log.published(), move |path| match path {
            "checkpoint" => Answer::Body(note.clone()),
            _ => Answer::Honest,
        });
        let copy = TempDir::new().unwrap();
        assert_eq!(names(&round(copy.path(), &log, &source, &nobody())), ["contradiction"]);
        round(copy.path(), &log, &log.source(), &nobody());
        assert_eq!(names(&round(copy.path(), &log, &source, &nobody())), ["contradiction"]);
    }
}
