//! Alternatives as a heat map and as a table of what no other beats.

use chaos_parameters::ParameterName;
use chaos_study::{GridCell, Standing as Run, Study as Plan, StudyResult};

use super::spoken;
use crate::study::data::{
    Axis, Better, Cell, Grid, Origin, Pareto, ParetoColumn, ParetoRow, Part, Standing,
};

const NO_GRID: &str = "the study names no alternatives ([grid])";

/// The first two axes of the grid; other axes stay at the proposal's values.
pub(super) fn grid(plan: &Plan, result: &StudyResult) -> Part<Grid> {
    let Some(x) = plan.grid.first() else {
        return Part::missing(NO_GRID);
    };
    let metric = plan.thresholds.first().map_or("base_fee_median", |first| first.metric.as_str());
    let axis = |name: ParameterName, values: &[u64]| Axis {
        name: name.flag().to_owned(),
        unit: name.definition().unit.to_owned(),
        values: values.iter().map(|value| i128::from(*value)).collect(),
    };
    let baseline = &result.parameters.baseline;
    let proposal = &result.parameters.proposal;
    let second = plan.grid.get(1);
    let y = second.map_or_else(
        || Axis { name: "proposal".to_owned(), unit: String::new(), values: vec![0] },
        |axis_y| axis(axis_y.name, &axis_y.values),
    );
    let value_of = |cell: &GridCell, name: ParameterName| {
        let fallback = i128::from(baseline.get(name));
        cell.changes.get(name.key()).map_or(fallback, |value| value.0)
    };
    let x_axis = axis(x.name, &x.values);
    let column = |value: i128| x_axis.values.iter().position(|other| *other == value);
    let row = |value: i128| y.values.iter().position(|other| *other == value);
    let on_axes =
        |key: &str| key == x.name.key() || second.is_some_and(|axis| key == axis.name.key());
    // The map shows cells that differ from the baseline along its two axes only.
    let cells = result
        .grid
        .iter()
        .filter(|cell| cell.changes.keys().all(|key| on_axes(key)))
        .filter_map(|cell| {
            Some(Cell {
                x: column(value_of(cell, x.name))?,
                y: match second {
                    Some(axis) => row(value_of(cell, axis.name))?,
                    None => 0,
                },
                value: cell.metrics.get(metric)?.proposal,
                standing: standing(plan, result, cell),
                pareto: cell.pareto,
            })
        })
        .collect();
    let place = |parameters: &chaos_parameters::Parameters| {
        if !parameters.changes_from(baseline).iter().all(|(name, ..)| on_axes(name.key())) {
            return None;
        }
        let x = column(parameters.get(x.name).into())?;
        let y = match second {
            Some(axis) => row(parameters.get(axis.name).into())?,
            None => 0,
        };
        Some((x, y))
    };
    Part::Known(Grid {
        label: spoken(metric),
        unit: unit(result, metric),
        origin: Origin::Model,
        current: place(baseline),
        proposed: place(proposal),
        cells,
        x: x_axis,
        y,
    })
}

pub(super) fn pareto(plan: &Plan, result: &StudyResult) -> Part<Pareto> {
    if plan.goals.is_empty() {
        return Part::missing("the study names no goals ([[goals]])");
    }
    let columns = plan
        .goals
        .iter()
        .map(|goal| ParetoColumn {
            label: spoken(&goal.metric),
            unit: unit(result, &goal.metric),
            better: if goal.lower_is_better { Better::Lower } else { Better::Higher },
        })
        .collect();
    let proposal = &result.parameters.proposal;
    let rows = result
        .grid
        .iter()
        .filter(|cell| cell.pareto)
        .filter_map(|cell| {
            let values = plan
                .goals
                .iter()
                .map(|goal| cell.metrics.get(&goal.metric).map(|row| row.proposal))
                .collect::<Option<Vec<_>>>()?;
            let names: Vec<String> = cell
                .changes
                .iter()
                .map(|(key, value)| format!("{} {}", key.replace('_', "-"), value.0))
                .collect();
            let proposed = ParameterName::ALL.into_iter().all(|name| {
                let own = cell.changes.get(name.key()).map(|value| value.0);
                own.unwrap_or_else(|| result.parameters.baseline.get(name).into())
                    == i128::from(proposal.get(name))
            });
            Some(ParetoRow {
                name: if names.is_empty() { "no change".to_owned() } else { names.join(", ") },
                values,
                mark: match (proposed, cell.changes.is_empty()) {
                    (true, _) => "proposed".to_owned(),
                    (_, true) => "current".to_owned(),
                    _ => String::new(),
                },
                standing: standing(plan, result, cell),
            })
        })
        .collect();
    Part::Known(Pareto { columns, rows })
}

/// A cell stands as its thresholds do; in a study whose own scenario was not judged, none does.
fn standing(plan: &Plan, result: &StudyResult, cell: &GridCell) -> Standing {
    let all = plan.thresholds.len();
    let own = result.scenarios.first().map(|own| own.judgements.as_slice()).unwrap_or_default();
    match cell.standing {
        _ if own.iter().any(|row| row.not_judged.is_some()) => Standing::NotJudged,
        Run::Stopped { .. } => Standing::Missed,
        Run::Completed if cell.thresholds_robust as usize == all => Standing::Met,
        Run::Completed if cell.thresholds_met as usize == all => Standing::Undecided,
        Run::Completed => Standing::Missed,
    }
}

fn unit(result: &StudyResult, metric: &str) -> String {
    let row = result.scenarios.first().and_then(|main| main.flow.get(metric));
    row.map(|row| row.unit.clone()).unwrap_or_default()
}
