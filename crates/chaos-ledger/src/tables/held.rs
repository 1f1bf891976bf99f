//! What stored rows are held against: the map under the last leaf's root, or the entry that wrote them.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use chaos_agency::{
    Counted, Key, Leaf, Place, Receipt, Rules,
    views::{self, Rewards},
};
use chaos_log::{
    HeldTiles, leaf_hash,
    map::{self, End},
};
use chaos_store::{ENTRIES_MAX, Records};
use chaos_types::{Digest, Verified};

use super::{Tables, unreadable};
use crate::Error;

/// The rows of evidence, one entry after another.
const EVIDENCE: &str = "evidence";

/// What stored rows are held against.
pub(super) struct Held<'a, R> {
    /// They say which rows the log commits to, and give the others anew.
    pub(super) rules: &'a Rules,
    /// Where the stored rows end, with the root of the map of those that the log commits to.
    pub(super) end: Place,
    /// The tree of the log, once it was asked for.
    pub(super) tree: OnceCell<HeldTiles<'a, R>>,
    /// What was paid until there, once it was asked for.
    pub(super) rewards: OnceCell<Rewards>,
}

/// A receipt that counts, with its leaf, both as the tree has them.
struct Standing {
    index: u64,
    leaf: Leaf,
    receipt: Verified<Receipt>,
}

impl Standing {
    fn counted(&self) -> Counted<'_> {
        Counted { index: self.index, leaf: &self.leaf, receipt: &self.receipt }
    }
}

impl<'a, R: Records> Tables<'a, R> {
    /// The leaf at an index below the end of the stored rows, as the tree has it.
    pub(crate) fn leaf(&self, index: u64) -> Result<Leaf, Error> {
        Leaf::from_bytes(&self.leaf_bytes(index)?).map_err(Error::Leaf)
    }

    fn leaf_bytes(&self, index: u64) -> Result<Vec<u8>, Error> {
        let leaf = self.store.leaves(index..index + 1)?.pop().unwrap_or_default();
        self.ensure_leaf(index, &leaf).map(|()| leaf)
    }

    /// When the log took in an entry, by its leaf, if the entry counts.
    pub(crate) fn taken_in_ms(&self, index: u64) -> Result<Option<u64>, Error> {
        let refused = views::refused_for(self, index).map_err(|stop| self.error(stop))?;
        if refused.is_some() { Ok(None) } else { Ok(Some(self.leaf(index)?.integrated_at_ms)) }
    }

    fn standing(&self, held: &Held<'_, R>, index: u64) -> Result<Option<Standing>, Error> {
        if views::refused_for(self, index).map_err(|stop| self.error(stop))?.is_some() {
            return Ok(None);
        }
        let gone =
            || Error::EntryOther { index, found: "none".to_owned(), expected: "one".to_owned() };
        let entry = self.store.entry(index)?.ok_or_else(gone)?;
        self.ensure_leaf(index, &entry.leaf)?;
        let leaf = Leaf::from_bytes(&entry.leaf).map_err(Error::Leaf)?;
        ensure_named(index, &leaf, &entry.digest)?;
        let receipt = Receipt::open_bytes(&entry.record, held.rules.kinds());
        let receipt = receipt.map_err(|source| Error::EntryUnread { index, source })?;
        Ok(Some(Standing { index, leaf, receipt }))
    }

    /// A receipt, if it counts.
    pub(crate) fn receipt(&self, id: &Digest) -> Result<Option<Verified<Receipt>>, Error> {
        let (Some(held), Some(index)) = (&self.held, self.stands(id)?) else { return Ok(None) };
        Ok(self.standing(held, index)?.map(|standing| standing.receipt))
    }

    /// Where a receipt stands among the entries that are folded, whether it counts or not.
    pub(super) fn stands(&self, receipt: &Digest) -> Result<Option<u64>, Error> {
        let stored = self.store.index_of(receipt)?;
        let Some(index) = stored.filter(|index| *index < self.next.index) else { return Ok(None) };
        // An entry whose leaf is none counts for nothing, and stands there all the same.
        if self.held.is_some()
            && let Ok(leaf) = Leaf::from_bytes(&self.leaf_bytes(index)?)
        {
            ensure_named(index, &leaf, receipt)?;
        }
        Ok(Some(index))
    }

