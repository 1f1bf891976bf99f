use std::path::Path;

use chaos_agency::{Kinds, action::Profile};
use chaos_log::LogKey;
use chaos_store::DATABASE_FILE;
use tempfile::TempDir;

use super::*;
use crate::{Password, System, agents};

mod retired;

const SYSTEM: System = System {
    kinds: Kinds::new(&[]),
    now_ms: || 1_767_225_600_000,
    random: |bytes| getrandom(bytes),
};

fn getrandom(bytes: &mut [u8]) -> std::io::Result<()> {
    use std::io::Read as _;
    std::fs::File::open("/dev/urandom")?.read_exact(bytes)
}

fn password() -> Option<Password> {
    Some("test".to_owned().into())
}

/// The memory of the machine on which the data directories of a test lie.
fn here(dir: &Path) -> Heads {
    Heads::new(dir.with_file_name("heads"))
}

fn open(dir: &Path) -> Ledger {
    Ledger::open_or_create(dir, password(), Some(&here(dir)), SYSTEM).unwrap()
}

/// A data directory as on another machine, where somebody vouched that it is the only copy.
fn open_elsewhere(dir: &Path) -> Ledger {
    let mut ledger = Ledger::open_rows(dir, password(), SYSTEM).unwrap();
    ledger.resume(&Heads::new(dir.with_file_name("elsewhere")), &[]).unwrap();
    ledger
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

/// A copy of a data directory that no process has open.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A log with one agent whose head was signed, and the memory of it.
fn signed() -> (TempDir, Heads) {
    let dir = TempDir::new().unwrap();
    let heads = Heads::new(dir.path().join("heads"));
    let mut ledger = open(&dir.path().join("data"));
    enrol(&mut ledger, "ada");
    ledger.checkpoint(&heads).unwrap();
    (dir, heads)
}

#[test]
fn restored_copy_signs_no_second_head_of_a_size() {
    let (dir, heads) = signed();
    let (data, old) = (dir.path().join("data"), dir.path().join("old"));
    copy(&data, &old);
    let mut ledger = open(&data);
    enrol(&mut ledger, "bob");
    ledger.checkpoint(&heads).unwrap();
    drop(ledger);

    let mut restored = open_elsewhere(&old);
    let refused = restored.checkpoint(&heads).unwrap_err();
    assert!(matches!(refused, Error::HeadBehind { signed: 3, found: 2 }), "{refused}");
    enrol(&mut restored, "carol");
    let refused = restored.checkpoint(&heads).unwrap_err();
    assert!(matches!(refused, Error::HeadOther { size: 3, .. }), "{refused}");
    enrol(&mut restored, "dan");
    let refused = restored.checkpoint(&heads).unwrap_err();
    assert!(matches!(refused, Error::HeadOther { size: 3, .. }), "{refused}");
}

/// What is written to a restored copy could never be signed, and a copy has forgotten revocations.
#[test]
fn restored_copy_is_not_opened_for_writing_where_its_heads_are_remembered() {
    let (dir, heads) = signed();
    let (data, old) = (dir.path().join("data"), dir.path().join("old"));
    copy(&data, &old);
    let mut ledger = open(&data);
    enrol(&mut ledger, "bob");
    ledger.checkpoint(&heads).unwrap();
    drop(ledger);
    let refused = Ledger::open(&old, password(), Some(&heads), SYSTEM).unwrap_err();
    assert!(matches!(refused, Error::HeadBehind { signed: 3, found: 2 }), "{refused}");
    let mut ledger = open_elsewhere(&old);
    enrol(&mut ledger, "carol");
    drop(ledger);
    let refused = Ledger::open_or_create(&old, password(), Some(&heads), SYSTEM).unwrap_err();
    assert!(matches!(refused, Error::HeadOther { size: 3, .. }), "{refused}");
    Ledger::open(&data, password(), Some(&heads), SYSTEM).unwrap();
    Ledger::read(&old, SYSTEM).unwrap();
}

#[test]
fn resuming_refuses_a_head_that_does_not_verify_and_takes_nothing_in_its_place() {
    let (dir, heads) = signed();
    let elsewhere = Heads::new(dir.path().join("elsewhere"));
    let mut ledger = open(&dir.path().join("data"));
    let own = ledger.checkpoint(&heads).unwrap();
    let other = LogKey::from_seed(ledger.verifier().unwrap().name().clone(), &[9; 32]);
    let foreign = own.claimed().clone().sign(&other).unwrap();
    for (known, at) in [(vec![foreign.clone()], 0), (vec![own.clone(), foreign], 1)] {
        let refused = ledger.resume(&elsewhere, &known).unwrap_err();
        assert!(
            matches!(refused, Error::HeadForeign { place, size: 2, stored: 2, .. } if place == at),
            "{refused}"
        );
    }
    assert!(elsewhere.last(&ledger.verifier().unwrap()).unwrap().is_none());
    ledger.resume(&elsewhere, &[own]).unwrap();
}

#[test]
fn resuming_refuses_a_smaller_head_that_is_no_start_of_the_directory() {
    let (dir, heads) = signed();
    let elsewhere = Heads::new(dir.path().join("elsewhere"));
    let mut ledger = open(&dir.path().join("data"));
    let own = ledger.checkpoint(&heads).unwrap();
    let other = Checkpoint::new(own.claimed().origin(), 1, chaos_log::EMPTY_ROOT).unwrap();
    let other = other.sign(&ledger.log_key().unwrap()).unwrap();
    for known in [vec![other.clone()], vec![own, other]] {
        let refused = ledger.resume(&elsewhere, &known).unwrap_err();
        assert!(matches!(refused, Error::HeadOther { size: 1, .. }), "{refused}");
    }
    assert!(elsewhere.last(&ledger.verifier().unwrap()).unwrap().is_none());
}

#[test]
fn directory_without_its_memory_signs_only_after_somebody_says_what_was_last() {
    let (dir, heads) = signed();
    let elsewhere = Heads::new(dir.path().join("elsewhere"));
    let data = dir.path().join("data");
    for none in [Some(&elsewhere), None] {
        let refused = Ledger::open(&data, password(), none, SYSTEM).unwrap_err();
        assert!(matches!(refused, Error::HeadForgotten { size: 2, .. }), "{refused}");
        let refused = Ledger::open_or_create(&data, password(), none, SYSTEM).unwrap_err();
        assert!(matches!(refused, Error::HeadForgotten { size: 2, .. }), "{refused}");
    }
    let mut unasked = Ledger::open_rows(&data, password(), SYSTEM).unwrap();
    let refused = agents::enrol(&mut unasked, profile("carol")).unwrap_err();
    assert!(matches!(refused, Error::HeadForgotten { size: 2, path: None }), "{refused}");
    drop(unasked);
    let mut ledger = open(&data);
    enrol(&mut ledger, "bob");
    let refused = ledger.checkpoint(&elsewhere).unwrap_err();
    assert!(matches!(refused, Error::HeadForgotten { size: 2, .. }), "{refused}");
    let known = ledger.checkpoint(&heads).unwrap();
    assert_eq!(ledger.resume(&elsewhere, std::slice::from_ref(&known)).unwrap().size, 3);
    assert_eq!(ledger.checkpoint(&elsewhere).unwrap(), known, "the same head, the same bytes");
}

#[test]
fn resuming_never_forgets_a_later_head() {
    let (dir, heads) = signed();
    let data = dir.path().join("data");
    let mut ledger = open(&data);
    let early = ledger.checkpoint(&heads).unwrap();
    enrol(&mut ledger, "bob");
    ledger.checkpoint(&heads).unwrap();
    assert_eq!(ledger.resume(&heads, &[early]).unwrap().size, 3);
}

#[test]
fn resuming_holds_what_it_is_given_against_the_directory_where_something_is_remembered_too() {
    let (dir, heads) = signed();
    let mut ledger = open(&dir.path().join("data"));
    let own = ledger.checkpoint(&heads).unwrap();
    let (origin, key) = (own.claimed().origin().to_owned(), ledger.log_key().unwrap());
    let head = |size| {
        let head = Checkpoint::new(&origin, size, chaos_log::EMPTY_ROOT).unwrap();
        head.sign(&key).unwrap()
    };
    let refused = ledger.resume(&heads, &[head(1)]).unwrap_err();
    assert!(matches!(refused, Error::HeadOther { size: 1, .. }), "{refused}");
    let refused = ledger.resume(&heads, &[own.clone(), head(9)]).unwrap_err();
    assert!(matches!(refused, Error::HeadBehind { signed: 9, found: 2 }), "{refused}");
    assert_eq!(heads.newest(&ledger.verifier().unwrap()).unwrap(), Some(own));
}

#[test]
fn head_over_a_rotten_tile_is_not_signed() {
    let (dir, heads) = signed();
    let data = dir.path().join("data");
    let mut ledger = open(&data);
    enrol(&mut ledger, "bob");
    let database = rusqlite::Connection::open(data.join(DATABASE_FILE)).unwrap();
    let mut tile: Vec<u8> = database
        .query_row("SELECT hashes FROM edge WHERE level = 0 AND part = 0", [], |row| row.get(0))
        .unwrap();
    // The last hash is of an entry that no signed head covers.
    *tile.last_mut().unwrap() ^= 1;
    database.execute("UPDATE edge SET hashes = ?1 WHERE level = 0 AND part = 0", [tile]).unwrap();
    drop(database);
    let refused = ledger.checkpoint(&heads).unwrap_err();
    assert!(matches!(refused, Error::Store(_)), "{refused}");
    drop(ledger);
    // The next opening notices too: the rows were folded over another root.
    let refused = Ledger::open_rows(&data, None, SYSTEM).unwrap_err();
    assert!(matches!(refused, Error::FoldRoot { size: 3, .. }), "{refused}");
}

/// A clone that runs on while the original signs, on one machine.
#[test]
fn open_directory_takes_no_entry_after_another_copy_of_it_has_signed() {
    let (dir, heads) = signed();
    let (data, clone) = (dir.path().join("data"), dir.path().join("clone"));
    copy(&data, &clone);
    let (mut original, mut running) = (open(&data), open(&clone));
    enrol(&mut running, "bob");
    running.ensure_current().unwrap();
    enrol(&mut original, "carol");
    original.checkpoint(&heads).unwrap();
    let refused = running.ensure_current().unwrap_err();
    assert!(matches!(refused, Error::HeadOther { size: 3, .. }), "{refused}");
    let refused = agents::enrol(&mut running, profile("dan")).unwrap_err();
    assert!(matches!(refused, Error::HeadOther { size: 3, .. }), "{refused}");
    assert_eq!(running.size(), 3);
}

#[test]
fn key_without_its_log_founds_none_and_is_filled_from_a_copy_only() {
    let (dir, heads) = signed();
    let data = dir.path().join("data");
    let forget = || {
        for file in std::fs::read_dir(&data).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                std::fs::remove_file(path).unwrap();
            }
        }
    };
    let create = |heads| Ledger::open_or_create(&data, password(), heads, SYSTEM).unwrap_err();
    forget();
    for none in [Some(&heads), None] {
        let refused = create(none);
        assert!(matches!(refused, Error::LogLost { .. }), "{refused}");
    }
    // A database that says nothing, as a command of an earlier version left it.
    drop(chaos_store::Store::open(&data).unwrap());
    let refused = create(Some(&heads));
    assert!(matches!(refused, Error::HeadBehind { signed: 2, found: 0 }), "{refused}");
    // A repair that was killed before it had fetched anything, and no memory.
    Ledger::recover(&data, password().as_ref(), None, SYSTEM).unwrap();
    let refused = create(None);
    assert!(matches!(refused, Error::LogLost { .. }), "{refused}");
    let empty = dir.path().join("empty");
    let refused = Ledger::recover(&empty, password().as_ref(), None, SYSTEM).unwrap_err();
    assert!(matches!(refused, Error::NoData { .. }), "{refused}");
}

