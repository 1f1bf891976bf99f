//! Fork proofs against those that Python makes and judges (`fixtures/forks/forks.py`), against
//! honest logs, and against every changed byte.

use chaos_log::{
    CHECKPOINT_BYTES_MAX, Checkpoint, CheckpointError, FORK_BYTES_MAX, FindError, ForkError,
    ForkKind, ForkProof, Hash, LogKey, MemoryLog, PrefixProof, ProofError, ProveError,
    SignedCheckpoint, WitnessKey, prove_consistency, prove_prefix, root_at,
};
use proptest::prelude::*;

use crate::{leaf, log_of};

const ORIGIN: &str = "example.com/log";

fn key() -> LogKey {
    LogKey::from_seed(ORIGIN.parse().unwrap(), &[1; 32])
}

/// A log that has other entries than [`log_of`] from `from` on.
fn forked(size: u64, from: u64) -> MemoryLog {
    let mut log = MemoryLog::new();
    let leaves = (0..size).map(|index| {
        if index < from { leaf(index) } else { format!("other {index}").into_bytes() }
    });
    log.append_batch(leaves.collect()).unwrap();
    log
}

fn head(size: u64, root: Hash) -> SignedCheckpoint {
    Checkpoint::new(ORIGIN, size, root).unwrap().sign(&key()).unwrap()
}

fn head_of(log: &MemoryLog) -> SignedCheckpoint {
    head(log.size(), log.root())
}

fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/forks/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

/// The fork of a log at entry 3: `size` entries on one side, `other` on the other.
fn found(size: u64, other: u64) -> ForkProof {
    let (ours, theirs) = (log_of(size), forked(other, 3));
    let larger = if size > other { &ours } else { &theirs };
    let key = key();
    let found = ForkProof::find(key.verifier(), &head_of(&ours), &head_of(&theirs), larger);
    found.unwrap().expect("the two differ from entry 3 on")
}

#[test]
fn writes_the_proofs_that_python_writes() {
    let check = |name: &str, proof: &ForkProof, kind: ForkKind| {
        assert_eq!(proof.to_string().as_bytes(), golden(name), "{name}");
        assert_eq!(&ForkProof::parse(&golden(name)).unwrap(), proof);
        assert_eq!(proof.kind(), kind);
        assert_eq!(proof.log(), key().verifier());
        assert!(golden(name).len() < 2_000, "far below the limit");
    };
    check("root.fork", &found(13, 13), ForkKind::Root);
    check("prefix.fork", &found(7, 13), ForkKind::Prefix);
    check("prefix-8.fork", &found(8, 70), ForkKind::Prefix);
}

#[test]
fn a_fork_is_said_in_a_sentence() {
    assert_eq!(
        found(7, 13).sentence(),
        "log example.com/log forked: the tree of size 13 that it signed does not start with the \
         tree of size 7 that it signed"
    );
    let proof = found(13, 13);
    let (first, second) = (proof.first().claimed().root(), proof.second().claimed().root());
    let expect =
        format!("log example.com/log forked: it signed roots {first} and {second} for size 13");
    assert_eq!(proof.sentence(), expect);
}

#[test]
fn honest_pairs_of_every_size_up_to_70_make_no_proof() {
    let log = log_of(70);
    let key = key();
    let heads: Vec<_> = (0..=70).map(|size| head(size, root_at(&log, size).unwrap())).collect();
    for one in &heads {
        for other in &heads {
            assert_eq!(ForkProof::find(key.verifier(), one, other, &log), Ok(None));
        }
    }
}

#[test]
fn every_pair_that_parted_makes_a_proof_that_reads_back() {
    for size in 4..=70 {
        for other in [4, 5, 7, 8, 9, 16, 31, 32, 33, 64, 70] {
            let proof = found(size, other);
            assert_eq!(ForkProof::parse(proof.to_string().as_bytes()).unwrap(), proof);
        }
    }
}

