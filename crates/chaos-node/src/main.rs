//! The `chaoschain` program: parse, run, report.

mod args;
mod blocks;
mod chains;
mod clock;
mod commands;
mod exit;
mod folders;
mod kinds;
mod ledger;
mod narration;
mod output;
mod runtime;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{args::Command, exit::Failure};

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return exit::usage(&error),
    };
    let code = match run(args) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    };
    exit::ended(code)
}

fn run(args: args::Args) -> Result<ExitCode, Failure> {
    match args.command {
        Command::Demo(args) => commands::demo::run(&args),
        Command::Replay(args) => commands::replay::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::Simulate(args) => commands::simulate::run(&args),
        Command::Diff(args) => commands::diff::run(&args),
        Command::Validate(args) => commands::validate::run(&args),
        Command::FeeHistory(args) => commands::fee_history::run(&args),
        Command::Chains(args) => commands::chains::run(&args),
        Command::Backtest(args) => commands::backtest::run(&args),
        Command::Propose(args) => commands::propose::run(&args),
        Command::Run(args) => commands::run::run(&args),
        Command::Verify(args) => commands::verify::run(&args),
        Command::Attest(args) => commands::attest::run(&args),
        Command::Agent(args) => commands::agent::run(&args),
        Command::Log(args) => commands::log::run(&args),
        Command::Anchor(args) => commands::anchor::run(&args),
        Command::Tx(args) => commands::tx::run(&args),
        Command::Chain(args) => commands::chain::run(&args),
        Command::Proposal(args) => commands::proposal::run(&args),
        Command::Pay(args) => commands::pay::run(&args),
        Command::Vote(args) => commands::vote::run(&args),
        Command::Witness(args) => commands::witness::run(&args),
        Command::Broker(args) => commands::broker::run(&args),
        Command::Executor(args) => commands::executor::run(*args),
        Command::Service(args) => commands::secret::run_service(*args),
        Command::Secret(args) => commands::secret::run(*args),
        Command::Lease(args) => commands::secret::run_lease(*args),
    }
}
