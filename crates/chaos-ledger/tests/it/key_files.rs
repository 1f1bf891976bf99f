//! Key files: no step of a handover takes the place of another key, and what people copy beside them is no key of
//! a rotation's.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use chaos_agency::action::Role;
use chaos_ledger::{
    Error, Handover, Keys, Ledger, Password, Settled, Unopened, agents, delegations_by_key_files,
};

use crate::{
    SYSTEM,
    keys::{World, hand, rotate},
};

fn password() -> Password {
    "test".to_owned().into()
}

#[test]
fn handover_takes_the_place_of_no_file_that_lies_under_the_root_keys_name() {
    let world = World::new();
    let mut ledger = world.ledger();
    let root = ledger.operator();
    rotate(&mut ledger, &world.heads, Role::Checkpoints);
    let folder = world.dir().join("keys");
    let own = folder.join("operator.root.pem");
    fs::write(&own, "the key of another log").unwrap();
    ledger.delegate(hand(Role::Operator)).unwrap();
    ledger.checkpoint(&world.heads).unwrap();
    let Settled { is_root, aside, .. } = ledger.settle(Role::Operator).unwrap();
    let aside = folder.join(format!("{}.pem", aside.expect("another file lay there")));
    assert!(is_root);
    assert_eq!(fs::read_to_string(aside).unwrap(), "the key of another log");
    let password = password();
    let keys = Keys::new(&world.dir(), Some(&password), SYSTEM);
    assert_eq!(keys.open("operator.root").unwrap().did(), root);
    // It is found there.
    rotate(&mut ledger, &world.heads, Role::Checkpoints);
    // A copy of the very file is no other key.
    let world = World::new();
    let mut ledger = world.ledger();
    rotate(&mut ledger, &world.heads, Role::Checkpoints);
    ledger.delegate(hand(Role::Operator)).unwrap();
    ledger.checkpoint(&world.heads).unwrap();
    let folder = world.dir().join("keys");
    fs::copy(folder.join("operator.pem"), folder.join("operator.root.pem")).unwrap();
    let settled = ledger.settle(Role::Operator).unwrap();
    assert_eq!(settled, Settled { is_root: true, ..Settled::default() });
}

/// The clock of these tests stands, as one does that is set back.
#[test]
fn retired_keys_of_one_moment_are_all_kept_and_counted_once() {
    let world = World::new();
    let mut ledger = world.ledger();
    let folder = world.dir().join("keys");
    for _ in 0..4 {
        rotate(&mut ledger, &world.heads, Role::Checkpoints);
    }
    let files = || fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let retired = |path: &std::path::PathBuf| path.to_string_lossy().contains("log.retired-");
    let contents: BTreeSet<Vec<u8>> =
        files().filter(retired).map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(contents.len(), 3);
    assert_eq!(delegations_by_key_files(&world.dir()).unwrap(), 4);
    for path in files().filter(retired).collect::<Vec<_>>() {
        fs::copy(&path, path.with_extension("pem.bak")).unwrap();
        fs::copy(&path, path.with_extension("old.pem")).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().replace(".pem", " (copy).pem");
        fs::copy(&path, path.with_file_name(name)).unwrap();
        // Under a name that a rotation gives.
        fs::copy(&path, path.with_extension("77.pem")).unwrap();
    }
    let current = folder.join("operator.log.pem");
    fs::copy(&current, folder.join("operator.log.pem~")).unwrap();
    fs::copy(&current, folder.join("operator.log.retired-1.pem")).unwrap();
    assert_eq!(delegations_by_key_files(&world.dir()).unwrap(), 4);
    // An agent's as well.
    let profile = chaos_agency::action::Profile {
        name: "ada".to_owned(),
        role: "researcher".to_owned(),
        capabilities: vec![],
        studio: "workshop".to_owned(),
    };
    agents::enrol(&mut ledger, profile).unwrap();
    for _ in 0..3 {
        agents::rotate(&mut ledger, "ada").unwrap();
    }
    let adas = files().filter(|path| path.to_string_lossy().contains("ada.retired-"));
    assert_eq!(adas.count(), 3);
}

