//! A log's keys, of which the older ones sign no more once a newer one has.

use std::fs;

use chaos_log::{Checkpoint, LogKey, Policy, prove_consistency, root_at};
use chaos_witness::{AddCheckpoint, OpenError, Witness, origin_hash};
use tempfile::TempDir;

use crate::{NOW_S, ORIGIN, log_of, witness_key};

fn key(seed: u8) -> LogKey {
    LogKey::from_seed(ORIGIN.parse().unwrap(), &[seed; 32])
}

fn policy(seeds: &[u8]) -> Policy {
    let lines: String =
        seeds.iter().map(|seed| format!("log {}\n", key(*seed).verifier())).collect();
    Policy::parse(format!("{lines}quorum none\n").as_bytes()).unwrap()
}

/// A request to go from `old` to `size` by these keys.
fn by(seeds: &[u8], old: u64, size: u64) -> AddCheckpoint {
    let log = log_of(size, "ours");
    let proof = prove_consistency(&log, old, size).unwrap().hashes().to_vec();
    let claimed = Checkpoint::new(ORIGIN, size, root_at(&log, size).unwrap()).unwrap();
    let mut note = claimed.clone().sign(&key(seeds[0])).unwrap();
    for seed in &seeds[1..] {
        let other = claimed.clone().sign(&key(*seed)).unwrap();
        note.add(other.note().signatures()[0].clone()).unwrap();
    }
    AddCheckpoint::new(old, proof, note).unwrap()
}

struct Memories {
    folder: TempDir,
    elsewhere: TempDir,
}

impl Memories {
    fn new() -> Self {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Self { folder, elsewhere }
    }

    fn open(&self, seeds: &[u8]) -> Result<Witness, OpenError> {
        let witness = Witness::open(self.folder.path(), witness_key(), &policy(seeds))?;
        witness.remembering(self.elsewhere.path())
    }

    /// What a witness with this policy, which begins anew, answers.
    fn ask(&self, seeds: &[u8], request: &AddCheckpoint) -> (u16, String) {
        let witness = self.open(seeds).unwrap();
        let answer = witness.add_checkpoint(request.to_string().as_bytes(), NOW_S).unwrap();
        (answer.status, answer.body)
    }
}

#[test]
fn older_key_signs_no_more_once_a_head_by_a_newer_one_was_cosigned() {
    let memories = Memories::new();
    let all = [1, 3, 4];
    for (signers, old, size) in [(&[1][..], 0, 3), (&[1, 3], 3, 4), (&[3], 4, 6), (&[4], 6, 8)] {
        assert_eq!(memories.ask(&all, &by(signers, old, size)).0, 200, "{size}");
        for superseded in all.iter().take_while(|seed| *seed != signers.last().unwrap()) {
            // It goes on from what was cosigned, and one entry further.
            let (status, body) = memories.ask(&all, &by(&[*superseded], size, size + 1));
            assert_eq!(status, 403, "{body}");
            assert!(body.contains("the older key signs no more"), "{body}");
        }
    }
    // Whichever of the two memories is left, and whatever the policy has then.
    fs::remove_dir_all(memories.folder.path().join("logs")).unwrap();
    assert_eq!(memories.ask(&all, &by(&[3], 8, 9)).0, 403);
    assert_eq!(memories.ask(&[1, 3], &by(&[3], 8, 9)).0, 403);
    assert_eq!(memories.ask(&all, &by(&[4], 8, 9)).0, 200);
    let keys = memories.folder.path().join("logs").join(origin_hash(ORIGIN)).join("keys");
    assert_eq!(fs::read_to_string(&keys).unwrap().lines().count(), 3);
}

#[test]
fn what_was_cosigned_before_keys_were_remembered_tells_which_is_the_newest() {
    let memories = Memories::new();
    assert_eq!(memories.ask(&[1, 3], &by(&[1, 3], 0, 4)).0, 200);
    for folder in [memories.folder.path(), memories.elsewhere.path()] {
        remove_keys(folder);
    }
    assert_eq!(memories.ask(&[1, 3], &by(&[1], 4, 5)).0, 403);
    assert_eq!(memories.ask(&[1, 3], &by(&[3], 4, 5)).0, 200);
}

