use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use chaos_agency::{
    Action, Body, Evidence, Extension, Ground, Kind, Signer, Source,
    action::{Profile, Verdict},
    receipt::{Draft, Form},
};
use chaos_store::{CommitError, GroupCommit, Store, all_entries};
use chaos_types::AgentKey;
use serde::{Deserialize, Serialize};

use super::*;
use crate::System;

static DRAWN: AtomicU64 = AtomicU64::new(1);

fn system() -> System {
    System {
        kinds: Kinds::default(),
        now_ms: || 1_767_225_600_000,
        random: |bytes| {
            let drawn = DRAWN.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            bytes.iter_mut().zip(drawn.iter().cycle()).for_each(|(byte, drawn)| *byte = *drawn);
            Ok(())
        },
    }
}

fn ledger(folder: &std::path::Path) -> Ledger {
    Ledger::open_or_create(folder, Some("secret".to_owned().into()), None, system()).unwrap()
}

/// A registration by a key of its own.
fn registration(log: chaos_types::Did, number: u8, name: &str) -> Prepared {
    let key = AgentKey::from_seed(&[number; 32]);
    let profile = Profile {
        name: name.to_owned(),
        role: "verifier".to_owned(),
        capabilities: vec!["verify".to_owned()],
        studio: "workshop".to_owned(),
    };
    let draft = Draft {
        log,
        agent: key.did(),
        claimed_at_ms: 0,
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action: Action::Register(profile),
    };
    Prepared::read(&draft.sign(&[&key]).unwrap(), &Kinds::default()).unwrap()
}

#[test]
fn a_refused_receipt_leaves_its_group_unharmed() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(folder.path());
    let log = ledger.operator();
    let group = [
        registration(log, 101, "ada"),
        registration(log, 102, "ada"),
        registration(log, 103, "bob"),
        registration(log, 101, "ada"),
    ];
    let answers = ledger.append_group(&group, ledger.system().now_ms()).unwrap();
    let indices: Vec<_> =
        answers.iter().map(|answer| answer.as_ref().ok().map(|accepted| accepted.index)).collect();
    assert_eq!(indices, [Some(1), None, Some(2), None]);
    assert_eq!(answers[1].as_ref().unwrap_err().code.as_str(), "name-taken");
    assert_eq!(answers[3].as_ref().unwrap_err().code.as_str(), "key-taken");
    assert_eq!((ledger.size(), ledger.store().head().unwrap().size), (3, 3));
    assert!(ledger.compare().unwrap().agrees());
    let names = |ledger: &Ledger| {
        let agents = ledger.agents().unwrap().into_iter();
        agents.map(|agent| agent.profile.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&ledger), ["operator", "ada", "bob"]);
    drop(ledger);
    assert_eq!(names(&Ledger::read(folder.path(), system()).unwrap()), ["operator", "ada", "bob"]);
}

#[test]
fn a_group_of_refused_receipts_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(folder.path());
    let log = ledger.operator();
    let answers = ledger.append_group(&[registration(log, 101, "operator")], 0).unwrap();
    assert_eq!(answers.len(), 1);
    assert!(answers[0].is_err());
    assert_eq!((ledger.size(), ledger.store().head().unwrap().size), (1, 1));
}

