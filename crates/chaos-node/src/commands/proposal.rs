//! `chaoschain proposal`.

mod check;
mod submit;

use std::process::ExitCode;

use crate::{
    args::{ProposalArgs, ProposalCommand},
    exit::Failure,
};

pub(crate) fn run(args: &ProposalArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        ProposalCommand::Submit(args) => submit::run(args),
        ProposalCommand::Check(args) => check::run(args),
    }
}
