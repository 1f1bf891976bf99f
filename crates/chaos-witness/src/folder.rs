//! What a witness remembers, on the disk.
//!
//! ```text
//! <folder>/witness                                  whose memory it is: the verifier key
//! <folder>/lock                                     held by the one process that cosigns
//! <folder>/logs/<SHA-256 of the origin>/checkpoint  the last cosigned checkpoint, as it is served
//! <folder>/logs/<SHA-256 of the origin>/keys        the log's keys by which heads were cosigned, in order:
//!                                                   the last one's time is not over; one a line, and after
//!                                                   them, behind `above `, those by which none was and whose
//!                                                   lines stood above the last one's in the policy
//! <folder>/refused/<SHA-256 of the origin>/…        notes that were refused for what they say
//! ```
//!
//! A folder that is restored from an old copy has forgotten. So the last checkpoints are also kept
//! elsewhere, in a folder that is not copied with it, and the newer of the two counts:
//!
//! ```text
//! <elsewhere>/witness-<SHA-256 of the verifier key>/lock
//! <elsewhere>/witness-<SHA-256 of the verifier key>/<SHA-256 of the origin>
//! <elsewhere>/witness-<SHA-256 of the verifier key>/<SHA-256 of the origin>.keys
//! ```

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use chaos_files::{Readers, write_synced};
use chaos_log::{SignedCheckpoint, VerifierKey, WitnessVerifier};
use sha2::{Digest as _, Sha256};

use crate::{
    error::{OpenError, WitnessError},
    order::Order,
    request::REQUEST_BYTES_MAX,
    witness::origin_hash,
};

/// A kept note has the lines of the log and of the witness, so that it is no longer than a request
/// with one line more.
const MEMORY_BYTES_MAX: usize = REQUEST_BYTES_MAX + 4_096;

/// A verifier key is at most this long, in bytes.
const NAME_BYTES_MAX: usize = 4_096;

/// The keys of a log take at most so much, in bytes (1 MiB).
const KEYS_BYTES_MAX: usize = 1 << 20;

/// A witness's folder, open in this process alone.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    elsewhere: Option<PathBuf>,
    // The system takes the locks back when the files are closed, however the process ends.
    locks: Vec<Held>,
}

impl Folder {
    pub(crate) fn open(path: &Path, witness: &WitnessVerifier) -> Result<Self, OpenError> {
        let failed = |at: &Path| {
            let path = at.to_owned();
            move |source| OpenError::Create { path, source }
        };
        let lock = lock(path)?;
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
        Ok(Self { path: path.to_owned(), elsewhere: None, locks: vec![lock] })
    }

    /// Also keeps checkpoints in a folder of this witness's within `elsewhere`.
    pub(crate) fn remember(
        &mut self,
        elsewhere: &Path,
        witness: &WitnessVerifier,
    ) -> Result<(), OpenError> {
        let path = within(elsewhere, witness);
        self.locks.push(lock(&path)?);
        for hash in self.hashes()? {
            if !path.join(&hash).exists() {
                let folder = self.path.clone();
                return Err(OpenError::Forgotten { path: folder, hash, elsewhere: path });
            }
        }
        self.elsewhere = Some(path);
        Ok(())
    }

