use std::collections::{BTreeMap, VecDeque};

use chaos_parameters::{Parameters, fixed};

use super::{ObservedBlock, Path, history::is_saturated};

/// Blocks in an hour at one in twelve seconds: the reach of run-up and drawdown.
const HOUR_BLOCKS: usize = 300;

/// A figure computed from one path.
///
/// U is gas used over gas limit, e the elasticity multiplier, b the base fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Mean of U.
    UtilisationMean,
    /// e times mean U, less one.
    UseVsTarget,
    /// Share of blocks with U of 99 % or more.
    BlocksSaturated,
    /// Share of blocks with U of 1 % or less.
    BlocksEmpty,
    /// Longest run of saturated blocks.
    SaturatedRunMax,
    /// Share of blocks that use more than the target.
    TimeAboveTarget,
    /// Correlation of U in adjacent blocks.
    UtilisationAutocorrelation,
    /// Share of adjacent blocks on different sides of the target.
    TargetCrossings,
    /// Median base fee.
    BaseFeeMedian,
    /// 95th percentile of the base fee.
    BaseFeeP95,
    /// 99th percentile of the base fee.
    BaseFeeP99,
    /// Deviation of the base fee's logarithmic change.
    BaseFeeVolatility,
    /// 99th percentile of the base fee over its median.
    BaseFeeTailRatio,
    /// Largest rise of the base fee within 300 blocks.
    BaseFeeRunUp,
    /// Largest fall of the base fee within 300 blocks.
    BaseFeeDrawdown,
    /// Mean wait for inclusion.
    InclusionDelayMean,
    /// 95th percentile of the wait for inclusion.
    InclusionDelayP95,
    /// Share of demand that was never served.
    DemandDropped,
    /// Burnt base fee per block.
    FeeBurned,
    /// Gas served per block.
    GasServed,
    /// Share of blocks in which the price response was held at its bound.
    ResponseClamped,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Self; 21] = [
        Self::UtilisationMean,
        Self::UseVsTarget,
        Self::BlocksSaturated,
        Self::BlocksEmpty,
        Self::SaturatedRunMax,
        Self::TimeAboveTarget,
        Self::UtilisationAutocorrelation,
        Self::TargetCrossings,
        Self::BaseFeeMedian,
        Self::BaseFeeP95,
        Self::BaseFeeP99,
        Self::BaseFeeVolatility,
        Self::BaseFeeTailRatio,
        Self::BaseFeeRunUp,
        Self::BaseFeeDrawdown,
        Self::InclusionDelayMean,
        Self::InclusionDelayP95,
        Self::DemandDropped,
        Self::FeeBurned,
        Self::GasServed,
        Self::ResponseClamped,
    ];

    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UtilisationMean => "utilisation_mean",
            Self::UseVsTarget => "use_vs_target",
            Self::BlocksSaturated => "blocks_saturated",
            Self::BlocksEmpty => "blocks_empty",
            Self::SaturatedRunMax => "saturated_run_max",
            Self::TimeAboveTarget => "time_above_target",
            Self::UtilisationAutocorrelation => "utilisation_autocorrelation",
            Self::TargetCrossings => "target_crossings",
            Self::BaseFeeMedian => "base_fee_median",
            Self::BaseFeeP95 => "base_fee_p95",
            Self::BaseFeeP99 => "base_fee_p99",
            Self::BaseFeeVolatility => "base_fee_volatility",
            Self::BaseFeeTailRatio => "base_fee_tail_ratio",
            Self::BaseFeeRunUp => "base_fee_run_up",
            Self::BaseFeeDrawdown => "base_fee_drawdown",
            Self::InclusionDelayMean => "inclusion_delay_mean",
            Self::InclusionDelayP95 => "inclusion_delay_p95",
            Self::DemandDropped => "demand_dropped",
            Self::FeeBurned => "fee_burned",
            Self::GasServed => "gas_served",
            Self::ResponseClamped => "response_clamped",
        }
    }

    /// The unit of the values, all integers.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::UtilisationMean
            | Self::UseVsTarget
            | Self::BlocksSaturated
            | Self::BlocksEmpty
            | Self::TimeAboveTarget
            | Self::UtilisationAutocorrelation
            | Self::TargetCrossings
            | Self::BaseFeeVolatility
            | Self::BaseFeeTailRatio
            | Self::BaseFeeRunUp
            | Self::BaseFeeDrawdown
            | Self::DemandDropped
            | Self::ResponseClamped => "ppm",
            Self::SaturatedRunMax => "blocks",
            Self::BaseFeeMedian | Self::BaseFeeP95 | Self::BaseFeeP99 => "wei",
            Self::InclusionDelayMean | Self::InclusionDelayP95 => "milli_blocks",
            Self::FeeBurned => "wei_per_block",
            Self::GasServed => "gas_per_block",
        }
    }

    /// Whether recorded blocks show it; waiting and refused demand are not recorded.
    #[must_use]
    pub const fn is_observable(self) -> bool {
        !matches!(
            self,
            Self::InclusionDelayMean
                | Self::InclusionDelayP95
                | Self::DemandDropped
                | Self::ResponseClamped
        )
    }

    /// The smallest and largest value that the formula can give.
    pub(crate) const fn range(self) -> (i128, i128) {
        match self {
            Self::UtilisationMean
            | Self::BlocksSaturated
            | Self::BlocksEmpty
            | Self::TimeAboveTarget
            | Self::TargetCrossings
            | Self::BaseFeeDrawdown
            | Self::DemandDropped
            | Self::ResponseClamped => (0, 1_000_000),
            Self::UtilisationAutocorrelation => (-1_000_000, 1_000_000),
            Self::UseVsTarget => (-1_000_000, i128::MAX),
            Self::BaseFeeTailRatio => (1_000_000, i128::MAX),
            Self::SaturatedRunMax
            | Self::BaseFeeMedian
            | Self::BaseFeeP95
            | Self::BaseFeeP99
            | Self::BaseFeeVolatility
            | Self::BaseFeeRunUp
            | Self::InclusionDelayMean
            | Self::InclusionDelayP95
            | Self::FeeBurned
            | Self::GasServed => (0, i128::MAX),
        }
    }

    /// Formula and source.
    #[must_use]
    pub const fn definition(self) -> &'static str {
        match self {
            Self::UtilisationMean => "mean of gas used / gas limit",
            Self::UseVsTarget => {
                "elasticity multiplier x mean(gas used / gas limit) - 1; bounded in the long run by \
                 arXiv 2212.07175"
            }
            Self::BlocksSaturated => "share of blocks with gas used / gas limit >= 99 %",
            Self::BlocksEmpty => "share of blocks with gas used / gas limit <= 1 %",
            Self::SaturatedRunMax => "longest run of blocks with gas used / gas limit >= 99 %",
            Self::TimeAboveTarget => "share of blocks with gas used / gas limit > 1 / elasticity",
            Self::UtilisationAutocorrelation => {
                "correlation of gas used / gas limit with that of the next block"
            }
            Self::TargetCrossings => {
                "share of adjacent blocks of which one uses more than the target and one does not"
            }
            Self::BaseFeeMedian => "median over blocks of the base fee, nearest rank (EIP-1559)",
            Self::BaseFeeP95 => "95th percentile over blocks of the base fee, nearest rank",
            Self::BaseFeeP99 => "99th percentile over blocks of the base fee, nearest rank",
            Self::BaseFeeVolatility => {
                "standard deviation of ln(next base fee / base fee), arXiv 2110.04753"
            }
            Self::BaseFeeTailRatio => "99th percentile of the base fee / its median",
            Self::BaseFeeRunUp => {
                "largest base fee / lowest base fee of the 300 blocks before it - 1"
            }
            Self::BaseFeeDrawdown => {
                "1 - smallest base fee / highest base fee of the 300 blocks before it"
            }
            Self::InclusionDelayMean => {
                "gas-weighted mean of blocks waited beyond the first possible one, first come \
                 first served, served demand only"
            }
            Self::InclusionDelayP95 => {
                "gas-weighted 95th percentile of blocks waited beyond the first possible one, \
                 served demand only"
            }
            Self::DemandDropped => {
                "gas that waited longer than the patience or found the pool full / gas that arrived"
            }
            Self::FeeBurned => "mean over blocks of base fee x gas used (EIP-1559)",
            Self::GasServed => "mean over blocks of gas used",
            Self::ResponseClamped => {
                "share of blocks in which demand over level was held between 1/20 and 20"
            }
        }
    }
}

