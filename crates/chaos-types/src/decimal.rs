//! Integers above 2^53 as decimal strings, for `#[serde(with = "chaos_types::decimal")]`.
//!
//! JSON numbers are doubles to most readers, so every amount, and every integer that may pass
//! 2^53, travels as a string without sign, leading zeros or separators.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Deserializer, Serializer, de};

/// Writes an unsigned integer as a decimal string.
///
/// # Errors
/// Whatever the serializer reports.
pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads a decimal string; refuses a sign, leading zeros, and anything out of range.
///
/// # Errors
/// If the text is not the one decimal spelling of a value of `T`.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr + Display,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    let error = || de::Error::custom(format_args!("expected a decimal integer, found `{text}`"));
    let value: T = text.parse().map_err(|_| error())?;
    if value.to_string() == text { Ok(value) } else { Err(error()) }
}
