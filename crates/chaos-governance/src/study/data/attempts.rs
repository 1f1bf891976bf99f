//! Other conditions and other values: scenarios, sensitivity, attacks, forecast, grid.

use chaos_report::Comparison;
use chaos_types::Digest;

use super::{Better, Origin, Row, Standing};

/// The study's rows under one other condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Such as `demand doubled`.
    pub name: String,
    /// What differs, in one sentence.
    pub what: String,
    /// The rows.
    pub rows: Vec<Row>,
}

/// The main difference at the ends of each assumption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tornado {
    /// Name of the metric whose difference is shown.
    pub label: String,
    /// Unit of the differences.
    pub unit: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The difference with all assumptions as in the study.
    pub base: i128,
    /// One row per assumption, in any order.
    pub rows: Vec<TornadoRow>,
}

/// One assumption at both ends of its range, all others as in the study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornadoRow {
    /// The assumption, such as `price elasticity`.
    pub assumption: String,
    /// Its lower end as text.
    pub low_setting: String,
    /// Its value in the study as text.
    pub base_setting: String,
    /// Its upper end as text.
    pub high_setting: String,
    /// The difference at the lower end.
    pub low: i128,
    /// The difference at the upper end.
    pub high: i128,
}

/// The main difference at several assumed elasticities of demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Name of the metric whose difference is shown.
    pub label: String,
    /// Unit of the differences.
    pub unit: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What each point rests on, such as `200 paths of 400 blocks`.
    pub sample: String,
    /// The points in ascending order of elasticity.
    pub points: Vec<SweepPoint>,
}

/// The comparison at one elasticity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepPoint {
    /// The elasticity in ppm.
    pub elasticity_ppm: u32,
    /// Value as the chain is.
    pub baseline: i128,
    /// Value after the change.
    pub proposal: i128,
    /// Proposal less baseline, paired.
    pub difference: i128,
    /// Ends of the difference's interval.
    pub interval: (i128, i128),
}

/// A value that was simulated on the way to the proposed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The value with its unit.
    pub value: String,
    /// What followed, in a clause.
    pub decision: String,
    /// Digest of the simulation result.
    pub result: Digest,
    /// Digest of the receipt, if one was signed.
    pub receipt: Option<Digest>,
}

/// Another course of action, and what it would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// What it is, such as `gas-limit = 35 Mgas`.
    pub name: String,
    /// Why it is not proposed, in a clause.
    pub text: String,
    /// Digest of its simulation, if it was simulated.
    pub result: Option<Digest>,
    /// The decision rows under it; none if it leaves the chain as it is.
    pub rows: Vec<Row>,
}

/// What attacks cost and what damage they do, in both arms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attacks {
    /// Price of one ether in whole US dollars for the second scale; an assumption.
    pub ether_usd: Option<u64>,
    /// The attacks, in any order.
    pub attacks: Vec<Attack>,
}

/// One attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attack {
    /// Such as `block stuffing`.
    pub name: String,
    /// How it works, in one sentence.
    pub mechanism: String,
    /// Where it is described.
    pub source: String,
    /// Where the figures come from.
    pub origin: Origin,
    /// What it costs the attacker; `wei` is drawn, other units stand in the table.
    pub cost: AttackRow,
    /// What it does, the main measure first.
    pub damage: Vec<AttackRow>,
    /// What the figures leave out, one sentence each.
    pub notes: Vec<String>,
}

/// One measure of an attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttackRow {
    /// What is measured.
    pub label: String,
    /// Unit.
    pub unit: String,
    /// As the chain is.
    pub baseline: i128,
    /// After the change.
    pub proposal: i128,
}

/// A dated prediction that can be scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// When it was made, such as `2026-11-21`; empty if it is as old as the report.
    pub made: String,
    /// When the change takes effect: a block or a date.
    pub activation: String,
    /// How many blocks it covers after that.
    pub horizon_blocks: u64,
    /// When it is scored: a day, or how many blocks later.
    pub score_on: String,
    /// Digest of the forecast document, if there is one.
    pub digest: Option<Digest>,
    /// Whether the blocks were there when it was made, so that it shows nothing about foresight.
    pub is_hindcast: bool,
    /// What is predicted.
    pub rows: Vec<ForecastRow>,
}

/// One predicted metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForecastRow {
    /// Name of the metric.
    pub metric: String,
    /// What it is called on screen.
    pub label: String,
    /// Unit.
    pub unit: String,
    /// 10th percentile.
    pub p10: i128,
    /// Median, if the forecast names one.
    pub p50: Option<i128>,
    /// 90th percentile.
    pub p90: i128,
    /// What happened, once it is known.
    pub actual: Option<i128>,
}

impl ForecastRow {
    /// How its figures are written, wherever they stand.
    pub(crate) fn shown(&self) -> Comparison {
        let values: Vec<i128> = [self.p10, self.p90].into_iter().chain(self.p50).collect();
        Comparison::among(&self.unit, &values)
    }
}

/// Verdicts over two parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// The columns.
    pub x: Axis,
    /// The rows.
    pub y: Axis,
    /// What the number in each cell is.
    pub label: String,
    /// Its unit.
    pub unit: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The cells, in any order; a cell that was not run is left out.
    pub cells: Vec<Cell>,
    /// Column and row of the chain as it is, if it lies on the grid.
    pub current: Option<(usize, usize)>,
    /// Column and row of the proposal, if it lies on the grid.
    pub proposed: Option<(usize, usize)>,
}

/// A parameter's values along one side of a grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// Name of the parameter.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// The values in ascending order.
    pub values: Vec<i128>,
}

/// One combination of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Column, from zero.
    pub x: usize,
    /// Row, from zero.
    pub y: usize,
    /// The number shown.
    pub value: i128,
    /// Whether all requirements hold.
    pub standing: Standing,
    /// Whether no other cell is at least as good in every metric and better in one.
    pub pareto: bool,
}

/// The combinations that no other beats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pareto {
    /// The metrics compared.
    pub columns: Vec<ParetoColumn>,
    /// The combinations.
    pub rows: Vec<ParetoRow>,
}

/// One metric of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParetoColumn {
    /// What it is called on screen.
    pub label: String,
    /// Unit.
    pub unit: String,
    /// Which direction is better.
    pub better: Better,
}

/// One combination of parameters and its metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParetoRow {
    /// Such as `gas-limit 60 Mgas, denominator 8`.
    pub name: String,
    /// One value per column.
    pub values: Vec<i128>,
    /// What stands beside it, such as `current` or `proposed`; empty for the others.
    pub mark: String,
    /// Whether all requirements hold.
    pub standing: Standing,
}
