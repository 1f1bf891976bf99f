//! Keys that sign transactions, loaded from an encrypted keystore or from the environment.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

use alloy::signers::local::{LocalSignerError, PrivateKeySigner};
use alloy_primitives::Address;

/// Environment variable with the password of the keystore file.
pub const KEYSTORE_PASSWORD_VAR: &str = "CHAOSCHAIN_KEYSTORE_PASSWORD";
/// Environment variable with a private key as 64 hex digits, with or without `0x`.
pub const PRIVATE_KEY_VAR: &str = "CHAOSCHAIN_PRIVATE_KEY";
/// Largest keystore file that is read, in bytes; real ones have about 500.
const KEYSTORE_BYTES_MAX: u64 = 64 << 10;

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
    /// The keystore file cannot be read.
    #[error("the keystore {path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The keystore file is too large to be one.
    #[error("the keystore {path} has {found} bytes; at most {KEYSTORE_BYTES_MAX} are expected")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        found: u64,
    },
    /// The keystore file is not one, or the password is wrong.
    #[error("the keystore {path} cannot be opened with the password in {KEYSTORE_PASSWORD_VAR}")]
    Locked {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<LocalSignerError>,
    },
}

impl Signer {
    /// Loads the keystore if a path is given, else the key in [`PRIVATE_KEY_VAR`].
    ///
    /// # Errors
    /// As [`Self::from_keystore`] and [`Self::from_env`].
    pub fn load(keystore: Option<&Path>) -> Result<Self, Error> {
        keystore.map_or_else(Self::from_env, Self::from_keystore)
    }

    /// Opens an encrypted keystore file (Web3 Secret Storage, version 3) with the password in
    /// [`KEYSTORE_PASSWORD_VAR`].
    ///
    /// # Errors
    /// If the variable is missing, the file cannot be read, or the two do not fit.
    pub fn from_keystore(path: &Path) -> Result<Self, Error> {
        let password = variable(KEYSTORE_PASSWORD_VAR)?;
        Self::open_keystore(path, &password)
    }

    /// Opens an encrypted keystore file with this password.
    ///
    /// # Errors
    /// If the file cannot be read, or the two do not fit.
    pub fn open_keystore(path: &Path, password: &str) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let found = std::fs::metadata(path).map_err(unreadable)?.len();
        if found > KEYSTORE_BYTES_MAX {
            return Err(Error::TooLarge { path: path.to_owned(), found });
        }
        PrivateKeySigner::decrypt_keystore(path, password)
            .map(Self)
            .map_err(|source| Error::Locked { path: path.to_owned(), source: Box::new(source) })
    }

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

    /// The account this key signs for.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.0.address()
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
