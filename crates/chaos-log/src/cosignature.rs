//! Cosignatures: a witness's word that a checkpoint continues the ones before it
//! ([C2SP tlog-cosignature](https://c2sp.org/tlog-cosignature), version 1, Ed25519).

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

use crate::{
    checkpoint::SignedCheckpoint,
    key::{
        KeyError, KeyId, KeyName, TYPE_COSIGNATURE, accepts, parse_public, usable, write_public,
    },
    note::{NoteError, Signature},
};

/// The first line of what is signed, which keeps it apart from everything else an Ed25519 key signs.
const DOMAIN: &str = "cosignature/v1";

/// A cosignature's time is at most this, in seconds since 1970.
pub const COSIGNATURE_TIME_S_MAX: u64 = i64::MAX.cast_unsigned();

/// The public side of a witness's key, written `<name>+<key id>+<base64>` with signature type 0x04.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessVerifier {
    name: KeyName,
    id: KeyId,
    key: VerifyingKey,
}

/// The secret side of a witness's key.
///
/// What it signs does not name the witness, so a key belongs to one witness under one name, and is
/// used for nothing else.
#[derive(Clone)]
pub struct WitnessKey {
    key: SigningKey,
    verifier: WitnessVerifier,
}

/// Why a checkpoint was not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignError {
    /// The time is zero or above [`COSIGNATURE_TIME_S_MAX`].
    #[error("cosignature time {found} is not between 1 and {COSIGNATURE_TIME_S_MAX} s")]
    Time {
        /// The time, in seconds since 1970.
        found: u64,
    },
}

impl WitnessVerifier {
    /// Names an Ed25519 public key of 32 bytes.
    ///
    /// # Errors
    /// If the bytes are not a usable public key.
    pub fn new(name: KeyName, public: &[u8; 32]) -> Result<Self, KeyError> {
        let key = usable(&name, public)?;
        Ok(Self { id: KeyId::of(&name, TYPE_COSIGNATURE, public), name, key })
    }

    /// The key's name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key's short identifier.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The 32 bytes of the Ed25519 public key.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether a signature line names this key. It proves nothing.
    #[must_use]
    pub fn is_named_by(&self, line: &Signature) -> bool {
        *line.name() == self.name && line.id() == self.id
    }

    /// When this witness cosigned the checkpoint, in seconds since 1970, or `None` if it did not.
    ///
    /// If it did so more than once, the earliest time counts: nothing that the checkpoint covers
    /// can be younger than that.
    ///
    /// # Errors
    /// If a line that names this key is not its cosignature; such a note is malformed.
    pub fn cosigned(&self, checkpoint: &SignedCheckpoint) -> Result<Option<u64>, NoteError> {
        let note = checkpoint.note();
        let mut earliest: Option<u64> = None;
        for signature in note.signatures() {
            if !self.is_named_by(signature) {
                continue;
            }
            let time_s = self
                .time_of(signature, note.claimed_text())
                .ok_or_else(|| NoteError::BadSignature { name: self.name.clone(), id: self.id })?;
            earliest = Some(earliest.map_or(time_s, |earlier| earlier.min(time_s)));
        }
        Ok(earliest)
    }

    /// The line as it has to be if it is this witness's cosignature, whatever name and id stand before it: what is
    /// signed names neither.
    fn restored(&self, line: &Signature, text: &str) -> Option<Signature> {
        self.time_of(line, text)?;
        Some(Signature::new(self.name.clone(), self.id, line.bytes().to_vec()))
    }

    /// The time of a cosignature over `text`, if it is valid.
    fn time_of(&self, signature: &Signature, text: &str) -> Option<u64> {
        let (time, signature) = signature.bytes().split_first_chunk::<8>()?;
        let time_s = u64::from_be_bytes(*time);
        let meaningful = (1..=COSIGNATURE_TIME_S_MAX).contains(&time_s);
        (meaningful && accepts(&self.key, &message(time_s, text), signature)).then_some(time_s)
    }
}

impl SignedCheckpoint {
    /// The checkpoint without what a disk has made of its lines by these witnesses: a cosignature that does not hold
    /// is left away, and one that holds under a name or an id that is half another's has its own again. `None` where
    /// nothing is to be changed. Lines by others are as they were.
    #[must_use]
    pub fn with_true_cosigners<'a>(
        &self,
        witnesses: impl Iterator<Item = &'a WitnessVerifier> + Clone,
    ) -> Option<Self> {
        let text = self.note().claimed_text();
        let as_it_should_be = |line: &Signature| {
            if let Some(named) = witnesses.clone().find(|known| known.is_named_by(line)) {
                return named.restored(line, text);
            }
            let is_half =
                |known: &&WitnessVerifier| known.name == *line.name() || known.id == line.id();
            let restored = witnesses.clone().filter(is_half).find_map(|it| it.restored(line, text));
            Some(restored.unwrap_or_else(|| line.clone()))
        };
        let lines: Vec<_> = self.note().signatures().iter().map(as_it_should_be).collect();
        if lines.iter().map(Option::as_ref).eq(self.note().signatures().iter().map(Some)) {
            return None;
        }
        let mut mended = self.clone();
        mended.retain(|_| false);
        for line in lines.into_iter().flatten() {
            // A note that is full has no place for a longer name.
            let _added = mended.add(line);
        }
        Some(mended)
    }
}

impl fmt::Display for WitnessVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_public(f, &self.name, self.id, TYPE_COSIGNATURE, self.public())
    }
}

impl fmt::Debug for WitnessVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for WitnessVerifier {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let public = parse_public(text, TYPE_COSIGNATURE)?;
        Ok(Self { name: public.name, id: public.id, key: public.key })
    }
}

impl WitnessKey {
    /// Names an Ed25519 secret seed of 32 bytes.
    #[must_use]
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let public = key.verifying_key();
        let id = KeyId::of(&name, TYPE_COSIGNATURE, public.as_bytes());
        Self { key, verifier: WitnessVerifier { name, id, key: public } }
    }

    /// The public side.
    #[must_use]
    pub const fn verifier(&self) -> &WitnessVerifier {
        &self.verifier
    }

    /// States that, at `time_s` seconds since 1970, this checkpoint is the largest of its log that
    /// the witness has seen, and continues all that it saw before.
    ///
    /// That this is so, and that it is stored before anybody sees the signature, is up to the
    /// caller.
    ///
    /// # Errors
    /// If the time is zero or above [`COSIGNATURE_TIME_S_MAX`].
    pub fn cosign(
        &self,
        checkpoint: &SignedCheckpoint,
        time_s: u64,
    ) -> Result<Signature, CosignError> {
        if !(1..=COSIGNATURE_TIME_S_MAX).contains(&time_s) {
            return Err(CosignError::Time { found: time_s });
        }
        let message = message(time_s, checkpoint.note().claimed_text());
        let mut bytes = time_s.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.key.sign(&message).to_bytes());
        Ok(Signature::new(self.verifier.name.clone(), self.verifier.id, bytes))
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WitnessKey").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

/// What is signed: the domain, the time, and the note's text.
fn message(time_s: u64, text: &str) -> Vec<u8> {
    format!("{DOMAIN}\ntime {time_s}\n{text}").into_bytes()
}
