//! Copies of honest logs.

use std::path::Path;

use chaos_api::{Mirror, MirrorError, Wrong};
use chaos_store::{Records as _, Store};
use tempfile::TempDir;

use crate::world::{Log, NOW_MS, follow, runtime};

/// Mirrors a log that grows through `sizes`, and compares all that is stored.
#[track_caller]
fn check(sizes: &[u64]) {
    let mut log = Log::of(0);
    let copy = TempDir::new().unwrap();
    for size in sizes {
        log.grow(size - log.store.head().unwrap().size);
        let head = log.sign();
        let done = follow(copy.path(), &log, &log.source()).unwrap();
        assert_eq!(done.head, head);
        assert!(done.findings.is_empty(), "{:?}", done.findings);
    }
    let store = Store::open(copy.path()).unwrap();
    assert_eq!(store.check().unwrap(), log.store.head().unwrap());
    let size = log.store.head().unwrap().size;
    for index in 0..size {
        assert_eq!(store.entry(index).unwrap(), log.store.entry(index).unwrap());
    }
}

#[test]
fn mirror_grows_with_the_log_across_tiles_of_every_width() {
    check(&[0]);
    check(&[1]);
    check(&[0, 1, 2, 3, 4, 5]);
    check(&[255, 256, 257]);
    check(&[256, 512]);
    check(&[1, 300, 301, 512, 700]);
}

#[test]
fn mirror_follows_a_log_of_three_levels() {
    let mut log = Log::of(0);
    let copy = TempDir::new().unwrap();
    for (start, end) in [(0_u64, 65_000), (65_000, 66_100)] {
        let entries: Vec<_> = (start..end)
            .map(|number| {
                let record = number.to_string().into_bytes();
                let digest = chaos_types::Digest::of(&record);
                let leaf = chaos_agency::Leaf::new(digest, NOW_MS).to_bytes();
                chaos_store::Append::new(record, leaf).unwrap()
            })
            .collect();
        log.store.append_batch(&entries).unwrap();
        let head = log.sign();
        let done = follow(copy.path(), &log, &log.source()).unwrap();
        assert_eq!(done.head, head);
        // None of the records is a receipt: each is told, and what is too much is counted.
        let found = chaos_api::standings(copy.path()).unwrap();
        assert_eq!(found.open().count() as u64 + found.left_out, end);
        assert_eq!(done.findings.len(), if start == 0 { 1_000 } else { 0 });
    }
    let store = Store::open(copy.path()).unwrap();
    assert_eq!(store.check().unwrap(), log.store.head().unwrap());
}

#[test]
fn mirror_goes_on_after_a_kill_in_the_middle() {
    let mut log = Log::of(100);
    let copy = TempDir::new().unwrap();
    follow(copy.path(), &log, &log.source()).unwrap();
    log.grow(500);
    let head = log.sign();
    {
        // What a kill between two batches leaves: the checkpoint pending, some entries stored.
        let mut store = Store::open(copy.path()).unwrap();
        store.put_meta("mirror/pending", head.to_string().as_bytes()).unwrap();
        let entries = log.store.entries(100..350).unwrap().into_iter();
        let entries: Vec<_> = entries
            .map(|entry| chaos_store::Append::new(entry.record, entry.leaf).unwrap())
            .collect();
        store.append_batch(&entries).unwrap();
    }
    let done = follow(copy.path(), &log, &log.source()).unwrap();
    assert_eq!((done.old_size, done.head), (350, head));
    assert_eq!(Store::open(copy.path()).unwrap().check().unwrap(), log.store.head().unwrap());
}

#[test]
fn what_is_wrong_in_the_log_itself_is_stored_and_told() {
    let mut log = Log::of(2);
    log.append_raw(b"{\"no\":\"receipt\"}".to_vec(), NOW_MS + 2);
    log.append(3, NOW_MS - 5);
    log.append(4, NOW_MS + 10_000_000_000);
    let head = log.sign();
    let copy = TempDir::new().unwrap();
    let done = follow(copy.path(), &log, &log.source()).unwrap();
    assert_eq!(done.head, head);
    let told: Vec<_> =
        done.findings.iter().map(|finding| (finding.index, &finding.wrong)).collect();
    assert!(matches!(
        told.as_slice(),
        [(2, Wrong::Receipt(_)), (3, Wrong::TimeBack { .. }), (4, Wrong::Future { .. })]
    ));
}

