use std::{num::NonZeroUsize, path::PathBuf};

use chaos_chain_config::ChainConfig;
use chaos_evm::Hardfork;
use clap::Args;

use super::{ChainConfigArgs, DataArgs, NodeArgs};

/// How many of the latest blocks are read by default: more than the built-in studio's policy asks for.
pub(crate) const BLOCKS: &str = "32";

/// Recorded or live blocks.
#[derive(Debug, Clone, Args)]
pub(crate) struct BlockSource {
    /// Recorded blocks: a folder with blocks/ and bytecodes.json.gz, or a folder of such folders.
    #[arg(long, value_name = "DIR", conflicts_with = "rpc_url")]
    pub(crate) blocks: Option<PathBuf>,
    /// Live blocks from a JSON-RPC endpoint; state is fetched as it is read and cached on disk.
    #[arg(long, value_name = "URL")]
    pub(crate) rpc_url: Option<String>,
    /// With --rpc-url: which blocks, as FIRST..=LAST, or N for the latest N. A proposal needs as many as its
    /// policy asks for, of the built-in studio 24.
    #[arg(
        long,
        value_name = "RANGE",
        default_value = BLOCKS,
        requires = "rpc_url",
        conflicts_with = "blocks"
    )]
    pub(crate) range: String,
    /// With --rpc-url: where fetched blocks are kept, in the recorded format.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "chaoschain-cache",
        requires = "rpc_url",
        conflicts_with = "blocks"
    )]
    pub(crate) cache: PathBuf,
    /// Only this chain, by name (base) or number (eip155:8453); `chaoschain chains` lists those that are
    /// built in. Blocks of another chain are an error with --rpc-url and are left out, and counted, with
    /// --blocks.
    #[arg(long, value_name = "CHAIN")]
    pub(crate) chain: Option<String>,
    /// The rules of the blocks, in the place of the chain's own schedule of forks: frontier, homestead,
    /// tangerine, spurious-dragon, byzantium, petersburg, istanbul, berlin, london, paris, shanghai, cancun,
    /// prague, osaka, bpo1 or bpo2. Needed for a chain whose schedule is not known, and for a local node
    /// that was started with another fork than the newest; exported blocks remember it.
    #[arg(long, value_name = "FORK")]
    pub(crate) hardfork: Option<Hardfork>,
    /// What --chain-config brings, where a command has it.
    #[arg(skip)]
    pub(crate) config: Option<&'static ChainConfig>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

const REPLAY_EXAMPLES: &str = "\
Examples:
  chaoschain replay --blocks demo-out/inputs
  chaoschain replay --blocks demo-out/inputs --json --threads 2

Live blocks:
  chaoschain replay --rpc-url URL --range 19000000..=19000003
  chaoschain replay --rpc-url URL --hardfork cancun

Why a block differs, and what its first transaction that differs did:
  chaoschain replay --blocks DIR --explain 19000003
  chaoschain replay --blocks DIR --explain 19000003 --trace

A block agrees if every transaction may stand where it stands, and gas and receipts root are the
header's. It differs if one of these is another. It is not comparable if nothing differs and the receipts
root could not be computed: a transaction's type cannot be run, or the block is older than Byzantium.

Exit code: 0 if blocks agree and none differs; 1 if one differs; 3 if none differs and none could be
compared.";

#[derive(Debug, Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) source: BlockSource,
    #[command(flatten)]
    pub(crate) config: ChainConfigArgs,
    /// How many threads.
    #[arg(long, value_name = "N", value_parser = super::threads)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Say of this block which transaction is the first that differs, and how, as far as header and
    /// recorded receipts tell.
    #[arg(long, value_name = "BLOCK")]
    pub(crate) explain: Option<u64>,
    /// With --explain: also the instructions that the transaction ran, at most 1,000 from its start and
    /// 1,000 from its end.
    #[arg(long, requires = "explain")]
    pub(crate) trace: bool,
    /// With --explain and --trace: this transaction, by its place in the block from 0, in the place of the first
    /// that differs.
    #[arg(long, value_name = "INDEX", requires = "trace")]
    pub(crate) transaction: Option<usize>,
    /// Print one JSON object per block and a summary object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The elasticity that forecasts assume if none is named.
pub(crate) const ELASTICITY: &str = "0.2";

fn simulate_help() -> String {
    format!("{SIMULATE_EXAMPLES}\n\nParameters:\n{}", chaos_parameters::help_table())
}

