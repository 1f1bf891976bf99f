use chaos_types::{AgentKey, canonical};
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

const WORKSHOP: Extension =
    Extension { name: "workshop", version: 1, kinds: &[Kind::of::<Mend>()], view: None };

const KINDS: Kinds = Kinds::new(&[WORKSHOP]);

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
    let nobody = AgentKey::from_seed(&[1; 32]).did();
    let evidence = &Evidence::None {};
    kinds.read(&Form { written: &written, subjects, evidence, log: &nobody, agent: &nobody })
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
    const USURPER: Extension = Extension { kinds: &[Kind::of::<Usurper>()], ..WORKSHOP };
    refused(read("pay", json!({})), Fault::BodyMalformed);
    assert!(!KINDS.capabilities().is_empty());
    assert!(has_clash(&[USURPER]));
}

#[test]
fn names_of_kinds_and_of_extensions_are_one_owners() {
    const ALONE: Extension = Extension { name: "alone", kinds: &[], ..WORKSHOP };
    const TWICE: Extension =
        Extension { kinds: &[Kind::of::<Mend>(), Kind::of::<Mend>()], ..WORKSHOP };
    assert!(!has_clash(&[WORKSHOP, ALONE]));
    assert!(has_clash(&[WORKSHOP, WORKSHOP]));
    assert!(has_clash(&[Extension { kinds: &[], ..WORKSHOP }, WORKSHOP]), "one name");
    assert!(has_clash(&[Extension { name: "other", ..WORKSHOP }, WORKSHOP]), "one kind");
    assert!(has_clash(&[TWICE]));
}

/// What decides how a log folds has a name, which every part of it changes and their order does not.
#[test]
fn rules_are_named_by_what_decides_them() {
    const ALONE: Extension = Extension { name: "alone", kinds: &[], ..WORKSHOP };
    const NEWER: Extension = Extension { version: 2, ..WORKSHOP };
    let rules = [
        Kinds::default(),
        KINDS,
        const { Kinds::new(&[NEWER]) },
        const { Kinds::new(&[ALONE]) },
        const { Kinds::new(&[ALONE, WORKSHOP]) },
    ]
    .map(|kinds| kinds.rules());
    for (at, one) in rules.iter().enumerate() {
        assert!(!rules[..at].contains(one), "{at}");
    }
    assert_eq!(const { Kinds::new(&[WORKSHOP, ALONE]) }.rules(), rules[4]);
}
