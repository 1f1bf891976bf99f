use super::*;

#[test]
fn one_spelling_per_name() {
    for good in ["a", "0", "fee-market", "eu.west_1", &"a".repeat(63)] {
        assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
    }
    for bad in ["", "A", "-a", ".a", "a b", "a/b", "ä", "a\n", &"a".repeat(64)] {
        assert_eq!(bad.parse::<Name>().unwrap_err().code, Fault::NameInvalid, "{bad:?}");
    }
}

#[test]
fn a_secret_has_exactly_one_tenant() {
    let id: SecretId = "aave/exchange-key".parse().unwrap();
    assert_eq!((id.tenant().as_str(), id.name().as_str()), ("aave", "exchange-key"));
    assert_eq!(id.to_string(), "aave/exchange-key");
    for bad in ["aave", "aave/", "/key", "a/b/c", "aave//key", "Aave/key"] {
        assert_eq!(bad.parse::<SecretId>().unwrap_err().code, Fault::NameInvalid, "{bad:?}");
    }
}
