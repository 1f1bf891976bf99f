//! Bundles that show the state by proofs, honest and forged.

use std::collections::BTreeMap;

use chaos_agency::{
    Answer, Key, Memory, Row, Rules, State, Views,
    action::{Delegate, Verdict},
    shown::{Wanted, record},
};
use chaos_log::map::{self, MemoryMap};
use chaos_types::dsse::Envelope;

use super::{attested::attested, *};
use crate::{Placed, RowProof, STATE_FORMAT, StateBundle, words::Counted};

/// A log whose leaves state what it folds to. A liar's fold forgets some rows.
pub(super) struct Stated {
    views: Views,
    tree: MemoryLog,
    pub(super) entries: Vec<(Envelope, Leaf)>,
    /// Rows that the operator leaves out of what the leaves state.
    forgotten: Vec<Key>,
    /// How far the log's clock is ahead.
    ahead_ms: u64,
}

/// The key of a row of the platform's, by its bytes.
fn row(kind: &str, parts: &[&dyn std::fmt::Display]) -> Key {
    let parts = parts.iter().map(ToString::to_string);
    let all: Vec<String> = std::iter::once(kind.to_owned()).chain(parts).collect();
    Key::from_bytes(all.join("\0").into_bytes())
}

/// Who signs, with which keys.
struct By<'a> {
    agent: u8,
    signers: &'a [u8],
}

impl Stated {
    pub(super) fn new() -> Self {
        let views = Views::new(key(OPERATOR).did(), Kinds::default());
        let mut log = Self {
            views,
            tree: MemoryLog::new(),
            entries: Vec::new(),
            forgotten: Vec::new(),
            ahead_ms: 0,
        };
        log.register(OPERATOR, "operator", &["anchor", "pay"]);
        log.register(AGENT, "ada", &["run", "verify"]);
        log
    }

    pub(super) fn add(
        &mut self,
        agent: u8,
        signers: &[u8],
        evidence: Evidence,
        action: Action,
    ) -> usize {
        self.add_after(vec![], By { agent, signers }, evidence, action)
    }

    fn add_after(
        &mut self,
        parents: Vec<Digest>,
        by: By<'_>,
        evidence: Evidence,
        action: Action,
    ) -> usize {
        let By { agent, signers } = by;
        let subjects = match &evidence {
            Evidence::None {} => vec![],
            Evidence::Replayable(replay) => vec![Product::new("result", replay.output)],
            Evidence::Attested(attested) => {
                vec![Product::new("result", attested.execution.output)]
            }
        };
        let draft = Draft {
            log: key(OPERATOR).did(),
            agent: key(agent).did(),
            claimed_at_ms: 5,
            parents,
            subjects,
            evidence,
            action,
        };
        let keys: Vec<AgentKey> = signers.iter().map(|&byte| key(byte)).collect();
        let envelope = draft.sign(&keys.iter().collect::<Vec<_>>()).unwrap();
        let read = Receipt::open(&envelope, &Kinds::default());
        let leaf =
            Leaf::new(read.as_ref().unwrap().id, 1_000 + self.entries.len() as u64 + self.ahead_ms);
        let leaf = self.views.stating(leaf, &read);
        let _refused = self.views.apply_read(&leaf.to_bytes(), &read);
        let leaf = leaf.stating(self.map().root());
        self.tree.append(leaf.to_bytes()).unwrap();
        self.entries.push((envelope, leaf));
        self.entries.len() - 1
    }

    /// A delegation with the place that the next entry has.
    pub(super) fn placing(&self, body: Delegate) -> Delegate {
        Delegate { size: self.tree.size(), root: self.tree.root(), ..body }
    }

    fn register(&mut self, agent: u8, name: &str, capabilities: &[&str]) -> usize {
        let profile = Profile {
            name: name.to_owned(),
            role: "researcher".to_owned(),
            capabilities: capabilities.iter().map(|&c| c.to_owned()).collect(),
            studio: "workshop".to_owned(),
        };
        self.add(agent, &[agent], Evidence::None {}, Action::Register(profile))
    }

    pub(super) fn run(&mut self, with: u8) -> usize {
        self.add(AGENT, &[with], Evidence::Replayable(replay()), ran())
    }

