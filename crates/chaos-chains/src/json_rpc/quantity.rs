//! Numbers as nodes write them, read strictly: digits without `0x` are neither hexadecimal nor decimal, so
//! they are refused. The types of the EVM libraries take them for decimal.

use std::fmt;

use alloy_primitives::U256;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// Declares a number that is written as `0x` and hexadecimal digits.
macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $empty:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                        let empty: Option<$inner> = $empty;
                        match text.strip_prefix("0x") {
                            Some("") => empty,
                            Some(digits) if !digits.starts_with('+') => {
                                <$inner>::from_str_radix(digits, 16).ok()
                            }
                            _ => None,
                        }
                        .map($name)
                        .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }
    };
}

quantity!(
    /// A quantity that fits 64 bits.
    Quantity64,
    u64,
    None,
    "a 0x-prefixed hexadecimal quantity of at most 64 bits"
);
quantity!(
    /// A quantity.
    Quantity,
    U256,
    None,
    "a 0x-prefixed hexadecimal quantity of at most 256 bits"
);
quantity!(
    /// A word of storage, of which some nodes leave out leading zeros, and others all of them.
    Word,
    U256,
    Some(U256::ZERO),
    "a 0x-prefixed word of at most 32 bytes"
);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn digits_without_0x_are_refused_whatever_they_are() {
        for text in ["10", "0000000000000000000000000000000000000000000000000000000000000010", "5d"]
        {
            let error = serde_json::from_value::<Word>(json!(text)).unwrap_err().to_string();
            assert!(error.contains("a 0x-prefixed word"), "{error}");
            serde_json::from_value::<Quantity>(json!(text)).unwrap_err();
            serde_json::from_value::<Quantity64>(json!(text)).unwrap_err();
        }
        for other in [json!(16), json!(null), json!("0x+1"), json!("0xg"), json!("-0x1")] {
            serde_json::from_value::<Word>(other.clone()).unwrap_err();
            serde_json::from_value::<Quantity64>(other).unwrap_err();
        }
    }

    #[test]
    fn words_may_be_short_and_quantities_may_have_leading_zeros() {
        let word = |text: &str| serde_json::from_value::<Word>(json!(text)).unwrap().0;
        assert_eq!(word("0x10"), U256::from(16));
        assert_eq!(word("0x"), U256::ZERO);
        assert_eq!(serde_json::from_value::<Quantity64>(json!("0x0010")).unwrap().0, 16);
        serde_json::from_value::<Quantity64>(json!("0x")).unwrap_err();
        serde_json::from_value::<Quantity64>(json!("0x10000000000000000")).unwrap_err();
    }
}
