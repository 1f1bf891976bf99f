use chaos_types::{Digest, canonical};

use super::{ScoreDocument, score_document};
use crate::{Evidence, EvidenceClass, Model, Outcome, Params, TASK_UNIT_MICRO, score};

fn fact(outcome: Outcome) -> Evidence {
    Evidence {
        receipt: Digest::of(b"receipt"),
        judged_by: Digest::of(b"vote"),
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

/// The canonical document of a fact for a model.
fn document(model: Model, facts: &[Evidence]) -> Vec<u8> {
    canonical::to_vec(&ScoreDocument::new(model, 9, facts)).unwrap()
}

// Golden vectors: receipts name the digest of these bytes.
#[test]
fn layouts_are_the_ones_that_other_programs_read() {
    let text = document(Model::Belief1, &[fact(Outcome::Failure)]);
    let expected = format!(
        concat!(
            r#"{{"as_of_ms":"9","evidence":[{{"agent":"worker","at_ms":"0","domain":"governance","#,
            r#""payer":"sponsor","receipt":"{}","replayable":true,"role":"researcher","#,
            r#""success":false,"task_class":"fee-analysis","units_micro":"1000000"}}]}}"#
        ),
        Digest::of(b"receipt")
    );
    assert_eq!(String::from_utf8(text).unwrap(), expected);

    let text = document(Model::Belief2, &[fact(Outcome::Failure)]);
    let expected = format!(
        concat!(
            r#"{{"as_of_ms":"9","evidence":[{{"agent":"worker","at_ms":"0","domain":"governance","#,
            r#""judged_by":"{}","payer":"sponsor","receipt":"{}","replayable":true,"#,
            r#""role":"researcher","success":false,"task_class":"fee-analysis","#,
            r#""units_micro":"1000000"}}],"format":"chaos-reputation/evidence/2"}}"#
        ),
        Digest::of(b"vote"),
        Digest::of(b"receipt")
    );
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[test]
fn bytes_in_bytes_out_is_the_score_by_the_model_of_the_layout() {
    let facts = [fact(Outcome::Success)];
    for model in Model::ALL {
        let direct = score(&facts, 9, &Params::of(model)).unwrap();
        let table = score_document(&document(model, &facts)).unwrap();
        assert_eq!(Digest::of(&table), direct.digest().unwrap());
    }
}

#[test]
fn a_document_is_of_one_layout() {
    let (first, second) = (
        String::from_utf8(document(Model::Belief1, &[fact(Outcome::Success)])).unwrap(),
        String::from_utf8(document(Model::Belief2, &[fact(Outcome::Success)])).unwrap(),
    );
    let format = r#","format":"chaos-reputation/evidence/2""#;
    for (text, words) in [
        (second.replace(format, ""), "names what judged it, which the format does not have"),
        (first.replace("}]}", &format!("}}]{format}}}")), "lacks what judged it"),
        (second.replace("evidence/2", "evidence/3"), "found `chaos-reputation/evidence/3`"),
    ] {
        let error = score_document(text.as_bytes()).unwrap_err();
        assert!(!error.is_no_answer() && error.text().contains(words), "{}", error.text());
    }
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
    let error = score_document(&document(Model::NEWEST, &facts));
    let error = error.unwrap_err();
    assert!(error.is_no_answer());
    let receipt = Digest::of(b"receipt");
    assert_eq!(
        error.text(),
        format!("score: receipt {receipt} makes two different claims about worker")
    );
}