    /// A verdict by the agent on nothing in particular, so that something comes last.
    pub(super) fn go_on(&mut self) -> usize {
        let receipt = Digest::of(&self.entries.len().to_be_bytes());
        let verdict = Verdict { receipt, failed: None, reexecuted: false };
        self.add(OPERATOR, &[OPERATOR], Evidence::None {}, Action::Verify(verdict))
    }

    /// From here on, the operator's state lacks the row that refuses an entry.
    fn hide_refusal(&mut self, index: usize) {
        self.forgotten.push(row("refused", &[&index]));
        self.go_on();
    }

    /// Makes the tree anew from leaves that were changed.
    fn plant(&mut self) {
        self.tree = MemoryLog::new();
        for (_, leaf) in &self.entries {
            self.tree.append(leaf.to_bytes()).unwrap();
        }
    }

    fn rules() -> Rules {
        Rules::new(key(OPERATOR).did(), Kinds::default())
    }

    /// What the operator says that the log folds to.
    fn map(&self) -> MemoryMap {
        let mut map = MemoryMap::new();
        for (key, value) in self.views.state().iter() {
            if Self::rules().is_shown_by_proofs(key) && !self.forgotten.contains(key) {
                map.insert(map::Key::of(key.as_bytes()), map::Value::of(value));
            }
        }
        map
    }

    pub(super) const fn tree(&self) -> &MemoryLog {
        &self.tree
    }

    pub(super) fn checkpoint(&self) -> SignedCheckpoint {
        let (size, root) = (self.tree.size(), self.tree.root());
        Checkpoint::new("test.example/log", size, root).unwrap().sign(&World::log_key()).unwrap()
    }

    pub(super) fn placed(&self, index: usize) -> Placed {
        let proof = prove_inclusion(&self.tree, index as u64, self.tree.size()).unwrap();
        Placed::new(self.entries[index].1, &proof)
    }

    /// A row with its proof under the newest root.
    pub(super) fn row(&self, key: &Key) -> RowProof {
        let value = match self.get(key) {
            Answer::Is(value) => Some(value),
            Answer::Absent | Answer::NotShown => None,
        };
        let proof = self.map().prove(&map::Key::of(key.as_bytes()));
        RowProof::new(key, value.as_deref(), &proof).unwrap()
    }

    pub(super) fn bundle(&self, index: usize) -> StateBundle {
        let (envelope, leaf) = &self.entries[index];
        let receipt = &Receipt::open(envelope, &Kinds::default()).unwrap();
        let (place, size) = (index as u64, self.tree.size());
        let shown = record(&Self::rules(), Wanted { index: place, leaf, receipt, size }, self);
        let shown = shown.unwrap();
        let map = self.map();
        let state = shown.rows().map(|(key, value)| {
            let proof = map.prove(&map::Key::of(key.as_bytes()));
            RowProof::new(key, value, &proof).unwrap()
        });
        let earlier: BTreeMap<u64, Placed> = shown
            .places()
            .map(|(_, index)| (index, self.placed(usize::try_from(index).unwrap())))
            .collect();
        let mut attachments = Attachments::default();
        if receipt.evidence.replay().is_some() {
            attachments.insert(b"21".to_vec());
        }
        StateBundle {
            format: STATE_FORMAT.to_owned(),
            log: World::log_key().verifier().to_string(),
            checkpoint: self.checkpoint().to_string(),
            envelope: envelope.clone(),
            place: self.placed(index),
            edge: self.placed(self.entries.len() - 1),
            state: state.collect(),
            earlier: earlier.into_values().collect(),
            keys: None,
            anchor: None,
            anchoring: vec![],
            attachments: attachments.to_wire(),
        }
    }
}

/// The operator's rows: those of an honest fold without the forgotten ones.
impl State for Stated {
    fn get(&self, key: &Key) -> Answer<Vec<u8>> {
        if self.forgotten.contains(key) { Answer::Absent } else { self.views.state().get(key) }
    }

    fn place(&self, receipt: &Digest) -> Answer<u64> {
        Memory::place(self.views.state(), receipt)
    }

    fn tree(&self, size: u64) -> Answer<chaos_log::Hash> {
        self.views.state().tree(size)
    }