#[test]
fn every_correction_of_the_clock_is_told_and_what_follows_it_is_no_time_that_goes_back() {
    let mut log = Log::of(2);
    log.append(2, NOW_MS + 50_000);
    log.append_raw(log.correction(2, NOW_MS + 5), NOW_MS + 5);
    log.append(4, NOW_MS + 6);
    // It says another time than its leaf, so that nothing excuses the leaf.
    log.append_raw(log.correction(2, NOW_MS), NOW_MS - 1);
    log.append(6, NOW_MS + 7);
    log.sign();
    let copy = TempDir::new().unwrap();
    let done = follow(copy.path(), &log, &log.source()).unwrap();
    let told: Vec<_> =
        done.findings.iter().map(|finding| (finding.index, &finding.wrong)).collect();
    assert!(
        matches!(told.as_slice(), [(3, Wrong::Corrected(_)), (5, Wrong::TimeBack { .. })]),
        "{told:?}"
    );
}

#[test]
fn log_is_read_from_its_mirror_without_a_key() {
    let log = Log::of(3);
    let copy = TempDir::new().unwrap();
    follow(copy.path(), &log, &log.source()).unwrap();
    let system = chaos_ledger::System {
        kinds: chaos_agency::Kinds::default(),
        now_ms: || NOW_MS,
        random: |_| Err(std::io::Error::other("a reader needs none")),
    };
    let mut mirror = Mirror::open(copy.path(), None).unwrap();
    mirror.fold(chaos_agency::Kinds::default(), NOW_MS).unwrap();
    drop(mirror);
    let ledger = chaos_ledger::Ledger::read(copy.path(), system).unwrap();
    assert_eq!(ledger.size(), 3);
    assert_eq!(ledger.operator(), log.agent());
}

/// When the entries of a copy are folded.
#[derive(Clone, Copy)]
enum Folded {
    /// After each round.
    After,
    /// As they are stored, by one process.
    Beside,
    /// As they are stored, each round by another process.
    BesideAgain,
}

#[test]
fn copy_that_is_folded_as_it_is_stored_is_the_one_that_is_folded_after() {
    let kept = [Folded::After, Folded::Beside, Folded::BesideAgain].map(|folded| {
        let mut log = Log::of(0);
        let copy = TempDir::new().unwrap();
        let mut open = None;
        for size in [1, 3, 300, 700] {
            log.grow(size - log.store.head().unwrap().size);
            if size == 300 {
                log.append_raw(b"{\"no\":\"receipt\"}".to_vec(), NOW_MS);
                log.append_stating(size, chaos_log::map::EMPTY);
            }
            log.sign();
            let mut mirror = open
                .take()
                .unwrap_or_else(|| Mirror::open(copy.path(), Some(log.verifier())).unwrap());
            if !matches!(folded, Folded::After) {
                mirror.fold_by(chaos_agency::Kinds::default());
            }
            runtime().block_on(mirror.follow(&log.source(), NOW_MS, &|_, _| {})).unwrap();
            let stored = mirror.store();
            let is_folded = stored.folded().unwrap().map(|fold| fold.mark.size)
                == Some(stored.head().unwrap().size);
            assert_eq!(is_folded, !matches!(folded, Folded::After));
            mirror.fold(chaos_agency::Kinds::default(), NOW_MS).unwrap();
            open = Some(mirror).filter(|_| !matches!(folded, Folded::BesideAgain));
        }
        drop(open);
        let store = Store::open(copy.path()).unwrap();
        let rows = store.rows(b"".as_slice()..b"\xff", usize::MAX).unwrap();
        let standings: Vec<_> = chaos_api::standings(copy.path())
            .unwrap()
            .open()
            .map(|standing| (standing.name.clone(), standing.detail.clone()))
            .collect();
        assert!(rows.len() > 700 && standings.len() >= 2, "{} {standings:?}", rows.len());
        (rows, store.groups(None, usize::MAX).unwrap(), store.folded().unwrap(), standings)
    });
    assert_eq!(kept[0], kept[1]);
    assert_eq!(kept[0], kept[2]);
}

