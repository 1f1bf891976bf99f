mod matching;
mod points;

use chaos_parameters::{ParameterName, Parameters, Setting, fixed};
use serde::{Deserialize, Serialize};

pub use self::points::{POSTERIOR_MEDIAN_PPM, RowsUsed};
pub(crate) use self::{
    matching::secant,
    points::{
        Clamp, Fitted, LEVEL_BLOCKS_MIN, POSTERIOR_ELASTICITIES_PPM, POSTERIOR_KNOTS_PPM, at_price,
        fit,
    },
};
use super::{ObservedBlock, observed_metrics, percentile};

/// Slow noise is what remains in means over 10 x 10 blocks.
const WINDOW: usize = 10;

/// Fewer consecutive blocks than this do not show how noise persists: 1,000.
pub(crate) const NOISE_BLOCKS_MIN: usize = 1_000;

/// Persistence stays below one, or a path would never return to its level.
const PERSISTENCE_PPM_MAX: i64 = 999_000;

/// A longer interval between blocks counts as this many seconds: one hour.
const INTERVAL_SECONDS_MAX: u128 = 3_600;

/// Largest noise accepted, as the deviation of the natural logarithm: 2.
const SIGMA_PPM_MAX: i64 = 2_000_000;

/// What demand answers to the price, and how users wait: inputs that blocks alone do not show.
///
/// They are part of every result, because a reader may dispute each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumptions {
    /// Price elasticity of gas demand in ppm: 200,000 means a doubled price cuts demand by 13 %.
    ///
    /// Published estimates for Ethereum differ by a factor of 30: 0.006 in 2025
    /// (<https://arxiv.org/abs/2606.13555>) and 0.175 ± 0.093 from the three limit raises
    /// (<https://ethresear.ch/t/24166>). Results should be read at several values.
    pub elasticity_ppm: u32,
    /// How long unserved demand waits before it gives up, in blocks.
    pub patience_blocks: u32,
    /// How far patient users' reservation prices lie around the going price, as the largest
    /// distance of natural logarithms in ppm: 250,000 means from 22 % below to 28 % above.
    #[serde(default = "reservation_spread_ppm")]
    pub reservation_spread_ppm: u32,
    /// Most gas that may wait, in multiples of the block gas limit; what exceeds it is refused.
    pub pool_blocks: u32,
    /// Chance that a burst of demand begins in a block, in ppm.
    ///
    /// In mainnet blocks 12,965,000 to 12,999,999 the base fee rose fourfold or more within 300
    /// blocks six times, by 4 to 23: one burst in 6,000 blocks, of a few dozen blocks.
    pub burst_probability_ppm: u32,
    /// Demand during a burst over demand without, in ppm; 1,500,000 is half as much again.
    pub burst_factor_ppm: u32,
    /// Mean length of a burst in blocks; lengths are even from one block to twice that.
    pub burst_blocks: u32,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            elasticity_ppm: 200_000,
            patience_blocks: 50,
            reservation_spread_ppm: reservation_spread_ppm(),
            pool_blocks: 20,
            burst_probability_ppm: 170,
            burst_factor_ppm: 8_000_000,
            burst_blocks: 20,
        }
    }
}

/// The spread with which hourly falls of the base fee in the recorded London window are reproduced
/// best: a quarter.
const fn reservation_spread_ppm() -> u32 {
    250_000
}

/// Where the noise figures of a [`Demand`] come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseSource {
    /// Estimated from the observed blocks.
    Observed,
    /// Too few consecutive blocks were observed; the figures are those of mainnet blocks
    /// 12,965,000 to 12,999,999, rounded.
    Stated,
}

/// Gas demand per block: `level * (base fee / anchor)^-elasticity * exp(slow + fast noise)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// The reference price: the median observed base fee in wei, at least 1.
    #[serde(with = "chaos_types::decimal")]
    pub anchor_wei: u128,
    /// Mean gas demanded per block at the anchor price.
    #[serde(with = "chaos_types::decimal")]
    pub level_gas: u64,
    /// Deviation of the noise that is fresh in every block (natural logarithm, ppm).
    pub fast_sigma_ppm: i64,
    /// Deviation of the noise that persists (natural logarithm, ppm).
    pub slow_sigma_ppm: i64,
    /// Correlation of the persisting noise from one block to the next, in ppm.
    pub persistence_ppm: i64,
    /// Share of demand that waits for its price, in ppm.
    #[serde(default)]
    pub patient_share_ppm: u32,
    /// Deviation of the interval between blocks over its mean, in ppm: 1,000,000 under proof of
    /// work, 0 for fixed slots. Demand arrives in proportion to the interval.
    #[serde(default)]
    pub interval_variation_ppm: u32,
    /// Share of blocks that their proposer leaves empty, in ppm.
    #[serde(default)]
    pub empty_ppm: u32,
    /// Where the noise figures, patience and intervals come from.
    pub noise: NoiseSource,
    /// Observed blocks that carried a base fee.
    pub blocks_used: u64,
    /// Of those, the full ones whose excess demand was imputed, see [`calibrate`].
    pub blocks_imputed: u64,
}

