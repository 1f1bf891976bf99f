//! An experiment: two sets of parameters, seeds and assumptions; and the run that compares them.
//!
//! Path `i` of both arms sees the same shocks, drawn from (seed, i), so that a difference between
//! the arms is the parameters' doing (common random numbers). Paths are independent and are
//! reduced in order: the result does not depend on the number of threads.

use std::{collections::BTreeMap, num::NonZeroUsize};

use chaos_parameters::{Family, Layer, Parameters};
use chaos_types::{ChainId, canonical};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::ground::{Ground, Own};
use crate::{
    calibration::{Calibration, Fit},
    flow::{
        self, Assumptions, CalibrationError, Demand, Metric, NOISE_BLOCKS_MIN, ObservedBlock,
        POSTERIOR_MEDIAN_PPM, Path, PathMetrics, Shocks,
    },
    result::{
        Arms, BacktestRow, Decimal, EvmBlockFigures, Input, MetricRow, Pairs, Program, Series,
        SimulationResult, evm_rows, format_of,
    },
};

mod bounds;
mod fans;
mod ground;

pub use bounds::{Bound, WORK_BLOCKS_MAX};

/// What is compared and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// What the chain has.
    pub baseline: Parameters,
    /// What is proposed; in force at once from the first measured block.
    pub proposal: Parameters,
    /// Seed of all random numbers.
    #[serde(with = "chaos_types::decimal")]
    pub seed: u64,
    /// Independent paths, each run in both arms.
    pub paths: u32,
    /// Measured blocks per path.
    pub blocks: u32,
    /// Blocks before those, under the baseline in both arms.
    pub warmup_blocks: u32,
    /// Measured blocks after the change that no figure counts, because the chain is still on its way
    /// to the new state; the bands show them.
    pub settle_blocks: u32,
    /// Demand over the calibrated demand in ppm; 1,000,000 takes demand as it was observed.
    pub demand_ppm: u32,
    /// How demand is fitted, and whether the paths draw its elasticity.
    #[serde(default, skip_serializing_if = "Fit::is_first")]
    pub fit: Fit,
    /// Elasticity, patience, pool and bursts.
    pub assumptions: Assumptions,
}

impl Experiment {
    /// 50 paths of 1,800 blocks (six hours of 12 seconds) after 300, seed 0, default assumptions.
    #[must_use]
    pub fn new(baseline: Parameters, proposal: Parameters) -> Self {
        Self {
            baseline,
            proposal,
            seed: 0,
            paths: 50,
            blocks: 1_800,
            warmup_blocks: 300,
            settle_blocks: 0,
            demand_ppm: 1_000_000,
            fit: Fit::First,
            assumptions: Assumptions::default(),
        }
    }

    /// The same with its fit checked, at one elasticity in ppm if one is named and at the posterior's
    /// otherwise.
    #[must_use]
    pub const fn checked(mut self, elasticity_ppm: Option<u32>) -> Self {
        (self.fit, self.assumptions.elasticity_ppm) = match elasticity_ppm {
            Some(named) => (Fit::Point, named),
            None => (Fit::Posterior, POSTERIOR_MEDIAN_PPM),
        };
        self
    }
}

/// What an experiment works on, read by the caller.
#[derive(Debug, Clone)]
pub struct Material<'a> {
    /// The chain the blocks are from.
    pub chain: ChainId,
    /// The program, usually [`Program::this`].
    pub program: Program,
    /// Digests of everything that `observed` and `evm` came from.
    pub inputs: Vec<Input>,
    /// Blocks of that chain to calibrate demand from, in any order; a repeated number counts once.
    pub observed: &'a [ObservedBlock],
    /// Re-executed blocks; may be empty.
    pub evm: &'a [EvmBlockFigures],
}

/// A result and what is needed to draw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// The figures.
    pub result: SimulationResult,
    /// Bands and differences; the result holds its digest.
    pub series: Series,
    /// Per metric of the fee market, (baseline, proposal) of every path, in path order.
    pub pairs: BTreeMap<String, Vec<(Decimal, Decimal)>>,
}