/// What a disk makes of a file: one bit is another one. The highest bit of a byte leaves no UTF-8.
fn flip(path: &Path, bit: u8) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    bytes[100] ^= bit;
    fs::write(path, &bytes).unwrap();
    bytes
}

fn lost(role: Role) -> Handover<'static> {
    Handover { lost: true, ..hand(role) }
}

/// Names and contents of the key files.
fn key_files(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(world.dir().join("keys")).unwrap().map(|file| file.unwrap().path());
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// A log that has handed both roles on.
fn handed_on() -> (World, Ledger) {
    let world = World::new();
    let mut ledger = world.ledger();
    for role in [Role::Checkpoints, Role::Operator] {
        rotate(&mut ledger, &world.heads, role);
    }
    (world, ledger)
}

#[test]
fn lost_keys_damaged_file_is_in_nobodys_way_and_gets_a_name_of_its_own() {
    for (role, file) in [(Role::Checkpoints, "operator.log"), (Role::Operator, "operator")] {
        for bit in [1, 0x80] {
            let (world, mut ledger) = handed_on();
            let folder = world.dir().join("keys");
            let path = folder.join(format!("{file}.pem"));
            let damaged = flip(&path, bit);
            let size = ledger.size();
            let refusal = ledger.delegate(hand(role)).unwrap_err();
            assert!(matches!(refusal, Error::OpenKey { .. }), "{refusal}");
            assert_eq!(ledger.size(), size);
            let done = ledger.delegate(lost(role)).unwrap();
            assert_eq!(done.settled, Settled::default());
            // The next run finds it as well.
            drop(ledger);
            let mut ledger = world.ledger();
            ledger.checkpoint(&world.heads).unwrap();
            assert_eq!(fs::read(&path).unwrap(), damaged);
            let settled = ledger.settle(role).unwrap();
            let [Unopened { file: former, aside }] = &settled.unopened[..] else {
                panic!("{settled:?}");
            };
            assert_eq!(former, file);
            assert!(aside.starts_with(&format!("{file}.unopened-")), "{aside}");
            assert_eq!(fs::read(folder.join(format!("{aside}.pem"))).unwrap(), damaged);
            assert_eq!(ledger.settle(role).unwrap(), Settled::default());
            let handed = if role == Role::Checkpoints { 2 } else { 1 };
            assert_eq!(delegations_by_key_files(&world.dir()).unwrap(), handed);
            // Both roles go on.
            ledger.operator_for("score").unwrap();
            rotate(&mut ledger, &world.heads, Role::Checkpoints);
            rotate(&mut ledger, &world.heads, Role::Operator);
        }
    }
}

#[test]
fn wrong_password_signs_and_moves_nothing_whatever_is_called_lost() {
    let (world, ledger) = handed_on();
    let (size, files) = (ledger.size(), key_files(&world));
    drop(ledger);
    let other = Some("other".to_owned().into());
    let mut ledger = Ledger::open(&world.dir(), other, Some(&world.heads), SYSTEM).unwrap();
    for role in [Role::Checkpoints, Role::Operator] {
        let refusal = ledger.delegate(lost(role)).unwrap_err();
        assert!(matches!(refusal, Error::OpenKey { .. }), "{refusal}");
        ledger.settle(role).unwrap();
    }
    assert_eq!((ledger.size(), key_files(&world)), (size, files.clone()));
    // The password of the root key's file alone, which is kept elsewhere.
    let key = Keys::new(&world.dir(), Some(&password()), SYSTEM).open("operator.root").unwrap();
    let away = world.dir().join("away.pem");
    fs::write(&away, &*key.to_encrypted_pem(b"other", &[1; 16], [2; 16]).unwrap()).unwrap();
    let handover = Handover { root: Some(&away), ..lost(Role::Checkpoints) };
    let refusal = ledger.delegate(handover).unwrap_err();
    assert!(matches!(refusal, Error::NoneOpens { .. }), "{refusal}");
    assert_eq!((ledger.size(), key_files(&world)), (size, files.clone()));
    for file in files.keys() {
        fs::rename(file, world.dir().join(file.file_name().unwrap())).unwrap();
    }
    ledger.delegate(handover).unwrap();
    ledger.checkpoint(&world.heads).unwrap();
}

#[test]
fn role_is_handed_on_only_where_the_next_head_can_be_signed() {
    let (world, mut ledger) = handed_on();
    let folder = world.dir().join("keys");
    flip(&folder.join("operator.log.pem"), 1);
    flip(&folder.join("operator.pem"), 1);
    let (size, files) = (ledger.size(), key_files(&world));
    let refusal = ledger.delegate(lost(Role::Operator)).unwrap_err();
    assert!(matches!(refusal, Error::HeadUnsignable { is_root: false, .. }), "{refusal}");
    assert_eq!((ledger.size(), key_files(&world)), (size, files));
    for role in [Role::Checkpoints, Role::Operator] {
        ledger.delegate(lost(role)).unwrap();
        ledger.checkpoint(&world.heads).unwrap();
        assert_eq!(ledger.settle(role).unwrap().unopened.len(), 1);
    }
    // The root key signs the checkpoints, and lies elsewhere.
    let world = World::new();
    let mut ledger = world.ledger();
    let (root, away) = (world.dir().join("keys/operator.pem"), world.dir().join("away.pem"));
    fs::copy(&root, &away).unwrap();
    let damaged = flip(&root, 1);
    let size = ledger.size();
    let handover = |role| Handover { root: Some(&away), ..hand(role) };
    let refusal = ledger.delegate(handover(Role::Operator)).unwrap_err();
    assert!(matches!(refusal, Error::HeadUnsignable { is_root: true, .. }), "{refusal}");
    assert_eq!(ledger.size(), size);
    for role in [Role::Checkpoints, Role::Operator] {
        ledger.delegate(handover(role)).unwrap();
        ledger.checkpoint(&world.heads).unwrap();
        ledger.settle(role).unwrap();
    }
    assert!(key_files(&world).values().any(|bytes| *bytes == damaged));
}

#[test]
fn damaged_file_that_an_attempt_left_stands_in_nobodys_way() {
    let (world, mut ledger) = handed_on();
    let folder = world.dir().join("keys");
    for role in [Role::Checkpoints, Role::Operator] {
        let file = if role == Role::Checkpoints { "operator.log.next" } else { "operator.next" };
        fs::write(folder.join(format!("{file}.pem")), "rot").unwrap();
        ledger.checkpoint(&world.heads).unwrap();
        assert_eq!(ledger.settle(role).unwrap(), Settled::default());
        ledger.operator_for("score").unwrap();
        let done = ledger.delegate(hand(role)).unwrap();
        let aside = &done.settled.unopened[0].aside;
        assert_eq!(fs::read(folder.join(format!("{aside}.pem"))).unwrap(), b"rot");
        ledger.checkpoint(&world.heads).unwrap();
        ledger.settle(role).unwrap();
    }
    // What never was a key in force counts for none.
    assert_eq!(delegations_by_key_files(&world.dir()).unwrap(), 2);
    let profile = chaos_agency::action::Profile {
        name: "ada".to_owned(),
        role: "researcher".to_owned(),
        capabilities: vec![],
        studio: "workshop".to_owned(),
    };
    agents::enrol(&mut ledger, profile).unwrap();
    fs::write(folder.join("ada.next.pem"), "rot").unwrap();
    agents::rotate(&mut ledger, "ada").unwrap();
    // In force, and damaged: the older key is none.
    fs::rename(folder.join("ada.pem"), folder.join("ada.next.pem")).unwrap();
    flip(&folder.join("ada.next.pem"), 1);
    let retired = key_files(&world).into_keys();
    let mut retired = retired.filter(|path| path.to_string_lossy().contains("ada.retired-"));
    fs::copy(retired.next().unwrap(), folder.join("ada.pem")).unwrap();
    let refusal = agents::rotate(&mut ledger, "ada").unwrap_err();
    assert!(matches!(refusal, Error::OpenKey { .. }), "{refusal}");
}
