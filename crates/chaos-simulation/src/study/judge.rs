use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{MetricRow, result::Decimal};

/// Which side of a threshold is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The figure may not exceed the threshold.
    AtMost,
    /// The figure may not fall below the threshold.
    AtLeast,
}

/// What a threshold is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdValue {
    /// The proposal's figure, in the metric's unit.
    Proposal(i128),
    /// The change relative to the baseline, in ppm.
    ChangePpm(i64),
}

/// A requirement named before anything was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// A metric of the flow model.
    pub metric: String,
    /// Which side is wanted.
    pub side: Side,
    /// The threshold.
    pub value: ThresholdValue,
}

/// A metric to trade off against others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// A metric of the flow model.
    pub metric: String,
    /// Whether less is better.
    pub lower_is_better: bool,
}

/// How a threshold came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The metric.
    pub metric: String,
    /// Unit of the three figures.
    pub unit: String,
    /// Which side is wanted.
    pub side: Side,
    /// The threshold as a figure of the proposal, in the metric's unit.
    pub threshold: Decimal,
    /// The proposal's figure.
    pub proposal: Decimal,
    /// The less favourable end of the p10 to p90 interval, as a figure of the proposal.
    pub worst: Decimal,
    /// Whether the proposal's figure is on the wanted side.
    pub met: bool,
    /// Whether the less favourable end is, too.
    pub robust: bool,
}

/// Compares a cell's figures with the thresholds; a threshold on a missing metric is not met.
#[must_use]
pub fn judge(thresholds: &[Threshold], metrics: &BTreeMap<String, MetricRow>) -> Vec<Judgement> {
    thresholds
        .iter()
        .map(|threshold| {
            let Threshold { metric, side, value } = threshold;
            let Some(row) = metrics.get(metric) else {
                return Judgement {
                    metric: metric.clone(),
                    unit: String::new(),
                    side: *side,
                    threshold: Decimal(0),
                    proposal: Decimal(0),
                    worst: Decimal(0),
                    met: false,
                    robust: false,
                };
            };
            let bound = match value {
                ThresholdValue::Proposal(bound) => *bound,
                ThresholdValue::ChangePpm(ppm) => {
                    row.baseline + row.baseline.saturating_mul((*ppm).into()) / 1_000_000
                }
            };
            let worst = row.baseline
                + match side {
                    Side::AtMost => row.interval.high,
                    Side::AtLeast => row.interval.low,
                };
            let holds = |figure: i128| match side {
                Side::AtMost => figure <= bound,
                Side::AtLeast => figure >= bound,
            };
            Judgement {
                metric: metric.clone(),
                unit: row.unit.clone(),
                side: *side,
                threshold: Decimal(bound),
                proposal: Decimal(row.proposal),
                worst: Decimal(worst),
                met: holds(row.proposal),
                robust: holds(row.proposal) && holds(worst),
            }
        })
        .collect()
}

/// Which of the cells no other cell beats: at least as good on every goal and better on one.
///
/// A cell without a figure for a goal is never on the frontier.
#[must_use]
pub fn pareto(goals: &[Goal], cells: &[&BTreeMap<String, MetricRow>]) -> Vec<bool> {
    let figures: Vec<Option<Vec<i128>>> = cells
        .iter()
        .map(|metrics| {
            goals
                .iter()
                .map(|goal| {
                    let proposal = metrics.get(&goal.metric)?.proposal;
                    Some(if goal.lower_is_better { -proposal } else { proposal })
                })
                .collect()
        })
        .collect();
    let beats = |a: &[i128], b: &[i128]| {
        a.iter().zip(b).all(|(a, b)| a >= b) && a.iter().zip(b).any(|(a, b)| a > b)
    };
    figures
        .iter()
        .map(|own| {
            own.as_ref().is_some_and(|own| {
                !goals.is_empty() && !figures.iter().flatten().any(|other| beats(other, own))
            })
        })
        .collect()
}
