//! What a monitor tells people, and the file that keeps it.

use std::{fmt, fs, io, path::Path};

use chaos_files::Readers;
use chaos_log::VerifierKey;
use chaos_types::{Did, Digest};
use serde::Serialize;

use crate::mirror::{Finding, Fork, MirrorError, Wrong};

/// Something that whoever watches a log has to know.
#[derive(Debug)]
pub enum Alarm {
    /// The log has signed two checkpoints of which neither is the start of the other. Whoever holds
    /// both can show it to anybody.
    Fork(Box<Fork>),
    /// The log publishes an older checkpoint than before.
    Rollback {
        /// Size of the kept checkpoint.
        kept: u64,
        /// Size of the published one.
        found: u64,
    },
    /// What is published contradicts the checkpoint that is published with it.
    Contradiction(MirrorError),
    /// An entry of the log is wrong.
    Entry(Finding),
    /// An agent that is followed left a receipt, or one is about it.
    Followed {
        /// Index of the entry.
        index: u64,
        /// The agent.
        agent: Did,
        /// The receipt.
        receipt: Digest,
        /// Its kind.
        kind: String,
    },
}

/// The file of an alarm.
#[derive(Debug, Serialize)]
struct Kept {
    alarm: &'static str,
    log: String,
    seen_at_ms: String,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fork: Option<Parts>,
}

/// What proves a fork to whoever has the log's key: both notes, the root that the smaller one would
/// have if it were the start of the larger one, and the hashes of RFC 6962 that lead from there to
/// the larger one's root.
#[derive(Debug, Serialize)]
struct Parts {
    kept: String,
    found: String,
    expected: String,
    consistency: Vec<String>,
}

impl Parts {
    fn of(fork: &Fork) -> Self {
        let hashes = fork.proof.iter().flat_map(|proof| proof.hashes());
        Self {
            kept: fork.kept.to_string(),
            found: fork.found.to_string(),
            expected: fork.expected.to_string(),
            consistency: hashes.map(ToString::to_string).collect(),
        }
    }
}

impl Alarm {
    /// What happened, in a word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fork(_) => "fork",
            Self::Rollback { .. } => "rollback",
            Self::Contradiction(_) => "contradiction",
            Self::Entry(finding) => match &finding.wrong {
                Wrong::Receipt(_) => "receipt",
                Wrong::TimeBack { .. } => "time-back",
                Wrong::Future { .. } => "future",
            },
            Self::Followed { .. } => "followed",
        }
    }

    /// The file's name: the same for the same event, however often it is seen.
    #[must_use]
    pub fn file(&self) -> String {
        let of = |text: &str| Digest::of(text.as_bytes()).short();
        let event = match self {
            Self::Fork(fork) => {
                let size = fork.found.claimed().size();
                format!("{size}-{}", of(&format!("{}{}", fork.kept, fork.found)))
            }
            Self::Rollback { kept, found } => format!("{kept}-{found}"),
            Self::Contradiction(error) => of(&error.to_string()),
            Self::Entry(finding) => finding.index.to_string(),
            Self::Followed { index, .. } => index.to_string(),
        };
        format!("{}-{event}.json", self.name())
    }

    /// Writes the file of an alarm into a folder, unless it is there.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn keep(&self, folder: &Path, log: &VerifierKey, seen_at_ms: u64) -> io::Result<()> {
        let path = folder.join(self.file());
        if path.try_exists()? {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        let fork = match self {
            Self::Fork(fork) => Some(Parts::of(fork)),
            Self::Rollback { .. }
            | Self::Contradiction(_)
            | Self::Entry(_)
            | Self::Followed { .. } => None,
        };
        let kept = Kept {
            alarm: self.name(),
            log: log.to_string(),
            seen_at_ms: seen_at_ms.to_string(),
            detail: self.to_string(),
            fork,
        };
        let mut bytes = serde_json::to_vec_pretty(&kept)?;
        bytes.push(b'\n');
        chaos_files::write_synced(&path, Readers::Everyone, &bytes)
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fork(fork) => write!(f, "the log forked: {fork}"),
            Self::Rollback { kept, found } => write!(
                f,
                "the log publishes size {found}, and published size {kept} before: older answers, \
                 or entries that are gone"
            ),
            Self::Contradiction(error) => {
                write!(f, "what is published contradicts itself: {error}")
            }
            Self::Entry(finding) => fmt::Display::fmt(finding, f),
            Self::Followed { index, agent, receipt, kind } => {
                write!(f, "entry {index}: `{kind}` of {agent}, {receipt}")
            }
        }
    }
}
