//! The intents of a data directory.

mod mending;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256, keccak256};
use chaos_files::{Readers, sync_folder, write_synced};
use chaos_types::ChainId;
use serde::{Deserialize, Serialize};

use super::{Intent, SignedError};
use crate::error::shorten;

const FORMAT: &str = "chaoschain-intent/2";

/// The same without the stage `abandoned`.
const FORMER_FORMAT: &str = "chaoschain-intent/1";

/// A file holds an intent with a few signed transactions of at most 128 kB each, in hexadecimal.
const FILE_BYTES_MAX: usize = 4 << 20;

/// The intents of one data directory: those whose bytes may still land under `open/`, the others under
/// `done/`, so that finding the open ones does not grow with what was ever sent.
#[derive(Debug, Clone)]
pub struct Journal {
    folder: PathBuf,
}

/// Why the journal cannot be used. Nothing is sent without it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder or a file in it cannot be read or written.
    #[error("cannot use the journal of transactions at {path}", path = path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is longer than any intent, or cannot be read.
    #[error(transparent)]
    Read(#[from] chaos_files::Error),
    /// A file is no intent of this format.
    #[error("{path} is not an intent of format {FORMAT}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A file is of a later format.
    #[error("{path} has format `{found}`, expected {FORMAT}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: String,
    },
    /// A file says something else than the bytes that were signed.
    #[error("{path} was changed", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What differs.
        source: SignedError,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    intent: Intent,
}

impl Journal {
    /// The journal in this folder, which is made when something is kept.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the folder is, whatever folder a program runs in.
    pub(crate) fn place(&self) -> PathBuf {
        whole(&self.folder)
    }

    /// Whether another path leads to the folder, from here.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        whole(path) == self.place()
    }

    /// Keeps an intent as it is now. After it returns, the intent outlives a power cut.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn keep(&self, intent: &Intent) -> Result<(), JournalError> {
        let (open, done) = (self.open_path(intent), self.done_path(intent));
        let is_open = intent.is_open();
        let (path, former) = if is_open { (&open, &done) } else { (&done, &open) };
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        let text = written(FORMAT, intent);
        write_synced(path, Readers::Owner, &text).map_err(|source| failed(path, source))?;
        // A kill in between leaves both: the one that is done is the later one, but where a block that
        // seemed to stay did not, which nothing here takes back.
        match fs::remove_file(former) {
            Ok(()) => {
                let folder = former.parent().unwrap_or(&self.folder);
                sync_folder(folder).map_err(|source| failed(folder, source))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(failed(former, source)),
        }
    }

    /// The intents whose bytes may still land, by nonce.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn open(&self) -> Result<Vec<Intent>, JournalError> {
        let mut intents = read_all(&self.folder.join("open"))?;
        intents.retain(|intent| !self.done_path(intent).exists());
        intents.sort_by(|a, b| (a.nonce, &a.key).cmp(&(b.nonce, &b.key)));
        Ok(intents)
    }

    /// The intents whose bytes can no longer land, or are in a block that stays, by nonce.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub(crate) fn done(&self) -> Result<Vec<Intent>, JournalError> {
        let mut intents = Vec::new();
        for folder in entries(&self.folder.join("done"))? {
            intents.extend(read_all(&folder)?);
        }
        intents.sort_by(|a, b| (a.nonce, &a.key).cmp(&(b.nonce, &b.key)));
        Ok(intents)
    }

    /// The intents of this key by this account on this chain, by nonce: each time that the same was meant.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub(crate) fn find(
        &self,
        chain: &ChainId,
        genesis: B256,
        account: Address,
        key: &str,
    ) -> Result<Vec<Intent>, JournalError> {
        let name = name(chain, &genesis, account, key);
        let mut found = read_all(&self.folder.join("done").join(&name))?;
        found.extend(self.open()?.into_iter().filter(|intent| name_of(intent) == name));
        found.sort_by_key(|intent| intent.nonce);
        Ok(found)
    }

    /// The intents that can be read, open ones or all.
    pub(crate) fn legible(&self, all: bool) -> Result<Vec<Intent>, JournalError> {
        let mut intents = Vec::new();
        for path in self.files(all)? {
            intents.extend(read(&path));
        }
        intents.retain(|intent| !intent.is_open() || !self.done_path(intent).exists());
        Ok(intents)
    }

    /// The files that no intent can be read from, and why.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub fn unreadable(&self) -> Result<Vec<(PathBuf, JournalError)>, JournalError> {
        let files = self.files(true)?.into_iter();
        Ok(files.filter_map(|path| read(&path).err().map(|error| (path, error))).collect())
    }

    /// Puts right a file of this journal that a flipped bit damaged: what was signed shows which it was. None if more
    /// than a bit is wrong, or several would do.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn repair(&self, path: &Path) -> Result<Option<Intent>, JournalError> {
        let damaged = chaos_files::read(path, FILE_BYTES_MAX)?;
        let is_here =
            |intent: &Intent| path == self.open_path(intent) || path == self.done_path(intent);
        let Some(intent) = mending::mended(&damaged, is_here) else { return Ok(None) };
        self.keep(&intent)?;
        Ok(Some(intent))
    }

    fn files(&self, all: bool) -> Result<Vec<PathBuf>, JournalError> {
        let mut files = documents(&self.folder.join("open"))?;
        for folder in entries(&self.folder.join("done"))?.iter().filter(|_| all) {
            files.extend(documents(folder)?);
        }
        Ok(files)
    }

    fn open_path(&self, intent: &Intent) -> PathBuf {
        let name = name_of(intent);
        self.folder.join("open").join(format!("{name}-{}.json", intent.nonce))
    }

    fn done_path(&self, intent: &Intent) -> PathBuf {
        let name = name_of(intent);
        self.folder.join("done").join(name).join(format!("{}.json", intent.nonce))
    }
}

