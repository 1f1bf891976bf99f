//! What of a data directory is published: the newest signed checkpoint, and what lies below it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chaos_agency::{Kinds, SignerError, Succession, action::Role};
use chaos_log::{
    BundleError, Hash, ProveError, SignedCheckpoint, TileId, TileKind, TilePath, TileRead as _,
    VerifierKey, bundle_to_bytes, root_at, tile_to_bytes,
};
use chaos_store::{
    BlobError, Blobs as _, DATABASE_FILE, Entry, OpenError, Records as _, Store, StoreError, Stored,
};
use chaos_types::{Did, Digest};

use crate::{
    disclosure::{Disclosed, Disclosure, NewBlobs},
    records::records_to_bytes,
    resource::{BLOB_BYTES_MAX, Resource},
};

/// A data directory as strangers see it. It is only read, without its lock, so that another process
/// may append and sign meanwhile.
#[derive(Debug)]
pub struct Published {
    file: Database,
    entries: Mutex<Entries>,
    // Reading what receipts name takes long the first time; tiles do not wait for it.
    blobs: Mutex<Disclosed>,
}

/// What is published, and how.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The log's root key. A stored checkpoint that neither it nor the key that it names has signed is not
    /// published.
    pub key: VerifierKey,
    /// The kinds of receipts that the log knows.
    pub kinds: Kinds,
    /// Which receipts' blobs are published.
    pub disclosure: Disclosure,
}

