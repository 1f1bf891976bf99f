//! The root key hands its roles to other keys.

use std::path::Path;

use chaos_agency::{Succession, action::Role};
use chaos_ledger::{Error, HandedOver, Handover, Heads, Ledger, bundle};
use chaos_log::{Policy, SignedCheckpoint, VerifierKey, WitnessKey};
use chaos_types::{AgentKey, Digest};
use chaos_verify::{Fault, Options, Report, verify};
use tempfile::TempDir;

use crate::{NOW_MS, SYSTEM, copy, open, registration};

/// A log with a memory of its signed heads.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) heads: Heads,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let heads = Heads::new(folder.path().join("heads"));
        Self { folder, heads }
    }

    pub(crate) fn dir(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn ledger(&self) -> Ledger {
        open(&self.dir())
    }

    /// Opens as the program does, which asks the memory first.
    fn asked(&self, dir: &Path) -> Result<Ledger, Error> {
        Ledger::open(dir, Some("test".to_owned().into()), Some(&self.heads), SYSTEM)
    }
}

fn enrol(ledger: &mut Ledger, number: u64) -> Digest {
    let group = [registration(ledger.operator(), number)];
    ledger.append_group(&group, NOW_MS).unwrap().pop().unwrap().unwrap().receipt
}

pub(crate) fn hand(role: Role) -> Handover<'static> {
    Handover { role, root: None, lost: false }
}

/// Hands a role on, and signs the head that holds it.
pub(crate) fn rotate(
    ledger: &mut Ledger,
    heads: &Heads,
    role: Role,
) -> (HandedOver, SignedCheckpoint) {
    let done = ledger.delegate(hand(role)).unwrap();
    let signed = ledger.checkpoint(heads).unwrap();
    ledger.settle(role).unwrap();
    (done, signed)
}

fn read(bytes: &[u8], log: &VerifierKey) -> Report {
    verify(bytes, &Options { log: Some(log), ..Options::default() })
}

#[track_caller]
fn refused(report: &Report, fault: Fault) {
    let rejection = report.result.as_ref().expect_err("refused");
    assert_eq!(rejection.code, fault.code(), "{rejection}");
}

fn lines(signed: &SignedCheckpoint) -> usize {
    signed.note().signatures().len()
}

#[test]
fn bundles_before_within_and_after_a_rotation_hold_under_the_root_key() {
    let world = World::new();
    let mut ledger = world.ledger();
    let root = ledger.verifier().unwrap();
    let first = enrol(&mut ledger, 1);
    let before = ledger.checkpoint(&world.heads).unwrap();
    let old = bundle(&ledger, &first, &before, None).unwrap();
    let (done, within) = rotate(&mut ledger, &world.heads, Role::Checkpoints);
    assert_eq!((done.index, within.claimed().size(), lines(&within)), (2, 3, 2));
    let second = enrol(&mut ledger, 2);
    let after = ledger.checkpoint(&world.heads).unwrap();
    assert_eq!(lines(&after), 1, "the old key signs nothing that is larger");
    let signer = ledger.signer().unwrap();
    assert!(after.verify(&signer).is_ok() && after.verify(&root).is_err());
    assert!(within.verify(&signer).is_ok() && within.verify(&root).is_ok());
    let within = bundle(&ledger, &done.receipt, &within, None).unwrap();
    let again = bundle(&ledger, &first, &after, None).unwrap();
    let new = bundle(&ledger, &second, &after, None).unwrap();
    for bytes in [&old, &within, &again, &new] {
        let report = read(bytes, &root);
        assert!(report.result.is_ok(), "{:?}", report.result);
    }
    // Whose log the new key signs for, the root key tells: a thief of the new key has another root.
    refused(&read(&new, &signer), Fault::LogNotTrusted);
    refused(&read(&old, &signer), Fault::LogNotTrusted);
    let stranger =
        VerifierKey::new(root.name().clone(), AgentKey::from_seed(&[9; 32]).did().as_bytes());
    refused(&read(&new, &stranger.unwrap()), Fault::LogNotTrusted);
    ledger.check_heads().unwrap();
    assert!(ledger.compare().unwrap().agrees());
}

