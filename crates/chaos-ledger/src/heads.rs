//! What was signed is remembered outside of what can be copied back.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use chaos_agency::Succession;
use chaos_files::{Readers, write_synced};
use chaos_log::{Checkpoint, CheckpointError, SignedCheckpoint, VerifierKey};
use chaos_types::Digest;

use crate::Error;

/// A remembered head is a note of a few hundred bytes, and a few more for each cosignature.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// The ending of the file that names the keys of a log whose root key has handed checkpoints on.
const KEYS_EXTENSION: &str = "keys";

/// The ending of a file with a head that was put aside.
const ASIDE_EXTENSION: &str = "retired";

/// A digest in words is short.
const POLICY_BYTES_MAX: usize = 1 << 10;

/// The newest head that each log signed on this machine, one file per root key.
///
/// The folder stands outside of every data directory: a directory that is restored from an old copy
/// comes back without the entries that were signed since, and only a memory elsewhere can tell. The
/// file is the signed note itself, so nothing has to vouch for it but the log's own key. Where the root
/// key has handed checkpoints on, a file beside it names the keys that it named: a restored directory may
/// not know them, and must still see that it is an old copy. Another beside it has the digest of the log's
/// policy, if there is one: a copy of before it would publish heads without witnesses. A head that turned out to be
/// a retired key's is put aside, in a file that ends with `.retired`.
#[derive(Debug, Clone)]
pub struct Heads {
    folder: PathBuf,
}

/// The newest head that is remembered, and whose signatures whoever remembered it knew for the log's.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub(crate) note: SignedCheckpoint,
    pub(crate) keys: Vec<VerifierKey>,
    pub(crate) path: PathBuf,
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

    /// The file that remembers the heads of the log with this root key.
    #[must_use]
    pub fn file(&self, key: &VerifierKey) -> PathBuf {
        self.folder.join(format!("{}.note", Digest::of(key.to_string().as_bytes())))
    }

    /// The digest of the log's policy under which this key's heads were last published, if there was one.
    pub(crate) fn policy(&self, key: &VerifierKey) -> Result<Option<Digest>, Error> {
        let path = self.policy_file(key);
        let failed = |source| Error::Heads { path: path.clone(), source };
        if !path.try_exists().map_err(failed)? {
            return Ok(None);
        }
        let bytes = chaos_files::read(&path, POLICY_BYTES_MAX)?;
        let text = String::from_utf8_lossy(&bytes);
        let digest = text.trim_end().parse::<Digest>();
        digest.map(Some).map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))
    }

    /// Remembers the policy beside the head.
    pub(crate) fn remember_policy(&self, key: &VerifierKey, policy: &Digest) -> Result<(), Error> {
        let path = self.policy_file(key);
        fs::create_dir_all(&self.folder)
            .and_then(|()| write_synced(&path, Readers::Everyone, format!("{policy}\n").as_bytes()))
            .map_err(|source| Error::Heads { path, source })
    }

    fn policy_file(&self, key: &VerifierKey) -> PathBuf {
        self.file(key).with_extension("policy")
    }

    /// The newest head that is remembered for the log with this root key, if any.
    pub(crate) fn last(&self, key: &VerifierKey) -> Result<Option<Checkpoint>, Error> {
        Ok(self.newest(key)?.map(|signed| signed.claimed().clone()))
    }

    /// The note of the newest head that is remembered for the log with this root key, if any.
    ///
    /// # Errors
    /// If what is remembered cannot be read, or the log has not signed it.
    pub fn newest(&self, key: &VerifierKey) -> Result<Option<SignedCheckpoint>, Error> {
        Ok(self.remembered(key)?.map(|remembered| remembered.note))
    }

    /// The same, with the keys that are remembered beside it.
    pub(crate) fn remembered(&self, key: &VerifierKey) -> Result<Option<Remembered>, Error> {
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

fn read(path: &Path, key: &VerifierKey) -> Result<Option<Remembered>, Error> {
    match path.try_exists() {
        Ok(false) => return Ok(None),
        Ok(true) => {}
        Err(source) => return Err(Error::Heads { path: path.to_owned(), source }),
    }
    let damaged = |source| Error::HeadDamaged { path: path.to_owned(), source };
    let bytes = chaos_files::read(path, HEAD_BYTES_MAX)?;
    let note = SignedCheckpoint::parse(&bytes).map_err(damaged)?;
    let keys = keys(path, key)?;
    let mut last = Err(CheckpointError::Missing { expected: "signature" });
    for key in &keys {
        last = note.verify(key).map(drop);
        if last.is_ok() {
            break;
        }
    }
    last.map_err(damaged)?;
    Ok(Some(Remembered { note, keys, path: path.to_owned() }))
}

/// The log's root key, and those that it named before this machine signed with them.
fn keys(path: &Path, root: &VerifierKey) -> Result<Vec<VerifierKey>, Error> {
    let path = path.with_extension(KEYS_EXTENSION);
    let mut keys = vec![root.clone()];
    match path.try_exists() {
        Ok(false) => return Ok(keys),
        Ok(true) => {}
        Err(source) => return Err(Error::Heads { path, source }),
    }
    let bytes = chaos_files::read(&path, HEAD_BYTES_MAX)?;
    for line in String::from_utf8_lossy(&bytes).lines() {
        let key = line.parse().map_err(|source| Error::HeadKeys { path: path.clone(), source })?;
        keys.push(key);
    }
    Ok(keys)
}

impl Memory {
    /// The newest head that is remembered.
    pub(crate) fn last(&self) -> Result<Option<Checkpoint>, Error> {
        Ok(self.remembered()?.map(|remembered| remembered.note.claimed().clone()))
    }

    /// The same, with the keys that are remembered beside it.
    pub(crate) fn remembered(&self) -> Result<Option<Remembered>, Error> {
        read(&self.path, &self.key)
    }

    /// Keeps a remembered head, which another one is about to replace, in a file of its own. Answers that file.
    pub(crate) fn put_aside(&self, signed: &SignedCheckpoint) -> Result<PathBuf, Error> {
        let text = signed.to_string();
        let (size, digest) = (signed.claimed().size(), Digest::of(text.as_bytes()));
        // By what is in it, so that a kill before the other one is there leaves one file.
        let path = self.path.with_extension(format!("{size}-{}.{ASIDE_EXTENSION}", digest.short()));
        match write_synced(&path, Readers::Everyone, text.as_bytes()) {
            Ok(()) => Ok(path),
            Err(source) => Err(Error::Heads { path, source }),
        }
    }

    /// Remembers a head before anybody sees it, and before that who signs the log's heads.
    pub(crate) fn remember(
        &self,
        signed: &SignedCheckpoint,
        succession: &Succession,
    ) -> Result<(), Error> {
        if !succession.delegations().is_empty() {
            let path = self.path.with_extension(KEYS_EXTENSION);
            let mut lines = String::new();
            for key in succession.keys() {
                let key = VerifierKey::new(self.key.name().clone(), key.as_bytes());
                lines.push_str(&key.map_err(Error::LogName)?.to_string());
                lines.push('\n');
            }
            write_synced(&path, Readers::Everyone, lines.as_bytes())
                .map_err(|source| Error::Heads { path, source })?;
        }
        write_synced(&self.path, Readers::Everyone, signed.to_string().as_bytes())
            .map_err(|source: io::Error| Error::Heads { path: self.path.clone(), source })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