#[test]
fn mirror_is_of_one_log_and_of_no_folder_that_is_none() {
    let log = Log::of(3);
    let copy = TempDir::new().unwrap();
    let refused = Mirror::open(copy.path(), None).unwrap_err();
    assert!(matches!(refused, MirrorError::NoKey), "{refused}");
    follow(copy.path(), &log, &log.source()).unwrap();
    let again = Mirror::open(copy.path(), None).unwrap();
    assert_eq!(again.key(), log.verifier());
    drop(again);
    let other = chaos_log::LogKey::from_seed("example.org/log".parse().unwrap(), &[9; 32]);
    let refused = Mirror::open(copy.path(), Some(other.verifier())).unwrap_err();
    assert!(matches!(refused, MirrorError::OtherLog { .. }), "{refused}");

    let own = TempDir::new().unwrap();
    let mut store = Store::open(own.path()).unwrap();
    let entry = chaos_store::Append::new(b"own".to_vec(), b"leaf".to_vec()).unwrap();
    store.append_batch(&[entry]).unwrap();
    drop(store);
    let refused = Mirror::open(own.path(), Some(log.verifier())).unwrap_err();
    assert!(matches!(refused, MirrorError::NoMirror), "{refused}");
}

#[test]
fn key_that_was_mistyped_makes_no_mirror_of_nobodys_log() {
    let log = Log::of(3);
    let copy = TempDir::new().unwrap();
    let wrong = chaos_log::LogKey::from_seed("example.org/log".parse().unwrap(), &[9; 32]);
    drop(Mirror::open(copy.path(), Some(wrong.verifier())).unwrap());
    follow(copy.path(), &log, &log.source()).unwrap();
    let again = Mirror::open(copy.path(), None).unwrap();
    assert_eq!(again.key(), log.verifier());
}

#[test]
fn clock_that_was_ahead_once_hides_nothing_that_a_correction_came_after() {
    let mut log = Log::of(2);
    log.append(2, NOW_MS + 50_000_000);
    log.append_raw(log.correction(2, NOW_MS + 5), NOW_MS + 5);
    log.sign();
    let copy = TempDir::new().unwrap();
    let mut mirror = Mirror::open(copy.path(), Some(log.verifier())).unwrap();
    for (now_ms, new) in [(NOW_MS + 100_000_000, 3), (NOW_MS + 1_000_000, 2)] {
        let done = runtime().block_on(mirror.follow(&log.source(), now_ms, &|_, _| {})).unwrap();
        assert_eq!(told(&done), [new]);
    }
    drop(mirror);
    assert_eq!(standing(copy.path()), ["corrected-3", "future-2"]);
}

/// The entries of new findings.
fn told(done: &chaos_api::Mirrored) -> Vec<u64> {
    done.findings.iter().map(|finding| finding.index).collect()
}

/// The names of what stands.
fn standing(folder: &Path) -> Vec<String> {
    let found = chaos_api::standings(folder).unwrap();
    assert_eq!(found.left_out, 0);
    found.open().map(|finding| finding.name.clone()).collect()
}

#[test]
fn what_was_found_stands_and_times_are_held_against_the_latest() {
    let mut log = Log::of(2);
    log.append(2, NOW_MS - 5);
    log.sign();
    let copy = TempDir::new().unwrap();
    let round = |log: &Log| told(&follow(copy.path(), log, &log.source()).unwrap());
    assert_eq!(round(&log), [2]);
    assert_eq!(round(&log), [0; 0], "nothing new, and not nothing");
    assert_eq!(standing(copy.path()), ["time-back-2"]);
    // Later than the entry before it, and not than the latest.
    log.append(3, NOW_MS - 4);
    log.append(4, NOW_MS + 9);
    log.sign();
    assert_eq!(round(&log), [3]);
    assert_eq!(round(&log), [0; 0]);
    assert_eq!(standing(copy.path()), ["time-back-2", "time-back-3"]);
}

