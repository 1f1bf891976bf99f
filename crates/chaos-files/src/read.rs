use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refuses.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is a folder, a device or a pipe.
    #[error("{path} is not a regular file", path = path.display())]
    NotRegular {
        /// What is there.
        path: PathBuf,
    },
    /// It is longer than it may be.
    #[error("{path} is longer than {bytes_max} bytes, the limit", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        bytes_max: usize,
    },
}

/// The bytes of a regular file, up to one more than `bytes_max`, so that whoever parses them can say
/// that they are too many. A device or a pipe may never end, so only regular files are read.
///
/// # Errors
/// If the file is not regular or the system refuses.
pub fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let cannot = |source| Error::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(Error::NotRegular { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bytes_max as u64 + 1).read_to_end(&mut bytes))
        .map_err(cannot)?;
    Ok(bytes)
}

/// As [`read`], of a file that holds a secret: the bytes are overwritten when dropped, and a file
/// that is too long is refused.
///
/// # Errors
/// As [`read`], and if there are more than `bytes_max` bytes.
pub fn read_secret(path: &Path, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let bytes = Zeroizing::new(read(path, bytes_max)?);
    if bytes.len() <= bytes_max {
        return Ok(bytes);
    }
    Err(Error::TooLong { path: path.to_owned(), bytes_max })
}

/// Reads to the end, or `None` if there is more than `bytes_max` bytes. No copy of the bytes is left
/// behind.
///
/// # Errors
/// If the reader fails.
pub fn take(reader: impl Read, bytes_max: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(bytes_max + 1));
    reader.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= bytes_max).then_some(bytes))
}
