//! Encrypted keystore files: Web3 Secret Storage, version 3.

use std::path::{Path, PathBuf};

use alloy_signer_local::{LocalSignerError, PrivateKeySigner};

use super::{Signer, variable};

/// Environment variable with the password of the keystore file.
pub const KEYSTORE_PASSWORD_VAR: &str = "CHAOSCHAIN_KEYSTORE_PASSWORD";
/// Largest keystore file that is read, in bytes; real ones have about 500.
const KEYSTORE_BYTES_MAX: u64 = 64 << 10;

/// Why a keystore was not opened. Never holds the key or the password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
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
    /// Loads the keystore if a path is given, else the key in [`super::PRIVATE_KEY_VAR`].
    ///
    /// # Errors
    /// As [`Self::from_keystore`] and [`Self::from_env`].
    pub fn load(keystore: Option<&Path>) -> Result<Self, super::Error> {
        keystore.map_or_else(Self::from_env, Self::from_keystore)
    }

    /// Opens an encrypted keystore file (Web3 Secret Storage, version 3) with the password in
    /// [`KEYSTORE_PASSWORD_VAR`].
    ///
    /// # Errors
    /// If the variable is missing, the file cannot be read, or the two do not fit.
    pub fn from_keystore(path: &Path) -> Result<Self, super::Error> {
        let password = variable(KEYSTORE_PASSWORD_VAR)?;
        Self::open_keystore(path, &password)
    }

    /// Opens an encrypted keystore file with this password.
    ///
    /// # Errors
    /// If the file cannot be read, or the two do not fit.
    pub(crate) fn open_keystore(path: &Path, password: &str) -> Result<Self, super::Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let found = std::fs::metadata(path).map_err(unreadable)?.len();
        if found > KEYSTORE_BYTES_MAX {
            return Err(Error::TooLarge { path: path.to_owned(), found }.into());
        }
        PrivateKeySigner::decrypt_keystore(path, password).map(Self).map_err(|source| {
            Error::Locked { path: path.to_owned(), source: Box::new(source) }.into()
        })
    }
}

#[cfg(test)]
mod tests;