#[test]
fn the_empty_tree_starts_every_tree_but_under_its_own_root_alone() {
    let (log, key) = (log_of(5), key());
    let false_root = head(0, log.root());
    let found = ForkProof::find(key.verifier(), &false_root, &head_of(&log), &log).unwrap();
    let proof = found.unwrap();
    assert_eq!(ForkProof::parse(proof.to_string().as_bytes()).unwrap(), proof);
}

#[test]
fn any_changed_byte_is_refused() {
    for name in ["root.fork", "prefix.fork", "prefix-8.fork"] {
        let golden = golden(name);
        for position in 0..golden.len() {
            for flip in [0x01, 0x20, 0x80] {
                let mut bytes = golden.clone();
                bytes[position] ^= flip;
                assert!(ForkProof::parse(&bytes).is_err(), "{name}, byte {position} ^ {flip}");
            }
        }
        for length in 0..golden.len() {
            assert!(ForkProof::parse(&golden[..length]).is_err(), "{name} cut at {length}");
        }
        assert!(ForkProof::parse(&[golden.as_slice(), b"\n"].concat()).is_err());
    }
}

#[test]
fn a_changed_order_is_refused() {
    let text = String::from_utf8(golden("root.fork")).unwrap();
    let parts: Vec<&str> = text.splitn(2, "\n\n").collect();
    let notes: Vec<&str> = parts[1].split("\n\n").collect();
    let (first, second) = (notes[..2].join("\n\n"), notes[2..].join("\n\n"));
    let swapped = format!("{}\n\n{second}\n{first}\n", parts[0]);
    assert_eq!(swapped.len(), text.len());
    let refusal = ForkProof::parse(swapped.as_bytes()).unwrap_err();
    assert!(matches!(refusal, ForkError::Form { expected: "one spelling", .. }), "{refusal}");

    let text = String::from_utf8(golden("prefix.fork")).unwrap();
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.swap(3, 4);
    let refusal = ForkProof::parse(lines.join("\n").as_bytes()).unwrap_err();
    assert!(matches!(refusal, ForkError::Prefix(ProofError::NewRoot { .. })), "{refusal}");
}

#[track_caller]
fn check(bytes: &[u8], expect: &str) {
    assert_eq!(ForkProof::parse(bytes).unwrap_err().to_string(), expect);
}

#[test]
fn damaged_proofs_are_refused_by_name() {
    let text = String::from_utf8(golden("prefix.fork")).unwrap();
    let with = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    check(&vec![b'a'; FORK_BYTES_MAX + 1], "fork proof has 16385 bytes, the limit is 16384");
    check(b"\xff", "fork proof is not UTF-8 at byte 0");
    let parts = "a head and two notes, with an empty line between them and none within";
    check(b"text", &format!("fork proof should have {parts}, found `text`"));
    check(
        &with("fork/1", "fork/2"),
        "fork proof should have `chaoschain-fork/1` in its first line, found `chaoschain-fork/2`",
    );
    check(
        &with("kind prefix", "kind state"),
        "fork proof should have `kind root` or `kind prefix`, found `kind state`",
    );
    let line: String =
        text.lines().nth(2).unwrap().replacen("log", "key", 1).chars().take(80).collect();
    let expect = format!("fork proof should have `log <verifier key>`, found `{line}`");
    check(&with("log example.com", "key example.com"), &expect);
    check(&with("example.com/log+", "example.org/log+"), "fork proof names no usable key");
    check(&with("=\n", "\n"), "fork proof has a line that is not a hash");
    let longer = text.replacen("\n\n", "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n", 1);
    check(longer.as_bytes(), "the hashes of the fork proof are not those of the newer tree");
    let other = LogKey::from_seed("example.org/log".parse().unwrap(), &[1; 32]);
    let named = with(&key().verifier().to_string(), &other.verifier().to_string());
    check(&named, "a note of the fork proof is not a checkpoint of the log");
    let root = String::from_utf8(golden("root.fork")).unwrap();
    let hashed = root.replacen("\n\n", "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n", 1);
    let refusal = ForkProof::parse(hashed.as_bytes()).unwrap_err().to_string();
    assert!(refusal.starts_with("fork proof should have no hashes in a proof of kind root"));
}

