//! Files that prove that a log forked.

mod places;
mod trees;

use std::fmt;

use chaos_log::{ForkProof, SignedCheckpoint, VerifierKey};
use chaos_types::{Digest, Rejection};

pub use self::{places::PlacesProof, trees::TreesProof};
use crate::SignerProof;

/// A proof that a log forked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvedFork {
    /// One key signed two trees.
    Trees(Box<TreesProof>),
    /// A retired key signed after its end, or another history than the root key did.
    Signer(Box<SignerProof>),
    /// The root key signed two delegations of one number.
    Places(Box<PlacesProof>),
}

impl ProvedFork {
    /// Whether a file says that it is one, by its first bytes.
    #[must_use]
    pub fn is_claimed_by(bytes: &[u8]) -> bool {
        ForkProof::is_claimed_by(bytes)
    }

    /// Reads a file that says that it proves a fork, and checks it.
    ///
    /// Anybody can make a key and fork a log of his own. Whether the log is one that the reader trusts,
    /// [`Heads::root_of`](crate::Heads::root_of) says, by whatever else of the log is at hand.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *checkpoint*.
    pub fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        if SignerProof::is_claimed_by(bytes) {
            Ok(Self::Signer(Box::new(SignerProof::parse(bytes)?)))
        } else if PlacesProof::is_claimed_by(bytes) {
            Ok(Self::Places(Box::new(PlacesProof::parse(bytes)?)))
        } else {
            Ok(Self::Trees(Box::new(TreesProof::parse(bytes)?)))
        }
    }

    /// The key that the file names: of two trees the one that signed them, and otherwise the log's root
    /// key.
    #[must_use]
    pub const fn log(&self) -> &VerifierKey {
        match self {
            Self::Trees(proof) => proof.key(),
            Self::Signer(proof) => proof.log(),
            Self::Places(proof) => proof.log(),
        }
    }

    /// The kind as the file writes it.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Trees(proof) => proof.fork().kind().to_string(),
            Self::Signer(proof) => proof.kind().to_owned(),
            Self::Places(_) => "delegations".to_owned(),
        }
    }

    /// The fork in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Trees(proof) => proof.fork().sentence(),
            Self::Signer(proof) => proof.sentence(),
            Self::Places(proof) => proof.sentence(),
        }
    }

    /// The same where the key that signed is known to be retired since an entry: then it is no fork of the log.
    #[must_use]
    pub fn sentence_if_retired(&self, since: Option<u64>) -> String {
        match (self, since) {
            (Self::Trees(proof), Some(since)) => proof.sentence_of_retired(since),
            (Self::Trees(_) | Self::Signer(_) | Self::Places(_), _) => self.sentence(),
        }
    }

    /// The checkpoints that it is about.
    #[must_use]
    pub fn checkpoints(&self) -> Vec<&SignedCheckpoint> {
        match self {
            Self::Trees(proof) => vec![proof.fork().first(), proof.fork().second()],
            Self::Signer(proof) => vec![proof.note()],
            Self::Places(_) => Vec::new(),
        }
    }

    /// What the file of the proof is called wherever it is kept, without its ending.
    #[must_use]
    pub fn name(&self) -> String {
        let sizes = self.checkpoints().into_iter().map(|note| note.claimed().size());
        let size = match self {
            Self::Trees(_) | Self::Signer(_) => sizes.max().unwrap_or_default(),
            Self::Places(proof) => proof.first_size(),
        };
        let digest = Digest::of(self.to_string().as_bytes()).short();
        format!("fork-{size}-{digest}")
    }
}

impl fmt::Display for ProvedFork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trees(proof) => fmt::Display::fmt(proof, f),
            Self::Signer(proof) => fmt::Display::fmt(proof, f),
            Self::Places(proof) => fmt::Display::fmt(proof, f),
        }
    }
}
