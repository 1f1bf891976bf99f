//! A published log as a folder of files that any static host serves.

mod blobs;
mod writer;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chaos_agency::SignerError;
use chaos_files::{Readers, Turn};
use chaos_ledger::holds_key;
use chaos_log::{Hash, NOTE_BYTES_MAX, SignedCheckpoint, TilePath, VerifierKey};
use chaos_store::DATABASE_FILE;

use self::writer::Writer;
use crate::{
    published::{PublishError, Published},
    resource::Resource,
};

/// The key of a witness, in its folder.
const WITNESS_KEY: &str = "keys/witness.pem";

/// How what an earlier export left in the folder is held against the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// By what changes: that the files are there and have the length which is known without reading the log. What
    /// that takes does not grow with the receipts of the log.
    Lengths,
    /// Byte by byte, and every blob by every receipt that names it.
    Bytes,
}

/// What an export wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Size of the checkpoint that the folder held before, 0 if it held none.
    pub old_size: u64,
    /// Size of the checkpoint that it holds now.
    pub size: u64,
    /// Files written.
    pub written: u64,
    /// How many of them the folder's checkpoint stood for already: they were missing, or not the log's.
    pub mended: u64,
    /// How many of the folder's files were looked at and not read.
    pub unread: u64,
    /// Blobs that receipts name and that the data directory does not hold, or that are too large: of those
    /// receipts that were read.
    pub blobs_absent: u64,
    /// Blobs that lie in the folder and that the log no longer publishes, or not so: strangers have them.
    pub blobs_left: u64,
}

/// Why a log was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log cannot be read.
    #[error("cannot read what is published")]
    Publish(#[from] PublishError),
    /// No checkpoint was signed yet.
    #[error("no checkpoint of the log is signed yet")]
    Unsigned,
    /// A file cannot be read or written.
    #[error("cannot write `{path}`", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The folder's checkpoint cannot be read.
    #[error(transparent)]
    Read(#[from] chaos_files::Error),
    /// The folder holds something else under the name of a checkpoint.
    #[error("the folder's checkpoint is not this log's")]
    Foreign(#[source] SignerError),
    /// The folder is a data directory, or lies in one: keys would be published with the log.
    #[error("`{folder}` is in a data directory", folder = folder.display())]
    DataDirectory {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder is that of a witness, or lies in one: its key would be published with the log.
    #[error("`{folder}` is in the folder of a witness", folder = folder.display())]
    Witness {
        /// The folder.
        folder: PathBuf,
    },
    /// The data directory lies in the folder: keys would be published with the log.
    #[error(
        "the data directory `{data}` lies in `{folder}`",
        folder = folder.display(),
        data = data.display()
    )]
    Within {
        /// The folder.
        folder: PathBuf,
        /// The data directory.
        data: PathBuf,
    },
    /// The folder holds a longer log.
    #[error("the folder holds a log of {found} entries, the published one has {size}")]
    Ahead {
        /// Size of the published log.
        size: u64,
        /// Size in the folder.
        found: u64,
    },
    /// The folder holds another root for a size that this log has had.
    #[error("the folder's checkpoint of {size} entries has root {found}, the log has {expected}")]
    Root {
        /// The size.
        size: u64,
        /// Root of the published log at that size.
        expected: Hash,
        /// Root in the folder.
        found: Hash,
    },
}

/// Writes what is published into a folder: tiles and leaves, then receipts and blobs, and the
/// checkpoint last, when all that it needs is on the disk. What lies there already is held against the log
/// as it is told, and written again where it is missing or not the log's. Others who export into the folder wait
/// for their turn.
///
/// Nothing is removed from the folder: what was published is published, and which blobs of it are no longer
/// is said.
///
/// # Errors
/// If something cannot be read or written, or the folder holds another log or a longer one.
pub fn export(
    published: &Published,
    key: &VerifierKey,
    folder: &Path,
    comparison: Comparison,
) -> Result<Exported, ExportError> {
    ensure_apart(folder, published.directory())?;
    fs::create_dir_all(folder).map_err(write_error(folder))?;
    // A file system without locks leaves it to whoever exports that no two do at once.
    let _turn = Turn::in_folder(folder).ok();
    let head = published.head()?.ok_or(ExportError::Unsigned)?;
    let (size, old) = (head.claimed().size(), exported(published, key, folder)?);
    let old_size = old.as_ref().map_or(0, |old| old.claimed().size());
    if let Some(old) = &old {
        let found = *old.claimed().root();
        if old_size > size {
            return Err(ExportError::Ahead { size, found: old_size });
        }
        let expected = published.root_at(old_size)?;
        if expected != found {
            return Err(ExportError::Root { size: old_size, expected, found });
        }
    }
    let mut writer = Writer::new(published, folder, old_size, comparison);
    writer.clear_parts()?;
    for path in TilePath::between(0, size) {
        writer.copy_tile(&path)?;
    }
    writer.copy_blobs(size)?;
    // Who signs the checkpoint is there before it, proved under it or a later one.
    writer.copy_keys()?;
    writer.sync()?;
    let mut done = Exported { old_size, size, ..writer.counts() };
    if old.as_ref() != Some(&head) {
        let path = folder.join(Resource::Checkpoint.to_string());
        writer::unlink(&path)
            .and_then(|()| {
                chaos_files::write_synced(&path, Readers::Everyone, head.to_string().as_bytes())
            })
            .map_err(write_error(&path))?;
        done.written += 1;
    }
    Ok(done)
}

/// Whoever serves the folder serves all that is in it: no key may be there.
fn ensure_apart(folder: &Path, data: &Path) -> Result<(), ExportError> {
    let (folder, data) = (folder.to_owned(), data.to_owned());
    let real_folder = real(&folder)?;
    let is_home = |above: &Path| above.join(DATABASE_FILE).exists() || holds_key(above);
    if real_folder.ancestors().any(is_home) {
        return Err(ExportError::DataDirectory { folder });
    }
    if real_folder.ancestors().any(|above| above.join(WITNESS_KEY).is_file()) {
        return Err(ExportError::Witness { folder });
    }
    if real(&data)?.starts_with(&real_folder) {
        return Err(ExportError::Within { folder, data });
    }
    Ok(())
}

/// A path without links, as far as there is something under it.
fn real(path: &Path) -> Result<PathBuf, ExportError> {
    let path = std::path::absolute(path).map_err(write_error(path))?;
    let mut missing = Vec::new();
    for above in path.ancestors() {
        if let Ok(real) = above.canonicalize() {
            return Ok(missing.into_iter().rev().fold(real, |path: PathBuf, name| path.join(name)));
        }
        missing.extend(above.file_name());
    }
    Ok(path)
}

/// The checkpoint of an earlier export.
fn exported(
    published: &Published,
    key: &VerifierKey,
    folder: &Path,
) -> Result<Option<SignedCheckpoint>, ExportError> {
    let path = folder.join(Resource::Checkpoint.to_string());
    if !path.try_exists().map_err(write_error(&path))? {
        return Ok(None);
    }
    let signed = SignedCheckpoint::parse(&chaos_files::read(&path, NOTE_BYTES_MAX)?)
        .map_err(|error| ExportError::Foreign(SignerError::Unsigned(error)))?;
    published.succession()?.ensure_signed(&signed, key.name()).map_err(ExportError::Foreign)?;
    Ok(Some(signed))
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> ExportError {
    move |source| ExportError::Write { path: path.to_owned(), source }
}
