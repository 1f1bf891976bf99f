//! What a store of records does, and the values that go in and come out.

use std::ops::Range;

use chaos_log::{
    Hash, LEAF_BYTES_MAX, SignedCheckpoint, TileRead, leaf_hash,
    map::{self, Group, GroupId, GroupRead},
};
use chaos_types::Digest;

use crate::error::StoreError;

/// The largest record in bytes (4 MiB). What is larger belongs into a blob that the record names.
pub const RECORD_BYTES_MAX: usize = 4 << 20;

/// The most entries that one call of [`Records::entries`] returns.
pub const ENTRIES_MAX: u64 = 4_096;

/// A record and the leaf that stands for it in the log, ready to be appended.
///
/// Both are within their limits, and both are already hashed, by whichever thread made the value.
#[derive(Debug, Clone)]
pub struct Append {
    record: Vec<u8>,
    leaf: Vec<u8>,
    digest: Digest,
    leaf_hash: Hash,
}

/// Why a record cannot be appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The record is larger than [`RECORD_BYTES_MAX`].
    #[error("record has {bytes} bytes, the limit is {RECORD_BYTES_MAX}")]
    RecordTooLong {
        /// Length of the record in bytes.
        bytes: usize,
    },
    /// The leaf is larger than [`LEAF_BYTES_MAX`].
    #[error("leaf has {bytes} bytes, the limit is {LEAF_BYTES_MAX}")]
    LeafTooLong {
        /// Length of the leaf in bytes.
        bytes: usize,
    },
}

impl Append {
    /// Prepares `record` to be appended under `leaf`. The caller makes the leaf, from the
    /// record's digest and the time of integration for example; the store has no clock. The digest
    /// stands in the leaf in lower-case hexadecimal, or the entry is damaged when it is read.
    ///
    /// # Errors
    /// If the record or the leaf is too long.
    pub fn new(record: Vec<u8>, leaf: Vec<u8>) -> Result<Self, AppendError> {
        if record.len() > RECORD_BYTES_MAX {
            return Err(AppendError::RecordTooLong { bytes: record.len() });
        }
        if leaf.len() > LEAF_BYTES_MAX {
            return Err(AppendError::LeafTooLong { bytes: leaf.len() });
        }
        let (digest, leaf_hash) = (Digest::of(&record), leaf_hash(&leaf));
        Ok(Self { record, leaf, digest, leaf_hash })
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// The leaf.
    #[must_use]
    pub fn leaf(&self) -> &[u8] {
        &self.leaf
    }

    /// The SHA-256 of the record.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The leaf's hash in the tree.
    #[must_use]
    pub const fn leaf_hash(&self) -> Hash {
        self.leaf_hash
    }
}

/// Whether a leaf names a record by its digest.
pub(crate) fn names(leaf: &[u8], record: &Digest) -> bool {
    let hex = record.to_hex();
    leaf.windows(hex.len()).any(|part| part == hex.as_bytes())
}

/// Where a record stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Index of the entry, from 0.
    pub index: u64,
    /// Whether the same record was there before, under a leaf made earlier. The log has not
    /// grown then.
    pub duplicate: bool,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Index, from 0.
    pub index: u64,
    /// The leaf that the tree commits to.
    pub leaf: Vec<u8>,
    /// The record, of which no other entry has the same.
    pub record: Vec<u8>,
    /// The SHA-256 of the record.
    pub digest: Digest,
}

/// The size and root of the whole log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of entries.
    pub size: u64,
    /// Root over their leaves.
    pub root: Hash,
}

/// A row that is folded from the log: its key, and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// How far the log is folded into the rows beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The rules that it was folded by.
    pub rules: Digest,
    /// The number of entries that were folded.
    pub size: u64,
    /// The time of the last entry that counts, milliseconds since 1970.
    pub last_ms: u64,
    /// The root of the map of the committed rows.
    pub state: map::Hash,
    /// Whether a leaf states such a root.
    pub is_stated: bool,
}

/// What is stored of a fold: how far it came, and the root of the log there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// How far.
    pub mark: Mark,
    /// The root of the log at that size.
    pub root: Hash,
}

/// What one transaction changes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change<'a> {
    /// Entries to append, in order.
    pub appends: &'a [Append],
    /// Rows to put, each in the place of what was under its key.
    pub rows: &'a [Row],
    /// Groups of the map that are stored otherwise with that mark. Once a checkpoint is kept, what they were
    /// before is kept until one is published that has them so.
    pub groups: &'a [(GroupId, Option<Group>)],
    /// How far the log is folded with these rows.
    pub mark: Option<Mark>,
}

