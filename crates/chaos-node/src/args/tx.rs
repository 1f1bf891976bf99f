use std::path::PathBuf;

use chaos_chains::sending::{Finality, Which};
use clap::{Args, Subcommand};

use super::DataArgs;

const EXAMPLES: &str = "\
What is sent to a chain is kept in the folder `transactions` of the data directory before it leaves, so
that a command that was killed or lost its patience is gone on with instead of paid for again.

Examples:
  chaoschain tx list --rpc-url http://127.0.0.1:8545
  chaoschain tx resume --rpc-url http://127.0.0.1:8545 --finality safe
  chaoschain tx bump 17 --rpc-url http://127.0.0.1:8545 --keystore anchor.json --dry-run
  chaoschain tx cancel 0x5e1d3a7f --rpc-url http://127.0.0.1:8545 --keystore anchor.json";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TxArgs {
    #[command(subcommand)]
    pub(crate) command: TxCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TxCommand {
    /// List what is open, where it stands on the chain now.
    List(TxListArgs),
    /// Send what is open again, the same bytes, and wait until it is as sure as --finality asks. Needs no
    /// key.
    Resume(TxResumeArgs),
    /// Sign one again for at least an eighth more, so that it lands.
    Bump(TxBumpArgs),
    /// Sign a transfer of nothing in the place of one, so that it can no longer land, and say which did.
    Cancel(TxCancelArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TxListArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    /// Also what has ended.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON, one object per transaction.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TxResumeArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON, one object per transaction.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TxBumpArgs {
    /// Its nonce, or its hash or the first 8 digits of it.
    pub(crate) transaction: Which,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeystoreArgs,
    #[command(flatten)]
    pub(crate) spend: SpendArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TxCancelArgs {
    /// Its nonce, or its hash or the first 8 digits of it.
    pub(crate) transaction: Which,
    /// You vouch that the chain it was sent to is gone, as a local one that was started anew: strike it and
    /// everything else that the account sent there from the journal, without sending anything. The endpoint
    /// is of another chain.
    #[arg(long, conflicts_with_all = ["dry_run", "keystore"])]
    pub(crate) gone: bool,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeystoreArgs,
    #[command(flatten)]
    pub(crate) spend: SpendArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A node of a chain.
#[derive(Debug, Args)]
pub(crate) struct ChainArgs {
    /// The chain's JSON-RPC endpoint.
    #[arg(long, value_name = "URL", required_unless_present = "chain_config")]
    pub(crate) rpc_url: Option<String>,
    /// A file that describes the chain: its first block, its endpoints, and when its blocks stay.
    /// `chaoschain chain --help` says what it holds.
    #[arg(long, value_name = "FILE", conflicts_with = "rpc_url")]
    pub(crate) chain_config: Option<PathBuf>,
    /// The chain it must be, such as eip155:1; otherwise whatever the endpoint serves.
    #[arg(long, value_name = "CAIP-2")]
    pub(crate) chain: Option<String>,
}

/// The key of the account that sends.
#[derive(Debug, Args)]
pub(crate) struct KeystoreArgs {
    /// An Ethereum keystore file; its password comes from CHAOSCHAIN_KEYSTORE_PASSWORD. Without it
    /// the key comes from CHAOSCHAIN_PRIVATE_KEY.
    #[arg(long, value_name = "FILE")]
    pub(crate) keystore: Option<PathBuf>,
}

/// What a transaction may cost, whatever a node says, and when it counts.
#[derive(Debug, Args)]
pub(crate) struct SpendArgs {
    /// The highest fee for a unit of gas, tip included, in gwei.
    #[arg(long, value_name = "GWEI", default_value = "100", allow_hyphen_values = true)]
    pub(crate) max_fee: String,
    /// The highest tip for a unit of gas, in gwei.
    #[arg(long, value_name = "GWEI", default_value = "3", allow_hyphen_values = true)]
    pub(crate) max_tip: String,
    /// The highest cost of one transaction, in the chain's coin.
    #[arg(long, value_name = "COIN", default_value = "0.02", allow_hyphen_values = true)]
    pub(crate) max_cost: String,
    /// Show what would be sent and what it would cost. Nothing is signed or written.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// When what was sent counts, and how long to wait for that.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct WaitArgs {
    /// How sure it has to be that a block stays: `final`, `safe`, `included`, or `included:N` for N blocks
    /// from its own to the newest. Where the chain names no final block, 64 blocks stand for one, and 32
    /// for a safe one.
    #[arg(long, value_name = "FINALITY", default_value = "final")]
    pub(crate) finality: Finality,
    /// How long to wait for that, in seconds. What was sent stays in the journal, and the same command
    /// goes on with it.
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    pub(crate) wait: u64,
}