#[test]
fn callers_on_many_threads_share_groups_and_learn_their_own_answer() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let log = ledger.operator();
    let commit = GroupCommit::start(ledger).unwrap();
    let taken: usize = thread::scope(|scope| {
        let callers: Vec<_> = (0..4u8)
            .map(|caller| {
                let commit = &commit;
                scope.spawn(move || {
                    let tickets: Vec<_> = (0..20u8)
                        .map(|n| registration(log, 10 + caller * 20 + n, &format!("agent-{n}")))
                        .map(|prepared| commit.submit(prepared).unwrap())
                        .collect();
                    tickets
                        .into_iter()
                        .map(chaos_store::Ticket::wait)
                        .filter(|answer| match answer {
                            Ok(_) => true,
                            Err(CommitError::Failed(GroupError::Inadmissible(rejection))) => {
                                assert_eq!(rejection.code.as_str(), "name-taken");
                                false
                            }
                            Err(error) => panic!("{error}"),
                        })
                        .count()
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    let ledger = commit.shut_down();
    assert_eq!(taken, 20, "each name is one caller's");
    assert_eq!(ledger.size(), 21);
    assert!(ledger.compare().unwrap().agrees());
}

#[test]
fn a_reader_sees_the_log_beside_its_writer_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ledger(folder.path());
    let log = writer.operator();
    let mut reader = Ledger::read(folder.path(), system()).unwrap();
    writer.append_group(&[registration(log, 101, "ada")], 0).unwrap()[0].as_ref().unwrap();
    assert_eq!((reader.size(), writer.size()), (1, 2));
    assert!(reader.named("ada").unwrap().is_none());
    assert!(reader.append_group(&[registration(log, 102, "bob")], 0).is_err());
    assert!(Ledger::rebuild(folder.path(), None, system()).is_err());
    assert!(reader.compare().unwrap().agrees());
    let later = Ledger::read(folder.path(), system()).unwrap();
    assert!(later.named("ada").unwrap().is_some());
    assert_eq!(later.verifier().unwrap(), *writer.log_key().unwrap().verifier());
}

/// Every leaf states the root after its own entry, in order, and a fold of the log agrees.
#[test]
fn each_leaf_of_a_group_states_its_own_root() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(folder.path());
    let log = ledger.operator();
    let group: Vec<_> =
        (0..9u8).map(|n| registration(log, 101 + n, &format!("agent-{n}"))).collect();
    ledger.append_group(&group, 0).unwrap();
    let leaves: Vec<Leaf> = all_entries(ledger.store(), 0)
        .map(|entry| Leaf::from_bytes(&entry.unwrap().leaf).unwrap())
        .collect();
    let mut roots: Vec<_> = leaves.iter().map(|leaf| leaf.state.unwrap()).collect();
    assert_eq!(roots.last(), Some(&ledger.next.state));
    roots.dedup();
    assert_eq!(roots.len(), 10);
    let views = ledger.fold_in_memory(10).unwrap();
    assert_eq!((views.misstated(), views.map().root()), (None, ledger.next.state));
    let compared = ledger.compare().unwrap();
    assert!(compared.agrees());
    assert_eq!(
        compared.kinds["map"].rows,
        chaos_log::map::grouped(views.map().entries()).len() as u64
    );
    assert_eq!(views.map().nodes_len(), 2 * 4 * 10 - 1);
}

/// A log whose leaves state no root goes on with leaves that do.
#[test]
fn an_older_log_goes_on_with_roots_over_all_that_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    drop(ledger(folder.path()));
    let (entry, operator) = {
        let store = Store::open(folder.path()).unwrap();
        (store.entry(0).unwrap().unwrap(), store.meta("operator").unwrap().unwrap())
    };
    let old = tempfile::tempdir().unwrap();
    {
        let leaf = Leaf { state: None, version: 1, ..Leaf::from_bytes(&entry.leaf).unwrap() };
        let mut store = Store::open(old.path()).unwrap();
        store.put_meta("operator", &operator).unwrap();
        store.append_batch(&[Append::new(entry.record, leaf.to_bytes()).unwrap()]).unwrap();
    }
    let mut ledger = Ledger::open(old.path(), None, None, system()).unwrap();
    let log = ledger.operator();
    assert!(!ledger.next.is_stated);
    ledger.append_group(&[registration(log, 101, "ada")], 0).unwrap()[0].as_ref().unwrap();
    assert!(ledger.next.is_stated);
    let leaf =
        |index| Leaf::from_bytes(&ledger.store().entry(index).unwrap().unwrap().leaf).unwrap();
    assert_eq!((leaf(0).version, leaf(1).version), (1, 2));
    let views = ledger.fold_in_memory(2).unwrap();
    assert_eq!(leaf(1).state, Some(views.map().root()));
    assert_eq!(views.map().nodes_len(), 2 * 8 - 1, "the first entry's rows are under it too");
    assert!(ledger.compare().unwrap().agrees());
}

/// A program that knows other kinds folds the log to other rows, notices, and adds nothing.
#[test]
fn rows_and_leaves_of_other_rules_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let password = || Some("secret".to_owned().into());
    let knows = System { kinds: Kinds::new(&[WORKSHOP]), ..system() };
    let mut ledger = Ledger::open_or_create(folder.path(), password(), None, knows).unwrap();
    let log = ledger.operator();
    let key = AgentKey::from_seed(&[101; 32]);
    let profile = Profile {
        name: "ada".to_owned(),
        role: "smith".to_owned(),
        capabilities: vec!["mend".to_owned()],
        studio: "workshop".to_owned(),
    };
    let draft = |action| Draft {
        log,
        agent: key.did(),
        claimed_at_ms: 0,
        parents: vec![],
        subjects: vec![],
        evidence: Evidence::None {},
        action,
    };
    for action in [Action::Register(profile), Action::of(&Mend {})] {
        ledger.append(&draft(action).sign(&[&key]).unwrap(), 0).unwrap();
    }
    let right = ledger.next.state;
    drop(ledger);
    let mut other = Ledger::open(folder.path(), password(), None, system()).unwrap();
    assert_ne!(other.next.state, right, "rows of other rules are folded anew");
    let refused = other.append_group(&[registration(log, 102, "bob")], 0).unwrap_err();
    assert!(matches!(refused, Error::OtherRules { .. }), "{refused}");
    let heads = crate::Heads::new(folder.path().join("heads"));
    assert!(matches!(other.sign_head(&heads).unwrap_err(), Error::StateOther { .. }));
    drop(other);
    let mut again = Ledger::open(folder.path(), None, None, knows).unwrap();
    assert_eq!(again.next.state, right);
    again.append_group(&[registration(log, 102, "bob")], 0).unwrap()[0].as_ref().unwrap();
}

/// A bundle under a checkpoint that is not the newest any more holds as well.
#[test]
fn bundles_are_made_under_older_checkpoints_too() {
    let folder = tempfile::tempdir().unwrap();
    let heads = crate::Heads::new(folder.path().join("heads"));
    let mut ledger = ledger(&folder.path().join("data"));
    let log = ledger.operator();
    let mut checkpoints = Vec::new();
    let mut receipts = Vec::new();
    for n in 0..4u8 {
        let group = [registration(log, 101 + n, &format!("agent-{n}"))];
        let answers = ledger.append_group(&group, 0).unwrap();
        receipts.push(answers[0].as_ref().unwrap().receipt);
        checkpoints.push(ledger.checkpoint(&heads).unwrap());
    }
    for (at, receipt) in receipts.iter().enumerate() {
        for checkpoint in &checkpoints[at..] {
            let bytes = crate::bundle(&ledger, receipt, checkpoint, None).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains("chaoschain-bundle/2"), "{text}");
        }
    }
}

