//! A checkpoint that is remembered, read as if it came from a stranger.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chaos_log::{SignedCheckpoint, VerifierKey, WitnessVerifier};

use crate::{error::WitnessError, request::REQUEST_BYTES_MAX};

/// A kept note has the lines of the log and of the witness, so that it is no longer than a request
/// with one line more.
const MEMORY_BYTES_MAX: usize = REQUEST_BYTES_MAX + 4_096;

/// One memory of a log: a checkpoint that this witness cosigned.
pub(super) struct Remembered {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    pub(super) note: SignedCheckpoint,
    /// When it was cosigned, in seconds since 1970.
    pub(super) time_s: u64,
}

impl Remembered {
    /// Reads it as if it came from a stranger.
    pub(super) fn read(
        path: PathBuf,
        origin: &str,
        witness: &WitnessVerifier,
    ) -> Result<Option<Self>, WitnessError> {
        let Some(bytes) = read(&path, origin)? else { return Ok(None) };
        let damaged = |source| WitnessError::Damaged {
            origin: origin.to_owned(),
            path: path.clone(),
            source: Box::new(source),
        };
        let note = SignedCheckpoint::parse(&bytes).map_err(damaged)?;
        match witness.cosigned(&note).map_err(|error| damaged(error.into()))? {
            Some(time_s) => Ok(Some(Self { path, bytes, note, time_s })),
            None => Err(WitnessError::NotOurs { origin: origin.to_owned(), path }),
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.note.claimed().size()
    }

    /// How many of a log's keys have signed it. A line that a disk has changed is nobody's signature.
    fn signed_by(&self, keys: &[VerifierKey]) -> usize {
        keys.iter().filter(|key| self.note.is_by(key)).count()
    }

    /// The one of two that counts: the newer, and of one size that of which more is left as it was signed.
    ///
    /// # Errors
    /// If they are of two trees of one size.
    pub(super) fn newer(
        self,
        other: Self,
        origin: &str,
        keys: &[VerifierKey],
    ) -> Result<Self, WitnessError> {
        if self.size() != other.size() {
            return Ok(if self.size() > other.size() { self } else { other });
        }
        if self.note.claimed().root() != other.note.claimed().root() {
            let (origin, size) = (origin.to_owned(), self.size());
            let paths = Box::new([self.path, other.path]);
            return Err(WitnessError::Divided { origin, size, paths });
        }
        Ok(if other.signed_by(keys) > self.signed_by(keys) { other } else { self })
    }
}

fn read(path: &Path, origin: &str) -> Result<Option<Vec<u8>>, WitnessError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    let bytes = chaos_files::read(path, MEMORY_BYTES_MAX);
    bytes.map(Some).map_err(|source| WitnessError::Read {
        origin: origin.to_owned(),
        path: path.to_owned(),
        source,
    })
}
