//! Encrypted keystore files: Web3 Secret Storage, version 3.
//!
//! The file says itself what opening it costs, and it may come from somebody else: the cost is bounded
//! before anything is computed. It may also say whose key it holds, and then the key has to be that one.

mod file;

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use aes::Aes128;
use alloy_primitives::{Address, keccak256};
use alloy_signer_local::PrivateKeySigner;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use sha2::Sha256;
use zeroize::Zeroizing;

pub use self::file::FileError;
use self::file::{Derivation, Keystore};
use super::{Signer, variable};

/// Environment variable with the password of the keystore file.
pub const KEYSTORE_PASSWORD_VAR: &str = "CHAOSCHAIN_KEYSTORE_PASSWORD";
/// Largest keystore file that is read, in bytes; real ones have about 500.
const KEYSTORE_BYTES_MAX: u64 = 64 << 10;
/// Bytes of a private key.
const KEY_BYTES: usize = 32;
/// Bytes that are derived of the password: a cipher key and a key of the MAC.
const DERIVED_BYTES: usize = 32;

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
    /// The file is no keystore that is opened here.
    #[error("the keystore {path} cannot be opened, whatever the password")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: FileError,
    },
    /// The password is wrong, or the file was changed.
    #[error("the keystore {path} cannot be opened with the password in {KEYSTORE_PASSWORD_VAR}")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// What was encrypted is no private key.
    #[error("the keystore {path} holds no private key")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The file says that it holds another account's key than it does.
    #[error("the keystore {path} says that it is of {stated}, and its key is of {found}")]
    OtherAddress {
        /// The file.
        path: PathBuf,
        /// What the file says.
        stated: Address,
        /// The account of the key.
        found: Address,
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
    /// If the variable is missing, the file cannot be read or is no keystore, opening it costs too much, the
    /// two do not fit, or the key is not of the account that the file names.
    pub fn from_keystore(path: &Path) -> Result<Self, super::Error> {
        let password = Zeroizing::new(variable(KEYSTORE_PASSWORD_VAR)?);
        Self::open_keystore(path, &password)
    }

    /// Opens an encrypted keystore file with this password.
    pub(crate) fn open_keystore(path: &Path, password: &str) -> Result<Self, super::Error> {
        let path = || path.to_owned();
        let bytes = read(&path())?;
        let keystore =
            Keystore::parse(&bytes).map_err(|source| Error::File { path: path(), source })?;
        let key = decrypt(&keystore, password).ok_or_else(|| Error::Locked { path: path() })?;
        let key = PrivateKeySigner::from_slice(&*key).map_err(|_| Error::NoKey { path: path() })?;
        match keystore.address {
            Some(stated) if stated != key.address() => {
                let found = key.address();
                Err(Error::OtherAddress { path: path(), stated, found }.into())
            }
            Some(_) | None => Ok(Self::here(key)),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let mut bytes = Vec::new();
    // What a device holds has no length.
    let read = file.take(KEYSTORE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if read as u64 > KEYSTORE_BYTES_MAX {
        let found = length.max(read as u64);
        return Err(Error::TooLarge { path: path.to_owned(), found });
    }
    Ok(bytes)
}

/// The key; none if the password does not fit.
fn decrypt(keystore: &Keystore, password: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let derived = derive(&keystore.derivation, password);
    let mac = keccak256([&derived[16..], &keystore.ciphertext].concat());
    if mac != keystore.mac {
        return None;
    }
    // Some programs write a key without the zeros that it begins with.
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let start = KEY_BYTES - keystore.ciphertext.len();
    key[start..].copy_from_slice(&keystore.ciphertext);
    let mut cipher_key = Zeroizing::new([0; 16]);
    cipher_key.copy_from_slice(&derived[..16]);
    let mut cipher = Ctr128BE::<Aes128>::new((&*cipher_key).into(), (&keystore.iv).into());
    cipher.apply_keystream(&mut key[start..]);
    Some(key)
}

fn derive(derivation: &Derivation, password: &str) -> Zeroizing<[u8; DERIVED_BYTES]> {
    let mut derived = Zeroizing::new([0; DERIVED_BYTES]);
    let (password, derived_bytes) = (password.as_bytes(), derived.as_mut_slice());
    match derivation {
        Derivation::Pbkdf2 { rounds, salt } => {
            pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, *rounds, derived_bytes);
        }
        Derivation::Scrypt { params, salt } => {
            scrypt::scrypt(password, salt, params, derived_bytes)
                .expect("scrypt gives any number of bytes from 1 on");
        }
    }
    derived
}

#[cfg(test)]
mod tests;
