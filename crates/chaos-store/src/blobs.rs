//! Blobs: bytes kept under their digest.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use chaos_files::{Part, Readers, sync_folder};
use chaos_types::Digest;

/// The largest blob in bytes (1 GiB).
pub const BLOB_BYTES_MAX: u64 = 1 << 30;

/// A store of bytes under their SHA-256.
///
/// A blob that was put is durable, and what is read has the digest it was asked for by. Putting
/// the same bytes again changes nothing.
pub trait Blobs {
    /// Keeps `bytes` and answers their digest.
    ///
    /// # Errors
    /// If they are too long or cannot be written; nothing is kept then.
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError>;

    /// The bytes with this digest.
    ///
    /// # Errors
    /// If there are none, they cannot be read, or they have changed.
    fn get(&self, digest: &Digest) -> Result<Vec<u8>, BlobError>;

    /// Whether there are bytes with this digest. It does not read them.
    ///
    /// # Errors
    /// If the storage cannot be asked.
    fn has(&self, digest: &Digest) -> Result<bool, BlobError>;
}

/// Why a blob was not kept or returned.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The blob is larger than [`BLOB_BYTES_MAX`].
    #[error("blob has {bytes} bytes, the limit is {BLOB_BYTES_MAX}")]
    TooLong {
        /// Length of the blob in bytes.
        bytes: u64,
    },
    /// There is no such blob.
    #[error("no blob with digest {digest}")]
    Missing {
        /// The digest asked for.
        digest: Digest,
    },
    /// The bytes are no longer those that were put.
    #[error(
        "blob {expected} is damaged: its bytes have digest {found}; `chaoschain log repair --from SOURCE` \
         fetches it from another's copy"
    )]
    Damaged {
        /// The digest asked for.
        expected: Digest,
        /// The digest that the bytes have.
        found: Digest,
    },
    /// What stands in the place of a blob is no file.
    #[error(
        "`{path}` is no file, but a link, a folder, a pipe or a device; `chaoschain log repair --from SOURCE` puts the \
         blob in its place",
        path = path.display()
    )]
    NoFile {
        /// What is there.
        path: PathBuf,
    },
    /// What stands in the place of a folder of blobs is none.
    #[error("`{path}` is no folder of its own, but a link or a file; remove it", path = path.display())]
    NoFolder {
        /// What is there.
        path: PathBuf,
    },
    /// The blobs were opened for reading.
    #[error("`{path}` is open for reading only", path = path.display())]
    ReadOnly {
        /// The directory.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write `{path}`", path = path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Blobs in files: `sha256/<first two digits>/<other digits>` below one directory.
#[derive(Debug)]
pub struct FileBlobs {
    directory: PathBuf,
    /// Where blobs are written before they have a name; none if they are only read.
    temporary: Option<PathBuf>,
}

impl FileBlobs {
    /// Opens a directory of blobs, makes it if it is not there, and clears what interrupted
    /// writes have left. Only one opener at a time: the store's lock sees to that.
    pub(crate) fn open(directory: &Path) -> Result<Self, BlobError> {
        let (named, temporary) = (directory.join("sha256"), directory.join("temporary"));
        for directory in [&named, &temporary] {
            fs::create_dir_all(directory).map_err(write_error(directory))?;
        }
        sync_directory(directory)?;
        let leftovers = fs::read_dir(&temporary).map_err(write_error(&temporary))?;
        for leftover in leftovers {
            let leftover = leftover.map_err(write_error(&temporary))?;
            let path = leftover.path();
            // No write leaves a folder: whoever put it there may want it.
            if !leftover.file_type().map_err(write_error(&path))?.is_dir() {
                fs::remove_file(&path).map_err(write_error(&path))?;
            }
        }
        Ok(Self { directory: named, temporary: Some(temporary) })
    }

    /// A directory of blobs that is only read, beside whoever writes to it.
    pub(crate) fn read(directory: &Path) -> Self {
        Self { directory: directory.join("sha256"), temporary: None }
    }

    /// Reads every blob and compares it with the digest that it is kept under; answers how many
    /// there are.
    ///
    /// # Errors
    /// If one is damaged or cannot be read.
    pub(crate) fn check(&self) -> Result<u64, BlobError> {
        let mut count = 0;
        for folder in listed(&self.directory)? {
            is_folder(&folder)?;
            for path in listed(&folder)? {
                let name =
                    |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
                let hex = name(&folder).zip(name(&path)).map(|(folder, name)| folder + &name);
                // What nobody can ask for by a digest is no blob.
                if let Some(digest) = hex.and_then(|hex| Digest::from_hex(&hex).ok()) {
                    self.get(&digest)?;
                    count += 1;
                }
            }
        }
        Ok(count)
    }

    /// Where the blob with this digest is kept.
    #[must_use]
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_hex();
        let (folder, name) = hex.split_at(2);
        self.directory.join(folder).join(name)
    }
}