#[test]
fn everything_but_delegation_goes_on_without_the_root_key() {
    let world = World::new();
    let mut ledger = world.ledger();
    let root = ledger.verifier().unwrap();
    rotate(&mut ledger, &world.heads, Role::Checkpoints);
    rotate(&mut ledger, &world.heads, Role::Operator);
    let kept = world.dir().join("keys/operator.root.pem");
    let away = world.folder.path().join("away.pem");
    std::fs::rename(kept, &away).unwrap();
    drop(ledger);
    let mut ledger = world.asked(&world.dir()).unwrap();
    let profile = chaos_agency::action::Profile {
        name: "ada".to_owned(),
        role: "researcher".to_owned(),
        capabilities: vec![],
        studio: "workshop".to_owned(),
    };
    let ada = chaos_ledger::agents::enrol(&mut ledger, profile).unwrap();
    // The operator's word, by its new key.
    let by = chaos_ledger::agents::RevokedBy::Operator;
    let revoked = chaos_ledger::agents::revoke(&mut ledger, "ada", "gone", by).unwrap();
    let signed = ledger.checkpoint(&world.heads).unwrap();
    for receipt in [ada.receipt, revoked.receipt] {
        let bytes = bundle(&ledger, &receipt, &signed, None).unwrap();
        assert!(read(&bytes, &root).result.is_ok());
    }
    let refusal = ledger.delegate(hand(Role::Checkpoints)).unwrap_err();
    assert!(matches!(refusal, Error::ForeignOperator { .. }), "{refusal}");
    let handover = Handover { root: Some(&away), ..hand(Role::Checkpoints) };
    let done = ledger.delegate(handover).unwrap();
    assert_eq!(done.body.number, 2);
    let signed = ledger.checkpoint(&world.heads).unwrap();
    assert_eq!(lines(&signed), 2, "the second key leaves as the first did");
    ledger.settle(Role::Checkpoints).unwrap();
    let bytes = bundle(&ledger, &ada.receipt, &signed, None).unwrap();
    assert!(read(&bytes, &root).result.is_ok());
    assert!(ledger.compare().unwrap().agrees());
}

#[test]
fn killed_between_the_steps_goes_on_as_if_it_had_not_been() {
    let world = World::new();
    let mut ledger = world.ledger();
    enrol(&mut ledger, 1);
    ledger.checkpoint(&world.heads).unwrap();
    // Killed after the key's file, before the entry: whoever read the file since has no key that comes into force.
    std::fs::write(world.dir().join("keys/operator.log.next.pem"), sealed(5)).unwrap();
    let done = ledger.delegate(hand(Role::Checkpoints)).unwrap();
    assert_ne!(done.body.key, AgentKey::from_seed(&[5; 32]).did());
    let files = std::fs::read_dir(world.dir().join("keys")).unwrap();
    let mut names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert!(names.any(|name| name.starts_with("operator.log.next.unused-")));
    // Killed after the entry, before the head.
    drop(ledger);
    let mut ledger = world.asked(&world.dir()).unwrap();
    let within = ledger.sign_head(&world.heads).unwrap();
    assert_eq!(lines(&within), 2);
    // Killed after the head was remembered, before it was published: the same bytes.
    drop(ledger);
    let mut ledger = world.asked(&world.dir()).unwrap();
    assert_eq!(ledger.sign_head(&world.heads).unwrap(), within);
    ledger.publish(&within).unwrap();
    // Killed before the files were exchanged: the next command signs with the right one.
    let receipt = enrol(&mut ledger, 2);
    let after = ledger.checkpoint(&world.heads).unwrap();
    assert!(after.verify(&ledger.signer().unwrap()).is_ok());
    assert!(bundle(&ledger, &receipt, &after, None).is_ok());
    ledger.settle(Role::Checkpoints).unwrap();
    ledger.settle(Role::Checkpoints).unwrap();
    assert!(world.dir().join("keys/operator.log.pem").exists());
    // Whatever was appended between the entry and its first head: the old key signs nothing then.
    ledger.delegate(hand(Role::Checkpoints)).unwrap();
    enrol(&mut ledger, 3);
    assert_eq!(lines(&ledger.checkpoint(&world.heads).unwrap()), 1);
}