    fn range(&self, range: std::ops::Range<&Key>) -> Answer<Vec<Row>> {
        self.views.state().range(range)
    }
}

/// The bundle of a receipt with every kind of evidence, parents and an anchor.
pub(super) fn full() -> StateBundle {
    let mut log = Stated::new();
    let first = log.run(AGENT);
    let parents = vec![Digest::of(&log.entries[first].0.to_bytes().unwrap())];
    let by = By { agent: AGENT, signers: &[AGENT, attested::INSIDE] };
    let receipt = log.add_after(parents, by, attested(Some(replay())), ran());
    log.go_on();
    let checkpoint = log.checkpoint();
    let root = hex::encode(checkpoint.claimed().root().as_bytes());
    let mut attachments = Attachments::default();
    for part in [&b"21"[..], b"quote", b"collateral"] {
        attachments.insert(part.to_vec());
    }
    StateBundle {
        anchor: Some(anchored(OPERATOR, checkpoint.claimed().size(), root)),
        attachments: attachments.to_wire(),
        ..log.bundle(receipt)
    }
}

/// The bundle of a plain receipt by a registered agent.
pub(super) fn plain() -> StateBundle {
    let mut log = Stated::new();
    let receipt = log.run(AGENT);
    log.bundle(receipt)
}

#[track_caller]
fn refused(bundle: &StateBundle, check: Check, code: impl Into<Code>) {
    let report = verify(&bundle.to_bytes().unwrap(), &Options::default());
    let rejection = report.result.expect_err("must be refused");
    assert_eq!((rejection.check, rejection.code), (check, code.into()), "{rejection}");
    assert_eq!(report.words.counted, Counted::NotShown);
}

#[track_caller]
fn accepted(bundle: &StateBundle) -> Report {
    let report = verify(&bundle.to_bytes().unwrap(), &Options::default());
    assert!(report.result.is_ok(), "{:?}", report.result);
    report
}

fn changed(bundle: &StateBundle, change: impl FnOnce(&mut StateBundle)) -> StateBundle {
    let mut changed = bundle.clone();
    change(&mut changed);
    changed
}

fn position(bundle: &StateBundle, kind: &str) -> usize {
    bundle.state.iter().position(|row| row.key[0] == kind).unwrap()
}

#[test]
fn receipt_counts_by_what_the_log_states() {
    let mut log = Stated::new();
    let receipt = log.run(AGENT);
    for _later in 0..5 {
        log.go_on();
    }
    let report = accepted(&log.bundle(receipt));
    assert_eq!(report.words.counted, Counted::Shown);
    assert_eq!(report.agent.as_deref(), Some("ada (researcher)"));
    let agent = report.outcomes.iter().find(|outcome| outcome.check == Check::Agent).unwrap();
    assert_eq!(agent.status, Status::Passed);
    // The registration too, under a root that knows the name as taken by it.
    assert_eq!(accepted(&log.bundle(1)).words.counted, Counted::Shown);
    let counted = accepted(&full()).words;
    assert_eq!(counted.counted, Counted::Shown);
}

#[test]
fn a_leaf_that_states_a_root_is_proved_by_history_too() {
    let mut log = Stated::new();
    let receipt = log.run(AGENT);
    let logged = |index: usize| {
        let inclusion = prove_inclusion(&log.tree, index as u64, log.tree.size()).unwrap();
        let (envelope, leaf) = log.entries[index].clone();
        let proof = TlogProof::new(inclusion, log.checkpoint()).unwrap().to_string();
        Logged { envelope, leaf, proof }
    };
    let bundle = Bundle {
        format: FORMAT.to_owned(),
        log: World::log_key().verifier().to_string(),
        receipt: logged(receipt),
        history: vec![logged(1)],
        anchor: None,
        attachments: BTreeMap::new(),
    };
    let report = verify(&bytes(&bundle), &Options::default());
    assert!(report.result.is_ok(), "{:?}", report.result);
    assert_eq!(report.words.counted, Counted::NotShown);
}

