use std::{collections::BTreeMap, convert::Infallible};

use crate::{
    bundle::LEAF_BYTES_MAX,
    edge::Edge,
    hash::{Hash, leaf_hash},
    prove::TileRead,
    tile::TileId,
};

/// A log held in memory: its leaves, its tiles and the edge that grows.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog {
    leaves: Vec<Vec<u8>>,
    tiles: BTreeMap<TileId, Vec<Hash>>,
    edge: Edge,
}

/// A leaf was longer than [`LEAF_BYTES_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("leaf has {bytes} bytes, the limit is {LEAF_BYTES_MAX}")]
pub struct LeafError {
    /// Length of the leaf in bytes.
    pub bytes: usize,
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf and returns its index.
    ///
    /// # Errors
    /// If the leaf is too long.
    pub fn append(&mut self, leaf: Vec<u8>) -> Result<u64, LeafError> {
        let index = self.size();
        self.append_batch(vec![leaf])?;
        Ok(index)
    }

    /// Appends several leaves, or none if one of them is too long.
    ///
    /// # Errors
    /// If a leaf is too long.
    pub fn append_batch(&mut self, leaves: Vec<Vec<u8>>) -> Result<(), LeafError> {
        if let Some(leaf) = leaves.iter().find(|leaf| leaf.len() > LEAF_BYTES_MAX) {
            return Err(LeafError { bytes: leaf.len() });
        }
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        for tile in self.edge.append(&hashes) {
            self.tiles.insert(tile.id, tile.hashes);
        }
        self.leaves.extend(leaves);
        Ok(())
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// The leaf at `index`.
    #[must_use]
    pub fn leaf(&self, index: u64) -> Option<&[u8]> {
        self.leaves.get(usize::try_from(index).ok()?).map(Vec::as_slice)
    }
}

impl TileRead for MemoryLog {
    type Error = Infallible;

    fn read_tile(&self, id: TileId) -> Result<Option<Vec<Hash>>, Infallible> {
        Ok(self.tiles.get(&id).cloned())
    }
}
