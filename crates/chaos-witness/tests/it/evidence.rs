//! What a witness keeps of a log that lies.

use std::{fs, path::PathBuf};

use chaos_log::{ForkProof, SignedCheckpoint};
use chaos_witness::{AddCheckpoint, EVIDENCE_MAX, origin_hash};

use crate::{Fixture, ORIGIN, honest, log_key, of_branch};

fn kept(fixture: &Fixture, ending: &str) -> Vec<PathBuf> {
    let folder = fixture.folder.path().join("refused").join(origin_hash(ORIGIN));
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().unwrap() == ending).collect()
}

#[test]
fn two_roots_for_one_size_leave_a_fork_proof() {
    let fixture = Fixture::at(5);
    let theirs = of_branch(0, 5, "theirs").checkpoint().clone();
    // Whatever old size the request names: the two notes contradict each other.
    for (old, status) in [(5, 422), (0, 409), (4, 409)] {
        let request = AddCheckpoint::new(old, vec![], theirs.clone()).unwrap();
        assert_eq!(fixture.ask(&request).status, status);
    }
    let [path] = kept(&fixture, "fork").try_into().expect("one proof, not three");
    let proof = ForkProof::parse(&fs::read(path).unwrap()).unwrap();
    assert_eq!(proof.log(), log_key().verifier());
    let sizes = [proof.first(), proof.second()].map(|note| note.claimed().size());
    assert_eq!(sizes, [5, 5]);
}

#[test]
fn a_note_that_does_not_continue_is_kept_and_shows_the_fork_to_whoever_has_the_tiles() {
    let fixture = Fixture::at(5);
    let forked = of_branch(5, 9, "theirs");
    assert_eq!(fixture.ask(&forked).status, 422);
    assert_eq!(fixture.ask(&forked).status, 422);
    let [path] = kept(&fixture, "note").try_into().expect("one note, not two");
    let note = SignedCheckpoint::parse(&fs::read(path).unwrap()).unwrap();
    let tiles = crate::log_of(9, "theirs");
    let ours = honest(0, 5).checkpoint().clone();
    let proof = ForkProof::find(log_key().verifier(), &ours, &note, &tiles).unwrap();
    assert!(proof.is_some());
    assert!(kept(&fixture, "fork").is_empty());
}

#[test]
fn evidence_is_bounded_and_honest_notes_do_not_crowd_out_forks() {
    let fixture = Fixture::at(5);
    for size in 6..6 + EVIDENCE_MAX as u64 + 10 {
        let honest = honest(0, size).checkpoint().clone();
        assert_eq!(fixture.ask(&AddCheckpoint::new(5, vec![], honest).unwrap()).status, 422);
    }
    assert_eq!(kept(&fixture, "note").len(), EVIDENCE_MAX);
    let theirs = of_branch(0, 5, "theirs").checkpoint().clone();
    assert_eq!(fixture.ask(&AddCheckpoint::new(5, vec![], theirs).unwrap()).status, 422);
    assert_eq!(kept(&fixture, "fork").len(), 1);
}

#[test]
fn what_says_nothing_of_the_log_leaves_nothing() {
    let fixture = Fixture::at(5);
    assert_eq!(fixture.ask(&honest(0, 9)).status, 409);
    assert_eq!(fixture.ask(&honest(0, 3)).status, 409);
    let forged = honest(0, 9).to_string().replacen("\n9\n", "\n8\n", 1);
    let answer = fixture.witness.add_checkpoint(forged.as_bytes(), crate::NOW_S).unwrap();
    assert_eq!(answer.status, 403);
    assert!(kept(&fixture, "note").is_empty() && kept(&fixture, "fork").is_empty());
}
