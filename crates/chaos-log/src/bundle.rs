//! Entry bundles: up to 256 leaves, each behind its length
//! ([C2SP tlog-tiles](https://c2sp.org/tlog-tiles), "Log entries").

use crate::tile::TILE_WIDTH;

/// The largest leaf in bytes: what a 16-bit length can say.
pub const LEAF_BYTES_MAX: usize = 65_535;

/// Why leaves cannot be written as a bundle or bytes cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// A leaf is longer than [`LEAF_BYTES_MAX`].
    #[error("leaf {position} of the bundle has {bytes} bytes, the limit is {LEAF_BYTES_MAX}")]
    LeafTooLong {
        /// Position within the bundle, from 0.
        position: usize,
        /// Length of the leaf in bytes.
        bytes: usize,
    },
    /// There are no leaves, or more than 256.
    #[error("expected 1 to 256 leaves in a bundle, found {found}")]
    Count {
        /// Leaves found; 257 stands for any larger number.
        found: usize,
    },
    /// The bytes end within a length or a leaf.
    #[error("bundle ends within leaf {position}: expected {expected} more bytes, found {found}")]
    Truncated {
        /// Position of the cut leaf, from 0.
        position: usize,
        /// Bytes that should follow.
        expected: usize,
        /// Bytes that do follow.
        found: usize,
    },
}

/// Writes 1 to 256 leaves as a bundle.
///
/// # Errors
/// If the number of leaves or the length of one is out of range.
pub fn bundle_to_bytes<L: AsRef<[u8]>>(leaves: &[L]) -> Result<Vec<u8>, BundleError> {
    ensure_count(leaves.len())?;
    let mut bytes = Vec::new();
    for (position, leaf) in leaves.iter().enumerate() {
        let leaf = leaf.as_ref();
        let length = u16::try_from(leaf.len())
            .map_err(|_| BundleError::LeafTooLong { position, bytes: leaf.len() })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(leaf);
    }
    Ok(bytes)
}

/// Reads the leaves of a bundle.
///
/// # Errors
/// If the bytes end within a leaf, or do not hold 1 to 256 of them.
pub fn bundle_from_bytes(mut bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut leaves = Vec::new();
    while !bytes.is_empty() {
        ensure_count(leaves.len() + 1)?;
        let position = leaves.len();
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or(BundleError::Truncated {
            position,
            expected: 2,
            found: bytes.len(),
        })?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (leaf, rest) = rest.split_at_checked(length).ok_or(BundleError::Truncated {
            position,
            expected: length,
            found: rest.len(),
        })?;
        leaves.push(leaf);
        bytes = rest;
    }
    ensure_count(leaves.len())?;
    Ok(leaves)
}

fn ensure_count(found: usize) -> Result<(), BundleError> {
    if (1..=usize::from(TILE_WIDTH)).contains(&found) {
        Ok(())
    } else {
        Err(BundleError::Count { found })
    }
}