/// The comparison at one assumed elasticity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensitivityRow {
    /// The elasticity in ppm.
    pub elasticity_ppm: u32,
    /// The figures of the fee-market layer.
    pub metrics: BTreeMap<String, MetricRow>,
    /// Whether the chain is reproduced at this elasticity; `None` where no fit was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

impl SensitivityRow {
    /// Where the elasticity was published, if it was.
    #[must_use]
    pub fn source(&self) -> Option<&'static str> {
        let row = PUBLISHED_ELASTICITIES.iter().find(|(ppm, _)| *ppm == self.elasticity_ppm);
        row.map(|(_, source)| *source)
    }
}

/// The comparison at every elasticity of [`SENSITIVITY_ELASTICITIES_PPM`], or where the fit is checked
/// at every one of [`PUBLISHED_ELASTICITIES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sensitivity {
    /// A row for each.
    pub rows: Vec<SensitivityRow>,
    /// Whether a row is of a result that is revised ([`SimulationResult::is_revised`]).
    pub revised: bool,
}

/// The elasticities of [`sensitivity`] in ppm: 0.01 to 0.3, the range of published estimates.
pub const SENSITIVITY_ELASTICITIES_PPM: [u32; 5] = [10_000, 50_000, 100_000, 200_000, 300_000];

/// Elasticities in ppm that were estimated from real blocks, each with where, ascending.
pub const PUBLISHED_ELASTICITIES: [(u32, &str); 5] = [
    (6_000, "panel with instruments, 2025, arXiv 2606.13555"),
    (120_000, "posterior, 10th percentile"),
    (175_000, "three limit raises, ethresear.ch 24166"),
    (250_000, "posterior, median"),
    (440_000, "five limit raises, weighted by placebos"),
];

