use base64::{Engine as _, engine::general_purpose::STANDARD};
use chaos_types::dsse::PAYLOAD_TYPE;
use proptest::prelude::*;

use super::*;
use crate::action::{Profile, Revoke};

fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
}

fn draft(action: Action) -> Draft {
    Draft {
        log: key(9).did(),
        agent: key(1).did(),
        claimed_at_ms: 1_700_000_000_000,
        parents: vec![Digest::of(b"parent")],
        subjects: vec![],
        evidence: Evidence::None {},
        action,
    }
}

fn revoke(reason: &str) -> Action {
    Action::Revoke(Revoke { agent: key(1).did(), reason: reason.to_owned() })
}

/// Signs a payload that the writer of this crate would never write.
fn open_payload(payload: &str) -> Result<Verified<Receipt>, Rejection> {
    Receipt::open(&Envelope::sign(payload.as_bytes(), &[&key(1)]), &Kinds::default())
}

fn payload_of(envelope: &Envelope) -> String {
    String::from_utf8(STANDARD.decode(&envelope.payload).unwrap()).unwrap()
}

#[test]
fn receipt_reads_back_as_signed() {
    let envelope = draft(revoke("lost")).sign(&[&key(1)]).unwrap();
    assert_eq!(envelope.payload_type, PAYLOAD_TYPE);
    let receipt = Receipt::open(&envelope, &Kinds::default()).unwrap();
    assert_eq!(receipt.id, Digest::of(&envelope.to_bytes().unwrap()));
    assert_eq!(receipt.agent, key(1).did());
    assert_eq!(receipt.parents, [Digest::of(b"parent")]);
    assert_eq!(receipt.action, revoke("lost"));
}

/// The layout that other implementations must produce, to the byte.
#[test]
fn statement_has_the_documented_layout() {
    let envelope = draft(revoke("lost")).sign(&[&key(1)]).unwrap();
    let agent = key(1).did();
    let body = format!(r#"{{"agent":"{agent}","reason":"lost"}}"#);
    let action = format!(r#"{{"body":{body},"kind":"revoke"}}"#);
    let expected = format!(
        concat!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{{"action":{action},"#,
            r#""agent":"{agent}","claimed_at_ms":"1700000000000","evidence":{{"class":"none"}},"#,
            r#""log":"{log}","parents":["{parent}"]}},"predicateType":"https://chaoschain.org/receipt/v1","#,
            r#""subject":[{{"digest":{{"sha256":"{subject}"}},"name":"revoke"}}]}}"#
        ),
        action = action,
        agent = agent,
        log = key(9).did(),
        parent = Digest::of(b"parent"),
        subject = Digest::of(action.as_bytes()).to_hex(),
    );
    assert_eq!(payload_of(&envelope), expected);
}

#[test]
fn refuses_statements_that_are_not_ours_to_the_byte() {
    let good = payload_of(&draft(revoke("lost")).sign(&[&key(1)]).unwrap());
    assert!(open_payload(&good).is_ok());
    for (what, payload) in [
        ("another statement type", good.replace("Statement/v1", "Statement/v2")),
        ("another predicate", good.replace("receipt/v1", "receipt/v2")),
        ("an unknown kind", good.replace("\"kind\":\"revoke\"", "\"kind\":\"bribe\"")),
        ("an unknown class", good.replace("\"class\":\"none\"", "\"class\":\"attested\"")),
        ("an unknown field", good.replace("\"class\":\"none\"", "\"class\":\"none\",\"x\":1")),
        ("a digest of another kind", {
            good.replace(r#""},"name":"revoke""#, r#"","sha512":"00"},"name":"revoke""#)
        }),
        ("a space", good.replace("\"_type\":", "\"_type\": ")),
        ("a number for a time", good.replace("\"1700000000000\"", "1700000000000")),
        ("a leading zero", good.replace("\"1700000000000\"", "\"01700000000000\"")),
        ("a struct as an array", good.replace(r#"{"class":"none"}"#, r#"["none"]"#)),
        ("no subject", {
            let at = good.find("\"subject\":").unwrap();
            format!("{}\"subject\":[]}}", &good[..at])
        }),
    ] {
        assert_ne!(payload, good, "{what}");
        let rejection = open_payload(&payload).expect_err(what);
        assert_eq!(rejection.check, Check::Statement, "{what}: {rejection}");
    }
}

#[test]
fn refuses_evidence_whose_output_is_no_subject() {
    let mut draft = draft(revoke("lost"));
    draft.subjects = vec![Product::new("result", Digest::of(b"result"))];
    draft.evidence = Evidence::Replayable(Replay {
        program: Program { name: "p".into(), version: "1".into() },
        inputs: vec![],
        output: Digest::of(b"another result"),
    });
    let rejection = Receipt::open(&draft.sign(&[&key(1)]).unwrap(), &Kinds::default())
        .expect_err("not a subject");
    assert_eq!(rejection.check, Check::Statement);
    assert!(rejection.reason.contains(&Digest::of(b"another result").to_string()));
}

fn texts() -> impl Strategy<Value = String> {
    any::<String>()
}

proptest! {
    #[test]
    fn any_text_survives_signing(name in texts(), role in texts(), reason in texts()) {
        for action in [
            revoke(&reason),
            Action::Register(Profile {
                name: name.clone(),
                role: role.clone(),
                capabilities: vec![reason.clone()],
                studio: role.clone(),
            }),
        ] {
            let envelope = draft(action.clone()).sign(&[&key(1)]).unwrap();
            prop_assert_eq!(&Receipt::open(&envelope, &Kinds::default()).unwrap().action, &action);
        }
    }
}
