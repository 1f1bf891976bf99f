//! Canonical JSON: [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785) (JCS), integers only.
//!
//! JCS writes numbers as ECMAScript doubles and so loses integers above 2^53 in silence. Here a
//! number is an integer within ±2^53 or it is refused; larger ones and fractions travel as
//! decimal strings ([`crate::decimal`]). Reading is strict: a duplicate key, a number outside the
//! range, trailing bytes, or any byte that the writer would not have written is an error.

mod scan;

use std::{cmp::Ordering, fmt, io};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, map::Entry};

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
    /// The document leaves out field names or optional fields.
    #[error(
        "{found} bytes where the full spelling has {expected}: write every field with its name"
    )]
    Spelling {
        /// Length of the full spelling in bytes.
        expected: usize,
        /// Length of the document in bytes.
        found: usize,
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
    let mut bytes = Vec::with_capacity(512);
    write(&value, &mut bytes)?;
    Ok(bytes)
}

/// Reads a document that must be canonical to the byte.
///
/// # Errors
/// If it is too large, not strict JSON, not canonical, or not of shape `T`.
pub fn from_slice<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Error> {
    let read: T = read(bytes)?;
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, &read).map_err(Error::Write)?;
    ensure_whole(counter.0, bytes.len())?;
    Ok(read)
}

/// Reads a canonical document whose length the caller compares with its full spelling.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    if bytes.len() <= DOCUMENT_BYTES_MAX && scan::is_canonical(bytes) {
        return serde_json::from_slice(bytes).map_err(Error::Shape);
    }
    T::deserialize(value_from_slice(bytes)?).map_err(Error::Shape)
}

/// Refuses the other spellings that serde accepts: a struct as an array of its fields, an absent
/// optional field. Each of them leaves bytes out and none adds any, so the length tells.
pub(crate) const fn ensure_whole(expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Spelling { expected, found }) }
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads any canonical document.
///
/// # Errors
/// If it is too large, not strict JSON, or not canonical.
pub fn value_from_slice(bytes: &[u8]) -> Result<Value, Error> {
    let value = strict_value(bytes)?;
    let mut canonical = Vec::with_capacity(bytes.len());
    write(&value, &mut canonical)?;
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

/// Writes a value in its one spelling.
///
/// Numbers are integers here, so of RFC 8785 only key order and string escapes remain, and
/// `serde_json` escapes strings as ECMAScript does. A general canonicaliser costs several times as
/// much, which would be most of the time that verifying a receipt takes; it is the tests' judge.
fn write(value: &Value, bytes: &mut Vec<u8>) -> Result<(), Error> {
    match value {
        Value::Null => bytes.extend_from_slice(b"null"),
        Value::Bool(true) => bytes.extend_from_slice(b"true"),
        Value::Bool(false) => bytes.extend_from_slice(b"false"),
        Value::Number(number) => {
            ensure_integer(number)?;
            serde_json::to_writer(bytes, number).map_err(Error::Write)?;
        }
        Value::String(text) => serde_json::to_writer(bytes, text).map_err(Error::Write)?,
        Value::Array(items) => {
            bytes.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    bytes.push(b',');
                }
                write(item, bytes)?;
            }
            bytes.push(b']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_unstable_by(|(a, _), (b, _)| by_utf16(a, b));
            bytes.push(b'{');
            for (index, (key, field)) in fields.into_iter().enumerate() {
                if index > 0 {
                    bytes.push(b',');
                }
                serde_json::to_writer(&mut *bytes, key).map_err(Error::Write)?;
                bytes.push(b':');
                write(field, bytes)?;
            }
            bytes.push(b'}');
        }
    }
    Ok(())
}

/// The order of RFC 8785 section 3.2.3; for ASCII it is the order of the bytes.
fn by_utf16(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

fn ensure_integer(number: &Number) -> Result<(), Error> {
    let within = number.as_u64().is_some_and(|n| n <= INTEGER_MAX)
        || number.as_i64().is_some_and(|n| n.unsigned_abs() <= INTEGER_MAX);
    if within { Ok(()) } else { Err(Error::Number { number: number.to_string() }) }
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
            let Strict(value) = map.next_value()?;
            match fields.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(entry) => {
                    let key = entry.key();
                    return Err(de::Error::custom(format_args!("duplicate key `{key}`")));
                }
            }
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests;
