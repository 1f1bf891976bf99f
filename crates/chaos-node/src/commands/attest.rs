//! `chaoschain attest`.

mod allowlist;
mod quote;
mod verify;

use std::process::ExitCode;

use crate::{
    args::{AttestArgs, AttestCommand},
    exit::Failure,
};

pub(crate) fn run(args: &AttestArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        AttestCommand::Verify(args) => verify::run(args),
        AttestCommand::Quote(args) => quote::run(args),
        AttestCommand::Allowlist(args) => allowlist::run(args),
    }
}
