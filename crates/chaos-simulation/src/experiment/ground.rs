//! What an experiment's paths stand on: the demand of each, found on its own baseline.

use std::num::NonZeroUsize;

use chaos_parameters::fixed;
use chaos_types::Digest;

use super::{Error, Experiment, in_order, per_block, scaled};
use crate::{
    calibration::{Calibration, Compared, Fit, Pool},
    flow::{
        self, Assumptions, Calibrated, Demand, Fitted, ObservedBlock, POSTERIOR_ELASTICITIES_PPM,
        POSTERIOR_KNOTS_PPM, POSTERIOR_MEDIAN_PPM, PathSpec, Shocks,
    },
};

/// Separates the order in which a seed's paths take the points of the posterior.
const DRAW_DOMAIN: &[u8] = b"chaos-simulation/experiment/posterior/1";

/// From one path to the next so many points on: no common divisor with 33, and near its golden section, so
/// that any few consecutive paths lie evenly over all points.
const ELASTICITY_STRIDE: u64 = 20;

/// The pooled median of the baseline paths is near enough to the observed one at 2 %: log2 in Q32.
const NEAR_Q32: i64 = 123_000_000;

/// Most runs of the baseline that look for it.
const TRIALS: usize = 6;

/// A demand with the assumptions under which a path runs.
#[derive(Clone, Copy)]
pub(super) struct Own {
    pub(super) demand: Demand,
    pub(super) assumptions: Assumptions,
}

/// What the paths of an experiment stand on.
pub(super) struct Ground {
    /// The demand that the result shows, before the scenario's factor.
    pub(super) shown: Demand,
    /// Of each path, in order.
    pub(super) own: Vec<Own>,
    /// Of the paths that show their own scatter alone, at the posterior's median; empty if no path
    /// draws anything.
    pub(super) alone: Vec<Own>,
    /// The check; none of the first kind of fit.
    pub(super) calibration: Option<Calibration>,
    /// The highest base fee of any block of any trial in wei.
    pub(super) base_fee_max_wei: u128,
}

impl Ground {
    pub(super) fn of(
        experiment: &Experiment,
        observed: &[ObservedBlock],
        threads: NonZeroUsize,
    ) -> Result<Self, Error> {
        match experiment.fit {
            Fit::First => Self::first(experiment, observed),
            Fit::Point => {
                let elasticity_ppm = experiment.assumptions.elasticity_ppm;
                Self::checked(experiment, observed, &[elasticity_ppm], threads)
            }
            Fit::Posterior => Self::checked(experiment, observed, &POSTERIOR_KNOTS_PPM, threads),
        }
    }

    fn first(experiment: &Experiment, observed: &[ObservedBlock]) -> Result<Self, Error> {
        let Experiment { assumptions, baseline, .. } = experiment;
        let Calibrated { demand, base_fee_max_wei } =
            flow::calibrated(observed, assumptions, baseline).map_err(Error::Calibration)?;
        let shown = per_block(demand, observed, baseline);
        let own = Own { demand: scaled(shown, experiment.demand_ppm), assumptions: *assumptions };
        Ok(Self {
            shown,
            own: vec![own; experiment.paths as usize],
            alone: Vec::new(),
            calibration: None,
            base_fee_max_wei,
        })
    }

    fn checked(
        experiment: &Experiment,
        observed: &[ObservedBlock],
        elasticities_ppm: &[u32],
        threads: NonZeroUsize,
    ) -> Result<Self, Error> {
        let Experiment { assumptions, baseline, .. } = experiment;
        let fitted = flow::fit(observed, assumptions, elasticities_ppm, baseline)
            .map_err(Error::Calibration)?;
        let drawn = drawn(experiment);
        let at = |elasticity_ppm: u32, price: i64| Own {
            demand: flow::at_price(&fitted.at(elasticity_ppm), elasticity_ppm, price),
            assumptions: Assumptions { elasticity_ppm, ..*assumptions },
        };
        let paths = |price: i64| drawn.iter().map(|&ppm| at(ppm, price)).collect::<Vec<Own>>();
        let mut base_fee_max_wei = fitted.base_fee_max_wei;
        let (price, pool) = level(experiment, &fitted, &paths, threads, &mut base_fee_max_wei)?;
        let calibration = Compared {
            rows: fitted.rows,
            observed: &fitted.blocks,
            modelled: &pool,
            clamps: &fitted.clamps,
            baseline,
            proposal: &experiment.proposal,
        }
        .judge();
        let middle = if experiment.fit == Fit::Posterior {
            POSTERIOR_MEDIAN_PPM
        } else {
            assumptions.elasticity_ppm
        };
        let demanded = |mut own: Own| {
            own.demand = scaled(own.demand, experiment.demand_ppm);
            own
        };
        let alone = if experiment.fit == Fit::Posterior { experiment.paths.div_ceil(2) } else { 0 };
        Ok(Self {
            shown: at(middle, price).demand,
            own: paths(price).into_iter().map(demanded).collect(),
            alone: vec![demanded(at(middle, price)); alone as usize],
            calibration: Some(calibration),
            base_fee_max_wei,
        })
    }
}

