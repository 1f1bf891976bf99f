use crate::{
    hash::{EMPTY_ROOT, Hash, node_hash, perfect_root},
    prove::{ProveError, TileRead},
    tile::{TILE_BITS, TILE_WIDTH, Tile, TileId},
};

/// The right edge of a growing tree: its size and the partial tile of each level.
///
/// It is all that appending needs: at most eight tiles of 255 hashes, whatever the size of the
/// log. Whoever stores a log keeps one beside the stored tiles, and loads it again with
/// [`Edge::load`] after a restart or a failed write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// `levels[l]` holds the last `(size >> 8l) mod 256` hashes of level `l`.
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of an empty log.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, levels: Vec::new() }
    }

    /// Loads the edge of a stored log of `size` leaves.
    ///
    /// # Errors
    /// If a tile cannot be read, is missing, or is narrower than the size needs.
    pub fn load<R: TileRead>(tiles: &R, size: u64) -> Result<Self, ProveError<R::Error>> {
        let mut levels = Vec::new();
        for level in 0u8.. {
            let shift = u32::from(level) * TILE_BITS;
            if shift >= u64::BITS || size >> shift == 0 {
                break;
            }
            let hashes = size >> shift;
            let width = usize::from(u16::try_from(hashes % u64::from(TILE_WIDTH)).unwrap_or(0));
            if width == 0 {
                levels.push(Vec::new());
                continue;
            }
            let id = TileId { level, index: hashes / u64::from(TILE_WIDTH) };
            let mut found = tiles.read_tile(id).map_err(ProveError::Read)?.unwrap_or_default();
            if found.len() < width {
                return Err(ProveError::Narrow { tile: id, expected: width, found: found.len() });
            }
            // A wider tile is a later one; the hashes of the smaller tree are its start.
            found.truncate(width);
            levels.push(found);
        }
        Ok(Self { size, levels })
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of a level's partial tile; none if it has no such tile.
    pub(crate) fn level(&self, level: u8) -> &[Hash] {
        self.levels.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for hashes in &self.levels {
            let mut left = hashes.as_slice();
            while !left.is_empty() {
                // The last perfect subtree is as wide as the lowest bit set in the width.
                let width = 1 << left.len().trailing_zeros();
                let (before, last) = left.split_at(left.len() - width);
                let last = perfect_root(last);
                root = Some(root.map_or(last, |right| node_hash(&last, &right)));
                left = before;
            }
        }
        root.unwrap_or(EMPTY_ROOT)
    }

    /// Appends leaves by their hashes and returns the tiles to store: the completed ones, and the
    /// partial ones that grew.
    pub fn append(&mut self, leaves: &[Hash]) -> Vec<Tile> {
        let old_size = self.size;
        let mut tiles = Vec::new();
        for leaf in leaves {
            self.push(*leaf, &mut tiles);
        }
        for (level, hashes) in (0u8..).zip(&self.levels) {
            let shift = u32::from(level) * TILE_BITS;
            if !hashes.is_empty() && old_size >> shift != self.size >> shift {
                let index = self.size >> shift >> TILE_BITS;
                tiles.push(Tile { id: TileId { level, index }, hashes: hashes.clone() });
            }
        }
        tiles
    }

    fn push(&mut self, leaf: Hash, full: &mut Vec<Tile>) {
        let mut carry = Some(leaf);
        let mut level = 0u8;
        while let Some(hash) = carry.take() {
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            let hashes = &mut self.levels[usize::from(level)];
            hashes.push(hash);
            if hashes.len() == usize::from(TILE_WIDTH) {
                let hashes = std::mem::take(hashes);
                carry = Some(perfect_root(&hashes));
                let index = self.size >> (u32::from(level) * TILE_BITS) >> TILE_BITS;
                full.push(Tile { id: TileId { level, index }, hashes });
            }
            level += 1;
        }
        self.size += 1;
    }
}
