use std::path::PathBuf;

use clap::Args;

use super::{DataArgs, ProviderKind};

const RUN_EXAMPLES: &str = "\
Examples:
  export CHAOSCHAIN_PASSWORD=...
  chaoschain run guests/artifacts/scorer.wasm --input examples/evidence.json --bundle scores.json
  chaoschain run guests/artifacts/scorer.wasm --input examples/evidence.json --attest development

The receipt is signed by the agent --agent, by default the log's operator, and
kept in --data. Without a receipt, to try a component out:
  chaoschain run guests/artifacts/scorer.wasm --input examples/evidence.json --no-receipt --out out

A strategy takes its state, which is empty at first, and an event, and may ask
for inputs by name:
  printf '' > state
  printf '{\"ask\":\"101\",\"bid\":\"99\",\"kind\":\"book\"}' > event
  printf '{\"half_spread_ppm\":\"500\",\"inventory_max\":\"9\",\"size\":\"3\",\"skew_ppm\":\"0\"}' > job
  chaoschain run guests/artifacts/quoter.wasm --input state --input event --named quoter=job --json

A task that says why it has no answer, or that ends at its fuel limit, has
run: it leaves a receipt too and exits with code 1. A run that ends where the
end depends on the machine leaves none.";

#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: PathBuf,
    /// What it is given; a strategy takes two, its state and an event.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) input: Vec<PathBuf>,
    /// A further input that the component may ask its host for by name; may be repeated.
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) named: Vec<String>,
    /// The world to run it in: generic, simulate, score or strategy. Default: the one it has.
    #[arg(long, value_name = "WORLD")]
    pub(crate) world: Option<String>,
    /// The name of the registered agent that signs the receipt.
    #[arg(long, value_name = "NAME", default_value = chaos_ledger::OPERATOR)]
    pub(crate) agent: String,
    /// Also have the run attested, by a key that a quote of this provider binds.
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) attest: Option<ProviderKind>,
    /// With --attest: the collateral of this platform, QuoteCollateralV3 JSON; the development
    /// provider has its own.
    #[arg(long, value_name = "FILE", requires = "attest")]
    pub(crate) collateral: Option<PathBuf>,
    /// Run only.
    #[arg(long, conflicts_with_all = ["attest", "agent", "collateral"])]
    pub(crate) no_receipt: bool,
    /// Write the answer's bytes here instead of printing them.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Also write the receipt's bundle, which `chaoschain verify` checks.
    #[arg(long, value_name = "FILE", conflicts_with = "no_receipt")]
    pub(crate) bundle: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
