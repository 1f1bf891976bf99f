use std::{cell::Cell, path::Path};

use chaos_agency::{Kinds, action::Profile};
use chaos_types::AgentKey;
use tempfile::TempDir;

use super::*;
use crate::{Heads, Prepared, System, agents};

const HOUR_MS: u64 = 3_600_000;
const YEAR_MS: u64 = 365 * DAY_MS;
const START_MS: u64 = 1_767_225_600_000;

thread_local! {
    static NOW_MS: Cell<u64> = const { Cell::new(START_MS) };
}

fn set(now_ms: u64) {
    NOW_MS.set(now_ms);
}

const SYSTEM: System = System {
    kinds: Kinds::new(&[]),
    now_ms: || NOW_MS.get(),
    random: |bytes| {
        use std::io::Read as _;
        std::fs::File::open("/dev/urandom")?.read_exact(bytes)
    },
};

fn open(dir: &Path) -> Ledger {
    let heads = Heads::new(dir.with_extension("heads"));
    Ledger::open_or_create(dir, Some("test".to_owned().into()), Some(&heads), SYSTEM).unwrap()
}

fn profile(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        role: "researcher".to_owned(),
        capabilities: vec!["run".to_owned()],
        studio: "workshop".to_owned(),
    }
}

fn enrol(ledger: &mut Ledger, name: &str) {
    agents::enrol(ledger, profile(name)).unwrap();
}

/// When each entry was taken in as the log knows it now.
fn effective(ledger: &Ledger) -> Vec<u64> {
    let corrections = ledger.corrections().unwrap();
    let written = |index| ledger.action(index).unwrap().unwrap().integrated_at_ms;
    (0..ledger.size()).map(|index| corrections.effective_ms(index, written(index))).collect()
}

/// The stored rows are the fold, a head can be signed, and each receipt's bundle verifies.
#[track_caller]
fn holds(ledger: &mut Ledger, heads: &Heads) {
    let compared = ledger.compare().unwrap();
    assert!(compared.agrees(), "{compared:?}");
    let head = ledger.checkpoint(heads).unwrap();
    for index in 0..ledger.size() {
        let receipt = ledger.action(index).unwrap().unwrap().receipt;
        crate::bundle(ledger, &receipt, &head, None).unwrap();
    }
    let times = effective(ledger);
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn clock_far_ahead_dates_nothing_until_somebody_vouches_for_it() {
    let dir = TempDir::new().unwrap();
    let mut ledger = open(dir.path());
    set(START_MS + 31 * DAY_MS);
    let refused = agents::enrol(&mut ledger, profile("bob")).unwrap_err();
    assert!(matches!(refused, Error::ClockAhead { days: 31, .. }), "{refused}");
    ledger.accept_clock().unwrap();
    enrol(&mut ledger, "bob");
}

#[test]
fn what_was_vouched_for_ends_with_the_next_entry() {
    let dir = TempDir::new().unwrap();
    let mut ledger = open(dir.path());
    set(START_MS + 10 * YEAR_MS);
    ledger.accept_clock().unwrap();
    set(START_MS);
    enrol(&mut ledger, "bob");
    set(START_MS + 10 * YEAR_MS);
    let refused = agents::enrol(&mut ledger, profile("carol")).unwrap_err();
    assert!(matches!(refused, Error::ClockAhead { .. }), "{refused}");
}

/// Who vouches for one clock has not vouched for every clock before it.
#[test]
fn what_was_vouched_for_is_that_clock_and_goes_on_with_it() {
    let dir = TempDir::new().unwrap();
    let mut ledger = open(dir.path());
    set(START_MS + 400 * DAY_MS);
    ledger.accept_clock().unwrap();
    let early = START_MS + 400 * DAY_MS - CLOCK_BACK_MS_MAX - 1;
    for other in [START_MS + 200 * DAY_MS, early, START_MS + 431 * DAY_MS] {
        set(other);
        let refused = agents::enrol(&mut ledger, profile("carol")).unwrap_err();
        assert!(matches!(refused, Error::ClockAhead { .. }), "{other}: {refused}");
    }
    set(early + 1);
    enrol(&mut ledger, "bob");
}

#[test]
fn what_was_vouched_for_counts_only_as_it_was_written() {
    let dir = TempDir::new().unwrap();
    let mut ledger = open(dir.path());
    set(START_MS + 10 * YEAR_MS);
    ledger.accept_clock().unwrap();
    let mut kept = ledger.store().meta(CLOCK_META).unwrap().unwrap();
    *kept.last_mut().unwrap() ^= 1;
    ledger.store.put_meta(CLOCK_META, &kept).unwrap();
    let refused = agents::enrol(&mut ledger, profile("carol")).unwrap_err();
    assert!(matches!(refused, Error::ClockAhead { .. }), "{refused}");
    // What an earlier release wrote, a time alone, is over.
    ledger.store.put_meta(CLOCK_META, NOW_MS.get().to_string().as_bytes()).unwrap();
    agents::enrol(&mut ledger, profile("carol")).unwrap_err();
}

/// The operator signs what leaves say, whatever the rows do: a row that says otherwise stops it.
#[test]
fn a_false_time_in_a_row_begins_no_correction() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let mut ledger = open(&data);
    enrol(&mut ledger, "ada");
    set(START_MS + 2 * HOUR_MS);
    enrol(&mut ledger, "bob");
    enrol(&mut ledger, "carol");
    drop(ledger);
    let (from, to) = ((START_MS + 2 * HOUR_MS).to_string(), START_MS.to_string());
    let database = rusqlite::Connection::open(data.join(chaos_store::DATABASE_FILE)).unwrap();
    let update = "UPDATE state SET value = CAST(replace(CAST(value AS TEXT), ?2, ?3) AS BLOB) \
                  WHERE key = ?1";
    let key = b"action\x0000000000000000000002".as_slice();
    assert_eq!(database.execute(update, rusqlite::params![key, from, to]).unwrap(), 1);
    drop(database);
    set(START_MS + HOUR_MS);
    let mut ledger = open(&data);
    let proposed = ledger.propose_correction(None).unwrap().unwrap();
    assert_eq!((proposed.first, proposed.later), (2, 2), "as the leaves have it");
    // One that begins at 3 would leave entry 2 after the correction.
    let Error::Row { key } = ledger.correct_time(3).unwrap_err() else { unreachable!() };
    assert_eq!(key, "action/00000000000000000002");
    assert_eq!(ledger.size(), 4);
    drop(ledger);
    drop(Ledger::rebuild(&data, Some("test".to_owned().into()), SYSTEM).unwrap());
    let mut ledger = open(&data);
    let Error::Inadmissible(refused) = ledger.correct_time(3).unwrap_err() else { unreachable!() };
    assert_eq!(refused.code.as_str(), "correction-too-far");
    ledger.correct_time(2).unwrap();
}

