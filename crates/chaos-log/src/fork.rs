//! Fork proofs: a file that shows, offline and without a word of whoever made it, that a log signed
//! two histories.

use std::fmt;

use crate::{
    checkpoint::{CheckpointError, SignedCheckpoint},
    hash::{Hash, HashError},
    key::{KeyError, VerifierKey},
    proof::{PrefixProof, ProofError},
    prove::{ProveError, TileRead, prove_prefix},
};

/// The first line of every proof.
const HEADER: &str = "chaoschain-fork/1";

/// How the first line begins, whatever the version.
const HEADER_START: &str = "chaoschain-fork/";

/// Longer proofs are refused before they are parsed, in bytes. Two of the longest checkpoints with a line each, and the
/// most hashes that lead from one to the other, have less.
pub const FORK_BYTES_MAX: usize = 16 << 10;

/// Two checkpoints that one key signed as one log's and that no log can have both.
///
/// Whoever holds a value of this type has checked it: both signatures, and that the trees
/// contradict each other. Whether the key is that of the log one trusts is for its holder to
/// compare.
///
/// ```text
/// chaoschain-fork/1
/// kind prefix
/// log <verifier key>
/// <hash>                 of kind `prefix`: one a line, the older tree's largest node at its right
/// <hash>                 edge first, then in the order of RFC 6962
///
/// <the older note>       of kind `root`: the one with the lower root, as it was signed
///
/// <the newer note>
/// ```
///
/// RFC 6962 leaves the first node away where the older size is a power of two, since a verifier
/// takes the older root in its place. Here it always stands, because the older root is what is
/// accused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkProof {
    log: VerifierKey,
    first: SignedCheckpoint,
    second: SignedCheckpoint,
    prefix: Option<PrefixProof>,
}

/// How a log forked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkKind {
    /// Two roots for one size.
    Root,
    /// The older tree is not the start of the newer one.
    Prefix,
}

/// Why there is no proof of a fork.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// The file is longer than [`FORK_BYTES_MAX`].
    #[error("fork proof has {bytes} bytes, the limit is {FORK_BYTES_MAX}")]
    TooLong {
        /// Length of the file in bytes.
        bytes: usize,
    },
    /// The file is not UTF-8.
    #[error("fork proof is not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// Offset of the first bad byte.
        offset: usize,
    },
    /// A part is not what the format has there, or is not spelled as it would be written.
    #[error("fork proof should have {expected}, found `{found}`")]
    Form {
        /// What the format has there.
        expected: &'static str,
        /// The start of what was found.
        found: String,
    },
    /// The log's key cannot be read.
    #[error("fork proof names no usable key")]
    Key(#[source] KeyError),
    /// A line is not a hash.
    #[error("fork proof has a line that is not a hash")]
    Hash(#[source] HashError),
    /// A note is not a checkpoint, or the log did not sign it.
    #[error("a note of the fork proof is not a checkpoint of the log")]
    Note(#[source] CheckpointError),
    /// The two sizes do not fit the kind of the proof.
    #[error("a fork of kind {kind} has {expected}, found sizes {first} and {second}")]
    Sizes {
        /// The kind of the proof.
        kind: ForkKind,
        /// What its sizes are like.
        expected: &'static str,
        /// Size of the first note.
        first: u64,
        /// Size of the second note.
        second: u64,
    },
    /// The hashes do not belong to the newer tree.
    #[error("the hashes of the fork proof are not those of the newer tree")]
    Prefix(#[source] ProofError),
    /// The two trees do not contradict each other.
    #[error("the log did not fork: the tree of size {size} has root {root} either way")]
    Consistent {
        /// Size of the smaller tree.
        size: u64,
        /// Its root.
        root: Hash,
    },
}

/// Why two checkpoints could not be held against stored tiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError<E> {
    /// A checkpoint is not the log's, or the tiles are of neither tree.
    #[error("the checkpoints cannot be compared")]
    Fork(#[from] ForkError),
    /// The tiles cannot be read, or do not reach the larger size.
    #[error("cannot compare the checkpoints with the tiles")]
    Tiles(#[source] ProveError<E>),
}

impl fmt::Display for ForkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Prefix => "prefix",
        })
    }
}

