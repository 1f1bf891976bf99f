use std::{collections::BTreeMap, num::NonZeroUsize};

use chaos_parameters::{Family, ParameterName, Parameters, Setting, fixed};
use chaos_types::{Digest, canonical};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rayon::prelude::*;
use serde::Serialize;

use super::{
    Basis, Error, FORECAST_FORMAT, Forecast, ForecastRow, Quantiles, Request, Target, Window,
    dispersion::{Widening, widenings},
};
use crate::{
    Decimal,
    experiment::WORK_BLOCKS_MAX,
    flow::{
        self, Assumptions, Demand, Metric, NOISE_BLOCKS_MIN, ObservedBlock, Path, PathMetrics,
        PathSpec, Shocks, SlowStart, observed_metrics,
    },
};

/// Fewer consecutive blocks than this do not determine a demand.
pub const FIT_BLOCKS_MIN: usize = NOISE_BLOCKS_MIN;

/// The shortest and the longest stretch that can be predicted.
pub const HORIZON_BLOCKS_MIN: u32 = 100;
/// The longest stretch that can be predicted.
pub const HORIZON_BLOCKS_MAX: u32 = 32_768;

/// Blocks of warm-up: they fill the pool while slow noise stands where the fit ended.
pub(super) const WARMUP_BLOCKS: u32 = 300;

/// The state of demand at the end of the fit is read from the base fees of so many blocks.
const STATE_BLOCKS: usize = 60;

/// Separates what is drawn about the fit's errors from the paths' own shocks.
const ERROR_DOMAIN: &[u8] = b"chaos-simulation/forecast/error/1";

/// The model's name in its digest.
const MODEL: &str = "flow/2";

/// How a forecast is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Paths; percentiles need at least 40.
    pub paths: u32,
    /// Most blocks to fit on, the last ones before the activation.
    pub fit_blocks: u32,
    /// Blocks to predict.
    pub horizon_blocks: u32,
    /// Elasticity, patience, pool and bursts.
    pub assumptions: Assumptions,
}

impl Default for Options {
    /// 200 paths of 2,500 blocks, fitted on 10,000.
    fn default() -> Self {
        Self {
            seed: 0,
            paths: 200,
            fit_blocks: 10_000,
            horizon_blocks: 2_500,
            assumptions: Assumptions::default(),
        }
    }
}

impl Options {
    pub(super) fn ensure_bounds(&self) -> Result<(), Error> {
        let bounds = [
            ("paths", 40, 10_000, self.paths),
            ("fit blocks", 1_000, 1_000_000, self.fit_blocks),
            ("horizon blocks", HORIZON_BLOCKS_MIN, HORIZON_BLOCKS_MAX, self.horizon_blocks),
            ("elasticity_ppm", 0, 5_000_000, self.assumptions.elasticity_ppm),
        ];
        for (field, min, max, found) in bounds {
            ensure(field, (min.into(), max.into()), found.into())?;
        }
        let work = u64::from(self.paths) * u64::from(self.horizon_blocks + WARMUP_BLOCKS);
        ensure("paths x blocks", (1, WORK_BLOCKS_MAX), work)
    }
}

fn ensure(field: &'static str, (min, max): (u64, u64), found: u64) -> Result<(), Error> {
    if (min..=max).contains(&found) {
        Ok(())
    } else {
        Err(Error::OutOfBounds { field, min, max, found })
    }
}