#[test]
fn what_was_found_stands_until_it_is_accepted_by_its_name() {
    let mut log = Log::of(2);
    log.append_raw(b"{\"no\":\"receipt\"}".to_vec(), NOW_MS + 2);
    log.append(3, NOW_MS - 5);
    log.sign();
    let copy = TempDir::new().unwrap();
    follow(copy.path(), &log, &log.source()).unwrap();
    let mut mirror = Mirror::open(copy.path(), None).unwrap();
    let refused = mirror.accept(&["receipt-3".to_owned()], NOW_MS).unwrap_err();
    assert!(matches!(refused, MirrorError::NotFound { .. }), "{refused}");
    mirror.accept(&["receipt-2".to_owned()], NOW_MS).unwrap();
    drop(mirror);
    follow(copy.path(), &log, &log.source()).unwrap();
    assert_eq!(standing(copy.path()), ["time-back-3"]);
}

#[test]
fn clock_that_was_ahead_once_hides_no_entry_that_is_dated_in_the_future() {
    let mut log = Log::of(2);
    log.append(2, NOW_MS + 10_000_000_000);
    log.append(3, NOW_MS + 20_000_000_000);
    log.sign();
    let copy = TempDir::new().unwrap();
    let round = |now_ms| {
        let mut mirror = Mirror::open(copy.path(), Some(log.verifier())).unwrap();
        let done = runtime().block_on(mirror.follow(&log.source(), now_ms, &|_, _| {})).unwrap();
        told(&done)
    };
    assert_eq!(round(NOW_MS + 100_000_000_000), [0; 0]);
    assert_eq!(round(NOW_MS + 15_000_000_000), [3]);
    assert_eq!(round(NOW_MS + 1_000_000), [2]);
    // What the clock has come up with since was dated in the future all the same.
    assert_eq!(round(NOW_MS + 30_000_000_000), [0; 0]);
    assert_eq!(standing(copy.path()), ["future-3", "future-2"]);
}

#[test]
fn round_that_fails_after_it_stored_entries_loses_no_finding() {
    let mut log = Log::of(0);
    log.grow_at_once(4_500, &[(7, 5), (4_200, 6)]);
    log.sign();
    let copy = TempDir::new().unwrap();
    let source = crate::liar::start(log.published(), |path| {
        if path.starts_with("records/017") {
            crate::liar::Answer::Body(vec![0xff; 9])
        } else {
            crate::liar::Answer::Honest
        }
    });
    for _ in 0..2 {
        let refused = follow(copy.path(), &log, &source).unwrap_err();
        assert!(matches!(refused, MirrorError::Records { .. }), "{refused}");
        let stored = Store::open(copy.path()).unwrap().head().unwrap().size;
        assert!((4_096..4_500).contains(&stored), "{stored}");
    }
    let done = follow(copy.path(), &log, &log.source()).unwrap();
    // What the failed rounds had stored was judged then.
    assert_eq!(told(&done), [4_200]);
    assert_eq!(standing(copy.path()), ["time-back-7", "time-back-4200"]);
}

#[test]
fn log_that_holds_a_receipt_twice_is_copied_up_to_there_and_that_stands() {
    let log = Log::of(4);
    let (source, root) = crate::liar::repeating(&log);
    let copy = TempDir::new().unwrap();
    for _ in 0..2 {
        let refused = follow(copy.path(), &log, &source).unwrap_err();
        assert!(matches!(refused, MirrorError::Repeated { index: 3, first: 1 }), "{refused}");
        // What is stored is the start of the tree that was signed, each entry at its place.
        let store = Store::open(copy.path()).unwrap();
        let stored = store.check().unwrap();
        assert_eq!((stored.size, stored.root), (3, root));
        assert_eq!(standing(copy.path()), ["repeated-3"]);
    }
    let mut mirror = Mirror::open(copy.path(), None).unwrap();
    mirror.accept(&["repeated-3".to_owned()], NOW_MS).unwrap();
    drop(mirror);
    let refused = follow(copy.path(), &log, &source).unwrap_err();
    assert!(
        matches!(refused, MirrorError::Repeated { .. }),
        "an acceptance makes no room: {refused}"
    );
}
