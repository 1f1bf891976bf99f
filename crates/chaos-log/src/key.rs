//! The log's keys, in the encodings of [C2SP signed-note](https://c2sp.org/signed-note).

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::note::Signature;

/// The signature type byte of Ed25519 signatures over a note's text.
const TYPE_ED25519: u8 = 0x01;

/// The signature type byte of timestamped Ed25519 cosignatures.
pub(crate) const TYPE_COSIGNATURE: u8 = 0x04;

const SECRET_PREFIX: &str = "PRIVATE+KEY+";

/// The name of a key; for a log's key also the log's origin.
///
/// Not empty, without Unicode spaces, control characters or `+`. A URL without its scheme, such
/// as `example.com/log`, avoids collisions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// The first four bytes of a hash over a key's name, type and public key. It tells keys apart
/// but proves nothing: another key can be made to have the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(crate) [u8; 4]);

/// The public side of a log's key, written `<name>+<key id>+<base64>` (a "vkey").
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    key: VerifyingKey,
}

/// The secret side of a log's key; whoever holds it can sign any tree.
#[derive(Clone)]
pub struct LogKey {
    key: SigningKey,
    verifier: VerifierKey,
}

/// Why a text is not a key or a key name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is empty, or has a space, a control character or a `+`.
    #[error("expected a key name without spaces, control characters or `+`, found `{found}`")]
    Name {
        /// The start of the text.
        found: String,
    },
    /// The text does not have the three parts of a verifier key.
    #[error("expected a verifier key `<name>+<8 hexadecimal digits>+<base64>`")]
    VerifierForm,
    /// The text does not have the parts of a signing key. It is not repeated here, since it may
    /// be a secret.
    #[error("expected a signing key `PRIVATE+KEY+<name>+<8 hexadecimal digits>+<base64>`")]
    SignerForm,
    /// The key is for another type of signatures.
    #[error("key `{name}` has signature type {found:#04x}, expected {expected:#04x} ({meaning})", meaning = meaning(*.expected))]
    Type {
        /// The key's name.
        name: KeyName,
        /// The type byte that a key has here.
        expected: u8,
        /// The type byte found.
        found: u8,
    },
    /// The public key is not a point of the curve that signatures can be checked against.
    #[error("key `{name}` holds no usable Ed25519 public key")]
    Point {
        /// The key's name.
        name: KeyName,
    },
    /// The key id does not belong to the name and the key.
    #[error("key `{name}` says id {found}, expected {expected}")]
    Id {
        /// The key's name.
        name: KeyName,
        /// The id that name and key have.
        expected: KeyId,
        /// The id in the text.
        found: String,
    },
}

impl KeyName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let refused = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if text.is_empty() || text.contains(refused) {
            return Err(KeyError::Name { found: text.chars().take(80).collect() });
        }
        Ok(Self(text.to_owned()))
    }
}

const fn meaning(kind: u8) -> &'static str {
    if kind == TYPE_ED25519 { "Ed25519" } else { "Ed25519 cosignature" }
}

impl KeyId {
    /// The id of a key that makes signatures of type `kind`.
    pub(crate) fn of(name: &KeyName, kind: u8, public: &[u8; 32]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(name.0.as_bytes());
        hasher.update([b'\n', kind]);
        hasher.update(public);
        let hash: [u8; 32] = hasher.finalize().into();
        Self([hash[0], hash[1], hash[2], hash[3]])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl VerifierKey {
    /// Names an Ed25519 public key of 32 bytes.
    ///
    /// # Errors
    /// If the bytes are not a usable public key.
    pub fn new(name: KeyName, public: &[u8; 32]) -> Result<Self, KeyError> {
        let key = usable(&name, public)?;
        Ok(Self { id: KeyId::of(&name, TYPE_ED25519, public), name, key })
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

    /// Whether `signature` is this key's over `message`, by the strict rules that leave one
    /// meaning to every signature.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        accepts(&self.key, message, signature)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_public(f, &self.name, self.id, TYPE_ED25519, self.public())
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let Public { name, id, key } = parse_public(text, TYPE_ED25519)?;
        Ok(Self { name, id, key })
    }
}

impl LogKey {
    /// Names an Ed25519 secret seed of 32 bytes.
    #[must_use]
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let public = key.verifying_key();
        let verifier = VerifierKey {
            id: KeyId::of(&name, TYPE_ED25519, public.as_bytes()),
            name,
            key: public,
        };
        Self { key, verifier }
    }

    /// Reads `PRIVATE+KEY+<name>+<key id>+<base64>`, the form that Go's `note` package writes.
    ///
    /// # Errors
    /// If the text is anything else. The error never repeats the secret.
    pub fn from_secret(text: &str) -> Result<Self, KeyError> {
        let rest = text.strip_prefix(SECRET_PREFIX).ok_or(KeyError::SignerForm)?;
        let (name, id, bytes) = parts(rest).ok_or(KeyError::SignerForm)?;
        let name: KeyName = name.parse().map_err(|_| KeyError::SignerForm)?;
        let seed = key_bytes(&name, TYPE_ED25519, &bytes).ok_or(KeyError::SignerForm)??;
        let key = Self::from_seed(name, seed);
        ensure_id(key.name(), key.verifier.id, id)?;
        Ok(key)
    }

    /// Writes the secret key as `PRIVATE+KEY+<name>+<key id>+<base64>`. Keep it out of logs and
    /// command lines.
    #[must_use]
    pub fn to_secret(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([TYPE_ED25519; 33]);
        bytes[1..].copy_from_slice(self.key.as_bytes());
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(bytes.as_slice()));
        let VerifierKey { name, id, .. } = &self.verifier;
        Zeroizing::new(format!("{SECRET_PREFIX}{name}+{id}+{}", &*encoded))
    }

