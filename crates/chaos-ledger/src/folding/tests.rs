use chaos_agency::{
    Action, Evidence, Leaf,
    action::{Profile, Revoke, RotateKey, Verdict},
    receipt::Draft,
};
use chaos_store::{Append, Change, MemoryStore, Store};
use chaos_types::{AgentKey, Digest};
use proptest::{collection::vec, prelude::*};

use super::*;

const OPERATOR: u8 = 9;

fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
}

fn rules() -> Rules {
    Rules::new(key(OPERATOR).did(), Kinds::default())
}

fn profile(name: u8) -> Profile {
    Profile {
        name: format!("n{name}"),
        role: "verifier".to_owned(),
        capabilities: vec!["verify".to_owned()],
        studio: "workshop".to_owned(),
    }
}

/// One attempt at something: what, by whom, and with which keys, names and earlier entries.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    what: u8,
    agent: u8,
    with: u8,
    other: u8,
    earlier: u8,
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let one = (0..7u8, 1..5u8, 1..6u8, 1..6u8, 0..20u8).prop_map(
        |(what, agent, with, other, earlier)| Attempt { what, agent, with, other, earlier },
    );
    vec(one, 0..40)
}

impl Attempt {
    fn entry(self, index: u64, before: &[Append]) -> Append {
        let Self { what, agent, with, other, earlier } = self;
        // The log's time goes back now and then.
        let time = 1_000 * index - if what == 6 { 5_000.min(1_000 * index) } else { 0 };
        let parents = before.get(usize::from(earlier)).map(Append::digest).into_iter().collect();
        let (signers, parents, action) = match what {
            0 => (vec![agent], vec![], Action::Register(profile(other))),
            1 => (vec![with], vec![], Action::Update(profile(other))),
            2 if with != other => {
                let new_key = key(other).did();
                (vec![with, other], vec![], Action::RotateKey(RotateKey { new_key }))
            }
            3 => {
                let revoke = Revoke { agent: key(other).did(), reason: "done".to_owned() };
                (vec![with], vec![], Action::Revoke(revoke))
            }
            4 => {
                let record = vec![agent, with, other, earlier];
                let leaf = Digest::of(&record).to_hex().into_bytes();
                return Append::new(record, leaf).unwrap();
            }
            _ => {
                let receipt = Digest::of(&[other, earlier]);
                let verdict = Verdict { receipt, failed: None, reexecuted: false };
                (vec![with], parents, Action::Verify(verdict))
            }
        };
        append(agent, &signers, parents, action, time)
    }
}

fn append(agent: u8, signers: &[u8], parents: Vec<Digest>, action: Action, time_ms: u64) -> Append {
    let keys: Vec<AgentKey> = signers.iter().map(|byte| key(*byte)).collect();
    let draft = Draft {
        log: key(OPERATOR).did(),
        agent: key(agent).did(),
        claimed_at_ms: 0,
        parents,
        subjects: vec![],
        evidence: Evidence::None {},
        action,
    };
    let envelope = draft.sign(&keys.iter().collect::<Vec<_>>()).unwrap();
    let record = envelope.to_bytes().unwrap();
    let leaf = Leaf::new(Digest::of(&record), time_ms).to_bytes();
    Append::new(record, leaf).unwrap()
}

fn read(entry: &Append) -> Read {
    Receipt::open_bytes(entry.record(), &Kinds::default())
}

/// The log that attempts leave, of which no record is in it twice.
fn log_of(attempts: &[Attempt]) -> Vec<Append> {
    let register = Action::Register(Profile { name: "operator".to_owned(), ..profile(0) });
    let mut log = vec![append(OPERATOR, &[OPERATOR], vec![], register, 0)];
    for attempt in attempts {
        let entry = attempt.entry(log.len() as u64, &log);
        if log.iter().all(|earlier| earlier.digest() != entry.digest()) {
            log.push(entry);
        }
    }
    log
}

fn rows(store: &impl Records) -> Vec<(Key, Vec<u8>)> {
    let rows = store.rows(b"".as_slice()..b"\xff", usize::MAX).unwrap();
    rows.into_iter().map(|(key, value)| (Key::from_bytes(key), value)).collect()
}

fn in_memory(log: &[Append]) -> Views {
    let mut views = Views::new(key(OPERATOR).did(), Kinds::default());
    for entry in log {
        let _refused = views.apply(entry.leaf(), entry.record());
    }
    views
}

