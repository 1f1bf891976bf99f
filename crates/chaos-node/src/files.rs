//! Files that somebody else wrote, read up to a limit, and files that are written whole.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::Path,
};

use anyhow::Context as _;
use zeroize::Zeroizing;

use crate::exit::{Failure, Kind, OrFail as _};

/// The bytes of a regular file, up to one more than `bytes_max`, so that whoever parses them can say
/// that they are too many. A device or a pipe may never end, so only regular files are read.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let cannot = || format!("cannot read {}", path.display());
    if !fs::metadata(path).with_context(cannot).or_fail(Kind::Input)?.is_file() {
        return Err(Failure::message(
            Kind::Input,
            format!("{} is not a regular file", path.display()),
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bytes_max as u64 + 1).read_to_end(&mut bytes))
        .with_context(cannot)
        .or_fail(Kind::Input)?;
    Ok(bytes)
}

/// As [`read`], of a file that holds a secret: the bytes are overwritten when dropped, and a file
/// that is too long is refused.
pub(crate) fn read_secret(path: &Path, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let bytes = Zeroizing::new(read(path, bytes_max)?);
    if bytes.len() <= bytes_max {
        return Ok(bytes);
    }
    Err(Failure::message(
        Kind::Input,
        format!("{} is longer than {bytes_max} bytes, the limit", path.display()),
    ))
}

/// Reads to the end, or `None` if there is more than `bytes_max` bytes. No copy of the bytes is left
/// behind.
pub(crate) fn take(
    reader: impl std::io::Read,
    bytes_max: usize,
) -> std::io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(bytes_max + 1));
    reader.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= bytes_max).then_some(bytes))
}

/// Writes a file that only its owner may read. It is synced under another name first, so that a
/// kill leaves the whole file or none.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension("part");
    match fs::remove_file(&part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes renames in a folder last.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}
