//! Keys that sign transactions, loaded from the environment or from an encrypted keystore.

#[cfg(feature = "keystore")]
pub mod keystore;

use std::{env, fmt};

use alloy_primitives::{Address, B256, Signature, hex};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;

/// Environment variable with a private key as 64 hex digits, with or without `0x`.
pub const PRIVATE_KEY_VAR: &str = "CHAOSCHAIN_PRIVATE_KEY";

/// A secp256k1 key of an EVM account. `Debug` shows the address only.
#[derive(Clone)]
pub struct Signer(PrivateKeySigner);

/// Why no key could be loaded. Never holds the key or the password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A needed environment variable is not set or not text.
    #[error("the environment variable {name} is not set")]
    MissingVariable {
        /// Name of the variable.
        name: &'static str,
    },
    /// The private key in the environment is not one.
    #[error("{PRIVATE_KEY_VAR} is not a private key: expected 64 hex digits")]
    NotAPrivateKey,
    /// The keystore file is not one that can be opened.
    #[cfg(feature = "keystore")]
    #[error(transparent)]
    Keystore(#[from] keystore::Error),
}

impl Signer {
    /// Reads the private key in [`PRIVATE_KEY_VAR`].
    ///
    /// # Errors
    /// If the variable is missing or not a key.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_hex(&variable(PRIVATE_KEY_VAR)?)
    }

    pub(crate) fn from_hex(text: &str) -> Result<Self, Error> {
        text.trim().parse().map(Self).map_err(|_| Error::NotAPrivateKey)
    }

    /// A key by its bytes, which the caller drew at random; none where they are no key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        PrivateKeySigner::from_slice(bytes).ok().map(Self)
    }

    /// The account this key signs for.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.0.address()
    }

    /// Signs a text as [EIP-191](https://eips.ethereum.org/EIPS/eip-191) says (`personal_sign`): `0x`
    /// and 65 bytes in lower-case hexadecimal, the last of them 27 or 28.
    ///
    /// # Panics
    /// Never: a key in memory signs every digest.
    #[must_use]
    pub fn sign_text(&self, text: &str) -> String {
        let signature = self.0.sign_message_sync(text.as_bytes());
        hex::encode_prefixed(signature.expect("a key in memory signs every digest").as_bytes())
    }

    /// Signs a digest as it is. Crate-internal: what is signed must say what it is for.
    pub(crate) fn sign_hash(&self, hash: &B256) -> Result<Signature, alloy_signer::Error> {
        self.0.sign_hash_sync(hash)
    }

    pub(crate) const fn key(&self) -> &PrivateKeySigner {
        &self.0
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.address())
    }
}

fn variable(name: &'static str) -> Result<String, Error> {
    env::var(name).map_err(|_| Error::MissingVariable { name })
}

#[cfg(test)]
mod tests;