fn rows_in_memory(log: &[Append]) -> Vec<(Key, Vec<u8>)> {
    let views = in_memory(log);
    views.state().iter().map(|(key, value)| (key.clone(), value.to_vec())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The rules say the same whether they ask memory or tables, whatever the log holds.
    #[test]
    fn tables_and_memory_hold_the_same_rows(attempts in attempts()) {
        let log = log_of(&attempts);
        let mut store = MemoryStore::new();
        store.append_batch(&log).unwrap();
        let next = catch_up(&mut store, &rules()).unwrap();
        let views = in_memory(&log);
        prop_assert_eq!(rows(&store), rows_in_memory(&log));
        prop_assert_eq!((next.index, next.after_ms), (views.size(), views.last_integrated_at_ms()));
    }

    /// A fold that stops anywhere and goes on with the tail ends where one without a stop ends.
    #[test]
    fn a_fold_and_its_tail_are_the_fold_of_all(attempts in attempts(), at in 0..40usize) {
        let log = log_of(&attempts);
        let (first, tail) = log.split_at(at.min(log.len()));
        let mut store = MemoryStore::new();
        for part in [first, tail] {
            store.append_batch(part).unwrap();
            catch_up(&mut store, &rules()).unwrap();
        }
        prop_assert_eq!(rows(&store), rows_in_memory(&log));
        prop_assert_eq!(folded(&store, &rules()).unwrap().unwrap().index, log.len() as u64);
    }

    /// A fold that goes on beside the log as it grows, in whatever parts, is the fold of all.
    #[test]
    fn a_fold_beside_its_log_is_the_fold_of_all(attempts in attempts(), width in 1..9usize) {
        let log = log_of(&attempts);
        let mut store = MemoryStore::new();
        let mut fold = Fold::open(&mut store, rules()).unwrap();
        for part in log.chunks(width) {
            let reads: Vec<Read> = part.iter().map(read).collect();
            fold.append(&mut store, part, &reads).unwrap();
            prop_assert_eq!(folded(&store, &rules()).unwrap(), Some(fold.next()));
        }
        prop_assert_eq!(rows(&store), rows_in_memory(&log));
        prop_assert_eq!(store.head().unwrap().size, log.len() as u64);
    }
}

/// The operator and an agent, and what that agent does later.
fn log_of_ada() -> Vec<Append> {
    let acts = [(0, 0), (5, 1), (5, 2), (5, 3)];
    let acts = acts.map(|(what, earlier)| Attempt { what, agent: 1, with: 1, other: 1, earlier });
    log_of(&acts)
}

#[test]
fn what_was_appended_beside_a_fold_is_folded_before_it_goes_on() {
    let log = log_of_ada();
    let mut store = MemoryStore::new();
    let mut fold = Fold::open(&mut store, rules()).unwrap();
    store.append_batch(&log[..2]).unwrap();
    let refused = fold.append(&mut store, &log[2..3], &[read(&log[2])]);
    assert!(matches!(refused, Err(Error::FoldBehind { folded: 0, log_size: 2 })), "{refused:?}");
    assert_eq!(fold.misstated(&mut store, 0..2).unwrap(), []);
    fold.append(&mut store, &log[2..3], &[read(&log[2])]).unwrap();
    assert_eq!(rows(&store), rows_in_memory(&log[..3]));
}

/// What the map says of a row is asked of whatever lay in the store before it was opened, and of nothing
/// that this process put there.
#[test]
fn rows_of_before_the_opening_are_held_against_the_map_and_own_rows_are_not() {
    let log = log_of_ada();
    for is_own in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(directory.path()).unwrap();
        let mut fold = Fold::open(&mut store, rules()).unwrap();
        let reads: Vec<Read> = log.iter().map(read).collect();
        fold.append(&mut store, &log[..2], &reads[..2]).unwrap();
        if !is_own {
            drop(store);
            store = Store::open(directory.path()).unwrap();
            fold = Fold::open(&mut store, rules()).unwrap();
        }
        let others = rusqlite::Connection::open(store.path()).unwrap();
        others.execute("DELETE FROM groups", []).unwrap();
        let appended = fold.append(&mut store, &log[2..], &reads[2..]);
        assert_eq!(appended.is_ok(), is_own, "{appended:?}");
    }
}

#[test]
fn a_fold_on_disk_is_that_in_memory_and_is_taken_up_by_the_next_opening() {
    let directory = tempfile::tempdir().unwrap();
    let steps = (0..30u8).map(|n| Attempt {
        what: n % 7,
        agent: 1 + n % 4,
        with: 1 + n % 4,
        other: 1 + n % 5,
        earlier: n % 9,
    });
    let log = log_of(&steps.collect::<Vec<_>>());
    Store::open(directory.path()).unwrap().append_batch(&log).unwrap();
    for _again in 0..2 {
        let mut store = Store::open(directory.path()).unwrap();
        catch_up(&mut store, &rules()).unwrap();
        assert_eq!(rows(&store), rows_in_memory(&log));
    }
    let store = Store::read(directory.path()).unwrap();
    assert_eq!(folded(&store, &rules()).unwrap().unwrap().index, log.len() as u64);
}

#[test]
fn rows_of_other_rules_are_folded_anew() {
    let log = log_of(&[]);
    let mut store = MemoryStore::new();
    store.append_batch(&log).unwrap();
    let stale = [(b"name\0stale".to_vec(), b"{}".to_vec())];
    let mark = Mark { rules: Digest::of(b"others"), ..mark(&rules(), Place::at(1)) };
    store.commit(&Change { rows: &stale, mark: Some(mark), ..Change::default() }).unwrap();
    assert_eq!(folded(&store, &rules()).unwrap(), None);
    catch_up(&mut store, &rules()).unwrap();
    assert_eq!(rows(&store), rows_in_memory(&log));
}
