//! Checkpoints: what the log says its tree is, signed
//! ([C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint)).

use std::fmt;

use crate::{
    hash::{Hash, HashError},
    key::{LogKey, VerifierKey},
    note::{Note, NoteError, Signature},
};

/// Longer texts are no checkpoint, in bytes: two of them and what shows that they contradict each other fit into a
/// fork proof, so that no signer can say something that cannot be held against him.
pub const CHECKPOINT_BYTES_MAX: usize = 2 << 10;

/// The size and root of a log's tree, under the log's name.
///
/// The origin is one line and not empty. Extension lines are carried as they are, none of them
/// empty; they are part of what is signed, but this crate gives them no meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// A checkpoint in its signed note, byte for byte as it was signed.
///
/// Until [`SignedCheckpoint::verify`] has accepted it, it is only a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
}

/// Why a text is not a checkpoint, or a checkpoint is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around the checkpoint is malformed or not signed by the log.
    #[error("checkpoint is not a valid signed note")]
    Note(#[from] NoteError),
    /// The text is longer than [`CHECKPOINT_BYTES_MAX`].
    #[error("checkpoint has {bytes} bytes of text, the limit is {CHECKPOINT_BYTES_MAX}")]
    TooLong {
        /// Length of the text in bytes.
        bytes: usize,
    },
    /// The text has fewer than the three lines of a checkpoint.
    #[error("checkpoint lacks its {expected} line")]
    Missing {
        /// The line that should follow: `origin`, `size` or `root`.
        expected: &'static str,
    },
    /// The origin is empty or holds a control character.
    #[error("origin must be one line that is not empty, found `{found}`")]
    Origin {
        /// The start of the origin.
        found: String,
    },
    /// The size is not a decimal number without leading zeros.
    #[error("tree size must be a decimal number without leading zeros, found `{found}`")]
    Size {
        /// The start of the line.
        found: String,
    },
    /// The root is not a base64 hash.
    #[error("checkpoint has no root hash")]
    Root(#[source] HashError),
    /// An extension line is empty, or the text does not end with a newline.
    #[error("line {line} of the checkpoint is empty or not ended by a newline")]
    Line {
        /// Number of the line, from 1.
        line: usize,
    },
    /// The checkpoint is of another log.
    #[error("checkpoint is of log `{found}`, expected `{expected}`")]
    OtherLog {
        /// The name of the key.
        expected: String,
        /// The origin in the checkpoint.
        found: String,
    },
}

impl Checkpoint {
    /// States that the log named `origin` has this size and root.
    ///
    /// # Errors
    /// If the origin is empty, too long or holds a control character.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if origin.is_empty() || origin.contains(|c: char| c < ' ') {
            return Err(CheckpointError::Origin { found: origin.chars().take(80).collect() });
        }
        let checkpoint = Self { origin: origin.to_owned(), size, root, extensions: Vec::new() };
        ensure_short(checkpoint.to_string().len())?;
        Ok(checkpoint)
    }

    /// Reads the text of a checkpoint's note.
    ///
    /// # Errors
    /// If it is too long, or a line is missing, empty or not the one spelling of its value.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        ensure_short(text.len())?;
        let mut lines = Vec::new();
        for (position, line) in text.split_inclusive('\n').enumerate() {
            let line = line.strip_suffix('\n').filter(|line| !line.is_empty());
            lines.push(line.ok_or(CheckpointError::Line { line: position + 1 })?);
        }
        let mut lines = lines.into_iter();
        let mut next = |expected| lines.next().ok_or(CheckpointError::Missing { expected });
        let (origin, size, root) = (next("origin")?, next("size")?, next("root")?);
        let canonical = |value: &u64| value.to_string() == size;
        let size = size
            .parse()
            .ok()
            .filter(canonical)
            .ok_or_else(|| CheckpointError::Size { found: size.chars().take(80).collect() })?;
        let root = root.parse().map_err(CheckpointError::Root)?;
        let mut checkpoint = Self::new(origin, size, root)?;
        checkpoint.extensions = lines.map(str::to_owned).collect();
        Ok(checkpoint)
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    #[must_use]
    pub const fn root(&self) -> &Hash {
        &self.root
    }

    /// Extension lines, usually none.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Signs the checkpoint with the key of the log.
    ///
    /// A log must never sign two checkpoints of which one is not the start of the other; keeping
    /// that promise is up to the caller, who knows what was signed before.
    ///
    /// # Errors
    /// If the key is named otherwise than the log.
    pub fn sign(self, key: &LogKey) -> Result<SignedCheckpoint, CheckpointError> {
        ensure_origin(&self, key.name().as_str())?;
        let mut note = Note::new(self.to_string())?;
        note.sign(key)?;
        Ok(SignedCheckpoint { note, checkpoint: self })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl SignedCheckpoint {
    /// Reads a checkpoint in its signed note.
    ///
    /// # Errors
    /// If the bytes are not a note or its text is not a checkpoint.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes)?;
        let checkpoint = Checkpoint::parse(note.claimed_text())?;
        Ok(Self { note, checkpoint })
    }

    /// The checkpoint, if `key` has signed it and is named as the log.
    ///
    /// The specification only recommends that the two names agree; here it is required, so that a
    /// key cannot speak for another log.
    ///
    /// # Errors
    /// If it is another log's, or the key's signature is missing or not valid.
    pub fn verify(&self, key: &VerifierKey) -> Result<&Checkpoint, CheckpointError> {
        ensure_origin(&self.checkpoint, key.name().as_str())?;
        self.note.verify(std::slice::from_ref(key))?;
        Ok(&self.checkpoint)
    }

    /// Whether a line below it is this key's signature of the log's checkpoint, whatever the other lines are.
    ///
    /// Whoever passes a note on can lay lines below it. As input, a note with a false line of a known key is
    /// refused by [`SignedCheckpoint::verify`]; who signed one that was taken in is asked here, so that a false
    /// line neither helps nor spoils.
    #[must_use]
    pub fn is_by(&self, key: &VerifierKey) -> bool {
        ensure_origin(&self.checkpoint, key.name().as_str()).is_ok() && self.note.is_by(key)
    }

    /// Whether a line with a key's name is its signature under the id of another: nobody signs so, and what stored the
    /// note has changed the id.
    #[must_use]
    pub fn is_misnamed(&self, key: &VerifierKey) -> bool {
        self.note.is_misnamed(key)
    }

    /// Leaves away the lines with the log's name that are no signatures of its checkpoint by one of these keys, and
    /// what a key signed once more.
    pub fn retain_by(&mut self, keys: &[VerifierKey]) {
        self.note.retain_by(self.checkpoint.origin(), keys);
    }

    /// Leaves away every line but this key's signature.
    pub(crate) fn retain_only_by(&mut self, key: &VerifierKey) {
        self.note.retain(|line| key.is_named_by(line));
        self.retain_by(std::slice::from_ref(key));
    }

    /// What the checkpoint says, whoever signed it. It means nothing before
    /// [`SignedCheckpoint::verify`].
    #[must_use]
    pub const fn claimed(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Adds a signature over this checkpoint, such as a witness's cosignature, below those that
    /// are there.
    ///
    /// # Errors
    /// If the note would have too many signatures or become too long.
    pub fn add(&mut self, signature: Signature) -> Result<(), NoteError> {
        self.note.add(signature)
    }

    /// Leaves away the signatures that `keep` does not want. A note without any can be written, and
    /// is not read again.
    pub fn retain(&mut self, keep: impl FnMut(&Signature) -> bool) {
        self.note.retain(keep);
    }

    /// The signed note.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.note, f)
    }
}

fn ensure_short(bytes: usize) -> Result<(), CheckpointError> {
    if bytes > CHECKPOINT_BYTES_MAX { Err(CheckpointError::TooLong { bytes }) } else { Ok(()) }
}

fn ensure_origin(checkpoint: &Checkpoint, name: &str) -> Result<(), CheckpointError> {
    if checkpoint.origin == name {
        return Ok(());
    }
    Err(CheckpointError::OtherLog { expected: name.to_owned(), found: checkpoint.origin.clone() })
}