#[test]
fn entry_that_the_log_refuses_does_not_count() {
    let mut log = Stated::new();
    let stranger = log.add(7, &[7], Evidence::Replayable(replay()), ran());
    log.go_on();
    refused(&log.bundle(stranger), Check::Agent, Fault::NotCountedByLog);
    // Without the row that says so nothing is shown.
    let without = changed(&log.bundle(stranger), |bundle| drop(bundle.state.pop()));
    refused(&without, Check::Agent, Fault::StateNotShown);
    // And an operator who states that it counts is contradicted by its own rows.
    log.hide_refusal(stranger);
    refused(&log.bundle(stranger), Check::Agent, chaos_agency::Fault::AgentUnknown);
}

#[test]
fn a_revocation_by_the_operator_cannot_be_withheld() {
    let mut log = Stated::new();
    let before = log.run(AGENT);
    let action = Action::Revoke(Revoke { agent: key(AGENT).did(), reason: "stolen".into() });
    log.add(OPERATOR, &[OPERATOR], Evidence::None {}, action);
    let after = log.add(AGENT, &[AGENT], Evidence::Replayable(replay()), ran_twice());
    log.hide_refusal(after);
    accepted(&log.bundle(before));
    let bundle = log.bundle(after);
    refused(&bundle, Check::Agent, chaos_agency::Fault::AgentRevoked);
    let without = |kind: &str| {
        let at = position(&bundle, kind);
        changed(&bundle, |bundle| drop(bundle.state.remove(at)))
    };
    refused(&without("agent"), Check::Agent, Fault::StateNotShown);
    refused(&without("span"), Check::Agent, Fault::StateNotShown);
    // The row as it was before the revocation has no proof.
    let open = changed(&bundle, |bundle| {
        let at = position(bundle, "span");
        bundle.state[at].value.as_mut().unwrap()["until"] = serde_json::Value::Null;
    });
    refused(&open, Check::Agent, Fault::StateProofInvalid);
}

/// A second action that differs from [`ran`].
fn ran_twice() -> Action {
    Action::Run(Run { execution: Execution { fuel: 1, ..execution() }, answered: true })
}

#[test]
fn a_taken_name_cannot_be_registered_again() {
    let mut log = Stated::new();
    let second = log.register(7, "ada", &["run"]);
    log.hide_refusal(second);
    let bundle = log.bundle(second);
    refused(&bundle, Check::Agent, chaos_agency::Fault::NameTaken);
    let name = position(&bundle, "name");
    let without = changed(&bundle, |bundle| drop(bundle.state.remove(name)));
    refused(&without, Check::Agent, Fault::StateNotShown);
    // That another name is free says nothing of this one.
    let free = changed(&bundle, |bundle| {
        let other = log.row(&row("name", &[&"eve"]));
        bundle.state[name] = RowProof { key: bundle.state[name].key.clone(), ..other };
    });
    refused(&free, Check::Agent, Fault::StateProofInvalid);
    let other = changed(&bundle, |bundle| bundle.state[name] = log.row(&row("name", &[&"eve"])));
    refused(&other, Check::Agent, Fault::StateNotShown);
}

#[test]
fn an_old_key_signs_nothing_after_a_rotation() {
    let mut log = Stated::new();
    let rotation = Action::RotateKey(RotateKey { new_key: key(5).did() });
    log.add(AGENT, &[AGENT, 5], Evidence::None {}, rotation);
    let by_old = log.run(AGENT);
    let by_new = log.add(AGENT, &[5], Evidence::Replayable(replay()), ran_twice());
    log.hide_refusal(by_old);
    accepted(&log.bundle(by_new));
    let bundle = log.bundle(by_old);
    refused(&bundle, Check::Agent, chaos_agency::Fault::SignersUnexpected);
    // The span of another place, honestly proved, does not cover this one.
    let at = position(&bundle, "span");
    let earlier = changed(&bundle, |bundle| {
        bundle.state[at] = log.row(&row("span", &[&key(AGENT).did(), &0]));
    });
    refused(&earlier, Check::Agent, Fault::StateNotShown);
}

