//! What a study file says, apart from how it is written.

use std::collections::BTreeMap;

use chaos_types::{Digest, canonical};
use serde::Serialize;

use super::FileError;

/// Separates these digests from those of other documents.
const DOMAIN: &[u8] = b"chaos-study/file/1";

/// What a byte order mark reads as.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// A value of the file with its type, since `1` and `"1"` are not the same.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    Text(String),
    /// In decimal: canonical JSON holds no whole number above 2^53.
    Integer(String),
    Boolean(bool),
    /// Floats and dates, which no study holds.
    Other(String),
    List(Vec<Self>),
    Table(BTreeMap<String, Self>),
}

impl From<toml::Value> for Content {
    fn from(value: toml::Value) -> Self {
        match value {
            toml::Value::String(text) => Self::Text(text),
            toml::Value::Integer(number) => Self::Integer(number.to_string()),
            toml::Value::Boolean(value) => Self::Boolean(value),
            toml::Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            toml::Value::Table(table) => Self::of(table),
            other => Self::Other(other.to_string()),
        }
    }
}

impl Content {
    fn of(table: toml::Table) -> Self {
        Self::Table(table.into_iter().map(|(key, value)| (key, value.into())).collect())
    }
}

/// The digest of a study file's content: its keys and values. Comments, line ends, a byte order mark,
/// the order of keys and the way in which a number or a text is written do not change it.
///
/// # Errors
/// If the text is no TOML.
pub fn content_digest(text: &str) -> Result<Digest, FileError> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let table: toml::Table =
        toml::from_str(text).map_err(|error| FileError::Toml(Box::new(error)))?;
    let bytes = canonical::to_vec(&Content::of(table)).map_err(FileError::Canonical)?;
    Ok(Digest::of_parts(&[DOMAIN, &bytes]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "version = 1\nname = \"s\"\n[proposal]\ngas-limit = 60_000_000\n";

    #[test]
    fn a_digest_is_of_what_a_file_says_and_not_of_how() {
        let digest = content_digest(TEXT).unwrap();
        for other in [
            TEXT.replace('\n', "\r\n"),
            format!("\u{feff}{TEXT}"),
            format!("# why\n{TEXT}"),
            TEXT.replace("60_000_000", "60000000"),
            "name = 's'\nversion = 1\nproposal.gas-limit = 60_000_000\n".to_owned(),
        ] {
            assert_eq!(content_digest(&other).unwrap(), digest, "{other}");
        }
    }

    #[test]
    fn any_other_value_or_type_is_another_digest() {
        let digest = content_digest(TEXT).unwrap();
        for other in [
            TEXT.replace("60_000_000", "60_000_001"),
            TEXT.replace("60_000_000", "\"60000000\""),
            TEXT.replace("\"s\"", "\"t\""),
            TEXT.replace("gas-limit", "gas-limits"),
        ] {
            assert_ne!(content_digest(&other).unwrap(), digest, "{other}");
        }
        assert!(content_digest("version = ").is_err());
    }
}
