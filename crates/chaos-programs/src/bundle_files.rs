//! Where bundles and fork proofs come from: files, folders of files, and a stream.

use std::{
    collections::BTreeMap,
    fs, io,
    io::Read,
    path::{Component, Path, PathBuf},
};

use chaos_types::Digest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::study::{BUNDLE, MANIFEST, MANIFEST_FORMAT};

/// A bundle larger than this is refused: 16 MiB.
const BUNDLE_BYTES_MAX: usize = 16 << 20;

/// Why there are no bytes of a bundle.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] chaos_files::Error),
    /// A folder cannot be read.
    #[error("cannot read the folder {path}", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder holds neither a bundle nor a fork proof.
    #[error("the folder {path} holds no *.json and no *.fork", path = path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A study's folder has no bundle.
    #[error("the study in {path} is not signed", path = path.display())]
    NotSigned {
        /// The folder.
        path: PathBuf,
    },
    /// A file of a study is not what its manifest says.
    #[error("{path} was changed: manifest.json beside it says {expected}, its content is {found}", path = path.display())]
    StudyChanged {
        /// The file.
        path: PathBuf,
        /// What the manifest says.
        expected: Digest,
        /// What follows from the content.
        found: Digest,
    },
    /// A file of a study is not there.
    #[error("{path} is missing: manifest.json beside it names it", path = path.display())]
    StudyMissing {
        /// The file.
        path: PathBuf,
    },
    /// The stream fails.
    #[error("cannot read stdin")]
    Stream(#[source] io::Error),
    /// There are too many bytes.
    #[error("{name} is larger than a bundle, at most {BUNDLE_BYTES_MAX} bytes")]
    TooLarge {
        /// The file, or the stream.
        name: String,
    },
}

/// A study's folder, as its manifest says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StudyFolder {
    /// How many files are as the manifest says.
    pub files: usize,
}

/// The bytes of what should be a bundle.
#[derive(Debug)]
pub struct Source {
    /// As people read it.
    pub name: String,
    /// The bytes, or why they could not be read.
    pub bytes: Result<Vec<u8>, Error>,
    /// Where the file is, if it is one.
    pub path: Option<PathBuf>,
}

impl Source {
    fn file(path: &Path) -> Self {
        let bytes = read(path);
        Self { name: path.display().to_string(), bytes, path: Some(path.to_owned()) }
    }

    fn failed(path: &Path, error: Error) -> Self {
        Self { name: path.display().to_string(), bytes: Err(error), path: None }
    }
}

/// What paths name, folders in the order of their names; `-` is read from `stream`.
pub fn read_all(paths: &[PathBuf], stream: &mut dyn Read) -> Vec<Source> {
    let mut sources = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            let bytes = read_stream(stream);
            sources.push(Source { name: "-".to_owned(), bytes, path: None });
        } else if path.is_dir() {
            match folder(path) {
                Ok(files) => sources.extend(files.iter().map(|file| Source::file(file))),
                Err(error) => sources.push(Source::failed(path, error)),
            }
        } else {
            sources.push(Source::file(path));
        }
    }
    sources
}

/// The bundles and fork proofs in a folder, which has at least one.
fn folder(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if study_folder(path)?.is_some() {
        let bundle = path.join(BUNDLE);
        return if bundle.is_file() {
            Ok(vec![bundle])
        } else {
            Err(Error::NotSigned { path: path.to_owned() })
        };
    }
    let unread = |source| Error::Folder { path: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unread)? {
        let file = entry.map_err(unread)?.path();
        if is_read_in_a_folder(&file) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() { Err(Error::Empty { path: path.to_owned() }) } else { Ok(files) }
}

/// Holds the files of a study's folder against its manifest; `None` if the folder is none. Of the files that lie there
/// one is a bundle.
///
/// # Errors
/// If a file is missing or was changed.
pub fn study_folder(path: &Path) -> Result<Option<StudyFolder>, Error> {
    let Ok(bytes) = fs::read(path.join(MANIFEST)) else { return Ok(None) };
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { return Ok(None) };
    if manifest.format != MANIFEST_FORMAT {
        return Ok(None);
    }
    for (name, expected) in &manifest.files {
        let file = path.join(name);
        let is_within = Path::new(name).components().all(|it| matches!(it, Component::Normal(_)));
        if !is_within || !file.is_file() {
            return Err(Error::StudyMissing { path: file });
        }
        let found = fs::File::open(&file).and_then(digest_of);
        let found = found.map_err(|source| Error::Folder { path: file.clone(), source })?;
        if found != *expected {
            return Err(Error::StudyChanged { path: file, expected: *expected, found });
        }
    }
    Ok(Some(StudyFolder { files: manifest.files.len() }))
}

/// The digest of a file, however long it is.
fn digest_of(mut file: fs::File) -> io::Result<Digest> {
    let (mut hasher, mut bytes) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut bytes)? {
            0 => break,
            read => hasher.update(bytes.get(..read).unwrap_or_default()),
        }
    }
    Ok(Digest::from_bytes(hasher.finalize().into()))
}

/// What a study's manifest says.
#[derive(Deserialize)]
struct Manifest {
    format: String,
    files: BTreeMap<String, Digest>,
}

/// Whether a file of a folder is taken for a bundle, an alarm or a fork proof, by its name.
#[must_use]
pub fn is_read_in_a_folder(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json" || extension == "fork")
}

fn read_stream(stream: &mut dyn Read) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut stream = stream.take(BUNDLE_BYTES_MAX as u64 + 1);
    stream.read_to_end(&mut bytes).map_err(Error::Stream)?;
    ensure_size("stdin", bytes)
}

/// The bytes of a bundle.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = chaos_files::read(path, BUNDLE_BYTES_MAX)?;
    ensure_size(&path.display().to_string(), bytes)
}

fn ensure_size(name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    if bytes.len() > BUNDLE_BYTES_MAX {
        return Err(Error::TooLarge { name: name.to_owned() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
