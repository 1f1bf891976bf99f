use std::{collections::BTreeMap, num::NonZeroUsize};

use chaos_parameters::Parameters;
use chaos_types::ChainId;
use serde::{Deserialize, Serialize};

use super::{
    Coverage, Error, Options, Request, Score, ScoreRow, Window, forecast, make::usable, score,
    statistics::skill_ppm,
};
use crate::{
    flow::{Assumptions, ObservedBlock},
    result::{Decimal, Input, Program},
};

/// Names the layout of [`Validation`].
const VALIDATION_FORMAT: &str = "chaos-simulation/validation/1";

/// What is validated on.
#[derive(Debug, Clone)]
pub struct RollingOptions {
    /// The chain.
    pub chain: ChainId,
    /// The program, usually [`Program::this`].
    pub program: Program,
    /// Digests of the files that the blocks were read from.
    pub inputs: Vec<Input>,
    /// The chain's rule; its gas limit is taken from the blocks.
    pub parameters: Parameters,
    /// Fit, horizon, paths, seed and assumptions; every window uses the same.
    pub options: Options,
}

/// One window: fitted, predicted, scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationWindow {
    /// The blocks fitted on.
    pub fit: Window,
    /// The score on the blocks after them.
    pub score: Score,
}

/// How well one figure was predicted over all windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationRow {
    /// Unit of the figure.
    pub unit: String,
    /// Mean of |predicted median - observed| over the mean of |observed|, in ppm.
    pub error_ppm: Option<Decimal>,
    /// The same of the naive forecast.
    pub naive_error_ppm: Option<Decimal>,
    /// Mean of predicted median - observed over the mean of |observed|, in ppm.
    pub bias_ppm: Option<Decimal>,
    /// How often the observed figure lay between p10 and p90.
    pub p10_p90: Coverage,
    /// How often it lay between p2.5 and p97.5.
    pub p2_5_p97_5: Coverage,
    /// One less the sum of pinball losses over that of the naive forecast, in ppm.
    pub skill_ppm: Option<Decimal>,
}

/// Forecasts over a recorded history, window after window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Names this layout.
    pub format: String,
    /// The program that computed it.
    pub program: Program,
    /// The chain.
    pub chain: ChainId,
    /// Everything read, sorted by name.
    pub inputs: Vec<Input>,
    /// Seed of the random paths.
    #[serde(with = "chaos_types::decimal")]
    pub seed: u64,
    /// Paths per window.
    pub paths: u32,
    /// Blocks fitted on in each window.
    pub fit_blocks: u32,
    /// Blocks predicted in each window.
    pub horizon_blocks: u32,
    /// What a reader may dispute.
    pub assumptions: Assumptions,
    /// The windows, in order.
    pub windows: Vec<ValidationWindow>,
    /// Windows left out because a gap in the history leaves too few consecutive blocks.
    pub windows_skipped: u64,
    /// Windows with a gap that were used all the same.
    pub windows_with_gaps: u64,
    /// Figures by name.
    pub metrics: BTreeMap<String, ValidationRow>,
    /// Of all figures of all windows, how many lay between p10 and p90; 80 % should.
    pub p10_p90: Coverage,
    /// How many lay between p2.5 and p97.5; 95 % should.
    pub p2_5_p97_5: Coverage,
    /// The median of the figures' skills in ppm.
    pub skill_median_ppm: Option<Decimal>,
    /// Figures with a skill above zero.
    pub better_than_naive: u64,
    /// Figures with a skill.
    pub naive_compared: u64,
}

/// Fits on each stretch of `fit_blocks`, predicts the `horizon_blocks` after it, and moves on by as
/// many: no block is predicted twice, none is fitted on before it was predicted.
///
/// # Errors
/// If blocks do not ascend, not one window fits into them, or as [`forecast`].
pub fn validate(
    observed: &[ObservedBlock],
    request: &RollingOptions,
    threads: NonZeroUsize,
) -> Result<Validation, Error> {
    let blocks = usable(observed)?;
    let Options { fit_blocks, horizon_blocks, .. } = request.options;
    request.options.ensure_bounds()?;
    let (fit, horizon) = (fit_blocks as usize, horizon_blocks as usize);
    let no_window = Error::NoWindow { blocks: blocks.len(), fit_blocks, horizon_blocks };
    let mut windows = Vec::new();
    let mut skipped = 0;
    for start in (0..).step_by(horizon).take_while(|start| start + fit + horizon <= blocks.len()) {
        let window = &blocks[start..start + fit + horizon];
        match one(window, fit, request, threads) {
            Ok(window) => windows.push(window),
            Err(Error::TooShort { .. }) => skipped += 1,
            Err(error) => return Err(error),
        }
    }
    if windows.is_empty() {
        return Err(no_window);
    }
    Ok(summary(request, windows, skipped))
}

