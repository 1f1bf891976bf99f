use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Key order of RFC 8785 section 3.2.3: by UTF-16 code units, where U+1F600 sorts before U+FB33.
#[test]
fn sorts_keys_by_utf16_like_rfc_8785() {
    let value = json!({"\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis"});
    let text = String::from_utf8(to_vec(&value).unwrap()).unwrap();
    assert_eq!(
        text,
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}"
    );
}

#[test]
fn refuses_what_readers_disagree_on() {
    for (text, expected) in [
        (r#"{"a":1,"a":2}"#, "duplicate key `a`"),
        (r#"{"a":{"b":1,"b":1}}"#, "duplicate key `b`"),
        ("9007199254740993", "above 2^53"),
        ("-9007199254740993", "below -2^53"),
        ("1.5", "not an integer"),
        ("-0", "not an integer"),
        ("1 2", "trailing"),
    ] {
        let error = value_from_slice(text.as_bytes()).expect_err(text);
        let chain = format!("{error}: {}", std::error::Error::source(&error).unwrap());
        assert!(chain.contains(expected), "{text}: {chain}");
    }
}

#[test]
fn refuses_other_spellings_and_names_the_byte() {
    for (text, offset) in
        [(r#"{ "a":1}"#, 1), (r#"{"b":1,"a":2}"#, 2), ("\"\\u0041\"", 1), ("1\n", 1)]
    {
        match value_from_slice(text.as_bytes()) {
            Err(Error::NotCanonical { offset: found }) => assert_eq!(found, offset, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn writer_refuses_fractions_and_integers_beyond_2_53() {
    assert!(to_vec(&json!(9_007_199_254_740_992_u64)).is_ok());
    assert!(matches!(to_vec(&json!(9_007_199_254_740_993_u64)), Err(Error::Number { .. })));
    assert!(matches!(to_vec(&json!({"a": [0.5]})), Err(Error::Number { .. })));
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    left: u8,
    right: Option<u8>,
}

#[test]
fn struct_has_one_spelling() {
    assert!(from_slice::<Pair>(br#"{"left":1,"right":null}"#).is_ok());
    for other in [r#"[1,null]"#, r#"[1,2]"#, r#"{"left":1}"#] {
        let error = from_slice::<Pair>(other.as_bytes()).expect_err(other);
        assert!(matches!(error, Error::Spelling { .. }), "{other}: {error}");
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-(1_i64 << 53)..=(1_i64 << 53)).prop_map(Value::from),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_value(value in values()) {
        prop_assert_eq!(value_from_slice(&to_vec(&value).unwrap()).unwrap(), value);
    }

    /// The published canonicaliser is the judge of ours.
    #[test]
    fn writer_agrees_with_serde_json_canonicalizer(value in values()) {
        prop_assert_eq!(to_vec(&value).unwrap(), serde_json_canonicalizer::to_vec(&value).unwrap());
    }

    /// The scan says yes to exactly what the slow way accepts, on documents and on near misses.
    #[test]
    fn scan_agrees_with_rewriting(
        value in values(),
        at: prop::sample::Index,
        to in prop::sample::select(b"\\\"u01289abfntr{}[]:,- \x00\x1f\x7f".to_vec()),
        how in 0..3,
    ) {
        let mut bytes = to_vec(&value).unwrap();
        let at = at.index(bytes.len());
        match how {
            0 => {}
            1 => bytes[at] = to,
            _ => bytes.insert(at, to),
        }
        prop_assert_eq!(scan::is_canonical(&bytes), value_from_slice(&bytes).is_ok());
    }

    /// No second spelling: whatever is accepted is exactly what would be written.
    #[test]
    fn changed_byte_never_reads_as_the_same_value(value in values(), at: prop::sample::Index, to: u8) {
        let bytes = to_vec(&value).unwrap();
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] = to;
        prop_assume!(changed != bytes);
        if let Ok(read) = value_from_slice(&changed) {
            prop_assert_ne!(read, value);
        }
    }
}
