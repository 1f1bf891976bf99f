use super::*;

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Text(&'static str);

#[test]
fn an_error_of_unknown_text_is_a_failed_verification_without_control_characters() {
    let error = Text("something\u{1b}[31m new\nhappened");
    let refusal = reason::refusal(std::iter::once(&error as &(dyn std::error::Error + 'static)));
    assert_eq!(refusal.code, ReasonCode::VerificationFailed);
    assert!(!refusal.detail.chars().any(char::is_control));
}

/// A cause with another below it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(&'static str, #[source] Text);

#[track_caller]
fn code_of(outer: &'static str, inner: &'static str, expected: ReasonCode) {
    let cause = Cause(outer, Text(inner));
    let outer = &cause as &(dyn std::error::Error + 'static);
    let chain = std::iter::successors(Some(outer), |error| error.source());
    assert_eq!(reason::refusal(chain).code, expected);
}

#[test]
fn what_the_evidence_quotes_chooses_no_code() {
    let quoted = "unknown variant `CertRevoked`, expected one of `UpToDate`";
    code_of("Failed to decode TcbInfo", quoted, ReasonCode::CollateralMalformed);
    code_of("Failed to decode TcbInfo", "CertRevoked", ReasonCode::CollateralMalformed);
    code_of("an unknown context", "CertRevoked", ReasonCode::VerificationFailed);
    code_of("Failed to verify certificate chain", "CertRevoked", ReasonCode::CertificateRevoked);
    let of_names = "UnknownIssuer CertRevoked";
    code_of("Failed to verify certificate chain", of_names, ReasonCode::CertificateInvalid);
}
