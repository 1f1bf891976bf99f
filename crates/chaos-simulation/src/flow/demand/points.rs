//! A fit whose outcome is checked: a demand for each elasticity, at the level that gives the blocks'
//! median base fee.

use std::cmp::Reverse;

use chaos_parameters::{Parameters, fixed};
use serde::{Deserialize, Serialize};

use super::{
    Assumptions, CalibrationError, Demand, NOISE_BLOCKS_MIN, NoiseSource, STATED_NOISE, matching,
    samples,
};
use crate::flow::{ObservedBlock, observed_metrics};

/// Fewer consecutive blocks than this show no level: 24, what proposals need as evidence.
///
/// A base fee moves by an eighth per block at most: in fewer blocks its median says where the chain
/// happened to begin.
pub(crate) const LEVEL_BLOCKS_MIN: usize = 24;

/// Blocks whose gas limit is further than this from the newest one's are of another era: 15 %.
///
/// Proposers vote the limit up and down by some per cent without any change of rules (27.4 to 30.3
/// million in August 2021); a raise is at least a fifth.
const ERA_LIMIT_PERCENT: u64 = 15;

/// The posterior of the elasticity: 33 equally probable points in ppm of a lognormal with median
/// 0.25 and deviation 0.55 of the natural logarithm, so 80 % lie in 0.12 to 0.51.
///
/// From shocks in per-block histories and from five raises of the gas limit
/// (`docs/adr/0048-a-calibration-that-can-fail.md`).
pub(crate) const POSTERIOR_ELASTICITIES_PPM: [u32; 33] = [
    75_952, 98_654, 113_596, 125_863, 136_759, 146_845, 156_427, 165_693, 174_775, 183_770,
    192_756, 201_801, 210_966, 220_308, 229_886, 239_761, 250_000, 260_676, 271_874, 283_694,
    296_257, 309_711, 324_244, 340_099, 357_602, 377_203, 399_548, 425_618, 457_009, 496_571,
    550_194, 633_527, 822_888,
];

/// The posterior's median in ppm.
pub const POSTERIOR_MEDIAN_PPM: u32 = POSTERIOR_ELASTICITIES_PPM[16];

/// The points at which demand is fitted; between them level and slow noise are interpolated.
pub(crate) const POSTERIOR_KNOTS_PPM: [u32; 5] = [
    POSTERIOR_ELASTICITIES_PPM[0],
    POSTERIOR_ELASTICITIES_PPM[6],
    POSTERIOR_ELASTICITIES_PPM[16],
    POSTERIOR_ELASTICITIES_PPM[26],
    POSTERIOR_ELASTICITIES_PPM[32],
];

/// Which of the given rows a fit used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsUsed {
    /// Rows given.
    pub given: u64,
    /// Of those, rows without a base fee.
    pub without_base_fee: u64,
    /// Rows outside the run of consecutive blocks that was used.
    pub not_consecutive: u64,
    /// Rows of that run with a gas limit of another era.
    pub other_era: u64,
    /// Rows used.
    pub used: u64,
    /// First block used.
    #[serde(with = "chaos_types::decimal")]
    pub first_block: u64,
    /// Last block used.
    #[serde(with = "chaos_types::decimal")]
    pub last_block: u64,
}

/// A figure that a fit left at its bound, so that it means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Clamp {
    /// Half of the blocks are left empty.
    Empty,
    /// The noise of a single block is at its largest.
    FastNoise,
    /// Almost everybody waits for a price.
    Patience,
}

/// One demand for each elasticity.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    /// Ascending by elasticity in ppm; at least one.
    knots: Vec<(u32, Demand)>,
    /// What it was fitted to.
    pub(crate) rows: RowsUsed,
    /// The blocks used.
    pub(crate) blocks: Vec<ObservedBlock>,
    /// Figures at their bounds.
    pub(crate) clamps: Vec<Clamp>,
    /// The highest base fee of any trial in wei.
    pub(crate) base_fee_max_wei: u128,
}

impl Fitted {
    /// The demand at this elasticity, interpolated in its logarithm between the two next knots.
    pub(crate) fn at(&self, elasticity_ppm: u32) -> Demand {
        let above = self.knots.partition_point(|(ppm, _)| *ppm < elasticity_ppm);
        let high = &self.knots[above.min(self.knots.len() - 1)];
        let low = &self.knots[above.saturating_sub(1)];
        if high.0 <= low.0 || elasticity_ppm >= high.0 {
            return high.1;
        }
        let log = |ppm: u32| fixed::log2_q32(ppm.into());
        let part = i128::from(log(elasticity_ppm) - log(low.0));
        let whole = i128::from(log(high.0) - log(low.0)).max(1);
        let between =
            |low: i64, high: i64| low + fixed::saturate(i128::from(high - low) * part / whole);
        let level =
            fixed::log2_q32(high.1.level_gas.into()) - fixed::log2_q32(low.1.level_gas.into());
        let level = fixed::scale_exp2(low.1.level_gas, between(0, level));
        Demand {
            level_gas: u64::try_from(level).unwrap_or(u64::MAX).max(1),
            slow_sigma_ppm: between(low.1.slow_sigma_ppm, high.1.slow_sigma_ppm),
            persistence_ppm: between(low.1.persistence_ppm, high.1.persistence_ppm),
            ..low.1
        }
    }
}

/// The demand that pays a price higher by this factor, log2 in Q32, for the same gas.
pub(crate) fn at_price(demand: &Demand, elasticity_ppm: u32, factor_log2_q32: i64) -> Demand {
    let step = fixed::mul_q32(fixed::ppm_to_q32(elasticity_ppm.into()), factor_log2_q32);
    let level = u64::try_from(fixed::scale_exp2(demand.level_gas, step)).unwrap_or(u64::MAX);
    Demand { level_gas: level.max(1), ..*demand }
}

