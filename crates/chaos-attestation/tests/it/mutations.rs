//! What changes in a quote or its collateral changes the answer, or nothing that counts; and what
//! a verifier remembers changes no answer.

use std::{collections::BTreeMap, thread};

use chaos_attestation::{
    Claims, Collateral, Quote, ReasonCode, Refusal, Verifier, quote::QUOTE_BYTES_MAX, verify,
};

use crate::recorded::{self, Vector};

/// Set to flip every bit of the signed bytes, not one in each byte: some minutes.
const EVERY_BIT: &str = "CHAOSCHAIN_EVERY_BIT";

/// The vectors whose quote verifies, whatever the policy says then.
fn verifying() -> Option<Vec<Vector>> {
    let mut vectors = recorded::vectors()?;
    vectors.retain(|vector| answer(vector, &vector.quote_bytes()).is_ok());
    assert!(vectors.len() >= 17, "{}", vectors.len());
    Some(vectors)
}

fn answer(vector: &Vector, quote: &[u8]) -> Result<Claims, Refusal> {
    verify(&Quote::parse(quote)?, &vector.collateral(), &[vector.anchor()], vector.verify_at)
}

/// Runs a check on every vector, on as many threads as there are processors.
fn on_each(vectors: &[Vector], check: impl Fn(&Vector) -> usize + Sync) -> usize {
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let parts = vectors.chunks(vectors.len().div_ceil(threads).max(1));
    thread::scope(|scope| {
        let check = &check;
        let parts: Vec<_> =
            parts.map(|part| scope.spawn(move || part.iter().map(check).sum::<usize>())).collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum()
    })
}

#[test]
fn no_bit_of_the_signed_bytes_can_be_flipped() {
    let Some(vectors) = verifying() else { return };
    let every_bit = std::env::var_os(EVERY_BIT).is_some();
    let flips = on_each(&vectors, |vector| {
        let (bytes, collateral) = (vector.quote_bytes(), vector.collateral());
        let verifier = Verifier::new(vec![vector.anchor()]);
        let original = vector.quote();
        assert!(verifier.verify(&original, &collateral, vector.verify_at).is_ok());
        let mut flips = 0;
        for at in 0..original.signed().len() {
            let bits = if every_bit { 0..8 } else { at % 8..at % 8 + 1 };
            for bit in bits {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                let answer = Quote::parse(&changed)
                    .and_then(|quote| verifier.verify(&quote, &collateral, vector.verify_at));
                assert!(answer.is_err(), "{}: bit {bit} of byte {at}", vector.id);
                flips += 1;
            }
        }
        flips
    });
    eprintln!(
        "{flips} single-bit flips in the signed bytes of {} quotes, none accepted",
        vectors.len()
    );
}

#[test]
fn what_is_remembered_agrees_on_changed_quotes() {
    let Some(vectors) = verifying() else { return };
    let compared = on_each(&vectors, |vector| {
        let (bytes, collateral) = (vector.quote_bytes(), vector.collateral());
        let anchors = [vector.anchor()];
        let verifier = Verifier::new(anchors.to_vec());
        assert!(verifier.verify(&vector.quote(), &collateral, vector.verify_at).is_ok());
        // 61 is no divisor of a field's length, so all fields and all bits come up
        let mut compared = 0;
        for (nth, at) in (0..bytes.len()).step_by(61).enumerate() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (nth % 8);
            let Ok(quote) = Quote::parse(&changed) else { continue };
            let cold = verify(&quote, &collateral, &anchors, vector.verify_at);
            let warm = verifier.verify(&quote, &collateral, vector.verify_at);
            assert_eq!(warm, cold, "{}: byte {at}", vector.id);
            compared += 1;
        }
        compared
    });
    assert!(compared > 500, "{compared}");
}

#[test]
fn what_is_remembered_agrees_at_every_time() {
    let Some(vectors) = verifying() else { return };
    on_each(&vectors, |vector| {
        let (quote, collateral, anchors) = (vector.quote(), vector.collateral(), [vector.anchor()]);
        let verifier = Verifier::new(anchors.to_vec());
        let claims = verifier.verify(&quote, &collateral, vector.verify_at).unwrap();
        let window = &claims.collateral;
        let dates = &window.dates;
        let mut moments =
            vec![0, u64::MAX >> 1, window.latest_issue_s, window.earliest_expiration_s];
        for part in [dates.tcb_info, dates.qe_identity, dates.pck_crl, dates.root_ca_crl] {
            moments.extend([part.issued_at_s, part.next_update_s]);
        }
        for moment in moments {
            for at_s in [moment.saturating_sub(1), moment, moment + 1] {
                assert_eq!(
                    verifier.verify(&quote, &collateral, at_s),
                    verify(&quote, &collateral, &anchors, at_s),
                    "{} at {at_s}",
                    vector.id
                );
            }
        }
        1
    });
}