/// By what factor of the price (log2, Q32) the experiment's own baseline paths are moved so that their
/// pooled median is the observed one, and their figures then.
///
/// The comparison runs on the same shocks, so that what it calls today is what was observed.
fn level(
    experiment: &Experiment,
    fitted: &Fitted,
    paths: &dyn Fn(i64) -> Vec<Own>,
    threads: NonZeroUsize,
    base_fee_max_wei: &mut u128,
) -> Result<(i64, Pool), Error> {
    let anchor = fixed::log2_q32(fitted.at(POSTERIOR_MEDIAN_PPM).anchor_wei);
    let mut nearest: Option<(i64, i64, Pool)> = None;
    let mut failed = None;
    flow::secant(TRIALS, NEAR_Q32, |price| {
        let own = paths(price);
        match baseline(experiment, &own, threads) {
            Ok((pool, highest)) => {
                *base_fee_max_wei = (*base_fee_max_wei).max(highest);
                let apart = pool.fee_log2_q32(50) - anchor;
                if nearest.as_ref().is_none_or(|(best, ..)| apart.saturating_abs() < *best) {
                    nearest = Some((apart.saturating_abs(), price, pool));
                }
                apart
            }
            Err(error) => {
                failed = Some(error);
                0
            }
        }
    });
    match (failed, nearest) {
        (Some(error), _) => Err(error),
        (None, Some((_, price, pool))) => Ok((price, pool)),
        (None, None) => Ok((0, Pool::default())),
    }
}

/// The pooled figures of all baseline paths, and the highest base fee of any block.
fn baseline(
    experiment: &Experiment,
    own: &[Own],
    threads: NonZeroUsize,
) -> Result<(Pool, u128), Error> {
    let of = |path: u32| {
        let Own { demand, assumptions } = &own[path as usize];
        let spec = experiment.spec(demand, assumptions);
        let blocks = experiment.warmup_blocks + experiment.blocks;
        let shocks = Shocks::draw((experiment.seed, path), blocks, demand, assumptions);
        let path = flow::simulate(&spec, &shocks, &experiment.baseline);
        (Pool::of_path(&path.blocks), path.base_fee_max_wei)
    };
    let pools = in_order(own.len(), threads, of)?;
    let highest = pools.iter().map(|(_, highest)| *highest).max().unwrap_or(0);
    Ok((pools.iter().fold(Pool::default(), |all, (pool, _)| all.merge(pool)), highest))
}

/// The elasticity of each path in ppm.
fn drawn(experiment: &Experiment) -> Vec<u32> {
    let points = POSTERIOR_ELASTICITIES_PPM.len() as u64;
    let first = first_point(experiment.seed, b"elasticity");
    (0..u64::from(experiment.paths))
        .map(|path| match experiment.fit {
            Fit::First | Fit::Point => experiment.assumptions.elasticity_ppm,
            Fit::Posterior => {
                let point = (first % points + path * ELASTICITY_STRIDE) % points;
                usize::try_from(point)
                    .ok()
                    .and_then(|point| POSTERIOR_ELASTICITIES_PPM.get(point).copied())
                    .unwrap_or(POSTERIOR_MEDIAN_PPM)
            }
        })
        .collect()
}

fn first_point(seed: u64, what: &[u8]) -> u64 {
    let digest = Digest::of_parts(&[DRAW_DOMAIN, what, &seed.to_be_bytes()]);
    let bytes = digest.as_bytes();
    bytes.iter().take(4).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The baseline as paths run it.
impl Experiment {
    pub(super) const fn spec<'a>(
        &'a self,
        demand: &'a Demand,
        assumptions: &'a Assumptions,
    ) -> PathSpec<'a> {
        PathSpec {
            demand,
            assumptions,
            baseline: &self.baseline,
            warmup_blocks: self.warmup_blocks,
            start_wei: None,
            settle_blocks: self.settle_blocks,
        }
    }
}
