//! The log entry of a receipt.

use chaos_types::{Digest, canonical, decimal};
use serde::{Deserialize, Serialize};

/// A leaf of the log: which receipt, and when the log took it in.
///
/// The bytes hashed into the tree are the canonical JSON of this struct,
/// `{"integrated_at_ms":"…","receipt":"sha256:…","version":1}`. The receipt itself is stored
/// beside the log, so that it can be pruned or withheld without breaking the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// The receipt's id.
    pub receipt: Digest,
    /// Milliseconds since 1970 by the log's clock. This is the time of a receipt.
    #[serde(with = "decimal")]
    pub integrated_at_ms: u64,
    /// The layout, 1.
    pub version: u8,
}

/// Why bytes are not a [`Leaf`].
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    /// The bytes are not canonical JSON of the leaf's shape.
    #[error("log entry is not a canonical leaf")]
    Format(#[from] canonical::Error),
    /// The layout is one that this program does not know.
    #[error("log entry has version {found}, this program knows version 1")]
    Version {
        /// The version found.
        found: u8,
    },
}

impl Leaf {
    /// A leaf for `receipt` taken in at `integrated_at_ms`.
    #[must_use]
    pub const fn new(receipt: Digest, integrated_at_ms: u64) -> Self {
        Self { receipt, integrated_at_ms, version: 1 }
    }

    /// The bytes that are hashed into the tree.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical::to_vec(self).expect("a digest, a decimal string and a small integer")
    }

    /// Reads a log entry.
    ///
    /// # Errors
    /// If the bytes are not a canonical leaf of version 1.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LeafError> {
        let leaf: Self = canonical::from_slice(bytes)?;
        if leaf.version == 1 { Ok(leaf) } else { Err(LeafError::Version { found: leaf.version }) }
    }
}