#[test]
fn notes_that_do_not_contradict_each_other_make_no_proof() {
    let (log, key) = (log_of(9), key());
    let log_key = key.verifier().clone();
    let (small, large) = (head(5, root_at(&log, 5).unwrap()), head_of(&log));
    let prefix = prove_prefix(&log, 5, 9).unwrap();
    let make = |a: &SignedCheckpoint, b: &SignedCheckpoint, prefix: PrefixProof| {
        ForkProof::of_prefix(log_key.clone(), a.clone(), b.clone(), prefix).unwrap_err().to_string()
    };
    let root = root_at(&log, 5).unwrap();
    assert_eq!(
        make(&small, &large, prefix.clone()),
        format!("the log did not fork: the tree of size 5 has root {root} either way")
    );
    assert_eq!(
        make(&large, &small, prefix.clone()),
        "a fork of kind prefix has a smaller and a larger size, found sizes 9 and 5"
    );
    let theirs = forked(9, 3);
    assert_eq!(
        make(&small, &large, prove_prefix(&theirs, 5, 9).unwrap()),
        "the hashes of the fork proof are not those of the newer tree"
    );
    let refusal = ForkProof::of_roots(log_key.clone(), small, large.clone()).unwrap_err();
    assert_eq!(refusal.to_string(), "a fork of kind root has one size, found sizes 5 and 9");
    let refusal = ForkProof::of_roots(log_key, large.clone(), large).unwrap_err();
    assert!(matches!(refusal, ForkError::Consistent { size: 9, .. }), "{refusal}");
}

#[test]
fn only_what_the_log_itself_signed_accuses_it() {
    let (ours, theirs) = (log_of(9), forked(9, 3));
    let stranger = LogKey::from_seed(ORIGIN.parse().unwrap(), &[2; 32]);
    let forged = Checkpoint::new(ORIGIN, 9, theirs.root()).unwrap().sign(&stranger).unwrap();
    let refusal =
        ForkProof::of_roots(key().verifier().clone(), head_of(&ours), forged).unwrap_err();
    assert!(matches!(refusal, ForkError::Note(_)), "{refusal}");
}

#[test]
fn tiles_of_neither_tree_prove_nothing() {
    let (ours, theirs) = (head_of(&log_of(5)), head_of(&forked(9, 3)));
    let elsewhere = forked(9, 1);
    let key = key();
    let found = ForkProof::find(key.verifier(), &ours, &theirs, &elsewhere);
    assert!(matches!(found, Err(FindError::Fork(ForkError::Prefix(_)))), "{found:?}");
    let found = ForkProof::find(key.verifier(), &ours, &theirs, &log_of(6));
    assert!(matches!(found, Err(FindError::Tiles(ProveError::Narrow { .. }))), "{found:?}");
}

#[test]
fn cosignatures_travel_with_the_notes() {
    let witness = WitnessKey::from_seed("example.org/w".parse().unwrap(), &[9; 32]);
    let (mut ours, theirs) = (head_of(&log_of(9)), head_of(&forked(9, 3)));
    ours.add(witness.cosign(&ours, 5).unwrap()).unwrap();
    let proof = ForkProof::of_roots(key().verifier().clone(), ours, theirs).unwrap();
    let read = ForkProof::parse(proof.to_string().as_bytes()).unwrap();
    let cosigned = [read.first(), read.second()].map(|note| witness.verifier().cosigned(note));
    assert!(cosigned.contains(&Ok(Some(5))));
}

