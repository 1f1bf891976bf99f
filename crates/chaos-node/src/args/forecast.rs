use std::{num::NonZeroUsize, path::PathBuf};

use chaos_programs::changes::Moment;
use clap::Args;

use super::{ChainConfigArgs, ELASTICITY};

/// Whose blocks a fee history holds, and by which rule they have their base fees.
#[derive(Debug, Clone, Args)]
pub(crate) struct RulesArgs {
    /// The chain that the blocks are from, by name (base) or number (eip155:8453); `chaoschain chains`
    /// lists those that are built in. Default: that of --chain-config, else eip155:1.
    #[arg(long, value_name = "CHAIN")]
    pub(crate) chain: Option<String>,
    #[command(flatten)]
    pub(crate) config: ChainConfigArgs,
    /// The published rules that the blocks follow, such as op-canyon or base-2026. Default: those of
    /// the chain, as far as they are known.
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<String>,
    /// A parameter of the chain that differs from the preset (without one: london), such as
    /// base-fee-change-denominator=125; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) baseline: Vec<String>,
    /// Columns of the fee history with other names than documented ones, such as
    /// number=height,base_fee_wei=fee.
    #[arg(long, value_name = "FIELD=COLUMN,…")]
    pub(crate) columns: Option<String>,
}

const FEE_HISTORY_EXAMPLES: &str = "\
Examples:
  chaoschain fee-history fees.csv.gz
  chaoschain fee-history base.csv --chain base
  chaoschain fee-history base.csv --chain base --preset op-canyon
  chaoschain fee-history blocks.csv --columns number=height,base_fee_wei=fee --json

A fee history is a table of blocks: CSV, plain or gzip, or Parquet. Columns are
number, timestamp, gas_used, gas_limit and base_fee_wei, or the names that
BigQuery, ethereum-etl, Dune, cryo and JSON-RPC have for them, in any order;
excess_blob_gas and blob_gas_used may stand beside them, and of OP-stack chains
extra_data, in which each block says its fee rule since Holocene. Rows ascend or
descend. An empty cell is not known.

Every pair of consecutive blocks is held to the chain's fee rule. The digest is
that of the rows: it is the same zipped or not, in any order, under any names.";

#[derive(Debug, Args)]
#[command(after_help = FEE_HISTORY_EXAMPLES)]
pub(crate) struct FeeHistoryArgs {
    /// The fee history.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    /// Estimate the price elasticity of demand from the history's own shocks, beside published values.
    #[arg(long)]
    pub(crate) elasticity: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How forecasts are computed.
#[derive(Debug, Clone, Args)]
pub(crate) struct ForecastArgs {
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    /// How many blocks demand is fitted on: those just before the predicted ones. Default: 10000; for blobs
    /// 151200, three weeks.
    #[arg(long, value_name = "N")]
    pub(crate) window: Option<u32>,
    /// How many blocks are predicted, or days of each window. Default: 2500 blocks; for blobs 50400, a week;
    /// 7 days.
    #[arg(long, value_name = "N")]
    pub(crate) horizon: Option<u32>,
    /// How many random paths each forecast runs.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) paths: u32,
    /// The seed of all randomness.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Price elasticity of demand, an assumption; published estimates run from 0.006 to 0.3.
    #[arg(long, default_value = ELASTICITY)]
    pub(crate) elasticity: String,
    /// How many threads; the result does not depend on it.
    #[arg(long, value_name = "N", value_parser = super::threads)]
    pub(crate) threads: Option<NonZeroUsize>,
}

/// Which market of a chain is forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Market {
    /// Gas, by its base fee.
    Gas,
    /// Blobs.
    Blobs,
}

const MARKET_HELP: &str = "Which market is forecast. Default: blobs if the table has no base fees or the rule of blobs \
     changes at the activation, else gas";

const VALIDATE_EXAMPLES: &str = "\
Examples:
  chaoschain validate --fee-history fees.csv.gz
  chaoschain validate --fee-history fees.csv.gz --window 5000 --horizon 1000 --json

