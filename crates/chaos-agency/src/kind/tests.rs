use chaos_types::canonical;
use serde_json::json;

use super::*;
use crate::{Evidence, Source, receipt::Product};

/// A kind that somebody brings.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mend {
    what: String,
    #[serde(with = "chaos_types::decimal")]
    parts: u64,
}

impl Body for Mend {
    const KIND: &'static str = "mend";
    const SIGNER: Signer = Signer::Agent;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[Ground::new("what was done", Source::Signer)];

    fn ensure(&self, form: &Form<'_>) -> Result<(), Rejection> {
        match form.subjects() {
            [] => Ok(()),
            [..] => {
                Err(Rejection::new(Check::Statement, Fault::SubjectOther, "mending makes nothing"))
            }
        }
    }

    fn sentence(&self) -> String {
        format!("did {self:?}")
    }
}

/// Somebody who would like to be the platform.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usurper {}

impl Body for Usurper {
    const KIND: &'static str = "pay";
    const SIGNER: Signer = Signer::Agent;
    const IS_WORK: bool = true;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[Ground::new("what was done", Source::Signer)];

    fn ensure(&self, _: &Form<'_>) -> Result<(), Rejection> {
        Ok(())
    }

    fn sentence(&self) -> String {
        format!("did {self:?}")
    }
}

const KINDS: Kinds =
    Kinds::new(&[Extension { kinds: &[Kind::of::<Mend>(), Kind::of::<Usurper>()], view: None }]);

fn read(kind: &str, body: Value) -> Result<Action, Rejection> {
    read_with(&KINDS, kind, body, &[])
}

fn read_with(
    kinds: &Kinds,
    kind: &str,
    body: Value,
    subjects: &[Product],
) -> Result<Action, Rejection> {
    let written = Written { kind: kind.to_owned(), body };
    kinds.read(&Form { written: &written, subjects, evidence: &Evidence::None {} })
}

#[track_caller]
fn refused(read: Result<Action, Rejection>, fault: Fault) {
    let rejection = read.expect_err("refused");
    assert_eq!((rejection.check, rejection.code), (Check::Statement, fault.code()), "{rejection}");
}

#[test]
fn body_reads_back_as_its_owner_wrote_it_and_for_nobody_else() {
    let mend = Mend { what: "a wheel".to_owned(), parts: 3 };
    let action = read("mend", json!({"what": "a wheel", "parts": "3"})).unwrap();
    assert_eq!(action, Action::of(&mend));
    assert_eq!(action.read(), Some(mend));
    assert!(action.read::<Usurper>().is_none());
    assert_eq!(
        canonical::to_vec(&action).unwrap(),
        br#"{"body":{"parts":"3","what":"a wheel"},"kind":"mend"}"#
    );
}

#[test]
fn kind_that_nobody_owns_is_refused() {
    refused(read("paint", json!({})), Fault::KindUnknown);
    refused(read_with(&Kinds::default(), "mend", json!({}), &[]), Fault::KindUnknown);
}

#[test]
fn body_in_any_other_spelling_than_its_owners_is_refused() {
    for body in [
        json!({"what": "a wheel"}),
        json!({"what": "a wheel", "parts": "03"}),
        json!({"what": "a wheel", "parts": 3}),
        json!({"what": "a wheel", "parts": "3", "colour": "red"}),
        json!(["a wheel", "3"]),
        json!(null),
    ] {
        refused(read("mend", body), Fault::BodyMalformed);
    }
    // The platform's own bodies are read as strictly.
    refused(read("rotate_key", json!([])), Fault::BodyMalformed);
}

/// What an owner says of its kind needs no log: it holds wherever a receipt is read.
#[test]
fn receipt_that_breaks_its_owners_rule_is_refused_when_it_is_read() {
    let body = json!({"what": "a wheel", "parts": "3"});
    let wheel = [Product::new("wheel", chaos_types::Digest::of(b"wheel"))];
    refused(read_with(&KINDS, "mend", body, &wheel), Fault::SubjectOther);
}

#[test]
fn name_of_a_platform_kind_cannot_be_taken() {
    refused(read("pay", json!({})), Fault::BodyMalformed);
    assert!(!KINDS.capabilities().is_empty());
}
