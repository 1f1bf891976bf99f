//! Files that prove that a log forked.

use chaos_log::{ForkProof, Policy, SignedCheckpoint, VerifierKey};
use chaos_types::{Check, Rejection};

use crate::{Fault, Options, SignerProof};

/// A proof that a log forked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvedFork {
    /// One key signed two trees.
    Trees(Box<ForkProof>),
    /// A retired key signed after its end.
    Signer(Box<SignerProof>),
}

impl ProvedFork {
    /// Whether a file says that it is one, by its first bytes.
    #[must_use]
    pub fn is_claimed_by(bytes: &[u8]) -> bool {
        ForkProof::is_claimed_by(bytes)
    }

    /// The log's key.
    #[must_use]
    pub const fn log(&self) -> &VerifierKey {
        match self {
            Self::Trees(proof) => proof.log(),
            Self::Signer(proof) => proof.log(),
        }
    }

    /// The kind as the file writes it.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Trees(proof) => proof.kind().to_string(),
            Self::Signer(_) => "signer".to_owned(),
        }
    }

    /// The fork in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Trees(proof) => proof.sentence(),
            Self::Signer(proof) => proof.sentence(),
        }
    }

    /// The checkpoints that it is about.
    #[must_use]
    pub fn checkpoints(&self) -> Vec<&SignedCheckpoint> {
        match self {
            Self::Trees(proof) => vec![proof.first(), proof.second()],
            Self::Signer(proof) => vec![proof.note()],
        }
    }
}

/// Reads a file that says that it proves a fork, and checks it.
///
/// Anybody can make a key and fork a log of his own, so a reader who names the logs that he trusts, by
/// a key or by a policy, has a proof about another log refused: it says nothing of theirs.
///
/// # Errors
/// A [`Rejection`] by the check *checkpoint*.
pub fn verify_fork(bytes: &[u8], options: &Options<'_>) -> Result<ProvedFork, Rejection> {
    let proof = if SignerProof::is_claimed_by(bytes) {
        ProvedFork::Signer(Box::new(SignerProof::parse(bytes)?))
    } else {
        let proof = ForkProof::parse(bytes)
            .map_err(|error| Rejection::caused(Check::Checkpoint, Fault::ForkNotProved, &error))?;
        ProvedFork::Trees(Box::new(proof))
    };
    if is_trusted(proof.log(), options.log, options.policy) {
        return Ok(proof);
    }
    let reason =
        format!("the proof is about log {}, which is not one that is trusted", proof.log());
    Err(Rejection::new(Check::Checkpoint, Fault::LogNotTrusted, reason))
}

/// Whether the reader's words about logs, if there are any, include this one.
fn is_trusted(log: &VerifierKey, named: Option<&VerifierKey>, policy: Option<&Policy>) -> bool {
    let known = policy.map(Policy::logs).filter(|logs| !logs.is_empty());
    named.is_none_or(|named| named == log)
        && known.is_none_or(|logs| logs.iter().any(|known| known.key == *log))
}
