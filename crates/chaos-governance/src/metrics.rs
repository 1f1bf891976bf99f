//! What observed blocks show, before anything is simulated.

use std::collections::BTreeMap;

use chaos_parameters::fixed;
use chaos_studio::{EvidenceRule, PolicyViolation};
use serde::Serialize;

use crate::{facts::BlockFacts, int::Int};

/// More blocks than this are refused: the sums below stay within 128 bits up to here.
pub const BLOCKS_MAX: usize = 2_000_000;

const PPM: i128 = 1_000_000;

/// A figure of the observed blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Mean gas used.
    GasUsedMean,
    /// Median gas used.
    GasUsedMedian,
    /// 95th percentile of gas used.
    GasUsedP95,
    /// Mean number of transactions.
    TransactionsMean,
    /// All transactions.
    TransactionsTotal,
    /// Smallest base fee.
    BaseFeeMin,
    /// Median base fee.
    BaseFeeMedian,
    /// 95th percentile of the base fee.
    BaseFeeP95,
    /// Largest base fee.
    BaseFeeMax,
    /// 10th percentile of effective priority fees.
    TipP10,
    /// Median effective priority fee.
    TipMedian,
    /// 90th percentile of effective priority fees.
    TipP90,
    /// Mean utilisation.
    UtilisationMean,
    /// Median utilisation.
    UtilisationMedian,
    /// 95th percentile of utilisation.
    UtilisationP95,
    /// Mean use as a share of the target.
    UseOfTarget,
    /// Share of full blocks.
    BlocksFull,
    /// Share of blocks above the target.
    BlocksAboveTarget,
    /// Standard deviation of the base fee's relative change.
    BaseFeeVolatility,
    /// Correlation of utilisation with that of the next block.
    UtilisationAutocorrelation,
}

impl Metric {
    /// The name in receipts and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.definition().0
    }

    /// The unit of the value.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        self.definition().1
    }

    /// How it is computed; U is gas used over gas limit, b the base fee, e the elasticity.
    #[must_use]
    pub const fn formula(self) -> &'static str {
        self.definition().2
    }

    const fn definition(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::GasUsedMean => ("gas_used_mean", "gas", "mean of gas used"),
            Self::GasUsedMedian => ("gas_used_p50", "gas", "median of gas used, nearest rank"),
            Self::GasUsedP95 => {
                ("gas_used_p95", "gas", "95th percentile of gas used, nearest rank")
            }
            Self::TransactionsMean => {
                ("transactions_mean", "milli_count", "mean number of transactions per block")
            }
            Self::TransactionsTotal => ("transactions_total", "count", "sum of transactions"),
            Self::BaseFeeMin => ("base_fee_min", "wei", "smallest b"),
            Self::BaseFeeMedian => ("base_fee_median", "wei", "median of b, nearest rank"),
            Self::BaseFeeP95 => ("base_fee_p95", "wei", "95th percentile of b, nearest rank"),
            Self::BaseFeeMax => ("base_fee_max", "wei", "largest b"),
            Self::TipP10 => {
                ("tip_p10", "wei", "10th percentile of effective priority fees, nearest rank")
            }
            Self::TipMedian => {
                ("tip_p50", "wei", "median of effective priority fees, nearest rank")
            }
            Self::TipP90 => {
                ("tip_p90", "wei", "90th percentile of effective priority fees, nearest rank")
            }
            Self::UtilisationMean => ("utilisation_mean", "ppm", "mean of U"),
            Self::UtilisationMedian => ("utilisation_p50", "ppm", "median of U, nearest rank"),
            Self::UtilisationP95 => {
                ("utilisation_p95", "ppm", "95th percentile of U, nearest rank")
            }
            Self::UseOfTarget => ("use_of_target", "ppm", "e x mean of U"),
            Self::BlocksFull => ("blocks_full", "ppm", "share of blocks with U >= 99 %"),
            Self::BlocksAboveTarget => {
                ("blocks_above_target", "ppm", "share of blocks with gas used > gas limit / e")
            }
            Self::BaseFeeVolatility => (
                "base_fee_volatility",
                "ppm",
                "standard deviation of ln(next b / b) over consecutive blocks, arXiv 2110.04753",
            ),
            Self::UtilisationAutocorrelation => (
                "utilisation_autocorrelation",
                "ppm",
                "sum of (U - mean)(next U - mean) over consecutive blocks / sum of (U - mean)^2",
            ),
        }
    }
}

/// The value of a metric and how many observations it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// The value in the metric's unit.
    pub value: Int,
    /// Blocks, pairs of blocks, or transactions it was computed from.
    pub n: u64,
}

/// The metrics of a set of observed blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// First and last block number.
    pub range: (u64, u64),
    /// How many blocks.
    pub blocks: u64,
    /// What could be computed; a metric whose inputs are absent is absent.
    pub values: BTreeMap<Metric, Observation>,
}