/// The metrics of one path.
pub type PathMetrics = BTreeMap<Metric, i128>;

/// What both simulated and observed blocks have.
#[derive(Clone, Copy)]
struct Figures {
    base_fee_wei: u128,
    gas_used: u64,
    gas_limit: u64,
}

impl Path {
    /// All metrics of the path, which ran under `parameters`.
    #[must_use]
    pub fn metrics(&self, parameters: &Parameters) -> PathMetrics {
        let figures: Vec<Figures> = self
            .blocks
            .iter()
            .map(|block| Figures {
                base_fee_wei: block.base_fee_wei,
                gas_used: block.gas_used,
                gas_limit: block.gas_limit,
            })
            .collect();
        let mut metrics = block_metrics(&figures, parameters.elasticity_multiplier());
        let arrived: u128 = self.blocks.iter().map(|block| u128::from(block.gas_arrived)).sum();
        let dropped: u128 = self.blocks.iter().map(|block| u128::from(block.gas_dropped)).sum();
        let clamped = self.blocks.iter().filter(|block| block.response_clamped).count();
        metrics.insert(Metric::DemandDropped, signed(ratio(dropped * 1_000_000, arrived)));
        metrics.insert(Metric::ResponseClamped, share_ppm(clamped, self.blocks.len()));
        metrics.insert(Metric::InclusionDelayMean, self.delay_mean_milli());
        metrics.insert(Metric::InclusionDelayP95, self.delay_percentile_milli(95));
        metrics
    }

