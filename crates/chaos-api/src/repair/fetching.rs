//! Entries that are damaged or missing, from a source that has them.

use std::sync::Arc;

use chaos_agency::{Kinds, Leaf};
use chaos_log::{Hash, TileId, TilePath, TileRead as _, leaf_hash};
use chaos_store::{Append, Store, Stored};
use chaos_types::Digest;

use super::RepairError;
use crate::{
    mirror::{Expected, Task, Tree, fetch_page, root_over},
    published::first,
    source::Source,
};

pub(super) struct Repair<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) tree: &'a Tree,
    /// Size of the newest head that the directory holds.
    pub(super) signed: u64,
    /// Size of the newest head that is known without the source.
    pub(super) newest: u64,
    /// How many of the source's first entries are shown to be those that were signed here, or to go on from
    /// those.
    pub(super) shown: u64,
    /// Whether it is known what the log signed: no kept checkpoint was damaged.
    pub(super) is_known: bool,
    pub(super) entries: Vec<u64>,
}

impl Repair<'_> {
    /// Compares a bundle with the tree, and mends it if it is another.
    pub(super) async fn mend(
        &mut self,
        store: &mut Store,
        path: &TilePath,
        end: u64,
    ) -> Result<(), RepairError> {
        let start = first(path);
        let range = start..end.min(start + u64::from(path.width()));
        if range.is_empty() {
            return Ok(());
        }
        let expected = self.tree.expected(path)?;
        let stored: Vec<_> =
            range.clone().map(|index| store.stored(index)).collect::<Result<_, _>>()?;
        if holds(&stored, &expected, path) {
            return Ok(());
        }
        // Tiles are computed here, so that a source without them mends as well.
        let task = Task { path: *path, expected, kinds: Kinds::default(), compares_tile: false };
        let page = fetch_page(Arc::clone(self.source), task).await?;
        let tile = tile_hashes(store, path);
        for ((entry, _), stored) in page.judged(start).zip(stored) {
            if entry.index >= range.end {
                break;
            }
            let place = usize::try_from(entry.index - start).expect("below 256");
            if is_whole(stored.as_ref(), &entry.append) {
                continue;
            }
            if let Some(stored) = &stored
                && stored.leaf != entry.append.leaf()
                && is_sound(stored)
                && tile.get(place) == Some(&leaf_hash(&stored.leaf))
            {
                let (index, signed, is_known) = (entry.index, self.signed, self.is_known);
                return Err(RepairError::Differs { index, signed, is_known });
            }
            if entry.index >= self.shown {
                let (size, signed) = (self.tree.size(), self.newest);
                return Err(RepairError::NotShown { index: entry.index, size, signed });
            }
            store.mend_entries(entry.index..entry.index + 1, &[entry.append])?;
            self.entries.push(entry.index);
        }
        Ok(())
    }
}

/// Whether stored entries are those of the tree, and their records those of their leaves.
fn holds(stored: &[Option<Stored>], expected: &Expected, path: &TilePath) -> bool {
    if !stored.iter().all(|entry| entry.as_ref().is_some_and(is_sound)) {
        return false;
    }
    let hashes: Vec<Hash> = stored.iter().flatten().map(|entry| leaf_hash(&entry.leaf)).collect();
    match expected {
        Expected::Root(root) => {
            hashes.len() == usize::from(path.width()) && root_over(&hashes) == *root
        }
        Expected::Leaves(expected) => expected.starts_with(&hashes),
    }
}

/// Whether a record is the one that its leaf names. The digest in its row follows from it, and says nothing.
pub(super) fn is_sound(entry: &Stored) -> bool {
    let digest = Digest::of(&entry.record);
    Leaf::from_bytes(&entry.leaf).is_ok_and(|leaf| leaf.receipt == digest)
}

fn is_whole(stored: Option<&Stored>, entry: &Append) -> bool {
    stored.is_some_and(|stored| {
        stored.leaf == entry.leaf()
            && stored.digest == entry.digest()
            && stored.record == entry.record()
    })
}

/// The stored hashes of a bundle's leaves; none where the tile cannot be read.
fn tile_hashes(store: &Store, path: &TilePath) -> Vec<Hash> {
    let id = TileId { level: 0, index: path.index() };
    store.read_tile(id).ok().flatten().unwrap_or_default()
}
