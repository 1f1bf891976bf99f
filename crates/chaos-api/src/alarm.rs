//! What a monitor tells people, and the file that keeps it.

use std::{fmt, fs, io, path::Path};

use chaos_files::Readers;
use chaos_log::VerifierKey;
use chaos_types::{Did, Digest};
use chaos_verify::ProvedFork;
use serde::{Deserialize, Serialize};

use crate::mirror::{FORK, MirrorError, Standing};

/// Something that whoever watches a log has to know.
#[derive(Debug)]
pub enum Alarm {
    /// The log has signed two checkpoints of which neither is the start of the other, or a key of it signs
    /// that is retired. Whoever holds the proof can show it to anybody.
    Fork(Box<ProvedFork>),
    /// The log's root key handed a role to another key.
    Delegation {
        /// Index of the entry.
        index: u64,
        /// What it says.
        says: String,
        /// The receipt.
        receipt: Digest,
    },
    /// The log publishes an older checkpoint than before.
    Rollback {
        /// Size of the kept checkpoint.
        kept: u64,
        /// Size of the published one.
        found: u64,
    },
    /// What is published contradicts the checkpoint that is published with it.
    Contradiction(MirrorError),
    /// An entry of the log is wrong. It stands until a person accepts it.
    Entry(Standing),
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
        /// The code of why it counts for nothing by the log's rules, if it does.
        refused: Option<String>,
    },
}

/// The file of an alarm: what a monitor wrote down for people. It shows nothing; a fork's proof, which does, lies
/// beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptAlarm {
    /// What happened, in a word.
    pub alarm: String,
    /// The log's verifier key.
    pub log: String,
    /// When it was seen, milliseconds since 1970.
    pub seen_at_ms: String,
    /// What happened, in a sentence.
    pub detail: String,
    /// The file of the proof beside it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

impl KeptAlarm {
    /// Reads the file of an alarm; `None` for anything else.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > KEPT_BYTES_MAX {
            return None;
        }
        serde_json::from_slice(bytes).ok()
    }
}

/// The most bytes that are read as the file of an alarm.
const KEPT_BYTES_MAX: usize = 64 << 10;

impl Alarm {
    /// What happened, in a word.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Fork(_) => FORK,
            Self::Delegation { .. } => "delegation",
            Self::Rollback { .. } => "rollback",
            Self::Contradiction(_) => "contradiction",
            Self::Entry(finding) => &finding.alarm,
            Self::Followed { .. } => "followed",
        }
    }

    /// The file's name: the same for the same event, however often it is seen.
    #[must_use]
    pub fn file(&self) -> String {
        match self {
            Self::Fork(proof) => format!("{}.json", proof.name()),
            Self::Rollback { kept, found } => format!("rollback-{kept}-{found}.json"),
            Self::Contradiction(error) => {
                format!("contradiction-{}.json", Digest::of(chain(error).as_bytes()).short())
            }
            Self::Delegation { index, .. } => format!("delegation-{index}.json"),
            Self::Entry(finding) => format!("{}.json", finding.name),
            Self::Followed { index, .. } => format!("followed-{index}.json"),
        }
    }

    /// The name of the proof that lies beside its file, where the alarm has one.
    pub(crate) fn proof_file(&self) -> String {
        self.file().replace(".json", ".fork")
    }

    /// Writes the file of an alarm into a folder, unless it is there.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn keep(&self, folder: &Path, log: &VerifierKey, seen_at_ms: u64) -> io::Result<()> {
        let path = folder.join(self.file());
        ensure_own(&[folder, &path, &folder.join(self.proof_file())])?;
        if path.try_exists()? {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        let text = match self {
            Self::Fork(proof) => Some(proof.to_string()),
            Self::Rollback { .. }
            | Self::Contradiction(_)
            | Self::Entry(_)
            | Self::Delegation { .. }
            | Self::Followed { .. } => None,
        };
        let proof = match text {
            Some(text) => {
                let name = self.proof_file();
                chaos_files::write_synced(&folder.join(&name), Readers::Everyone, text.as_bytes())?;
                Some(name)
            }
            None => None,
        };
        let kept = KeptAlarm {
            alarm: self.name().to_owned(),
            log: log.to_string(),
            seen_at_ms: seen_at_ms.to_string(),
            detail: self.to_string(),
            proof,
        };
        let mut bytes = serde_json::to_vec_pretty(&kept)?;
        bytes.push(b'\n');
        chaos_files::write_synced(&path, Readers::Everyone, &bytes)
    }
}

/// Refuses to write through links: the directory that an alarm is kept in may have come from anybody.
fn ensure_own(paths: &[&Path]) -> io::Result<()> {
    for path in paths {
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
            let told =
                format!("`{}` is a link, and alarms are kept in no other place", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
        }
    }
    Ok(())
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fork(proof) => f.write_str(&proof.sentence()),
            Self::Delegation { index, says, receipt } => {
                write!(f, "entry {index}: the log's root key {says}, {receipt}")
            }
            Self::Rollback { kept, found } => write!(
                f,
                "the log publishes size {found}, and published size {kept} before: older answers, \
                 or entries that are gone"
            ),
            Self::Contradiction(error @ MirrorError::Growth { .. }) => {
                write!(f, "what is published cannot be followed: {error}")
            }
            Self::Contradiction(error @ MirrorError::Repeated { .. }) => {
                fmt::Display::fmt(error, f)
            }
            Self::Contradiction(error) => {
                write!(f, "what is published contradicts itself: {}", chain(error))
            }
            Self::Entry(finding) => fmt::Display::fmt(finding, f),
            Self::Followed { index, agent, receipt, kind, refused } => {
                write!(f, "entry {index}: `{kind}` of {agent}, {receipt}")?;
                match refused {
                    Some(code) => write!(f, "; refused, it counts for nothing ({code})"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// An error with its causes: what differs is often only in the last of them.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