#[test]
fn the_edge_is_the_last_entry_and_its_root_the_one_that_counts() {
    let mut log = Stated::new();
    let receipt = log.run(AGENT);
    let before = log.bundle(receipt);
    log.register(7, "eve", &["run"]);
    let bundle = log.bundle(receipt);
    accepted(&bundle);
    let earlier = changed(&bundle, |bundle| bundle.edge = log.placed(receipt));
    refused(&earlier, Check::Inclusion, Fault::EdgeNotLast);
    let other = changed(&bundle, |bundle| bundle.edge.leaf = bundle.place.leaf);
    refused(&other, Check::Inclusion, Fault::EdgeNotLast);
    // Rows proved under another leaf's root.
    let stale = changed(&bundle, |bundle| bundle.state = before.state.clone());
    refused(&stale, Check::Agent, Fault::StateProofInvalid);
    let silent = changed(&bundle, |bundle| {
        bundle.edge.leaf = Leaf::new(bundle.edge.leaf.receipt, bundle.edge.leaf.integrated_at_ms);
    });
    refused(&silent, Check::Inclusion, Fault::EdgeNotLast);
}

#[test]
fn the_logs_time_does_not_go_back_between_what_is_shown() {
    let mut log = Stated::new();
    let receipt = log.run(AGENT);
    log.go_on();
    let (_, leaf) = &mut log.entries[receipt];
    leaf.integrated_at_ms = 1_000_000;
    log.plant();
    refused(&log.bundle(receipt), Check::Inclusion, chaos_agency::Fault::TimeGoesBack);
}

#[test]
fn a_leaf_that_states_nothing_after_one_that_does_is_refused_where_it_is_seen() {
    let mut log = Stated::new();
    let first = log.run(AGENT);
    let parents = vec![Digest::of(&log.entries[first].0.to_bytes().unwrap())];
    let by = By { agent: AGENT, signers: &[AGENT] };
    let receipt = log.add_after(parents, by, Evidence::Replayable(replay()), ran_twice());
    log.go_on();
    accepted(&log.bundle(receipt));
    let silent = |leaf: Leaf| Leaf::new(leaf.receipt, leaf.integrated_at_ms);
    log.entries[first].1 = silent(log.entries[first].1);
    log.plant();
    // Which of them is the log's first that states one, nobody sees here.
    accepted(&log.bundle(receipt));
    log.entries[receipt].1 = silent(log.entries[receipt].1);
    log.plant();
    accepted(&log.bundle(receipt));
    let stated = log.entries[first].1.stating(map::EMPTY);
    log.entries[first].1 = stated;
    log.plant();
    refused(&log.bundle(receipt), Check::Inclusion, chaos_agency::Fault::StateMissing);
    // The agent's registry entry stated one.
    let logged = |index: usize| {
        let inclusion = prove_inclusion(&log.tree, index as u64, log.tree.size()).unwrap();
        let (envelope, leaf) = log.entries[index].clone();
        let proof = TlogProof::new(inclusion, log.checkpoint()).unwrap().to_string();
        Logged { envelope, leaf, proof }
    };
    let by_history = Bundle {
        format: FORMAT.to_owned(),
        log: World::log_key().verifier().to_string(),
        receipt: logged(receipt),
        history: vec![logged(1)],
        anchor: None,
        attachments: BTreeMap::new(),
    };
    let report = verify(&bytes(&by_history), &Options::default());
    assert_eq!(report.result.unwrap_err().code, chaos_agency::Fault::StateMissing.code());
}

/// The log's clock is right again, and was a million seconds ahead at an entry that comes before.
fn corrected() -> (Stated, usize) {
    let mut log = Stated::new();
    log.ahead_ms = 1_000_000_000;
    let receipt = log.run(AGENT);
    log.ahead_ms = 0;
    let true_ms = 1_000 + log.entries.len() as u64;
    let body = action::CorrectTime { first: receipt as u64, true_ms };
    log.add(OPERATOR, &[OPERATOR], Evidence::None {}, Action::CorrectTime(body));
    log.go_on();
    (log, receipt)
}

