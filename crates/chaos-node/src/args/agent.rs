use std::path::PathBuf;

use chaos_chains::Address;
use chaos_types::ChainId;
use clap::{Args, Subcommand};

use super::{DataArgs, address};

const EXAMPLES: &str = "\
Examples:
  export CHAOSCHAIN_PASSWORD=...
  chaoschain agent register --name ada --role researcher
  chaoschain agent list
  chaoschain agent show ada
  chaoschain agent update ada --role core_developer
  chaoschain agent rotate ada
  chaoschain agent account ada --chain eip155:1 --account 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
  chaoschain agent revoke ada --reason 'key was on a stolen laptop'";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AgentArgs {
    #[command(subcommand)]
    pub(crate) command: AgentCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Make a key and enter an agent in the registry.
    Register(RegisterArgs),
    /// List all agents.
    List(ListArgs),
    /// Show one agent: profile, keys with their places in the log, scores, rewards.
    Show(ShowArgs),
    /// Give an agent another role or other capabilities, from the next entry on.
    Update(UpdateArgs),
    /// Move an agent to a fresh key; its old key signs nothing after that.
    Rotate(RotateArgs),
    /// Register the account of a chain at which an agent is paid, once the account has signed that it
    /// agrees. Without a signature or a keystore: print the text that it has to sign, and change nothing.
    Account(AccountArgs),
    /// Revoke an agent; its key signs nothing after that.
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// A name unique in this log: a-z, 0-9, `-` and `_`.
    #[arg(long)]
    pub(crate) name: String,
    /// The role in the studio, such as researcher or core_developer.
    #[arg(long)]
    pub(crate) role: String,
    /// The studio.
    #[arg(long, default_value = "governance")]
    pub(crate) studio: String,
    /// An action kind it may perform; may be repeated. Default: what the studio gives the role.
    #[arg(long = "capability", value_name = "KIND")]
    pub(crate) capabilities: Vec<String>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The agent's name or did:key.
    pub(crate) agent: String,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// The agent's name or did:key.
    pub(crate) agent: String,
    /// The role in the studio. Default: the one that it has.
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// The studio. Default: the one that it works in.
    #[arg(long)]
    pub(crate) studio: Option<String>,
    /// An action kind it may perform, in the place of those that it may; may be repeated. Default: what
    /// the studio gives the role, and for the log's operator every kind that this program knows.
    #[arg(long = "capability", value_name = "KIND")]
    pub(crate) capabilities: Vec<String>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// The agent's name.
    pub(crate) agent: String,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// The agent's name or did:key.
    pub(crate) agent: String,
    /// The chain, such as eip155:1.
    #[arg(long, value_name = "CAIP-2")]
    pub(crate) chain: ChainId,
    /// The account. It has a key: a contract can sign nothing. Default: the key's that signs here.
    #[arg(long, value_name = "ADDRESS", required_unless_present_any = ["keystore", "own_key"], value_parser = address)]
    pub(crate) account: Option<Address>,
    /// A file with the account's signature of the text (`personal_sign`; `cast wallet sign` and every wallet
    /// make it), or `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["keystore", "own_key"])]
    pub(crate) signature: Option<PathBuf>,
    /// The account's key is in CHAOSCHAIN_PRIVATE_KEY, to sign here.
    #[arg(long, conflicts_with = "keystore")]
    pub(crate) own_key: bool,
    /// The account's Ethereum keystore file, to sign here; its password comes from
    /// CHAOSCHAIN_KEYSTORE_PASSWORD.
    #[arg(long, value_name = "FILE")]
    pub(crate) keystore: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// The agent's name.
    pub(crate) agent: String,
    /// Why, for people.
    #[arg(long)]
    pub(crate) reason: String,
    /// Sign with the log operator's key, if the agent's own is lost.
    #[arg(long)]
    pub(crate) by_operator: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
