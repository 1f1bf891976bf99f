//! The models that run once per study: transactions, sensitivity, attacks, predictions.

use std::collections::BTreeMap;

use chaos_evm::spec_of;
use chaos_parameters::Parameters;
use chaos_simulation::{
    Arms, Decimal, Program, Sensitivity,
    flow::{ObservedBlock, POSTERIOR_MEDIAN_PPM},
    forecast::{self, Forecast, Validation},
};
use chaos_study::{
    EvmFigures, GridCell, Judgement, STUDY_FORMAT, STUDY_FORMAT_CHECKED, STUDY_FORMAT_REVISED,
    ScenarioResult, Standing, Study, StudyResult, TransactionRun,
    attack::{self, AttackResult},
    judge, pareto, run_transactions, withheld,
};

use super::{StudyFile, blocks::StudyBlocks, cells::Done, flags};
use crate::{Error, Progress};

/// Blocks that a forecast is fitted on, and blocks that it covers: a day and half a day at 12 s.
const FIT_BLOCKS: u32 = 7_000;
const HORIZON_BLOCKS: u32 = 3_500;

/// Paths of a forecast; its outer percentiles need at least 40.
const FORECAST_PATHS_MIN: u32 = 60;

/// What the models say about the future, and how well they said it before.
pub(super) struct Predicted {
    validation: Option<Validation>,
    forecast: Option<Forecast>,
    /// Why one of them is absent.
    pub(super) flags: Vec<String>,
}

/// What the attacks came to.
pub(super) struct Attacked {
    results: Vec<AttackResult>,
    /// Whether earlier releases gave one of them other figures.
    revised: bool,
}

/// Everything that a result is made of.
pub(super) struct Parts<'a> {
    pub(super) file: &'a StudyFile,
    pub(super) blocks: &'a StudyBlocks,
    pub(super) baseline: Parameters,
    pub(super) proposal: Parameters,
    pub(super) cells: &'a [Done],
    pub(super) transactions: &'a [TransactionRun],
    pub(super) sensitivity: Sensitivity,
    pub(super) executed: Option<EvmFigures>,
    pub(super) attacks: Attacked,
    pub(super) predicted: Predicted,
}

/// The transaction model for the proposal under every scenario.
pub(super) fn transactions(
    study: &Study,
    baseline: &Parameters,
    blocks: &StudyBlocks,
    cells: &[Done],
    progress: &dyn Progress,
) -> Result<Vec<TransactionRun>, Error> {
    progress.begin("simulating transactions", study.scenarios.len() as u64);
    let runs = cells
        .iter()
        .take(study.scenarios.len())
        .map(|done| {
            let arms = (baseline, &done.cell.parameters);
            let demand = &done.result.demand;
            let run = run_transactions(study, arms, demand, done.cell.scenario, blocks.threads())?;
            progress.advance(1);
            Ok(run)
        })
        .collect();
    progress.end();
    runs
}

/// The first scenario at other elasticities.
pub(super) fn sensitivity(
    study: &Study,
    baseline: &Parameters,
    blocks: &StudyBlocks,
    cells: &[Done],
    progress: &dyn Progress,
) -> Result<Sensitivity, Error> {
    let Some(main) = cells.first() else {
        return Ok(Sensitivity { rows: Vec::new(), revised: false });
    };
    progress.say("sweeping elasticity");
    let experiment = main.cell.experiment(study, baseline);
    Ok(chaos_simulation::sensitivity(&experiment, &blocks.material(), blocks.threads())?)
}

/// The attacks that the study names, at the demand's own price.
pub(super) fn attacks(
    study: &Study,
    baseline: &Parameters,
    proposal: &Parameters,
    cells: &[Done],
    progress: &dyn Progress,
) -> Result<Attacked, Error> {
    let mut case = attack::Case::new(*baseline, *proposal);
    case.spec = spec_of(study.preset);
    if let Some(main) = cells.first() {
        case.base_fee_wei = main.result.demand.anchor_wei;
    }
    progress.begin("carrying out attacks", study.attacks.len() as u64);
    let mut results = Vec::with_capacity(study.attacks.len());
    for scenario in &study.attacks {
        results.push(attack::run(*scenario, &case).map_err(Error::Attack)?);
        progress.advance(1);
    }
    progress.end();
    let revised = study.attacks.iter().any(|scenario| attack::is_revised(*scenario, &case));
    Ok(Attacked { results, revised })
}

