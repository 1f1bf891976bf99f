//! A study in three tables, for whoever has no page at hand.

use chaos_report::{Comparison, quantity};
use chaos_simulation::MetricRow;
use chaos_study::{Side, Standing, StudyResult};

/// The metrics that every scenario is told by.
const SHOWN: [&str; 4] = ["base_fee_median", "base_fee_p95", "blocks_saturated", "demand_dropped"];

/// Rows of words and figures under a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// The columns' names.
    pub header: &'static [&'static str],
    /// As many cells in each.
    pub rows: Vec<Vec<String>>,
}

/// What a study found, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Each scenario against each threshold; without rows if the study names none.
    pub thresholds: Rows,
    /// Figures of each scenario.
    pub scenarios: Rows,
    /// The alternatives, if there are several.
    pub alternatives: Option<Rows>,
}

/// A study's result in short.
#[must_use]
pub fn summary(result: &StudyResult) -> Summary {
    Summary {
        thresholds: thresholds(result),
        scenarios: scenarios(result),
        alternatives: (result.grid.len() > 1).then(|| alternatives(result)),
    }
}

fn thresholds(result: &StudyResult) -> Rows {
    let rows = result
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.judgements.iter().map(move |row| (scenario, row)))
        .map(|(scenario, row)| {
            let compared = scenario.flow.get(&row.metric).map(comparison);
            let alone = |value: i128| quantity::of(value, &row.unit);
            let beside = |value: i128| {
                compared.as_ref().map_or_else(|| alone(value), |shown| shown.value(value))
            };
            let side = match row.side {
                Side::AtMost => "at most",
                Side::AtLeast => "at least",
            };
            let verdict = match (&row.not_judged, row.met, row.robust) {
                (Some(why), ..) => format!("not judged: {why}"),
                (None, true, true) => "met".to_owned(),
                (None, true, false) => "cannot tell".to_owned(),
                (None, false, _) => "missed".to_owned(),
            };
            vec![
                scenario.name.clone(),
                row.metric.clone(),
                format!("{side} {}", alone(row.threshold.0)),
                beside(row.proposal.0),
                beside(row.worst.0),
                verdict,
            ]
        })
        .collect();
    let header = &["scenario", "threshold", "wanted", "proposal", "tail of paths", "verdict"];
    Rows { header, rows }
}

/// Every table shows a figure with the digits of its row.
fn comparison(row: &MetricRow) -> Comparison {
    Comparison::of(&row.unit, row.baseline, row.proposal)
}

fn scenarios(result: &StudyResult) -> Rows {
    let rows = result
        .scenarios
        .iter()
        .flat_map(|scenario| {
            SHOWN.into_iter().filter_map(|metric| {
                let row = scenario.flow.get(metric)?;
                let shown = comparison(row);
                Some(vec![
                    scenario.name.clone(),
                    metric.to_owned(),
                    shown.value(row.baseline),
                    shown.value(row.proposal),
                    shown.interval(row.interval.low, row.interval.high),
                ])
            })
        })
        .collect();
    let header = &["scenario", "metric", "baseline", "proposal", "difference p10 to p90"];
    Rows { header, rows }
}

fn alternatives(result: &StudyResult) -> Rows {
    let rows = result
        .grid
        .iter()
        .map(|cell| {
            let changes: Vec<String> = cell
                .changes
                .iter()
                .map(|(key, value)| format!("{}={}", key.replace('_', "-"), value.0))
                .collect();
            let standing = match &cell.standing {
                Standing::Completed => format!(
                    "{} met, {} in the tail too",
                    cell.thresholds_met, cell.thresholds_robust
                ),
                Standing::Stopped { after_paths, metric } => {
                    format!("given up after {after_paths} paths: {metric}")
                }
            };
            let fee = cell
                .metrics
                .get("base_fee_median")
                .map_or_else(String::new, |row| comparison(row).value(row.proposal));
            let frontier = if cell.pareto { "yes" } else { "" };
            let name = if changes.is_empty() { "no change".to_owned() } else { changes.join(" ") };
            vec![name, fee, standing, frontier.to_owned()]
        })
        .collect();
    Rows { header: &["alternative", "median fee", "thresholds", "pareto"], rows }
}