/// Why blocks cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There are too few for the policy.
    #[error("not enough evidence")]
    Policy(#[source] PolicyViolation),
    /// There are more than [`BLOCKS_MAX`].
    #[error("{blocks} blocks, the limit is {BLOCKS_MAX}")]
    TooMany {
        /// Blocks at hand.
        blocks: usize,
    },
    /// Block numbers do not ascend.
    #[error("block {number} does not come after block {previous}")]
    Order {
        /// Number of the block.
        number: u64,
        /// Number of the block before.
        previous: u64,
    },
    /// A block has no gas limit.
    #[error("block {number}: gas limit is zero")]
    NoLimit {
        /// Number of the block.
        number: u64,
    },
    /// A block used more gas than its limit.
    #[error("block {number}: gas used {gas_used} is above the limit {gas_limit}")]
    AboveLimit {
        /// Number of the block.
        number: u64,
        /// Gas used.
        gas_used: u64,
        /// Gas limit.
        gas_limit: u64,
    },
}

impl Metrics {
    /// Measures blocks in ascending order of number, gaps allowed.
    ///
    /// `elasticity` is gas limit over gas target, at least 1.
    ///
    /// # Errors
    /// If there are too few for the policy or too many, or a block contradicts itself.
    pub fn measure(
        blocks: &[BlockFacts],
        elasticity: u64,
        rule: &EvidenceRule,
    ) -> Result<Self, Error> {
        rule.check_blocks(blocks.len() as u64).map_err(Error::Policy)?;
        ensure_consistent(blocks)?;
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else {
            return Err(Error::Policy(PolicyViolation::TooFewBlocks { blocks: 0, blocks_min: 1 }));
        };
        let mut values = BTreeMap::new();
        gas(blocks, elasticity.max(1), &mut values);
        transactions(blocks, &mut values);
        fees(blocks, &mut values);
        Ok(Self {
            range: (first.observed.number, last.observed.number),
            blocks: blocks.len() as u64,
            values,
        })
    }

    /// The value of a metric, if its inputs were there.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<i128> {
        self.values.get(&metric).map(|observation| observation.value.0)
    }
}

type Values = BTreeMap<Metric, Observation>;

fn ensure_consistent(blocks: &[BlockFacts]) -> Result<(), Error> {
    if blocks.len() > BLOCKS_MAX {
        return Err(Error::TooMany { blocks: blocks.len() });
    }
    for pair in blocks.windows(2) {
        let (previous, number) = (pair[0].observed.number, pair[1].observed.number);
        if number <= previous {
            return Err(Error::Order { number, previous });
        }
    }
    for block in blocks {
        let (number, gas_used, gas_limit) =
            (block.observed.number, block.observed.gas_used, block.observed.gas_limit);
        if gas_limit == 0 {
            return Err(Error::NoLimit { number });
        }
        if gas_used > gas_limit {
            return Err(Error::AboveLimit { number, gas_used, gas_limit });
        }
    }
    Ok(())
}

fn gas(blocks: &[BlockFacts], elasticity: u64, values: &mut Values) {
    let n = blocks.len() as u64;
    let mut put = |metric, value| {
        values.insert(metric, Observation { value: Int(value), n });
    };
    let mut used: Vec<i128> = blocks.iter().map(|block| block.observed.gas_used.into()).collect();
    used.sort_unstable();
    put(Metric::GasUsedMean, mean(&used));
    put(Metric::GasUsedMedian, percentile(&used, 50));
    put(Metric::GasUsedP95, percentile(&used, 95));

    let utilisation: Vec<i128> = blocks.iter().map(utilisation_ppm).collect();
    let mut sorted = utilisation.clone();
    sorted.sort_unstable();
    put(Metric::UtilisationMean, mean(&sorted));
    put(Metric::UtilisationMedian, percentile(&sorted, 50));
    put(Metric::UtilisationP95, percentile(&sorted, 95));
    let total: i128 = sorted.iter().sum();
    put(Metric::UseOfTarget, rounded(total * i128::from(elasticity), i128::from(n)));
    put(Metric::BlocksFull, share(blocks, |block| block.observed.is_saturated()));
    let above = |block: &BlockFacts| {
        u128::from(block.observed.gas_used) * u128::from(elasticity)
            > u128::from(block.observed.gas_limit)
    };
    put(Metric::BlocksAboveTarget, share(blocks, above));
    if let Some((value, pairs)) = autocorrelation_ppm(blocks, &utilisation) {
        let observation = Observation { value: Int(value), n: pairs };
        values.insert(Metric::UtilisationAutocorrelation, observation);
    }
}

