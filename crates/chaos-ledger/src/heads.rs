//! What was signed is remembered outside of what can be copied back.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use chaos_files::{Readers, write_synced};
use chaos_log::{Checkpoint, SignedCheckpoint, VerifierKey};
use chaos_types::Digest;

use crate::Error;

/// A remembered head is a note of a few hundred bytes, and a few more for each cosignature.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// The newest head that each log's key signed on this machine, one file per key.
///
/// The folder stands outside of every data directory: a directory that is restored from an old copy
/// comes back without the entries that were signed since, and only a memory elsewhere can tell. The
/// file is the signed note itself, so nothing has to vouch for it but the log's own key.
#[derive(Debug, Clone)]
pub struct Heads {
    folder: PathBuf,
}

/// The memory of one log's heads, held by this process alone.
#[derive(Debug)]
pub(crate) struct Memory {
    path: PathBuf,
    key: VerifierKey,
    // The lock is the system's; it ends with the process.
    _lock: File,
}

impl Heads {
    /// The memory in this folder, which is made when something is remembered.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The file that remembers the heads of this key.
    #[must_use]
    pub fn file(&self, key: &VerifierKey) -> PathBuf {
        self.folder.join(format!("{}.note", Digest::of(key.to_string().as_bytes())))
    }

    /// The newest head that is remembered for this key, if any.
    pub(crate) fn last(&self, key: &VerifierKey) -> Result<Option<Checkpoint>, Error> {
        read(&self.file(key), key)
    }

    /// Waits until no other process signs with this key here.
    pub(crate) fn lock(&self, key: &VerifierKey) -> Result<Memory, Error> {
        let path = self.file(key);
        let failed = |source| Error::Heads { path: self.folder.clone(), source };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.with_extension("lock"))
            .map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Memory { path, key: key.clone(), _lock: lock })
    }
}

fn read(path: &Path, key: &VerifierKey) -> Result<Option<Checkpoint>, Error> {
    match path.try_exists() {
        Ok(false) => return Ok(None),
        Ok(true) => {}
        Err(source) => return Err(Error::Heads { path: path.to_owned(), source }),
    }
    let damaged = |source| Error::HeadDamaged { path: path.to_owned(), source };
    let bytes = chaos_files::read(path, HEAD_BYTES_MAX)?;
    let note = SignedCheckpoint::parse(&bytes).map_err(damaged)?;
    note.verify(key).cloned().map(Some).map_err(damaged)
}

impl Memory {
    /// The newest head that is remembered.
    pub(crate) fn last(&self) -> Result<Option<Checkpoint>, Error> {
        read(&self.path, &self.key)
    }

    /// Remembers a head before anybody sees it.
    pub(crate) fn remember(&self, signed: &SignedCheckpoint) -> Result<(), Error> {
        write_synced(&self.path, Readers::Everyone, signed.to_string().as_bytes())
            .map_err(|source: io::Error| Error::Heads { path: self.path.clone(), source })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
