//! Who sends for an account: one process of a user at a time, from one data directory until its
//! transactions have landed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256};
use chaos_files::{Readers, Turn, write_synced};
use chaos_types::ChainId;
use serde::{Deserialize, Serialize};

const FILE_BYTES_MAX: usize = 64 << 10;

/// The accounts that a user's programs send from, in a folder outside of every data directory.
///
/// A nonce belongs to the account, not to a data directory: two directories that sign for one account
/// would replace each other's transactions.
#[derive(Debug, Clone)]
pub struct Accounts {
    folder: PathBuf,
}

/// An account of a chain that no other process of this user sends from meanwhile.
#[derive(Debug)]
pub struct Account {
    path: PathBuf,
    _turn: Turn,
}

/// What may still land of an account, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The journal that holds its bytes, from the root; older ones are as they were named.
    pub journal: PathBuf,
    /// Its nonce.
    pub nonce: u64,
    /// The hash of what was signed last.
    pub hash: B256,
}

/// Why an account cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The folder cannot be used.
    #[error("cannot use the memory of accounts at {path}", path = path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is too long or cannot be read.
    #[error(transparent)]
    Read(#[from] chaos_files::Error),
    /// A file is not what is kept there.
    #[error("{path} does not say what an account sent", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Another process sends from the account.
    #[error("another process is sending from {account} on {chain}; wait until it is done")]
    InUse {
        /// The account.
        account: Address,
        /// The chain.
        chain: ChainId,
    },
}

impl Accounts {
    /// The memory in this folder, which is made when an account is first used.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Takes an account for this process, on the chain whose first block has this hash.
    ///
    /// # Errors
    /// [`AccountError::InUse`], or if the folder cannot be used.
    pub fn take(
        &self,
        chain: &ChainId,
        genesis: B256,
        account: Address,
    ) -> Result<Account, AccountError> {
        let failed = |source| AccountError::Io { path: self.folder.clone(), source };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let path = self.path(chain, genesis, account);
        match Turn::try_take(&path).map_err(failed)? {
            Some(turn) => Ok(Account { path, _turn: turn }),
            None => Err(AccountError::InUse { account, chain: chain.clone() }),
        }
    }

    /// What may still land of an account, without taking it.
    pub(crate) fn claim(
        &self,
        chain: &ChainId,
        genesis: B256,
        account: Address,
    ) -> Result<Option<Claim>, AccountError> {
        claim(&self.path(chain, genesis, account))
    }

    fn path(&self, chain: &ChainId, genesis: B256, account: Address) -> PathBuf {
        let first = hex::encode(&genesis[..8]);
        let name = format!("{}-{first}-{account:#x}.json", chain.to_string().replace(':', "-"));
        self.folder.join(name)
    }
}

fn claim(path: &Path) -> Result<Option<Claim>, AccountError> {
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        Err(source) => return Err(AccountError::Io { path: path.to_owned(), source }),
    }
    let bytes = chaos_files::read(path, FILE_BYTES_MAX)?;
    let malformed = |source| AccountError::Malformed { path: path.to_owned(), source };
    serde_json::from_slice(&bytes).map(Some).map_err(malformed)
}

impl Account {
    /// What may still land, as far as this user's programs know.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn claim(&self) -> Result<Option<Claim>, AccountError> {
        claim(&self.path)
    }

    /// Says what may land from now on, before it is sent.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub(crate) fn put_claim(&self, claim: &Claim) -> Result<(), AccountError> {
        let text = serde_json::to_vec_pretty(claim).expect("a claim is JSON");
        write_synced(&self.path, Readers::Owner, &text).map_err(|source| self.failed(source))
    }

    /// Says that nothing may land any more.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub(crate) fn clear_claim(&self) -> Result<(), AccountError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn failed(&self, source: io::Error) -> AccountError {
        AccountError::Io { path: self.path.clone(), source }
    }
}
