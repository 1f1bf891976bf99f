use super::Signer;

#[test]
fn an_error_about_a_bad_key_does_not_repeat_it() {
    let secret = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514feXX";
    let error = Signer::from_hex(secret).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("7a28b5"));
}
