mod check;

use std::path::PathBuf;

use chaos_chains::Address;
use clap::{Args, Subcommand};

pub(crate) use self::check::ProposalCheckArgs;
use super::{SendArgs, address};

const EXAMPLES: &str = "\
Examples:
  chaoschain proposal submit proposal/proposal.json --agent linus --rpc-url http://127.0.0.1:8545 --dry-run
  chaoschain proposal submit proposal/proposal.json --agent linus --chain-config sepolia.toml";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProposalArgs {
    #[command(subcommand)]
    pub(crate) command: ProposalCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProposalCommand {
    /// Put a finished proposal on record in a ProposalEndpoint, signed for this chain and sender, and log
    /// it once that is as sure as --finality asks.
    Submit(SubmitArgs),
    /// Run what somebody proposes on recorded or live state, and say what it does.
    Check(ProposalCheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// The proposal.json that `propose` wrote.
    #[arg(value_name = "FILE")]
    pub(crate) proposal: PathBuf,
    /// The name of the registered agent that drafted it.
    #[arg(long, value_name = "NAME", default_value = "developer")]
    pub(crate) agent: String,
    /// The ProposalEndpoint; otherwise the deployment file says where it is.
    #[arg(long, value_name = "CONTRACT", value_parser = address)]
    pub(crate) endpoint: Option<Address>,
    /// What `chain deploy` wrote.
    #[arg(long, value_name = "FILE", default_value = "deployment.json")]
    pub(crate) deployment: PathBuf,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}
