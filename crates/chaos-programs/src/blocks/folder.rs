//! One recorded folder: its files, each read once, and held to the folder's manifest.

use std::{
    io,
    path::{Path, PathBuf},
};

use chaos_evm::{
    Bytecodes, Under,
    recorded::{FORMAT, PackedBlock, PlainError, UnpackError, plain},
};
use chaos_types::Digest;

use super::manifest::Manifest;
use crate::{Error, Progress, files::read};

/// Why a folder of recorded blocks is refused.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Two files hold two blocks of one height.
    #[error(
        "block {number} is there twice, and not as the same: {first} and {second}",
        first = first.display(),
        second = second.display()
    )]
    Twice {
        /// The height.
        number: u64,
        /// The one file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file that the manifest is held to cannot be read.
    #[error("cannot read {path}", path = path.display())]
    ManifestRead {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is compressed and damaged, or too large.
    #[error("{path}", path = path.display())]
    Plain {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PlainError,
    },
    /// The manifest is none.
    #[error("{path} is no manifest of recorded blocks", path = path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The manifest is of another form.
    #[error("{path}: `format` is `{found}`, expected the manifest format `{FORMAT}`", path = path.display())]
    Format {
        /// The manifest.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// The manifest names a block twice.
    #[error("{path} names block {number} twice in the manifest", path = path.display())]
    RowTwice {
        /// The manifest.
        path: PathBuf,
        /// The height.
        number: u64,
    },
    /// A file is not what the manifest says.
    #[error(
        "{path} was changed: manifest.json beside it says {expected}, its content is {found}",
        path = path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// The digest in the manifest.
        expected: String,
        /// The digest of the content.
        found: String,
    },
    /// A block is not in the manifest.
    #[error("{path} was added: manifest.json beside it names no block {number}", path = path.display())]
    Added {
        /// The file.
        path: PathBuf,
        /// The height.
        number: u64,
    },
    /// A file is there that the manifest does not speak of.
    #[error("{path} was added: manifest.json beside it does not name it", path = path.display())]
    Unnamed {
        /// The file.
        path: PathBuf,
    },
    /// A file is not there.
    #[error("{path} is missing: manifest.json names it", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
}

/// A recorded folder that is being read.
#[derive(Debug)]
pub(crate) struct Folder<'a> {
    dir: &'a Path,
    files: Vec<PathBuf>,
    manifest: Option<Manifest>,
}

impl<'a> Folder<'a> {
    pub(crate) fn open(dir: &'a Path) -> Result<Self, Error> {
        let mut files = super::entries(&dir.join("blocks"))?;
        files.retain(|path| is_recorded(path));
        Ok(Self { dir, files, manifest: Manifest::read(dir)? })
    }

    /// Reads every block, in the order of the files' names, and says what was read of each file.
    pub(crate) fn each(
        &mut self,
        under: Option<Under>,
        progress: &dyn Progress,
        mut take: impl FnMut(&Path, PackedBlock) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.files.is_empty() {
            return Err(Error::NoBlockFiles { folder: self.dir.join("blocks") });
        }
        progress.begin("reading blocks", self.files.len() as u64);
        for path in std::mem::take(&mut self.files) {
            let content = content(&path)?;
            let copy = self.manifest.is_some().then(|| content.clone());
            let block = PackedBlock::decode(content, under).map_err(|source| match source {
                UnpackError::Plain(source) => {
                    Error::Folder(FolderError::Plain { path: path.clone(), source })
                }
                UnpackError::Decode(source) => {
                    Error::Recorded { path: path.clone(), source: source.into() }
                }
            })?;
            if let (Some(manifest), Some(content)) = (&mut self.manifest, copy) {
                manifest.hold_block(&path, block.header().number, &content)?;
            }
            take(&path, block)?;
            progress.advance(1);
        }
        if let Some(manifest) = &self.manifest {
            manifest.ensure_whole(self.dir)?;
        }
        progress.end();
        Ok(())
    }

    /// The codes of the folder.
    pub(crate) fn codes(&self) -> Result<Bytecodes, Error> {
        for name in ["bytecodes.json.gz", "bytecodes.json"] {
            let path = self.dir.join(name);
            if path.exists() {
                let bytes = read(&path)?;
                if let Some(manifest) = &self.manifest {
                    manifest.hold_codes(&path, &unzipped(&path, bytes.clone())?)?;
                }
                return Bytecodes::decode(&bytes)
                    .map_err(|source| Error::Recorded { path, source: source.into() });
            }
        }
        Err(Error::NoBytecodes { folder: self.dir.to_owned() })
    }
}

/// A file's content, unzipped.
fn content(path: &Path) -> Result<Vec<u8>, Error> {
    unzipped(path, read(path)?)
}

fn unzipped(path: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    let path = || path.to_owned();
    Ok(plain(bytes).map_err(|source| FolderError::Plain { path: path(), source })?)
}

/// Whether a file is a block's. What macOS leaves beside a file it copied (`._4.json.gz`) is not.
fn is_recorded(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    !name.starts_with("._") && (name.ends_with(".json") || name.ends_with(".json.gz"))
}

/// Something read of a file, with what tells it from another.
pub(crate) struct Found<T> {
    pub(crate) path: PathBuf,
    pub(crate) number: u64,
    pub(crate) digest: Digest,
    pub(crate) value: T,
}

/// Each height once, in ascending order: a second download of a file is the same block, another block of
/// the same height is an error.
pub(crate) fn once<T>(mut found: Vec<Found<T>>) -> Result<Vec<T>, FolderError> {
    found.sort_by_key(|found| found.number);
    let mut kept: Vec<Found<T>> = Vec::with_capacity(found.len());
    for next in found {
        match kept.last() {
            Some(last) if last.number == next.number && last.digest == next.digest => {}
            Some(last) if last.number == next.number => {
                let (number, first) = (next.number, last.path.clone());
                return Err(FolderError::Twice { number, first, second: next.path });
            }
            _ => kept.push(next),
        }
    }
    Ok(kept.into_iter().map(|found| found.value).collect())
}