fn sealed(seed: u8) -> String {
    let key = AgentKey::from_seed(&[seed; 32]);
    key.to_encrypted_pem(b"test", &[1; 16], [2; 16]).map(|pem| pem.to_string()).unwrap()
}

#[test]
fn copy_restored_from_before_a_rotation_signs_nothing() {
    let world = World::new();
    let mut ledger = world.ledger();
    enrol(&mut ledger, 1);
    ledger.checkpoint(&world.heads).unwrap();
    drop(ledger);
    let restored = world.folder.path().join("restored");
    copy(&world.dir(), &restored);
    let mut ledger = world.ledger();
    rotate(&mut ledger, &world.heads, Role::Checkpoints);
    enrol(&mut ledger, 2);
    ledger.checkpoint(&world.heads).unwrap();
    drop(ledger);
    let refusal = world.asked(&restored).unwrap_err();
    assert!(matches!(refusal, Error::HeadBehind { signed: 4, found: 2 }), "{refusal}");
    let password = || Some("test".to_owned().into());
    let refusal = Ledger::open(&restored, password(), None, SYSTEM).unwrap_err();
    assert!(matches!(refusal, Error::HeadForgotten { size: 2, .. }), "{refusal}");
    // Gone on elsewhere, and brought back here.
    let elsewhere = Heads::new(world.folder.path().join("elsewhere"));
    let mut ledger = Ledger::open_rows(&restored, password(), SYSTEM).unwrap();
    ledger.resume(&elsewhere, &[]).unwrap();
    let refusal = ledger.sign_head(&world.heads).unwrap_err();
    assert!(matches!(refusal, Error::HeadBehind { signed: 4, found: 2 }), "{refusal}");
    for number in 10..20 {
        enrol(&mut ledger, number);
    }
    let refusal = ledger.sign_head(&world.heads).unwrap_err();
    assert!(matches!(refusal, Error::HeadOther { size: 4, .. }), "{refusal}");
    drop(ledger);
    let refusal = world.asked(&restored).unwrap_err();
    assert!(matches!(refusal, Error::HeadOther { size: 4, .. }), "{refusal}");
}

#[test]
fn second_delegation_with_one_number_counts_for_nothing() {
    let world = World::new();
    let mut ledger = world.ledger();
    rotate(&mut ledger, &world.heads, Role::Checkpoints);
    let other = AgentKey::from_seed(&[6; 32]);
    let root = root_of(&world.dir());
    let envelope = chaos_agency::receipt::Draft {
        log: root.did(),
        agent: root.did(),
        claimed_at_ms: NOW_MS,
        parents: vec![],
        subjects: vec![],
        evidence: chaos_agency::Evidence::None {},
        action: chaos_agency::Action::Delegate(chaos_agency::action::Delegate {
            role: Role::Checkpoints,
            number: 1,
            key: other.did(),
            replaces: root.did(),
            lost: false,
            size: ledger.size(),
            root: chaos_store::Records::head(ledger.store()).unwrap().root,
        }),
    }
    .sign(&[&root, &other])
    .unwrap();
    let refusal = ledger.append(&envelope, NOW_MS).unwrap_err();
    assert!(matches!(refusal, Error::Inadmissible(_)), "{refusal}");
    let succession: Succession = ledger.succession(Role::Checkpoints).unwrap();
    assert_eq!(succession.delegations().len(), 1);
}

