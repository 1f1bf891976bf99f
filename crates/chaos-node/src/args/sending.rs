use std::path::PathBuf;

use chaos_chains::{Address, B256, sending::Finality};
use clap::Args;

use super::{DataArgs, address};

/// What every command has that sends to a chain.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) spend: SpendArgs,
    /// A transaction of which you have seen elsewhere than at this node, in a block, that it took its nonce and
    /// did nothing of what was meant: it was reverted, is a cancel, or is another's. What that nonce was for is
    /// signed anew; without this word it is not, since a node that lies would have it paid twice. One that is not
    /// known elsewhere is no such transaction. The other endpoints of a chain file have to show the same. May be
    /// repeated.
    #[arg(long, value_name = "HASH")]
    pub(crate) anew: Vec<B256>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a command has that reads a chain and the data directory.
#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
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
#[derive(Args)]
pub(crate) struct KeyArgs {
    /// An Ethereum keystore file; its password comes from CHAOSCHAIN_KEYSTORE_PASSWORD. Without it
    /// the key comes from CHAOSCHAIN_PRIVATE_KEY.
    #[arg(long, value_name = "FILE")]
    pub(crate) keystore: Option<PathBuf>,
    /// The account whose key a remote signer has, which is asked for each signature in place of a key here.
    #[arg(long, value_name = "ACCOUNT", value_parser = address, conflicts_with = "keystore")]
    pub(crate) signer_account: Option<Address>,
    /// With --signer-account: the remote signer, which answers eth_signTransaction as Web3Signer does. A URL
    /// with a password in it is better kept in CHAOSCHAIN_SIGNER, which is read otherwise.
    #[arg(long, value_name = "URL", requires = "signer_account", conflicts_with = "keystore")]
    pub(crate) signer: Option<String>,
}

impl std::fmt::Debug for KeyArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyArgs")
            .field("signer_account", &self.signer_account)
            .finish_non_exhaustive()
    }
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
    /// The highest cost of all that the account sends from this data directory within 24 hours, in the chain's
    /// coin; without it there is none. Each transaction counts with its worst case, also once it landed.
    #[arg(long, value_name = "COIN", allow_hyphen_values = true)]
    pub(crate) max_per_day: Option<String>,
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
