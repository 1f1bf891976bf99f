use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    #[serde(with = "super::optional")]
    fee: Option<u128>,
}

#[test]
fn an_optional_integer_is_a_decimal_string_or_null() {
    for (fee, text) in [
        (None, r#"{"fee":null}"#),
        (Some(0), r#"{"fee":"0"}"#),
        (Some(u128::MAX), r#"{"fee":"340282366920938463463374607431768211455"}"#),
    ] {
        assert_eq!(serde_json::to_string(&Row { fee }).unwrap(), text);
        assert_eq!(serde_json::from_str::<Row>(text).unwrap(), Row { fee });
    }
}

#[test]
fn other_spellings_and_an_absent_field_are_refused() {
    for text in [r#"{"fee":1}"#, r#"{"fee":"01"}"#, r#"{"fee":"+1"}"#, r#"{"fee":""}"#, "{}"] {
        assert!(serde_json::from_str::<Row>(text).is_err(), "{text}");
    }
}
