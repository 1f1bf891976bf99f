//! Files that a program reads and leaves.

use std::{fs, io, path::Path};

use crate::Error;

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// Writes a file and the folders above it. What a run leaves can be made again, so it is not synced.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_whole(path, bytes).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// As [`write()`], with what the system says.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| chaos_files::write_unsynced(path, bytes))
}
