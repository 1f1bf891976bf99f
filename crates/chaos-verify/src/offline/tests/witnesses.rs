//! A reader's policy decides whose lines below a head count.

use chaos_log::{Policy, WitnessKey};

use super::*;
use crate::{
    Requirement,
    words::{Placed, Witnessed},
};

fn witness(number: u8) -> WitnessKey {
    let name = format!("witness.example.org/{number}").parse().unwrap();
    WitnessKey::from_seed(name, &[100 + number; 32])
}

/// A policy of two of three witnesses, with `lines` before it.
fn two_of_three(lines: &str) -> Policy {
    let key = |number| witness(number).verifier().clone();
    let text = format!(
        "{lines}witness a {}\nwitness b {}\nwitness c {}\ngroup g 2 a b c\nquorum g\n",
        key(1),
        key(2),
        key(3)
    );
    Policy::parse(text.as_bytes()).unwrap()
}

/// The bundle of the third entry, its head with these signature lines below the log's.
fn with_lines(lines: impl IntoIterator<Item = chaos_log::Signature>) -> Bundle {
    let mut world = World::new();
    let receipt = world.run(AGENT);
    let mut bundle = world.bundle(receipt, &[1]);
    let mut head = world.checkpoint();
    for line in lines {
        head.add(line).unwrap();
    }
    for logged in bundle.history.iter_mut().chain([&mut bundle.receipt]) {
        let proof = TlogProof::parse(logged.proof.as_bytes()).unwrap();
        let inclusion = prove_inclusion(&world.log, proof.index(), world.log.size()).unwrap();
        logged.proof = TlogProof::new(inclusion, head.clone()).unwrap().to_string();
    }
    bundle
}

fn cosigned_by(numbers: &[u8]) -> Bundle {
    let mut world = World::new();
    world.run(AGENT);
    let head = world.checkpoint();
    with_lines(numbers.iter().map(|number| witness(*number).cosign(&head, 1_700).unwrap()))
}

#[track_caller]
fn check(bundle: &Bundle, policy: Option<&Policy>, expect: Result<(Placed, Witnessed), &str>) {
    let report = verify(&bytes(bundle), &Options { policy, ..Options::default() });
    let found = match &report.result {
        Ok(_) => Ok((report.words.placed, report.words.witnessed)),
        Err(rejection) => {
            assert_eq!(rejection.check, Check::Checkpoint, "{rejection}");
            assert_eq!(report.words.witnessed, Witnessed::NotAsked);
            Err(rejection.code.as_str())
        }
    };
    assert_eq!(found, expect, "{:?}", report.outcomes);
}

#[test]
fn quorum_of_the_readers_policy_is_counted_and_nothing_else() {
    let policy = two_of_three("");
    let witnessed = Ok((Placed::InItsOwnLog, Witnessed::Witnessed));
    for (cosigners, expect) in [
        (&[][..], Err("not-witnessed")),
        (&[1], Err("not-witnessed")),
        (&[1, 1], Err("not-witnessed")),
        (&[1, 9, 8], Err("not-witnessed")),
        (&[1, 3], witnessed),
        (&[3, 2, 1], witnessed),
        (&[9, 2, 8, 3], witnessed),
    ] {
        check(&cosigned_by(cosigners), Some(&policy), expect);
    }
    let none = Policy::parse(b"quorum none\n").unwrap();
    let word = Ok((Placed::InItsOwnLog, Witnessed::NoQuorum));
    check(&cosigned_by(&[1]), Some(&none), word);
}

#[test]
fn without_a_policy_lines_of_others_vouch_for_nothing_and_are_named_so() {
    check(&good(), None, Ok((Placed::InItsOwnLog, Witnessed::NotAsked)));
    let bundle = cosigned_by(&[1, 2, 3]);
    check(&bundle, None, Ok((Placed::InItsOwnLog, Witnessed::NotYours)));
    let report = verify(&bytes(&bundle), &Options::default());
    assert!(report.words.to_string().ends_with("; not witnessed by a policy of yours"));
    let alone = verify(&bytes(&good()), &Options::default()).words.to_string();
    assert!(!alone.contains("witness"), "{alone}");
}

