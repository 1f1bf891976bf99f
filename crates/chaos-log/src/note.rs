//! Signed notes: a text and signatures below it, as [C2SP signed-note](https://c2sp.org/signed-note)
//! has them.

use std::{collections::BTreeSet, fmt};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::key::{KeyError, KeyId, KeyName, LogKey, VerifierKey};

/// Longer notes are refused before they are parsed, in bytes.
pub const NOTE_BYTES_MAX: usize = 1_000_000;

/// Notes with more signatures are refused. The specification asks for at least 16.
pub const SIGNATURES_MAX: usize = 100;

const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// A text and its signatures.
///
/// A parsed note proves nothing until [`Note::verify`] has accepted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

/// Why bytes are not a note, or a note is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The note is longer than [`NOTE_BYTES_MAX`].
    #[error("note has {bytes} bytes, the limit is {NOTE_BYTES_MAX}")]
    TooLong {
        /// Length of the note in bytes.
        bytes: usize,
    },
    /// The note is not UTF-8.
    #[error("note is not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// Offset of the first bad byte.
        offset: usize,
    },
    /// The note holds a control character other than newline.
    #[error("note has control character {found:#04x} at byte {offset}")]
    Control {
        /// Offset of the character in bytes.
        offset: usize,
        /// The character.
        found: u8,
    },
    /// The text does not end with a newline.
    #[error("note text does not end with a newline")]
    NoFinalNewline,
    /// There is no empty line, so there are no signatures.
    #[error("note has no empty line between its text and its signatures")]
    NoSignatures,
    /// A line below the text is not a signature.
    #[error("signature line {line} is not `\u{2014} <name> <base64>`")]
    SignatureLine {
        /// Number of the signature line, from 1.
        line: usize,
    },
    /// A signature line names no valid key.
    #[error("signature line {line} does not name a key")]
    SignatureName {
        /// Number of the signature line, from 1.
        line: usize,
        /// What is wrong with the name.
        #[source]
        source: KeyError,
    },
    /// The note has more than [`SIGNATURES_MAX`] signatures.
    #[error("note has more than {SIGNATURES_MAX} signatures")]
    TooManySignatures,
    /// A signature that claims to be by a trusted key is not.
    #[error("signature by `{name}` ({id}) is not valid")]
    BadSignature {
        /// Name of the key.
        name: KeyName,
        /// Id of the key.
        id: KeyId,
    },
    /// No trusted key has signed the note.
    #[error("note carries no signature by {expected}")]
    Unsigned {
        /// The trusted keys, as `<name> (<id>)`.
        expected: String,
    },
}

impl Signature {
    /// Name of the key that made the signature.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Id of the key that made the signature.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The signature itself, without the key id.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether this key made it over a text.
    fn is_by(&self, key: &VerifierKey, text: &str) -> bool {
        key.is_named_by(self) && key.accepts(text.as_bytes(), &self.bytes)
    }

    /// Takes a signature whose maker is known to have made it.
    pub(crate) const fn new(name: KeyName, id: KeyId, bytes: Vec<u8>) -> Self {
        Self { name, id, bytes }
    }

    /// Reads signature lines alone, as a witness answers them.
    ///
    /// # Errors
    /// If there is no line, a line is not a signature, or there are more than [`SIGNATURES_MAX`].
    pub fn parse_lines(bytes: &[u8]) -> Result<Vec<Self>, NoteError> {
        let lines = decode(bytes)?;
        if lines.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        let mut signatures = Vec::new();
        for (position, line) in lines.split_inclusive('\n').enumerate() {
            if position == SIGNATURES_MAX {
                return Err(NoteError::TooManySignatures);
            }
            let number = position + 1;
            let line = line.strip_suffix('\n').ok_or(NoteError::SignatureLine { line: number })?;
            signatures.push(Self::parse(number, line)?);
        }
        Ok(signatures)
    }

    fn parse(line: usize, text: &str) -> Result<Self, NoteError> {
        let form = || NoteError::SignatureLine { line };
        let rest = text.strip_prefix(SIGNATURE_PREFIX).ok_or_else(form)?;
        let (name, encoded) = rest.split_once(' ').ok_or_else(form)?;
        let name = name.parse().map_err(|source| NoteError::SignatureName { line, source })?;
        let decoded = BASE64_STANDARD.decode(encoded).map_err(|_| form())?;
        match decoded.split_first_chunk::<4>() {
            Some((id, bytes)) if !bytes.is_empty() => {
                Ok(Self { name, id: KeyId(*id), bytes: bytes.to_vec() })
            }
            _ => Err(form()),
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.0, self.bytes.as_slice()].concat();
        writeln!(f, "{SIGNATURE_PREFIX}{} {}", self.name, BASE64_STANDARD.encode(bytes))
    }
}

