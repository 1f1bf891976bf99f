//! What blocks do not show directly, found by running the model until it behaves like them.

use std::cell::Cell;

use chaos_parameters::{Parameters, fixed};

use super::{Assumptions, Calibrated, Demand, SIGMA_PPM_MAX, points::Clamp};
use crate::flow::{Metric, PathMetrics, PathSpec, Shocks, percentile, simulate};

/// Size of the simulated sample.
const PATHS: u32 = 6;
const BLOCKS: u32 = 1_000;
/// The level is what figures depend on most: its last steps use a larger sample.
const LEVEL_PATHS: u32 = 20;
const LEVEL_STEPS: usize = 2;
const WARMUP_BLOCKS: u32 = 150;

/// Seed of the matching paths; an experiment's own seed must not move its calibration.
const SEED: u64 = u64::from_be_bytes(*b"demand/2");

/// Patient share, deviation and level depend on each other; they are found in turn this often.
const ROUNDS: usize = 4;

/// Resolutions of the matches.
const SIGMA_STEP_PPM: i64 = 4_000;
const SHARE_STEP_PPM: i64 = 4_000;

/// Everybody may not be patient: someone must set the going price.
const PATIENT_SHARE_PPM_MAX: i64 = 950_000;

/// More empty blocks than every second one are no proposers' habit.
const EMPTY_PPM_MAX: i128 = 500_000;

/// The level moves by at most this factor in one round: log2 in Q32, a factor of two.
const LEVEL_STEP_MAX_Q32: i64 = fixed::ONE_Q32;

/// Patient share, fast noise and level with which the model's use and base fee behave as observed.
pub(super) fn fit(
    start: &Demand,
    assumptions: &Assumptions,
    parameters: &Parameters,
    observed: &PathMetrics,
) -> Calibrated {
    let sample = Sample { assumptions, parameters, base_fee_max_wei: Cell::new(0) };
    let volatility = observed[&Metric::BaseFeeVolatility];
    let autocorrelation = observed[&Metric::UtilisationAutocorrelation];
    let mut demand = Demand { fast_sigma_ppm: 0, patient_share_ppm: 0, ..*start };
    for _ in 0..ROUNDS {
        let share =
            |ppm: i64| Demand { patient_share_ppm: u32::try_from(ppm).unwrap_or(0), ..demand };
        // More patience turns more of a block's excess back in the next one.
        let found = bisect(PATIENT_SHARE_PPM_MAX, SHARE_STEP_PPM, |ppm| {
            sample.mean(&share(ppm), Metric::UtilisationAutocorrelation) > autocorrelation
        });
        demand = share(found);
        let sigma = |fast_sigma_ppm: i64| Demand { fast_sigma_ppm, ..demand };
        let found = bisect(SIGMA_PPM_MAX, SIGMA_STEP_PPM, |ppm| {
            sample.mean(&sigma(ppm), Metric::BaseFeeVolatility) < volatility
        });
        demand = sigma(found);
        let excess = observed[&Metric::BlocksEmpty] - sample.mean(&demand, Metric::BlocksEmpty);
        let empty = (i128::from(demand.empty_ppm) + excess).clamp(0, EMPTY_PPM_MAX);
        demand.empty_ppm = u32::try_from(empty).unwrap_or(0);
        demand.level_gas = sample.level_gas(&demand, PATHS);
    }
    for _ in 0..LEVEL_STEPS {
        demand.level_gas = sample.level_gas(&demand, LEVEL_PATHS);
    }
    Calibrated { demand, base_fee_max_wei: sample.base_fee_max_wei.get() }
}

/// How far [`noise`] looks around the last values, as a part of the whole range, and how finely:
/// rounds after the first only correct what the others moved.
const NOISE_ROUNDS: [(i64, i64); 3] = [(1, 16_000), (8, 8_000), (16, 4_000)];

/// The level is found when the median base fee is this near the anchor: log2 in Q32, 1 %.
const LEVEL_NEAR_Q32: i64 = 61_600_000;

/// Most trials for a level.
const LEVEL_TRIALS: usize = 7;

