//! The entries that the source does not reach, judged by what the log has signed.

use std::ops::Range;

use chaos_log::{Hash, SignedCheckpoint, TILE_WIDTH, TileId, TileRead as _, leaf_hash};
use chaos_store::Store;

use super::{RepairError, fetching::is_sound};
use crate::mirror::Tree;

/// What is wrong with entries past the source's head.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// Those that are missing, whose record is not that of their leaf, or whose leaf is not the one in the tile although a
    /// head covers them that the leaves do not lead to.
    pub(super) damaged: Vec<u64>,
    /// Those that hold together, and whose tile had another hash: no head covers them, so that nothing tells which of
    /// the two a disk has changed.
    pub(super) unproved: Vec<u64>,
}

impl Beyond {
    /// Judges the entries of a range that begins where the source's tree ends. What a tile says counts only where no
    /// head tells: it is computed from the leaves, and a head that the leaves lead to shows them.
    pub(super) fn judge(
        store: &Store,
        range: Range<u64>,
        tree: &Tree,
        heads: &[SignedCheckpoint],
    ) -> Result<Self, RepairError> {
        let mut leaves: Vec<Option<Hash>> = Vec::new();
        for index in range.clone() {
            let entry = store.stored(index)?.filter(is_sound);
            leaves.push(entry.map(|entry| leaf_hash(&entry.leaf)));
        }
        let is_reached = |head: &SignedCheckpoint| {
            let count = usize::try_from(head.claimed().size() - range.start).unwrap_or(usize::MAX);
            let leaves: Option<Vec<Hash>> = leaves.get(..count)?.iter().copied().collect();
            (tree.root_with(leaves?.into_iter()) == *head.claimed().root()).then_some(count)
        };
        let mut covering: Vec<&SignedCheckpoint> =
            heads.iter().filter(|head| head.claimed().size() > range.start).collect();
        covering.sort_by_key(|head| std::cmp::Reverse(head.claimed().size()));
        let shown = covering.iter().find_map(|head| is_reached(head)).unwrap_or(0);
        let covered = covering.first().map_or(range.start, |head| head.claimed().size());
        let (mut found, mut tile) = (Self::default(), Tiles::of(store));
        for (index, leaf) in range.zip(&leaves).skip(shown) {
            match leaf {
                None => found.damaged.push(index),
                // A tile that is not there says nothing.
                Some(leaf) if tile.hash(index).is_none_or(|hash| hash == *leaf) => {}
                Some(_) if index < covered => found.damaged.push(index),
                Some(_) => found.unproved.push(index),
            }
        }
        Ok(found)
    }
}

/// The lowest tiles as they are stored, one at a time.
struct Tiles<'a> {
    store: &'a Store,
    read: Option<(u64, Vec<Hash>)>,
}

impl<'a> Tiles<'a> {
    const fn of(store: &'a Store) -> Self {
        Self { store, read: None }
    }

    /// The hash of a leaf; none where the tile cannot be read, or ends before it.
    fn hash(&mut self, index: u64) -> Option<Hash> {
        let (tile, place) = (index / u64::from(TILE_WIDTH), index % u64::from(TILE_WIDTH));
        if self.read.as_ref().is_none_or(|(read, _)| *read != tile) {
            let id = TileId { level: 0, index: tile };
            self.read = Some((tile, self.store.read_tile(id).ok().flatten().unwrap_or_default()));
        }
        let (_, hashes) = self.read.as_ref()?;
        hashes.get(usize::try_from(place).ok()?).copied()
    }
}
