use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use chaos_log::map::{self, Found, MemoryMap};
use chaos_types::{AgentKey, Verified};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    Action, Evidence, Kinds, Leaf, Memory, Place, Receipt, Rules, Views,
    account::Agreement,
    action::{BindAccount, Profile, Revoke, RotateKey, Verdict},
    forks::tests::forked,
    receipt::Draft,
};

const OPERATOR: u8 = 9;

fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
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
    let one = (0..8u8, 1..4u8, 1..5u8, 1..5u8, 0..20u8).prop_map(
        |(what, agent, with, other, earlier)| Attempt { what, agent, with, other, earlier },
    );
    vec(one, 0..40)
}

fn profile(name: u8) -> Profile {
    Profile {
        name: format!("n{name}"),
        role: "verifier".to_owned(),
        capabilities: vec!["verify".to_owned()],
        studio: "workshop".to_owned(),
    }
}

fn bind(agent: u8, byte: u8) -> Action {
    let account = PrivateKeySigner::from_slice(&[byte; 32]).unwrap();
    let (chain, named) = ("eip155:1".parse().unwrap(), format!("{:#x}", account.address()));
    let (log, agent) = (key(OPERATOR).did(), key(agent).did());
    let text = Agreement { log, agent, chain: &chain, account: &named, number: None }.text();
    let signature = account.sign_message_sync(text.as_bytes()).unwrap();
    let signature = alloy_primitives::hex::encode_prefixed(signature.as_bytes());
    Action::BindAccount(BindAccount { chain, account: named, number: None, signature })
}

/// A log in memory, with what it folded to before each entry.
struct Log {
    views: Views,
    entries: Vec<Verified<Receipt>>,
    before: Vec<(Memory, MemoryMap)>,
}

impl Log {
    fn empty() -> Self {
        let views = Views::new(key(OPERATOR).did(), Kinds::default());
        Self { views, entries: Vec::new(), before: Vec::new() }
    }

    fn new() -> Self {
        let mut log = Self::empty();
        let operator = Profile { name: "operator".to_owned(), ..profile(0) };
        log.add(OPERATOR, &[OPERATOR], vec![], Action::Register(operator));
        log
    }

    fn of(attempts: &[Attempt]) -> Self {
        let mut log = Self::new();
        for Attempt { what, agent, with, other, earlier } in attempts.iter().copied() {
            let parent = log.entries.get(usize::from(earlier)).map(|receipt| receipt.id);
            match what {
                0 => log.add(agent, &[agent], vec![], Action::Register(profile(other))),
                1 => log.add(agent, &[with], vec![], Action::Update(profile(other))),
                2 if with != other => {
                    let rotation = RotateKey { new_key: key(other).did() };
                    log.add(agent, &[with, other], vec![], Action::RotateKey(rotation));
                }
                3 => {
                    let revoke = Revoke { agent: key(other).did(), reason: "done".to_owned() };
                    let by = if earlier % 3 == 0 { OPERATOR } else { agent };
                    let with = if by == OPERATOR { OPERATOR } else { with };
                    log.add(by, &[with], vec![], Action::Revoke(revoke));
                }
                4 => log.add(agent, &[with], vec![], bind(agent, other)),
                5 => {
                    let report = forked(other, u64::from(earlier) + 1);
                    log.add(agent, &[with], vec![], Action::ReportFork(report));
                }
                _ => {
                    let receipt = Digest::of(&[what, other, earlier]);
                    let verdict = Verdict { receipt, failed: None, reexecuted: false };
                    let parents = parent.into_iter().collect();
                    log.add(agent, &[with], parents, Action::Verify(verdict));
                }
            }
        }
        log
    }

    fn add(&mut self, agent: u8, signers: &[u8], parents: Vec<Digest>, action: Action) {
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
        let receipt = Receipt::open(&envelope, &Kinds::default()).unwrap();
        if self.entries.iter().any(|earlier| earlier.id == receipt.id) {
            return;
        }
        self.before.push((self.views.state().clone(), self.views.map().clone()));
        let leaf = self.leaf(self.entries.len(), &receipt);
        let _refused = self.views.apply_read(&leaf.to_bytes(), &Ok(receipt.clone()));
        self.entries.push(receipt);
    }

    fn leaf(&self, index: usize, receipt: &Receipt) -> Leaf {
        Leaf::new(receipt.id, 1_000 * (index as u64 + 1))
    }

    /// What has to be shown for an entry under the root of the first `size` entries.
    fn record(&self, index: usize, size: usize) -> Shown {
        let (receipt, rules) = (&self.entries[index], self.rules());
        let leaf = self.leaf(index, receipt);
        let wanted = Wanted { index: index as u64, leaf: &leaf, receipt, size: size as u64 };
        record(&rules, wanted, self.views.state()).unwrap()
    }

    fn rules(&self) -> Rules {
        Rules::new(key(OPERATOR).did(), Kinds::default())
    }