/// A store of the log, its checkpoints, and the rows folded from it.
///
/// What a call has answered is durable: it survives the death of the process and the loss of
/// power. What fails changes nothing. Reading sees everything answered before, and only that.
/// Entries are never changed or removed; rows can be dropped at any time and folded again.
pub trait Records: TileRead<Error = StoreError> + GroupRead<Error = StoreError> {
    /// Appends entries and puts the rows that follow from them, all or nothing, and answers where
    /// each record stands. A record that is in the log already, or earlier in the change, is
    /// answered with its first index.
    ///
    /// # Errors
    /// If the storage fails or is full; log and rows are then as they were.
    fn commit(&mut self, change: &Change<'_>) -> Result<Vec<Appended>, StoreError>;

    /// Appends entries alone, as [`Records::commit`] does.
    ///
    /// # Errors
    /// As [`Records::commit`].
    fn append_batch(&mut self, batch: &[Append]) -> Result<Vec<Appended>, StoreError> {
        self.commit(&Change { appends: batch, ..Change::default() })
    }

    /// The size and root of the log.
    ///
    /// # Errors
    /// If the storage fails.
    fn head(&self) -> Result<Head, StoreError>;

    /// The entry at `index`, if the log is that long.
    ///
    /// # Errors
    /// If the storage fails or the entry is damaged.
    fn entry(&self, index: u64) -> Result<Option<Entry>, StoreError>;

    /// The entry of the record with this digest, if it is in the log.
    ///
    /// # Errors
    /// If the storage fails or the entry is damaged.
    fn entry_by_digest(&self, digest: &Digest) -> Result<Option<Entry>, StoreError>;

    /// The index of the record with this digest, if it is in the log. It does not read the record.
    ///
    /// # Errors
    /// If the storage fails.
    fn index_of(&self, digest: &Digest) -> Result<Option<u64>, StoreError>;

    /// The entries of a range in order, as far as the log goes and no more than [`ENTRIES_MAX`].
    /// [`all_entries`] goes through all of them.
    ///
    /// # Errors
    /// If the storage fails or an entry is damaged.
    fn entries(&self, range: Range<u64>) -> Result<Vec<Entry>, StoreError>;

    /// The leaves of a range in order, as far as the log goes and no more than [`ENTRIES_MAX`]. No record
    /// is read.
    ///
    /// # Errors
    /// If the storage fails or an entry is missing.
    fn leaves(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, StoreError>;

    /// Keeps a signed checkpoint; one of the same size is replaced. What groups of
    /// the map were before its size is forgotten, since nothing is proved under older ones.
    ///
    /// # Errors
    /// If it does not have the root of this log at its size, or the storage fails.
    fn put_checkpoint(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), StoreError>;

    /// The checkpoint of the largest size, if there is one.
    ///
    /// # Errors
    /// If the storage fails or the checkpoint is damaged.
    fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, StoreError>;

    /// The checkpoint of this size, if there is one.
    ///
    /// # Errors
    /// If the storage fails or the checkpoint is damaged.
    fn checkpoint_at(&self, size: u64) -> Result<Option<SignedCheckpoint>, StoreError>;

    /// The smallest checkpoint of at least this size, if there is one.
    ///
    /// # Errors
    /// If the storage fails or the checkpoint is damaged.
    fn checkpoint_from(&self, size: u64) -> Result<Option<SignedCheckpoint>, StoreError>;

    /// The value of the row under a key.
    ///
    /// # Errors
    /// If the storage fails.
    fn row(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The rows whose keys lie in a range, in the order of their keys, the first `count` of them.
    ///
    /// # Errors
    /// If the storage fails.
    fn rows(&self, range: Range<&[u8]>, count: usize) -> Result<Vec<Row>, StoreError>;

    /// How far the log is folded into the rows; nothing if it never was.
    ///
    /// # Errors
    /// If the storage fails or what it holds cannot be read.
    fn folded(&self) -> Result<Option<Fold>, StoreError>;

    /// What is stored of the map as it is now, in the order of groups, the first `count` after one.
    ///
    /// # Errors
    /// If the storage fails or a group is damaged.
    fn groups(
        &self,
        after: Option<GroupId>,
        count: usize,
    ) -> Result<Vec<(GroupId, Group)>, StoreError>;

    /// A group of the map as it was with a log of this size, if that is still known; otherwise as it was
    /// later, which the root over it tells.
    ///
    /// # Errors
    /// If the storage fails or the group is damaged.
    fn group_at(&self, id: GroupId, size: u64) -> Result<Option<Group>, StoreError>;

    /// Removes all rows with their map, and what is said of how far they go.
    ///
    /// # Errors
    /// If the storage fails; the rows are then as they were.
    fn clear_rows(&mut self) -> Result<(), StoreError>;

    /// Keeps a value that is not part of the log, such as the log's name.
    ///
    /// # Errors
    /// If the storage fails.
    fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// The value kept under `key`.
    ///
    /// # Errors
    /// If the storage fails.
    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Goes through the entries of the log from `start` on, a page at a time. It ends after the entry
/// that was the last when its page was read, or after the first error.
pub fn all_entries<R: Records>(
    records: &R,
    start: u64,
) -> impl Iterator<Item = Result<Entry, StoreError>> {
    let mut next = Some(start);
    let pages = std::iter::from_fn(move || {
        let start = next?;
        let page = records.entries(start..start.saturating_add(ENTRIES_MAX));
        next = match &page {
            Ok(entries) => entries.last().map(|entry| entry.index + 1),
            Err(_) => None,
        };
        Some(page)
    });
    pages.flat_map(|page| match page {
        Ok(entries) => entries.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    })
}