#[test]
fn a_false_cosignature_by_a_known_witness_condemns_the_head() {
    let mut world = World::new();
    let earlier = world.checkpoint();
    world.run(AGENT);
    let head = world.checkpoint();
    let lines = [
        witness(1).cosign(&head, 1_700).unwrap(),
        witness(2).cosign(&head, 1_700).unwrap(),
        witness(3).cosign(&earlier, 1_700).unwrap(),
    ];
    let bundle = with_lines(lines);
    check(&bundle, Some(&two_of_three("")), Err("cosignature-false"));
    check(&bundle, None, Ok((Placed::InItsOwnLog, Witnessed::NotYours)));
}

#[test]
fn policy_that_names_logs_says_which_are_trusted() {
    let log = |key: &LogKey| format!("log {}\n", key.verifier());
    let stranger = LogKey::from_seed("other.example/log".parse().unwrap(), &[77; 32]);
    let same_name = LogKey::from_seed("test.example/log".parse().unwrap(), &[78; 32]);
    let bundle = cosigned_by(&[1, 2]);
    let known = two_of_three(&(log(&stranger) + &log(&World::log_key())));
    check(&bundle, Some(&known), Ok((Placed::InTheLog, Witnessed::Witnessed)));
    let both = two_of_three(&(log(&same_name) + &log(&World::log_key())));
    check(&bundle, Some(&both), Ok((Placed::InTheLog, Witnessed::Witnessed)));
    for others in [log(&stranger), log(&same_name), log(&stranger) + &log(&same_name)] {
        check(&bundle, Some(&two_of_three(&others)), Err("log-not-trusted"));
    }
}

#[test]
fn witnesses_can_be_required_of_a_reader_who_named_none() {
    let required = |bundle: &Bundle, policy: Option<&Policy>| {
        let report = verify(&bytes(bundle), &Options { policy, ..Options::default() });
        Requirement::Witnessed.ensure(&report).map_err(|rejection| rejection.code)
    };
    let (bundle, lacks) = (cosigned_by(&[1, 2]), Err(Code::from(Fault::NotWitnessed)));
    let none = Policy::parse(b"quorum none\n").unwrap();
    assert_eq!(required(&bundle, Some(&two_of_three(""))), Ok(()));
    assert_eq!(required(&bundle, Some(&none)), lacks);
    assert_eq!(required(&bundle, None), lacks);
    assert_eq!(required(&good(), None), lacks);
}

#[test]
fn cosignatures_from_before_an_entry_or_from_the_future_do_not_count() {
    // The newest entry was taken in after 1,000 s.
    let mut world = World::new();
    let receipt = world.run(AGENT);
    let (_, leaf) = &mut world.entries[receipt];
    *leaf = Leaf::new(leaf.receipt, 1_000_000);
    let mut log = MemoryLog::new();
    for (_, leaf) in &world.entries {
        log.append(leaf.to_bytes()).unwrap();
    }
    world.log = log;
    let mut head = world.checkpoint();
    for (number, time_s) in [(1, 940), (2, 939), (3, 5_061)] {
        head.add(witness(number).cosign(&world.checkpoint(), time_s).unwrap()).unwrap();
    }
    let mut bundle = world.bundle(receipt, &[1]);
    for logged in bundle.history.iter_mut().chain([&mut bundle.receipt]) {
        let index = TlogProof::parse(logged.proof.as_bytes()).unwrap().index();
        let inclusion = prove_inclusion(&world.log, index, world.log.size()).unwrap();
        logged.proof = TlogProof::new(inclusion, head.clone()).unwrap().to_string();
    }
    let with = |quorum: &str, now_ms| {
        let keys = [1, 2, 3].map(|number| witness(number).verifier().clone());
        let text = format!(
            "witness a {}\nwitness b {}\nwitness c {}\nquorum {quorum}\n",
            keys[0], keys[1], keys[2]
        );
        let policy = Policy::parse(text.as_bytes()).unwrap();
        let options = Options { policy: Some(&policy), now_ms, ..Options::default() };
        verify(&bytes(&bundle), &options).result.map(drop).map_err(|rejection| rejection.code)
    };
    let lacks = Err(Code::from(Fault::NotWitnessed));
    assert_eq!(with("a", Some(5_000_000)), Ok(()));
    assert_eq!(with("b", Some(5_000_000)), lacks);
    assert_eq!(with("c", Some(5_000_000)), lacks);
    assert_eq!(with("c", Some(5_001_000)), Ok(()));
    assert_eq!(with("c", None), Ok(()), "a reader without a clock");
}
