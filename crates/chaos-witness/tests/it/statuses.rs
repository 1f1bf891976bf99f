//! The statuses of `add-checkpoint`, in the order in which the specification has them.

use chaos_log::{Checkpoint, EMPTY_ROOT, LogKey, Policy, Signature, SignedCheckpoint, root_at};
use chaos_witness::{AddCheckpoint, Witness};

use crate::{
    Fixture, NOW_S, ORIGIN, honest, known, log_key, log_of, of_branch, signed, witness_key,
};

#[track_caller]
fn check(fixture: &Fixture, request: &AddCheckpoint, status: u16, content_type: &str, body: &str) {
    let before = fixture.size();
    let answer = fixture.ask(request);
    assert_eq!((answer.status, answer.content_type), (status, content_type), "{}", answer.body);
    assert_eq!(answer.body, body);
    assert!(!answer.body.contains('\u{2014}'), "no cosignature on a refusal");
    assert_eq!(fixture.size(), before, "a refusal changes nothing");
}

const TEXT: &str = "text/plain; charset=utf-8";

#[test]
fn a_log_grows_and_each_step_is_cosigned() {
    let fixture = Fixture::new();
    assert_eq!(fixture.size(), None);
    let mut old = 0;
    for size in [0, 1, 1, 2, 7, 8, 9, 300, 300] {
        let request = honest(old, size);
        let answer = fixture.ask(&request);
        assert_eq!((answer.status, answer.content_type), (200, TEXT));
        let mut note = request.checkpoint().clone();
        for line in Signature::parse_lines(answer.body.as_bytes()).unwrap() {
            note.add(line).unwrap();
        }
        assert_eq!(witness_key().verifier().cosigned(&note).unwrap(), Some(NOW_S));
        let served = fixture.witness.checkpoint(&chaos_witness::origin_hash(ORIGIN)).unwrap();
        assert_eq!(served.unwrap(), note.to_string().as_bytes(), "what is served is what it said");
        old = size;
    }
}

#[test]
fn an_unknown_log_is_404_whatever_else_is_wrong() {
    let other = LogKey::from_seed("example.com/other".parse().unwrap(), &[1; 32]);
    let note = Checkpoint::new("example.com/other", 1, EMPTY_ROOT).unwrap().sign(&other).unwrap();
    let request = AddCheckpoint::new(7, vec![EMPTY_ROOT], note).unwrap();
    let body = "this witness does not know log `example.com/other`\n";
    check(&Fixture::at(5), &request, 404, TEXT, body);
    let unknown = chaos_witness::origin_hash("example.com/other");
    assert_eq!(Fixture::at(5).witness.checkpoint(&unknown).unwrap(), None);
    assert_eq!(Fixture::at(5).witness.checkpoint("../../witness").unwrap(), None);
}

#[test]
fn a_note_without_a_trusted_signature_is_403_before_its_sizes_are_looked_at() {
    let stranger = LogKey::from_seed(ORIGIN.parse().unwrap(), &[9; 32]);
    let note = Checkpoint::new(ORIGIN, 1, EMPTY_ROOT).unwrap().sign(&stranger).unwrap();
    let request = AddCheckpoint::new(7, vec![], note).unwrap();
    let id = log_key().verifier().id();
    let body = format!(
        "the checkpoint is not signed by a key that this witness trusts for the log: note carries no \
         signature by `{ORIGIN}` ({id})\n"
    );
    check(&Fixture::at(5), &request, 403, TEXT, &body);
}

#[test]
fn a_false_line_under_a_trusted_key_is_403_though_another_is_good() {
    let honest = honest(0, 5);
    let false_line = signed(4, EMPTY_ROOT).note().signatures()[0].clone();
    let mut note = honest.checkpoint().clone();
    note.add(false_line).unwrap();
    let request = AddCheckpoint::new(0, vec![], note).unwrap();
    let id = log_key().verifier().id();
    let body = format!(
        "the checkpoint is not signed by a key that this witness trusts for the log: signature by \
         `{ORIGIN}` ({id}) is not valid\n"
    );
    check(&Fixture::new(), &request, 403, TEXT, &body);
}

