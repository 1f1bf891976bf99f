use std::{collections::BTreeMap, num::NonZeroUsize};

use chaos_parameters::{Layer, Parameters};
use chaos_types::{Digest, canonical};
use serde::{Deserialize, Serialize};

use super::{Market, Side, Study, judge};

mod thresholds;

use chaos_simulation::{
    Calibration, Decimal, Error, Experiment, Fan, Material, MetricRow, RESULT_FORMAT_REVISED,
    flow::Demand,
};

/// Counts changes of the models' figures, so that cells of an older program are not taken for ours.
const MODEL_REVISION: u32 = 4;

/// One set of parameters under one demand scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The parameters compared with the baseline.
    pub parameters: Parameters,
    /// Index of the demand scenario.
    pub scenario: usize,
}

/// How far a cell was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "snake_case")]
pub enum Standing {
    /// All paths.
    Completed,
    /// Given up: every one of the first paths misses a threshold.
    Stopped {
        /// Paths that were run.
        after_paths: u32,
        /// The metric whose threshold they miss.
        metric: String,
    },
}

/// What the flow model says about one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellResult {
    /// [`Cell::key`] of the cell.
    pub key: Digest,
    /// The format of the comparison's result, which says whether its figures are revised.
    pub format: String,
    /// How far it was run.
    pub standing: Standing,
    /// Paths that were run.
    pub paths: u32,
    /// Demand as calibrated, before the scenario's factor.
    pub demand: Demand,
    /// The modelled baseline beside the observed chain, before the scenario's factor.
    pub calibration: Option<Calibration>,
    /// The figures of the fee-market layer.
    pub metrics: BTreeMap<String, MetricRow>,
    /// Per metric, (baseline, proposal) of every path, in path order.
    pub pairs: BTreeMap<String, Vec<(Decimal, Decimal)>>,
    /// Bands over time.
    pub fans: BTreeMap<String, Fan>,
}

impl Cell {
    /// Names the work: a digest of everything that the cell's result depends on.
    ///
    /// # Errors
    /// Never for parameters and assumptions within bounds.
    pub fn key(
        &self,
        study: &Study,
        baseline: &Parameters,
        material: &Material<'_>,
    ) -> Result<Digest, canonical::Error> {
        let thresholds = canonical::to_vec(&thresholds::documents(&study.thresholds))?;
        let experiment = canonical::to_vec(&self.experiment(study, baseline))?;
        let mut inputs = material.inputs.clone();
        inputs.sort_unstable();
        let inputs = canonical::to_vec(&inputs)?;
        let program = canonical::to_vec(&material.program)?;
        let screen = self.screen_paths(study, baseline).to_be_bytes();
        // Cells of `cell/1` and `cell/2` do not say whether the one fee rule gives their figures, so
        // nobody looks for them (`docs/adr/0012-one-fee-rule.md`).
        Ok(Digest::of_parts(&[
            b"chaos-simulation/cell/3",
            &MODEL_REVISION.to_be_bytes(),
            &experiment,
            &inputs,
            &program,
            &screen,
            &thresholds,
        ]))
    }

    /// Paths after which the cell may be given up; zero if it may not.
    ///
    /// The proposal is what the reader asks about: it is never given up. The same parameters as an
    /// alternative of another study may be, so the two have different keys.
    fn screen_paths(&self, study: &Study, baseline: &Parameters) -> u32 {
        let proposed = baseline.apply(&study.proposal).is_ok_and(|own| own == self.parameters);
        let spared = proposed || self.parameters == *baseline;
        let Market { screen_paths, paths, .. } = study.market;
        if spared || screen_paths >= paths { 0 } else { screen_paths }
    }

    /// The experiment that the cell stands for.
    #[must_use]
    pub fn experiment(&self, study: &Study, baseline: &Parameters) -> Experiment {
        let scenario = &study.scenarios[self.scenario];
        let mut experiment = Experiment::new(*baseline, self.parameters);
        experiment.seed = study.market.seed;
        experiment.paths = study.market.paths;
        experiment.blocks = study.market.blocks;
        experiment.warmup_blocks = study.market.warmup_blocks;
        experiment.settle_blocks = study.market.settle_blocks;
        experiment.demand_ppm = scenario.demand_ppm;
        experiment.assumptions = study.market.assumptions;
        experiment.checked(scenario.elasticity_ppm)
    }
}

/// Runs one cell: first the screening paths if the study asks for them, then all.
///
/// Shocks of path `i` are the same with few paths and with many, and the level is found on the paths that
/// are run, so screening only saves time: it never changes a figure of a completed cell. The proposal
/// itself is never given up.
///
/// # Errors
/// As [`chaos_simulation::run`].
pub fn run_cell(
    study: &Study,
    baseline: &Parameters,
    cell: &Cell,
    material: &Material<'_>,
    threads: NonZeroUsize,
) -> Result<CellResult, Error> {
    let experiment = cell.experiment(study, baseline);
    let screen = cell.screen_paths(study, baseline);
    let key = cell.key(study, baseline, material).map_err(Error::Canonical)?;
    if screen > 0 {
        let short = Experiment { paths: screen, ..experiment };
        let simulation = chaos_simulation::run(&short, material, threads)?;
        let missed = judge(&study.thresholds, &simulation.result.metrics, &simulation.pairs)
            .into_iter()
            .find(|row| {
                let pairs = simulation.pairs.get(&row.metric).map_or(&[][..], Vec::as_slice);
                !pairs.is_empty()
                    && pairs.iter().all(|(_, proposal)| match row.side {
                        Side::AtMost => *proposal > row.threshold,
                        Side::AtLeast => *proposal < row.threshold,
                    })
            });
        if let Some(row) = missed {
            let standing = Standing::Stopped { after_paths: screen, metric: row.metric };
            return Ok(collect(key, standing, screen, simulation));
        }
    }
    let simulation = chaos_simulation::run(&experiment, material, threads)?;
    Ok(collect(key, Standing::Completed, experiment.paths, simulation))
}

impl CellResult {
    /// As [`chaos_simulation::SimulationResult::is_revised`].
    #[must_use]
    pub fn is_revised(&self) -> bool {
        self.format == RESULT_FORMAT_REVISED
    }
}

fn collect(
    key: Digest,
    standing: Standing,
    paths: u32,
    simulation: chaos_simulation::Simulation,
) -> CellResult {
    let mut metrics = simulation.result.metrics;
    metrics.retain(|_, row| row.layer == Layer::FeeMarket);
    CellResult {
        key,
        format: simulation.result.format,
        standing,
        paths,
        demand: simulation.result.demand,
        calibration: simulation.result.calibration,
        metrics,
        pairs: simulation.pairs,
        fans: simulation.series.fans,
    }
}
