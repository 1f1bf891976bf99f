use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use chaos_chains::RpcLimits;
use chaos_evm::Hardfork;
use clap::{Args, ValueEnum};

use super::{BLOCKS, BlockSource, ChainConfigArgs};

/// Where the state of live blocks comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateFrom {
    /// One question per account and slot, in batches; every archive node answers them.
    #[default]
    Rpc,
    /// debug_traceBlock with prestateTracer; the rest is asked for.
    Trace,
    /// debug_executionWitness, proven against the parent's state root.
    #[value(name = "proof", alias = "witness")]
    StateProof,
}

/// How a node is asked.
#[derive(Debug, Clone, Args)]
pub(crate) struct NodeArgs {
    /// With --rpc-url: where the state of a block comes from.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "SOURCE",
        requires = "rpc_url",
        conflicts_with = "blocks"
    )]
    pub(crate) state_from: StateFrom,
    /// With --rpc-url: ask at most this many questions per second.
    #[arg(long, value_name = "N", requires = "rpc_url", conflicts_with = "blocks")]
    pub(crate) requests_per_second: Option<NonZeroU32>,
    /// With --rpc-url: seconds to wait for one answer.
    #[arg(long, value_name = "SECONDS", default_value = "30", requires = "rpc_url",
          conflicts_with = "blocks",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) request_timeout: u64,
}

impl NodeArgs {
    pub(crate) fn limits(&self) -> RpcLimits {
        RpcLimits {
            requests_per_second: self.requests_per_second,
            request_timeout: Duration::from_secs(self.request_timeout),
            ..RpcLimits::patient()
        }
    }
}

const EXPORT_EXAMPLES: &str = "\
Examples:
  chaoschain export --rpc-url URL --range 19000000..=19000099 --out recorded
  chaoschain replay --blocks recorded

Select and pack blocks that are recorded already:
  chaoschain export --blocks DIR --range 15000000..=19000000 --out selected

A long fee history, without transactions or state; goes on where it was killed:
  chaoschain export --headers-only --rpc-url URL --range 12965000..=12999999 --out fees
  chaoschain simulate --blocks DIR --set gas-limit=45000000 --fee-history fees/fee-history.csv

Every block is executed before it is written. Blocks that differ from their headers are written as well,
named, and the exit code is 1; it is 3 if none could be compared.

The folder: blocks/<number>.json.gz, bytecodes.json.gz, fee-history.csv,
manifest.json.";

#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(crate) struct ExportArgs {
    /// Recorded blocks: a folder with blocks/ and bytecodes.json.gz, or a folder of such folders.
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "rpc_url",
        required_unless_present = "rpc_url"
    )]
    pub(crate) blocks: Option<PathBuf>,
    /// Live blocks from a JSON-RPC endpoint.
    #[arg(long, value_name = "URL")]
    pub(crate) rpc_url: Option<String>,
    /// Which blocks, as FIRST..=LAST; with --rpc-url also N for the latest N. Default all recorded
    /// ones, or the latest 32.
    #[arg(long, value_name = "RANGE")]
    pub(crate) range: Option<String>,
    /// With --rpc-url: where what was fetched is kept; an export that was killed goes on from it.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "chaoschain-cache",
        requires = "rpc_url",
        conflicts_with = "blocks"
    )]
    pub(crate) cache: PathBuf,
    /// The chain, by name (base) or number (eip155:8453). Needed where a folder holds several.
    #[arg(long, value_name = "CHAIN")]
    pub(crate) chain: Option<String>,
    #[command(flatten)]
    pub(crate) config: ChainConfigArgs,
    /// The rules of the blocks, in the place of the chain's own schedule of forks: frontier, homestead,
    /// tangerine, spurious-dragon, byzantium, petersburg, istanbul, berlin, london, paris, shanghai, cancun,
    /// prague, osaka, bpo1 or bpo2. Needed for a chain whose schedule is not known, and for a local node
    /// that was started with another fork than the newest; exported blocks remember it.
    #[arg(long, value_name = "FORK", conflicts_with = "headers_only")]
    pub(crate) hardfork: Option<Hardfork>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Only number, time, gas and base fee of each block.
    #[arg(long, requires = "rpc_url", conflicts_with = "blocks")]
    pub(crate) headers_only: bool,
    /// Where to write; a folder that does not exist yet, or is empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl ExportArgs {
    /// The live blocks, as the other commands name them.
    pub(crate) fn source(&self) -> BlockSource {
        BlockSource {
            blocks: None,
            rpc_url: self.rpc_url.clone(),
            range: self.range.clone().unwrap_or_else(|| BLOCKS.to_owned()),
            cache: self.cache.clone(),
            chain: self.chain.clone(),
            hardfork: self.hardfork,
            config: None,
            node: self.node.clone(),
        }
    }
}

const IMPORT_EXAMPLES: &str = "\
Examples:
  chaoschain import --block block.json --trace trace.json --diff diff.json --out recorded
  chaoschain import --block block.json --proof proof.json --out recorded

The files hold what a node answered, plain or gzipped, with or without the
JSON-RPC envelope:
  block    eth_getBlockByNumber [NUMBER, true]
  trace    debug_traceBlockByNumber [NUMBER, {\"tracer\": \"prestateTracer\"}]
  diff     the same with \"tracerConfig\": {\"diffMode\": true}
  proof    debug_executionWitness [NUMBER]";

#[derive(Debug, Args)]
#[command(after_help = IMPORT_EXAMPLES)]
pub(crate) struct ImportArgs {
    /// The block with full transactions.
    #[arg(long, value_name = "FILE")]
    pub(crate) block: PathBuf,
    /// The trace of its transactions by prestateTracer.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "state_proof",
        conflicts_with = "state_proof"
    )]
    pub(crate) trace: Option<PathBuf>,
    /// With --trace: the same trace in diff mode, which shows accounts made by inner calls.
    #[arg(long, value_name = "FILE", requires = "trace", conflicts_with = "state_proof")]
    pub(crate) diff: Option<PathBuf>,
    /// Its state proof, as debug_executionWitness answers.
    #[arg(long = "proof", alias = "witness", value_name = "FILE")]
    pub(crate) state_proof: Option<PathBuf>,
    /// With --proof: the parent's header, if the state proof holds no headers.
    #[arg(long, value_name = "FILE", requires = "state_proof", conflicts_with = "trace")]
    pub(crate) parent: Option<PathBuf>,
    /// The rules of the blocks, in the place of the chain's own schedule of forks: frontier, homestead,
    /// tangerine, spurious-dragon, byzantium, petersburg, istanbul, berlin, london, paris, shanghai, cancun,
    /// prague, osaka, bpo1 or bpo2. Needed for a chain whose schedule is not known, and for a local node
    /// that was started with another fork than the newest; exported blocks remember it.
    #[arg(long, value_name = "FORK")]
    pub(crate) hardfork: Option<Hardfork>,
    #[command(flatten)]
    pub(crate) config: ChainConfigArgs,
    /// The chain by EIP-155 number, for blocks whose transactions do not name it.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) chain_id: Option<u64>,
    /// Where to write; a folder that does not exist yet, or is empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