The file is a table of blocks whose base fees follow the chain's rule; what is
read, and as which rule, `chaoschain fee-history` says. The first window is
fitted, the blocks after it predicted and scored, and both move on by the
horizon.

p10-p90 and p2.5-p97.5 say how often the observed figure lay inside the
interval: of good intervals 80 % and 95 %. Skill compares the forecast with
`the next window equals the last one`:
100 % is perfect, 0 % no better, below zero worse.";

#[derive(Debug, Args)]
#[command(after_help = VALIDATE_EXAMPLES)]
pub(crate) struct ValidateArgs {
    /// The recorded blocks.
    #[arg(long, value_name = "FILE")]
    pub(crate) fee_history: PathBuf,
    #[arg(long, value_enum, help = MARKET_HELP)]
    pub(crate) market: Option<Market>,
    /// Of a table of days: the first day that is predicted, such as 2021-09-01.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    #[command(flatten)]
    pub(crate) forecast: ForecastArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const BACKTEST_EXAMPLES: &str = "\
Examples:
What would the model have said about past blocks, and was it right? A hindcast:
  chaoschain backtest --fee-history fees.csv.gz --activation 12990000

The same of a change that these blocks show; one that they do not is refused:
  chaoschain backtest --fee-history raised.csv --activation 21800000 --set gas-limit=36000000

A forecast of a change to come, kept, and scored when the blocks are there.
With an agent it is logged, and the log says when it was made:
  chaoschain backtest --fee-history today.csv --activation 23000000 --set gas-limit=60000000 \\
    --save forecast.json --agent ada
  chaoschain backtest --forecast forecast.json --fee-history later.csv

A change of the blob schedule, on a table with blob figures; and a raise of the
gas limit, on a table of days (date, gas_limit_avg, gas_used_total):
  chaoschain backtest --fee-history blobs.csv.gz --activation 22431084
  chaoschain backtest --fee-history daily.csv.gz --activation 2025-02-02

Both fit before the change, forecast after it, and score beside three naive
forecasts: the last window with its own past errors (fair), as a point (last),
and in proportion to the capacity (prop.). What a file cannot score is refused
with the reason. Blobs change by the chain's schedule if --set says nothing.

Without --set nothing changes at the activation, which tests the model alone.
If the file begins with the activation, as London's does, there is nothing to
fit on before it: demand is fitted on the blocks after those predicted, and
the result says so.

A forecast that missed is a result, not a failure: the exit code is 0.";

#[derive(Debug, Args)]
#[command(after_help = BACKTEST_EXAMPLES)]
pub(crate) struct BacktestArgs {
    /// The recorded blocks.
    #[arg(long, value_name = "FILE")]
    pub(crate) fee_history: PathBuf,
    /// The first block under the changed parameters, or the time of the change: Unix seconds, a day, or ISO
    /// 8601.
    #[arg(long, value_name = "BLOCK|TIME", required_unless_present = "forecast")]
    pub(crate) activation: Option<Moment>,
    #[arg(long, value_enum, help = MARKET_HELP)]
    pub(crate) market: Option<Market>,
    /// A parameter and its value from the activation on; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Write the forecast to this file; with an activation after the last block nothing is scored.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Score this forecast, made earlier, instead of making one. What it says was chosen when it was made. The
    /// bundle of its receipt, if it lies beside it, dates it.
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "activation", "set", "save", "agent", "data", "window", "horizon", "paths", "seed", "elasticity", "threads",
    ])]
    pub(crate) forecast: Option<PathBuf>,
    /// With --save: the name of the registered agent that signs the forecast and logs its receipt, whose bundle is
    /// written beside the file; it needs the capability forecast. Without it nothing dates the forecast.
    #[arg(long, value_name = "NAME", requires = "save", conflicts_with = "forecast")]
    pub(crate) agent: Option<String>,
    /// With --agent: the data directory; default $CHAOSCHAIN_DATA, or chaoschain-data.
    #[arg(long, value_name = "DIR", requires = "agent", conflicts_with = "forecast")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: ForecastArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