/// Why an experiment did not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A number of the experiment is outside its bounds.
    #[error("experiment: {field} must be from {min} to {max}, found {found}")]
    OutOfBounds {
        /// The field.
        field: &'static str,
        /// The smallest value accepted.
        min: u64,
        /// The largest value accepted.
        max: u64,
        /// The value found.
        found: u64,
    },
    /// The observed blocks do not determine a demand.
    #[error("demand cannot be calibrated")]
    Calibration(#[source] CalibrationError),
    /// The transaction model refuses a number.
    #[error("transaction model")]
    Transactions(#[source] crate::transactions::Error),
    /// The worker threads could not be started.
    #[error("cannot start {threads} worker threads")]
    Threads {
        /// Threads asked for.
        threads: NonZeroUsize,
        /// The operating system's answer.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
    /// The result cannot be written canonically.
    #[error("result has no canonical form")]
    Canonical(#[source] canonical::Error),
}

/// Compares the two arms of `experiment` on `material`.
///
/// Same arguments, same bytes, for any number of threads.
///
/// # Errors
/// If a number is out of bounds, no observed block has a base fee, or threads cannot start.
pub fn run(
    experiment: &Experiment,
    material: &Material<'_>,
    threads: NonZeroUsize,
) -> Result<Simulation, Error> {
    bounds::ensure(experiment)?;
    let mut observed = material.observed.to_vec();
    observed.sort_by_key(|block| block.number);
    observed.dedup_by_key(|block| block.number);
    let ground = Ground::of(experiment, &observed, threads)?;
    let paths = run_paths(experiment, &ground.own, threads)?;
    let alone = run_paths(experiment, &ground.alone, threads)?;
    let base_fee_max_wei = paths
        .iter()
        .chain(&alone)
        .map(|pair| pair.base_fee_max_wei)
        .fold(ground.base_fee_max_wei, u128::max);

    let mut metrics = BTreeMap::new();
    let mut differences = BTreeMap::new();
    let mut all_pairs = BTreeMap::new();
    for metric in Metric::ALL {
        let (row, pairs) = figures(&ground, &paths, &alone, metric);
        let name = metric.name().to_owned();
        metrics.insert(name.clone(), row);
        let ascending = pairs.differences().into_iter().map(Decimal).collect();
        differences.insert(name.clone(), ascending);
        let in_order = pairs.0.iter().map(|(old, new)| (Decimal(*old), Decimal(*new)));
        all_pairs.insert(name, in_order.collect());
    }
    let backtest = backtest(&observed, &experiment.baseline, &metrics);
    metrics.extend(evm_rows(material.evm));

    let series = Series { fans: fans::collect(experiment, &paths), differences };
    let mut inputs = material.inputs.clone();
    inputs.sort_unstable();
    let result = SimulationResult {
        format: format_of(experiment, base_fee_max_wei).to_owned(),
        program: material.program.clone(),
        chain: material.chain.clone(),
        inputs,
        parameters: Arms { baseline: experiment.baseline, proposal: experiment.proposal },
        seed: experiment.seed,
        paths: experiment.paths,
        blocks: experiment.blocks,
        warmup_blocks: experiment.warmup_blocks,
        settle_blocks: experiment.settle_blocks,
        demand_ppm: experiment.demand_ppm,
        fit: experiment.fit,
        assumptions: experiment.assumptions,
        demand: ground.shown,
        calibration: ground.calibration,
        metrics,
        backtest,
        series: series.digest().map_err(Error::Canonical)?,
    };
    Ok(Simulation { result, series, pairs: all_pairs })
}

/// A metric's row with its pairs, in path order.
///
/// Where the fit is checked, the arms and the difference are medians, as their interval is about the
/// paths' differences, and what the paths alone scatter stands beside it.
fn figures(
    ground: &Ground,
    paths: &[PathPair],
    alone: &[PathPair],
    metric: Metric,
) -> (MetricRow, Pairs) {
    let of = |paths: &[PathPair]| Pairs(paths.iter().map(|pair| pair.of(metric)).collect());
    let pairs = of(paths);
    if ground.calibration.is_none() {
        return (pairs.mean_row(metric.unit(), Layer::FeeMarket), pairs);
    }
    let alone = of(if alone.is_empty() { paths } else { alone });
    (pairs.median_row(metric.unit(), Layer::FeeMarket, &alone), pairs)
}

/// Demand per block of a chain whose blocks take another time than the observed ones.
///
/// On Ethereum the level is found by running the model on its own blocks and stays.
fn per_block(demand: Demand, observed: &[ObservedBlock], baseline: &Parameters) -> Demand {
    let (Some(first), Some(last)) = (observed.first(), observed.last()) else {
        return demand;
    };
    let elapsed_ms = u128::from(last.timestamp.saturating_sub(first.timestamp)) * 1_000;
    if baseline.family() == Family::Ethereum || elapsed_ms == 0 {
        return demand;
    }
    let blocks = u128::from(last.number - first.number);
    let level = u128::from(demand.level_gas) * u128::from(baseline.block_time_ms()) * blocks;
    Demand { level_gas: u64::try_from(level / elapsed_ms).unwrap_or(u64::MAX).max(1), ..demand }
}

/// The same demand at another level.
fn scaled(demand: Demand, demand_ppm: u32) -> Demand {
    let level = u128::from(demand.level_gas) * u128::from(demand_ppm) / 1_000_000;
    Demand { level_gas: u64::try_from(level).unwrap_or(u64::MAX).max(1), ..demand }
}

/// Runs the same experiment at each of [`SENSITIVITY_ELASTICITIES_PPM`].
///
/// # Errors
/// As [`run`].
pub fn sensitivity(
    experiment: &Experiment,
    material: &Material<'_>,
    threads: NonZeroUsize,
) -> Result<Sensitivity, Error> {
    let mut found = Sensitivity { rows: Vec::new(), revised: false };
    let checked = experiment.fit != Fit::First;
    let elasticities: Vec<u32> = if checked {
        PUBLISHED_ELASTICITIES.iter().map(|(ppm, _)| *ppm).collect()
    } else {
        SENSITIVITY_ELASTICITIES_PPM.to_vec()
    };
    for elasticity_ppm in elasticities {
        let mut experiment = *experiment;
        experiment.assumptions.elasticity_ppm = elasticity_ppm;
        if checked {
            experiment.fit = Fit::Point;
        }
        let result = run(&experiment, material, threads)?.result;
        found.revised |= result.is_revised();
        let mut metrics = result.metrics;
        metrics.retain(|_, row| row.layer == Layer::FeeMarket);
        let calibration = result.calibration;
        found.rows.push(SensitivityRow { elasticity_ppm, metrics, calibration });
    }
    Ok(found)
}

/// Both arms of one path, reduced to what the result needs.
struct PathPair {
    baseline: PathMetrics,
    proposal: PathMetrics,
    baseline_samples: Vec<fans::Sample>,
    proposal_samples: Vec<fans::Sample>,
    /// The highest base fee of any block of either arm in wei.
    base_fee_max_wei: u128,
}

impl PathPair {
    fn of(&self, metric: Metric) -> (i128, i128) {
        let value = |metrics: &PathMetrics| metrics.get(&metric).copied().unwrap_or(0);
        (value(&self.baseline), value(&self.proposal))
    }
}

/// One pair of arms for each of `own`, in order.
fn run_paths(
    experiment: &Experiment,
    own: &[Own],
    threads: NonZeroUsize,
) -> Result<Vec<PathPair>, Error> {
    in_order(own.len(), threads, |path| run_path(experiment, &own[path as usize], path))
}

/// What `of` makes of each number below `count`, in order, whoever finishes first.
fn in_order<T: Send>(
    count: usize,
    threads: NonZeroUsize,
    of: impl Fn(u32) -> T + Send + Sync,
) -> Result<Vec<T>, Error> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    if threads == NonZeroUsize::MIN {
        // No pool: a component of the sandbox has no threads to start.
        return Ok((0..count).map(of).collect());
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build()
        .map_err(|source| Error::Threads { threads, source })?;
    Ok(pool.install(|| (0..count).into_par_iter().map(of).collect()))
}

fn run_path(experiment: &Experiment, own: &Own, path: u32) -> PathPair {
    let Own { demand, assumptions } = own;
    let spec = experiment.spec(demand, assumptions);
    let blocks = experiment.warmup_blocks + experiment.blocks;
    let shocks = Shocks::draw((experiment.seed, path), blocks, demand, assumptions);
    let mut base_fee_max_wei = 0;
    let mut arm = |parameters: &Parameters| -> (PathMetrics, Vec<fans::Sample>) {
        let path: Path = flow::simulate(&spec, &shocks, parameters);
        base_fee_max_wei = base_fee_max_wei.max(path.base_fee_max_wei);
        let samples = fans::sample(&path, experiment.blocks);
        (path.after(experiment.settle_blocks).metrics(parameters), samples)
    };
    let (baseline, baseline_samples) = arm(&experiment.baseline);
    let (proposal, proposal_samples) = arm(&experiment.proposal);
    PathPair { baseline, proposal, baseline_samples, proposal_samples, base_fee_max_wei }
}

/// Observed figures beside the modelled baseline, from the longest run of consecutive blocks.
fn backtest(
    observed: &[ObservedBlock],
    baseline: &Parameters,
    metrics: &BTreeMap<String, MetricRow>,
) -> BTreeMap<String, BacktestRow> {
    let with_fee: Vec<ObservedBlock> =
        observed.iter().filter(|block| block.base_fee_wei.is_some()).copied().collect();
    let run = flow::longest_run(&with_fee, |block| block.number);
    if run.len() < NOISE_BLOCKS_MIN {
        return BTreeMap::new();
    }
    flow::observed_metrics(run, baseline.elasticity_multiplier())
        .into_iter()
        .filter_map(|(metric, observed)| {
            let modelled = metrics.get(metric.name())?.baseline;
            let row = BacktestRow { unit: metric.unit().to_owned(), observed, modelled };
            Some((metric.name().to_owned(), row))
        })
        .collect()
}