/// A clock that was ten years ahead: nothing is appended until a correction, and everything after it.
#[test]
fn log_of_a_clock_ten_years_ahead_goes_on_after_a_correction() {
    let dir = TempDir::new().unwrap();
    let heads = Heads::new(dir.path().join("data.heads"));
    let mut ledger = open(&dir.path().join("data"));
    set(START_MS + 10 * YEAR_MS);
    ledger.accept_clock().unwrap();
    enrol(&mut ledger, "bob");
    ledger.checkpoint(&heads).unwrap();
    let hour = START_MS + HOUR_MS;
    set(hour);
    let refused = agents::enrol(&mut ledger, profile("carol")).unwrap_err();
    assert!(matches!(refused, Error::ClockBehind { .. }), "{refused}");
    let proposed = ledger.propose_correction(None).unwrap().unwrap();
    assert_eq!((proposed.first, proposed.size, proposed.later), (1, 2, 1));
    assert_eq!(proposed.before_ms, Some(START_MS));
    ledger.correct_time(proposed.first).unwrap();
    enrol(&mut ledger, "carol");
    assert_eq!(effective(&ledger), [START_MS, hour, hour, hour]);
    holds(&mut ledger, &heads);
    // Written times stay what they were.
    let written = ledger.action(1).unwrap().unwrap().integrated_at_ms;
    assert_eq!(written, START_MS + 10 * YEAR_MS);
    assert!(ledger.propose_correction(None).unwrap().is_none());
    set(hour + 1);
    let Error::Inadmissible(again) = ledger.correct_time(1).unwrap_err() else { unreachable!() };
    assert_eq!(again.code.as_str(), "correction-needless");
}

