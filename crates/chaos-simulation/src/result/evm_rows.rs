use std::collections::BTreeMap;

use chaos_parameters::Layer;
use serde::{Deserialize, Serialize};

use super::{MetricRow, Pairs};

/// What re-execution of one recorded block gave, under its own rules and under the proposal's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvmBlockFigures {
    /// Block number.
    #[serde(with = "chaos_types::decimal")]
    pub number: u64,
    /// Whether the replay used exactly the header's gas.
    pub gas_reproduced: bool,
    /// Gas limit of the header.
    #[serde(with = "chaos_types::decimal")]
    pub gas_limit_baseline: u64,
    /// Gas limit of the counterfactual.
    #[serde(with = "chaos_types::decimal")]
    pub gas_limit_proposal: u64,
    /// Gas used by the replay.
    #[serde(with = "chaos_types::decimal")]
    pub gas_used_baseline: u64,
    /// Gas used by the counterfactual.
    #[serde(with = "chaos_types::decimal")]
    pub gas_used_proposal: u64,
    /// Transactions that the replay included.
    #[serde(with = "chaos_types::decimal")]
    pub included_baseline: u64,
    /// Transactions that the counterfactual included.
    #[serde(with = "chaos_types::decimal")]
    pub included_proposal: u64,
    /// Transactions that the replay left out, for example of a kind it does not execute.
    #[serde(with = "chaos_types::decimal")]
    pub excluded_baseline: u64,
    /// Transactions that the counterfactual left out.
    #[serde(with = "chaos_types::decimal")]
    pub excluded_proposal: u64,
    /// Transactions that did something else in the counterfactual than in the replay.
    #[serde(with = "chaos_types::decimal")]
    pub diverged_proposal: u64,
    /// State reads of the replay that fell outside the recorded state.
    #[serde(with = "chaos_types::decimal")]
    pub unknown_reads_baseline: u64,
    /// State reads of the counterfactual that fell outside the recorded state.
    #[serde(with = "chaos_types::decimal")]
    pub unknown_reads_proposal: u64,
}

/// A figure of the EVM layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvmMetric {
    /// Blocks re-executed.
    BlocksReplayed,
    /// Blocks whose gas equals the header's.
    BlocksGasReproduced,
    /// Gas per block.
    GasUsed,
    /// Gas over limit.
    LimitUsed,
    /// Transactions included.
    TransactionsIncluded,
    /// Transactions left out.
    TransactionsExcluded,
    /// Transactions with another effect.
    TransactionsDiverged,
    /// Reads outside the recorded state.
    UnknownReads,
}

impl EvmMetric {
    /// All metrics.
    pub const ALL: [Self; 8] = [
        Self::BlocksReplayed,
        Self::BlocksGasReproduced,
        Self::GasUsed,
        Self::LimitUsed,
        Self::TransactionsIncluded,
        Self::TransactionsExcluded,
        Self::TransactionsDiverged,
        Self::UnknownReads,
    ];

    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BlocksReplayed => "evm_blocks_replayed",
            Self::BlocksGasReproduced => "evm_blocks_gas_reproduced",
            Self::GasUsed => "evm_gas_used",
            Self::LimitUsed => "evm_limit_used",
            Self::TransactionsIncluded => "evm_transactions_included",
            Self::TransactionsExcluded => "evm_transactions_excluded",
            Self::TransactionsDiverged => "evm_transactions_diverged",
            Self::UnknownReads => "evm_unknown_reads",
        }
    }

    /// The unit of the values.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::BlocksReplayed | Self::BlocksGasReproduced => "blocks",
            Self::GasUsed => "gas_per_block",
            Self::LimitUsed => "ppm",
            Self::TransactionsIncluded
            | Self::TransactionsExcluded
            | Self::TransactionsDiverged => "transactions",
            Self::UnknownReads => "reads",
        }
    }

    /// What it is.
    #[must_use]
    pub const fn definition(self) -> &'static str {
        match self {
            Self::BlocksReplayed => "recorded blocks re-executed",
            Self::BlocksGasReproduced => {
                "recorded blocks whose replay used the header's gas exactly"
            }
            Self::GasUsed => {
                "mean over recorded blocks of gas used: replay under the block's own rules, and the \
                 same transactions under the proposal's"
            }
            Self::LimitUsed => "mean over recorded blocks of gas used / gas limit of the arm",
            Self::TransactionsIncluded => "recorded transactions that fit and executed",
            Self::TransactionsExcluded => "recorded transactions left out of the arm",
            Self::TransactionsDiverged => {
                "recorded transactions that ended otherwise or used other gas than in the replay"
            }
            Self::UnknownReads => {
                "state reads outside the recorded state; counted, never taken as zero"
            }
        }
    }

    fn pair(self, block: &EvmBlockFigures) -> (i128, i128) {
        let reproduced = u64::from(block.gas_reproduced);
        let (baseline, proposal) = match self {
            Self::BlocksReplayed => (1, 1),
            Self::BlocksGasReproduced => (reproduced, reproduced),
            Self::GasUsed => (block.gas_used_baseline, block.gas_used_proposal),
            Self::LimitUsed => (
                share_ppm(block.gas_used_baseline, block.gas_limit_baseline),
                share_ppm(block.gas_used_proposal, block.gas_limit_proposal),
            ),
            Self::TransactionsIncluded => (block.included_baseline, block.included_proposal),
            Self::TransactionsExcluded => (block.excluded_baseline, block.excluded_proposal),
            Self::TransactionsDiverged => (0, block.diverged_proposal),
            Self::UnknownReads => (block.unknown_reads_baseline, block.unknown_reads_proposal),
        };
        (baseline.into(), proposal.into())
    }

    const fn is_mean(self) -> bool {
        matches!(self, Self::GasUsed | Self::LimitUsed)
    }
}

/// The rows of the EVM layer; none when nothing was replayed.
pub(crate) fn evm_rows(blocks: &[EvmBlockFigures]) -> BTreeMap<String, MetricRow> {
    if blocks.is_empty() {
        return BTreeMap::new();
    }
    EvmMetric::ALL
        .into_iter()
        .map(|metric| {
            let pairs = Pairs(blocks.iter().map(|block| metric.pair(block)).collect());
            let row = if metric.is_mean() {
                pairs.mean_row(metric.unit(), Layer::Evm)
            } else {
                pairs.sum_row(metric.unit(), Layer::Evm)
            };
            (metric.name().to_owned(), row)
        })
        .collect()
}

fn share_ppm(part: u64, whole: u64) -> u64 {
    let share = (u128::from(part) * 1_000_000).checked_div(whole.into()).unwrap_or(0);
    u64::try_from(share).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
