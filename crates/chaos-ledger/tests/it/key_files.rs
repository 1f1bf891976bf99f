//! Key files: no step of a handover takes the place of another key, and what people copy beside them is no key of
//! a rotation's.

use std::{collections::BTreeSet, fs};

use chaos_agency::action::Role;
use chaos_ledger::{Keys, Password, Settled, agents, delegations_by_key_files};

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
    let Settled { is_root, aside } = ledger.settle(Role::Operator).unwrap();
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
    assert_eq!(settled, Settled { is_root: true, aside: None });
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
