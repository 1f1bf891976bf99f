use std::fmt;

use sha2::{Digest as _, Sha512};

use crate::{ReasonCode, Refusal};

/// The 64 bytes that a quote carries for the code inside: SHA-512 over a tag and parts.
///
/// The encoding is `len(tag) || tag || len(part) || part …`, each length eight big-endian bytes, so
/// no two different lists of parts give the same bytes, and evidence for one purpose (one tag) is
/// none for another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReportData([u8; 64]);

impl ReportData {
    /// Binds `parts` under a purpose, such as `chaoschain/channel/v1`.
    #[must_use]
    pub fn bind(tag: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = Sha512::new();
        for part in std::iter::once(&tag.as_bytes()).chain(parts) {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// Takes 64 bytes as they are, for a question that somebody else has put.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The bytes as the quote holds them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Whether a quote holds exactly these bytes.
    ///
    /// # Errors
    /// [`ReasonCode::BindingMismatch`].
    pub fn ensure(&self, found: &[u8; 64]) -> Result<(), Refusal> {
        if self.0 == *found {
            return Ok(());
        }
        Err(Refusal::new(
            ReasonCode::BindingMismatch,
            format!(
                "report data {}…, expected {}…",
                hex::encode(&found[..8]),
                hex::encode(&self.0[..8])
            ),
        ))
    }
}

impl fmt::Debug for ReportData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReportData({})", hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests;