impl Note {
    /// Starts a note without signatures. The text ends with a newline.
    ///
    /// # Errors
    /// If the text cannot be signed as a note.
    pub fn new(text: String) -> Result<Self, NoteError> {
        ensure_clean(&text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::NoFinalNewline);
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note with at least one signature.
    ///
    /// # Errors
    /// If the bytes are not a note, or exceed a limit.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let whole = decode(bytes)?;
        // The text may hold empty lines; the last one ends it.
        let separator = whole.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, below) = (&whole[..=separator], &whole[separator + 2..]);
        let signatures = Signature::parse_lines(below.as_bytes())?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Signs the text, below the signatures that are there.
    ///
    /// # Errors
    /// If the note already has [`SIGNATURES_MAX`] signatures or would become too long.
    pub fn sign(&mut self, key: &LogKey) -> Result<(), NoteError> {
        let bytes = key.sign(self.text.as_bytes()).to_vec();
        self.add(Signature::new(key.name().clone(), key.verifier().id(), bytes))
    }

    /// Adds a signature that somebody made over this text, below those that are there. One that is
    /// there already, byte for byte, is not added again.
    ///
    /// # Errors
    /// If the note already has [`SIGNATURES_MAX`] signatures or would become too long.
    pub fn add(&mut self, signature: Signature) -> Result<(), NoteError> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() >= SIGNATURES_MAX {
            return Err(NoteError::TooManySignatures);
        }
        self.signatures.push(signature);
        let bytes = self.to_string().len();
        if bytes > NOTE_BYTES_MAX {
            self.signatures.pop();
            return Err(NoteError::TooLong { bytes });
        }
        Ok(())
    }

    /// Leaves away the signatures that `keep` does not want.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Signature) -> bool) {
        self.signatures.retain(keep);
    }

    /// The text, if at least one trusted key has signed it.
    ///
    /// Signatures by other keys are passed over, as the specification demands. One that names a
    /// trusted key and is not valid condemns the whole note.
    ///
    /// # Errors
    /// If a trusted key's signature is not valid, or there is none.
    pub fn verify(&self, trusted: &[VerifierKey]) -> Result<&str, NoteError> {
        let mut signed = false;
        for signature in &self.signatures {
            let known = trusted.iter().find(|key| key.is_named_by(signature));
            let Some(key) = known else { continue };
            if !key.accepts(self.text.as_bytes(), &signature.bytes) {
                let Signature { name, id, .. } = signature.clone();
                return Err(NoteError::BadSignature { name, id });
            }
            signed = true;
        }
        if signed {
            return Ok(&self.text);
        }
        let names: Vec<_> =
            trusted.iter().map(|k| format!("`{}` ({})", k.name(), k.id())).collect();
        Err(NoteError::Unsigned { expected: names.join(" or ") })
    }

    /// Whether a line is this key's signature of the text, whatever the other lines are.
    pub(crate) fn is_by(&self, key: &VerifierKey) -> bool {
        self.signatures.iter().any(|line| line.is_by(key, &self.text))
    }

    /// Leaves away the lines with this name that are no signatures of the text by one of these keys, and all but the
    /// first by each key: whoever has it can sign one text in many ways.
    pub(crate) fn retain_by(&mut self, name: &str, keys: &[VerifierKey]) {
        let Self { text, signatures } = self;
        let mut signed = BTreeSet::new();
        signatures.retain(|line| {
            let by = || keys.iter().position(|key| line.is_by(key, text));
            line.name.as_str() != name || by().is_some_and(|key| signed.insert(key))
        });
    }

    /// The text as it stands, whoever signed it. It means nothing before [`Note::verify`].
    #[must_use]
    pub(crate) fn claimed_text(&self) -> &str {
        &self.text
    }

    /// Whether a line with a key's name is its signature under another's id.
    pub(crate) fn is_misnamed(&self, key: &VerifierKey) -> bool {
        self.signatures.iter().any(|line| {
            line.name() == key.name()
                && line.id() != key.id()
                && key.accepts(self.text.as_bytes(), &line.bytes)
        })
    }

    /// The signatures in their order.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| fmt::Display::fmt(signature, f))
    }
}

/// The text of bytes that are short enough, UTF-8, and without control characters.
fn decode(bytes: &[u8]) -> Result<&str, NoteError> {
    if bytes.len() > NOTE_BYTES_MAX {
        return Err(NoteError::TooLong { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| NoteError::NotUtf8 { offset: error.valid_up_to() })?;
    ensure_clean(text)?;
    Ok(text)
}

fn ensure_clean(text: &str) -> Result<(), NoteError> {
    if text.len() > NOTE_BYTES_MAX {
        return Err(NoteError::TooLong { bytes: text.len() });
    }
    match text.bytes().enumerate().find(|(_, byte)| *byte < 0x20 && *byte != b'\n') {
        Some((offset, found)) => Err(NoteError::Control { offset, found }),
        None => Ok(()),
    }
}