#[test]
fn clock_an_hour_ahead_is_corrected_or_waited_for() {
    let dir = TempDir::new().unwrap();
    let heads = Heads::new(dir.path().join("data.heads"));
    let mut ledger = open(&dir.path().join("data"));
    set(START_MS + HOUR_MS);
    enrol(&mut ledger, "bob");
    set(START_MS + HOUR_MS - CLOCK_BACK_MS_MAX - 1);
    agents::enrol(&mut ledger, profile("carol")).unwrap_err();
    set(START_MS + HOUR_MS - CLOCK_BACK_MS_MAX);
    enrol(&mut ledger, "carol");
    assert_eq!(effective(&ledger)[2], START_MS + HOUR_MS, "within a minute the last time is taken");
    let second = START_MS + 1_000;
    set(second);
    ledger.correct_time(1).unwrap();
    enrol(&mut ledger, "dan");
    assert_eq!(effective(&ledger), [START_MS, second, second, second, second]);
    holds(&mut ledger, &heads);
}

/// The clock was wrong, was corrected by a clock that was wrong too, and is right now.
#[test]
fn corrections_within_corrections_take_the_earliest() {
    let dir = TempDir::new().unwrap();
    let heads = Heads::new(dir.path().join("data.heads"));
    let mut ledger = open(&dir.path().join("data"));
    enrol(&mut ledger, "ada");
    set(START_MS + 20 * DAY_MS);
    enrol(&mut ledger, "bob");
    set(START_MS + 10 * DAY_MS);
    ledger.correct_time(2).unwrap();
    enrol(&mut ledger, "carol");
    holds(&mut ledger, &heads);
    let day = START_MS + DAY_MS;
    set(day);
    let proposed = ledger.propose_correction(None).unwrap().unwrap();
    assert_eq!((proposed.first, proposed.later), (2, 3), "the first correction was dated too late");
    ledger.correct_time(2).unwrap();
    set(day + DAY_MS);
    enrol(&mut ledger, "dan");
    assert_eq!(effective(&ledger), [START_MS, START_MS, day, day, day, day, day + DAY_MS]);
    holds(&mut ledger, &heads);
    drop(ledger);
    let data = dir.path().join("data");
    drop(Ledger::rebuild(&data, Some("test".to_owned().into()), SYSTEM).unwrap());
    let mut ledger = open(&data);
    holds(&mut ledger, &heads);
}

#[test]
fn correction_below_what_was_before_it_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut ledger = open(dir.path());
    set(START_MS + DAY_MS);
    enrol(&mut ledger, "ada");
    set(START_MS + 2 * DAY_MS);
    enrol(&mut ledger, "bob");
    set(START_MS + HOUR_MS);
    let code = |error: Error| match error {
        Error::Inadmissible(rejection) => rejection.code.as_str(),
        other => panic!("{other}"),
    };
    assert_eq!(code(ledger.correct_time(2).unwrap_err()), "correction-too-far");
    assert_eq!(code(ledger.correct_time(3).unwrap_err()), "correction-of-nothing");
    assert_eq!(ledger.size(), 3);
    ledger.correct_time(1).unwrap();
    assert_eq!(ledger.refused(3).unwrap(), None);
}

/// Only the operator says what time it was, and only at that time.
#[test]
fn correction_by_another_or_for_another_time_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut ledger = open(dir.path());
    set(START_MS + DAY_MS);
    enrol(&mut ledger, "ada");
    let now_ms = START_MS + HOUR_MS;
    set(now_ms);
    let code = |ledger: &mut Ledger, key: &AgentKey, true_ms, at_ms| {
        let entry = NewEntry {
            agent: key.did(),
            keys: vec![key],
            parents: vec![],
            subjects: vec![],
            evidence: Evidence::None {},
            action: Action::CorrectTime(CorrectTime { first: 1, true_ms }),
        };
        let envelope = ledger.sign(entry, at_ms).unwrap();
        let prepared = Prepared::read(&envelope, &SYSTEM.kinds).unwrap();
        let answer = ledger.append_group(&[prepared], at_ms).unwrap().remove(0);
        answer.map_or_else(|rejection| rejection.code.as_str(), |_| "accepted")
    };
    let (ada, operator) = (ledger.key("ada").unwrap(), ledger.operator_key().unwrap());
    let day = START_MS + DAY_MS;
    assert_eq!(code(&mut ledger, &ada, now_ms, now_ms), "operator-only");
    assert_eq!(code(&mut ledger, &operator, now_ms + 1, now_ms), "correction-dated-other");
    assert_eq!(code(&mut ledger, &operator, now_ms - 60_001, now_ms), "correction-dated-other");
    assert_eq!(code(&mut ledger, &operator, day, day), "correction-needless");
    assert_eq!(code(&mut ledger, &operator, now_ms - 60_000, now_ms), "accepted");
}
