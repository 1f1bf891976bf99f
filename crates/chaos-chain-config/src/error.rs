use chaos_parameters::{Error as ParameterError, Family};

use crate::Since;

/// Why a file is no chain config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is larger than any chain config.
    #[error("{found} bytes, expected at most {limit}")]
    TooLarge {
        /// Bytes of the file.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It is no text.
    #[error("not UTF-8 text")]
    NotText,
    /// It is no TOML of the form, with line and field.
    #[error("{source}")]
    Toml {
        /// What the reader says.
        source: Box<toml::de::Error>,
    },
    /// It is no JSON.
    #[error("not JSON: {source}")]
    Json {
        /// What the reader says.
        source: serde_json::Error,
    },
    /// A field lacks or is of another type.
    #[error("{field}: expected {expected}, found {found}")]
    Field {
        /// Its path.
        field: String,
        /// What it has to be.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A field or fork that is not known, so that a rule of the chain may be missed.
    #[error("{field}: not known here, and a field that is not read may hold a rule of the chain")]
    Unknown {
        /// Its path.
        field: String,
    },
    /// Two facts that exclude each other, or one that needs another.
    #[error("{field}: {problem}")]
    Contradiction {
        /// Where.
        field: String,
        /// What is wrong, and what was expected.
        problem: &'static str,
    },
    /// A fork or era begins before the one in front of it.
    #[error("{field}: `{name}` begins with {since}, before the one in front of it, {former}")]
    Order {
        /// The list.
        field: &'static str,
        /// The fork, or the place of the era.
        name: String,
        /// Where it begins.
        since: Since,
        /// Where the one before it begins.
        former: Since,
    },
    /// A parameter is refused.
    #[error("{field}: {source}")]
    Parameter {
        /// Where.
        field: String,
        /// Why.
        source: ParameterError,
    },
    /// Parameters of one family on a chain of another.
    #[error("{field}: parameters of the family {found} on a chain of the family {expected}")]
    Family {
        /// Where.
        field: String,
        /// The chain's.
        expected: Family,
        /// The parameters'.
        found: Family,
    },
    /// A fact without a source.
    #[error("sources.{about}: no source is stated for what the file says of {about}")]
    NoSource {
        /// What the fact is about.
        about: &'static str,
    },
}