/// Why something that is published cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The data directory cannot be opened.
    #[error("cannot read the log")]
    Open(#[from] OpenError),
    /// An entry, a tile or a checkpoint cannot be read.
    #[error("cannot read the log")]
    Store(#[from] StoreError),
    /// The database under the directory's name is another one than was opened.
    #[error(
        "`{path}` is another file than when it was opened: the directory was exchanged, and what was \
         opened is no longer the log",
        path = path.display()
    )]
    Exchanged {
        /// The database file.
        path: PathBuf,
    },
    /// The stored checkpoint is not signed by the log's key.
    #[error("the newest stored checkpoint is not the log's")]
    Checkpoint(#[from] SignerError),
    /// A line of the stored checkpoint is a false one of a witness, or whose they are cannot be read.
    #[error("the newest stored checkpoint is not published")]
    Cosigners(#[source] Box<chaos_ledger::Error>),
    /// Who signs for the log cannot be read.
    #[error("cannot read who signs for the log")]
    Keys(#[from] Box<chaos_ledger::Error>),
    /// The tree does not reach as far as the checkpoint.
    #[error("{tile} holds {found} hashes, the signed size needs {expected}")]
    Narrow {
        /// The tile.
        tile: TileId,
        /// Hashes that a log of the signed size has there, as far as they were asked for.
        expected: usize,
        /// Hashes found.
        found: usize,
    },
    /// An entry below the checkpoint's size is missing.
    #[error("entry {index} is missing, the signed size is {size}")]
    Missing {
        /// Index of the entry.
        index: u64,
        /// Size of the checkpoint.
        size: u64,
    },
    /// Stored leaves do not make a bundle.
    #[error("cannot write the leaves")]
    Leaves(#[from] BundleError),
    /// A blob is damaged or cannot be read.
    #[error("cannot read a blob")]
    Blob(#[from] BlobError),
    /// The length of a blob cannot be asked.
    #[error("cannot read a blob")]
    BlobLength(#[source] io::Error),
}

/// The database file as it was when it was opened: what lies under its name later may be another one, as
/// after a directory was restored by renaming, and the open one is then nobody's log any more.
#[derive(Debug)]
struct Database {
    path: PathBuf,
    opened: Option<FileId>,
}

/// What tells a file from every other: its device and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl Database {
    fn at(directory: &Path) -> Self {
        let path = directory.join(DATABASE_FILE);
        let opened = FileId::of(&path);
        Self { path, opened }
    }

    fn ensure_same(&self) -> Result<(), PublishError> {
        if FileId::of(&self.path) == self.opened {
            return Ok(());
        }
        Err(PublishError::Exchanged { path: self.path.clone() })
    }
}

impl FileId {
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self { device: found.dev(), inode: found.ino() })
    }
}

#[derive(Debug)]
struct Entries {
    store: Store,
    key: VerifierKey,
    /// The last checkpoint whose signature was checked.
    accepted: Option<SignedCheckpoint>,
}

impl Published {
    /// Publishes the data directory.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(directory: &Path, publication: Publication) -> Result<Self, PublishError> {
        let Publication { key, kinds, disclosure } = publication;
        let file = Database::at(directory);
        let (store, other) = (Store::read_live(directory)?, Store::read_live(directory)?);
        file.ensure_same()?;
        Ok(Self {
            file,
            entries: Mutex::new(Entries { store, key, accepted: None }),
            blobs: Mutex::new(Disclosed::new(other, kinds, disclosure)),
        })
    }

    /// The checkpoint that is published, if one was signed.
    ///
    /// # Errors
    /// If it cannot be read or is not the log's.
    pub fn head(&self) -> Result<Option<SignedCheckpoint>, PublishError> {
        self.file.ensure_same()?;
        locked(&self.entries).head()
    }

    /// Who has signed checkpoints of the log, by its rows.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn succession(&self) -> Result<Succession, PublishError> {
        locked(&self.entries).succession()
    }

    /// The bytes of something that is published, or `None`.
    ///
    /// # Errors
    /// If it is published and cannot be read.
    pub fn answer(&self, resource: &Resource) -> Result<Option<Vec<u8>>, PublishError> {
        self.file.ensure_same()?;
        let mut entries = locked(&self.entries);
        let Some(head) = entries.head()? else { return Ok(None) };
        let size = head.claimed().size();
        match resource {
            Resource::Checkpoint => Ok(Some(head.to_string().into_bytes())),
            Resource::Keys => {
                let keys = chaos_ledger::log_keys(&entries.store, &entries.key, &head);
                Ok(keys.map_err(Box::new)?)
            }
            Resource::Tile(path) => match path.kind() {
                TileKind::Hashes { level } => entries.hashes(path, level, size),
                TileKind::Entries => {
                    let Some(page) = entries.page(path, size)? else { return Ok(None) };
                    let leaves: Vec<_> = page.iter().map(|entry| entry.leaf.as_slice()).collect();
                    Ok(Some(bundle_to_bytes(&leaves)?))
                }
            },
            Resource::Records(path) => {
                let Some(page) = entries.page(path, size)? else { return Ok(None) };
                let records: Vec<_> = page.iter().map(|entry| entry.record.as_slice()).collect();
                // What is too long for one body is asked for receipt by receipt.
                Ok(records_to_bytes(&records).ok())
            }
            Resource::Receipt(digest) => {
                let entry = entries.store.entry_by_digest(digest)?;
                Ok(entry.filter(|entry| entry.index < size).map(|entry| entry.record))
            }
            Resource::Blob(digest) => {
                drop(entries);
                self.blob(digest, size)
            }
        }
    }

    /// How many entries the directory holds, whatever is published of it.
    pub(crate) fn stored_size(&self) -> Result<u64, PublishError> {
        self.file.ensure_same()?;
        Ok(locked(&self.entries).store.stored_size()?)
    }

    /// An entry as it lies in the directory, whatever is published of it.
    pub(crate) fn stored(&self, index: u64) -> Result<Option<Stored>, PublishError> {
        self.file.ensure_same()?;
        Ok(locked(&self.entries).store.stored(index)?)
    }

    /// The directory that is published.
    pub(crate) fn directory(&self) -> &Path {
        self.file.path.parent().unwrap_or(Path::new(""))
    }

    /// The root of the published log when it had `size` entries.
    ///
    /// # Errors
    /// If the tiles cannot be read or do not reach this size.
    pub(crate) fn root_at(&self, size: u64) -> Result<Hash, PublishError> {
        root_at(&locked(&self.entries).store, size).map_err(|error| match error {
            ProveError::Read(error) => error.into(),
            ProveError::Narrow { tile, expected, found } => {
                PublishError::Narrow { tile, expected, found }
            }
            ProveError::Index { .. } | ProveError::Sizes { .. } => {
                unreachable!("only proofs have an index or two sizes")
            }
        })
    }

    /// The digest of the receipt at an index.
    ///
    /// # Errors
    /// If the entry cannot be read.
    pub(crate) fn digest_at(&self, index: u64) -> Result<Option<Digest>, PublishError> {
        Ok(locked(&self.entries).store.entry(index)?.map(|entry| entry.digest))
    }

    /// The digests of all blobs that are published.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn blobs(&self) -> Result<Vec<Digest>, PublishError> {
        let Some(head) = self.head()? else { return Ok(Vec::new()) };
        let mut blobs = locked(&self.blobs);
        blobs.read_to(head.claimed().size())?;
        Ok(blobs.disclosed().collect())
    }

    /// The kinds of receipts whose blobs are published.
    pub(crate) fn disclosed_kinds(&self) -> Vec<String> {
        locked(&self.blobs).kinds().map(str::to_owned).collect()
    }

    /// What the receipts from `start` on change in the blobs that are published, but for those that are in
    /// `known` already.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn new_blobs(
        &self,
        start: u64,
        size: u64,
        known: &dyn Fn(&Digest) -> bool,
    ) -> Result<NewBlobs, PublishError> {
        Ok(locked(&self.blobs).new_blobs(start..size, known)?)
    }

    fn blob(&self, digest: &Digest, size: u64) -> Result<Option<Vec<u8>>, PublishError> {
        let mut blobs = locked(&self.blobs);
        blobs.read_to(size)?;
        if !blobs.discloses(digest) {
            return Ok(None);
        }
        let files = blobs.store().blobs();
        match fs::metadata(files.path(digest)) {
            Ok(found) if found.len() > BLOB_BYTES_MAX as u64 => Ok(None),
            Ok(_) => Ok(Some(files.get(digest)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PublishError::BlobLength(error)),
        }
    }
}

