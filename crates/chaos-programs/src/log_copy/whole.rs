//! Whether a copy of a log holds together.
//!
//! A copy that is another log's, or another history, is held against a bundle. One that a disk has changed
//! says nothing of it: its leaves do not lead to its own tiles then, or it is not named as its entries are.

use chaos_agency::Receipt;
use chaos_log::{Edge, Hash, leaf_hash, root_at};
use chaos_store::Records as _;
use chaos_types::{Check, Did, Rejection};
use chaos_verify::Fault;

use super::{LogCopy, gap, unread};

impl LogCopy {
    /// The root of its first leaves, which are those of its own tiles.
    pub(super) fn ensure_whole(&self, size: u64) -> Result<Hash, Rejection> {
        self.hold_against_tiles(size, self.root_of_leaves(size)?)
    }

    /// The root of its first leaves. Where it is not the one that is looked for, they are those of its own tiles.
    pub(super) fn ensure_whole_unless(
        &self,
        size: u64,
        expected: &Hash,
    ) -> Result<Hash, Rejection> {
        let root = self.root_of_leaves(size)?;
        if root == *expected { Ok(root) } else { self.hold_against_tiles(size, root) }
    }

    /// The first entry is not of the log that its reader asks for, where the copy says that it is of another.
    pub(super) fn ensure_named(&self, asked: Did) -> Result<(), Rejection> {
        let first = self.store.entry(0).map_err(|error| unread(&error))?;
        let first = first.map(|entry| Receipt::open_bytes(&entry.record, &self.kinds));
        match first {
            Some(Ok(first)) if first.log == asked => Err(damaged(&format!(
                "the copy is said to be of another log than its first entry, which is of that of {asked}"
            ))),
            Some(_) | None => Ok(()),
        }
    }

    fn root_of_leaves(&self, size: u64) -> Result<Hash, Rejection> {
        let mut edge = Edge::new();
        self.each(size, |entry| drop(edge.append(&[leaf_hash(&entry.leaf)])))?;
        if edge.size() == size { Ok(edge.root()) } else { Err(gap(edge.size())) }
    }

    fn hold_against_tiles(&self, size: u64, root: Hash) -> Result<Hash, Rejection> {
        let expected = root_at(&self.store, size).map_err(|error| unread(&error))?;
        if root == expected {
            return Ok(root);
        }
        Err(damaged(&format!(
            "the first {size} leaves of the copy have root {root}, its own tiles {expected}"
        )))
    }
}

fn damaged(reason: &str) -> Rejection {
    Rejection::new(Check::Agent, Fault::LogCopyUnread, format!("{reason}: it is damaged"))
}
