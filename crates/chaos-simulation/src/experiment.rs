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

use crate::{
    flow::{
        self, Assumptions, Calibrated, CalibrationError, Demand, Metric, NOISE_BLOCKS_MIN,
        ObservedBlock, Path, PathMetrics, PathSpec, Shocks,
    },
    result::{
        Arms, BacktestRow, Decimal, EvmBlockFigures, Input, MetricRow, Pairs, Program, Series,
        SimulationResult, evm_rows, format_of,
    },
};

mod bounds;
mod fans;

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
            assumptions: Assumptions::default(),
        }
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
}

/// The comparison at every elasticity of [`SENSITIVITY_ELASTICITIES_PPM`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sensitivity {
    /// A row for each.
    pub rows: Vec<SensitivityRow>,
    /// Whether a row is of a result that is revised ([`SimulationResult::is_revised`]).
    pub revised: bool,
}

/// The elasticities of [`sensitivity`] in ppm: 0.01 to 0.3, the range of published estimates.
pub const SENSITIVITY_ELASTICITIES_PPM: [u32; 5] = [10_000, 50_000, 100_000, 200_000, 300_000];

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
    let Calibrated { demand, base_fee_max_wei } =
        flow::calibrated(&observed, &experiment.assumptions, &experiment.baseline)
            .map_err(Error::Calibration)?;
    let demand = per_block(demand, &observed, &experiment.baseline);
    let paths = run_paths(experiment, &scaled(demand, experiment.demand_ppm), threads)?;
    let base_fee_max_wei =
        paths.iter().map(|pair| pair.base_fee_max_wei).fold(base_fee_max_wei, u128::max);

    let mut metrics = BTreeMap::new();
    let mut differences = BTreeMap::new();
    let mut all_pairs = BTreeMap::new();
    for metric in Metric::ALL {
        let pairs = Pairs(paths.iter().map(|pair| pair.of(metric)).collect());
        let name = metric.name().to_owned();
        metrics.insert(name.clone(), pairs.mean_row(metric.unit(), Layer::FeeMarket));
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
        format: format_of(&experiment.baseline, &experiment.proposal, base_fee_max_wei).to_owned(),
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
        assumptions: experiment.assumptions,
        demand,
        metrics,
        backtest,
        series: series.digest().map_err(Error::Canonical)?,
    };
    Ok(Simulation { result, series, pairs: all_pairs })
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
    for elasticity_ppm in SENSITIVITY_ELASTICITIES_PPM {
        let mut experiment = *experiment;
        experiment.assumptions.elasticity_ppm = elasticity_ppm;
        let result = run(&experiment, material, threads)?.result;
        found.revised |= result.is_revised();
        let mut metrics = result.metrics;
        metrics.retain(|_, row| row.layer == Layer::FeeMarket);
        found.rows.push(SensitivityRow { elasticity_ppm, metrics });
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

fn run_paths(
    experiment: &Experiment,
    demand: &Demand,
    threads: NonZeroUsize,
) -> Result<Vec<PathPair>, Error> {
    let spec = PathSpec {
        demand,
        assumptions: &experiment.assumptions,
        baseline: &experiment.baseline,
        warmup_blocks: experiment.warmup_blocks,
        start_wei: None,
        settle_blocks: experiment.settle_blocks,
    };
    if threads == NonZeroUsize::MIN {
        // No pool: a component of the sandbox has no threads to start.
        return Ok((0..experiment.paths).map(|path| run_path(experiment, &spec, path)).collect());
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build()
        .map_err(|source| Error::Threads { threads, source })?;
    // An indexed parallel iterator collects in the order of the paths, whoever finishes first.
    Ok(pool.install(|| {
        (0..experiment.paths)
            .into_par_iter()
            .map(|path| run_path(experiment, &spec, path))
            .collect()
    }))
}

fn run_path(experiment: &Experiment, spec: &PathSpec<'_>, path: u32) -> PathPair {
    let blocks = experiment.warmup_blocks + experiment.blocks;
    let shocks = Shocks::draw((experiment.seed, path), blocks, spec.demand, spec.assumptions);
    let mut base_fee_max_wei = 0;
    let mut arm = |parameters: &Parameters| -> (PathMetrics, Vec<fans::Sample>) {
        let path: Path = flow::simulate(spec, &shocks, parameters);
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