/// What is simulated, apart from the blocks.
#[derive(Debug, Clone, Args)]
pub(crate) struct SimulationArgs {
    /// The seed of all randomness.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// A named price elasticity of demand: a price 1 % higher means this many % less demand. Without it
    /// each path draws one from what recorded changes say: median 0.25, 80 % within 0.12 to 0.51.
    #[arg(long)]
    pub(crate) elasticity: Option<String>,
    /// How many random paths each arm runs.
    #[arg(long)]
    pub(crate) paths: Option<u32>,
    /// How many blocks a path has.
    #[arg(long = "path-blocks", value_name = "N")]
    pub(crate) path_blocks: Option<u32>,
    /// Calibrate demand from this fee history instead of from the blocks: CSV, plain or gzip, or
    /// Parquet (`chaoschain fee-history --help`). Its base fees must follow the chain's rule.
    #[arg(long, value_name = "FILE")]
    pub(crate) fee_history: Option<PathBuf>,
    /// Columns of the fee history with other names than documented ones, such as
    /// number=height,base_fee_wei=fee.
    #[arg(long, value_name = "FIELD=COLUMN,…", requires = "fee_history")]
    pub(crate) columns: Option<String>,
    /// How many threads; the result does not depend on it.
    #[arg(long, value_name = "N", value_parser = super::threads)]
    pub(crate) threads: Option<NonZeroUsize>,
}

/// Who signs a study.
#[derive(Debug, Args)]
pub(crate) struct StudySigningArgs {
    /// With --experiment: the name of the registered agent that signs the study, logs the receipt and writes
    /// bundle.json; it needs the capability study. Without it nothing is signed.
    #[arg(long, value_name = "NAME", requires = "experiment",
          conflicts_with_all = ["set", "blocks", "rpc_url"])]
    pub(crate) agent: Option<String>,
    /// With --agent: the data directory; default $CHAOSCHAIN_DATA, or chaoschain-data.
    #[arg(long, value_name = "DIR", requires = "agent",
          conflicts_with_all = ["set", "blocks", "rpc_url"])]
    pub(crate) data: Option<PathBuf>,
}

const SIMULATE_EXAMPLES: &str = "\
Examples:
  chaoschain simulate --blocks demo-out/inputs --set gas-limit=20000000
  chaoschain simulate --blocks demo-out/inputs --set base-fee-change-denominator=16 --json
  chaoschain simulate --blocks demo-out/inputs --preset bpo1 --set blob-target=8

From a fee history alone, without executing anything:
  chaoschain simulate --chain base --fee-history fees.csv --set min-base-fee=10000000
  chaoschain simulate --chain arbitrum --fee-history fees.csv --set min-base-fee=30000000

With the fee history of a real chain:
  chaoschain simulate --blocks DIR --set gas-limit=45000000 --fee-history fees.csv.gz --seed 7

A whole study, with report, tables and proposal (the file is the manual of its
format):
  chaoschain simulate --experiment examples/gas-limit-60m.toml --out study-out

The same, signed by a registered agent. Whoever has the folder verifies and
repeats it, in whatever place:
  chaoschain simulate --experiment examples/gas-limit-60m.toml --out study-out --agent ada
  chaoschain verify study-out --reexecute
  chaoschain simulate --experiment study-out/study.toml --out again
  chaoschain diff study-out again";