/// Patient share, fast noise and empty blocks as [`fit`] finds them, in fewer trials.
pub(super) fn noise(
    start: &Demand,
    assumptions: &Assumptions,
    parameters: &Parameters,
    observed: &PathMetrics,
) -> Calibrated {
    let sample = Sample { assumptions, parameters, base_fee_max_wei: Cell::new(0) };
    let volatility = observed[&Metric::BaseFeeVolatility];
    let autocorrelation = observed[&Metric::UtilisationAutocorrelation];
    let mut demand = Demand { fast_sigma_ppm: 0, patient_share_ppm: 0, ..*start };
    for (part, step) in NOISE_ROUNDS {
        let share =
            |ppm: i64| Demand { patient_share_ppm: u32::try_from(ppm).unwrap_or(0), ..demand };
        let within = around(demand.patient_share_ppm.into(), PATIENT_SHARE_PPM_MAX, part);
        let found = bisect_within(within, step, |ppm| {
            sample.mean(&share(ppm), Metric::UtilisationAutocorrelation) > autocorrelation
        });
        demand = share(found);
        let sigma = |fast_sigma_ppm: i64| Demand { fast_sigma_ppm, ..demand };
        let within = around(demand.fast_sigma_ppm, SIGMA_PPM_MAX, part);
        let found = bisect_within(within, step, |ppm| {
            sample.mean(&sigma(ppm), Metric::BaseFeeVolatility) < volatility
        });
        demand = sigma(found);
        let excess = observed[&Metric::BlocksEmpty] - sample.mean(&demand, Metric::BlocksEmpty);
        let empty = (i128::from(demand.empty_ppm) + excess).clamp(0, EMPTY_PPM_MAX);
        demand.empty_ppm = u32::try_from(empty).unwrap_or(0);
        demand.level_gas = sample.level_gas(&demand, PATHS);
    }
    Calibrated { demand, base_fee_max_wei: sample.base_fee_max_wei.get() }
}

/// A part of the range from zero to `most` around a value; all of it if the part is one.
fn around(value: i64, most: i64, part: i64) -> (i64, i64) {
    if part == 1 {
        (0, most)
    } else {
        ((value - most / part).max(0), (value + most / part).min(most))
    }
}

/// Figures that [`noise`] left at their bounds.
pub(super) fn clamps(demand: &Demand) -> Vec<Clamp> {
    let finest = 2 * NOISE_ROUNDS[NOISE_ROUNDS.len() - 1].1;
    let mut clamps = Vec::new();
    if i128::from(demand.empty_ppm) >= EMPTY_PPM_MAX {
        clamps.push(Clamp::Empty);
    }
    if demand.fast_sigma_ppm >= SIGMA_PPM_MAX - finest {
        clamps.push(Clamp::FastNoise);
    }
    if i64::from(demand.patient_share_ppm) >= PATIENT_SHARE_PPM_MAX - finest {
        clamps.push(Clamp::Patience);
    }
    clamps
}

/// The level at which the median base fee of the sample is the anchor, by the rule of secants: in a
/// stationary market a level higher by e means a price higher by 1, with the elasticity e.
///
/// The trial that came nearest is taken.
pub(super) fn level(
    start: &Demand,
    assumptions: &Assumptions,
    parameters: &Parameters,
) -> Calibrated {
    let sample = Sample { assumptions, parameters, base_fee_max_wei: Cell::new(0) };
    let at = |price: i64| super::points::at_price(start, assumptions.elasticity_ppm, price);
    let price = secant(LEVEL_TRIALS, LEVEL_NEAR_Q32, |price| sample.apart(&at(price), PATHS));
    Calibrated { demand: at(price), base_fee_max_wei: sample.base_fee_max_wei.get() }
}

