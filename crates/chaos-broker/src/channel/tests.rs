use chaos_attestation::{Evidence, ReasonCode};
use chaos_types::{AgentKey, canonical};
use sha2::{Digest as _, Sha512};

use super::{Challenge, Claimed, Exporter, Greeting, Hello, Peer, report_data};
use crate::{Fault, Refusal};

const HERE: Exporter = Exporter::new([1; 32]);
const ELSEWHERE: Exporter = Exporter::new([2; 32]);
const CHALLENGE: Challenge = Challenge::new([3; 32]);

fn key(seed: u8) -> AgentKey {
    AgentKey::from_seed(&[seed; 32])
}

fn evidence() -> Evidence {
    Evidence { quote: vec![4, 5], collateral: Some(vec![b'{', b'}']), event_log: None }
}

fn claimed(hello: Hello, exporter: &Exporter) -> Result<Claimed, Refusal> {
    match hello.ensure(exporter, &CHALLENGE)? {
        Peer::Executor(claimed) => Ok(claimed),
        other => panic!("an executor became {other:?}"),
    }
}

#[test]
fn report_data_is_sha512_of_tag_role_exporter_challenge_and_key_with_their_lengths() {
    let did = key(7).did();
    let mut layout = Vec::new();
    for part in
        [b"chaoschain/channel/v1".as_slice(), b"executor", &[1; 32], &[3; 32], did.as_bytes()]
    {
        layout.extend(u64::try_from(part.len()).unwrap().to_be_bytes());
        layout.extend(part);
    }
    let expected: [u8; 64] = Sha512::digest(&layout).into();
    assert_eq!(report_data(&HERE, &CHALLENGE, &did).as_bytes(), &expected);
    assert_eq!(
        hex::encode(&expected[..16]),
        "a7f3a15f9829648d8d204c9e939596ea",
        "golden vector of the layout"
    );
}

#[test]
fn greeting_is_the_expected_brokers_and_of_this_session() {
    let greeting = Greeting::new(&key(7), &HERE, CHALLENGE);
    assert_eq!(greeting.ensure(&HERE, &key(7).did()), Ok(CHALLENGE));
    for (exporter, broker) in [(&ELSEWHERE, key(7).did()), (&HERE, key(8).did())] {
        let refusal = greeting.ensure(exporter, &broker).unwrap_err();
        assert_eq!(refusal.code, Fault::ChannelMismatch);
    }
}

#[test]
fn greeting_of_another_broker_under_the_expected_name_is_refused() {
    let theirs = canonical::to_vec(&Greeting::new(&key(8), &HERE, CHALLENGE)).unwrap();
    let renamed =
        String::from_utf8(theirs).unwrap().replace(key(8).did().as_str(), key(7).did().as_str());
    let greeting: Greeting = canonical::from_slice(renamed.as_bytes()).unwrap();
    let refusal = greeting.ensure(&HERE, &key(7).did()).unwrap_err();
    assert_eq!(refusal.code, Fault::ChannelMismatch);
}

#[test]
fn executor_is_taken_in_its_own_session_only() {
    let hello = Hello::executor(&key(9), &HERE, &CHALLENGE, evidence());
    let taken = claimed(hello.clone(), &HERE).unwrap();
    assert_eq!(taken.key, key(9).did());
    assert_eq!(taken.evidence, evidence());
    let refusal = claimed(hello.clone(), &ELSEWHERE).unwrap_err();
    assert_eq!(refusal.code, Fault::ChannelMismatch);
    let refusal = hello.ensure(&HERE, &Challenge::new([0; 32])).unwrap_err();
    assert_eq!(refusal.code, Fault::ChannelMismatch);
}

#[test]
fn quote_must_bind_this_session_and_this_key() {
    let taken = claimed(Hello::executor(&key(9), &HERE, &CHALLENGE, evidence()), &HERE).unwrap();
    taken.ensure_bound(report_data(&HERE, &CHALLENGE, &key(9).did()).as_bytes()).unwrap();
    for wrong in [
        report_data(&ELSEWHERE, &CHALLENGE, &key(9).did()),
        report_data(&HERE, &Challenge::new([0; 32]), &key(9).did()),
        report_data(&HERE, &CHALLENGE, &key(8).did()),
    ] {
        let refusal = taken.ensure_bound(wrong.as_bytes()).unwrap_err();
        assert_eq!(refusal.code, Fault::ChannelMismatch);
    }
}

#[test]
fn operator_and_executor_cannot_stand_in_for_each_other() {
    let operator = canonical::to_vec(&Hello::operator(&key(9), &HERE, &CHALLENGE)).unwrap();
    let text = String::from_utf8(operator).unwrap();
    let as_executor = text.replace(r#""role":"operator""#, r#""quote":"","role":"executor""#);
    let as_executor =
        as_executor.replace(r#"{"key""#, r#"{"collateral":null,"event_log":null,"key""#);
    let hello: Hello = canonical::from_slice(as_executor.as_bytes()).unwrap();
    let refusal = hello.ensure(&HERE, &CHALLENGE).unwrap_err();
    assert_eq!(refusal.code, Fault::ChannelMismatch);
}

#[test]
fn messages_read_back_and_other_versions_are_refused() {
    for hello in [
        Hello::executor(&key(9), &HERE, &CHALLENGE, evidence()),
        Hello::operator(&key(9), &HERE, &CHALLENGE),
        Hello::anonymous(),
    ] {
        let bytes = canonical::to_vec(&hello).unwrap();
        assert_eq!(canonical::from_slice::<Hello>(&bytes).unwrap(), hello);
        let newer = String::from_utf8(bytes).unwrap().replace(r#""version":1"#, r#""version":2"#);
        let newer: Hello = canonical::from_slice(newer.as_bytes()).unwrap();
        let refusal = newer.ensure(&HERE, &CHALLENGE).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::MessageMalformed);
    }
}

#[test]
fn nothing_secret_is_in_debug_output() {
    let shown = format!("{HERE:?} {CHALLENGE:?}");
    assert_eq!(shown, "Exporter(..) Challenge(..)");
}
