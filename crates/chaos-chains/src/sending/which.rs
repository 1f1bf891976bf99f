//! What a person calls a transaction of the journal.

use std::{fmt, str::FromStr};

use super::{Claim, Intent};

/// Fewer digits of a hash than this are more likely a mistake than a name.
const HASH_DIGITS_MIN: usize = 8;
const HASH_DIGITS_MAX: usize = 64;

/// A transaction by its nonce, or by its hash or the beginning of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one with this nonce.
    Nonce(u64),
    /// The one of which an attempt has a hash that begins so: `0x` and lower-case digits.
    Hash(String),
}

/// Why a text names no transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a nonce, or the hash of a transaction: 0x and its first 8 hex digits or more")]
pub struct WhichError;

impl Which {
    /// Whether it names this intent.
    #[must_use]
    pub(crate) fn names(&self, intent: &Intent) -> bool {
        match self {
            Self::Nonce(nonce) => intent.nonce == *nonce,
            Self::Hash(start) => {
                intent.attempts.iter().any(|it| format!("{:#x}", it.hash).starts_with(start))
            }
        }
    }

    /// Whether it names what may still land by this claim.
    #[must_use]
    pub(crate) fn names_claim(&self, claim: &Claim) -> bool {
        match self {
            Self::Nonce(nonce) => claim.nonce == *nonce,
            Self::Hash(start) => format!("{:#x}", claim.hash).starts_with(start),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nonce(nonce) => write!(f, "{nonce}"),
            Self::Hash(start) => f.write_str(start),
        }
    }
}

impl FromStr for Which {
    type Err = WhichError;

    fn from_str(text: &str) -> Result<Self, WhichError> {
        let Some(digits) = text.strip_prefix("0x") else {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            return text.parse().ok().filter(|_| is_number).map(Self::Nonce).ok_or(WhichError);
        };
        let is_hash = (HASH_DIGITS_MIN..=HASH_DIGITS_MAX).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash { Ok(Self::Hash(text.to_ascii_lowercase())) } else { Err(WhichError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_or_enough_of_a_hash_names_a_transaction() {
        assert_eq!("17".parse(), Ok(Which::Nonce(17)));
        assert_eq!("0xAB12cd34".parse(), Ok(Which::Hash("0xab12cd34".to_owned())));
        let long = format!("0x{}", "0".repeat(65));
        for text in ["", "-1", "+1", "0x", "0x1234567", "0x1234567g", "ab12cd34", &long] {
            assert_eq!(text.parse::<Which>(), Err(WhichError), "{text:?}");
        }
    }
}
