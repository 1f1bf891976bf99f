//! Proofs that a retired key still signs.

use std::fmt;

use chaos_agency::{SignerError, Succession};
use chaos_log::{SignedCheckpoint, VerifierKey};
use chaos_types::{Check, Did, Rejection};

use crate::{Fault, LogKeys};

/// The first lines of every proof.
const HEADER: &str = "chaoschain-fork/1\nkind signer\nlog ";

/// Longer proofs are refused before they are parsed, in bytes (5 MiB): the file of a log's keys may have 4.
const BYTES_MAX: usize = 5 << 20;

/// A checkpoint that a retired key signed after its end, beside the delegation that ended it.
///
/// Whoever holds a value of this type has checked it. No honest log gives cause to one: the retired key
/// may sign the first checkpoint that holds the delegation, beside the new key, and such a one with the
/// new key's line cut off proves nothing.
///
/// ```text
/// chaoschain-fork/1
/// kind signer
/// log <verifier key of the root key>
/// <the file `keys` of the log, canonical JSON in a line>
///
/// <the retired key's note, as it was signed>
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerProof {
    log: VerifierKey,
    file: String,
    succession: Succession,
    note: SignedCheckpoint,
    key: Did,
    index: u64,
}

impl SignerProof {
    /// Shows by the log's file of keys that a checkpoint is by a retired key.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *checkpoint* if the file does not hold, or the key may have signed.
    pub fn new(log: VerifierKey, file: &[u8], note: SignedCheckpoint) -> Result<Self, Rejection> {
        let (_, successions) = LogKeys::verify(file, &log)?;
        let succession = successions.checkpoints;
        let (key, index) = match succession.ensure_signed(&note, log.name()) {
            Err(SignerError::Retired { key, index, .. }) => (key, index),
            Err(error) => {
                return Err(Rejection::caused(Check::Checkpoint, Fault::ForkNotProved, &error));
            }
            Ok(_) => return Err(not_proved("the key in force signed the checkpoint")),
        };
        if succession.leaving(note.claimed().size()) == Some(key) {
            let why = "the key could sign this checkpoint beside the one that took its place";
            return Err(not_proved(why));
        }
        let file = String::from_utf8_lossy(file).into_owned();
        Ok(Self { log, file, succession, note, key, index })
    }

    /// Whether a file says that it is such a proof, by its first bytes.
    #[must_use]
    pub fn is_claimed_by(bytes: &[u8]) -> bool {
        bytes.starts_with(HEADER.as_bytes())
    }

    /// Reads a proof and checks it.
    ///
    /// # Errors
    /// As [`Self::new`], and if the file is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        if bytes.len() > BYTES_MAX {
            let reason = format!("proof of {} bytes, the limit is {BYTES_MAX}", bytes.len());
            return Err(not_proved(&reason));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| not_proved("proof is not UTF-8"))?;
        let form = || not_proved("expected a header, a line of keys, an empty line and a note");
        let rest = text.strip_prefix(HEADER).ok_or_else(form)?;
        let (head, note) = rest.split_once("\n\n").ok_or_else(form)?;
        let (log, file) = head.split_once('\n').ok_or_else(form)?;
        let caused = |error: &dyn std::error::Error| {
            Rejection::caused(Check::Checkpoint, Fault::ForkNotProved, error)
        };
        let log: VerifierKey = log.parse().map_err(|error| caused(&error))?;
        let note = SignedCheckpoint::parse(note.as_bytes()).map_err(|error| caused(&error))?;
        let proof = Self::new(log, file.as_bytes(), note)?;
        if proof.to_string() == text { Ok(proof) } else { Err(form()) }
    }

    /// The log's root key.
    #[must_use]
    pub const fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// The retired key's checkpoint.
    #[must_use]
    pub const fn note(&self) -> &SignedCheckpoint {
        &self.note
    }

    /// The key that signed after its end, and the delegation that ended it.
    pub(crate) const fn retired(&self) -> (Did, u64) {
        (self.key, self.index)
    }

    pub(crate) const fn succession(&self) -> &Succession {
        &self.succession
    }

    /// What is shown, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let checkpoint = self.note.claimed();
        format!(
            "log {} forked: {} signed the checkpoint of {} entries alone, after entry {} had put \
             another key in its place",
            checkpoint.origin(),
            self.key,
            checkpoint.size(),
            self.index
        )
    }
}

impl fmt::Display for SignerProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEADER}{}\n{}\n\n{}", self.log, self.file, self.note)
    }
}

fn not_proved(reason: &str) -> Rejection {
    Rejection::new(Check::Checkpoint, Fault::ForkNotProved, reason)
}