#[test]
fn delegation_that_waited_while_the_log_grew_is_refused_and_so_is_one_for_another_history() {
    let world = World::new();
    let mut ledger = world.ledger();
    let (root, other) = (root_of(&world.dir()), AgentKey::from_seed(&[6; 32]));
    enrol(&mut ledger, 1);
    let history = |ledger: &Ledger| chaos_store::Records::head(ledger.store()).unwrap();
    let before = history(&ledger);
    let signed = |size, history| {
        let body = chaos_agency::action::Delegate {
            role: Role::Checkpoints,
            number: 1,
            key: other.did(),
            replaces: root.did(),
            lost: false,
            size,
            root: history,
        };
        chaos_agency::receipt::Draft {
            log: root.did(),
            agent: root.did(),
            claimed_at_ms: NOW_MS,
            parents: vec![],
            subjects: vec![],
            evidence: chaos_agency::Evidence::None {},
            action: chaos_agency::Action::Delegate(body),
        }
        .sign(&[&root, &other])
        .unwrap()
    };
    enrol(&mut ledger, 2);
    let now = history(&ledger);
    for (size, root) in
        [(before.size, before.root), (now.size, before.root), (now.size + 1, now.root)]
    {
        match ledger.append(&signed(size, root), NOW_MS).unwrap_err() {
            Error::Inadmissible(rejection) => {
                assert_eq!(rejection.code, chaos_agency::Fault::DelegationPlaceOther.code());
            }
            error => panic!("{error}"),
        }
    }
    ledger.append(&signed(now.size, now.root), NOW_MS).unwrap();
    enrol(&mut ledger, 3);
    // Folded anew, from the entries alone, it is the same.
    assert!(ledger.compare().unwrap().agrees());
    assert_eq!(ledger.succession(Role::Checkpoints).unwrap().key(), other.did());
}

fn root_of(dir: &Path) -> AgentKey {
    let password = "test".to_owned().into();
    chaos_ledger::Keys::new(dir, Some(&password), SYSTEM).open("operator").unwrap()
}

#[test]
fn lost_key_is_followed_from_the_root_key_with_a_quorum_alone() {
    let world = World::new();
    let mut ledger = world.ledger();
    let root = ledger.verifier().unwrap();
    let receipt = enrol(&mut ledger, 1);
    let refusal = ledger.delegate(Handover { lost: true, ..hand(Role::Checkpoints) }).unwrap_err();
    assert!(matches!(&refusal, Error::Inadmissible(r) if r.code.as_str() == "root-lost"));
    std::fs::remove_file(world.dir().join("keys/operator.log.next.pem")).unwrap();
    rotate(&mut ledger, &world.heads, Role::Checkpoints);
    let first = ledger.signer().unwrap();
    std::fs::remove_file(world.dir().join("keys/operator.log.pem")).unwrap();
    let refusal = ledger.checkpoint(&world.heads).unwrap_err();
    assert!(matches!(refusal, Error::NoRoleKey { .. }), "{refusal}");
    let done = ledger.delegate(Handover { lost: true, ..hand(Role::Checkpoints) }).unwrap();
    assert!(done.body.lost);
    let mut signed = ledger.checkpoint(&world.heads).unwrap();
    ledger.settle(Role::Checkpoints).unwrap();
    assert_eq!(lines(&signed), 1);
    let witness = WitnessKey::from_seed("w.example/w".parse().unwrap(), &[3; 32]);
    let alone = bundle(&ledger, &receipt, &signed, None).unwrap();
    signed.add(witness.cosign(&signed, NOW_MS / 1_000).unwrap()).unwrap();
    let cosigned = bundle(&ledger, &receipt, &signed, None).unwrap();
    let policy = |logs: &str| {
        let rest = format!("witness w {}\nquorum w\n", witness.verifier());
        Policy::parse((logs.to_owned() + &rest).as_bytes()).unwrap()
    };
    let with = |bytes: &[u8], log: Option<&VerifierKey>, policy: Option<&Policy>| {
        verify(bytes, &Options { log, policy, ..Options::default() })
    };
    let (asks, names) = (policy(""), policy(&format!("log {root}\n")));
    assert!(with(&cosigned, Some(&root), Some(&asks)).result.is_ok());
    assert!(with(&cosigned, None, Some(&names)).result.is_ok());
    let signer = ledger.signer().unwrap();
    let both = Options { log: Some(&signer), root: Some(&root), ..Options::default() };
    assert!(verify(&alone, &both).result.is_ok());
    refused(&with(&cosigned, Some(&first), Some(&asks)), Fault::LogNotTrusted);
    for (bytes, log, policy) in [
        (&alone, Some(&root), None),
        (&cosigned, Some(&root), None),
        (&cosigned, None, None),
        (&cosigned, None, Some(&asks)),
    ] {
        refused(&with(bytes, log, policy), Fault::LostKeyNotWitnessed);
    }
    refused(&with(&alone, Some(&root), Some(&asks)), Fault::NotWitnessed);
}

