//! The log entry of a receipt.

use chaos_log::map;
use chaos_types::{Digest, canonical, decimal};
use serde::{Deserialize, Serialize};

/// A leaf of the log: which receipt, when the log took it in, and what the log folds to with it.
///
/// The bytes hashed into the tree are the canonical JSON of this struct,
/// `{"integrated_at_ms":"…","receipt":"sha256:…","state":"…","version":2}`. The receipt itself is
/// stored beside the log, so that it can be pruned or withheld without breaking the tree.
///
/// A leaf of layout 1 states no root. From a log's first leaf of layout 2 on there is no other, and
/// its root is over the rows of all entries before it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// The receipt's id.
    pub receipt: Digest,
    /// Milliseconds since 1970 by the log's clock. This is the time of a receipt.
    #[serde(with = "decimal")]
    pub integrated_at_ms: u64,
    /// The root of the map of the committed rows after this entry, whether it counts or not: 64
    /// hexadecimal digits. Layout 2 has it, layout 1 does not.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "root")]
    pub state: Option<map::Hash>,
    /// The layout, 1 or 2.
    pub version: u8,
}

/// Why bytes are not a [`Leaf`].
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    /// The bytes are not canonical JSON of the leaf's shape.
    #[error("log entry is not a canonical leaf")]
    Format(#[from] canonical::Error),
    /// The layout is one that this program does not know.
    #[error("log entry has version {found}, this program knows versions 1 and 2")]
    Version {
        /// The version found.
        found: u8,
    },
    /// The leaf has a root where its layout has none, or lacks it.
    #[error("log entry of version {version} {} a root of the state", if *stated { "states" } else { "lacks" })]
    State {
        /// Its layout.
        version: u8,
        /// Whether it has a root.
        stated: bool,
    },
}

impl Leaf {
    /// A leaf of layout 1 for `receipt`, taken in at `integrated_at_ms`.
    #[must_use]
    pub const fn new(receipt: Digest, integrated_at_ms: u64) -> Self {
        Self { receipt, integrated_at_ms, state: None, version: 1 }
    }

    /// The leaf of layout 2 that states the root after its entry.
    #[must_use]
    pub const fn stating(self, state: map::Hash) -> Self {
        Self { state: Some(state), version: 2, ..self }
    }

    /// The bytes that are hashed into the tree.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical::to_vec(self).expect("a digest, two texts and a small integer")
    }

    /// Reads a log entry.
    ///
    /// # Errors
    /// If the bytes are not a canonical leaf of layout 1 or 2.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LeafError> {
        let leaf: Self = canonical::from_slice(bytes)?;
        leaf.ensure_layout().map(|()| leaf)
    }

    /// A leaf of layout 2 states a root, one of layout 1 does not, and there are no others.
    ///
    /// # Errors
    /// [`LeafError::Version`] or [`LeafError::State`].
    pub const fn ensure_layout(&self) -> Result<(), LeafError> {
        match (self.version, self.state) {
            (1, None) | (2, Some(_)) => Ok(()),
            (version @ 1..=2, state) => Err(LeafError::State { version, stated: state.is_some() }),
            (found, _) => Err(LeafError::Version { found }),
        }
    }
}

/// A root as 64 hexadecimal digits.
mod root {
    use chaos_log::map::Hash;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        root: &Option<Hash>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        root.map(|root| root.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Hash>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests;
