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

mod held;
mod places;
mod remembered;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chaos_files::{Readers, write_synced};
use chaos_log::{SignedCheckpoint, VerifierKey, WitnessVerifier};

pub use self::places::twin;
use self::{
    held::{Held, lock},
    places::within,
    remembered::Remembered,
};
use crate::{
    error::{OpenError, WitnessError},
    order::{Notice, Order},
    witness::origin_hash,
};

/// A verifier key is at most this long, in bytes.
const NAME_BYTES_MAX: usize = 4_096;

/// The keys of a log take at most so much, in bytes (1 MiB).
const KEYS_BYTES_MAX: usize = 1 << 20;

/// A witness's folder, open in this process alone.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    elsewhere: Option<PathBuf>,
    /// Whether it did not say whose it is, although it remembers.
    is_named_anew: bool,
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
        let mut is_named_anew = false;
        match fs::metadata(&owner) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                is_named_anew = path.join("logs").is_dir();
                write_synced(&owner, Readers::Everyone, expected.as_bytes())
                    .map_err(failed(&owner))?;
            }
            Err(source) => return Err(failed(&owner)(source)),
            Ok(_) => {
                let found = chaos_files::read(&owner, NAME_BYTES_MAX).map_err(|error| {
                    OpenError::Create { path: owner.clone(), source: io::Error::other(error) }
                })?;
                if found != expected.as_bytes() {
                    return Err(not_named(path, owner, &found, witness));
                }
            }
        }
        Ok(Self { path: path.to_owned(), elsewhere: None, is_named_anew, locks: vec![lock] })
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
            if path.try_exists().map_err(failed)? {
                continue;
            }
            let unread = |error| OpenError::Keys(Box::new(error));
            let kept = places::keys_elsewhere(&folder, &hash);
            let [own, other] = [places::keys(&self.path, &hash), kept.clone()]
                .map(|path| read_order(&path, &hash).map_err(unread));
            // What lies there may be the newer one.
            if let (Some(own), other) = (own?, other?)
                && other.is_none_or(|other| own.is_longer_than(&other))
            {
                write_synced(&kept, Readers::Everyone, own.to_string().as_bytes())
                    .map_err(failed)?;
            }
            let unread = |error| OpenError::Checkpoint(Box::new(error));
            let own = Remembered::read(places::checkpoint(&self.path, &hash), &hash, witness);
            if let Some(own) = own.map_err(unread)? {
                write_synced(&path, Readers::Everyone, &own.bytes).map_err(failed)?;
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
            if places::checkpoint(&self.path, &hash).exists() {
                hashes.push(hash);
            }
        }
        Ok(hashes)
    }

    /// Where the keys of a log are remembered, elsewhere first.
    fn keys_paths(&self, origin: &str) -> Vec<PathBuf> {
        let hash = origin_hash(origin);
        let elsewhere = self.elsewhere.iter().map(|folder| places::keys_elsewhere(folder, &hash));
        elsewhere.chain([places::keys(&self.path, &hash)]).collect()
    }

    /// The keys of a log by which heads were cosigned. Empty if none was remembered.
    pub(crate) fn order(&self, origin: &str) -> Result<Order, WitnessError> {
        let mut longest = Order::default();
        for path in self.keys_paths(origin) {
            let found = read_order(&path, origin)?;
            // They only grow, and the one that was restored from an old copy is the shorter one.
            longest = found.filter(|found| found.is_longer_than(&longest)).unwrap_or(longest);
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
        let Some(newest) = self.newest(&origin_hash(origin), origin, keys, witness)? else {
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
        keys: &[VerifierKey],
        witness: &WitnessVerifier,
    ) -> Result<Option<Remembered>, WitnessError> {
        let mut newest: Option<Remembered> = None;
        for path in self.checkpoint_paths(hash) {
            let Some(found) = Remembered::read(path, origin, witness)? else { continue };
            newest = Some(match newest {
                Some(kept) => kept.newer(found, origin, keys)?,
                None => found,
            });
        }
        Ok(newest)
    }

    /// Where the checkpoint of a log is remembered. Elsewhere is written first, so that of equal sizes its
    /// cosignature is the later one.
    fn checkpoint_paths(&self, hash: &str) -> Vec<PathBuf> {
        let elsewhere = self.elsewhere.iter().map(|folder| folder.join(hash));
        elsewhere.chain([places::checkpoint(&self.path, hash)]).collect()
    }

    /// What is remembered of a log in one of the two places alone, or is another thing there.
    pub(crate) fn unequal(
        &self,
        origin: &str,
        keys: &[VerifierKey],
        witness: &WitnessVerifier,
    ) -> Result<Vec<Notice>, WitnessError> {
        let mut notices = Vec::new();
        let hash = origin_hash(origin);
        if let Some(newest) = self.newest(&hash, origin, keys, witness)? {
            let others = self.checkpoint_paths(&hash);
            let others = others.into_iter().filter(|path| *path != newest.path);
            notices.extend(others.filter_map(|path| differs(origin, path, &newest.path)));
        }
        let longest = self.order(origin)?;
        let (whole, others): (Vec<PathBuf>, Vec<PathBuf>) =
            self.keys_paths(origin).into_iter().partition(|path| {
                read_order(path, origin).is_ok_and(|it| it.as_ref() == Some(&longest))
            });
        if let Some(counts) = whole.first() {
            notices.extend(others.into_iter().filter_map(|path| differs(origin, path, counts)));
        }
        Ok(notices)
    }

    /// That the folder did not say whose it is, where it remembers something.
    pub(crate) fn named_anew(&self, witness: &WitnessVerifier) -> Option<Notice> {
        let named =
            || Notice::NamedAnew { path: self.path.join("witness"), witness: witness.to_string() };
        self.is_named_anew.then(named)
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
        let path = places::checkpoint(&self.path, &hash);
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
        keys: &[VerifierKey],
        witness: &WitnessVerifier,
    ) -> Result<Option<Vec<u8>>, WitnessError> {
        Ok(self.newest(hash, hash, keys, witness)?.map(|newest| newest.bytes))
    }
}

/// Why a folder does not say that it is this witness's.
fn not_named(folder: &Path, owner: PathBuf, found: &[u8], witness: &WitnessVerifier) -> OpenError {
    let expected = witness.to_string();
    let named = std::str::from_utf8(found).ok().and_then(|text| text.strip_suffix('\n'));
    // A key stands together with its hash, so that a disk makes no other witness of one.
    match named.filter(|named| named.parse::<WitnessVerifier>().is_ok()) {
        Some(found) => {
            let (path, found) = (folder.to_owned(), found.to_owned());
            OpenError::OtherWitness { path, expected, found }
        }
        None => OpenError::OwnerDamaged { path: owner, expected },
    }
}

/// The keys of a log by which heads were cosigned, as one file has them; none where there is none.
fn read_order(path: &Path, origin: &str) -> Result<Option<Order>, WitnessError> {
    if !path.exists() {
        return Ok(None);
    }
    let failed = || WitnessError::Keys { origin: origin.to_owned(), path: path.to_owned() };
    let bytes = chaos_files::read(path, KEYS_BYTES_MAX).map_err(|_| failed())?;
    let text = String::from_utf8(bytes).map_err(|_| failed())?;
    Order::parse(&text).map(Some).ok_or_else(failed)
}

/// That one file lacks what another has, or has something else.
fn differs(origin: &str, path: PathBuf, counts: &Path) -> Option<Notice> {
    let (origin, counts) = (origin.to_owned(), counts.to_owned());
    if !path.exists() {
        return Some(Notice::Missing { origin, path, counts });
    }
    let is_same = fs::read(&path).is_ok_and(|found| fs::read(&counts).is_ok_and(|it| it == found));
    (!is_same).then_some(Notice::Differs { origin, path, counts })
}