    /// What the rules say of an entry over a state.
    fn asked(&self, index: usize, state: &dyn State) -> Result<Vec<Row>, Stop> {
        let receipt = &self.entries[index];
        let leaf = self.leaf(index, receipt);
        let admitted = self.rules().admit(Place::at(index as u64), &leaf, receipt, state);
        admitted.map(crate::Writes::into_rows)
    }

    fn map_of(&self, size: usize) -> &MemoryMap {
        self.before.get(size).map_or_else(|| self.views.map(), |(_, map)| map)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happened, and however long after it is asked, the rules say the same over the rows that
    /// proofs show as over all rows. What they cannot say is that a receipt stands nowhere.
    #[test]
    fn shown_rows_and_all_rows_give_the_same_answer(attempts in attempts(), at: prop::sample::Index) {
        let log = Log::of(&attempts);
        let count = log.entries.len();
        for index in 0..count {
            let size = index + 1 + at.index(count - index);
            let shown = log.record(index, size);
            let (over_all, over_shown) = (log.asked(index, &log.before[index].0), log.asked(index, &shown));
            match (&over_all, &over_shown) {
                (Err(Stop::Rejected(one)), Err(Stop::NotShown { key })) => {
                    prop_assert_eq!(one.code.as_str(), "parent-unknown");
                    prop_assert_eq!(key.kind(), "place");
                }
                _ => prop_assert_eq!(&over_all, &over_shown, "entry {} under {}", index, size),
            }
            prop_assert_eq!(shown.refusal().unwrap().is_some(), over_all.is_err());
            let receipt = &log.entries[index];
            let leaf = log.leaf(index, receipt);
            if let Ok(writes) = log.rules().admit(Place::at(index as u64), &leaf, receipt, &shown) {
                prop_assert_eq!(shown.ensure_written(&log.rules(), &writes), Ok(()));
            }
            prop_assert_eq!(shown.unasked(), None);
            // The recorded rows are those of the map at that size.
            let map = log.map_of(size);
            for (key, value) in shown.rows() {
                let hashed = map::Key::of(key.as_bytes());
                let expect = value.map_or(Found::Absent, |bytes| Found::Value(map::Value::of(bytes)));
                prop_assert_eq!(map.prove(&hashed).verify(&map.root(), &hashed).unwrap(), expect, "{}", key);
            }
        }
    }
}

/// Two rows for a plain receipt, however often its agent changed before and after.
#[test]
fn what_has_to_be_shown_does_not_grow_with_the_agents_history() {
    let shown_after = |changes: u8| {
        let mut log = Log::new();
        log.add(1, &[1], vec![], Action::Register(profile(1)));
        for change in 0..changes {
            log.add(
                1,
                &[1],
                vec![],
                Action::Update(Profile { role: format!("r{change}"), ..profile(1) }),
            );
        }
        let index = log.entries.len();
        let verdict = Verdict { receipt: Digest::of(b"x"), failed: None, reexecuted: false };
        log.add(1, &[1], vec![], Action::Verify(verdict));
        for change in 0..changes {
            log.add(
                1,
                &[1],
                vec![],
                Action::Update(Profile { role: format!("s{change}"), ..profile(1) }),
            );
        }
        log.record(index, log.entries.len()).rows().count()
    };
    assert_eq!((shown_after(0), shown_after(50)), (2, 2));
}

#[test]
fn a_registration_shows_that_name_and_key_were_free() {
    let mut log = Log::new();
    log.add(1, &[1], vec![], Action::Register(profile(1)));
    let shown = log.record(1, 2);
    let kinds: Vec<_> = shown.rows().map(|(key, _)| key.kind().to_owned()).collect();
    assert_eq!(kinds, ["agent", "key", "name", "refused", "span"]);
    assert!(log.asked(1, &shown).is_ok());
    assert_eq!(shown.standing(&key(1).did()), None);
}

#[test]
fn a_name_that_comes_back_is_still_the_one_that_an_earlier_entry_took() {
    let mut log = Log::new();
    log.add(1, &[1], vec![], Action::Register(profile(2)));
    log.add(1, &[1], vec![], Action::Update(profile(3)));
    log.add(1, &[1], vec![], Action::Update(profile(2)));
    let shown = log.record(1, log.entries.len());
    let (receipt, rules) = (&log.entries[1], log.rules());
    let writes = rules.admit(Place::at(1), &log.leaf(1, receipt), receipt, &shown).unwrap();
    assert_eq!(shown.ensure_written(&rules, &writes), Ok(()));
}

#[test]
fn a_row_or_a_place_that_no_rule_asks_for_is_found() {
    let mut log = Log::new();
    log.add(1, &[1], vec![], Action::Register(profile(1)));
    let mut shown = log.record(1, 2);
    let all = |log: &Log, shown: &Shown| {
        let receipt = &log.entries[1];
        let leaf = log.leaf(1, receipt);
        let writes = log.rules().admit(Place::at(1), &leaf, receipt, shown).unwrap();
        shown.ensure_written(&log.rules(), &writes).unwrap();
        assert_eq!(shown.refusal().unwrap(), None);
    };
    all(&log, &shown);
    assert_eq!(shown.unasked(), None);
    shown.insert_place(log.entries[0].id, 0);
    assert_eq!(shown.unasked().unwrap().kind(), "place");
    let mut shown = log.record(1, 2);
    shown.insert(Key::new("paid", &[&"x"]), None);
    all(&log, &shown);
    assert_eq!(shown.unasked().unwrap().kind(), "paid");
}

/// A small log, entry by entry, against what Python makes of the description of its rows
/// (`fixtures/map/leaf.py`).
#[test]
fn rows_roots_and_leaves_are_those_that_python_makes() {
    let vectors = include_str!("../../../../fixtures/map/leaves.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut log = Log::empty();
    let as_smith =
        |role: &str| Profile { name: "ada".to_owned(), role: role.to_owned(), ..profile(0) };
    let verdict = |on: &[u8]| {
        let receipt = Digest::of(on);
        Action::Verify(Verdict { receipt, failed: None, reexecuted: false })
    };
    let named = |name: &str| Profile { name: name.to_owned(), role: name.to_owned(), ..profile(0) };
    log.add(OPERATOR, &[OPERATOR], vec![], Action::Register(named("operator")));
    log.add(1, &[1], vec![], Action::Register(as_smith("smith")));
    log.add(1, &[1], vec![], Action::Update(as_smith("judge")));
    log.add(1, &[1, 5], vec![], Action::RotateKey(RotateKey { new_key: key(5).did() }));
    log.add(1, &[1], vec![], verdict(b"by the old key"));
    log.add(1, &[5], vec![], verdict(b"by the new key"));
    let revoke = Revoke { agent: key(1).did(), reason: "lost".to_owned() };
    log.add(OPERATOR, &[OPERATOR], vec![], Action::Revoke(revoke));
    let entries = vectors["entries"].as_array().unwrap();
    assert_eq!(entries.len(), log.entries.len());
    let rules = log.rules();
    for (index, entry) in entries.iter().enumerate() {
        let map = log.map_of(index + 1);
        let state = text(&entry["state"]).parse().unwrap();
        assert_eq!(map.root(), state, "after entry {index}");
        let after = log.before.get(index + 1).map_or_else(|| log.views.state(), |(state, _)| state);
        let committed = |state: &Memory| -> Vec<(Vec<String>, String)> {
            let rows = state.iter().filter(|(key, _)| rules.is_shown_by_proofs(key));
            let spelled = rows.map(|(key, value)| {
                let parts = key.parts().map(str::to_owned).collect();
                (parts, String::from_utf8(value.to_vec()).unwrap())
            });
            spelled.collect()
        };
        let before = committed(&log.before[index].0);
        let changed: Vec<_> =
            committed(after).into_iter().filter(|row| !before.contains(row)).collect();
        let expected: Vec<(Vec<String>, String)> =
            serde_json::from_value(entry["changed"].clone()).unwrap();
        assert_eq!(changed, expected, "entry {index}");
        let receipt = Digest::of(index.to_string().as_bytes());
        let leaf = Leaf::new(receipt, 1_000 * (index as u64 + 1));
        let leaf = if index == 0 { leaf } else { leaf.stating(state) };
        assert_eq!(String::from_utf8(leaf.to_bytes()).unwrap(), text(&entry["leaf"]));
        assert_eq!(
            hex::encode(chaos_log::leaf_hash(&leaf.to_bytes()).as_bytes()),
            text(&entry["leaf_hash"])
        );
    }
}

/// How many spans an agent has is read with its row; the span that tells it is asked for by no rule.
#[test]
fn span_that_only_an_agents_row_is_read_with_is_not_asked_for() {
    let (ada, receipt) = (key(1).did(), Digest::of(b"receipt"));
    let mut views = Views::new(key(OPERATOR).did(), Kinds::default());
    let draft = Draft {
        log: key(OPERATOR).did(),
        agent: ada,
        claimed_at_ms: 0,
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action: Action::Register(profile(1)),
    };
    let envelope = draft.sign(&[&key(1)]).unwrap();
    let read = Receipt::open(&envelope, &Kinds::default());
    let leaf = Leaf::new(read.as_ref().unwrap().id, 1);
    let _counted = views.apply_read(&leaf.to_bytes(), &read);
    let (agent, span) = (Key::agent(&ada), Key::span(&ada, 0));
    let mut shown = Shown::new(1, receipt);
    for key in [&agent, &span] {
        let Answer::Is(row) = views.state().get(key) else { panic!("{key} is there") };
        shown.insert(key.clone(), Some(row));
    }
    assert!(matches!(shown.get(&agent), Answer::Is(_)));
    assert!(shown.standing(&ada).is_some());
    assert_eq!(shown.unasked(), Some(span));
    assert!(matches!(State::span(&shown, &ada, 1), Answer::Is(_)));
    assert_eq!(shown.unasked(), None);
}
