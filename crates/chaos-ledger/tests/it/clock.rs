//! A clock that jumps forward, and one that goes back.

use chaos_agency::Leaf;
use chaos_ledger::{Error, Ledger, System};
use chaos_store::Records as _;
use tempfile::TempDir;

use crate::{NOW_MS, SYSTEM, open, open_with, registration};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// When the log took in each of its entries, milliseconds since 1970.
fn times(ledger: &Ledger) -> Vec<u64> {
    let entries = ledger.store().entries(0..ledger.size()).unwrap();
    let leaf = |leaf: &[u8]| Leaf::from_bytes(leaf).unwrap().integrated_at_ms;
    entries.iter().map(|entry| leaf(&entry.leaf)).collect()
}

fn append(ledger: &mut Ledger, number: u64) -> Result<(), Error> {
    let name = format!("agent-{number}");
    let profile = chaos_agency::action::Profile {
        name,
        role: "worker".to_owned(),
        capabilities: vec![],
        studio: "workshop".to_owned(),
    };
    chaos_ledger::agents::enrol(ledger, profile).map(drop)
}

#[test]
fn entries_after_a_clock_that_went_back_have_the_time_of_the_last_one() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()));
    // A minute is a clock that was set right; more is one that was wrong, now or then.
    for now_ms in [(|| NOW_MS - 1_000) as fn() -> u64, || NOW_MS - 30_000, || NOW_MS - 60_000] {
        let mut ledger = open_with(dir.path(), System { now_ms, ..SYSTEM });
        let number = ledger.size();
        append(&mut ledger, number).unwrap();
    }
    for now_ms in [(|| NOW_MS - 60_001) as fn() -> u64, || NOW_MS - 400 * DAY_MS, || 0] {
        let mut ledger = open_with(dir.path(), System { now_ms, ..SYSTEM });
        let refused = append(&mut ledger, 9).unwrap_err();
        assert!(matches!(refused, Error::ClockBehind { .. }), "{refused}");
    }
    let mut ledger = open(dir.path());
    // As a group, whatever time it is given.
    let group = [registration(ledger.operator(), 99)];
    ledger.append_group(&group, 5).unwrap();
    assert_eq!(times(&ledger), [NOW_MS; 5]);
    assert!(ledger.compare().unwrap().agrees());
}

#[test]
fn clock_that_jumps_forward_dates_what_follows_within_a_bound_and_is_refused_beyond_it() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()));
    let hour = System { now_ms: || NOW_MS + HOUR_MS, ..SYSTEM };
    append(&mut open_with(dir.path(), hour), 1).unwrap();
    // Back at the right time: the log's own does not go back, and nothing is dated until it has passed.
    let refused = append(&mut open(dir.path()), 2).unwrap_err();
    assert!(matches!(refused, Error::ClockBehind { .. }), "{refused}");
    append(&mut open_with(dir.path(), hour), 2).unwrap();
    let ten_years = System { now_ms: || NOW_MS + 3_652 * DAY_MS, ..SYSTEM };
    let refused = append(&mut open_with(dir.path(), ten_years), 3).unwrap_err();
    assert!(matches!(refused, Error::ClockAhead { days: 3_651, .. }), "{refused}");
    let ledger = open(dir.path());
    assert_eq!(times(&ledger), [NOW_MS, NOW_MS + HOUR_MS, NOW_MS + HOUR_MS]);
    assert!(ledger.compare().unwrap().agrees());
}