#[test]
fn changed_collateral_is_refused_or_says_the_same() {
    let Some(vectors) = verifying() else { return };
    let codes = on_each(&vectors[..6], |vector| {
        let (quote, json, anchors) = (vector.quote(), vector.collateral_bytes(), [vector.anchor()]);
        let verifier = Verifier::new(anchors.to_vec());
        let original = verifier.verify(&quote, &vector.collateral(), vector.verify_at).unwrap();
        let mut codes = BTreeMap::<&str, usize>::new();
        for (nth, at) in (0..json.len()).step_by(211).enumerate() {
            let mut changed = json.clone();
            changed[at] ^= 1 << (nth % 7);
            let answer = Collateral::parse(&changed).and_then(|collateral| {
                let cold = verify(&quote, &collateral, &anchors, vector.verify_at);
                assert_eq!(verifier.verify(&quote, &collateral, vector.verify_at), cold);
                cold
            });
            match answer {
                // text around a certificate, or a chain that is not read
                Ok(claims) => assert_eq!(claims.tcb, original.tcb, "{}: byte {at}", vector.id),
                Err(refusal) => {
                    assert_ne!(refusal.code, ReasonCode::VerificationFailed, "{refusal}");
                    *codes.entry(refusal.code.as_str()).or_default() += 1;
                }
            }
        }
        codes.values().sum()
    });
    assert!(codes > 100, "{codes}");
}

#[test]
fn trailing_bytes_change_neither_name_nor_answer() {
    let Some(vectors) = verifying() else { return };
    for vector in &vectors {
        let original = vector.quote();
        for padding in [vec![0; 100], b"anything else".to_vec()] {
            let mut padded = original.bytes().to_vec();
            padded.extend(padding);
            let quote = Quote::parse(&padded).unwrap();
            assert_eq!((quote.id(), quote.bytes()), (original.id(), original.bytes()));
            let answer = answer(vector, &padded).unwrap();
            assert_eq!(answer, self::answer(vector, original.bytes()).unwrap(), "{}", vector.id);
        }
        let mut oversized = original.bytes().to_vec();
        oversized.resize(QUOTE_BYTES_MAX + 1, 0);
        assert_eq!(Quote::parse(&oversized).unwrap_err().code, ReasonCode::QuoteTooLarge);
        oversized.pop();
        assert!(Quote::parse(&oversized).is_ok());
    }
}

#[test]
fn unsigned_bytes_change_the_file_and_not_the_name() {
    let Some(vectors) = verifying() else { return };
    let vector = &vectors[0];
    let original = vector.quote();
    let text = original.bytes();
    // a line break inside the last certificate: the decoder skips it, the file is another
    let at = text.windows(5).rposition(|window| window == b"-----").unwrap() - 40;
    let at = at - text[..at].iter().rev().position(|byte| *byte == b'\n').unwrap() - 1;
    let mut changed = text.to_vec();
    changed[at] = b' ';
    let quote = Quote::parse(&changed).unwrap();
    assert_ne!(quote.bytes(), original.bytes());
    assert_eq!(quote.id(), original.id());
}

/// With a chain beside the quote the library would not read the one inside, and thousands of
/// bytes of the quote could be anything.
#[test]
fn a_chain_beside_the_quote_does_not_replace_the_one_inside() {
    let Some(vectors) = verifying() else { return };
    let vector = &vectors[0];
    let bytes = vector.quote().bytes().to_vec();
    let begin = bytes.windows(10).position(|window| window == b"-----BEGIN").unwrap();
    let inside =
        String::from_utf8(bytes[begin..].iter().copied().take_while(|byte| *byte != 0).collect());
    let mut json: serde_json::Value = serde_json::from_slice(&vector.collateral_bytes()).unwrap();
    json["pck_certificate_chain"] = inside.unwrap().into();
    let collateral = Collateral::parse(&serde_json::to_vec(&json).unwrap()).unwrap();
    let anchors = [vector.anchor()];
    assert!(verify(&vector.quote(), &collateral, &anchors, vector.verify_at).is_ok());
    let mut changed = bytes;
    changed[begin + 100] ^= 1;
    let quote = Quote::parse(&changed).unwrap();
    let refusal = verify(&quote, &collateral, &anchors, vector.verify_at).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::CertificateInvalid, "{refusal}");
}
