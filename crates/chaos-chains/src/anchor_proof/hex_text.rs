//! Bytes in JSON as lower-case hex with `0x`. Any other spelling is refused, so that equal proofs are
//! equal texts.

use serde::{Deserialize, Deserializer, de};

fn decode(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.strip_prefix("0x").ok_or("expected hex that starts with 0x")?;
    if digits.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("expected lower-case hex".to_owned());
    }
    hex::decode(digits).map_err(|error| format!("expected hex: {error}"))
}

fn encode(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Byte strings of any length.
pub(super) mod bytes {
    use alloy_primitives::Bytes;
    use serde::Serializer;

    use super::{Deserialize, Deserializer, de, decode, encode};

    pub(crate) fn serialize<S: Serializer>(
        bytes: &Bytes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        decode(&text).map(Bytes::from).map_err(de::Error::custom)
    }
}

/// Addresses and hashes.
pub(super) mod fixed {
    use serde::Serializer;

    use super::{Deserialize, Deserializer, de, decode, encode};

    pub(crate) fn serialize<T: AsRef<[u8]>, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(value.as_ref()))
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: for<'a> TryFrom<&'a [u8]>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        let bytes = decode(&text).map_err(de::Error::custom)?;
        T::try_from(bytes.as_slice()).map_err(|_| {
            de::Error::custom(format_args!("unexpected length of {} bytes", bytes.len()))
        })
    }
}

/// Lists of byte strings.
pub(super) mod list {
    use alloy_primitives::Bytes;
    use serde::Serializer;

    use super::{Deserialize, Deserializer, de, decode, encode};

    pub(crate) fn serialize<S: Serializer>(
        items: &[Bytes],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(items.iter().map(|item| encode(item)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Bytes>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| decode(text).map(Bytes::from).map_err(de::Error::custom)).collect()
    }
}
