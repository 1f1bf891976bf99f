//! What blocks do not show directly, found by running the model until it behaves like them.

use std::cell::Cell;

use chaos_parameters::{Parameters, fixed};

use super::{Assumptions, Calibrated, Demand, SIGMA_PPM_MAX};
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

/// The largest value in steps from zero at which `below` still holds.
fn bisect(most: i64, step: i64, below: impl Fn(i64) -> bool) -> i64 {
    let (mut low, mut high) = (0, most);
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
        let apart = fixed::log2_q32(percentile(&fees, 50)) - fixed::log2_q32(demand.anchor_wei);
        let elasticity = fixed::ppm_to_q32(self.assumptions.elasticity_ppm.into());
        let step = -fixed::mul_q32(elasticity, apart);
        let step = step.clamp(-LEVEL_STEP_MAX_Q32, LEVEL_STEP_MAX_Q32);
        u64::try_from(fixed::scale_exp2(demand.level_gas, step)).unwrap_or(demand.level_gas).max(1)
    }
}