    fn delay_mean_milli(&self) -> i128 {
        let served: u128 = self.gas_by_delay.iter().sum();
        let waited: u128 =
            self.gas_by_delay.iter().zip(0u128..).map(|(gas, delay)| gas * delay).sum();
        signed(ratio(waited * 1_000, served))
    }

    fn delay_percentile_milli(&self, percent: u128) -> i128 {
        let served: u128 = self.gas_by_delay.iter().sum();
        let mut below = 0;
        for (gas, delay) in self.gas_by_delay.iter().zip(0i128..) {
            below += gas;
            if below * 100 >= served * percent {
                return delay * 1_000;
            }
        }
        0
    }
}

/// The metrics that real blocks show: use and base fee, not waiting. For the backtest.
#[must_use]
pub fn observed_metrics(blocks: &[ObservedBlock], elasticity_multiplier: u64) -> PathMetrics {
    let figures: Vec<Figures> = blocks
        .iter()
        .filter_map(|block| {
            Some(Figures {
                base_fee_wei: block.base_fee_wei?,
                gas_used: block.gas_used,
                gas_limit: block.gas_limit,
            })
        })
        .collect();
    block_metrics(&figures, elasticity_multiplier)
}

fn block_metrics(figures: &[Figures], elasticity_multiplier: u64) -> PathMetrics {
    let count = figures.len() as u128;
    let used_ppb: u128 = figures
        .iter()
        .map(|block| ratio(u128::from(block.gas_used) * 1_000_000_000, block.gas_limit.into()))
        .sum();
    let use_of_target_ppm = ratio(used_ppb * u128::from(elasticity_multiplier), count * 1_000);
    let saturated: Vec<bool> =
        figures.iter().map(|block| is_saturated(block.gas_used, block.gas_limit)).collect();
    let saturated_count = saturated.iter().filter(|saturated| **saturated).count();
    let empty = figures
        .iter()
        .filter(|block| u128::from(block.gas_used) * 100 <= u128::from(block.gas_limit))
        .count();
    let above: Vec<bool> = figures
        .iter()
        .map(|block| {
            u128::from(block.gas_used) * u128::from(elasticity_multiplier) > block.gas_limit.into()
        })
        .collect();
    let crossings = above.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let mut fees: Vec<u128> = figures.iter().map(|block| block.base_fee_wei).collect();
    let volatility = volatility_ppm(&fees);
    let (run_up, drawdown) = (run_up_ppm(&fees), drawdown_ppm(&fees));
    fees.sort_unstable();
    let tail = ratio(percentile(&fees, 99).saturating_mul(1_000_000), percentile(&fees, 50));
    let burned = figures.iter().fold(0u128, |sum, block| {
        sum.saturating_add(block.base_fee_wei.saturating_mul(u128::from(block.gas_used)))
    });
    let served: u128 = figures.iter().map(|block| u128::from(block.gas_used)).sum();
    BTreeMap::from([
        (Metric::UtilisationMean, signed(ratio(used_ppb, count * 1_000))),
        (Metric::UseVsTarget, signed(use_of_target_ppm) - 1_000_000),
        (Metric::BlocksSaturated, share_ppm(saturated_count, figures.len())),
        (Metric::BlocksEmpty, share_ppm(empty, figures.len())),
        (Metric::SaturatedRunMax, longest_true_run(&saturated)),
        (
            Metric::TimeAboveTarget,
            share_ppm(above.iter().filter(|above| **above).count(), above.len()),
        ),
        (Metric::UtilisationAutocorrelation, autocorrelation_ppm(figures)),
        (Metric::TargetCrossings, share_ppm(crossings, above.len().saturating_sub(1))),
        (Metric::BaseFeeMedian, signed(percentile(&fees, 50))),
        (Metric::BaseFeeP95, signed(percentile(&fees, 95))),
        (Metric::BaseFeeP99, signed(percentile(&fees, 99))),
        (Metric::BaseFeeVolatility, volatility),
        (Metric::BaseFeeTailRatio, signed(tail)),
        (Metric::BaseFeeRunUp, run_up),
        (Metric::BaseFeeDrawdown, drawdown),
        (Metric::FeeBurned, signed(ratio(burned, count))),
        (Metric::GasServed, signed(ratio(served, count))),
    ])
}