fn one(
    window: &[ObservedBlock],
    fit: usize,
    request: &RollingOptions,
    threads: NonZeroUsize,
) -> Result<ValidationWindow, Error> {
    let RollingOptions { chain, program, inputs, parameters, options } = request;
    let activation = Request {
        chain: chain.clone(),
        program: program.clone(),
        inputs: inputs.clone(),
        made_at: None,
        baseline: *parameters,
        proposal: *parameters,
        activation_block: window[fit].number,
    };
    let forecast = forecast(&activation, &window[..fit], options, threads)?;
    let score = score(&forecast, window)?;
    Ok(ValidationWindow { fit: forecast.fit, score })
}

fn summary(
    request: &RollingOptions,
    windows: Vec<ValidationWindow>,
    windows_skipped: u64,
) -> Validation {
    let names: Vec<&String> =
        windows.first().map(|window| window.score.metrics.keys().collect()).unwrap_or_default();
    let metrics: BTreeMap<String, ValidationRow> =
        names.into_iter().map(|name| (name.clone(), row(&windows, name))).collect();
    let total = |of: fn(&ValidationRow) -> u64| metrics.values().map(of).sum();
    let figures = total(|row| row.p10_p90.of);
    let count = windows.len() as u64;
    let mut skills: Vec<i128> =
        metrics.values().filter_map(|row| row.skill_ppm.map(|skill| skill.0)).collect();
    skills.sort_unstable();
    let mut inputs = request.inputs.clone();
    inputs.sort_unstable();
    let gaps =
        windows.iter().filter(|window| window.fit.missing + window.score.observed.missing > 0);
    Validation {
        format: VALIDATION_FORMAT.to_owned(),
        program: request.program.clone(),
        chain: request.chain.clone(),
        inputs,
        seed: request.options.seed,
        paths: request.options.paths,
        fit_blocks: request.options.fit_blocks,
        horizon_blocks: request.options.horizon_blocks,
        assumptions: request.options.assumptions,
        windows_skipped,
        windows_with_gaps: gaps.count() as u64,
        p10_p90: Coverage::new(total(|row| row.p10_p90.inside), figures, count),
        p2_5_p97_5: Coverage::new(total(|row| row.p2_5_p97_5.inside), figures, count),
        skill_median_ppm: skills.get(skills.len() / 2).copied().map(Decimal),
        better_than_naive: skills.iter().filter(|skill| **skill > 0).count() as u64,
        naive_compared: skills.len() as u64,
        metrics,
        windows,
    }
}

fn row(windows: &[ValidationWindow], name: &str) -> ValidationRow {
    let rows: Vec<&ScoreRow> =
        windows.iter().filter_map(|window| window.score.metrics.get(name)).collect();
    let sum = |of: &dyn Fn(&ScoreRow) -> i128| {
        rows.iter().fold(0i128, |sum, row| sum.saturating_add(of(row)))
    };
    let apart = |row: &ScoreRow| row.quantiles.p50.saturating_sub(row.observed.0);
    let observed = sum(&|row| row.observed.0.saturating_abs());
    let relative = |value: i128| value.saturating_mul(1_000_000).checked_div(observed).map(Decimal);
    let naive_loss = sum(&|row| row.naive_pinball_milli.map_or(0, |loss| loss.0));
    let of = rows.len() as u64;
    let coverage = |holds: fn(&ScoreRow) -> bool| {
        Coverage::new(rows.iter().filter(|row| holds(row)).count() as u64, of, of)
    };
    ValidationRow {
        unit: rows.first().map(|row| row.unit.clone()).unwrap_or_default(),
        error_ppm: relative(sum(&|row| apart(row).saturating_abs())),
        // The naive loss is half of the distance, in thousandths.
        naive_error_ppm: relative(naive_loss / 500),
        bias_ppm: relative(sum(&apart)),
        p10_p90: coverage(|row| row.inside_p10_p90),
        p2_5_p97_5: coverage(|row| row.inside_p2_5_p97_5),
        skill_ppm: skill_ppm(sum(&|row| row.pinball_milli.0), naive_loss).map(Decimal),
    }
}