/// Readers count cosignatures between the newest entry and now, and so does the log.
#[test]
fn cosignatures_at_impossible_times_publish_no_head() {
    let (dir, heads) = signed();
    let mut ledger = open(&dir.path().join("data"));
    let witness = chaos_log::WitnessKey::from_seed("example.org/w".parse().unwrap(), &[5; 32]);
    let policy = format!("witness w {}\nquorum w\n", witness.verifier());
    ledger.set_policy(policy.as_bytes()).unwrap();
    enrol(&mut ledger, "bob");
    let head = ledger.sign_head(&heads).unwrap();
    let now_s = SYSTEM.now_s();
    for (time_s, counts) in
        [(1, false), (now_s - 61, false), (now_s + 61, false), (1 << 40, false), (now_s, true)]
    {
        let mut cosigned = head.clone();
        cosigned.add(witness.cosign(&head, time_s).unwrap()).unwrap();
        assert_eq!(ledger.publish(&cosigned).is_ok(), counts, "at {time_s} s");
    }
}

#[test]
fn policy_that_was_set_is_missed_where_it_is_gone_or_another() {
    let (dir, heads) = signed();
    let data = dir.path().join("data");
    let mut ledger = open(&data);
    ledger.set_policy(b"quorum none\n").unwrap();
    ledger.checkpoint(&heads).unwrap();
    drop(ledger);
    let database = rusqlite::Connection::open(data.join(DATABASE_FILE)).unwrap();
    database.execute("DELETE FROM meta WHERE key = 'log-policy'", []).unwrap();
    drop(database);
    let mut ledger = open(&data);
    let lost = ledger.checkpoint(&heads).unwrap_err();
    assert!(matches!(lost, Error::PolicyLost { expected: Some(_) }), "{lost}");
    ledger.set_policy(b"# again\nquorum none\n").unwrap();
    ledger.checkpoint(&heads).unwrap();
}