#[test]
fn an_old_size_above_the_new_one_is_400_before_the_last_size_is_told() {
    let note = honest(0, 5).checkpoint().clone();
    let request = AddCheckpoint::new(6, vec![], note).unwrap();
    check(&Fixture::at(3), &request, 400, TEXT, "old size 6 is above the checkpoint's, 5\n");
}

#[test]
fn another_old_size_than_the_last_one_is_409_with_that_size() {
    let size = "text/x.tlog.size";
    check(&Fixture::at(5), &honest(0, 9), 409, size, "5\n");
    check(&Fixture::at(5), &honest(4, 9), 409, size, "5\n");
    check(&Fixture::new(), &honest(4, 9), 409, size, "0\n");
    // A shorter log than the one that was cosigned, asked for honestly: a rollback.
    check(&Fixture::at(9), &honest(0, 5), 409, size, "9\n");
    // The conflict comes before the proof is looked at.
    let note = honest(0, 9).checkpoint().clone();
    check(&Fixture::at(5), &AddCheckpoint::new(4, vec![], note).unwrap(), 409, size, "5\n");
}

#[test]
fn what_the_proof_does_not_show_is_422() {
    let fixture = Fixture::at(5);
    let (log, forked) = (honest(5, 9), of_branch(5, 9, "theirs"));
    let begins = "the proof does not show that the log continues from size 5: ";
    let refused = |request: &AddCheckpoint| {
        let answer = fixture.ask(request);
        assert_eq!((answer.status, answer.content_type), (422, TEXT));
        assert!(answer.body.starts_with(begins), "{}", answer.body);
        assert_eq!(fixture.size(), Some(5));
    };
    refused(&AddCheckpoint::new(5, vec![], log.checkpoint().clone()).unwrap());
    refused(&AddCheckpoint::new(5, forked.proof().to_vec(), log.checkpoint().clone()).unwrap());
    refused(&forked);
    let longer = [log.proof(), &[EMPTY_ROOT]].concat();
    refused(&AddCheckpoint::new(5, longer, log.checkpoint().clone()).unwrap());
    let mut turned = log.proof().to_vec();
    turned.reverse();
    refused(&AddCheckpoint::new(5, turned, log.checkpoint().clone()).unwrap());
    // The same size with a proof, where there is nothing to prove.
    let again = honest(0, 5).checkpoint().clone();
    refused(&AddCheckpoint::new(5, vec![EMPTY_ROOT], again).unwrap());
    assert_eq!(fixture.ask(&log).status, 200, "the honest request still goes through");
}

#[test]
fn the_empty_log_has_one_root_and_no_proof() {
    let root = log_of(1, "ours").root();
    let request = AddCheckpoint::new(0, vec![], signed(0, root)).unwrap();
    let body = format!("the root of an empty log is {EMPTY_ROOT}, found {root}\n");
    check(&Fixture::new(), &request, 422, TEXT, &body);
    let request = AddCheckpoint::new(0, vec![EMPTY_ROOT], signed(0, EMPTY_ROOT)).unwrap();
    let fixture = Fixture::new();
    assert_eq!(fixture.ask(&request).status, 422);
    let request = AddCheckpoint::new(0, vec![EMPTY_ROOT], honest(0, 1).checkpoint().clone());
    assert_eq!(fixture.ask(&request.unwrap()).status, 422, "old size 0 has no proof");
    assert_eq!(fixture.size(), None);
    assert_eq!(fixture.ask(&honest(0, 0)).status, 200);
    assert_eq!(fixture.size(), Some(0));
}

