use chaos_parameters::Layer;
use serde::{Deserialize, Serialize};

use crate::flow::percentile;

/// The 10th and 90th percentile (nearest rank) of the paired differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// 10th percentile.
    #[serde(with = "chaos_types::decimal")]
    pub low: i128,
    /// 90th percentile.
    #[serde(with = "chaos_types::decimal")]
    pub high: i128,
}

/// One figure in both arms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricRow {
    /// Unit of all five numbers.
    pub unit: String,
    /// The baseline arm: mean over paths, their median where a fit was checked, or mean or sum over blocks
    /// in the EVM layer.
    #[serde(with = "chaos_types::decimal")]
    pub baseline: i128,
    /// The proposal arm, over the same paths or blocks.
    #[serde(with = "chaos_types::decimal")]
    pub proposal: i128,
    /// Proposal less baseline: the mean of the paired differences, up to one unit of rounding; their median
    /// where a fit was checked.
    #[serde(with = "chaos_types::decimal")]
    pub difference: i128,
    /// Spread of the difference from path to path, or from block to block.
    pub interval: Interval,
    /// Of it, what is left if nothing of the demand is drawn: its elasticity at the posterior's median, its
    /// level as fitted. `None` where no fit was checked and in the EVM layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths_only: Option<Interval>,
    /// Which layer computed it.
    pub layer: Layer,
}

/// An observed figure beside the one that the baseline model gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BacktestRow {
    /// Unit of both numbers.
    pub unit: String,
    /// In the longest consecutive run of observed blocks.
    #[serde(with = "chaos_types::decimal")]
    pub observed: i128,
    /// Mean over the baseline paths.
    #[serde(with = "chaos_types::decimal")]
    pub modelled: i128,
}

/// One figure as (baseline, proposal) per path or per block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs(pub Vec<(i128, i128)>);

impl Pairs {
    /// Arms by their means.
    #[must_use]
    pub fn mean_row(&self, unit: &str, layer: Layer) -> MetricRow {
        let count = i128::try_from(self.0.len().max(1)).unwrap_or(i128::MAX);
        let (baseline, proposal) = self.sums();
        self.row((round_div(baseline, count), round_div(proposal, count)), unit, layer)
    }

    /// Arms by their sums; a sum over all blocks is exact, so its interval is the difference.
    #[must_use]
    pub fn sum_row(&self, unit: &str, layer: Layer) -> MetricRow {
        let row = self.row(self.sums(), unit, layer);
        let interval = Interval { low: row.difference, high: row.difference };
        MetricRow { interval, ..row }
    }

    /// Arms and difference by their medians, with the interval of the differences of `alone` beside the
    /// one of all.
    pub(crate) fn median_row(&self, unit: &str, layer: Layer, alone: &Self) -> MetricRow {
        let median = |mut values: Vec<i128>| {
            values.sort_unstable();
            percentile(&values, 50)
        };
        let baseline = median(self.0.iter().map(|pair| pair.0).collect());
        let proposal = median(self.0.iter().map(|pair| pair.1).collect());
        let row = self.row((baseline, proposal), unit, layer);
        let paths_only = Some(alone.row((0, 0), unit, layer).interval);
        MetricRow { difference: percentile(&self.differences(), 50), paths_only, ..row }
    }

    /// The paired differences, ascending.
    pub(crate) fn differences(&self) -> Vec<i128> {
        let mut differences: Vec<i128> =
            self.0.iter().map(|(baseline, proposal)| proposal.saturating_sub(*baseline)).collect();
        differences.sort_unstable();
        differences
    }

    fn sums(&self) -> (i128, i128) {
        self.0.iter().fold((0, 0), |(baseline, proposal): (i128, i128), pair| {
            (baseline.saturating_add(pair.0), proposal.saturating_add(pair.1))
        })
    }

    fn row(&self, arms: (i128, i128), unit: &str, layer: Layer) -> MetricRow {
        let (baseline, proposal) = arms;
        let differences = self.differences();
        MetricRow {
            unit: unit.to_owned(),
            baseline,
            proposal,
            difference: proposal.saturating_sub(baseline),
            interval: Interval {
                low: percentile(&differences, 10),
                high: percentile(&differences, 90),
            },
            paths_only: None,
            layer,
        }
    }
}

/// Quotient rounded to nearest, ties toward positive infinity.
pub(crate) fn round_div(numerator: i128, denominator: i128) -> i128 {
    numerator.saturating_add(denominator / 2).div_euclid(denominator)
}

#[cfg(test)]
mod tests;