/// Why observed blocks do not determine a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalibrationError {
    /// No observed block carries a base fee.
    #[error(
        "none of the {blocks} observed blocks has a base fee; the fee market needs blocks from \
         London on"
    )]
    NoBaseFee {
        /// Blocks observed.
        blocks: usize,
    },
    /// The observed blocks used no gas.
    #[error("the {blocks} observed blocks with a base fee used no gas")]
    NoGas {
        /// Blocks with a base fee.
        blocks: usize,
    },
}

/// One observed block with the price effect taken out.
struct Sample {
    block: ObservedBlock,
    /// Gas used times (base fee / anchor)^elasticity.
    demand_gas: u128,
}

/// Estimates the demand that produced the observed blocks, given its elasticity and patience.
///
/// *Anchor*: the median base fee. *Level*: the mean of gas used times (base fee / anchor)
/// ^elasticity. A full block hides the demand above its limit; as the pool carries that over, it
/// shows in the blocks that follow and the mean loses nothing, except in runs of full blocks
/// longer than the patience. Each full block beyond it counts as censored with an exponential
/// tail: the level is the sum over all blocks divided by the number of uncensored ones.
///
/// *Slow noise*: price-adjusted use over the level, averaged over 10 and over 100 blocks of the
/// longest consecutive run. What ten short windows keep when averaged is slow; the rest is fast.
/// The hundredth root of the correlation of adjacent long windows is the persistence. The
/// deviation becomes logarithmic by `ln(1 + c^2)`.
///
/// *Intervals and empty blocks*: the variation of the timestamps' differences, and the share of
/// blocks that used no gas.
///
/// *Patience and fast noise*: neither can be read off, as use ends at the limit and waiting is not
/// recorded. Instead the model runs with several values and takes the patient share with which use
/// in adjacent blocks is as correlated as observed, and the deviation with which the base fee is as
/// volatile. Empty blocks are corrected for those that short intervals leave empty, and the level is
/// moved so that the model's median base fee is the anchor.
///
/// `chain` gives elasticity multiplier and denominator under which the blocks were made; their
/// gas limit is taken from the blocks (median).
///
/// # Errors
/// If no block has a base fee or no gas was used.
pub fn calibrate(
    observed: &[ObservedBlock],
    assumptions: &Assumptions,
    chain: &Parameters,
) -> Result<Demand, CalibrationError> {
    calibrated(observed, assumptions, chain).map(|found| found.demand)
}

/// A demand with what the model did while it was matched to the observed blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calibrated {
    /// The demand.
    pub(crate) demand: Demand,
    /// The highest base fee of any block of any trial in wei; zero if there were no trials.
    pub(crate) base_fee_max_wei: u128,
}

