//! The offline proof that a leaf is logged: index, inclusion proof and checkpoint in one text
//! ([C2SP tlog-proof](https://c2sp.org/tlog-proof)).

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint},
    hash::{Hash, HashError},
    key::VerifierKey,
    note::NOTE_BYTES_MAX,
    proof::{InclusionProof, ProofError},
};

/// The first line of every proof.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Extra data above this is refused, in bytes before encoding.
pub const EXTRA_BYTES_MAX: usize = 65_536;

/// Longer proofs are refused before they are parsed, in bytes: a note, the encoded extra data,
/// and 64 hashes.
pub const TLOG_PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + EXTRA_BYTES_MAX / 3 * 4 + 4_096;

/// An inclusion proof with the signed checkpoint that it leads to; files end in `.tlog-proof`.
///
/// The index is within the checkpoint's size and the number of hashes fits both. Parsing checks
/// no signature and no root: that is [`TlogProof::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    inclusion: InclusionProof,
    checkpoint: SignedCheckpoint,
}

/// Why a text is not a proof, or a proof is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// The text is longer than [`TLOG_PROOF_BYTES_MAX`].
    #[error("proof has {bytes} bytes, the limit is {TLOG_PROOF_BYTES_MAX}")]
    TooLong {
        /// Length of the text in bytes.
        bytes: usize,
    },
    /// The text is not UTF-8.
    #[error("proof is not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// Offset of the first bad byte.
        offset: usize,
    },
    /// A line is not what the format has there.
    #[error("line {line} of the proof should be {expected}, found `{found}`")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What the format has there.
        expected: &'static str,
        /// The start of the line.
        found: String,
    },
    /// A line of the inclusion proof is not a hash.
    #[error("line {line} of the proof is not a hash")]
    Hash {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: HashError,
    },
    /// The extra data is longer than [`EXTRA_BYTES_MAX`].
    #[error("extra data has {bytes} bytes, the limit is {EXTRA_BYTES_MAX}")]
    Extra {
        /// Length of the data in bytes.
        bytes: usize,
    },
    /// The proof is for a tree of another size than the checkpoint's.
    #[error("inclusion proof is for size {found}, the checkpoint has size {expected}")]
    Size {
        /// Size in the checkpoint.
        expected: u64,
        /// Size in the inclusion proof.
        found: u64,
    },
    /// The inclusion proof is malformed or does not prove.
    #[error("leaf is not proven to be in the log")]
    Inclusion(#[from] ProofError),
    /// The checkpoint is malformed or not signed by the log.
    #[error("checkpoint is not accepted")]
    Checkpoint(#[from] CheckpointError),
}

impl TlogProof {
    /// Joins an inclusion proof and the checkpoint that it leads to.
    ///
    /// # Errors
    /// If they are of different sizes.
    pub fn new(
        inclusion: InclusionProof,
        checkpoint: SignedCheckpoint,
    ) -> Result<Self, TlogProofError> {
        let (expected, found) = (checkpoint.claimed().size(), inclusion.size());
        if expected != found {
            return Err(TlogProofError::Size { expected, found });
        }
        Ok(Self { extra: None, inclusion, checkpoint })
    }

    /// Adds data for the application. Nothing signs it; its reader must not trust it.
    ///
    /// # Errors
    /// If it is longer than [`EXTRA_BYTES_MAX`].
    pub fn with_extra(mut self, extra: Vec<u8>) -> Result<Self, TlogProofError> {
        if extra.len() > EXTRA_BYTES_MAX {
            return Err(TlogProofError::Extra { bytes: extra.len() });
        }
        self.extra = Some(extra);
        Ok(self)
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// If a line is not the one spelling of its value, or the parts do not fit each other.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        if bytes.len() > TLOG_PROOF_BYTES_MAX {
            return Err(TlogProofError::TooLong { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| TlogProofError::NotUtf8 { offset: error.valid_up_to() })?;
        let mut lines = Lines { rest: text, number: 0 };
        let header = lines.next()?;
        if header != HEADER {
            return Err(lines.error("`c2sp.org/tlog-proof@v1`", header));
        }
        let mut line = lines.next()?;
        let mut extra = None;
        if let Some(encoded) = line.strip_prefix("extra ") {
            let decoded = BASE64_STANDARD.decode(encoded);
            let decoded = decoded.map_err(|_| lines.error("`extra <base64>`", line))?;
            extra = Some(decoded);
            line = lines.next()?;
        }
        let index = line.strip_prefix("index ").and_then(decimal);
        let index = index.ok_or_else(|| lines.error("`index <decimal number>`", line))?;
        let mut hashes = Vec::new();
        loop {
            let line = lines.next()?;
            if line.is_empty() {
                break;
            }
            let number = lines.number;
            // A tree of 64-bit size has no longer path; stop before a long text fills memory.
            if hashes.len() == 64 {
                return Err(lines.error("empty, after at most 64 hashes", line));
            }
            let hash = line.parse();
            hashes.push(hash.map_err(|source| TlogProofError::Hash { line: number, source })?);
        }
        let checkpoint = SignedCheckpoint::parse(lines.rest.as_bytes())?;
        let inclusion = InclusionProof::new(index, checkpoint.claimed().size(), hashes)?;
        let proof = Self::new(inclusion, checkpoint)?;
        match extra {
            Some(extra) => proof.with_extra(extra),
            None => Ok(proof),
        }
    }

    /// The index of the entry.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.inclusion.index()
    }

    /// The inclusion proof.
    #[must_use]
    pub const fn inclusion(&self) -> &InclusionProof {
        &self.inclusion
    }

    /// The checkpoint, which is only a claim until it is verified.
    #[must_use]
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// The application's data, which nothing signs.
    #[must_use]
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// Checks that the leaf with hash `leaf` leads to the root that the checkpoint claims, and
    /// leaves open whether the log signed that checkpoint.
    ///
    /// # Errors
    /// If it leads elsewhere.
    pub fn verify_inclusion(&self, leaf: &Hash) -> Result<(), ProofError> {
        self.inclusion.verify(leaf, self.checkpoint.claimed().root())
    }

    /// Checks the log's signature and that the leaf with hash `leaf` is in the signed tree.
    ///
    /// # Errors
    /// If the checkpoint is not the log's, or the leaf is not in its tree.
    pub fn verify(&self, leaf: &Hash, key: &VerifierKey) -> Result<&Checkpoint, TlogProofError> {
        let checkpoint = self.checkpoint.verify(key)?;
        self.inclusion.verify(leaf, checkpoint.root())?;
        Ok(checkpoint)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64_STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index())?;
        for hash in self.inclusion.hashes() {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a str, TlogProofError> {
        self.number += 1;
        match self.rest.split_once('\n') {
            Some((line, rest)) => {
                self.rest = rest;
                Ok(line)
            }
            None => Err(self.error("a line ended by a newline", self.rest)),
        }
    }

    fn error(&self, expected: &'static str, found: &str) -> TlogProofError {
        let found = found.chars().take(80).collect();
        TlogProofError::Line { line: self.number, expected, found }
    }
}

fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|value: &u64| value.to_string() == text)
}
