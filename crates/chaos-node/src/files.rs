//! Reading files that somebody else wrote.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
};

use anyhow::Context as _;

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
