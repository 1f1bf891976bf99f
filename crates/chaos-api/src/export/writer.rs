//! The files of an export: held against the log, written, and brought to the disk.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use chaos_log::{TileKind, TilePath};
use chaos_types::Digest;

use super::{Comparison, ExportError, Exported, blobs::NOTE, write_error};
use crate::{
    published::{Published, first},
    resource::{BLOB_BYTES_MAX, Resource},
};

/// The folders of an export, of which each file is the log's.
const FOLDERS: [&str; 4] = ["tile", "records", "receipt", "blob"];

/// The ending of a file that somebody was writing when they were killed.
const PART: &str = "part";

pub(super) struct Writer<'a> {
    pub(super) published: &'a Published,
    pub(super) folder: &'a Path,
    /// Size of the checkpoint that the folder holds.
    pub(super) old_size: u64,
    pub(super) comparison: Comparison,
    /// What was done so far, but for the sizes.
    pub(super) done: Exported,
    /// What the new checkpoint needs and the old one did not bring to the disk.
    unsynced: Vec<PathBuf>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        published: &'a Published,
        folder: &'a Path,
        old_size: u64,
        comparison: Comparison,
    ) -> Self {
        let (done, unsynced) = (Exported::default(), Vec::new());
        Self { published, folder, old_size, comparison, done, unsynced }
    }

    /// Files written and not read, but for the sizes.
    pub(super) const fn counts(&self) -> Exported {
        self.done
    }

    /// Removes what an export that was killed left half written, where strangers would find it.
    pub(super) fn clear_parts(&self) -> Result<(), ExportError> {
        let names = [Resource::Checkpoint, Resource::Keys].map(|name| name.to_string());
        for name in names.iter().map(String::as_str).chain([NOTE]) {
            let part = self.folder.join(format!("{name}.{PART}"));
            remove(&part).map_err(write_error(&part))?;
        }
        for name in FOLDERS {
            let folder = self.folder.join(name);
            clear(&folder).map_err(write_error(&folder))?;
        }
        Ok(())
    }

    /// A tile, and the receipts of a bundle of leaves beside it.
    pub(super) fn copy_tile(&mut self, path: &TilePath) -> Result<(), ExportError> {
        let is_old = end(path).is_some_and(|end| end <= self.old_size);
        self.copy(&Resource::Tile(*path), is_old)?;
        if path.tile().is_none() && !self.copy(&Resource::Records(*path), is_old)? {
            self.copy_each(path, is_old)?;
        }
        Ok(())
    }

    /// The receipts of a bundle whose records are too long for one file.
    fn copy_each(&mut self, path: &TilePath, is_old: bool) -> Result<(), ExportError> {
        let start = first(path);
        for index in start..start + u64::from(path.width()) {
            if let Some(digest) = self.published.digest_at(index)? {
                self.copy(&Resource::Receipt(digest), is_old)?;
            }
        }
        Ok(())
    }

    /// Who signs for the log, which changes with each checkpoint.
    pub(super) fn copy_keys(&mut self) -> Result<(), ExportError> {
        self.copy(&Resource::Keys, false).map(drop)
    }

    /// Whether there was something to copy. What is there and the log's is not written again.
    fn copy(&mut self, resource: &Resource, is_old: bool) -> Result<bool, ExportError> {
        let path = self.folder.join(resource.to_string());
        if is_old && self.comparison == Comparison::Lengths && is_there(&path, resource)? {
            self.done.unread += 1;
            return Ok(true);
        }
        let Some(bytes) = self.published.answer(resource)? else { return Ok(false) };
        let is_right = holds(&path, bytes.len(), |found| found == bytes);
        if !is_right.map_err(write_error(&path))? {
            self.write(&path, &bytes)?;
            self.done.mended += u64::from(is_old);
        } else if !is_old {
            // Whoever wrote it may have been killed before it was on the disk.
            self.unsynced.push(path);
        }
        Ok(true)
    }

    /// Copies a blob unless its bytes are there; whether they are there now. No checkpoint says which blobs an
    /// earlier export brought to the disk, and one is written again as soon as it has another digest.
    pub(super) fn copy_blob(&mut self, digest: &Digest) -> Result<bool, ExportError> {
        let resource = Resource::Blob(*digest);
        let path = self.folder.join(resource.to_string());
        let is_right = holds(&path, BLOB_BYTES_MAX, |found| Digest::of(found) == *digest);
        if is_right.map_err(write_error(&path))? {
            return Ok(true);
        }
        let Some(bytes) = self.published.answer(&resource)? else { return Ok(false) };
        self.write(&path, &bytes)?;
        Ok(true)
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
        self.put(path, bytes)?;
        self.done.written += 1;
        Ok(())
    }

    /// Writes a file that may be none of what is published.
    pub(super) fn put(&mut self, path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
        let parent = path.parent().unwrap_or(self.folder);
        fs::create_dir_all(parent)
            .and_then(|()| unlink(path))
            .and_then(|()| chaos_files::write_unsynced(path, bytes))
            .map_err(write_error(path))?;
        self.unsynced.push(path.to_owned());
        Ok(())
    }

    /// Brings the files to the disk, and the names of them and of their folders.
    pub(super) fn sync(&mut self) -> Result<(), ExportError> {
        let (folder, mut folders) = (self.folder, BTreeSet::new());
        for path in self.unsynced.drain(..) {
            File::open(&path).and_then(|file| file.sync_all()).map_err(write_error(&path))?;
            let above = path.ancestors().skip(1).take_while(|above| above.starts_with(folder));
            folders.extend(above.map(Path::to_owned));
        }
        for folder in folders {
            chaos_files::sync_folder(&folder).map_err(write_error(&folder))?;
        }
        Ok(())
    }
}

/// How many entries a log has that has this tile.
fn end(path: &TilePath) -> Option<u64> {
    let level = match path.kind() {
        TileKind::Hashes { level } => u32::from(level),
        TileKind::Entries => 0,
    };
    let end = first(path).checked_add(u64::from(path.width()))?;
    end.checked_mul(1_u64.checked_shl(8 * level)?)
}

/// Whether there is a file of the length that is known without reading the log: of hashes each has its own, and
/// nothing else that is published is empty.
fn is_there(path: &Path, resource: &Resource) -> Result<bool, ExportError> {
    let hashes = match resource {
        Resource::Tile(tile) => tile.tile().map(|_| resource.bytes_max() as u64),
        Resource::Checkpoint
        | Resource::Keys
        | Resource::Records(_)
        | Resource::Receipt(_)
        | Resource::Blob(_) => None,
    };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Ok(false),
        Ok(found) => Ok(hashes.map_or(found.len() > 0, |expected| found.len() == expected)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(write_error(path)(error)),
    }
}

/// Whether there is a regular file of so many bytes at most, and it is the right one.
fn holds(path: &Path, bytes_max: usize, is_right: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
        Ok(found) if !found.is_file() || found.len() > bytes_max as u64 => return Ok(false),
        Ok(_) => {}
    }
    Ok(chaos_files::read(path, bytes_max).is_ok_and(|found| is_right(&found)))
}

/// Removes a link in the place of a published file: what is written is the folder's, and nothing outside of it is
/// replaced.
pub(super) fn unlink(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => remove(path),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes what was half written in a folder and in those in it.
fn clear(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            clear(&path)?;
        } else if kind.is_file() && path.extension().is_some_and(|ending| ending == PART) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