/// Nearest-rank percentile of ascending values; the default value when there are none.
#[must_use]
pub fn percentile<T: Copy + Default>(ascending: &[T], percent: usize) -> T {
    let rank = (ascending.len() * percent).div_ceil(100).max(1);
    ascending.get(rank - 1).copied().unwrap_or_default()
}

fn volatility_ppm(fees: &[u128]) -> i128 {
    let changes: Vec<i128> = fees
        .windows(2)
        .map(|pair| i128::from(fixed::ln_q32(pair[1])) - i128::from(fixed::ln_q32(pair[0])))
        .collect();
    let count = changes.len().max(1) as i128;
    let mean = changes.iter().sum::<i128>() / count;
    let variance = changes.iter().map(|change| (change - mean).pow(2)).sum::<i128>() / count;
    i128::from(fixed::q32_to_ppm(fixed::saturate(variance.max(0).isqrt())))
}

/// Correlation of use in adjacent blocks; zero when use never changes.
fn autocorrelation_ppm(figures: &[Figures]) -> i128 {
    let used: Vec<i128> = figures
        .iter()
        .map(|block| signed(ratio(u128::from(block.gas_used) * 1_000_000, block.gas_limit.into())))
        .collect();
    let count = used.len().max(1) as i128;
    let mean = used.iter().sum::<i128>() / count;
    let variance: i128 = used.iter().map(|value| (value - mean).pow(2)).sum();
    let product: i128 = used.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    if variance == 0 { 0 } else { product * 1_000_000 / variance }
}

/// The largest relative rise within [`HOUR_BLOCKS`].
fn run_up_ppm(fees: &[u128]) -> i128 {
    let ratios = against_extreme(fees, |candidate, kept| candidate <= kept);
    ratios
        .map(|(fee, lowest)| signed(ratio(fee.saturating_mul(1_000_000), lowest)))
        .max()
        .map_or(0, |largest| (largest - 1_000_000).max(0))
}

/// The largest relative fall within [`HOUR_BLOCKS`].
fn drawdown_ppm(fees: &[u128]) -> i128 {
    let ratios = against_extreme(fees, |candidate, kept| candidate >= kept);
    ratios
        .filter(|(_, highest)| *highest > 0)
        .map(|(fee, highest)| 1_000_000 - signed(ratio(fee.saturating_mul(1_000_000), highest)))
        .max()
        .unwrap_or(0)
}

/// Each fee with the extreme of the window that ends with it.
fn against_extreme(
    fees: &[u128],
    replaces: impl Fn(u128, u128) -> bool,
) -> impl Iterator<Item = (u128, u128)> {
    // Positions whose fees can still become the extreme, the present one first.
    let mut candidates: VecDeque<usize> = VecDeque::new();
    fees.iter().enumerate().map(move |(position, fee)| {
        while candidates.back().is_some_and(|last| replaces(*fee, fees[*last])) {
            candidates.pop_back();
        }
        candidates.push_back(position);
        if candidates[0] + HOUR_BLOCKS < position {
            candidates.pop_front();
        }
        (*fee, fees[candidates[0]])
    })
}

fn longest_true_run(values: &[bool]) -> i128 {
    values.split(|value| !value).map(|run| run.len() as i128).max().unwrap_or(0)
}

fn share_ppm(part: usize, whole: usize) -> i128 {
    signed(ratio(part as u128 * 1_000_000, whole as u128))
}

/// Quotient rounded to nearest, ties up; zero when there is nothing to divide by.
fn ratio(numerator: u128, denominator: u128) -> u128 {
    match numerator.checked_div(denominator) {
        Some(quotient) => quotient + u128::from(numerator % denominator >= denominator.div_ceil(2)),
        None => 0,
    }
}

fn signed(value: u128) -> i128 {
    i128::try_from(value).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests;
