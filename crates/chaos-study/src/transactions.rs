use std::{collections::BTreeMap, num::NonZeroUsize};

use chaos_parameters::{Layer, Parameters, pricing::BlobRule};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Study;
use chaos_simulation::{
    Error, MetricRow, Pairs,
    flow::{Demand, NoiseSource, percentile},
    transactions::{
        Arm, Highest, Matched, Metric, Outcome, Spec,
        arrivals::{BlobDemand, Intervals},
        run_arms,
    },
};

/// Utilisation is counted in twenty classes of 5 % each.
pub const UTILISATION_CLASSES: usize = 20;

/// The highest price that the transaction model's anchor may have.
const ANCHOR_WEI_MAX: u128 = 1 << 48;

/// Observed intervals that vary at least this much are drawn exponentially, as under proof of work.
const EXPONENTIAL_PPM_MIN: u32 = 500_000;

/// Where the model's base fee stopped before the one fee rule: 2^60 wei. A blob fee below it was
/// exact for update fractions below 2^31, which every chain's is.
const FORMER_FEE_WEI_MAX: u64 = 1 << 60;
const FRACTION_EXACT_MAX: u64 = 1 << 31;

/// What the transaction model says about the proposal under one demand scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionFigures {
    /// Paths that were run; zero if the model was left out.
    pub paths: u32,
    /// Figures by name; one that exists on no path is absent.
    pub metrics: BTreeMap<String, MetricRow>,
    /// Waits by tenth of the offered tip, lowest first.
    pub delays_by_tip: Vec<DelayRow>,
    /// Blocks by utilisation, 5 % per class, over all paths.
    pub utilisation: (Vec<u32>, Vec<u32>),
    /// Blocks in which not every potential user was drawn; above zero the figures are doubtful.
    pub blocks_cut: u32,
}

/// The waits of one tenth of the included transactions in blocks, medians over paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelayRow {
    /// Median wait under the baseline.
    pub baseline_p50: u32,
    /// 95th percentile under the baseline.
    pub baseline_p95: u32,
    /// Median wait under the proposal.
    pub proposal_p50: u32,
    /// 95th percentile under the proposal.
    pub proposal_p95: u32,
}

/// The figures, and what the tables keep of every path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionRun {
    /// The figures.
    pub figures: TransactionFigures,
    /// Per metric, (path, baseline, proposal).
    pub pairs: BTreeMap<String, Vec<(u32, i128, i128)>>,
    /// Whether a fee rose to where earlier releases had another bound, so that they gave other
    /// figures.
    pub revised: bool,
}

/// Runs the transaction model on a calibrated demand, both arms in lockstep.
///
/// Paths are independent and reduced in order: the result does not depend on the threads.
///
/// # Errors
/// If a number is out of the model's bounds, the arms' block times differ, or threads cannot start.
pub fn run_transactions(
    study: &Study,
    (baseline, proposal): (&Parameters, &Parameters),
    demand: &Demand,
    scenario: usize,
    threads: NonZeroUsize,
) -> Result<TransactionRun, Error> {
    let paths = study.market.transaction_paths;
    if paths == 0 {
        return Ok(TransactionRun::default());
    }
    let Matched { spec, highest } = market_spec(study, baseline, demand, scenario)?;
    let arms = [Arm::honest(*baseline), Arm::honest(*proposal)];
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build()
        .map_err(|source| Error::Threads { threads, source })?;
    let outcomes: Vec<Result<Vec<Outcome>, _>> = pool.install(|| {
        (0..paths)
            .into_par_iter()
            .map(|path| run_arms(&spec, &arms, (study.market.seed, path)))
            .collect()
    });
    let outcomes: Vec<Vec<Outcome>> =
        outcomes.into_iter().collect::<Result<_, _>>().map_err(Error::Transactions)?;
    let highest =
        outcomes.iter().flatten().map(|outcome| outcome.highest).fold(highest, Highest::max);
    let revised = [baseline, proposal].into_iter().any(|arm| is_revised(arm, highest));
    Ok(TransactionRun { revised, ..reduce(paths, &outcomes) })
}

/// Whether fees as high as these once moved otherwise under these parameters.
///
/// The model had a bound of its own for the base fee, and none for the excess of blobs, which 128 bits
/// did not hold where the update fraction is very large.
fn is_revised(parameters: &Parameters, highest: Highest) -> bool {
    let blobs = BlobRule::of(parameters).is_some_and(|rule| {
        highest.blob_fee_wei >= FORMER_FEE_WEI_MAX || rule.update_fraction >= FRACTION_EXACT_MAX
    });
    blobs || highest.base_fee_wei >= FORMER_FEE_WEI_MAX
}