/// What the file of an intent holds.
fn written(format: &str, intent: &Intent) -> Vec<u8> {
    let document = Document { format: format.to_owned(), intent: intent.clone() };
    serde_json::to_vec_pretty(&document).expect("an intent is JSON")
}

/// A path from the root, without links as far as it is there.
fn whole(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut there = path.as_path();
    loop {
        if let (Ok(real), Ok(rest)) = (fs::canonicalize(there), path.strip_prefix(there)) {
            // What is joined with nothing ends with a slash.
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
        match there.parent() {
            Some(parent) => there = parent,
            None => return path,
        }
    }
}

/// What the files of a key are called.
fn name(chain: &ChainId, genesis: &B256, account: Address, key: &str) -> String {
    let digest = keccak256(format!("{chain}\n{genesis:#x}\n{account:#x}\n{key}"));
    hex::encode(&digest[..16])
}

fn name_of(intent: &Intent) -> String {
    name(&intent.chain, &intent.genesis, intent.account, &intent.key)
}

/// Key and first block are in no signature, and decide whether the same is paid again: the file's name has them too.
fn is_named_after(path: &Path, intent: &Intent) -> bool {
    let (name, nonce) = (name_of(intent), intent.nonce.to_string());
    let stem = path.file_stem().unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    stem == format!("{name}-{nonce}").as_str() || folder == name.as_str() && stem == nonce.as_str()
}

fn read_all(folder: &Path) -> Result<Vec<Intent>, JournalError> {
    documents(folder)?.iter().map(|path| read(path)).collect()
}

fn documents(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let mut paths = entries(folder)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    Ok(paths)
}

/// What is in a folder; nothing if there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(folder, source)),
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    paths.collect::<io::Result<_>>().map_err(|source| failed(folder, source))
}

fn failed(path: &Path, source: io::Error) -> JournalError {
    JournalError::Io { path: path.to_owned(), source }
}

fn read(path: &Path) -> Result<Intent, JournalError> {
    let bytes = chaos_files::read(path, FILE_BYTES_MAX)?;
    let malformed = |source| JournalError::Malformed { path: path.to_owned(), source };
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(malformed)?;
    let format = value.get("format").and_then(serde_json::Value::as_str).unwrap_or_default();
    if ![FORMAT, FORMER_FORMAT].contains(&format) {
        let found = format.escape_debug().to_string();
        return Err(JournalError::Format { path: path.to_owned(), found });
    }
    let Document { intent, .. } = serde_json::from_value(value).map_err(|error| {
        // It repeats what it found, which may be all of a contract's code.
        malformed(serde::de::Error::custom(shorten(&error.to_string())))
    })?;
    let changed = |source| JournalError::Changed { path: path.to_owned(), source };
    intent.ensure_signed().map_err(changed)?;
    if !is_named_after(path, &intent) {
        return Err(changed(SignedError::Misnamed));
    }
    Ok(intent)
}
