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
    parse(&String::deserialize(deserializer)?)
}

fn parse<T: FromStr + Display, E: de::Error>(text: &str) -> Result<T, E> {
    let error = || E::custom(format_args!("expected a decimal integer, found `{text}`"));
    let value: T = text.parse().map_err(|_| error())?;
    if value.to_string() == text { Ok(value) } else { Err(error()) }
}

/// The same for an optional integer, for `#[serde(with = "chaos_types::decimal::optional")]`; absence
/// is `null`.
pub mod optional {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes a decimal string or `null`.
    ///
    /// # Errors
    /// Whatever the serializer reports.
    pub fn serialize<T, S>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Display,
        S: Serializer,
    {
        value.as_ref().map(ToString::to_string).serialize(serializer)
    }

    /// Reads a decimal string or `null`.
    ///
    /// # Errors
    /// As [`super::deserialize`].
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr + Display,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| super::parse(&text)).transpose()
    }
}

#[cfg(test)]
mod tests;
