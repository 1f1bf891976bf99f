//! Bytes as standard Base64 in JSON, in one spelling.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize as _, Deserializer, Serializer, de::Error};

fn decode<E: Error>(text: &str) -> Result<Vec<u8>, E> {
    BASE64_STANDARD.decode(text).map_err(|_| E::custom("expected standard Base64 with padding"))
}

pub(super) mod array {
    use super::*;

    pub(in crate::channel) fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::bytes::serialize(bytes, serializer)
    }

    pub(in crate::channel) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let bytes = super::bytes::deserialize(deserializer)?;
        let found = bytes.len();
        bytes.try_into().map_err(|_| D::Error::custom(format!("{found} bytes, expected {N}")))
    }
}

pub(super) mod bytes {
    use super::*;

    pub(in crate::channel) fn serialize<S: Serializer>(
        bytes: &[u8],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(in crate::channel) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        decode(&String::deserialize(deserializer)?)
    }
}

pub(super) mod optional {
    use super::*;

    pub(in crate::channel) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => super::bytes::serialize(bytes, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::channel) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(deserializer)?.as_deref().map(decode).transpose()
    }
}