/// As [`calibrate`].
pub(crate) fn calibrated(
    observed: &[ObservedBlock],
    assumptions: &Assumptions,
    chain: &Parameters,
) -> Result<Calibrated, CalibrationError> {
    let mut fees: Vec<u128> = observed.iter().filter_map(|block| block.base_fee_wei).collect();
    if fees.is_empty() {
        return Err(CalibrationError::NoBaseFee { blocks: observed.len() });
    }
    fees.sort_unstable();
    let anchor_wei = fees[(fees.len() - 1) / 2].max(1);
    let samples = samples(observed, anchor_wei, assumptions.elasticity_ppm);
    let imputed = count_beyond_patience(&samples, assumptions.patience_blocks);
    let total = samples.iter().fold(0u128, |sum, sample| sum.saturating_add(sample.demand_gas));
    let uncensored = (samples.len() - imputed).max(1);
    let level_gas = u64::try_from(total / uncensored as u128).unwrap_or(u64::MAX);
    if level_gas == 0 {
        return Err(CalibrationError::NoGas { blocks: samples.len() });
    }
    let mut demand = Demand {
        anchor_wei,
        level_gas,
        fast_sigma_ppm: STATED_NOISE.fast_sigma_ppm,
        slow_sigma_ppm: STATED_NOISE.slow_sigma_ppm,
        persistence_ppm: STATED_NOISE.persistence_ppm,
        patient_share_ppm: STATED_NOISE.patient_share_ppm,
        interval_variation_ppm: STATED_NOISE.interval_variation_ppm,
        empty_ppm: STATED_NOISE.empty_ppm,
        noise: NoiseSource::Stated,
        blocks_used: samples.len() as u64,
        blocks_imputed: imputed as u64,
    };
    let run = longest_run(&samples, |sample| sample.block.number);
    if run.len() >= NOISE_BLOCKS_MIN {
        (demand.slow_sigma_ppm, demand.persistence_ppm) = slow_noise(run, level_gas);
        demand.noise = NoiseSource::Observed;
        let blocks: Vec<ObservedBlock> = run.iter().map(|sample| sample.block).collect();
        let parameters = with_median_limit(chain, &blocks);
        demand.interval_variation_ppm = interval_variation_ppm(&blocks);
        demand.empty_ppm = empty_ppm(&blocks);
        let observed = observed_metrics(&blocks, chain.elasticity_multiplier());
        return Ok(matching::fit(&demand, assumptions, &parameters, &observed));
    }
    Ok(Calibrated { demand, base_fee_max_wei: 0 })
}

/// Ethereum's rule at the median gas limit of the blocks that carry a base fee: the natural
/// baseline of an experiment on them. `None` if there is no such block or its limit is unusable.
#[must_use]
pub fn chain_parameters(observed: &[ObservedBlock]) -> Option<Parameters> {
    let limits = observed.iter().filter(|block| block.base_fee_wei.is_some());
    Parameters::ethereum(median_limit(limits)).ok()
}

/// The chain's rule at the blocks' own gas limit; the chain's limit if theirs is out of bounds.
fn with_median_limit(chain: &Parameters, blocks: &[ObservedBlock]) -> Parameters {
    Setting::new(ParameterName::GasLimit, median_limit(blocks.iter()))
        .map_or(*chain, |setting| chain.with(setting))
}

fn median_limit<'a>(blocks: impl Iterator<Item = &'a ObservedBlock>) -> u64 {
    let mut limits: Vec<u64> = blocks.map(|block| block.gas_limit).collect();
    limits.sort_unstable();
    percentile(&limits, 50)
}

fn samples(observed: &[ObservedBlock], anchor_wei: u128, elasticity_ppm: u32) -> Vec<Sample> {
    let elasticity = fixed::ppm_to_q32(elasticity_ppm.into());
    let anchor = fixed::log2_q32(anchor_wei);
    observed
        .iter()
        .filter_map(|block| {
            let price = fixed::log2_q32(block.base_fee_wei?) - anchor;
            let exponent = fixed::mul_q32(elasticity, price);
            Some(Sample { block: *block, demand_gas: fixed::scale_exp2(block.gas_used, exponent) })
        })
        .collect()
}

/// Full blocks that stand deeper in an unbroken run of full blocks than users wait.
fn count_beyond_patience(samples: &[Sample], patience_blocks: u32) -> usize {
    let mut run = 0u32;
    let mut count = 0;
    let mut previous = None;
    for sample in samples {
        let consecutive =
            previous.is_some_and(|number: u64| number.checked_add(1) == Some(sample.block.number));
        run = match (sample.block.is_saturated(), consecutive) {
            (false, _) => 0,
            (true, true) => run.saturating_add(1),
            (true, false) => 1,
        };
        count += usize::from(run > patience_blocks);
        previous = Some(sample.block.number);
    }
    count
}

/// The longest stretch of items whose numbers ascend by one; the first if several are longest.
pub(crate) fn longest_run<T>(items: &[T], number: impl Fn(&T) -> u64) -> &[T] {
    let mut best = 0..0;
    let mut start = 0;
    for end in 1..=items.len() {
        let broken = end == items.len()
            || number(&items[end - 1]).checked_add(1) != Some(number(&items[end]));
        if broken {
            if end - start > best.len() {
                best = start..end;
            }
            start = end;
        }
    }
    &items[best]
}

struct Noise {
    fast_sigma_ppm: i64,
    slow_sigma_ppm: i64,
    persistence_ppm: i64,
    patient_share_ppm: u32,
    interval_variation_ppm: u32,
    empty_ppm: u32,
}

