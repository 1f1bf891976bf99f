use std::path::PathBuf;

use chaos_chains::{Address, B256, U256};
use clap::{ArgGroup, Args};

use crate::args::{DataArgs, address};

const CHECK_EXAMPLES: &str = "\
The calls are run one after the other, in one transaction, by the account that holds the powers, on
the state that a block left. Nothing is sent. The exit code is 0 if all calls succeed, 1 if one fails.

Examples:
  chaoschain proposal check --governor ADDRESS --id 17 --rpc-url URL
  chaoschain proposal check --calls calls.json --rpc-url URL --block 19000000 --out checked
  chaoschain proposal check --recorded checked/recording.json.gz --chain eip155:1 --block-hash HASH

A file of calls:
  {\"format\": \"chaoschain-calls/1\", \"sender\": \"0x…\", \"description\": \"…\",
   \"calls\": [{\"target\": \"0x…\", \"value\": \"0\", \"calldata\": \"0x…\"}]}";

#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
#[command(group(ArgGroup::new("node").args(["rpc_url", "chain_config"])))]
#[command(group(ArgGroup::new("what").required(true).args(["calls", "governor", "recorded"])))]
pub(crate) struct ProposalCheckArgs {
    /// A file of calls.
    #[arg(long, value_name = "FILE", requires = "node")]
    pub(crate) calls: Option<PathBuf>,
    /// The governor that has the proposal: OpenZeppelin's or Compound's kind.
    #[arg(long, value_name = "ADDRESS", value_parser = address, requires_all = ["id", "node"])]
    pub(crate) governor: Option<Address>,
    /// The proposal's number there.
    #[arg(long, value_name = "N", requires = "governor", conflicts_with_all = ["calls", "recorded"])]
    pub(crate) id: Option<U256>,
    /// A recording that --out wrote: it is run again, and no node is asked.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["node", "block", "sender", "sent_along", "abi"])]
    pub(crate) recorded: Option<PathBuf>,
    /// The JSON-RPC endpoint of a node that gives state proofs (eth_getProof).
    #[arg(long, value_name = "URL")]
    pub(crate) rpc_url: Option<String>,
    /// A file that describes the chain: its first block and its endpoints, of which the first that answers is asked.
    /// `chaoschain chain --help` says what it holds.
    #[arg(long, value_name = "FILE")]
    pub(crate) chain_config: Option<PathBuf>,
    /// The chain it must be, such as eip155:1; otherwise whatever the endpoint serves, or the recording's author
    /// wrote: no block proves the number of its chain.
    #[arg(long, value_name = "CAIP-2")]
    pub(crate) chain: Option<String>,
    /// The block after which the calls are made; the newest without it.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) block: Option<u64>,
    /// The hash that the block must have, as somebody who knows the chain says.
    #[arg(long, value_name = "HASH")]
    pub(crate) block_hash: Option<B256>,
    /// The rules of a chain whose schedule of forks is not known: osaka, prague, cancun, shanghai, paris or
    /// london. A recording has to name the same.
    #[arg(long, value_name = "NAME")]
    pub(crate) fork: Option<String>,
    /// Who makes the calls, in the place of whom the governor (its timelock, or itself) or the file names.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) sender: Option<Address>,
    /// Wei that whoever executes the proposal sends along. What the calls of a governor of Compound's kind send is
    /// brought in any case.
    #[arg(long, value_name = "WEI")]
    pub(crate) sent_along: Option<U256>,
    /// An ABI that you vouch for: FILE for every address, or ADDRESS=FILE. May be repeated.
    #[arg(long, value_name = "[ADDRESS=]FILE")]
    pub(crate) abi: Vec<String>,
    /// A folder to write: review.json, recording.json.gz, which anybody runs again, and report.html.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// A copy of a log, which is asked for studies of the parameters that are set: a mirror's folder, or the log's
    /// own data directory; default --data, and with --agent that alone.
    #[arg(long, value_name = "DIR", conflicts_with = "agent")]
    pub(crate) log_dir: Option<PathBuf>,
    /// The name of the registered agent that signs a receipt of what was found; it needs the capability
    /// check_proposal. Without it nothing is signed.
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Also write the receipt's bundle, which `chaoschain verify` checks and runs again.
    #[arg(long, value_name = "FILE", requires = "agent")]
    pub(crate) bundle: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print the review as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
