//! Every recorded quote gets the verdict that its index lists.

use chaos_attestation::{ReasonCode, Refusal, Verifier, verify};

use crate::recorded::{self, Vector};

/// The code that stands for a message of the index.
fn code_of(vector: &Vector) -> ReasonCode {
    use ReasonCode as Code;
    match vector.expect.error_contains.as_deref().unwrap() {
        "Debug mode is enabled" => Code::DebugRefused,
        "MR service TD" => Code::ServiceTdRefused,
        "No matching TCB level" => Code::TcbNoMatch,
        "CrlExpired" | "xpired" | "TCBInfo expired" => Code::CollateralExpired,
        "CertExpired" => Code::CertificateExpired,
        "CertRevoked" => Code::CertificateRevoked,
        "in the future" => Code::CollateralNotYetValid,
        "Fmspc mismatch" => Code::CollateralMismatch,
        "ISV enclave report signature is invalid" => Code::QuoteSignatureInvalid,
        "expected 4444444444444444444444444444444" => Code::QeIdentityMismatch,
        "SEPT_VE_DISABLE is not enabled" => Code::AttributesRefused,
        "Revoked" => Code::TcbRevoked,
        "" if vector.id == "neg-tdx4-dev-root" => Code::AnchorUnknown,
        "" if vector.id == "neg-sgx-quote-tdx-collateral" => Code::CollateralMismatch,
        other => unreachable!("the index has a message without a code: `{other}`"),
    }
}

fn appraise(vector: &Vector) -> Result<(String, Vec<String>), Refusal> {
    let claims =
        verify(&vector.quote(), &vector.collateral(), &[vector.anchor()], vector.verify_at)?;
    let tcb = claims.tcb.clone();
    vector.policy().appraise(claims, None, vector.verify_at).ensure_accepted()?;
    Ok((tcb.attester_tcb_status.to_string(), tcb.attester_advisory_ids))
}

#[test]
fn every_recorded_quote_gets_its_verdict() {
    let Some(vectors) = recorded::vectors() else { return };
    for vector in &vectors {
        let found = appraise(vector);
        match (&found, vector.expect.ok) {
            (Ok((status, advisories)), true) => {
                assert_eq!(Some(status), vector.expect.status.as_ref(), "{}", vector.id);
                if let Some(listed) = &vector.expect.advisories {
                    assert_eq!(advisories, listed, "{}", vector.id);
                }
            }
            (Err(refusal), false) => {
                assert_eq!(refusal.code, code_of(vector), "{}: {refusal}", vector.id);
            }
            (found, _) => unreachable!("{}: {found:?}", vector.id),
        }
    }
    assert_eq!(vectors.len(), 34);
}

#[test]
fn what_is_remembered_changes_no_answer() {
    let Some(vectors) = recorded::vectors() else { return };
    for vector in &vectors {
        let (quote, collateral) = (vector.quote(), vector.collateral());
        let verifier = Verifier::new(vec![vector.anchor()]);
        let cold = verify(&quote, &collateral, &[vector.anchor()], vector.verify_at);
        for _ in 0..2 {
            assert_eq!(
                verifier.verify(&quote, &collateral, vector.verify_at),
                cold,
                "{}",
                vector.id
            );
        }
    }
}
