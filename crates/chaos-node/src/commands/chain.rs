//! `chaoschain chain`.

mod deploy;
mod doctor;

use std::process::ExitCode;

use crate::{
    args::{ChainCommand, ChainCommands},
    exit::Failure,
};

pub(crate) fn run(args: &ChainCommands) -> Result<ExitCode, Failure> {
    match &args.command {
        ChainCommand::Doctor(args) => doctor::run(args),
        ChainCommand::Deploy(args) => deploy::run(args),
    }
}