#[test]
fn the_logs_time_goes_back_where_a_correction_of_it_is_shown() {
    let (log, receipt) = corrected();
    let bundle = log.bundle(receipt);
    let report = verify(&bundle.to_bytes().unwrap(), &Options::default());
    report.result.unwrap();
    assert_eq!(report.words.counted, Counted::Shown);
    let is_time = |row: &RowProof| row.key[0] == "time";
    assert_eq!(bundle.state.iter().filter(|row| is_time(row)).count(), 2, "one, and no further");
    let silent = changed(&bundle, |bundle| bundle.state.retain(|row| !is_time(row)));
    refused(&silent, Check::Inclusion, chaos_agency::Fault::TimeGoesBack);
    // Some of the corrections are not all of them.
    let some = changed(&bundle, |bundle| {
        bundle.state.retain(|row| !is_time(row) || row.value.is_some());
    });
    refused(&some, Check::Inclusion, Fault::StateNotShown);
    let lower = changed(&bundle, |bundle| {
        let row = bundle.state.iter_mut().find(|row| is_time(row) && row.value.is_some());
        row.unwrap().value.as_mut().unwrap()["first"] = 0.into();
    });
    refused(&lower, Check::Inclusion, Fault::StateProofInvalid);
    // An entry before the wrong time needs none to be in order; they are shown all the same.
    let before = log.bundle(1);
    accepted(&before);
    assert_eq!(before.state.iter().filter(|row| is_time(row)).count(), 2);
}

/// Under a root that lacks what an entry writes, the entry was not counted, whatever else the root holds.
#[test]
fn an_entry_counts_only_under_a_root_that_holds_what_it_writes() {
    let mut log = Stated::new();
    let action = Action::Revoke(Revoke { agent: key(AGENT).did(), reason: "stolen".into() });
    let before = log.bundle(1);
    let revoked = log.add(OPERATOR, &[OPERATOR], Evidence::None {}, action);
    accepted(&log.bundle(revoked));
    // The operator's last leaf states the root from before the revocation.
    log.go_on();
    let edge = log.entries.len() - 1;
    log.entries[edge].1 = log.entries[edge].1.stating(before.edge.leaf.state.unwrap());
    log.plant();
    let stale = changed(&log.bundle(revoked), |bundle| {
        // Every row as that root has it.
        let then = Stated::new();
        let keys: Vec<Key> = bundle
            .state
            .iter()
            .map(|row| Key::from_bytes(row.key.join("\0").into_bytes()))
            .collect();
        bundle.state = keys.iter().map(|key| then.row(key)).collect();
    });
    refused(&stale, Check::Agent, chaos_agency::Fault::WriteOther);
    // Nor under the root of nothing.
    log.entries[edge].1 = log.entries[edge].1.stating(map::EMPTY);
    log.plant();
    let nothing = MemoryMap::new();
    let empty = changed(&log.bundle(1), |bundle| {
        for row in &mut bundle.state {
            let key = Key::from_bytes(row.key.join("\0").into_bytes());
            let proof = nothing.prove(&map::Key::of(key.as_bytes()));
            *row = RowProof::new(&key, None, &proof).unwrap();
        }
    });
    refused(&empty, Check::Agent, chaos_agency::Fault::WriteOther);
}

#[test]
fn parents_are_shown_where_they_stand() {
    let mut log = Stated::new();
    let first = log.run(AGENT);
    let stranger = log.add(7, &[7], Evidence::Replayable(replay()), ran_twice());
    let id = |log: &Stated, index: usize| Digest::of(&log.entries[index].0.to_bytes().unwrap());
    let build_on = |log: &mut Stated, parent| {
        let verdict = Verdict { receipt: parent, failed: None, reexecuted: false };
        let action = Action::Verify(verdict);
        let by = By { agent: AGENT, signers: &[AGENT] };
        log.add_after(vec![parent], by, Evidence::None {}, action)
    };
    let parents = (id(&log, first), id(&log, stranger));
    let on_work = build_on(&mut log, parents.0);
    let on_refused = build_on(&mut log, parents.1);
    log.hide_refusal(on_refused);
    let bundle = log.bundle(on_work);
    accepted(&bundle);
    assert_eq!(bundle.earlier.len(), 1);
    let none = changed(&bundle, |bundle| bundle.earlier.clear());
    refused(&none, Check::Agent, Fault::StateNotShown);
    let twice = changed(&bundle, |bundle| bundle.earlier.push(bundle.earlier[0].clone()));
    refused(&twice, Check::Inclusion, Fault::StateOrder);
    let later = changed(&bundle, |bundle| bundle.earlier[0] = log.placed(on_refused));
    refused(&later, Check::Inclusion, Fault::StateOrder);
    let other = changed(&bundle, |bundle| bundle.earlier[0] = log.placed(1));
    refused(&other, Check::Agent, Fault::StateNotShown);
    refused(&log.bundle(on_refused), Check::Agent, chaos_agency::Fault::ParentUnknown);
}