#[test]
fn head_by_a_retired_key_is_refused_by_a_code_of_its_own() {
    let world = World::new();
    let mut ledger = world.ledger();
    let root = ledger.verifier().unwrap();
    let receipt = enrol(&mut ledger, 1);
    rotate(&mut ledger, &world.heads, Role::Checkpoints);
    enrol(&mut ledger, 2);
    let honest = ledger.checkpoint(&world.heads).unwrap();
    let good = bundle(&ledger, &receipt, &honest, None).unwrap();
    let thief = root_of(&world.dir()).as_signing_key().to_bytes();
    let thief = chaos_log::LogKey::from_seed(root.name().clone(), &thief);
    let stolen = honest.claimed().clone().sign(&thief).unwrap();
    let mut forged: chaos_verify::StateBundle =
        chaos_verify::StateBundle::from_bytes(&good).unwrap();
    forged.checkpoint = stolen.to_string();
    let bytes = forged.to_bytes().unwrap();
    refused(&read(&bytes, &root), Fault::KeyRetired);
    // Without what shows the delegation nothing speaks against it, until another file does.
    forged.keys = None;
    let bytes = forged.to_bytes().unwrap();
    let (silent, honest) = (read(&bytes, &root), read(&good, &root));
    assert!(silent.result.is_ok());
    let mut heads = chaos_verify::Heads::default();
    heads.see(silent.head.as_ref().unwrap(), "silent");
    heads.see(honest.head.as_ref().unwrap(), "honest");
    let judged = heads.judge();
    let rejection = judged.rejection(silent.head.as_ref().unwrap()).unwrap();
    assert_eq!(rejection.code, Fault::KeyRetired.code());
    assert!(judged.rejection(honest.head.as_ref().unwrap()).is_none());
}

#[test]
fn changed_delegations_of_a_bundle_are_refused() {
    let world = World::new();
    let mut ledger = world.ledger();
    let root = ledger.verifier().unwrap();
    rotate(&mut ledger, &world.heads, Role::Checkpoints);
    rotate(&mut ledger, &world.heads, Role::Operator);
    rotate(&mut ledger, &world.heads, Role::Checkpoints);
    let receipt = enrol(&mut ledger, 1);
    let signed = ledger.checkpoint(&world.heads).unwrap();
    let good: chaos_verify::StateBundle =
        chaos_verify::StateBundle::from_bytes(&bundle(&ledger, &receipt, &signed, None).unwrap())
            .unwrap();
    let keys = good.keys.clone().unwrap();
    assert_eq!((keys.entries.len(), keys.rows.len()), (3, 5));
    let with = |change: &dyn Fn(&mut chaos_verify::Delegations)| {
        let mut keys = keys.clone();
        change(&mut keys);
        let changed = chaos_verify::StateBundle { keys: Some(keys), ..good.clone() };
        read(&changed.to_bytes().unwrap(), &root)
    };
    assert!(with(&|_| {}).result.is_ok());
    for number in 0..3 {
        refused(&with(&|keys| drop(keys.entries.remove(number))), Fault::DelegationsMalformed);
    }
    for number in 0..5 {
        refused(&with(&|keys| drop(keys.rows.remove(number))), Fault::DelegationsMalformed);
    }
    refused(&with(&|keys| keys.entries.swap(0, 1)), Fault::DelegationsMalformed);
    refused(&with(&|keys| keys.rows.swap(0, 1)), Fault::DelegationsMalformed);
    refused(&with(&|keys| keys.entries.clear()), Fault::DelegationsMalformed);
    refused(
        &with(&|keys| keys.entries[0].envelope = good.envelope.clone()),
        Fault::DelegationsMalformed,
    );
    let report = with(&|keys| keys.entries[0].place = good.place.clone());
    assert!(report.result.is_err());
    let without = chaos_verify::StateBundle { keys: None, ..good };
    refused(&read(&without.to_bytes().unwrap(), &root), Fault::CheckpointInvalid);
}
