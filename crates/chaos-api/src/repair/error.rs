//! Why a data directory is not mended.

use std::{io, path::PathBuf};

use chaos_log::CheckpointError;
use chaos_store::{BlobError, OpenError, StoreError};

use crate::{alarm::Alarm, mirror::MirrorError};

/// Why a data directory was not mended.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The data directory cannot be opened.
    #[error("cannot open the data directory")]
    Open(#[from] OpenError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data directory does not say whose log it holds.
    #[error(transparent)]
    Ledger(#[from] chaos_ledger::Error),
    /// The stored checkpoint is not the log's.
    #[error("the newest stored checkpoint is not the log's")]
    Checkpoint(#[from] CheckpointError),
    /// The stored checkpoint is by a key that neither the damaged directory nor the source shows to be the
    /// log's.
    #[error(
        "the newest stored checkpoint, of {size} entries, is by a key that is not shown to be the log's: \
         not by what is left here, and the source does not say who signs"
    )]
    SourceBefore {
        /// Size of the stored checkpoint.
        size: u64,
        /// Who has not signed it.
        #[source]
        source: CheckpointError,
    },
    /// The source cannot be read, or contradicts itself.
    #[error("cannot mend from the source")]
    Source(#[source] Box<MirrorError>),
    /// The source has another entry in a place where this log holds together. Both continue what was signed
    /// here, so that it is no fork.
    #[error("{}", differs(*.index, *.signed, *.is_known))]
    Differs {
        /// Index of the entry.
        index: u64,
        /// Size of the newest head that the directory holds.
        signed: u64,
        /// Whether that is all that was kept: no kept checkpoint is damaged, and a copy has one.
        is_known: bool,
    },
    /// The directory has keys of the log's that the source does not show to be the log's.
    #[error(
        "the directory has the keys of {held} delegations of the log's checkpoints, and the source shows \
         {shown}: it ends before the last of them, or goes on from there by a key that is retired"
    )]
    KeysAhead {
        /// Delegations by the directory's key files.
        held: usize,
        /// Delegations that the source, or what is left in the directory, shows.
        shown: usize,
    },
    /// An entry is damaged, and nothing shows that the source has the one that was signed here.
    #[error(
        "entry {index} is damaged, and nothing here shows that the source's head of {size} entries is the start \
         of the one of {signed} entries that was signed here"
    )]
    NotShown {
        /// Index of the entry.
        index: u64,
        /// Size of the source's head.
        size: u64,
        /// Size of the newest head that is known here.
        signed: u64,
    },
    /// The log signed two histories.
    #[error("{alarm}{}", unkept(.kept.as_ref().err()))]
    Forked {
        /// What shows it.
        alarm: Box<Alarm>,
        /// The file of the proof, or why it cannot be kept.
        kept: Result<PathBuf, io::Error>,
    },
    /// A blob cannot be read or written.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

fn differs(index: u64, signed: u64, is_known: bool) -> String {
    if !is_known {
        return format!(
            "entry {index} is whole here and another one in the log that the source has. Which of the two the log has \
             signed is not known here, where a kept checkpoint is damaged or lost: it may have signed both. Nothing is \
             changed"
        );
    }
    if index < signed {
        return format!(
            "entry {index} is whole here and another one in the log that the source has, whose head continues \
             the one of {signed} entries that was signed here: neither is changed"
        );
    }
    format!(
        "entry {index} here was never signed, and the log has signed another in its place: neither is changed"
    )
}

fn unkept(error: Option<&io::Error>) -> String {
    error.map_or_else(String::new, |error| format!(", and the proof of it cannot be kept: {error}"))
}

impl From<MirrorError> for RepairError {
    fn from(error: MirrorError) -> Self {
        Self::Source(Box::new(error))
    }
}
