use chaos_types::{Digest, canonical};

use super::{ScoreDocument, score_document};
use crate::{Evidence, EvidenceClass, Outcome, Params, TASK_UNIT_MICRO, score};

fn fact(outcome: Outcome) -> Evidence {
    Evidence {
        receipt: Digest::of(b"receipt"),
        agent: "worker".to_owned(),
        domain: "governance".to_owned(),
        role: "researcher".to_owned(),
        payer: "sponsor".to_owned(),
        task_class: "fee-analysis".to_owned(),
        at_ms: 0,
        outcome,
        class: EvidenceClass::Replayable,
        units_micro: TASK_UNIT_MICRO,
    }
}

#[test]
fn layout_is_the_one_that_other_programs_read() {
    // A golden vector: receipts name the digest of these bytes.
    let text = canonical::to_vec(&ScoreDocument::new(9, &[fact(Outcome::Failure)])).unwrap();
    let expected = format!(
        concat!(
            r#"{{"as_of_ms":"9","evidence":[{{"agent":"worker","at_ms":"0","domain":"governance","#,
            r#""payer":"sponsor","receipt":"{}","replayable":true,"role":"researcher","#,
            r#""success":false,"task_class":"fee-analysis","units_micro":"1000000"}}]}}"#
        ),
        Digest::of(b"receipt")
    );
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[test]
fn bytes_in_bytes_out_is_the_score() {
    let facts = [fact(Outcome::Success)];
    let document = canonical::to_vec(&ScoreDocument::new(9, &facts)).unwrap();
    let direct = score(&facts, 9, &Params::default()).unwrap();
    let table = score_document(&document).unwrap();
    assert_eq!(Digest::of(&table), direct.digest().unwrap());
}

#[test]
fn refusals_say_what_and_where() {
    let error = score_document(br#"{"as_of_ms":"1"}"#).unwrap_err();
    assert!(!error.is_no_answer());
    assert_eq!(
        error.text(),
        "evidence: unexpected shape: missing field `evidence` at line 1 column 16"
    );
    let facts = [fact(Outcome::Success), fact(Outcome::Failure)];
    let error = score_document(&canonical::to_vec(&ScoreDocument::new(9, &facts)).unwrap());
    let error = error.unwrap_err();
    assert!(error.is_no_answer());
    let receipt = Digest::of(b"receipt");
    assert_eq!(
        error.text(),
        format!("score: receipt {receipt} makes two different claims about worker")
    );
}
