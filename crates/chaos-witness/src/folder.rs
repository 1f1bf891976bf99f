//! What a witness remembers, on the disk.
//!
//! ```text
//! <folder>/witness                                  whose memory it is: the verifier key
//! <folder>/lock                                     held by the one process that cosigns
//! <folder>/logs/<SHA-256 of the origin>/checkpoint  the last cosigned checkpoint, as it is served
//! <folder>/refused/<SHA-256 of the origin>/…        notes that were refused for what they say
//! ```

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use chaos_files::{Readers, write_synced};
use chaos_log::{SignedCheckpoint, VerifierKey, WitnessVerifier};

use crate::{
    error::{OpenError, WitnessError},
    request::REQUEST_BYTES_MAX,
    witness::origin_hash,
};

/// A kept note has the lines of the log and of the witness, so that it is no longer than a request
/// with one line more.
const MEMORY_BYTES_MAX: usize = REQUEST_BYTES_MAX + 4_096;

/// A verifier key is at most this long, in bytes.
const NAME_BYTES_MAX: usize = 4_096;

/// A witness's folder, open in this process alone.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    // The system takes the lock back when the file is closed, however the process ends.
    _lock: File,
}

impl Folder {
    pub(crate) fn open(path: &Path, witness: &WitnessVerifier) -> Result<Self, OpenError> {
        let failed = |at: &Path| {
            let path = at.to_owned();
            move |source| OpenError::Create { path, source }
        };
        fs::create_dir_all(path).map_err(failed(path))?;
        let lock = path.join("lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&lock);
        let file = file.map_err(failed(&lock))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(&lock)(source)),
        }
        let owner = path.join("witness");
        let expected = format!("{witness}\n");
        match fs::metadata(&owner) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                write_synced(&owner, Readers::Everyone, expected.as_bytes())
                    .map_err(failed(&owner))?;
            }
            Err(source) => return Err(failed(&owner)(source)),
            Ok(_) => {
                let found = chaos_files::read(&owner, NAME_BYTES_MAX).map_err(|error| {
                    OpenError::Create { path: owner.clone(), source: io::Error::other(error) }
                })?;
                if found != expected.as_bytes() {
                    let found = String::from_utf8_lossy(&found).trim_end().to_owned();
                    let expected = witness.to_string();
                    return Err(OpenError::OtherWitness { path: path.to_owned(), expected, found });
                }
            }
        }
        Ok(Self { path: path.to_owned(), _lock: file })
    }

    fn checkpoint_path(&self, hash: &str) -> PathBuf {
        self.path.join("logs").join(hash).join("checkpoint")
    }

    /// Where notes of a log that were refused are kept.
    pub(crate) fn refused(&self, origin: &str) -> PathBuf {
        self.path.join("refused").join(origin_hash(origin))
    }

    /// The last cosigned checkpoint of a log and when it was cosigned, checked as if it came from a
    /// stranger.
    pub(crate) fn last(
        &self,
        origin: &str,
        keys: &[VerifierKey],
        witness: &WitnessVerifier,
    ) -> Result<Option<(SignedCheckpoint, u64)>, WitnessError> {
        let path = self.checkpoint_path(&origin_hash(origin));
        let Some(bytes) = read(&path, origin)? else { return Ok(None) };
        let origin = || origin.to_owned();
        let damaged = |source| WitnessError::Damaged {
            origin: origin(),
            path: path.clone(),
            source: Box::new(source),
        };
        let note = SignedCheckpoint::parse(&bytes).map_err(damaged)?;
        // A key that was trusted then may not be any more; the witness's own word is what counts.
        if keys.iter().all(|key| key.name().as_str() != note.claimed().origin()) {
            return Err(WitnessError::NotOurs { origin: origin(), path: path.clone() });
        }
        let cosigned = witness.cosigned(&note).map_err(|error| damaged(error.into()))?;
        match cosigned {
            Some(time_s) => Ok(Some((note, time_s))),
            None => Err(WitnessError::NotOurs { origin: origin(), path: path.clone() }),
        }
    }

    /// Keeps a cosigned checkpoint; when this returns, it outlives a power cut.
    pub(crate) fn keep(&self, note: &SignedCheckpoint) -> Result<(), WitnessError> {
        let origin = note.claimed().origin();
        let path = self.checkpoint_path(&origin_hash(origin));
        let failed =
            |source| WitnessError::Write { origin: origin.to_owned(), path: path.clone(), source };
        let folder = path.parent().expect("a checkpoint is in a folder");
        if !folder.is_dir() {
            fs::create_dir_all(folder).map_err(failed)?;
            for above in [folder.parent(), Some(self.path.as_path())].into_iter().flatten() {
                chaos_files::sync_folder(above).map_err(failed)?;
            }
        }
        write_synced(&path, Readers::Everyone, note.to_string().as_bytes()).map_err(failed)
    }

    /// The bytes that are served for a log, by the hash of its origin.
    pub(crate) fn served(&self, hash: &str) -> Result<Option<Vec<u8>>, WitnessError> {
        read(&self.checkpoint_path(hash), hash)
    }
}

fn read(path: &Path, origin: &str) -> Result<Option<Vec<u8>>, WitnessError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    let bytes = chaos_files::read(path, MEMORY_BYTES_MAX);
    bytes.map(Some).map_err(|source| WitnessError::Read { origin: origin.to_owned(), source })
}
