//! What a study prints.

use chaos_programs::study::{StudyFile, StudyRun};
use chaos_report::{Comparison, quantity};
use chaos_simulation::MetricRow;
use chaos_study::{Side, Standing, StudyResult};
use serde_json::json;

use crate::{exit::Failure, output};

pub(super) fn json(file: &StudyFile, run: &StudyRun) -> Result<(), Failure> {
    let StudyRun { result, written } = run;
    output::json(&json!({
        "result_digest": written.digest,
        "study": file.digest,
        "name": result.name,
        "chain": result.chain,
        "generated": result.generated,
        "parameters": result.parameters,
        "judgements": result.scenarios.first().map(|main| &main.judgements),
        "metrics": result.scenarios.first().map(|main| &main.flow),
        "flags": result.flags,
        "folder": written.folder,
        "files": written.files,
    }))
}

pub(super) fn human(file: &StudyFile, run: &StudyRun) {
    let StudyRun { result, written } = run;
    output::line(format_args!("{}", output::bold(&file.study.title)));
    for (name, from, to) in result.parameters.proposal.changes_from(&result.parameters.baseline) {
        output::line(format_args!("  {}: {from} -> {to} {}", name.flag(), name.definition().unit));
    }
    output::line(format_args!(""));
    thresholds(result);
    scenarios(result);
    alternatives(result);
    if !result.flags.is_empty() {
        output::line(format_args!("\nread this first"));
        for flag in &result.flags {
            output::line(format_args!("  {flag}"));
        }
    }
    output::line(format_args!("\nreport         {}", written.folder.join("report.html").display()));
    output::line(format_args!("result digest  {}", written.digest));
}

fn thresholds(result: &StudyResult) {
    let rows: Vec<_> = result
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
            let verdict = match (row.met, row.robust) {
                (true, true) => "met",
                (true, false) => "cannot tell",
                (false, _) => "missed",
            };
            vec![
                scenario.name.clone(),
                row.metric.clone(),
                format!("{side} {}", alone(row.threshold.0)),
                beside(row.proposal.0),
                beside(row.worst.0),
                verdict.to_owned(),
            ]
        })
        .collect();
    if rows.is_empty() {
        output::line("the study names no thresholds");
    } else {
        let header = ["scenario", "threshold", "wanted", "proposal", "tail of paths", "verdict"];
        output::table(&header, &rows);
    }
}

/// Every table shows a figure with the digits of its row.
fn comparison(row: &MetricRow) -> Comparison {
    Comparison::of(&row.unit, row.baseline, row.proposal)
}

const SHOWN: [&str; 4] = ["base_fee_median", "base_fee_p95", "blocks_saturated", "demand_dropped"];

fn scenarios(result: &StudyResult) {
    let rows: Vec<_> = result
        .scenarios
        .iter()
        .flat_map(|scenario| {
            SHOWN.into_iter().filter_map(|metric| {
                let row = scenario.flow.get(metric)?;
                let shown = comparison(row);
                let (low, high) = (row.interval.low, row.interval.high);
                Some(vec![
                    scenario.name.clone(),
                    metric.to_owned(),
                    shown.value(row.baseline),
                    shown.value(row.proposal),
                    shown.interval(low, high),
                ])
            })
        })
        .collect();
    output::line("");
    output::table(&["scenario", "metric", "baseline", "proposal", "difference p10 to p90"], &rows);
}

fn alternatives(result: &StudyResult) {
    if result.grid.len() < 2 {
        return;
    }
    let rows: Vec<_> = result
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
    output::line("");
    output::table(&["alternative", "median fee", "thresholds", "pareto"], &rows);
}
