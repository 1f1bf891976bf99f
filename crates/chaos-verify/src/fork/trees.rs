//! Two trees that one key of a log signed.

use std::fmt;

use chaos_agency::Succession;
use chaos_log::{ForkKind, ForkProof, VerifierKey};
use chaos_types::{Check, Rejection};

use crate::{Fault, LogKeys};

/// What begins the line of the log's keys.
const KEYS: &str = "keys ";

/// Lines before that one: format, kind and key.
const LINES_BEFORE: usize = 3;

/// Longer files are refused before they are parsed, in bytes (5 MiB): the file of a log's keys may have 4.
const BYTES_MAX: usize = 5 << 20;

/// A fork proof of two trees; where a later key of the log signed them, with what ties that to the log's
/// root key.
///
/// A log is its root key for ever, and the reader of a proof knows no other. So whoever has seen the
/// root key hand checkpoints on adds the log's file of keys in a line of its own, and the proof stands
/// alone. Without that line the file is what [`ForkProof`] writes, and means the same.
///
/// ```text
/// chaoschain-fork/1
/// kind prefix
/// log <verifier key that signed both>
/// keys <the file `keys` of the log, canonical JSON>      only of a key that is not the root key
/// …
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreesProof {
    fork: ForkProof,
    tie: Option<Tie>,
}

/// The log's file of keys, which was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tie {
    file: String,
    root: VerifierKey,
    succession: Succession,
}

impl TreesProof {
    /// The proof alone.
    #[must_use]
    pub const fn new(fork: ForkProof) -> Self {
        Self { fork, tie: None }
    }

    /// The proof with the log's file of keys, which leads from the root key that it names to the key
    /// that signed both trees.
    ///
    /// # Errors
    /// A [`Rejection`] if the file does not hold, or does not name the key as a later one.
    pub fn tied(fork: ForkProof, file: &[u8]) -> Result<Self, Rejection> {
        let (root, successions) = LogKeys::verify_own(file)?;
        let succession = successions.checkpoints;
        let is_later = succession
            .delegations()
            .iter()
            .any(|delegation| delegation.body.key.as_bytes() == fork.log().public());
        if !is_later || fork.log().name() != root.name() {
            let reason = format!("the file of keys does not lead from {root} to {}", fork.log());
            return Err(not_proved(reason));
        }
        let file = String::from_utf8_lossy(file).into_owned();
        Ok(Self { fork, tie: Some(Tie { file, root, succession }) })
    }

    /// Reads a proof and checks it.
    ///
    /// # Errors
    /// A [`Rejection`] if the file is malformed, or does not prove a fork.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        if bytes.len() > BYTES_MAX {
            let reason = format!("proof of {} bytes, the limit is {BYTES_MAX}", bytes.len());
            return Err(not_proved(reason));
        }
        let Some((before, file, after)) = split(bytes) else {
            return Ok(Self::new(fork(bytes)?));
        };
        let proof = Self::tied(fork(&[before, after].concat())?, file)?;
        if proof.to_string().as_bytes() == bytes {
            return Ok(proof);
        }
        Err(not_proved("the line of keys is not spelled as it would be written".to_owned()))
    }

    /// The two trees.
    #[must_use]
    pub const fn fork(&self) -> &ForkProof {
        &self.fork
    }

    /// The key that signed both.
    #[must_use]
    pub(crate) const fn key(&self) -> &VerifierKey {
        self.fork.log()
    }

    /// What a key signed that an entry has retired.
    pub(crate) fn sentence_of_retired(&self, since: u64) -> String {
        let [first, second] = [self.fork.first(), self.fork.second()].map(|note| note.claimed());
        let what = match self.fork.kind() {
            ForkKind::Root => {
                format!("roots {} and {} for size {}", first.root(), second.root(), first.size())
            }
            ForkKind::Prefix => format!(
                "a tree of size {} that does not start with the tree of size {} that it signed",
                second.size(),
                first.size()
            ),
        };
        let (origin, key) = (first.origin(), self.fork.log());
        format!(
            "a key of log {origin} that entry {since} retired signs two histories: {key} signed {what}"
        )
    }

    /// The log's root key and who signs for it, if the file says it.
    pub(crate) fn tie(&self) -> Option<(&VerifierKey, &Succession)> {
        self.tie.as_ref().map(|tie| (&tie.root, &tie.succession))
    }
}

impl fmt::Display for TreesProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.fork.to_string();
        let Some(tie) = &self.tie else { return f.write_str(&text) };
        for (number, line) in text.split_inclusive('\n').enumerate() {
            if number == LINES_BEFORE {
                writeln!(f, "{KEYS}{}", tie.file)?;
            }
            f.write_str(line)?;
        }
        Ok(())
    }
}

/// What stands before the line of keys, the file in it, and what stands behind it; `None` where there is
/// no such line.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let end =
        |from: usize| Some(from + bytes.get(from..)?.iter().position(|byte| *byte == b'\n')? + 1);
    let start = (0..LINES_BEFORE).try_fold(0, |from, _| end(from))?;
    let next = end(start)?;
    let line = bytes.get(start..next)?.strip_prefix(KEYS.as_bytes())?;
    Some((&bytes[..start], line.strip_suffix(b"\n")?, &bytes[next..]))
}

fn fork(bytes: &[u8]) -> Result<ForkProof, Rejection> {
    ForkProof::parse(bytes)
        .map_err(|error| Rejection::caused(Check::Checkpoint, Fault::ForkNotProved, &error))
}

fn not_proved(reason: String) -> Rejection {
    Rejection::new(Check::Checkpoint, Fault::ForkNotProved, reason)
}
