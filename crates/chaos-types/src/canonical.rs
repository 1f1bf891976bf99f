//! Canonical JSON: [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785) (JCS), integers only.
//!
//! JCS writes numbers as ECMAScript doubles and so loses integers above 2^53 in silence. Here a
//! number is an integer within ±2^53 or it is refused; larger ones and fractions travel as
//! decimal strings ([`crate::decimal`]). Reading is strict: a duplicate key, a number outside the
//! range, trailing bytes, or any byte that the writer would not have written is an error.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// The largest integer that survives every JSON reader: 2^53.
pub const INTEGER_MAX: u64 = 1 << 53;

/// Documents longer than this are refused before they are parsed: 64 MiB.
pub const DOCUMENT_BYTES_MAX: usize = 64 << 20;

/// Why a document is not canonical.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The document is larger than [`DOCUMENT_BYTES_MAX`].
    #[error("document has {bytes} bytes, the limit is {DOCUMENT_BYTES_MAX}")]
    TooLarge {
        /// Size of the refused document in bytes.
        bytes: usize,
    },
    /// The text is not JSON, has a duplicate key, or holds a number that JSON readers disagree on.
    #[error("not strict JSON")]
    Parse(#[source] serde_json::Error),
    /// The value holds a number that is not an integer within ±2^53.
    #[error("number {number} is not an integer within 2^53; write it as a decimal string")]
    Number {
        /// The number as serde wrote it.
        number: String,
    },
    /// The text is JSON but not the canonical spelling of its value.
    #[error("not canonical: byte {offset} differs from the RFC 8785 form")]
    NotCanonical {
        /// Offset of the first differing byte.
        offset: usize,
    },
    /// The value cannot be written as JSON.
    #[error("cannot be written as JSON")]
    Write(#[source] serde_json::Error),
    /// The document is canonical but does not have the expected shape.
    #[error("unexpected shape")]
    Shape(#[source] serde_json::Error),
}

/// Writes the canonical form of `value`.
///
/// # Errors
/// If the value holds a fraction or an integer beyond ±2^53, or cannot be written as JSON.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let value = serde_json::to_value(value).map_err(Error::Write)?;
    ensure_integers(&value)?;
    serde_json_canonicalizer::to_vec(&value).map_err(Error::Write)
}

/// Reads a document that must be canonical to the byte.
///
/// # Errors
/// If it is too large, not strict JSON, not canonical, or not of shape `T`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let value = value_from_slice(bytes)?;
    T::deserialize(value).map_err(Error::Shape)
}

/// Reads any canonical document.
///
/// # Errors
/// If it is too large, not strict JSON, or not canonical.
pub fn value_from_slice(bytes: &[u8]) -> Result<Value, Error> {
    let value = strict_value(bytes)?;
    let canonical = serde_json_canonicalizer::to_vec(&value).map_err(Error::Write)?;
    if canonical == bytes {
        return Ok(value);
    }
    let offset = canonical
        .iter()
        .zip(bytes)
        .position(|(a, b)| a != b)
        .unwrap_or_else(|| canonical.len().min(bytes.len()));
    Err(Error::NotCanonical { offset })
}

/// Reads JSON in any layout, still refusing duplicate keys and unsafe numbers.
///
/// # Errors
/// If it is too large or not strict JSON.
pub fn strict_value(bytes: &[u8]) -> Result<Value, Error> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(Error::TooLarge { bytes: bytes.len() });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let Strict(value) = Strict::deserialize(&mut deserializer).map_err(Error::Parse)?;
    deserializer.end().map_err(Error::Parse)?;
    Ok(value)
}

fn ensure_integers(value: &Value) -> Result<(), Error> {
    match value {
        Value::Number(number) => {
            let within = number.as_u64().is_some_and(|n| n <= INTEGER_MAX)
                || number.as_i64().is_some_and(|n| n.unsigned_abs() <= INTEGER_MAX);
            if within { Ok(()) } else { Err(Error::Number { number: number.to_string() }) }
        }
        Value::Array(items) => items.iter().try_for_each(ensure_integers),
        Value::Object(fields) => fields.values().try_for_each(ensure_integers),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON with unique keys and integers within 2^53")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        if value <= INTEGER_MAX {
            Ok(Value::Number(Number::from(value)))
        } else {
            Err(E::custom(format_args!("integer {value} is above 2^53")))
        }
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() <= INTEGER_MAX {
            Ok(Value::Number(Number::from(value)))
        } else {
            Err(E::custom(format_args!("integer {value} is below -2^53")))
        }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Err(E::custom(format_args!("number {value} is not an integer")))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if fields.contains_key(&key) {
                return Err(de::Error::custom(format_args!("duplicate key `{key}`")));
            }
            let Strict(value) = map.next_value()?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests;