impl ForkProof {
    /// Shows that two checkpoints of one size have two roots, whichever comes first.
    ///
    /// # Errors
    /// If the log did not sign both, their sizes differ, or they have one root.
    pub fn of_roots(
        log: VerifierKey,
        one: SignedCheckpoint,
        other: SignedCheckpoint,
    ) -> Result<Self, ForkError> {
        Self::lower_first(log, one, other).by_the_key().checked()
    }

    /// Two checkpoints in the order of their roots.
    fn lower_first(log: VerifierKey, one: SignedCheckpoint, other: SignedCheckpoint) -> Self {
        let (first, second) = if one.claimed().root() <= other.claimed().root() {
            (one, other)
        } else {
            (other, one)
        };
        Self { log, first, second, prefix: None }
    }

    /// Shows that the tree of `older` is not the start of the tree of `newer`, by nodes of the
    /// latter.
    ///
    /// # Errors
    /// If the log did not sign both, the nodes are not the newer tree's, or they lead to the older
    /// root.
    pub fn of_prefix(
        log: VerifierKey,
        older: SignedCheckpoint,
        newer: SignedCheckpoint,
        prefix: PrefixProof,
    ) -> Result<Self, ForkError> {
        Self { log, first: older, second: newer, prefix: Some(prefix) }.by_the_key().checked()
    }

    /// The same with one line by the key, and no others that have the log's name. Witnesses' lines stay, unless
    /// the proof is too long with them: whoever passes a note on can lay so many below it.
    fn by_the_key(self) -> Self {
        let mut proof = self;
        for note in [&mut proof.first, &mut proof.second] {
            note.retain_by(std::slice::from_ref(&proof.log));
        }
        if proof.to_string().len() > FORK_BYTES_MAX {
            for note in [&mut proof.first, &mut proof.second] {
                note.retain_only_by(&proof.log);
            }
        }
        proof
    }

