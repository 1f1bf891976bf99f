use chaos_chains::sending::Which;
use clap::{Args, Subcommand};

use super::{DataArgs, ReadArgs, SendArgs, WaitArgs};

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
    /// Sign one again for at least an eighth more, so that it lands. Of one that was cancelled that is the
    /// cancel.
    Bump(TxBumpArgs),
    /// Sign a transfer of nothing in the place of one, so that it can no longer land, and say which did. Before a
    /// gap it takes the account's next nonce, so that what is behind can land.
    Cancel(TxCancelArgs),
    /// Put right what a flipped bit damaged in the journal, as its signatures show. Asks no node.
    Repair(TxRepairArgs),
}

#[derive(Debug, Args)]
#[command(mut_arg("json", |json| json.help("Print JSON, one object per transaction")))]
pub(crate) struct TxListArgs {
    /// Also what has ended.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Debug, Args)]
#[command(mut_arg("json", |json| json.help("Print JSON, one object per transaction")))]
pub(crate) struct TxResumeArgs {
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TxRepairArgs {
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
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TxCancelArgs {
    /// Its nonce, or its hash or the first 8 digits of it.
    pub(crate) transaction: Which,
    /// You vouch that the chain it was sent to is gone, as a local one that was started anew: strike it and
    /// everything else that the account sent there from the journal, without sending anything. The endpoint
    /// is of another chain.
    #[arg(long, conflicts_with_all = ["dry_run", "keystore", "signer_account", "signer"])]
    pub(crate) gone: bool,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}
