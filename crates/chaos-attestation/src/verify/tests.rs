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