#[derive(Debug, Args)]
#[command(after_help = simulate_help())]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    pub(crate) source: BlockSource,
    #[command(flatten)]
    pub(crate) config: ChainConfigArgs,
    /// A parameter and its proposed value; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", required_unless_present = "experiment")]
    pub(crate) set: Vec<String>,
    /// The published rules that the baseline starts from, such as osaka, base-2026 or arbos-51, with the
    /// blocks' own gas limit where headers have one. Those of another family than the chain's are refused.
    /// Default: those of the chain's newest block on OP-stack and Arbitrum chains, else london.
    #[arg(long, value_name = "NAME", conflicts_with = "experiment")]
    pub(crate) preset: Option<String>,
    /// Run a whole study from a file: alternatives, scenarios, attacks, report. Its own sources
    /// and market sections count; a stopped run goes on where it was.
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        // What the file says.
        "set", "blocks", "rpc_url", "fee_history", "columns", "seed", "elasticity", "paths", "path_blocks",
        "chain", "chain_config", "hardfork", "range", "cache", "state_from", "requests_per_second", "request_timeout",
    ])]
    pub(crate) experiment: Option<PathBuf>,
    /// With --experiment: the folder to write; default study-out/NAME.
    #[arg(long, value_name = "DIR", requires = "experiment",
          conflicts_with_all = ["set", "blocks", "rpc_url"])]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) signing: StudySigningArgs,
    /// With --experiment: copy what the study read into its folder, whatever its size. Without it up to
    /// 64 MiB of blocks and 500,000 rows of fees are copied, and what is larger is named by digest.
    #[arg(long, requires = "experiment", conflicts_with_all = ["set", "blocks", "rpc_url", "without_inputs"])]
    pub(crate) with_inputs: bool,
    /// With --experiment: name what the study read by digest alone.
    #[arg(long, requires = "experiment", conflicts_with_all = ["set", "blocks", "rpc_url"])]
    pub(crate) without_inputs: bool,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const PROPOSE_EXAMPLES: &str = "\
Examples:
  export CHAOSCHAIN_PASSWORD=...
  chaoschain agent register --name ada --role researcher
  chaoschain agent register --name linus --role core_developer
  chaoschain propose --blocks demo-out/inputs --researcher ada --developer linus --out proposal";

#[derive(Debug, Args)]
#[command(after_help = PROPOSE_EXAMPLES)]
pub(crate) struct ProposeArgs {
    #[command(flatten)]
    pub(crate) source: BlockSource,
    #[command(flatten)]
    pub(crate) config: ChainConfigArgs,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
    /// A studio definition; default the built-in governance studio.
    #[arg(long, value_name = "FILE")]
    pub(crate) studio: Option<PathBuf>,
    /// The name of the registered agent that analyses.
    #[arg(long, value_name = "NAME", default_value = "researcher")]
    pub(crate) researcher: String,
    /// The name of the registered agent that drafts and simulates.
    #[arg(long, value_name = "NAME", default_value = "developer")]
    pub(crate) developer: String,
    /// Where to write proposal.md, proposal.json, the plots and the bundles.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const DIFF_EXAMPLES: &str = "\
Examples:
  chaoschain simulate --experiment a.toml --out a
  chaoschain simulate --experiment b.toml --out b
  chaoschain diff a b
  chaoschain diff a/result.json b/result.json --json

First what the two read and assume, as far as it differs; then each figure of
each scenario that both have, side by side, with what the second one's
difference is above the first one's; then the thresholds whose verdict is
another. Exit code 0 whatever differs: that is an answer.";

#[derive(Debug, Args)]
#[command(after_help = DIFF_EXAMPLES)]
pub(crate) struct DiffArgs {
    /// A study's folder, or its result.json.
    #[arg(value_name = "STUDY")]
    pub(crate) first: PathBuf,
    /// The one that is held against it.
    #[arg(value_name = "STUDY")]
    pub(crate) second: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  chaoschain demo --out demo-out
  chaoschain demo --out demo-inelastic --elasticity 0.25 --paths 64
  chaoschain demo --out demo-recorded --blocks DIR
  chaoschain demo --out demo-live --rpc-url URL

If the developer gives up, the story ends there: bundles of what was done, no
proposal and no report.

The key files of the demo's agents open with CHAOSCHAIN_PASSWORD. If it is not
set, the password is random and kept nowhere.

A local chain (anvil) runs beside the demo and ends with it, however the demo
ends; --chain-config names another one.";

#[derive(Debug, Args)]
#[command(after_help = DEMO_EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Where to write proposal.md, report.html, bundles/ and the rest; a folder that holds a demo
    /// already is refused.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) source: BlockSource,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
    /// Submit, vote, pay and anchor on a chain that somebody else started, as this file describes it. One
    /// account does everything there, whose key is in CHAOSCHAIN_PRIVATE_KEY or in --keystore.
    #[arg(long, value_name = "FILE")]
    pub(crate) chain_config: Option<PathBuf>,
    /// With --chain-config: the account's keystore file.
    #[arg(long, value_name = "FILE", requires = "chain_config")]
    pub(crate) keystore: Option<PathBuf>,
    /// With --chain-config: the highest cost of one transaction, in the chain's coin.
    #[arg(
        long,
        value_name = "COIN",
        default_value = "0.02",
        requires = "chain_config",
        allow_hyphen_values = true
    )]
    pub(crate) max_cost: String,
    /// Print a JSON summary at the end.
    #[arg(long)]
    pub(crate) json: bool,
}
