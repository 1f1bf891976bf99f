use std::fmt;

use chaos_log::{CheckpointError, Hash, HashError, SignedCheckpoint};

/// A request has at most this many lines of proof.
pub const PROOF_LINES_MAX: usize = 63;

/// Longer requests are refused before they are parsed, in bytes. It holds a note with 16 signatures of
/// five kilobytes each.
pub const REQUEST_BYTES_MAX: usize = 128 << 10;

/// The body of an `add-checkpoint` call: a checkpoint, and the proof that it continues the one of the
/// size that the caller believes to be the witness's last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    proof: Vec<Hash>,
    checkpoint: SignedCheckpoint,
}

/// Why bytes are not such a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The request is longer than [`REQUEST_BYTES_MAX`].
    #[error("request has {bytes} bytes, the limit is {REQUEST_BYTES_MAX}")]
    TooLong {
        /// Length of the request in bytes.
        bytes: usize,
    },
    /// The part before the checkpoint is not UTF-8 or has no end.
    #[error("request has no empty line between its proof and its checkpoint")]
    Head,
    /// The first line is not the old size.
    #[error("the first line should be `old <decimal number>`, found `{found}`")]
    OldSize {
        /// The start of the line.
        found: String,
    },
    /// A line of proof is not a hash.
    #[error("line {line} of the request is not a hash")]
    Hash {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: HashError,
    },
    /// There are more than [`PROOF_LINES_MAX`] lines of proof.
    #[error("request has {found} lines of proof, the limit is {PROOF_LINES_MAX}")]
    TooManyLines {
        /// Number of lines.
        found: usize,
    },
    /// What follows is not a checkpoint.
    #[error("request has no checkpoint")]
    Checkpoint(#[source] CheckpointError),
}

impl AddCheckpoint {
    /// Takes the parts of a request.
    ///
    /// # Errors
    /// If the proof has more than [`PROOF_LINES_MAX`] lines, or the request would be too long.
    pub fn new(
        old_size: u64,
        proof: Vec<Hash>,
        checkpoint: SignedCheckpoint,
    ) -> Result<Self, RequestError> {
        if proof.len() > PROOF_LINES_MAX {
            return Err(RequestError::TooManyLines { found: proof.len() });
        }
        let request = Self { old_size, proof, checkpoint };
        let bytes = request.to_string().len();
        if bytes > REQUEST_BYTES_MAX { Err(RequestError::TooLong { bytes }) } else { Ok(request) }
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// If a part is not the one spelling of its value.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(RequestError::TooLong { bytes: bytes.len() });
        }
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").ok_or(RequestError::Head)?;
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| RequestError::Head)?;
        let (old, proof) = head.split_once('\n').unwrap_or((head, ""));
        let old_size = old
            .strip_prefix("old ")
            .and_then(decimal)
            .ok_or_else(|| RequestError::OldSize { found: old.chars().take(80).collect() })?;
        let lines = if proof.is_empty() { Vec::new() } else { proof.split('\n').collect() };
        if lines.len() > PROOF_LINES_MAX {
            return Err(RequestError::TooManyLines { found: lines.len() });
        }
        let mut proof = Vec::with_capacity(lines.len());
        for (position, line) in lines.into_iter().enumerate() {
            let hash = line.parse();
            proof.push(hash.map_err(|source| RequestError::Hash { line: position + 2, source })?);
        }
        let checkpoint =
            SignedCheckpoint::parse(&bytes[end + 2..]).map_err(RequestError::Checkpoint)?;
        Ok(Self { old_size, proof, checkpoint })
    }

    /// The size from which the proof leads on.
    #[must_use]
    pub const fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The proof in the order of RFC 6962.
    #[must_use]
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The checkpoint, which is only a claim.
    #[must_use]
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|value: &u64| value.to_string() == text)
}