    /// A stored row, or that there is none.
    pub(super) fn stored(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        if self.held.is_none() && !self.known.borrow().all {
            return Ok(self.store.row(key.as_bytes())?);
        }
        if let Some(row) = self.known.borrow().rows.get(key) {
            return Ok(row.clone());
        }
        let row = self.store.row(key.as_bytes())?;
        match &self.held {
            Some(held) if held.rules.commits(key) => {
                self.ensure_committed(held, key, row.as_deref())?;
            }
            Some(held) => self.ensure_derived(held, key, row.as_deref())?,
            None => {}
        }
        self.known.borrow_mut().rows.insert(key.clone(), row.clone());
        Ok(row)
    }

    /// The stored rows of a range.
    pub(super) fn stored_range(&self, range: Range<&Key>) -> Result<BTreeMap<Key, Vec<u8>>, Error> {
        let bytes = range.start.as_bytes()..range.end.as_bytes();
        let rows = self.store.rows(bytes, usize::MAX)?;
        let rows = rows.into_iter().map(|(key, value)| (Key::from_bytes(key), value)).collect();
        if let Some(held) = &self.held {
            match range.start.kind() {
                EVIDENCE => self.ensure_evidence(held, range, &rows)?,
                // Words for people: whether an entry counts is a row that the log commits to.
                "refusal" => {}
                // No other range is asked where something is decided.
                _ => return Err(other(range.start)),
            }
        }
        Ok(rows)
    }

    /// The map has the row, or has none.
    fn ensure_committed(
        &self,
        held: &Held<'_, R>,
        key: &Key,
        row: Option<&[u8]>,
    ) -> Result<(), Error> {
        let searched = map::Key::of(key.as_bytes());
        let proof =
            map::prove_grouped(self.store, &held.end.state, &searched).map_err(unreadable)?;
        let committed = match proof.end() {
            End::Leaf { key, value } if *key == searched => Some(*value),
            End::Leaf { .. } | End::Empty => None,
        };
        if row.map(map::Value::of) == committed { Ok(()) } else { Err(other(key)) }
    }

    /// The entries give the row, or give none.
    fn ensure_derived(
        &self,
        held: &Held<'_, R>,
        key: &Key,
        row: Option<&[u8]>,
    ) -> Result<(), Error> {
        let derived = match key.kind() {
            "action" => {
                let index = key.sorted().ok_or_else(|| other(key))?;
                let is_stored = index < held.end.index;
                let standing = if is_stored { self.standing(held, index)? } else { None };
                let writes = standing.map(|standing| {
                    let again = held.rules.action_again(standing.counted(), self);
                    again.map_err(|stop| self.error(stop))
                });
                writes.transpose()?.and_then(|writes| writes.into_rows().pop()).map(|(_, row)| row)
            }
            "reward" => self.rewards(held)?.row(key),
            // Words for people: whether an entry counts is a row that the log commits to.
            "refusal" => return Ok(()),
            // Nothing is decided by a row of another kind that the log does not commit to.
            _ => return Err(other(key)),
        };
        if row == derived.as_deref() { Ok(()) } else { Err(other(key)) }
    }

    /// The entries of a range give the rows of evidence that are stored, and no others.
    fn ensure_evidence(
        &self,
        held: &Held<'_, R>,
        range: Range<&Key>,
        rows: &BTreeMap<Key, Vec<u8>>,
    ) -> Result<(), Error> {
        let bound = |key: &Key| key.sorted().ok_or_else(|| other(key));
        let (start, end) = (bound(range.start)?, bound(range.end)?.min(held.end.index));
        let written: BTreeSet<u64> = rows.keys().map(bound).collect::<Result<_, _>>()?;
        let mut derived: BTreeMap<Key, Vec<u8>> = BTreeMap::new();
        self.each_changing(held, start..end, &written, |standing| {
            let again = held.rules.evidence_again(standing.counted(), self);
            derived.extend(again.map_err(|stop| self.error(stop))?.into_rows());
            Ok(())
        })?;
        let differs = |(key, row): &(&Key, &Vec<u8>)| rows.get(*key) != Some(*row);
        let lacking = derived.iter().find(differs).map(|(key, _)| key);
        match lacking.or_else(|| rows.keys().find(|key| !derived.contains_key(*key))) {
            Some(key) => Err(other(key)),
            None => Ok(()),
        }
    }

