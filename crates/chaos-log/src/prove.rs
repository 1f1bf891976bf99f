//! Roots and proofs made from stored tiles, a few tiles at a time.

use std::collections::{BTreeMap, btree_map::Entry as Slot};

use crate::{
    hash::{EMPTY_ROOT, Hash, node_hash},
    proof::{ConsistencyProof, InclusionProof, PrefixProof},
    tile::{TILE_BITS, TileId},
};

/// Read access to the tiles of a log.
///
/// A full tile never changes. A partial tile only grows, so a reader may return one that is wider
/// than the tree in question needs; hashes that once stood in it stay.
pub trait TileRead {
    /// Why the storage could not be read.
    type Error;

    /// The hashes of a tile, or `None` if nothing is stored there.
    ///
    /// # Errors
    /// If the storage fails; a missing tile is not a failure.
    fn read_tile(&self, id: TileId) -> Result<Option<Vec<Hash>>, Self::Error>;
}

/// Why a root or a proof could not be made from the stored tiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// The storage could not be read.
    #[error("cannot read the log's tiles")]
    Read(#[source] E),
    /// A tile is missing or holds fewer hashes than a log of this size has there.
    #[error("{tile} holds {found} hashes, expected at least {expected}")]
    Narrow {
        /// The tile.
        tile: TileId,
        /// Hashes that a log of this size has there.
        expected: usize,
        /// Hashes found; 0 if the tile is missing.
        found: usize,
    },
    /// The entry is not in a tree of this size.
    #[error("entry {index} is not in a log of {size} entries")]
    Index {
        /// The entry asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("old size {old_size} is larger than new size {new_size}")]
    Sizes {
        /// Size of the older tree.
        old_size: u64,
        /// Size of the newer tree.
        new_size: u64,
    },
}

/// The root over the first `size` leaves.
///
/// # Errors
/// If the tiles cannot be read or do not reach this size.
pub fn root_at<R: TileRead>(tiles: &R, size: u64) -> Result<Hash, ProveError<R::Error>> {
    if size == 0 { Ok(EMPTY_ROOT) } else { Ranges::new(tiles).root(0, size) }
}

/// Proves that entry `index` is in the tree of the first `size` leaves
/// ([RFC 6962, section 2.1.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1)).
///
/// # Errors
/// If the entry is not in that tree, or its tiles cannot be read.
pub fn prove_inclusion<R: TileRead>(
    tiles: &R,
    index: u64,
    size: u64,
) -> Result<InclusionProof, ProveError<R::Error>> {
    Ranges::new(tiles).inclusion(index, size)
}

/// Proves of each of these entries that it is in the tree of the first `size` leaves, as
/// [`prove_inclusion`] does. A tile that several of the proofs need is read and hashed once.
///
/// # Errors
/// If one of the entries is not in that tree, or its tiles cannot be read.
pub fn prove_inclusions<R: TileRead>(
    tiles: &R,
    indices: impl IntoIterator<Item = u64>,
    size: u64,
) -> Result<Vec<InclusionProof>, ProveError<R::Error>> {
    let mut ranges = Ranges::new(tiles);
    indices.into_iter().map(|index| ranges.inclusion(index, size)).collect()
}

/// Proves that the tree of `old_size` leaves is the start of the tree of `new_size` leaves
/// ([RFC 6962, section 2.1.2](https://www.rfc-editor.org/rfc/rfc6962#section-2.1.2)).
///
/// # Errors
/// If the old size is above the new one, or the tiles cannot be read.
pub fn prove_consistency<R: TileRead>(
    tiles: &R,
    old_size: u64,
    new_size: u64,
) -> Result<ConsistencyProof, ProveError<R::Error>> {
    if old_size > new_size {
        return Err(ProveError::Sizes { old_size, new_size });
    }
    let mut hashes = Vec::new();
    if old_size > 0 && old_size < new_size {
        hashes = prefix_nodes(tiles, old_size, new_size)?;
        // If the old tree itself is a node of the new one, the verifier already has its root.
        if old_size.is_power_of_two() {
            hashes.remove(0);
        }
    }
    Ok(ConsistencyProof::from_parts(old_size, new_size, hashes))
}

/// Proves which root the first `old_size` leaves have in the tree of `new_size` leaves, leaving
/// nothing to be claimed.
///
/// # Errors
/// If the old size is not below the new one, or the tiles cannot be read.
pub fn prove_prefix<R: TileRead>(
    tiles: &R,
    old_size: u64,
    new_size: u64,
) -> Result<PrefixProof, ProveError<R::Error>> {
    if old_size >= new_size {
        return Err(ProveError::Sizes { old_size, new_size });
    }
    let nodes = if old_size == 0 { Vec::new() } else { prefix_nodes(tiles, old_size, new_size)? };
    Ok(PrefixProof::new(old_size, new_size, nodes).expect("the nodes are those of RFC 6962"))
}

/// The largest whole subtree at the right edge of the old tree, and the nodes beside its way to the
/// new root; for `0 < old_size < new_size`.
fn prefix_nodes<R: TileRead>(
    tiles: &R,
    old_size: u64,
    new_size: u64,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    let mut hashes = Vec::new();
    let mut ranges = Ranges::new(tiles);
    let (mut start, mut end) = (0, new_size);
    while end > old_size {
        let middle = start + split(end - start);
        if old_size <= middle {
            hashes.push(ranges.root(middle, end)?);
            end = middle;
        } else {
            hashes.push(ranges.root(start, middle)?);
            start = middle;
        }
    }
    hashes.push(ranges.root(start, end)?);
    hashes.reverse();
    Ok(hashes)
}

/// The largest power of two below `leaves`, which is at least 2.
const fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// Roots over ranges of leaves; remembers the tiles that it has read, and what it has computed of them.
struct Ranges<'a, R> {
    tiles: &'a R,
    read: BTreeMap<TileId, Nodes>,
}