#[test]
fn whatever_a_key_signs_can_be_held_against_it() {
    // The longest name, and the longest text that a checkpoint with it can have.
    let (size, root) = (u64::MAX >> 1, Hash::from_bytes([1; 32]));
    let room = CHECKPOINT_BYTES_MAX - format!("\n{size}\n{root}\n").len();
    for name in ["n".repeat(room), "n".to_owned()] {
        let key = LogKey::from_seed(name.parse().unwrap(), &[1; 32]);
        let signed = |size: u64, fill: u8| {
            let plain = Checkpoint::new(&name, size, Hash::from_bytes([fill; 32])).unwrap();
            let room = CHECKPOINT_BYTES_MAX - plain.to_string().len();
            let more = if room > 1 { format!("{}\n", "x".repeat(room - 1)) } else { String::new() };
            Checkpoint::parse(&format!("{plain}{more}")).unwrap().sign(&key).unwrap()
        };
        let (mut one, other) = (signed(size, 1), signed(size, 2));
        let witness = WitnessKey::from_seed("example.org/w".parse().unwrap(), &[9; 32]);
        for time_s in 1..100 {
            one.add(witness.cosign(&one, time_s).unwrap()).unwrap();
        }
        let proof = ForkProof::of_roots(key.verifier().clone(), one, other).unwrap();
        // The most hashes that a proof of the other kind has.
        let hashes = 65 * (Hash::from_bytes([0; 32]).to_string().len() + 1);
        assert!(proof.to_string().len() + hashes <= FORK_BYTES_MAX);
        assert_eq!(ForkProof::parse(proof.to_string().as_bytes()).unwrap(), proof);
    }
    let longer = Checkpoint::new(&"n".repeat(room + 1), size, root).unwrap_err();
    let bytes = CHECKPOINT_BYTES_MAX + 1;
    assert_eq!(longer, CheckpointError::TooLong { bytes });
    let text = format!("log\n5\n{root}\n{}\n", "x".repeat(17_000));
    let refusal = Checkpoint::parse(&text).unwrap_err();
    assert!(matches!(refusal, CheckpointError::TooLong { .. }), "{refusal}");
}

#[test]
fn lines_that_a_key_laid_once_more_are_left_away_from_a_proof() {
    let key = key();
    let (ours, theirs) = (head_of(&log_of(9)), head_of(&forked(9, 3)));
    let doubled = |note: &SignedCheckpoint| {
        let text = note.to_string();
        let line = text.lines().last().unwrap();
        let lines = format!("{text}{}", format!("{line}\n").repeat(99));
        SignedCheckpoint::parse(lines.as_bytes()).unwrap()
    };
    let plain = ForkProof::of_roots(key.verifier().clone(), ours.clone(), theirs.clone()).unwrap();
    let (ours, theirs) = (doubled(&ours), doubled(&theirs));
    assert!(ours.to_string().len() + theirs.to_string().len() > FORK_BYTES_MAX);
    assert_eq!(ForkProof::of_roots(key.verifier().clone(), ours, theirs).unwrap(), plain);
}

proptest! {
    #[test]
    fn a_prefix_proof_is_a_consistency_proof_with_its_first_node(sizes in (1u64..600, 1u64..600)) {
        let (old, new) = (sizes.0, sizes.0 + sizes.1);
        let log = log_of(new);
        let prefix = prove_prefix(&log, old, new).unwrap();
        let consistency = prove_consistency(&log, old, new).unwrap();
        let without = usize::from(old.is_power_of_two());
        prop_assert_eq!(&prefix.hashes()[without..], consistency.hashes());
        prop_assert_eq!(prefix.old_root(&log.root()).unwrap(), root_at(&log, old).unwrap());
        let read = PrefixProof::new(old, new, prefix.hashes().to_vec());
        prop_assert_eq!(read.as_ref(), Ok(&prefix));
        let longer = [prefix.hashes(), prefix.hashes()].concat();
        let is_length = matches!(PrefixProof::new(old, new, longer), Err(ProofError::Length { .. }));
        prop_assert!(is_length);
        let turned = PrefixProof::new(new, old, prefix.hashes().to_vec());
        prop_assert_eq!(turned, Err(ProofError::Sizes { old_size: new, new_size: old }));
    }
}