    /// Keeps elsewhere what this folder knows and that one lacks.
    pub(crate) fn restore(
        &self,
        elsewhere: &Path,
        witness: &WitnessVerifier,
    ) -> Result<(), OpenError> {
        let folder = within(elsewhere, witness);
        let _lock = lock(&folder)?;
        for hash in self.hashes()? {
            let path = folder.join(&hash);
            let failed = |source| OpenError::Create { path: path.clone(), source };
            if !path.try_exists().map_err(failed)? {
                let keys = self.keys_path(&hash);
                if keys.try_exists().map_err(failed)? {
                    let bytes = fs::read(keys).map_err(failed)?;
                    let path = folder.join(format!("{hash}.keys"));
                    write_synced(&path, Readers::Everyone, &bytes).map_err(failed)?;
                }
                let bytes = fs::read(self.checkpoint_path(&hash)).map_err(failed)?;
                write_synced(&path, Readers::Everyone, &bytes).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// The logs that this folder knows, each by the SHA-256 of its name.
    fn hashes(&self) -> Result<Vec<String>, OpenError> {
        let logs = self.path.join("logs");
        let failed = |source| OpenError::Create { path: logs.clone(), source };
        if !logs.try_exists().map_err(failed)? {
            return Ok(Vec::new());
        }
        let mut hashes = Vec::new();
        for log in fs::read_dir(&logs).map_err(failed)? {
            let hash = log.map_err(failed)?.file_name().to_string_lossy().into_owned();
            if self.checkpoint_path(&hash).exists() {
                hashes.push(hash);
            }
        }
        Ok(hashes)
    }

    fn checkpoint_path(&self, hash: &str) -> PathBuf {
        self.path.join("logs").join(hash).join("checkpoint")
    }

    fn keys_path(&self, hash: &str) -> PathBuf {
        self.path.join("logs").join(hash).join("keys")
    }

    /// Where the keys of a log are remembered, elsewhere first.
    fn keys_paths(&self, origin: &str) -> Vec<PathBuf> {
        let hash = origin_hash(origin);
        let elsewhere = self.elsewhere.iter().map(|folder| folder.join(format!("{hash}.keys")));
        elsewhere.chain([self.keys_path(&hash)]).collect()
    }

    /// The keys of a log by which heads were cosigned. Empty if none was remembered.
    pub(crate) fn order(&self, origin: &str) -> Result<Order, WitnessError> {
        let mut longest = Order::default();
        for path in self.keys_paths(origin) {
            if !path.exists() {
                continue;
            }
            let failed = || WitnessError::Keys { origin: origin.to_owned(), path: path.clone() };
            let bytes = chaos_files::read(&path, KEYS_BYTES_MAX).map_err(|_| failed())?;
            let text = String::from_utf8(bytes).map_err(|_| failed())?;
            let order = Order::parse(&text).ok_or_else(failed)?;
            // They only grow, and the one that was restored from an old copy is the shorter one.
            if order.keys.len() > longest.keys.len() {
                longest = order;
            }
        }
        Ok(longest)
    }

    /// Remembers the keys of a log; when this returns, they outlive a power cut.
    pub(crate) fn keep_order(&self, origin: &str, order: &Order) -> Result<(), WitnessError> {
        let text = order.to_string();
        self.make_folder(origin)?;
        for path in self.keys_paths(origin) {
            if chaos_files::read(&path, KEYS_BYTES_MAX).is_ok_and(|kept| kept == text.as_bytes()) {
                continue;
            }
            write_synced(&path, Readers::Everyone, text.as_bytes()).map_err(|source| {
                WitnessError::Write { origin: origin.to_owned(), path: path.clone(), source }
            })?;
        }
        Ok(())
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
        let Some(newest) = self.newest(&origin_hash(origin), origin, witness)? else {
            return Ok(None);
        };
        let Remembered { path, note, time_s, .. } = newest;
        // A key that was trusted then may not be any more; the witness's own word is what counts.
        if keys.iter().all(|key| key.name().as_str() != note.claimed().origin()) {
            return Err(WitnessError::NotOurs { origin: origin.to_owned(), path });
        }
        Ok(Some((note, time_s)))
    }

    /// The newer of the two memories of a log. Each has to be what this witness cosigned: one that is not says
    /// nothing of what it was, and may have been the newer.
    fn newest(
        &self,
        hash: &str,
        origin: &str,
        witness: &WitnessVerifier,
    ) -> Result<Option<Remembered>, WitnessError> {
        let mut newest: Option<Remembered> = None;
        // Elsewhere is written first, so that of equal sizes its cosignature is the later one.
        let elsewhere = self.elsewhere.iter().map(|folder| folder.join(hash));
        for path in elsewhere.chain([self.checkpoint_path(hash)]) {
            let Some(found) = Remembered::read(path, origin, witness)? else { continue };
            newest = match newest {
                Some(kept) if kept.size() == found.size() => {
                    if kept.note.claimed().root() != found.note.claimed().root() {
                        let (origin, size) = (origin.to_owned(), kept.size());
                        let paths = Box::new([kept.path, found.path]);
                        return Err(WitnessError::Divided { origin, size, paths });
                    }
                    Some(kept)
                }
                Some(kept) if kept.size() > found.size() => Some(kept),
                Some(_) | None => Some(found),
            };
        }
        Ok(newest)
    }

    /// Keeps a cosigned checkpoint; when this returns, it outlives a power cut.
    pub(crate) fn keep(&self, note: &SignedCheckpoint) -> Result<(), WitnessError> {
        let origin = note.claimed().origin();
        let hash = origin_hash(origin);
        if let Some(path) = self.elsewhere.as_ref().map(|folder| folder.join(&hash)) {
            write_synced(&path, Readers::Everyone, note.to_string().as_bytes()).map_err(
                |source| WitnessError::Write { origin: origin.to_owned(), path, source },
            )?;
        }
        self.make_folder(origin)?;
        let path = self.checkpoint_path(&hash);
        write_synced(&path, Readers::Everyone, note.to_string().as_bytes())
            .map_err(|source| WitnessError::Write { origin: origin.to_owned(), path, source })
    }

    /// Makes the folder of a log; when this returns, it outlives a power cut.
    fn make_folder(&self, origin: &str) -> Result<(), WitnessError> {
        let folder = self.path.join("logs").join(origin_hash(origin));
        if folder.is_dir() {
            return Ok(());
        }
        let failed = |source| WitnessError::Write {
            origin: origin.to_owned(),
            path: folder.clone(),
            source,
        };
        fs::create_dir_all(&folder).map_err(failed)?;
        for above in [folder.parent(), Some(self.path.as_path())].into_iter().flatten() {
            chaos_files::sync_folder(above).map_err(failed)?;
        }
        Ok(())
    }

    /// The bytes that are served for a log, by the hash of its origin.
    pub(crate) fn served(
        &self,
        hash: &str,
        witness: &WitnessVerifier,
    ) -> Result<Option<Vec<u8>>, WitnessError> {
        Ok(self.newest(hash, hash, witness)?.map(|newest| newest.bytes))
    }
}

/// One memory of a log: a checkpoint that this witness cosigned.
struct Remembered {
    path: PathBuf,
    bytes: Vec<u8>,
    note: SignedCheckpoint,
    /// When it was cosigned, in seconds since 1970.
    time_s: u64,
}

impl Remembered {
    /// Reads it as if it came from a stranger.
    fn read(
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

    fn size(&self) -> u64 {
        self.note.claimed().size()
    }
}

/// Where a witness remembers within a folder of memories.
fn within(elsewhere: &Path, witness: &WitnessVerifier) -> PathBuf {
    elsewhere.join(format!("witness-{}", hex::encode(Sha256::digest(witness.to_string()))))
}

/// A folder that this process alone uses.
#[derive(Debug)]
struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing gives it back only once nobody else has the file open, and a program that another
        // thread is starting has it until its first instruction.
        let _gone = self.0.unlock();
    }
}

/// Makes a folder, and holds it for this process alone.
fn lock(folder: &Path) -> Result<Held, OpenError> {
    let failed = |at: &Path| {
        let path = at.to_owned();
        move |source| OpenError::Create { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let lock = folder.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&lock);
    let file = file.map_err(failed(&lock))?;
    match file.try_lock() {
        Ok(()) => Ok(Held(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(&lock)(source)),
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