/// Fits a demand to the newest consecutive blocks, for each of the ascending elasticities.
///
/// Noise and patience are found at the middle elasticity, as they show in single blocks, where demand
/// has no time to answer to the price. Level and slow noise are found for each.
///
/// # Errors
/// If no block has a base fee or no gas was used.
pub(crate) fn fit(
    observed: &[ObservedBlock],
    assumptions: &Assumptions,
    elasticities_ppm: &[u32],
    chain: &Parameters,
) -> Result<Fitted, CalibrationError> {
    let (blocks, rows) = used(observed)?;
    let parameters = super::with_median_limit(chain, &blocks);
    let at = |elasticity_ppm| Assumptions { elasticity_ppm, ..*assumptions };
    let middle = elasticities_ppm.get(elasticities_ppm.len() / 2).copied();
    let middle = middle.unwrap_or(assumptions.elasticity_ppm);
    let start = read_off(&blocks, &at(middle))?;
    let mut base_fee_max_wei = 0;
    let mut clamps = Vec::new();
    let noise = match start.noise {
        NoiseSource::Stated => start,
        NoiseSource::Observed => {
            let observed = observed_metrics(&blocks, chain.elasticity_multiplier());
            let found = matching::noise(&start, &at(middle), &parameters, &observed);
            base_fee_max_wei = found.base_fee_max_wei;
            clamps = matching::clamps(&found.demand);
            found.demand
        }
    };
    let moved = fixed::log2_q32(noise.level_gas.into()) - fixed::log2_q32(start.level_gas.into());
    let mut knots = Vec::with_capacity(elasticities_ppm.len());
    for &elasticity_ppm in elasticities_ppm {
        let own = read_off(&blocks, &at(elasticity_ppm))?;
        let level = fixed::scale_exp2(own.level_gas, moved);
        let demand = Demand {
            level_gas: u64::try_from(level).unwrap_or(own.level_gas).max(1),
            fast_sigma_ppm: noise.fast_sigma_ppm,
            patient_share_ppm: noise.patient_share_ppm,
            empty_ppm: noise.empty_ppm,
            ..own
        };
        let found = matching::level(&demand, &at(elasticity_ppm), &parameters);
        base_fee_max_wei = base_fee_max_wei.max(found.base_fee_max_wei);
        knots.push((elasticity_ppm, found.demand));
    }
    Ok(Fitted { knots, rows, blocks, clamps, base_fee_max_wei })
}

/// What consecutive blocks show without a model: anchor, level, slow noise, intervals.
fn read_off(
    blocks: &[ObservedBlock],
    assumptions: &Assumptions,
) -> Result<Demand, CalibrationError> {
    let mut fees: Vec<u128> = blocks.iter().filter_map(|block| block.base_fee_wei).collect();
    fees.sort_unstable();
    let anchor_wei = fees.get(fees.len().saturating_sub(1) / 2).copied().unwrap_or(1).max(1);
    let samples = samples(blocks, anchor_wei, assumptions.elasticity_ppm);
    let imputed = super::count_beyond_patience(&samples, assumptions.patience_blocks);
    let total = samples.iter().fold(0u128, |sum, sample| sum.saturating_add(sample.demand_gas));
    let uncensored = samples.len().saturating_sub(imputed).max(1);
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
    if blocks.len() >= NOISE_BLOCKS_MIN {
        (demand.slow_sigma_ppm, demand.persistence_ppm) = super::slow_noise(&samples, level_gas);
        demand.noise = NoiseSource::Observed;
        demand.interval_variation_ppm = super::interval_variation_ppm(blocks);
        demand.empty_ppm = super::empty_ppm(blocks);
    }
    Ok(demand)
}

/// The rows that one demand can be fitted to: of the newest run of consecutive blocks that is long
/// enough, or else of the longest, those with the newest gas limit.
fn used(observed: &[ObservedBlock]) -> Result<(Vec<ObservedBlock>, RowsUsed), CalibrationError> {
    let priced: Vec<ObservedBlock> =
        observed.iter().filter(|block| block.base_fee_wei.is_some()).copied().collect();
    let consecutive =
        |a: &ObservedBlock, b: &ObservedBlock| a.number.checked_add(1) == Some(b.number);
    let runs = || priced.chunk_by(consecutive).rev();
    let run = runs()
        .find(|run| run.len() >= NOISE_BLOCKS_MIN)
        .or_else(|| runs().min_by_key(|run| Reverse(run.len())))
        .unwrap_or(&[]);
    let Some(newest) = run.last() else {
        return Err(CalibrationError::NoBaseFee { blocks: observed.len() });
    };
    let same = |block: &ObservedBlock| {
        let apart = u128::from(block.gas_limit.abs_diff(newest.gas_limit)) * 100;
        apart <= u128::from(newest.gas_limit) * u128::from(ERA_LIMIT_PERCENT)
    };
    let before = run.iter().rposition(|block| !same(block)).map_or(0, |last| last + 1);
    let used = &run[before..];
    let rows = RowsUsed {
        given: observed.len() as u64,
        without_base_fee: (observed.len() - priced.len()) as u64,
        not_consecutive: (priced.len() - run.len()) as u64,
        other_era: before as u64,
        used: used.len() as u64,
        first_block: used.first().map_or(0, |block| block.number),
        last_block: newest.number,
    };
    Ok((used.to_vec(), rows))
}

#[cfg(test)]
mod tests;