/// Nothing that anybody made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mend {}

impl Body for Mend {
    const KIND: &'static str = "mend";
    const SIGNER: Signer = Signer::Agent;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[Ground::new("what was done", Source::Signer)];

    fn ensure(&self, _: &Form<'_>) -> Result<(), Rejection> {
        Ok(())
    }

    fn sentence(&self) -> String {
        "mended".to_owned()
    }
}

const WORKSHOP: Extension =
    Extension { name: "workshop", version: 1, kinds: &[Kind::of::<Mend>()], view: None };

/// A bundle is as long after a thousand changes of its agent as after none, but for the depth of map and tree.
#[test]
fn a_bundle_does_not_grow_with_its_agents_history() {
    let folder = tempfile::tempdir().unwrap();
    let heads = crate::Heads::new(folder.path().join("heads"));
    let mut ledger = ledger(&folder.path().join("data"));
    let log = ledger.operator();
    let key = AgentKey::from_seed(&[101; 32]);
    let profile = |role: String| Profile {
        name: "ada".to_owned(),
        role,
        capabilities: vec!["verify".to_owned()],
        studio: "workshop".to_owned(),
    };
    let signed = |action| {
        let draft = Draft {
            log,
            agent: key.did(),
            claimed_at_ms: 0,
            parents: vec![],
            subjects: vec![],
            evidence: Evidence::None {},
            action,
        };
        Prepared::read(&draft.sign(&[&key]).unwrap(), &Kinds::default()).unwrap()
    };
    let length_of = |ledger: &mut Ledger, number: u8| {
        let receipt = chaos_types::Digest::of(&[number]);
        let verdict = Verdict { receipt, failed: None, reexecuted: false };
        let answers = ledger.append_group(&[signed(Action::Verify(verdict))], 0).unwrap();
        let receipt = answers[0].as_ref().unwrap().receipt;
        let checkpoint = ledger.checkpoint(&heads).unwrap();
        crate::bundle(ledger, &receipt, &checkpoint, None).unwrap().len()
    };
    ledger.append_group(&[registration(log, 101, "ada")], 0).unwrap()[0].as_ref().unwrap();
    let first = length_of(&mut ledger, 1);
    let changes: Vec<_> =
        (0..1_000).map(|n| signed(Action::Update(profile(format!("role-{n}"))))).collect();
    let answers = ledger.append_group(&changes, 0).unwrap();
    assert!(answers.iter().all(Result::is_ok));
    let later = length_of(&mut ledger, 2);
    assert!(later < 6_500 && later - first < 2_500, "{first} bytes, then {later}");
    assert!(ledger.compare().unwrap().agrees());
}
