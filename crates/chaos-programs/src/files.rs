//! Files that a program reads and leaves.

use std::{fs, io, path::Path};

use crate::Error;

/// Reads a regular file: a pipe among files that somebody else packed would be waited for without end.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let is_file = fs::metadata(path).map(|found| found.is_file());
    let read = is_file.and_then(|is_file| {
        if is_file { fs::read(path) } else { Err(io::Error::other("not a regular file")) }
    });
    read.map_err(|source| Error::Read { path: path.to_owned(), source })
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