#[test]
fn another_root_for_the_last_size_is_422() {
    let fixture = Fixture::at(5);
    let theirs = of_branch(0, 5, "theirs").checkpoint().clone();
    let request = AddCheckpoint::new(5, vec![], theirs.clone()).unwrap();
    let (last, found) = (root_at(&log_of(5, "ours"), 5).unwrap(), theirs.claimed().root());
    let body = format!("the log signed another root for size 5, {last}, before {found}\n");
    check(&fixture, &request, 422, TEXT, &body);
}

#[test]
fn bodies_that_are_no_request_are_400() {
    let fixture = Fixture::at(5);
    for body in ["", "old 5\n", "old 5\n\n", "old 05\n\nx\n", "old 5\nAAAA\n\nx\n"] {
        let answer = fixture.witness.add_checkpoint(body.as_bytes(), NOW_S).unwrap();
        assert_eq!((answer.status, answer.content_type), (400, TEXT), "{body:?}");
    }
    assert_eq!(fixture.size(), Some(5));
}

#[test]
fn lines_by_others_are_neither_needed_nor_kept() {
    let fixture = Fixture::new();
    let stranger = LogKey::from_seed(ORIGIN.parse().unwrap(), &[9; 32]);
    let request = honest(0, 5);
    let mut note = request.checkpoint().clone();
    let unknown = note.claimed().clone().sign(&stranger).unwrap();
    note.add(unknown.note().signatures()[0].clone()).unwrap();
    assert_eq!(fixture.ask(&AddCheckpoint::new(0, vec![], note).unwrap()).status, 200);
    let served = fixture.witness.checkpoint(&chaos_witness::origin_hash(ORIGIN)).unwrap();
    let served = SignedCheckpoint::parse(&served.unwrap()).unwrap();
    assert_eq!(served.note().signatures().len(), 2, "the log's and the witness's");
    served.verify(log_key().verifier()).unwrap();
}

#[test]
fn either_key_of_a_log_is_enough_while_it_exchanges_them() {
    let next = LogKey::from_seed(ORIGIN.parse().unwrap(), &[7; 32]);
    let both = format!("log {}\nlog {}\nquorum none\n", log_key().verifier(), next.verifier());
    let folder = tempfile::tempdir().unwrap();
    let known = Policy::parse(both.as_bytes()).unwrap();
    let witness = Witness::open(folder.path(), witness_key(), &known).unwrap();
    assert_eq!(witness.origins().collect::<Vec<_>>(), [ORIGIN]);
    let ask = |request: &AddCheckpoint| {
        witness.add_checkpoint(request.to_string().as_bytes(), NOW_S).unwrap().status
    };
    assert_eq!(ask(&honest(0, 3)), 200);
    let grown = honest(3, 5);
    let by_next = grown.checkpoint().claimed().clone().sign(&next).unwrap();
    assert_eq!(ask(&AddCheckpoint::new(3, grown.proof().to_vec(), by_next).unwrap()), 200);
    drop(witness);
    // Once the new key alone is trusted, the memory of the old one still holds.
    let only = Policy::parse(format!("log {}\nquorum none\n", next.verifier()).as_bytes()).unwrap();
    let witness = Witness::open(folder.path(), witness_key(), &only).unwrap();
    let grown = honest(5, 9);
    let ask = |request: &AddCheckpoint| {
        witness.add_checkpoint(request.to_string().as_bytes(), NOW_S).unwrap().status
    };
    assert_eq!(ask(&grown), 403, "the old key is not trusted any more");
    let by_next = grown.checkpoint().claimed().clone().sign(&next).unwrap();
    assert_eq!(ask(&AddCheckpoint::new(5, grown.proof().to_vec(), by_next).unwrap()), 200);
}

#[test]
fn a_policy_without_logs_makes_no_witness() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = Policy::parse(b"quorum none\n").unwrap();
    let refusal = Witness::open(folder.path(), witness_key(), &nobody).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "no log is named; a witness cosigns those that it was told to know"
    );
    assert!(Witness::open(folder.path(), witness_key(), &known()).is_ok());
}