/// Predicts the blocks from the activation on, from those before it.
///
/// Only blocks before `request.activation_block` are read; what else `observed` holds does not
/// change a byte. Same arguments, same bytes, for any number of threads.
///
/// # Errors
/// If blocks do not ascend, fewer than [`FIT_BLOCKS_MIN`] consecutive ones come before, a number is
/// out of bounds, the chain's fee rule is not EIP-1559, or threads cannot start.
pub fn forecast(
    request: &Request,
    observed: &[ObservedBlock],
    options: &Options,
    threads: NonZeroUsize,
) -> Result<Forecast, Error> {
    let observed = usable(observed)?;
    let before = observed.partition_point(|block| block.number < request.activation_block);
    let start = before.saturating_sub(options.fit_blocks as usize);
    let fit = &observed[start..before];
    let recent = before.saturating_sub(options.horizon_blocks as usize);
    let naive = observed_metrics(
        &observed[recent.max(start)..before],
        request.baseline.elasticity_multiplier(),
    );
    let plan = Plan { request, options, threads };
    let fitted = plan.fit(fit, "blocks before the activation")?;
    let start_wei = fitted.free.then_some(0);
    let spec = PathPlan { fitted: &fitted, start_wei, warmup_blocks: WARMUP_BLOCKS };
    let paths = plan.paths(&spec, |path| path.metrics(&fitted.proposal))?;
    // Recorded windows are compared with the rules that they were made under.
    let unchanged = Fitted { proposal: fitted.baseline, ..fitted };
    let reference = if fitted.proposal == fitted.baseline {
        paths.clone()
    } else {
        let spec = PathPlan { fitted: &unchanged, ..spec };
        plan.paths(&spec, |path| path.metrics(&unchanged.proposal))?
    };
    let multiplier = fitted.baseline.elasticity_multiplier();
    let (widenings, windows) =
        widenings(fit, options.horizon_blocks as usize, multiplier, &reference);
    let rows = rows(&paths, &widenings, Some(&naive));
    plan.document(fitted, Basis::Before, rows, windows)
}

/// The blocks that carry a base fee, if all ascend.
pub(super) fn usable(observed: &[ObservedBlock]) -> Result<Vec<ObservedBlock>, Error> {
    for pair in observed.windows(2) {
        if pair[1].number <= pair[0].number {
            return Err(Error::Order { number: pair[1].number, previous: pair[0].number });
        }
    }
    Ok(observed.iter().filter(|block| block.base_fee_wei.is_some()).copied().collect())
}

/// What all paths of a forecast share.
pub(super) struct Plan<'a> {
    pub(super) request: &'a Request,
    pub(super) options: &'a Options,
    pub(super) threads: NonZeroUsize,
}

/// A demand and how well it is known.
#[derive(Clone, Copy)]
pub(super) struct Fitted {
    pub(super) window: Window,
    pub(super) baseline: Parameters,
    pub(super) proposal: Parameters,
    pub(super) demand: Demand,
    pub(super) level_error_ppm: i64,
    pub(super) slow_error_ppm: i64,
    pub(super) slow_start_ppm: i64,
    /// Every block of the fit has the base fee zero.
    free: bool,
}

/// How the paths of a forecast begin.
pub(super) struct PathPlan<'a> {
    pub(super) fitted: &'a Fitted,
    pub(super) start_wei: Option<u128>,
    pub(super) warmup_blocks: u32,
}

