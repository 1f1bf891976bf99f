use std::path::PathBuf;

use chaos_chains::Address;
use clap::{Args, Subcommand, ValueEnum};

use super::{ChainArgs, KeyArgs, SendArgs, address};

const EXAMPLES: &str = "\
Examples:
  chaoschain chain doctor --rpc-url http://127.0.0.1:8545
  chaoschain chain doctor --chain-config sepolia.toml \\
    --account 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --json
  chaoschain chain deploy --rpc-url http://127.0.0.1:8545 --keystore deploy.json --dry-run
  chaoschain chain deploy endpoint distributor --chain-config sepolia.toml --keystore deploy.json

A chain file is TOML: version = 1, id (\"eip155:1337\"), genesis (the first block's hash), endpoints (1 to 8
URLs), block_time_ms, finality (\"named\", or \"included:N\" where a block stays once it is under N), explorer.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ChainCommands {
    #[command(subcommand)]
    pub(crate) command: ChainCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChainCommand {
    /// Ask a node for everything that is needed later, before anything is paid. Exits with 4 if something is
    /// missing, or was not asked.
    Doctor(Box<DoctorArgs>),
    /// Deploy our contracts, all or some, and write where they are.
    Deploy(Box<DeployArgs>),
}

/// What a doctor looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WorkKind {
    Deploy,
    Vote,
    Pay,
    Anchor,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    /// Who would pay. Without it, and without a key, the balance is not asked.
    #[arg(long, value_name = "ACCOUNT", value_parser = address, conflicts_with_all = ["keystore", "signer_account", "signer"])]
    pub(crate) account: Option<Address>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// The highest fee for a unit of gas, tip included, in gwei.
    #[arg(long, value_name = "GWEI", default_value = "100", allow_hyphen_values = true)]
    pub(crate) max_fee: String,
    /// What the exit code is about, which is everything otherwise.
    #[arg(long = "for", value_name = "WORK", value_enum, value_delimiter = ',')]
    pub(crate) works: Vec<WorkKind>,
    /// Print JSON, one object per finding and one per work.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be deployed by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PartKind {
    /// CheckpointRegistry, at one address on every chain.
    Registry,
    /// ChaosToken, ChaosGovernor with its timelock, ParameterRegistry.
    Governor,
    /// ProposalEndpoint.
    Endpoint,
    /// RewardDistributor.
    Distributor,
}

#[derive(Debug, Args)]
#[command(mut_arg("json", |json| json.help("Print JSON, one object per contract")))]
pub(crate) struct DeployArgs {
    /// Which parts; all of them otherwise.
    #[arg(value_enum, value_name = "PART")]
    pub(crate) parts: Vec<PartKind>,
    /// The file of addresses, code hashes and transactions. What it has is not deployed again.
    #[arg(long, value_name = "FILE", default_value = "deployment.json")]
    pub(crate) deployment: PathBuf,
    /// Deploy although the account made the same from another data directory.
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) terms: TermsArgs,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

/// The terms of a governor that is deployed.
#[derive(Debug, Args)]
pub(crate) struct TermsArgs {
    /// A token with votes that is there already; otherwise ChaosToken is deployed.
    #[arg(long, value_name = "CONTRACT", value_parser = address, conflicts_with = "supply")]
    pub(crate) token: Option<Address>,
    /// Whole tokens of ChaosToken, which the deployer gets; a million by default.
    #[arg(long, value_name = "TOKENS")]
    pub(crate) supply: Option<u64>,
    /// Blocks between a proposal and the start of its vote; 1 by default.
    #[arg(long, value_name = "BLOCKS")]
    pub(crate) voting_delay: Option<u32>,
    /// Blocks that a vote lasts, at least 1; 20 by default, which is for trying.
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) voting_period: Option<u32>,
    /// Whole tokens that it takes to propose, at least 1; 1 by default.
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) threshold: Option<u64>,
    /// Share of the supply that must take part, in percent; 4 by default.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) quorum: Option<u8>,
    /// Seconds that a passed vote waits before it can be executed; 60 by default, which is for trying.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timelock: Option<u32>,
}
