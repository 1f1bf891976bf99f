use std::path::PathBuf;

use chaos_chains::{Address, Support, U256};
use clap::{Args, Subcommand, ValueEnum};

use super::{ChainArgs, ReadArgs, SendArgs, WaitArgs, address};

const EXAMPLES: &str = "\
Examples:
  chaoschain vote delegate --rpc-url http://127.0.0.1:8545
  chaoschain vote open proposal/proposal.json --rpc-url http://127.0.0.1:8545
  chaoschain vote cast for --rpc-url http://127.0.0.1:8545 --reason 'the simulation repeats'
  chaoschain vote watch --rpc-url http://127.0.0.1:8545
  chaoschain vote execute --rpc-url http://127.0.0.1:8545

Any governor's vote, of OpenZeppelin's kind or Compound's:
  chaoschain vote observe --governor 0x408ED6354d4973f66138C91495F2f2FCbd8724C3 --id 1 --rpc-url URL";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VoteArgs {
    #[command(subcommand)]
    pub(crate) command: VoteCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VoteCommand {
    /// Let an account's tokens count as votes, its own or another's. Votes count from the next block on.
    Delegate(DelegateArgs),
    /// Open a vote on the call that carries a proposal out, and write vote.json.
    Open(OpenArgs),
    /// Cast a vote; waits until votes are taken.
    Cast(CastArgs),
    /// Follow a vote until it has ended.
    Watch(WatchArgs),
    /// Carry out a vote that passed: queue it, wait for the timelock, execute it, read what it set.
    Execute(ExecuteArgs),
    /// Read a vote of any governor in a block that stays, and log how it ended.
    Observe(ObserveArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DelegateArgs {
    /// Whose votes they become; the account's own otherwise.
    #[arg(long, value_name = "ACCOUNT", value_parser = address)]
    pub(crate) to: Option<Address>,
    /// What `chain deploy` wrote.
    #[arg(long, value_name = "FILE", default_value = "deployment.json")]
    pub(crate) deployment: PathBuf,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// The proposal.json that `propose` wrote.
    #[arg(value_name = "FILE")]
    pub(crate) proposal: PathBuf,
    /// What `chain deploy` wrote.
    #[arg(long, value_name = "FILE", default_value = "deployment.json")]
    pub(crate) deployment: PathBuf,
    /// The file to write: the vote with its call and text, for whoever casts, watches or executes.
    #[arg(long, value_name = "FILE", default_value = "vote.json")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

/// A vote by its file, which somebody else may have written, and the governor in which votes count.
#[derive(Debug, Args)]
pub(crate) struct VoteFileArgs {
    /// What `vote open` wrote.
    #[arg(long, value_name = "FILE", default_value = "vote.json")]
    pub(crate) vote: PathBuf,
    /// The deployment whose governor you vote in, as `chain deploy` wrote it. A vote of another governor, or on
    /// another registry, is refused.
    #[arg(long, value_name = "FILE", default_value = "deployment.json")]
    pub(crate) deployment: PathBuf,
    /// The governor that you vote in, in place of the deployment's.
    #[arg(long, value_name = "CONTRACT", value_parser = address)]
    pub(crate) governor: Option<Address>,
    /// The registry whose parameters its votes set, in place of the deployment's.
    #[arg(long, value_name = "CONTRACT", value_parser = address)]
    pub(crate) registry: Option<Address>,
}

/// A choice in a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SupportKind {
    For,
    Against,
    Abstain,
}

impl SupportKind {
    pub(crate) const fn support(self) -> Support {
        match self {
            Self::For => Support::For,
            Self::Against => Support::Against,
            Self::Abstain => Support::Abstain,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CastArgs {
    /// The choice.
    #[arg(value_enum, value_name = "CHOICE")]
    pub(crate) support: SupportKind,
    /// Why, for everybody to read on the chain.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) vote: VoteFileArgs,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) vote: VoteFileArgs,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    /// How long to follow it, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    pub(crate) wait: u64,
    /// Print JSON, one object for each change.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExecuteArgs {
    #[command(flatten)]
    pub(crate) vote: VoteFileArgs,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ObserveArgs {
    /// The governor, on your word; otherwise the vote file and the deployment say which.
    #[arg(long, value_name = "CONTRACT", value_parser = address, requires = "id")]
    pub(crate) governor: Option<Address>,
    /// The proposal's number there, decimal or 0x and hexadecimal.
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = number,
        requires = "governor",
        // What conflicts with --governor lifts that it is required.
        conflicts_with_all = ["vote", "deployment"]
    )]
    pub(crate) id: Option<U256>,
    /// What `vote open` wrote.
    #[arg(long, value_name = "FILE", default_value = "vote.json", conflicts_with = "governor")]
    pub(crate) vote: PathBuf,
    /// The deployment whose governor that vote has to be of, as `chain deploy` wrote it.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "deployment.json",
        conflicts_with = "governor"
    )]
    pub(crate) deployment: PathBuf,
    /// Log the outcome, as the operator, of the submission with this receipt. The block has to be as sure
    /// as --finality asks.
    #[arg(long, value_name = "RECEIPT")]
    pub(crate) submission: Option<chaos_types::Digest>,
    /// Log it on this node's word, where the node proves no state or the governor cannot be asked on it.
    #[arg(long, requires = "submission")]
    pub(crate) without_proof: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// A number of 256 bits.
fn number(text: &str) -> Result<U256, String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let parsed = text.parse().ok().filter(|_| is_number && !text.is_empty());
    parsed.ok_or_else(|| "expected a decimal number, or 0x and hex digits".to_owned())
}
