use super::RoleName;

#[test]
fn accepts_names_and_refuses_everything_else() {
    for good in ["a", "core_developer", "gas-limit", "fee.p95", &"a".repeat(64)] {
        assert_eq!(good.parse::<RoleName>().map(|n| n.to_string()), Ok(good.to_owned()));
    }
    for bad in ["", "A", "1st", "-x", "a b", "a\nb", "ä", "a/b", &"a".repeat(65)] {
        assert!(bad.parse::<RoleName>().is_err(), "{bad:?}");
    }
}

#[test]
fn error_cannot_be_made_to_print_control_characters() {
    let error = "x\n\u{1b}[31m".parse::<RoleName>().unwrap_err().to_string();
    assert!(!error.chars().any(char::is_control), "{error:?}");
}