impl Plan<'_> {
    pub(super) fn fit(&self, fit: &[ObservedBlock], what: &'static str) -> Result<Fitted, Error> {
        self.options.ensure_bounds()?;
        for parameters in [&self.request.baseline, &self.request.proposal] {
            let family = parameters.family();
            if family == Family::Arbitrum {
                return Err(Error::Family { family });
            }
        }
        let run = flow::longest_run(fit, |block| block.number);
        if run.len() < FIT_BLOCKS_MIN {
            return Err(Error::TooShort { what, found: run.len(), min: FIT_BLOCKS_MIN });
        }
        let window = Window::of(fit).ok_or(Error::Empty)?;
        let (baseline, proposal) = at_observed_limit(self.request, fit);
        let assumptions = &self.options.assumptions;
        let demand = flow::calibrate(fit, assumptions, &baseline).map_err(Error::Calibration)?;
        let precision = Precision::of(&demand, fit.len());
        Ok(Fitted {
            window,
            baseline,
            proposal,
            level_error_ppm: precision.level_error_ppm,
            slow_error_ppm: precision.slow_error_ppm,
            slow_start_ppm: slow_start_ppm(fit, &demand, assumptions),
            free: fit.iter().all(|block| block.base_fee_wei == Some(0)),
            demand: Demand { slow_sigma_ppm: precision.slow_sigma_ppm, ..demand },
        })
    }

    /// Runs every path and keeps what `figure` makes of it, in the order of the paths.
    pub(super) fn paths<T: Send>(
        &self,
        plan: &PathPlan<'_>,
        figure: impl Fn(&Path) -> T + Sync,
    ) -> Result<Vec<T>, Error> {
        let threads = self.threads;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .build()
            .map_err(|source| Error::Threads { threads, source })?;
        Ok(pool.install(|| {
            (0..self.options.paths)
                .into_par_iter()
                .map(|path| figure(&self.path(plan, path)))
                .collect()
        }))
    }

    fn path(&self, plan: &PathPlan<'_>, path: u32) -> Path {
        let fitted = plan.fitted;
        // One block above the target would have raised a base fee of zero for good: the rule takes an
        // eighth of 7 wei or less off as nothing. A history without any had no burst, and its noise
        // stayed below the target.
        let mut assumptions = self.options.assumptions;
        if fitted.free {
            assumptions.burst_probability_ppm = 0;
        }
        let assumptions = &assumptions;
        let (level, slow) = drawn_errors(self.options.seed, path);
        let level = fixed::mul_q32(fixed::ppm_to_q32(fitted.level_error_ppm), level);
        let slow = fixed::mul_q32(fixed::ppm_to_q32(fitted.slow_error_ppm), slow);
        let slow_sigma = u64::try_from(fitted.demand.slow_sigma_ppm).unwrap_or(0);
        let slow_sigma = fixed::scale_exp2(slow_sigma, fixed::ln_to_log2_q32(slow));
        let demand = Demand {
            slow_sigma_ppm: i64::try_from(slow_sigma.min(2_000_000)).unwrap_or(2_000_000),
            ..fitted.demand
        };
        // A higher level with slow noise that much lower is the same state today.
        let start = SlowStart {
            state_q32: fixed::ppm_to_q32(fitted.slow_start_ppm) - level,
            held_blocks: plan.warmup_blocks,
        };
        let blocks = plan.warmup_blocks + self.options.horizon_blocks;
        let stream = (self.options.seed, path);
        let shocks = Shocks::draw_from(stream, blocks, &demand, assumptions, start)
            .scaled(fixed::ln_to_log2_q32(level));
        let spec = PathSpec {
            demand: &demand,
            assumptions,
            baseline: &fitted.baseline,
            warmup_blocks: plan.warmup_blocks,
            start_wei: plan.start_wei,
            settle_blocks: 0,
        };
        flow::simulate(&spec, &shocks, &fitted.proposal)
    }

    pub(super) fn document(
        &self,
        fitted: Fitted,
        basis: Basis,
        metrics: BTreeMap<String, ForecastRow>,
        dispersion_windows: u64,
    ) -> Result<Forecast, Error> {
        let (request, options) = (self.request, self.options);
        let mut inputs = request.inputs.clone();
        inputs.sort_unstable();
        Ok(Forecast {
            format: FORECAST_FORMAT.to_owned(),
            program: request.program.clone(),
            made_at: request.made_at,
            chain: request.chain.clone(),
            inputs,
            baseline: fitted.baseline,
            proposal: fitted.proposal,
            target: Target {
                first_block: request.activation_block,
                blocks: options.horizon_blocks,
            },
            fit: fitted.window,
            basis,
            seed: options.seed,
            paths: options.paths,
            assumptions: options.assumptions,
            demand: fitted.demand,
            level_error_ppm: fitted.level_error_ppm,
            slow_error_ppm: fitted.slow_error_ppm,
            slow_start_ppm: fitted.slow_start_ppm,
            dispersion_windows,
            model: model_digest(&fitted, &options.assumptions)?,
            metrics,
        })
    }
}

/// Percentiles over paths of every figure that blocks show.
pub(super) fn rows(
    paths: &[PathMetrics],
    widenings: &BTreeMap<Metric, Widening>,
    naive: Option<&PathMetrics>,
) -> BTreeMap<String, ForecastRow> {
    Metric::ALL
        .into_iter()
        .filter(|metric| metric.is_observable())
        .map(|metric| {
            let values = paths.iter().filter_map(|path| path.get(&metric).copied()).collect();
            let widening = widenings.get(&metric).copied().unwrap_or(Widening::NONE);
            let row = ForecastRow {
                unit: metric.unit().to_owned(),
                quantiles: widening.apply(Quantiles::of(values), metric),
                widened_low_ppm: widening.low_ppm,
                widened_high_ppm: widening.high_ppm,
                naive: naive.and_then(|naive| naive.get(&metric)).copied().map(Decimal),
            };
            (metric.name().to_owned(), row)
        })
        .collect()
}

