use super::*;

fn key(byte: u8) -> AgentKey {
    AgentKey::from_seed(&[byte; 32])
}

/// The pre-authentication encoding of the DSSE specification's own example.
#[test]
fn encodes_the_specification_example() {
    assert_eq!(
        pre_authentication_encoding("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
}

#[test]
fn opens_what_was_signed() {
    let envelope = Envelope::sign(b"{}", &[&key(1), &key(2)]);
    let opened = envelope.verify().expect("both signatures are good");
    assert_eq!(opened.payload, b"{}");
    assert_eq!(opened.digest, Digest::of(&envelope.to_bytes().unwrap()), "one spelling");
    assert_eq!(opened.signers, [key(1).did(), key(2).did()]);
}

#[test]
fn rejects_an_envelope_with_one_bad_signature_among_good_ones() {
    let mut envelope = Envelope::sign(b"{}", &[&key(1), &key(2)]);
    envelope.signatures[1].sig = Envelope::sign(b"[]", &[&key(2)]).signatures[0].sig.clone();
    let rejection = envelope.verify().expect_err("the second signature is over other bytes");
    assert_eq!(rejection.check, Check::Envelope);
    assert!(rejection.reason.contains(&key(2).did().to_string()), "{rejection}");
}

#[test]
fn bytes_open_like_the_envelope_and_in_one_spelling_only() {
    for keys in [vec![key(1)], vec![key(1), key(2), key(3)]] {
        let envelope = Envelope::sign(b"{}", &keys.iter().collect::<Vec<_>>());
        let bytes = envelope.to_bytes().unwrap();
        assert_eq!(bytes, envelope.spelled());
        let opened = Envelope::verify_bytes(&bytes).expect("canonical and signed");
        assert_eq!(opened, envelope.verify().unwrap());
    }
    let envelope = Envelope::sign(b"{}", &[&key(1)]);
    let Signature { keyid, sig } = &envelope.signatures[0];
    let array = format!(
        r#"{{"payload":"{}","payloadType":"{PAYLOAD_TYPE}","signatures":[["{keyid}","{sig}"]]}}"#,
        envelope.payload
    );
    let rejection = Envelope::verify_bytes(array.as_bytes()).expect_err("another spelling");
    assert_eq!(rejection.check, Check::Format);
}

#[test]
fn rejects_unsigned_doubly_signed_and_retyped_envelopes() {
    let good = Envelope::sign(b"{}", &[&key(1)]);
    let unsigned = Envelope { signatures: vec![], ..good.clone() };
    let twice = Envelope {
        signatures: [good.signatures.clone(), good.signatures.clone()].concat(),
        ..good.clone()
    };
    let retyped = Envelope { payload_type: "application/json".to_owned(), ..good };
    for envelope in [unsigned, twice, retyped] {
        assert_eq!(envelope.verify().expect_err("must be refused").check, Check::Envelope);
    }
}