#[test]
fn a_bundle_shows_what_the_rules_ask_for_and_nothing_else() {
    let mut log = Stated::new();
    let receipt = log.run(AGENT);
    log.go_on();
    let bundle = log.bundle(receipt);
    let more = changed(&bundle, |bundle| {
        bundle.state.insert(0, log.row(&row("agent", &[&key(AGENT).did()])));
    });
    refused(&more, Check::Agent, Fault::StateUnasked);
    // The map lacks what it never holds, which says nothing.
    for never in [row("reward", &[&"x"]), row("place", &[&"x"]), row("a.b", &[&"x"])] {
        let more = changed(&bundle, |bundle| {
            bundle.state.push(log.row(&never));
            bundle.state.sort_by_key(|row| row.key.join("\0"));
        });
        refused(&more, Check::Agent, Fault::StateUnasked);
    }
    let earlier = changed(&bundle, |bundle| bundle.earlier.push(log.placed(1)));
    refused(&earlier, Check::Agent, Fault::StateUnasked);
    let reversed = changed(&bundle, |bundle| bundle.state.reverse());
    refused(&reversed, Check::Agent, Fault::StateOrder);
    let split = changed(&bundle, |bundle| {
        let parts = bundle.state[0].key.join("\0");
        bundle.state[0].key = vec![parts];
    });
    refused(&split, Check::Agent, Fault::StateProofMalformed);
    let odd = changed(&bundle, |bundle| bundle.state[0].steps.push_str("AAAA"));
    refused(&odd, Check::Agent, Fault::StateProofMalformed);
    let end = changed(&bundle, |bundle| {
        let at = position(bundle, "span");
        bundle.state[at].end = Some(String::new());
    });
    refused(&end, Check::Agent, Fault::StateProofMalformed);
}

#[test]
fn a_later_format_is_told_from_a_damaged_file() {
    let later = changed(&plain(), |bundle| bundle.format = "chaoschain-bundle/3".to_owned());
    refused(&later, Check::Format, Fault::BundleFormatUnknown);
}

#[test]
fn more_rows_than_a_receipt_can_need_are_refused() {
    let plain = plain();
    let many = changed(&plain, |bundle| bundle.state = vec![bundle.state[0].clone(); 1_025]);
    refused(&many, Check::Format, Fault::StateTooLong);
    let many = changed(&plain, |bundle| bundle.earlier = vec![bundle.place.clone(); 257]);
    refused(&many, Check::Format, Fault::StateTooLong);
}

#[test]
fn an_edge_of_an_older_layout_states_nothing() {
    let mut log = Stated::new();
    let receipt = log.run(AGENT);
    let (envelope, leaf) = log.entries.pop().unwrap();
    log.entries.push((envelope, Leaf::new(leaf.receipt, leaf.integrated_at_ms)));
    log.plant();
    refused(&log.bundle(receipt), Check::Inclusion, Fault::EdgeStatesNothing);
}

#[test]
fn copy_of_the_log_is_asked_beside_what_is_shown() {
    struct Copy(bool);
    impl FoldedLog for Copy {
        fn ensure_counted(
            &self,
            _: &Verified<Receipt>,
            _: u64,
            _: &SignedCheckpoint,
        ) -> Result<String, Rejection> {
            let refusal = Rejection::new(Check::Agent, chaos_agency::Fault::StateOther, "other");
            if self.0 { Ok("folded".to_owned()) } else { Err(refusal) }
        }
    }
    let bytes = full().to_bytes().unwrap();
    let with = |copy: &Copy| verify(&bytes, &Options { copy: Some(copy), ..Options::default() });
    let report = with(&Copy(true));
    assert!(report.result.is_ok());
    assert_eq!(report.words.counted, Counted::Recomputed);
    let report = with(&Copy(false));
    assert_eq!(report.words.counted, Counted::NotShown);
    let checks: Vec<_> = report.outcomes.iter().map(|outcome| outcome.check).collect();
    assert_eq!(checks, Check::ALL, "each check stands in the report once");
}
