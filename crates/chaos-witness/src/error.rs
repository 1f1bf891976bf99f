use std::{
    io,
    path::{Path, PathBuf},
};

use chaos_log::{CheckpointError, CosignError, NoteError};

/// Why a witness's folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or something in it cannot be made.
    #[error("cannot make `{path}`", path = path.display())]
    Create {
        /// What was to be made.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another witness uses the folder.
    #[error("`{path}` is in use by another witness", path = path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The folder belongs to a witness of another name or key.
    #[error("`{path}` is the memory of witness `{found}`, not of `{expected}`", path = path.display())]
    OtherWitness {
        /// The folder.
        path: PathBuf,
        /// The witness that was to be opened, by its verifier key.
        expected: String,
        /// The witness that the folder names.
        found: String,
    },
    /// The file that says whose memory the folder is says nothing.
    #[error("`{path}` names no witness: it is damaged", path = path.display())]
    OwnerDamaged {
        /// The file.
        path: PathBuf,
        /// The witness that was to be opened, by its verifier key.
        expected: String,
    },
    /// The folder has a log that the memory elsewhere lacks.
    #[error(
        "`{path}` knows the log of {hash}, and `{elsewhere}` does not: the folder may be an old copy",
        path = path.display(),
        elsewhere = elsewhere.display()
    )]
    Forgotten {
        /// The witness's folder.
        path: PathBuf,
        /// The SHA-256 of the log's name.
        hash: String,
        /// The folder that would remember.
        elsewhere: PathBuf,
    },
    /// The policy has a log's keys in another order than heads by them were cosigned.
    #[error(
        "the policy has the line of `{later}` above that of `{earlier}`, whose time was over when it was \
         cosigned: a log's keys stand in the order in which they sign"
    )]
    Order {
        /// The key that came first.
        earlier: String,
        /// The key that came after it.
        later: String,
    },
    /// The policy has a line above that of the key by which a head was cosigned last, and had not then.
    #[error(
        "the policy has the line of `{added}` above that of `{last}`, by which a head was cosigned last: \
         no head by `{added}` would be cosigned"
    )]
    Above {
        /// The key whose line came into the policy.
        added: String,
        /// The key by which a head was cosigned last.
        last: String,
    },
    /// What is remembered of a log's keys cannot be read.
    #[error("cannot read which keys of a log were cosigned")]
    Keys(#[source] Box<WitnessError>),
    /// What is remembered of a log's last checkpoint cannot be read, so that it is not taken up.
    #[error("cannot read which checkpoint of a log was cosigned last")]
    Checkpoint(#[source] Box<WitnessError>),
    /// The policy names no log.
    #[error("no log is named; a witness cosigns those that it was told to know")]
    NoLogs,
}

/// Why a witness could not answer. Nothing was cosigned.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// What it remembers cannot be read.
    #[error("cannot read the last checkpoint of log `{origin}`")]
    Read {
        /// The log.
        origin: String,
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: chaos_files::Error,
    },
    /// What it remembers is no checkpoint of the log that this witness cosigned.
    #[error("the memory of log `{origin}` in `{path}` is damaged; restore nothing older: ask the log's mirrors for the longest checkpoint with this witness's cosignature", path = path.display())]
    Damaged {
        /// The log.
        origin: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<CheckpointError>,
    },
    /// Its two memories are of two trees of one size; both can hardly be its own.
    #[error("log `{origin}` has two roots for size {size} in `{}` and `{}`", paths[0].display(), paths[1].display())]
    Divided {
        /// The log, or the SHA-256 of its name.
        origin: String,
        /// The size of both.
        size: u64,
        /// The two files.
        paths: Box<[PathBuf; 2]>,
    },
    /// What it remembers of a log's keys cannot be read.
    #[error("the memory of the keys of log `{origin}` in `{path}` is damaged", path = path.display())]
    Keys {
        /// The log.
        origin: String,
        /// The file.
        path: PathBuf,
    },
    /// What it remembers does not carry its own cosignature.
    #[error("the memory of log `{origin}` in `{path}` is not cosigned by this witness", path = path.display())]
    NotOurs {
        /// The log.
        origin: String,
        /// The file.
        path: PathBuf,
    },
    /// The checkpoint cannot be kept.
    #[error("cannot keep the checkpoint of log `{origin}` in `{path}`", path = path.display())]
    Write {
        /// The log.
        origin: String,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The clock reads earlier than the last cosignature of the log, by more than clocks drift.
    #[error(
        "the clock says {now_s} s, but log `{origin}` was cosigned at {last_s} s: one of the two was wrong; if this one is right, `chaoschain witness --accept-clock` says so"
    )]
    ClockBack {
        /// The log.
        origin: String,
        /// The time now, in seconds since 1970.
        now_s: u64,
        /// Time of the last cosignature.
        last_s: u64,
    },
    /// The time cannot stand in a cosignature.
    #[error("cannot cosign")]
    Cosign(#[from] CosignError),
    /// The cosigned note would be malformed.
    #[error("cannot cosign")]
    Note(#[from] NoteError),
}

impl WitnessError {
    /// The file of a memory that cannot be read, or is not what it should be.
    #[must_use]
    pub fn memory(&self) -> Option<&Path> {
        match self {
            Self::Read { path, .. }
            | Self::Damaged { path, .. }
            | Self::Keys { path, .. }
            | Self::NotOurs { path, .. } => Some(path),
            Self::Divided { .. }
            | Self::Write { .. }
            | Self::ClockBack { .. }
            | Self::Cosign(_)
            | Self::Note(_) => None,
        }
    }
}
