//! `chaoschain attest`.

mod allowlist;
mod quote;
mod verify;

use std::{fs, io::Read as _, path::Path, process::ExitCode};

use anyhow::Context as _;

use crate::{
    args::{AttestArgs, AttestCommand},
    exit::{Failure, Kind, OrFail as _},
};

pub(crate) fn run(args: &AttestArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        AttestCommand::Verify(args) => verify::run(args),
        AttestCommand::Quote(args) => quote::run(args),
        AttestCommand::Allowlist(args) => allowlist::run(args),
    }
}

/// The bytes of a regular file, at most one more than `bytes_max`: what reads them says that they
/// are too many.
fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let cannot = || format!("cannot read {}", path.display());
    if !fs::metadata(path).with_context(cannot).or_fail(Kind::Input)?.is_file() {
        return Err(Failure::message(
            Kind::Input,
            format!("{} is not a regular file", path.display()),
        ));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(bytes_max as u64 + 1).read_to_end(&mut bytes))
        .with_context(cannot)
        .or_fail(Kind::Input)?;
    Ok(bytes)
}