/// The hashes of a tile, and above them the nodes over pairs of those below, as far up as they were
/// asked for.
struct Nodes {
    hashes: Vec<Hash>,
    above: Vec<Vec<Hash>>,
}

impl Nodes {
    /// The node over the `index`-th `1 << height` of the tile's hashes, if it has all of them.
    fn node(&mut self, height: usize, index: usize) -> Option<Hash> {
        while self.above.len() < height {
            let (pairs, _) = self.above.last().unwrap_or(&self.hashes).as_chunks();
            self.above.push(pairs.iter().map(|[left, right]| node_hash(left, right)).collect());
        }
        let nodes = height.checked_sub(1).map_or(&self.hashes, |above| &self.above[above]);
        nodes.get(index).copied()
    }
}

impl<'a, R: TileRead> Ranges<'a, R> {
    const fn new(tiles: &'a R) -> Self {
        Self { tiles, read: BTreeMap::new() }
    }

    fn inclusion(&mut self, index: u64, size: u64) -> Result<InclusionProof, ProveError<R::Error>> {
        if index >= size {
            return Err(ProveError::Index { index, size });
        }
        let mut hashes = Vec::new();
        let (mut start, mut end) = (0, size);
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                hashes.push(self.root(middle, end)?);
                end = middle;
            } else {
                hashes.push(self.root(start, middle)?);
                start = middle;
            }
        }
        hashes.reverse();
        Ok(InclusionProof::from_parts(index, size, hashes))
    }

    /// The root over `start..end`; not empty, and `start` is a multiple of a power of two that is
    /// at least the length, as every node of a tree has it.
    fn root(&mut self, start: u64, end: u64) -> Result<Hash, ProveError<R::Error>> {
        let mut root: Option<Hash> = None;
        let mut end = end;
        while end > start {
            let level = (end - start).trailing_zeros();
            let left = self.perfect(level, (end - (1 << level)) >> level)?;
            root = Some(root.map_or(left, |right| node_hash(&left, &right)));
            end -= 1 << level;
        }
        Ok(root.unwrap_or(EMPTY_ROOT))
    }

    /// The root over the leaves `index << level .. (index + 1) << level`.
    fn perfect(&mut self, level: u32, index: u64) -> Result<Hash, ProveError<R::Error>> {
        let within = level % TILE_BITS;
        let first = index << within;
        let id = TileId {
            level: u8::try_from(level / TILE_BITS).expect("a 64-bit tree has 8 levels of tiles"),
            index: first >> TILE_BITS,
        };
        let nodes = match self.read.entry(id) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => {
                let hashes = self.tiles.read_tile(id).map_err(ProveError::Read)?;
                slot.insert(Nodes { hashes: hashes.unwrap_or_default(), above: Vec::new() })
            }
        };
        let place = |first: u64| usize::try_from(first % 256).expect("below 256");
        let height = usize::try_from(within).expect("at most 7");
        nodes.node(height, place(first) >> height).ok_or_else(|| ProveError::Narrow {
            tile: id,
            expected: place(first) + (1 << height),
            found: nodes.hashes.len(),
        })
    }
}