impl Blobs for FileBlobs {
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        ensure_length(bytes.len() as u64)?;
        let digest = Digest::of(bytes);
        let path = self.path(&digest);
        let Some(temporary) = &self.temporary else {
            return Err(BlobError::ReadOnly { path: self.directory.clone() });
        };
        // A file of other bytes is what a failing disk left; it is written anew.
        if read_file(&path)
            .is_ok_and(|found| found.is_some_and(|found| Digest::of(&found) == digest))
        {
            return Ok(digest);
        }
        let folder = folder_of(&path);
        if !is_folder(folder)? {
            fs::create_dir(folder).map_err(write_error(folder))?;
            sync_directory(&self.directory)?;
        }
        // The name appears only after the bytes are on the disk, so a blob is whole or absent.
        let mut part =
            Part::within(temporary, &path, Readers::Owner).map_err(write_error(temporary))?;
        part.write_all(bytes).and_then(|()| part.publish_synced()).map_err(write_error(&path))?;
        Ok(digest)
    }

    fn get(&self, digest: &Digest) -> Result<Vec<u8>, BlobError> {
        let bytes = read_file(&self.path(digest))?;
        ensure_digest(bytes.ok_or(BlobError::Missing { digest: *digest })?, digest)
    }

    fn has(&self, digest: &Digest) -> Result<bool, BlobError> {
        is_file(&self.path(digest))
    }
}

/// Blobs in memory, for tests and for work that leaves nothing behind.
#[derive(Debug, Default)]
pub struct MemoryBlobs(Mutex<BTreeMap<Digest, Vec<u8>>>);

impl MemoryBlobs {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Blobs for MemoryBlobs {
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        ensure_length(bytes.len() as u64)?;
        let digest = Digest::of(bytes);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, bytes.to_vec());
        Ok(digest)
    }

    fn get(&self, digest: &Digest) -> Result<Vec<u8>, BlobError> {
        let blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.get(digest).cloned().ok_or(BlobError::Missing { digest: *digest })
    }

    fn has(&self, digest: &Digest) -> Result<bool, BlobError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(digest))
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), BlobError> {
    sync_folder(directory).map_err(write_error(directory))
}

/// The bytes of a blob's file, if it is there. Whoever made the folder may have put a link to a file elsewhere
/// there, or a pipe or a device that never ends, so that nothing but a file of its own is opened.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, BlobError> {
    if !is_file(path)? {
        return Ok(None);
    }
    let read = |source| BlobError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read)?;
    let opened = file.metadata().map_err(read)?;
    if !opened.is_file() {
        return Err(BlobError::NoFile { path: path.to_owned() });
    }
    ensure_length(opened.len())?;
    let mut bytes = Vec::with_capacity(usize::try_from(opened.len()).unwrap_or_default());
    // It may grow while it is read.
    file.take(BLOB_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(read)?;
    ensure_length(bytes.len() as u64)?;
    Ok(Some(bytes))
}

/// Whether a blob has a file, in a folder of the store's own; an error if something else stands in the place of either.
fn is_file(path: &Path) -> Result<bool, BlobError> {
    if !is_folder(folder_of(path))? {
        return Ok(false);
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(true),
        Ok(_) => Err(BlobError::NoFile { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(BlobError::Read { path: path.to_owned(), source }),
    }
}

/// Whether a folder is there; an error if something else stands in its place.
fn is_folder(path: &Path) -> Result<bool, BlobError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => Err(BlobError::NoFolder { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(BlobError::Read { path: path.to_owned(), source }),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().expect("a blob's path has a folder")
}

/// What a folder holds; nothing if it is not there.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, BlobError> {
    let read = |source| BlobError::Read { path: folder.to_owned(), source };
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(read)?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(read(error)),
    }
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    move |source| BlobError::Write { path: path.to_owned(), source }
}

const fn ensure_length(bytes: u64) -> Result<(), BlobError> {
    if bytes <= BLOB_BYTES_MAX { Ok(()) } else { Err(BlobError::TooLong { bytes }) }
}

fn ensure_digest(bytes: Vec<u8>, expected: &Digest) -> Result<Vec<u8>, BlobError> {
    let found = Digest::of(&bytes);
    if found == *expected {
        Ok(bytes)
    } else {
        Err(BlobError::Damaged { expected: *expected, found })
    }
}