fn transactions(blocks: &[BlockFacts], values: &mut Values) {
    let known: Vec<i128> =
        blocks.iter().filter_map(|block| block.transactions).map(i128::from).collect();
    if !known.is_empty() {
        let (n, total) = (known.len() as u64, known.iter().sum::<i128>());
        let per_block = rounded(total * 1_000, i128::from(n));
        values.insert(Metric::TransactionsMean, Observation { value: Int(per_block), n });
        values.insert(Metric::TransactionsTotal, Observation { value: Int(total), n });
    }
    let mut tips: Vec<i128> =
        blocks.iter().flat_map(|block| &block.tips_wei).map(|tip| signed(*tip)).collect();
    if !tips.is_empty() {
        tips.sort_unstable();
        let n = tips.len() as u64;
        for (metric, percent) in
            [(Metric::TipP10, 10), (Metric::TipMedian, 50), (Metric::TipP90, 90)]
        {
            values.insert(metric, Observation { value: Int(percentile(&tips, percent)), n });
        }
    }
}

fn fees(blocks: &[BlockFacts], values: &mut Values) {
    let mut fees: Vec<i128> =
        blocks.iter().filter_map(|block| block.observed.base_fee_wei).map(signed).collect();
    fees.sort_unstable();
    let n = fees.len() as u64;
    if let (Some(min), Some(max)) = (fees.first().copied(), fees.last().copied()) {
        let mut put = |metric, value| {
            values.insert(metric, Observation { value: Int(value), n });
        };
        put(Metric::BaseFeeMin, min);
        put(Metric::BaseFeeMedian, percentile(&fees, 50));
        put(Metric::BaseFeeP95, percentile(&fees, 95));
        put(Metric::BaseFeeMax, max);
    }
    if let Some((value, pairs)) = volatility_ppm(blocks) {
        let observation = Observation { value: Int(value), n: pairs };
        values.insert(Metric::BaseFeeVolatility, observation);
    }
}

fn utilisation_ppm(block: &BlockFacts) -> i128 {
    rounded(i128::from(block.observed.gas_used) * PPM, i128::from(block.observed.gas_limit))
}

fn consecutive(pair: &[BlockFacts]) -> bool {
    pair[1].observed.number - pair[0].observed.number == 1
}

/// Standard deviation of ln(next b / b) in ppm and the number of pairs; needs two pairs.
fn volatility_ppm(blocks: &[BlockFacts]) -> Option<(i128, u64)> {
    let changes: Vec<i128> = blocks
        .windows(2)
        .filter(|pair| consecutive(pair))
        .filter_map(|pair| pair[0].observed.base_fee_wei.zip(pair[1].observed.base_fee_wei))
        .map(|(fee, next)| i128::from(fixed::ln_q32(next)) - i128::from(fixed::ln_q32(fee)))
        .collect();
    let n = changes.len() as u64;
    if n < 2 {
        return None;
    }
    let mean = changes.iter().sum::<i128>() / i128::from(n);
    let squares: i128 = changes.iter().map(|change| (change - mean).pow(2)).sum();
    // A square of Q32 numbers has 64 fractional bits, so its root is Q32 again.
    let deviation_q32 = fixed::saturate((squares / i128::from(n)).isqrt());
    Some((fixed::q32_to_ppm(deviation_q32).into(), n))
}

/// Lag-1 autocorrelation in ppm and the number of pairs; `None` if nothing varies.
fn autocorrelation_ppm(blocks: &[BlockFacts], utilisation: &[i128]) -> Option<(i128, u64)> {
    let n = utilisation.len() as i128;
    let total: i128 = utilisation.iter().sum();
    // Deviations are scaled by n, which makes the mean exact: at most 2e12 each, 2^126 in the sums.
    let deviations: Vec<i128> = utilisation.iter().map(|value| value * n - total).collect();
    let spread: i128 = deviations.iter().map(|deviation| deviation * deviation).sum();
    let products: Vec<i128> = blocks
        .windows(2)
        .zip(deviations.windows(2))
        .filter(|(pair, _)| consecutive(pair))
        .map(|(_, pair)| pair[0] * pair[1])
        .collect();
    if spread == 0 || products.is_empty() {
        return None;
    }
    let together: i128 = products.iter().sum();
    Some((rounded(together * PPM, spread), products.len() as u64))
}

fn share(blocks: &[BlockFacts], holds: impl Fn(&BlockFacts) -> bool) -> i128 {
    let count = blocks.iter().filter(|block| holds(block)).count() as i128;
    rounded(count * PPM, blocks.len() as i128)
}

fn mean(values: &[i128]) -> i128 {
    rounded(values.iter().sum(), values.len() as i128)
}

/// Nearest-rank percentile of ascending values: the smallest with at least this share at or below.
fn percentile(ascending: &[i128], percent: usize) -> i128 {
    let rank = (ascending.len() * percent).div_ceil(100).max(1);
    ascending.get(rank - 1).copied().unwrap_or_default()
}

/// Quotient rounded to nearest, ties toward positive infinity; the divisor is positive.
fn rounded(numerator: i128, denominator: i128) -> i128 {
    (numerator + denominator / 2).div_euclid(denominator)
}

fn signed(value: u128) -> i128 {
    i128::try_from(value).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests;