/// Where `apart` is nearest to zero in so many trials, if its slope is about one; all log2 in Q32.
///
/// No step is longer than a factor of 2^16 in price: inelastic demand moves that far within some per cent
/// of its level.
pub(crate) fn secant(trials: usize, near: i64, mut apart: impl FnMut(i64) -> i64) -> i64 {
    const STEP_MAX: i64 = 16 << 32;
    let (mut at, mut before) = (0, None::<(i64, i64)>);
    let mut best = (i64::MAX, 0);
    for _ in 0..trials {
        let found = apart(at);
        if found.saturating_abs() < best.0 {
            best = (found.saturating_abs(), at);
        }
        if best.0 <= near {
            break;
        }
        // Prices of inelastic demand do not reach their level within a path, so the slope may be far below one.
        let slope = before.map_or(1 << 32, |(place, value): (i64, i64)| {
            let across = i128::from(at - place);
            let up = i128::from(found - value) << 32;
            if across == 0 { 1 << 32 } else { (up / across).clamp(1 << 25, 1 << 35) }
        });
        before = Some((at, found));
        let step = (i128::from(found) << 32) / slope;
        at -= fixed::saturate(step).clamp(-STEP_MAX, STEP_MAX);
    }
    best.1
}

/// The largest value in steps from zero at which `below` still holds.
fn bisect(most: i64, step: i64, below: impl Fn(i64) -> bool) -> i64 {
    bisect_within((0, most), step, below)
}

fn bisect_within((mut low, mut high): (i64, i64), step: i64, below: impl Fn(i64) -> bool) -> i64 {
    while high - low > step {
        let middle = low.midpoint(high);
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The same shocks at every trial.
struct Sample<'a> {
    assumptions: &'a Assumptions,
    parameters: &'a Parameters,
    /// The highest base fee of all trials so far.
    base_fee_max_wei: Cell<u128>,
}

impl Sample<'_> {
    fn each<T>(
        &self,
        demand: &Demand,
        paths: u32,
        figure: impl Fn(&crate::flow::Path) -> T,
    ) -> Vec<T> {
        let spec = PathSpec {
            demand,
            assumptions: self.assumptions,
            baseline: self.parameters,
            warmup_blocks: WARMUP_BLOCKS,
            start_wei: None,
            settle_blocks: 0,
        };
        let run = |path| {
            let blocks = WARMUP_BLOCKS + BLOCKS;
            let shocks = Shocks::draw((SEED, path), blocks, demand, self.assumptions);
            let path = simulate(&spec, &shocks, self.parameters);
            self.base_fee_max_wei.set(self.base_fee_max_wei.get().max(path.base_fee_max_wei));
            figure(&path)
        };
        (0..paths).map(run).collect()
    }

    fn mean(&self, demand: &Demand, metric: Metric) -> i128 {
        let figures = self.each(demand, PATHS, |path| path.metrics(self.parameters)[&metric]);
        figures.iter().sum::<i128>() / i128::from(PATHS)
    }

    /// The level at which the median base fee of all paths together is the anchor.
    ///
    /// Every path runs twice, the second time with its slow noise the other way round: so few blocks
    /// would not show the middle of it.
    fn level_gas(&self, demand: &Demand, paths: u32) -> u64 {
        let apart = self.apart(demand, paths);
        let elasticity = fixed::ppm_to_q32(self.assumptions.elasticity_ppm.into());
        let step = -fixed::mul_q32(elasticity, apart);
        let step = step.clamp(-LEVEL_STEP_MAX_Q32, LEVEL_STEP_MAX_Q32);
        u64::try_from(fixed::scale_exp2(demand.level_gas, step)).unwrap_or(demand.level_gas).max(1)
    }

    /// log2 of the median base fee of all paths together over the anchor, in Q32.
    fn apart(&self, demand: &Demand, paths: u32) -> i64 {
        let mirrored = Demand { slow_sigma_ppm: -demand.slow_sigma_ppm, ..*demand };
        let mut fees: Vec<u128> = [*demand, mirrored]
            .iter()
            .flat_map(|demand| {
                self.each(demand, paths, |path| {
                    path.blocks.iter().map(|block| block.base_fee_wei).collect::<Vec<_>>()
                })
            })
            .flatten()
            .collect();
        fees.sort_unstable();
        fixed::log2_q32(percentile(&fees, 50)) - fixed::log2_q32(demand.anchor_wei)
    }
}
