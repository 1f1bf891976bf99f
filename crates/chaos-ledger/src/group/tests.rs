use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use chaos_agency::{Action, Evidence, action::Profile, receipt::Draft};
use chaos_store::{CommitError, GroupCommit};
use chaos_types::AgentKey;

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
    assert!(reader.rebuild().is_err());
    assert!(reader.compare().unwrap().agrees());
    let later = Ledger::read(folder.path(), system()).unwrap();
    assert!(later.named("ada").unwrap().is_some());
    assert_eq!(later.verifier().unwrap(), *writer.log_key().unwrap().verifier());
}
