use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A chain named by [CAIP-2](https://chainagnostic.org/CAIPs/caip-2), such as `eip155:1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(String);

/// Why a text is not a [`ChainId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a CAIP-2 chain id such as `eip155:1`, found `{found}`")]
pub struct ChainIdError {
    found: String,
}

impl ChainId {
    /// The EVM chain with this EIP-155 number.
    #[must_use]
    pub fn evm(number: u64) -> Self {
        Self(format!("eip155:{number}"))
    }

    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The EIP-155 number, if this is an EVM chain.
    #[must_use]
    pub fn evm_number(&self) -> Option<u64> {
        self.0.strip_prefix("eip155:")?.parse().ok()
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ChainId {
    type Err = ChainIdError;

    fn from_str(text: &str) -> Result<Self, ChainIdError> {
        let error = || ChainIdError { found: text.chars().take(80).collect() };
        let (namespace, reference) = text.split_once(':').ok_or_else(error)?;
        let namespace_ok = (3..=8).contains(&namespace.len())
            && namespace.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let reference_ok = (1..=32).contains(&reference.len())
            && reference.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if namespace_ok && reference_ok { Ok(Self(text.to_owned())) } else { Err(error()) }
    }
}

impl Serialize for ChainId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ChainId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