/// Both sets of parameters with the gas limit that the blocks have, where it does not change.
fn at_observed_limit(request: &Request, fit: &[ObservedBlock]) -> (Parameters, Parameters) {
    let (baseline, proposal) = (request.baseline, request.proposal);
    let observed = flow::chain_parameters(fit)
        .and_then(|chain| Setting::new(ParameterName::GasLimit, chain.gas_limit()).ok());
    let Some(setting) = observed else { return (baseline, proposal) };
    let same = baseline.gas_limit() == proposal.gas_limit();
    (baseline.with(setting), if same { proposal.with(setting) } else { proposal })
}

/// How well a fit of so many blocks knows what it estimates.
struct Precision {
    level_error_ppm: i64,
    slow_error_ppm: i64,
    slow_sigma_ppm: i64,
}

impl Precision {
    /// Slow noise of persistence r makes n blocks worth n (1 - r) / (1 + r) independent ones. The
    /// mean of k independent values has the deviation sigma / sqrt k; the deviation itself is known
    /// to a factor of exp(1 / sqrt(2 k)), and is seen too small by sqrt(1 - 1/k), as the mean
    /// follows the swings.
    fn of(demand: &Demand, blocks: usize) -> Self {
        let persistence = demand.persistence_ppm;
        let blocks = i64::try_from(blocks).unwrap_or(i64::MAX / 1_000_000);
        let independent_milli = (blocks.saturating_mul(1_000) / (1_000_000 + persistence))
            .saturating_mul(1_000_000 - persistence)
            .max(2_000);
        let root = |value: i128| i64::try_from(value.max(0).isqrt()).unwrap_or(i64::MAX);
        let count = i128::from(independent_milli);
        let sigma = i128::from(demand.slow_sigma_ppm);
        let corrected = root(sigma * sigma * count / (count - 1_000));
        Self {
            level_error_ppm: root(i128::from(corrected) * i128::from(corrected) * 1_000 / count),
            slow_error_ppm: root(1_000_000_000_000 * 1_000 / (2 * count)),
            slow_sigma_ppm: corrected,
        }
    }
}

/// Where slow noise stands after the fit: what the base fees of the last blocks say, since demand
/// at the level clears at the anchor and twice the price takes 2^elasticity of the demand.
fn slow_start_ppm(fit: &[ObservedBlock], demand: &Demand, assumptions: &Assumptions) -> i64 {
    let recent: Vec<i64> = fit
        .iter()
        .rev()
        .take(STATE_BLOCKS)
        .filter_map(|block| block.base_fee_wei)
        .map(fixed::ln_q32)
        .collect();
    let count = i64::try_from(recent.len().max(1)).unwrap_or(1);
    let mean = recent.iter().map(|value| value / count).sum::<i64>();
    let apart = mean - fixed::ln_q32(demand.anchor_wei);
    let elasticity = fixed::ppm_to_q32(assumptions.elasticity_ppm.into());
    let state = fixed::q32_to_ppm(fixed::mul_q32(elasticity, apart));
    let most = demand.slow_sigma_ppm.saturating_mul(5) / 2;
    state.clamp(-most, most)
}

/// Two numbers of mean 0 and deviation 1 in Q32 for one path: of the level, of slow noise.
fn drawn_errors(seed: u64, path: u32) -> (i64, i64) {
    let key = Digest::of_parts(&[ERROR_DOMAIN, &seed.to_be_bytes(), &path.to_be_bytes()]);
    let mut generator = ChaCha8Rng::from_seed(*key.as_bytes());
    let level = fixed::normal_q32(|| generator.next_u32());
    (level, fixed::normal_q32(|| generator.next_u32()))
}

fn model_digest(fitted: &Fitted, assumptions: &Assumptions) -> Result<Digest, Error> {
    #[derive(Serialize)]
    struct Model<'a> {
        name: &'a str,
        assumptions: &'a Assumptions,
        demand: &'a Demand,
        level_error_ppm: i64,
        slow_error_ppm: i64,
        slow_start_ppm: i64,
    }
    let model = Model {
        name: MODEL,
        assumptions,
        demand: &fitted.demand,
        level_error_ppm: fitted.level_error_ppm,
        slow_error_ppm: fitted.slow_error_ppm,
        slow_start_ppm: fitted.slow_start_ppm,
    };
    canonical::to_vec(&model).map(|bytes| Digest::of(&bytes)).map_err(Error::Canonical)
}