/// What [`calibrate`] finds in mainnet blocks 12,965,000 to 12,999,999, rounded.
const STATED_NOISE: Noise = Noise {
    fast_sigma_ppm: 150_000,
    slow_sigma_ppm: 65_000,
    persistence_ppm: 998_000,
    patient_share_ppm: 600_000,
    interval_variation_ppm: 950_000,
    empty_ppm: 14_000,
};

/// Deviation over mean of the seconds between consecutive blocks, at most one.
fn interval_variation_ppm(run: &[ObservedBlock]) -> u32 {
    let seconds: Vec<u128> = run
        .windows(2)
        .map(|pair| u128::from(pair[1].timestamp.saturating_sub(pair[0].timestamp)))
        .map(|interval| interval.min(INTERVAL_SECONDS_MAX))
        .collect();
    let count = seconds.len().max(1) as u128;
    let sum: u128 = seconds.iter().sum();
    let squares: u128 = seconds.iter().map(|interval| interval * interval).sum();
    // n^2 times variance and mean^2; the rounding of whole seconds is a sixth of a squared second.
    let variance = (count * squares).saturating_sub(sum * sum + count * count / 6);
    let ratio = variance * 1_000_000_000_000 / (sum * sum).max(1);
    u32::try_from(ratio.isqrt().min(1_000_000)).unwrap_or(1_000_000)
}

/// Share of blocks that used nothing.
fn empty_ppm(run: &[ObservedBlock]) -> u32 {
    let empty = run.iter().filter(|block| block.gas_used == 0).count();
    u32::try_from(empty as u128 * 1_000_000 / run.len().max(1) as u128).unwrap_or(1_000_000)
}

/// The part of the noise that windows keep: its deviation and its persistence, both in ppm.
fn slow_noise(run: &[Sample], level_gas: u64) -> (i64, i64) {
    // Demand relative to the level in Q32, held below 2^42 so that squares and sums stay exact.
    let relative: Vec<i128> = run
        .iter()
        .map(|sample| {
            let ratio = (sample.demand_gas.min(u128::MAX >> 33) << 32) / u128::from(level_gas);
            i128::try_from(ratio.min(1 << 42)).unwrap_or(1 << 42)
        })
        .collect();
    let short = window_means(&relative);
    let long = window_means(&short);
    let (short_variance, long_variance) =
        (covariance_q32(&short, &short), covariance_q32(&long, &long));
    // Of ten short windows the mean keeps the slow variance and a tenth of what is left of the
    // fast one.
    let ratio = WINDOW as i128;
    let slow = ((ratio * long_variance - short_variance) / (ratio - 1)).max(0);
    let adjacent = covariance_q32(&long[..long.len() - 1], &long[1..]);
    let persistence = if adjacent <= 0 || slow == 0 {
        0
    } else {
        let correlation = ((adjacent << 32) / slow).min(1 << 32);
        root_ppm(correlation, WINDOW * WINDOW).min(PERSISTENCE_PPM_MAX)
    };
    (logarithmic_sigma_ppm(slow), persistence)
}

fn window_means(values: &[i128]) -> Vec<i128> {
    values.chunks_exact(WINDOW).map(|window| window.iter().sum::<i128>() / WINDOW as i128).collect()
}

/// Mean of products of deviations, inputs and output in Q32.
fn covariance_q32(a: &[i128], b: &[i128]) -> i128 {
    let count = a.len().max(1) as i128;
    let mean_a = a.iter().sum::<i128>() / count;
    let mean_b = b.iter().sum::<i128>() / count;
    a.iter().zip(b).map(|(a, b)| ((a - mean_a) * (b - mean_b)) >> 32).sum::<i128>() / count
}

/// Deviation of the logarithm of a log-normal quantity of mean one and this variance.
fn logarithmic_sigma_ppm(variance_q32: i128) -> i64 {
    let one_plus = u128::try_from(variance_q32.max(0) + (1 << 32)).unwrap_or(1 << 32);
    let squared = fixed::log2_to_ln_q32(fixed::log2_q32(one_plus) - (32 << 32));
    fixed::q32_to_ppm(fixed::sqrt_q32(squared)).min(SIGMA_PPM_MAX)
}

/// The root of this degree of a ratio in Q32, in ppm.
fn root_ppm(ratio_q32: i128, degree: usize) -> i64 {
    let ratio = u128::try_from(ratio_q32).unwrap_or(0);
    let log = i128::from(fixed::log2_q32(ratio) - (32 << 32));
    let root = fixed::scale_exp2(1_000_000, fixed::saturate(log / degree as i128));
    i64::try_from(root).unwrap_or(PERSISTENCE_PPM_MAX)
}

#[cfg(test)]
mod tests;
