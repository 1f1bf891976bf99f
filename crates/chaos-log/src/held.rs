//! Leaves held against the root over them, a tile at a time.

use std::{cell::RefCell, collections::BTreeMap};

use crate::{
    Edge,
    hash::{Hash, perfect_root},
    prove::{ProveError, TileRead},
    tile::{TILE_BITS, TILE_WIDTH, TileId},
};

/// So many tiles that were held against the root are kept, 2 MiB of hashes; then it begins anew.
const KEPT_MAX: usize = 256;

/// The leaf hashes of a log of some size, as the root over them has them.
///
/// What a tile holds is believed once the tile above it has its hash, and so on up to the root that the
/// caller knows. Each tile is held against the one above it once, whatever is asked of it.
#[derive(Debug)]
pub struct HeldTiles<'a, R> {
    tiles: &'a R,
    edge: Edge,
    kept: RefCell<BTreeMap<TileId, Vec<Hash>>>,
}

/// Why the hash of a leaf is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeldError<E> {
    /// A tile cannot be read, or is narrower than the size needs.
    #[error(transparent)]
    Prove(#[from] ProveError<E>),
    /// The tiles at the right edge give another root.
    #[error("the tiles give root {found} at size {size}, expected {expected}")]
    Root {
        /// How many leaves.
        size: u64,
        /// The root over them.
        expected: Hash,
        /// What the stored tiles give.
        found: Hash,
    },
    /// A tile is not the one whose hash the tile above it holds.
    #[error("{tile} has hash {found}, the tile above it says {expected}")]
    Tile {
        /// The tile.
        tile: TileId,
        /// What the tile above it holds.
        expected: Hash,
        /// Its own hash.
        found: Hash,
    },
}

impl<'a, R: TileRead> HeldTiles<'a, R> {
    /// The tiles of the first `size` leaves, whose root is `root`.
    ///
    /// # Errors
    /// If the tiles at the right edge cannot be read or give another root.
    pub fn new(tiles: &'a R, size: u64, root: &Hash) -> Result<Self, HeldError<R::Error>> {
        let edge = Edge::load(tiles, size)?;
        let found = edge.root();
        if found != *root {
            return Err(HeldError::Root { size, expected: *root, found });
        }
        Ok(Self { tiles, edge, kept: RefCell::new(BTreeMap::new()) })
    }

    /// The hash of the leaf at an index.
    ///
    /// # Errors
    /// If there is no such leaf, or its tile cannot be read or is not the tree's.
    pub fn leaf(&self, index: u64) -> Result<Hash, HeldError<R::Error>> {
        let size = self.edge.size();
        if index >= size {
            return Err(ProveError::Index { index, size }.into());
        }
        self.hash(0, index)
    }

    /// The root over 256^level leaves, the index-th of its level.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, HeldError<R::Error>> {
        let id = TileId { level, index: index >> TILE_BITS };
        let within = usize::try_from(index % u64::from(TILE_WIDTH)).expect("below 256");
        let full = u64::from(TILE_WIDTH);
        let in_level = self.edge.size() >> (u32::from(level) * TILE_BITS);
        if (id.index + 1) * full > in_level {
            // The right edge is what the root was computed from.
            return Ok(self.edge.level(level)[within]);
        }
        if let Some(hashes) = self.kept.borrow().get(&id) {
            return Ok(hashes[within]);
        }
        let mut hashes = self.tiles.read_tile(id).map_err(ProveError::Read)?.unwrap_or_default();
        let expected = usize::from(TILE_WIDTH);
        if hashes.len() != expected {
            return Err(ProveError::Narrow { tile: id, expected, found: hashes.len() }.into());
        }
        hashes.shrink_to_fit();
        let (expected, found) = (self.hash(level + 1, id.index)?, perfect_root(&hashes));
        if expected != found {
            return Err(HeldError::Tile { tile: id, expected, found });
        }
        let hash = hashes[within];
        let mut kept = self.kept.borrow_mut();
        if kept.len() == KEPT_MAX {
            kept.clear();
        }
        kept.insert(id, hashes);
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryLog, leaf_hash, root_at};

    /// Tiles of which some are written over.
    struct Stored {
        log: MemoryLog,
        over: BTreeMap<TileId, Vec<Hash>>,
    }

    impl TileRead for Stored {
        type Error = std::convert::Infallible;

        fn read_tile(&self, id: TileId) -> Result<Option<Vec<Hash>>, Self::Error> {
            match self.over.get(&id) {
                Some(hashes) => Ok(Some(hashes.clone())),
                None => self.log.read_tile(id),
            }
        }
    }

    fn leaf(index: u64) -> Vec<u8> {
        format!("leaf {index}").into_bytes()
    }

    fn stored(size: u64) -> Stored {
        let mut log = MemoryLog::new();
        for index in 0..size {
            log.append(leaf(index)).unwrap();
        }
        Stored { log, over: BTreeMap::new() }
    }

    #[test]
    fn every_leaf_of_every_smaller_size_is_as_the_root_has_it() {
        let stored = stored(66_000);
        for size in [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 66_000] {
            let held = HeldTiles::new(&stored, size, &root_at(&stored, size).unwrap()).unwrap();
            for index in [0, 1, 254, 255, 256, 300, 511, 65_279, 65_280, 65_535, 65_536, 65_999] {
                let found = held.leaf(index);
                if index < size {
                    assert_eq!(found.unwrap(), leaf_hash(&leaf(index)), "{index} of {size}");
                } else {
                    assert!(matches!(found, Err(HeldError::Prove(_))), "{index} of {size}");
                }
            }
        }
    }

    #[test]
    fn a_false_hash_in_any_tile_is_seen_by_whoever_needs_it() {
        let size = 66_000;
        let root = root_at(&stored(size), size).unwrap();
        let of = |level, index| TileId { level, index };
        // The tile, a place in it, and a leaf whose way to the root leads through it.
        for (id, place, needs) in [
            (of(0, 3), 7, 3 * 256),
            (of(0, 256), 1, 65_536),
            (of(1, 0), 3, 768),
            (of(1, 1), 0, 65_536),
        ] {
            let mut stored = stored(size);
            let mut hashes = stored.log.read_tile(id).unwrap().unwrap();
            hashes[place] = leaf_hash(b"false");
            stored.over.insert(id, hashes);
            let found = HeldTiles::new(&stored, size, &root).and_then(|held| held.leaf(needs));
            assert!(matches!(found, Err(HeldError::Tile { .. } | HeldError::Root { .. })), "{id}");
        }
    }

    #[test]
    fn a_tile_that_is_gone_is_said_to_be_narrow() {
        let mut stored = stored(1_000);
        let root = root_at(&stored, 1_000).unwrap();
        stored.over.insert(TileId { level: 0, index: 1 }, Vec::new());
        let held = HeldTiles::new(&stored, 1_000, &root).unwrap();
        assert!(matches!(held.leaf(300), Err(HeldError::Prove(ProveError::Narrow { .. }))));
        held.leaf(100).unwrap();
    }
}
