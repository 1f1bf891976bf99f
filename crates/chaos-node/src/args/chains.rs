use std::path::PathBuf;

use clap::Args;

/// A chain by rules that somebody brings.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ChainConfigArgs {
    /// The chain's forks and fee rule from this file, in the place of what is built in: TOML as in
    /// docs/simulation/chains.md, or go-ethereum's genesis.json or its config alone.
    #[arg(long, value_name = "FILE")]
    pub(crate) chain_config: Option<PathBuf>,
}

const CHAINS_EXAMPLES: &str = "\
Examples:
  chaoschain chains
  chaoschain chains base
  chaoschain chains eip155:42161 --json

A name or number from this list is what --chain takes elsewhere. What is not
listed of a chain is not known here and never guessed: name its fork by
--hardfork, its fee rule by --preset and --baseline, or bring a file by
--chain-config.

Execution is exact, or partial: then a block that does not come out as its
header says shows nothing, is called not comparable, and has no figure.";

#[derive(Debug, Args)]
#[command(after_help = CHAINS_EXAMPLES)]
pub(crate) struct ChainsArgs {
    /// One chain in full: a name such as base, or eip155:8453.
    #[arg(value_name = "CHAIN")]
    pub(crate) chain: Option<String>,
    #[command(flatten)]
    pub(crate) config: ChainConfigArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