    /// What the payments add up to that count.
    fn rewards<'h>(&self, held: &'h Held<'_, R>) -> Result<&'h Rewards, Error> {
        if let Some(rewards) = held.rewards.get() {
            return Ok(rewards);
        }
        let mut rewards = Rewards::default();
        self.each_changing(held, 0..held.end.index, &BTreeSet::new(), |standing| {
            rewards.take(&standing.receipt);
            Ok(())
        })?;
        Ok(held.rewards.get_or_init(|| rewards))
    }

    /// Goes through the receipts of a range that count and may have changed rows that the log commits to:
    /// an outcome and a payment do. An entry whose leaf states the root of the one before it changed none,
    /// and its record is not read; those in `also` are.
    fn each_changing(
        &self,
        held: &Held<'_, R>,
        range: Range<u64>,
        also: &BTreeSet<u64>,
        mut see: impl FnMut(Standing) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut before = match range.start.checked_sub(1) {
            Some(index) if range.start < range.end => {
                Leaf::from_bytes(&self.leaf_bytes(index)?).ok().and_then(|leaf| leaf.state)
            }
            Some(_) | None => None,
        };
        let mut start = range.start;
        while start < range.end {
            let leaves = self.store.leaves(start..range.end.min(start + ENTRIES_MAX))?;
            if leaves.is_empty() {
                let (found, expected) = ("none".to_owned(), "one".to_owned());
                return Err(Error::EntryOther { index: start, found, expected });
            }
            for (index, bytes) in (start..).zip(&leaves) {
                self.ensure_leaf(index, bytes)?;
                let state = Leaf::from_bytes(bytes).ok().and_then(|leaf| leaf.state);
                let is_same = state.is_some() && state == before;
                before = state;
                if is_same && !also.contains(&index) {
                    continue;
                }
                if let Some(standing) = self.standing(held, index)? {
                    see(standing)?;
                }
            }
            start += leaves.len() as u64;
        }
        Ok(())
    }

    /// A leaf is the one in the tree.
    fn ensure_leaf(&self, index: u64, leaf: &[u8]) -> Result<(), Error> {
        let Some(held) = &self.held else { return Ok(()) };
        let tree = match held.tree.get() {
            Some(tree) => tree,
            None => {
                let tree = tree_of(self.store)?;
                held.tree.get_or_init(|| tree)
            }
        };
        ensure_in_tree(tree, index, leaf)
    }
}

/// The tree of a log.
pub(crate) fn tree_of<R: Records>(store: &R) -> Result<HeldTiles<'_, R>, Error> {
    let head = store.head()?;
    HeldTiles::new(store, head.size, &head.root).map_err(|error| Error::Tree(Box::new(error)))
}

/// A leaf is the one in the tree.
pub(crate) fn ensure_in_tree<R: Records>(
    tree: &HeldTiles<'_, R>,
    index: u64,
    leaf: &[u8],
) -> Result<(), Error> {
    let expected = tree.leaf(index).map_err(|error| Error::Tree(Box::new(error)))?;
    let found = leaf_hash(leaf);
    if found == expected {
        return Ok(());
    }
    Err(Error::EntryOther { index, found: found.to_string(), expected: expected.to_string() })
}

fn ensure_named(index: u64, leaf: &Leaf, receipt: &Digest) -> Result<(), Error> {
    if leaf.receipt == *receipt {
        return Ok(());
    }
    Err(Error::LeafOther { index, named: leaf.receipt, found: *receipt })
}

fn other(key: &Key) -> Error {
    Error::Row { key: key.to_string() }
}
