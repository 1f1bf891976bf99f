//! Ed25519 keys named by `did:key`.

use std::{fmt, str::FromStr};

use ed25519_dalek::{
    Signer as _, SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _},
};
use pkcs8::LineEnding;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::FromText;
use zeroize::Zeroizing;

/// The multicodec prefix of an Ed25519 public key, `0xed` as a varint.
const MULTICODEC_ED25519: [u8; 2] = [0xed, 0x01];

/// An Ed25519 public key as a [`did:key`](https://w3c-ccg.github.io/did-key-spec/) identifier,
/// `did:key:z6Mk…`.
///
/// The same type names an agent (by its root key) and any key that signs for it. Whether the 32
/// bytes are a point of the curve shows when a signature is checked: bytes that are not verify
/// nothing, and a key enters a registry only with its own signature.
///
/// It keeps its text beside its bytes, because Base58 is slow and every receipt shows three of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Did {
    key: [u8; 32],
    text: [u8; TEXT_BYTES],
}

/// Every Ed25519 `did:key` is this long: 34 bytes that begin with 0xed give 47 Base58 digits.
const TEXT_BYTES: usize = 56;

/// Why a text is not a [`Did`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an Ed25519 `did:key:z6Mk…`, found `{found}`")]
pub struct DidError {
    found: String,
}

impl Did {
    fn new(key: [u8; 32]) -> Self {
        let mut bytes = [0; 34];
        bytes[..2].copy_from_slice(&MULTICODEC_ED25519);
        bytes[2..].copy_from_slice(&key);
        let mut text = *b"did:key:z00000000000000000000000000000000000000000000000";
        let written = bs58::encode(bytes).onto(&mut text[9..]);
        assert_eq!(written, Ok(TEXT_BYTES - 9), "34 bytes that begin with 0xed give 47 digits");
        Self { key, text }
    }

    /// The 32 bytes of the public key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// The text form, `did:key:z6Mk…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).expect("Base58 is ASCII")
    }

    /// Names a public key.
    #[must_use]
    pub fn from_verifying_key(key: &VerifyingKey) -> Self {
        Self::new(key.to_bytes())
    }

    /// Names a public key by its bytes, if they are a point of the curve.
    #[must_use]
    pub fn from_public_bytes(bytes: &[u8; 32]) -> Option<Self> {
        VerifyingKey::from_bytes(bytes).ok().map(|_| Self::new(*bytes))
    }

    /// The last eight characters, for people; never for comparison.
    #[must_use]
    pub fn short(&self) -> String {
        format!("…{}", &self.as_str()[TEXT_BYTES - 8..])
    }

    /// Checks a signature strictly ([RFC 8032](https://www.rfc-editor.org/rfc/rfc8032), cofactorless,
    /// small-order keys refused), so that all verifiers agree.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.key).is_ok_and(|key| {
            key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
        })
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Did {
    type Err = DidError;

    fn from_str(text: &str) -> Result<Self, DidError> {
        let error = || DidError { found: text.chars().take(80).collect() };
        let encoded = text.strip_prefix("did:key:z").ok_or_else(error)?;
        let mut bytes = [0; 34];
        let length = bs58::decode(encoded).onto(&mut bytes).map_err(|_| error())?;
        if length != bytes.len() || bytes[..2] != MULTICODEC_ED25519 {
            return Err(error());
        }
        let mut key = [0; 32];
        key.copy_from_slice(&bytes[2..]);
        Ok(Self { key, text: text.as_bytes().try_into().map_err(|_| error())? })
    }
}

impl Serialize for Did {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Did {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText::new())
    }
}

/// The private half of an Ed25519 key. Its `Debug` shows the public half only.
#[derive(Clone)]
pub struct AgentKey(SigningKey);

/// Why a key file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The PEM could not be written.
    #[error("key cannot be written as encrypted PKCS#8")]
    Encode(#[source] pkcs8::Error),
    /// The PEM is damaged, is not an Ed25519 key, or the password is wrong.
    #[error("not an encrypted PKCS#8 Ed25519 key, or the password is wrong")]
    Decode(#[source] pkcs8::Error),
}

impl AgentKey {
    /// Takes 32 secret bytes, which must come from a cryptographic random source.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public half.
    #[must_use]
    pub fn did(&self) -> Did {
        Did::from_verifying_key(&self.0.verifying_key())
    }

    /// The key in the form the log's note code takes.
    #[must_use]
    pub const fn as_signing_key(&self) -> &SigningKey {
        &self.0
    }

    /// Signs `message` by RFC 8032.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// The key as PKCS#8 PEM encrypted under `password` (scrypt and AES-256-CBC,
    /// [RFC 5958](https://www.rfc-editor.org/rfc/rfc5958)).
    ///
    /// `salt` and `iv` must be fresh random bytes.
    ///
    /// # Errors
    /// If the encoding fails.
    pub fn to_encrypted_pem(
        &self,
        password: &[u8],
        salt: &[u8; 16],
        iv: [u8; 16],
    ) -> Result<Zeroizing<String>, KeyError> {
        let document = self.0.to_pkcs8_der().map_err(KeyError::Encode)?;
        let parameters = pkcs8::pkcs5::scrypt::Params::new(SCRYPT_LOG_N, 8, 1)
            .map_err(|_| KeyError::Encode(pkcs8::Error::ParametersMalformed))
            .and_then(|scrypt| {
                pkcs8::pkcs5::pbes2::Parameters::generate_scrypt_aes256cbc(scrypt, salt, iv)
                    .map_err(|_| KeyError::Encode(pkcs8::Error::ParametersMalformed))
            })?;
        pkcs8::PrivateKeyInfoRef::try_from(document.as_bytes())
            .and_then(|info| info.encrypt_with_params(parameters, password))
            .map_err(KeyError::Encode)?
            .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
            .map_err(|error| KeyError::Encode(error.into()))
    }

    /// Reads what [`AgentKey::to_encrypted_pem`] wrote.
    ///
    /// # Errors
    /// If the PEM is damaged, holds another kind of key, or the password is wrong.
    pub fn from_encrypted_pem(pem: &str, password: &[u8]) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_encrypted_pem(pem, password).map(Self).map_err(KeyError::Decode)
    }
}

/// scrypt cost 2^15 with r = 8 takes about 0.1 s and 32 MiB, OWASP's floor for stored passwords.
const SCRYPT_LOG_N: u8 = 15;

impl fmt::Debug for AgentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgentKey({})", self.did())
    }
}

#[cfg(test)]
mod tests;
