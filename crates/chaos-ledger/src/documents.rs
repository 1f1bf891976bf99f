//! Which documents that receipts name are not beside the log.

use std::collections::BTreeSet;

use chaos_agency::Receipt;
use chaos_store::{Blobs, FileBlobs};
use chaos_types::Digest;
use chaos_verify::kept_digests;

use crate::{Error, Ledger};

/// The first so many are named.
const NAMED_MAX: usize = 5;

/// Documents that receipts of a log name and that are not here.
///
/// Who wrote a receipt kept them; a mirror has what it fetched. Whether the bytes of those that are here
/// have their digests is another question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotHere {
    /// How many.
    pub count: u64,
    /// The first of them in log order, each with the entry that names it.
    pub first: Vec<(u64, Digest)>,
}

/// Looks for what receipts name, each document once.
pub(crate) struct Search<'a> {
    blobs: &'a FileBlobs,
    seen: BTreeSet<Digest>,
    pub(crate) found: NotHere,
}

impl<'a> Search<'a> {
    pub(crate) fn among(blobs: &'a FileBlobs) -> Self {
        Self { blobs, seen: BTreeSet::new(), found: NotHere::default() }
    }

    /// Looks for what an entry that counts names. What counts for nothing obliges nobody to keep it.
    pub(crate) fn see(&mut self, index: u64, receipt: &Receipt) -> Result<(), Error> {
        for digest in kept_digests(receipt) {
            if !self.seen.insert(digest) || self.blobs.has(&digest)? {
                continue;
            }
            self.found.count += 1;
            if self.found.first.len() < NAMED_MAX {
                self.found.first.push((index, digest));
            }
        }
        Ok(())
    }
}

impl Ledger {
    /// The documents that one receipt names and that are not here: no bundle of it can have them.
    ///
    /// # Errors
    /// If the store fails.
    pub fn not_here_of(&self, receipt: &Receipt) -> Result<Vec<Digest>, Error> {
        let mut absent = Vec::new();
        for digest in kept_digests(receipt) {
            if !self.store.blobs().has(&digest)? {
                absent.push(digest);
            }
        }
        Ok(absent)
    }
}
