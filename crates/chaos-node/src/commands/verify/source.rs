//! Where bundles come from: files, folders of files, and stdin.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::exit::{Failure, Kind, OrFail as _};

/// A bundle larger than this is refused: 16 MiB.
const BUNDLE_BYTES_MAX: usize = 16 << 20;

/// The bytes of what should be a bundle.
pub(super) struct Source {
    /// As people read it.
    pub(super) name: String,
    /// The bytes, or why they could not be read.
    pub(super) bytes: Result<Vec<u8>, Failure>,
    /// Where the file is, if it is one.
    pub(super) path: Option<PathBuf>,
}

impl Source {
    fn file(path: &Path) -> Self {
        let bytes = read(path);
        Self { name: path.display().to_string(), bytes, path: Some(path.to_owned()) }
    }

    fn failed(path: &Path, failure: Failure) -> Self {
        Self { name: path.display().to_string(), bytes: Err(failure), path: None }
    }
}

/// What the command line names, folders in the order of their names.
pub(super) fn of(paths: &[PathBuf]) -> Vec<Source> {
    paths.iter().flat_map(|path| one(path)).collect()
}

fn one(path: &Path) -> Vec<Source> {
    if path == Path::new("-") {
        return vec![Source { name: "-".to_owned(), bytes: stdin(), path: None }];
    }
    if !path.is_dir() {
        return vec![Source::file(path)];
    }
    match folder(path) {
        Ok(files) => files.iter().map(|file| Source::file(file)).collect(),
        Err(failure) => vec![Source::failed(path, failure)],
    }
}

/// The bundles and fork proofs in a folder, which has at least one.
fn folder(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unread = || format!("cannot read the folder {}", path.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(unread).or_fail(Kind::Input)? {
        let file = entry.with_context(unread).or_fail(Kind::Input)?.path();
        if file.extension().is_some_and(|extension| extension == "json" || extension == "fork") {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        let reason = format!("the folder {} holds no *.json and no *.fork", path.display());
        return Err(Failure::message(Kind::Input, reason));
    }
    Ok(files)
}

fn stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(BUNDLE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .context("cannot read stdin")
        .or_fail(Kind::Input)?;
    ensure_size("stdin", bytes)
}

/// The bytes of a bundle.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = chaos_files::read(path, BUNDLE_BYTES_MAX)?;
    ensure_size(&path.display().to_string(), bytes)
}

fn ensure_size(name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if bytes.len() > BUNDLE_BYTES_MAX {
        let reason = format!("{name} is larger than a bundle, at most {BUNDLE_BYTES_MAX} bytes");
        return Err(Failure::message(Kind::Input, reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