/// Fits and predicts window after window, then predicts what follows the last block.
pub(super) fn predictions(
    study: &Study,
    baseline: &Parameters,
    proposal: &Parameters,
    blocks: &StudyBlocks,
    progress: &dyn Progress,
) -> Result<Predicted, Error> {
    let mut predicted = Predicted { validation: None, forecast: None, flags: Vec::new() };
    let observed: Vec<ObservedBlock> =
        blocks.observed().iter().filter(|block| block.base_fee_wei.is_some()).copied().collect();
    let Some(last) = observed.last() else {
        predicted.flags.push("No block has a base fee, so nothing is predicted.".to_owned());
        return Ok(predicted);
    };
    progress.say("fitting and predicting");
    let options = forecast::Options {
        seed: study.market.seed,
        paths: study.market.paths.max(FORECAST_PATHS_MIN),
        fit_blocks: FIT_BLOCKS,
        horizon_blocks: HORIZON_BLOCKS,
        assumptions: study.market.assumptions,
    };
    let rolling = forecast::RollingOptions {
        chain: blocks.chain().clone(),
        program: Program::this(),
        inputs: blocks.sources().to_vec(),
        parameters: *baseline,
        options,
    };
    match forecast::validate(&observed, &rolling, blocks.threads()) {
        Ok(validation) => predicted.validation = Some(validation),
        Err(error) => predicted.flags.push(format!("Not validated: {error}.")),
    }
    let request = forecast::Request {
        chain: blocks.chain().clone(),
        program: Program::this(),
        inputs: blocks.sources().to_vec(),
        made_at: None,
        baseline: *baseline,
        proposal: *proposal,
        activation_block: last.number + 1,
    };
    match forecast::forecast(&request, &observed, &options, blocks.threads()) {
        Ok(forecast) => predicted.forecast = Some(forecast),
        Err(error) => predicted.flags.push(format!("No forecast: {error}.")),
    }
    Ok(predicted)
}

/// Puts the parts together.
pub(super) fn assemble(parts: Parts<'_>) -> StudyResult {
    let study = &parts.file.study;
    let market = &study.market;
    let (main, alternatives) = parts.cells.split_at(study.scenarios.len().min(parts.cells.len()));
    let mut inputs = parts.blocks.sources().to_vec();
    inputs.sort_unstable();
    let flags = flags::of(&parts, main);
    StudyResult {
        format: format(&parts).to_owned(),
        program: Program::this(),
        name: study.name.clone(),
        study: parts.file.digest,
        chain: parts.blocks.chain().clone(),
        generated: parts.blocks.generated,
        inputs,
        parameters: Arms { baseline: parts.baseline, proposal: parts.proposal },
        seed: market.seed,
        paths: market.paths,
        blocks: market.blocks,
        warmup_blocks: market.warmup_blocks,
        settle_blocks: market.settle_blocks,
        assumptions: market.assumptions,
        scenarios: main
            .iter()
            .zip(parts.transactions)
            .map(|(done, transactions)| {
                let scenario = &study.scenarios[done.cell.scenario];
                ScenarioResult {
                    name: scenario.name.clone(),
                    what: scenario.what.clone(),
                    demand_ppm: scenario.demand_ppm,
                    elasticity_ppm: scenario.elasticity_ppm.unwrap_or(POSTERIOR_MEDIAN_PPM),
                    elasticity_drawn: scenario.elasticity_ppm.is_none(),
                    calibration: done.result.calibration.clone(),
                    demand: done.result.demand,
                    flow: done.result.metrics.clone(),
                    transactions: transactions.figures.clone(),
                    judgements: judge_cell(study, done),
                }
            })
            .collect(),
        sensitivity: parts.sensitivity.rows,
        grid: grid(study, &parts.baseline, main.first(), alternatives),
        evm: parts.executed,
        attacks: parts.attacks.results,
        validation: parts.predicted.validation,
        forecast: parts.predicted.forecast,
        flags,
    }
}

/// The format of the result: what a part of the study did says whether its figures are revised.
fn format(parts: &Parts<'_>) -> &'static str {
    let revised = parts.cells.iter().any(|done| done.result.is_revised())
        || parts.sensitivity.revised
        || parts.transactions.iter().any(|run| run.revised)
        || parts.attacks.revised;
    if parts.cells.iter().any(|done| done.result.calibration.is_some()) {
        STUDY_FORMAT_CHECKED
    } else if revised {
        STUDY_FORMAT_REVISED
    } else {
        STUDY_FORMAT
    }
}

fn judge_cell(study: &Study, done: &Done) -> Vec<Judgement> {
    let result = &done.result;
    let judged = judge(&study.thresholds, &result.metrics, &result.pairs);
    withheld(judged, result.calibration.as_ref())
}

/// The alternatives, with the proposal and no change among them.
fn grid(
    study: &Study,
    baseline: &Parameters,
    main: Option<&Done>,
    alternatives: &[Done],
) -> Vec<GridCell> {
    let cells: Vec<&Done> = main.into_iter().chain(alternatives).collect();
    let completed: Vec<&BTreeMap<_, _>> = cells
        .iter()
        .filter(|done| done.result.standing == Standing::Completed)
        .map(|done| &done.result.metrics)
        .collect();
    let mut frontier = pareto(&study.goals, &completed).into_iter();
    cells
        .iter()
        .map(|done| {
            let judged = judge_cell(study, done);
            let count = |holds: fn(&Judgement) -> bool| {
                u32::try_from(judged.iter().filter(|row| holds(row)).count()).unwrap_or(u32::MAX)
            };
            let changes = done.cell.parameters.changes_from(baseline);
            GridCell {
                changes: changes
                    .into_iter()
                    .map(|(name, _, to)| (name.key().to_owned(), Decimal(to.into())))
                    .collect(),
                standing: done.result.standing.clone(),
                metrics: done.result.metrics.clone(),
                thresholds_met: count(|row| row.met),
                thresholds_robust: count(|row| row.robust),
                pareto: done.result.standing == Standing::Completed
                    && frontier.next().unwrap_or(false),
            }
        })
        .collect()
}