    /// The key's name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.verifier.name
    }

    /// The public side.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogKey").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

/// The parts of a public key's text, which fit each other.
pub(crate) struct Public {
    pub(crate) name: KeyName,
    pub(crate) id: KeyId,
    pub(crate) key: VerifyingKey,
}

/// Reads `<name>+<key id>+<base64>` of a key for signatures of type `kind`.
pub(crate) fn parse_public(text: &str, kind: u8) -> Result<Public, KeyError> {
    let (name, id, bytes) = parts(text).ok_or(KeyError::VerifierForm)?;
    let name: KeyName = name.parse()?;
    let public = key_bytes(&name, kind, &bytes).ok_or(KeyError::VerifierForm)??;
    let key = usable(&name, public)?;
    let expected = KeyId::of(&name, kind, public);
    ensure_id(&name, expected, id)?;
    Ok(Public { name, id: expected, key })
}

/// Writes `<name>+<key id>+<base64>`.
pub(crate) fn write_public(
    f: &mut fmt::Formatter<'_>,
    name: &KeyName,
    id: KeyId,
    kind: u8,
    public: &[u8; 32],
) -> fmt::Result {
    let mut bytes = [kind; 33];
    bytes[1..].copy_from_slice(public);
    write!(f, "{name}+{id}+{}", BASE64_STANDARD.encode(bytes))
}

/// A public key that signatures can be checked against.
pub(crate) fn usable(name: &KeyName, public: &[u8; 32]) -> Result<VerifyingKey, KeyError> {
    match VerifyingKey::from_bytes(public) {
        Ok(key) if !key.is_weak() => Ok(key),
        _ => Err(KeyError::Point { name: name.clone() }),
    }
}

/// Whether `signature` is the key's over `message`, by the strict rules that leave one meaning to
/// every signature.
pub(crate) fn accepts(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    ed25519_dalek::Signature::from_slice(signature)
        .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
}

/// Splits `<name>+<id>+<base64>`; the base64 may itself hold a `+`.
fn parts(text: &str) -> Option<(&str, &str, Zeroizing<Vec<u8>>)> {
    let (name, rest) = text.split_once('+')?;
    let (id, encoded) = rest.split_once('+')?;
    Some((name, id, Zeroizing::new(BASE64_STANDARD.decode(encoded).ok()?)))
}

/// The 32 bytes behind the type byte; `None` if their number is wrong.
fn key_bytes<'a>(
    name: &KeyName,
    expected: u8,
    bytes: &'a [u8],
) -> Option<Result<&'a [u8; 32], KeyError>> {
    match bytes.split_first() {
        Some((&kind, key)) if kind == expected => Some(Ok(key.try_into().ok()?)),
        Some((&found, _)) => Some(Err(KeyError::Type { name: name.clone(), expected, found })),
        None => None,
    }
}

fn ensure_id(name: &KeyName, expected: KeyId, found: &str) -> Result<(), KeyError> {
    if expected.to_string() == found {
        return Ok(());
    }
    let found = found.chars().take(80).collect();
    Err(KeyError::Id { name: name.clone(), expected, found })
}
