//! Tiles of a published tree, fetched as proofs ask for them.

use std::collections::BTreeMap;

use chaos_log::{
    Hash, PrefixProof, ProveError, TILE_WIDTH, TileId, TileKind, TilePath, TileRead, prove_prefix,
};

use super::{
    MirrorError,
    tree::{fetch_tile, narrow},
};
use crate::source::Source;

/// The tiles of a tree of some size that were fetched so far.
#[derive(Debug)]
pub(super) struct Fetched {
    size: u64,
    tiles: BTreeMap<TileId, Vec<Hash>>,
}

/// A tile that was not fetched yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} was not fetched yet")]
pub(super) struct Absent(pub(super) TileId);

impl TileRead for Fetched {
    type Error = Absent;

    fn read_tile(&self, id: TileId) -> Result<Option<Vec<Hash>>, Absent> {
        self.tiles.get(&id).cloned().map(Some).ok_or(Absent(id))
    }
}

impl Fetched {
    /// Nothing yet of the tree of this size.
    pub(super) const fn of(size: u64) -> Self {
        Self { size, tiles: BTreeMap::new() }
    }

    /// Fetches a tile of hashes, as wide as the tree has it.
    pub(super) async fn fetch(&mut self, source: &Source, id: TileId) -> Result<(), MirrorError> {
        let hashes = self.size >> (u32::from(id.level) * 8);
        let start = id.index * u64::from(TILE_WIDTH);
        let width = hashes.saturating_sub(start).min(u64::from(TILE_WIDTH));
        let width = u16::try_from(width).expect("at most 256");
        let path = TilePath::new(TileKind::Hashes { level: id.level }, id.index, width)
            .expect("a proof asks for tiles that its size has");
        let tile = fetch_tile(source, path).await?;
        self.tiles.insert(id, tile);
        Ok(())
    }

    /// The nodes from which the roots of the first `old_size` and `new_size` entries follow. Whether they lead
    /// to the signed one is for whoever has that to say.
    pub(super) async fn prefix(
        &mut self,
        source: &Source,
        old_size: u64,
        new_size: u64,
    ) -> Result<PrefixProof, MirrorError> {
        loop {
            match prove_prefix(self, old_size, new_size) {
                Ok(prefix) => return Ok(prefix),
                // Every turn adds a tile, and a proof asks for two of each level.
                Err(ProveError::Read(Absent(id))) => self.fetch(source, id).await?,
                Err(ProveError::Narrow { tile, expected, found }) => {
                    return Err(narrow(tile, expected, found));
                }
                Err(ProveError::Index { .. } | ProveError::Sizes { .. }) => {
                    unreachable!("the old size is below the new one")
                }
            }
        }
    }
}
