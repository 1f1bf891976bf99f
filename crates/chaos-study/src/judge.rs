use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use chaos_simulation::{Calibration, Decimal, MetricRow, flow::percentile};

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
    /// The less favourable tail over paths, p90 or p10, as a figure of the proposal.
    pub worst: Decimal,
    /// Whether the proposal's mean figure is on the wanted side.
    pub met: bool,
    /// Whether that tail is, too, over at least `ROBUST_PATHS_MIN` paths.
    pub robust: bool,
    /// Why nothing follows from it, if nothing does: too few paths, or a scenario that does not reproduce
    /// the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_judged: Option<String>,
}

/// Fewer paths than this have no tails: no threshold is met robustly on them.
const ROBUST_PATHS_MIN: usize = 20;

/// Compares a cell's figures with the thresholds; a threshold on a missing metric is not met.
///
/// *Met* looks at the mean over paths. *Robust* looks at the less favourable tail of the paths
/// themselves: the 90th (or 10th) percentile of the proposal's figure, or of each path's own
/// relative change.
#[must_use]
pub fn judge(
    thresholds: &[Threshold],
    metrics: &BTreeMap<String, MetricRow>,
    pairs: &BTreeMap<String, Vec<(Decimal, Decimal)>>,
) -> Vec<Judgement> {
    thresholds
        .iter()
        .map(|threshold| {
            let metric = threshold.metric.as_str();
            let paths = pairs.get(metric).map_or(&[][..], Vec::as_slice);
            metrics
                .get(metric)
                .map_or_else(|| absent(threshold), |row| judge_one(threshold, row, paths))
        })
        .collect()
}

fn absent(threshold: &Threshold) -> Judgement {
    Judgement {
        metric: threshold.metric.clone(),
        unit: String::new(),
        side: threshold.side,
        threshold: Decimal(0),
        proposal: Decimal(0),
        worst: Decimal(0),
        met: false,
        robust: false,
        not_judged: None,
    }
}

fn judge_one(threshold: &Threshold, row: &MetricRow, paths: &[(Decimal, Decimal)]) -> Judgement {
    let Threshold { metric, side, value } = threshold;
    let change = |baseline: i128, proposal: i128| {
        (proposal - baseline).saturating_mul(1_000_000).checked_div(baseline.abs())
    };
    let holds = |figure: i128, bound: i128| match side {
        Side::AtMost => figure <= bound,
        Side::AtLeast => figure >= bound,
    };
    let tail = |mut figures: Vec<i128>| {
        figures.sort_unstable();
        match side {
            Side::AtMost => percentile(&figures, 90),
            Side::AtLeast => percentile(&figures, 10),
        }
    };
    let many = paths.len() >= ROBUST_PATHS_MIN;
    let (bound, worst, met, robust) = match value {
        ThresholdValue::Proposal(bound) => {
            let worst = tail(paths.iter().map(|(_, proposal)| proposal.0).collect());
            (*bound, worst, holds(row.proposal, *bound), holds(worst, *bound))
        }
        ThresholdValue::ChangePpm(share) => {
            let ppm = i128::from(*share);
            let bound = relative_bound(row.baseline, *share, *side);
            let changes =
                paths.iter().filter_map(|(baseline, proposal)| change(baseline.0, proposal.0));
            let worst_change = tail(changes.collect());
            let worst = row.baseline + row.baseline.abs().saturating_mul(worst_change) / 1_000_000;
            (bound, worst, holds(row.proposal, bound), holds(worst_change, ppm))
        }
    };
    Judgement {
        metric: metric.clone(),
        unit: row.unit.clone(),
        side: *side,
        threshold: Decimal(bound),
        proposal: Decimal(row.proposal),
        worst: Decimal(worst),
        met,
        robust: met && robust && many,
        not_judged: (!many).then(|| format!("{} paths, at least {ROBUST_PATHS_MIN}", paths.len())),
    }
}

/// The same, or no judgement at all where the scenario does not reproduce the chain.
#[must_use]
pub fn withheld(judgements: Vec<Judgement>, calibration: Option<&Calibration>) -> Vec<Judgement> {
    if calibration.is_none_or(Calibration::is_usable) {
        return judgements;
    }
    let not_judged = Some("not calibrated".to_owned());
    judgements
        .into_iter()
        .map(|row| Judgement { met: false, robust: false, not_judged: not_judged.clone(), ..row })
        .collect()
}

/// The last whole figure whose relative change is within the threshold.
///
/// Rounded to the wanted side: a bound of -30 % on five blocks is three blocks, for four are only
/// 20 % less.
fn relative_bound(baseline: i128, ppm: i64, side: Side) -> i128 {
    let scaled = baseline.saturating_mul(ppm.into());
    let change = match side {
        Side::AtMost => scaled.div_euclid(1_000_000),
        Side::AtLeast => -scaled.saturating_neg().div_euclid(1_000_000),
    };
    baseline.saturating_add(change)
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