fn remove_keys(folder: &std::path::Path) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            remove_keys(&entry);
        } else if entry.to_string_lossy().ends_with("keys") {
            fs::remove_file(entry).unwrap();
        }
    }
}

#[test]
fn lines_in_the_wrong_order_are_told_and_can_be_set_right() {
    let memories = Memories::new();
    assert_eq!(memories.ask(&[1], &by(&[1], 0, 3)).0, 200);
    let refused = memories.open(&[3, 1]).unwrap_err();
    assert!(matches!(&refused, OpenError::Above { .. }), "{refused}");
    let of_both = [key(3).verifier().to_string(), key(1).verifier().to_string()];
    let expected = format!("the line of `{}` above that of `{}`", of_both[0], of_both[1]);
    assert!(refused.to_string().contains(&expected), "{refused}");
    assert_eq!(memories.ask(&[1, 3], &by(&[3], 3, 5)).0, 200);
    let refused = memories.open(&[3, 1]).unwrap_err();
    assert!(matches!(&refused, OpenError::Order { .. }), "{refused}");
    // A third key in the place of both.
    assert_eq!(memories.ask(&[4], &by(&[4], 5, 6)).0, 200);
    assert!(matches!(memories.open(&[4, 1]), Err(OpenError::Order { .. })));
}

#[test]
fn lines_that_were_in_the_wrong_order_before_any_head_are_told_and_can_be_set_right() {
    let memories = Memories::new();
    let wrong = [3, 1];
    let witness = memories.open(&wrong).unwrap();
    let held = |witness: &Witness| witness.notices().unwrap()[0].to_string();
    assert!(held(&witness).ends_with("no head was cosigned yet"), "{}", held(&witness));
    let ask = |request: AddCheckpoint| {
        let answer = witness.add_checkpoint(request.to_string().as_bytes(), NOW_S).unwrap();
        (answer.status, answer.notice.map(|notice| notice.to_string()).unwrap_or_default())
    };
    // The first head that holds the delegation has the lines of both keys.
    let (status, said) = ask(by(&[1, 3], 0, 4));
    assert_eq!(status, 200);
    let newer = key(3).verifier().to_string();
    let expected = format!("none by {newer} is any more");
    assert!(said.contains(&expected) && said.contains("swap the two lines"), "{said}");
    let (status, said) = ask(by(&[3], 4, 5));
    assert_eq!(status, 403);
    assert!(said.contains(&expected), "{said}");
    // It is said once to those who run it, and each time to those who ask.
    assert_eq!(ask(by(&[3], 4, 6)), (403, String::new()));
    drop(witness);
    // The line stood there before, so that it is no reason to begin no more.
    let witness = memories.open(&wrong).unwrap();
    let older = format!("the last head was cosigned by {}", key(1).verifier());
    assert!(held(&witness).ends_with(&older), "{}", held(&witness));
    drop(witness);
    assert_eq!(memories.ask(&[1, 3], &by(&[3], 4, 5)).0, 200);
    assert!(matches!(memories.open(&wrong), Err(OpenError::Order { .. })));
}

#[test]
fn witness_that_begins_after_a_rotation_goes_on_with_the_lines_that_it_began_with() {
    let memories = Memories::new();
    assert_eq!(memories.ask(&[1, 3], &by(&[3], 0, 4)).0, 200);
    assert_eq!(memories.ask(&[1, 3], &by(&[3], 4, 5)).0, 200);
    // One that came above them since.
    assert!(matches!(memories.open(&[4, 1, 3]), Err(OpenError::Above { .. })));
    assert_eq!(memories.ask(&[1, 3, 4], &by(&[4], 5, 6)).0, 200);
}
