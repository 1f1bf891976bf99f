use std::{collections::BTreeMap, ops::Range};

use chaos_log::{Edge, Hash, leaf_hash};
use chaos_types::Digest;

use super::{Answer, Key, Row, State, Writes};

/// A state in memory. It shows everything, and of the log's tree the root before the next entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    rows: BTreeMap<Key, Box<[u8]>>,
    places: BTreeMap<Digest, u64>,
    tree: Edge,
}

impl Memory {
    /// All rows in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &[u8])> {
        self.rows.iter().map(|(key, value)| (key, &**value))
    }

    pub(crate) fn apply(&mut self, writes: Writes) {
        for (key, value) in writes.into_rows() {
            self.rows.insert(key, value.into_boxed_slice());
        }
    }

    /// The log's tree grows by a leaf.
    pub(crate) fn grow(&mut self, leaf: &[u8]) {
        drop(self.tree.append(&[leaf_hash(leaf)]));
    }

    /// A receipt stands where it stands first.
    pub(crate) fn stands(&mut self, receipt: Digest, index: u64) {
        self.places.entry(receipt).or_insert(index);
    }
}

impl State for Memory {
    fn get(&self, key: &Key) -> Answer<Vec<u8>> {
        self.rows.get(key).map_or(Answer::Absent, |value| Answer::Is(value.to_vec()))
    }

    fn place(&self, receipt: &Digest) -> Answer<u64> {
        self.places.get(receipt).map_or(Answer::Absent, |index| Answer::Is(*index))
    }

    fn tree(&self, size: u64) -> Answer<Hash> {
        if self.tree.size() == size { Answer::Is(self.tree.root()) } else { Answer::NotShown }
    }

    fn range(&self, range: Range<&Key>) -> Answer<Vec<Row>> {
        if range.start >= range.end {
            return Answer::Is(Vec::new());
        }
        let rows = self.rows.range::<Key, _>(range);
        Answer::Is(rows.map(|(key, value)| (key.clone(), value.to_vec())).collect())
    }
}