impl Entries {
    fn succession(&self) -> Result<Succession, PublishError> {
        let root = Did::from_public_bytes(self.key.public())
            .expect("a verifier key is a point of the curve");
        let succession = chaos_ledger::succession(&self.store, root, Role::Checkpoints);
        Ok(succession.map_err(Box::new)?)
    }

    fn head(&mut self) -> Result<Option<SignedCheckpoint>, PublishError> {
        let Some(signed) = self.store.checkpoint()? else { return Ok(None) };
        if self.accepted.as_ref() != Some(&signed) {
            self.succession()?.ensure_signed(&signed, self.key.name())?;
            self.ensure_cosigners(&signed)?;
            self.accepted = Some(signed.clone());
        }
        Ok(Some(signed))
    }

    /// A false line condemns the whole note for whoever knows the witness.
    fn ensure_cosigners(&self, signed: &SignedCheckpoint) -> Result<(), PublishError> {
        let failed = |error| PublishError::Cosigners(Box::new(error));
        let policy = chaos_ledger::kept_policy(&self.store).map_err(failed)?;
        let is_false = |policy| chaos_ledger::with_true_cosigners(signed, policy).is_some();
        if policy.as_ref().is_some_and(is_false) {
            let size = signed.claimed().size();
            return Err(failed(chaos_ledger::Error::CosignerFalse { size }));
        }
        Ok(())
    }

    fn hashes(
        &self,
        path: &TilePath,
        level: u8,
        size: u64,
    ) -> Result<Option<Vec<u8>>, PublishError> {
        let reach = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
        if !is_within(path, reach) {
            return Ok(None);
        }
        let tile = TileId { level, index: path.index() };
        let expected = usize::from(path.width());
        let mut hashes = self.store.read_tile(tile)?.unwrap_or_default();
        if hashes.len() < expected {
            return Err(PublishError::Narrow { tile, expected, found: hashes.len() });
        }
        hashes.truncate(expected);
        Ok(Some(tile_to_bytes(&hashes)))
    }

    /// The entries of a bundle, if the published log is that long.
    fn page(&self, path: &TilePath, size: u64) -> Result<Option<Vec<Entry>>, PublishError> {
        if !is_within(path, size) {
            return Ok(None);
        }
        let start = first(path);
        let end = start + u64::from(path.width());
        let page = self.store.entries(start..end)?;
        let found = start + page.len() as u64;
        if found < end {
            return Err(PublishError::Missing { index: found, size });
        }
        Ok(Some(page))
    }
}

/// The first index of a tile within its level, which is below 2^64 for every path.
pub(crate) fn first(path: &TilePath) -> u64 {
    path.index() * u64::from(chaos_log::TILE_WIDTH)
}

fn is_within(path: &TilePath, reach: u64) -> bool {
    first(path).checked_add(u64::from(path.width())).is_some_and(|end| end <= reach)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