    /// Holds two checkpoints of a log against each other, with the tiles of the larger one's tree.
    /// `None` if the smaller tree is the start of the larger.
    ///
    /// # Errors
    /// If the log did not sign both, or the tiles cannot be read or are not the larger tree's.
    pub fn find<R: TileRead>(
        log: &VerifierKey,
        one: &SignedCheckpoint,
        other: &SignedCheckpoint,
        tiles: &R,
    ) -> Result<Option<Self>, FindError<R::Error>> {
        let (older, newer) = if one.claimed().size() <= other.claimed().size() {
            (one, other)
        } else {
            (other, one)
        };
        let (old_size, new_size) = (older.claimed().size(), newer.claimed().size());
        let found = if old_size == new_size {
            Self::of_roots(log.clone(), older.clone(), newer.clone())
        } else {
            let prefix = prove_prefix(tiles, old_size, new_size).map_err(FindError::Tiles)?;
            Self::of_prefix(log.clone(), older.clone(), newer.clone(), prefix)
        };
        match found {
            Ok(proof) => Ok(Some(proof)),
            Err(ForkError::Consistent { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a file says that it is a proof of a fork, by its first bytes.
    #[must_use]
    pub fn is_claimed_by(bytes: &[u8]) -> bool {
        bytes.starts_with(HEADER_START.as_bytes())
    }

    /// Reads a proof and checks it.
    ///
    /// # Errors
    /// If the file is malformed, or does not prove a fork.
    pub fn parse(bytes: &[u8]) -> Result<Self, ForkError> {
        if bytes.len() > FORK_BYTES_MAX {
            return Err(ForkError::TooLong { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| ForkError::NotUtf8 { offset: error.valid_up_to() })?;
        // No part has an empty line within, since those of checkpoints have none.
        let parts: Vec<&str> = text.split("\n\n").collect();
        let [head, first_text, first_lines, second_text, second_lines] = parts[..] else {
            let expected = "a head and two notes, with an empty line between them and none within";
            return Err(form(expected, text));
        };
        let mut lines = head.split('\n');
        let mut next = |expected| lines.next().ok_or_else(|| form(expected, head));
        let header = next("`chaoschain-fork/1` in its first line")?;
        if header != HEADER {
            return Err(form("`chaoschain-fork/1` in its first line", header));
        }
        let kind = match next("`kind root` or `kind prefix`")? {
            "kind root" => ForkKind::Root,
            "kind prefix" => ForkKind::Prefix,
            found => return Err(form("`kind root` or `kind prefix`", found)),
        };
        let log = next("`log <verifier key>`")?;
        let log = log.strip_prefix("log ").ok_or_else(|| form("`log <verifier key>`", log))?;
        let log: VerifierKey = log.parse().map_err(ForkError::Key)?;
        let hashes = lines.map(|line| line.parse().map_err(ForkError::Hash));
        let hashes = hashes.collect::<Result<Vec<Hash>, _>>()?;
        let first = note(first_text, first_lines, "\n")?;
        let second = note(second_text, second_lines, "")?;
        let proof = match kind {
            ForkKind::Root if hashes.is_empty() => Self::lower_first(log, first, second),
            ForkKind::Root => return Err(form("no hashes in a proof of kind root", head)),
            ForkKind::Prefix => {
                let sizes = (first.claimed().size(), second.claimed().size());
                let prefix = PrefixProof::new(sizes.0, sizes.1, hashes);
                Self { log, first, second, prefix: Some(prefix.map_err(ForkError::Prefix)?) }
            }
        };
        let proof = proof.checked()?;
        if proof.to_string() == text { Ok(proof) } else { Err(form("one spelling", text)) }
    }

    /// How the log forked.
    #[must_use]
    pub const fn kind(&self) -> ForkKind {
        if self.prefix.is_some() { ForkKind::Prefix } else { ForkKind::Root }
    }

    /// The key that signed both checkpoints.
    #[must_use]
    pub const fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// The older checkpoint, or of two with one size the one with the lower root.
    #[must_use]
    pub const fn first(&self) -> &SignedCheckpoint {
        &self.first
    }

    /// The other checkpoint.
    #[must_use]
    pub const fn second(&self) -> &SignedCheckpoint {
        &self.second
    }

    /// The fork in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (first, second) = (self.first.claimed(), self.second.claimed());
        let origin = first.origin();
        match self.kind() {
            ForkKind::Root => format!(
                "log {origin} forked: it signed roots {} and {} for size {}",
                first.root(),
                second.root(),
                first.size()
            ),
            ForkKind::Prefix => format!(
                "log {origin} forked: the tree of size {} that it signed does not start with the \
                 tree of size {} that it signed",
                second.size(),
                first.size()
            ),
        }
    }

    /// The value, if it proves a fork.
    fn checked(self) -> Result<Self, ForkError> {
        let first = self.first.verify(&self.log).map_err(ForkError::Note)?;
        let second = self.second.verify(&self.log).map_err(ForkError::Note)?;
        let sizes = |expected| {
            let (kind, first, second) = (self.kind(), first.size(), second.size());
            ForkError::Sizes { kind, expected, first, second }
        };
        let root = match &self.prefix {
            None if first.size() == second.size() => *second.root(),
            None => return Err(sizes("one size")),
            Some(prefix) => {
                let of = (prefix.old_size(), prefix.new_size());
                if first.size() >= second.size() || of != (first.size(), second.size()) {
                    return Err(sizes("a smaller and a larger size"));
                }
                prefix.old_root(second.root()).map_err(ForkError::Prefix)?
            }
        };
        if *first.root() == root {
            return Err(ForkError::Consistent { size: first.size(), root });
        }
        let bytes = self.to_string().len();
        if bytes > FORK_BYTES_MAX { Err(ForkError::TooLong { bytes }) } else { Ok(self) }
    }
}

impl fmt::Display for ForkProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\nkind {}\nlog {}", self.kind(), self.log)?;
        for hash in self.prefix.iter().flat_map(PrefixProof::hashes) {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}\n{}", self.first, self.second)
    }
}

/// A note that was cut at its empty line; `end` is the newline that the cut behind it took.
fn note(text: &str, lines: &str, end: &str) -> Result<SignedCheckpoint, ForkError> {
    let whole = format!("{text}\n\n{lines}{end}");
    SignedCheckpoint::parse(whole.as_bytes()).map_err(ForkError::Note)
}

fn form(expected: &'static str, found: &str) -> ForkError {
    ForkError::Form { expected, found: found.chars().take(80).collect() }
}
