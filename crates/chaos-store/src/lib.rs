//! One data directory: the log and the rows folded from it in SQLite, blobs in files.
//!
//! A receipt that was acknowledged must still be there after a kill, a power cut or a full disk,
//! and every number computed from the log must come out the same after a restart. [`Store`] is
//! where that is kept:
//!
//! ```text
//! <directory>/chaoschain.sqlite        entries, tiles, edge, checkpoints, state, groups, former, meta
//! <directory>/blobs/sha256/ab/cdef…    blobs by digest
//! <directory>/lock                     held by the one process that writes
//! ```
//!
//! - [`Records`]: append entries and the rows that follow from them in one transaction, read entries,
//!   checkpoints and rows. [`Store`] does it on disk, [`MemoryStore`] in memory.
//! - [`Store::read`]: the same for reading, beside the process that writes and without a lock, as of
//!   one moment.
//! - [`GroupCommit`]: appends by many callers, up to 256 to a transaction and a sync of the disk, of a
//!   store or of what stands above one ([`Commit`]).
//! - [`Exchange`]: another database in the place of one, which stays beside it; a kill in between is made good by
//!   whoever opens the directory next.
//! - [`Blobs`]: bytes by digest, [`FileBlobs`] and [`MemoryBlobs`].
//!
//! ```
//! use chaos_log::{leaf_hash, prove_inclusion};
//! use chaos_store::{Append, Blobs as _, Records as _, Store};
//! use chaos_types::Digest;
//!
//! let directory = tempfile::tempdir()?;
//! let mut store = Store::open(directory.path())?;
//! let leaf_of = |record: &[u8]| Digest::of(record).to_hex().into_bytes();
//! let first = Append::new(b"a record".to_vec(), leaf_of(b"a record"))?;
//! let second = Append::new(b"another".to_vec(), leaf_of(b"another"))?;
//! let appended = store.append_batch(&[first.clone(), second, first])?;
//! assert_eq!(appended.iter().map(|a| a.index).collect::<Vec<_>>(), [0, 1, 0]);
//!
//! let head = store.head()?;
//! let proof = prove_inclusion(&store, 0, head.size)?;
//! proof.verify(&leaf_hash(&leaf_of(b"a record")), &head.root)?;
//!
//! let digest = store.blobs().put(b"a large thing")?;
//! assert_eq!(store.blobs().get(&digest)?, b"a large thing");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Entries are only ever added; a record is in the log once, and appending it again answers its
//! first index. A failed call changes nothing. Records and blobs are checked against their digests
//! whenever they are read, and a record against its leaf, which the tree commits to. Rows are folded from the log: dropping them loses nothing.
//!
//! It refuses to know what a record or a leaf means, to read a clock, and to open a directory that
//! another process writes to, that a newer version wrote, that contradicts itself, in which links or pipes stand in
//! the place of its own files, or whose database holds other tables than ours.

mod blobs;
mod commit;
mod error;
mod exchange;
mod layout;
mod lock;
mod memory;
mod records;
mod schema;
mod sqlite;
mod undo;

pub use blobs::{BLOB_BYTES_MAX, BlobError, Blobs, FileBlobs, MemoryBlobs};
pub use commit::{Commit, CommitError, GROUP_MAX, GroupCommit, QUEUE_LEN_MAX, Ticket};
pub use error::{Damage, OpenError, StoreError};
pub use exchange::{Exchange, holds_database};
pub use memory::MemoryStore;
pub use records::{
    Append, AppendError, Appended, Change, ENTRIES_MAX, Entry, Fold, Head, Mark, RECORD_BYTES_MAX,
    Records, Row, all_entries,
};
pub use sqlite::{DATABASE_FILE, KeptNote, Refilled, Shortened, Store, Stored};
