use std::{
    collections::BTreeMap,
    ops::{
        Bound::{Excluded, Included, Unbounded},
        Range,
    },
};

use chaos_log::{
    Edge, Hash, SignedCheckpoint, TileId, TileRead,
    map::{Group, GroupId, GroupRead},
    root_at,
};
use chaos_types::Digest;

use crate::{
    error::StoreError,
    records::{Appended, Change, ENTRIES_MAX, Entry, Fold, Head, Records, Row},
    sqlite::ensure_fits,
};

/// A store in memory, for tests and for work that leaves nothing behind. It is durable only as
/// long as the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    entries: Vec<Entry>,
    indices: BTreeMap<Digest, u64>,
    tiles: BTreeMap<TileId, Vec<Hash>>,
    edge: Edge,
    checkpoints: BTreeMap<u64, SignedCheckpoint>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    groups: BTreeMap<GroupId, Group>,
    former: BTreeMap<(GroupId, u64), Option<Group>>,
    fold: Option<Fold>,
    meta: BTreeMap<String, Vec<u8>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl TileRead for MemoryStore {
    type Error = StoreError;

    fn read_tile(&self, id: TileId) -> Result<Option<Vec<Hash>>, StoreError> {
        Ok(self.tiles.get(&id).cloned())
    }
}

impl GroupRead for MemoryStore {
    type Error = StoreError;

    fn read_group(&self, id: GroupId) -> Result<Option<Group>, StoreError> {
        Ok(self.groups.get(&id).cloned())
    }

    fn read_below(&self, id: GroupId) -> Result<Vec<(GroupId, Group)>, StoreError> {
        let [first, .., last] = id.all_below();
        Ok(self.groups.range(first..=last).map(|(id, group)| (*id, group.clone())).collect())
    }
}

impl Records for MemoryStore {
    fn commit(&mut self, change: &Change<'_>) -> Result<Vec<Appended>, StoreError> {
        let mut leaves = Vec::new();
        let mut appended = Vec::with_capacity(change.appends.len());
        for append in change.appends {
            let next = self.entries.len() as u64;
            let digest = append.digest();
            let index = *self.indices.entry(digest).or_insert(next);
            let duplicate = index != next;
            appended.push(Appended { index, duplicate });
            if !duplicate {
                leaves.push(append.leaf_hash());
                let (leaf, record) = (append.leaf().to_vec(), append.record().to_vec());
                self.entries.push(Entry { index, leaf, record, digest });
            }
        }
        for tile in self.edge.append(&leaves) {
            self.tiles.insert(tile.id, tile.hashes);
        }
        self.rows.extend(change.rows.iter().cloned());
        for (id, group) in change.groups {
            let old = match group {
                Some(group) => self.groups.insert(*id, group.clone()),
                None => self.groups.remove(id),
            };
            if let (Some(mark), false) = (change.mark, self.checkpoints.is_empty()) {
                self.former.entry((*id, mark.size)).or_insert(old);
            }
        }
        if let Some(mark) = change.mark {
            let root = root_at(&*self, mark.size);
            let root = root.expect("a store in memory holds the tiles of every size it has had");
            self.fold = Some(Fold { mark, root });
        }
        Ok(appended)
    }

    fn head(&self) -> Result<Head, StoreError> {
        Ok(Head { size: self.edge.size(), root: self.edge.root() })
    }

    fn entry(&self, index: u64) -> Result<Option<Entry>, StoreError> {
        Ok(usize::try_from(index).ok().and_then(|index| self.entries.get(index)).cloned())
    }

    fn entry_by_digest(&self, digest: &Digest) -> Result<Option<Entry>, StoreError> {
        self.indices.get(digest).map_or(Ok(None), |index| self.entry(*index))
    }

    fn index_of(&self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        Ok(self.indices.get(digest).copied())
    }

    fn entries(&self, range: Range<u64>) -> Result<Vec<Entry>, StoreError> {
        let end = range.end.min(range.start.saturating_add(ENTRIES_MAX)).min(self.edge.size());
        Ok((range.start..end).filter_map(|index| self.entry(index).ok()?).collect())
    }

    fn leaves(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, StoreError> {
        let entries = self.entries(range)?;
        Ok(entries.into_iter().map(|entry| entry.leaf).collect())
    }

    fn put_checkpoint(&mut self, signed: &SignedCheckpoint) -> Result<(), StoreError> {
        ensure_fits(signed.claimed(), self.edge.size(), |size| {
            let root = root_at(&*self, size);
            Ok(root.expect("a store in memory holds the tiles of every size it has had"))
        })?;
        let published = signed.claimed().size();
        self.checkpoints.insert(published, signed.clone());
        self.former.retain(|(_, until), _| *until > published);
        Ok(())
    }

    fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, StoreError> {
        Ok(self.checkpoints.values().next_back().cloned())
    }

    fn checkpoint_at(&self, size: u64) -> Result<Option<SignedCheckpoint>, StoreError> {
        Ok(self.checkpoints.get(&size).cloned())
    }

    fn checkpoint_from(&self, size: u64) -> Result<Option<SignedCheckpoint>, StoreError> {
        Ok(self.checkpoints.range(size..).next().map(|(_, signed)| signed.clone()))
    }

    fn row(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows.get(key).cloned())
    }

    fn rows(&self, range: Range<&[u8]>, count: usize) -> Result<Vec<Row>, StoreError> {
        if range.start >= range.end {
            return Ok(Vec::new());
        }
        let rows = self.rows.range::<[u8], _>((Included(range.start), Excluded(range.end)));
        Ok(rows.take(count).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn folded(&self) -> Result<Option<Fold>, StoreError> {
        Ok(self.fold)
    }

    fn groups(
        &self,
        after: Option<GroupId>,
        count: usize,
    ) -> Result<Vec<(GroupId, Group)>, StoreError> {
        let start = after.map_or(Unbounded, Excluded);
        let groups = self.groups.range((start, Unbounded)).take(count);
        Ok(groups.map(|(id, group)| (*id, group.clone())).collect())
    }

    fn group_at(&self, id: GroupId, size: u64) -> Result<Option<Group>, StoreError> {
        let later = (Excluded((id, size)), Included((id, u64::MAX)));
        match self.former.range(later).next() {
            Some((_, former)) => Ok(former.clone()),
            None => self.read_group(id),
        }
    }

    fn clear_rows(&mut self) -> Result<(), StoreError> {
        self.rows.clear();
        self.groups.clear();
        self.former.clear();
        self.fold = None;
        Ok(())
    }

    fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.meta.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.meta.get(key).cloned())
    }
}