fn market_spec(
    study: &Study,
    baseline: &Parameters,
    demand: &Demand,
    scenario: usize,
) -> Result<Matched, Error> {
    let scenario = &study.scenarios[scenario];
    let mut assumptions = study.market.assumptions;
    if let Some(named) = scenario.elasticity_ppm {
        assumptions.elasticity_ppm = named;
    }
    let demand = Demand { anchor_wei: demand.anchor_wei.min(ANCHOR_WEI_MAX), ..*demand };
    let intervals = if demand.interval_variation_ppm >= EXPONENTIAL_PPM_MIN {
        Intervals::Exponential
    } else {
        Intervals::Fixed
    };
    let mut spec = Spec::calibrated(&demand, &assumptions, *baseline, intervals);
    spec.warmup_blocks = study.market.warmup_blocks;
    spec.blocks = study.market.blocks;
    let mut highest = Highest::default();
    if demand.noise == NoiseSource::Observed {
        let median = u64::try_from(demand.anchor_wei).unwrap_or(u64::MAX);
        Matched { spec, highest } = spec.matched_to(median).map_err(Error::Transactions)?;
    }
    let level = u128::from(spec.arrivals.level_gas) * u128::from(scenario.demand_ppm) / 1_000_000;
    spec.arrivals.level_gas = u64::try_from(level).unwrap_or(u64::MAX).max(1);
    if let Some(blobs) = BlobRule::of(baseline) {
        spec.arrivals.blobs = Some(stated_blob_demand(&blobs));
    }
    Ok(Matched { spec, highest })
}

/// Recorded blocks do not tell the demand for blobs. Stated: the target at 1 gwei, elasticity 0.03
/// (rollups answer little to price), one to six blobs per transaction alike.
fn stated_blob_demand(blobs: &BlobRule) -> BlobDemand {
    BlobDemand {
        level_milli: blobs.target * 1_000,
        anchor_wei: 1_000_000_000,
        elasticity_ppm: 30_000,
        weights: [1; 6],
        gas: 21_000,
    }
}

fn reduce(paths: u32, outcomes: &[Vec<Outcome>]) -> TransactionRun {
    let mut pairs: BTreeMap<String, Vec<(u32, i128, i128)>> = BTreeMap::new();
    let mut metrics = BTreeMap::new();
    for metric in Metric::ALL {
        let of: Vec<(u32, i128, i128)> = (0..paths)
            .zip(outcomes)
            .filter_map(|(path, arms)| {
                let figure = |arm: usize| arms.get(arm)?.metrics.get(metric).copied();
                Some((path, figure(0)?, figure(1)?))
            })
            .collect();
        if of.is_empty() {
            continue;
        }
        let row = Pairs(of.iter().map(|(_, old, new)| (*old, *new)).collect())
            .mean_row(metric.unit(), Layer::FeeMarket);
        metrics.insert(metric.name().to_owned(), row);
        pairs.insert(metric.name().to_owned(), of);
    }
    let figures = TransactionFigures {
        paths,
        metrics,
        delays_by_tip: delays(outcomes),
        utilisation: (classes(outcomes, 0), classes(outcomes, 1)),
        blocks_cut: outcomes.iter().flatten().map(|outcome| outcome.blocks_cut).sum(),
    };
    TransactionRun { figures, pairs, revised: false }
}

fn delays(outcomes: &[Vec<Outcome>]) -> Vec<DelayRow> {
    let median = |arm: usize, decile: usize, p95: bool| {
        let mut waits: Vec<u32> = outcomes
            .iter()
            .filter_map(|arms| arms.get(arm)?.delays_by_tip.get(decile))
            .map(|delay| if p95 { delay.p95_blocks } else { delay.p50_blocks })
            .collect();
        waits.sort_unstable();
        (!waits.is_empty()).then(|| percentile(&waits, 50))
    };
    (0..10)
        .map_while(|decile| {
            Some(DelayRow {
                baseline_p50: median(0, decile, false)?,
                baseline_p95: median(0, decile, true)?,
                proposal_p50: median(1, decile, false)?,
                proposal_p95: median(1, decile, true)?,
            })
        })
        .collect()
}

fn classes(outcomes: &[Vec<Outcome>], arm: usize) -> Vec<u32> {
    let mut counts = vec![0; UTILISATION_CLASSES];
    let width = 1_000_000 / UTILISATION_CLASSES;
    for outcome in outcomes.iter().filter_map(|arms| arms.get(arm)) {
        for utilisation in &outcome.series.utilisation_ppm {
            let class = (*utilisation as usize / width).min(UTILISATION_CLASSES - 1);
            counts[class] += 1;
        }
    }
    counts
}
