//! The sixteen figures of a report: numbers, captions, drawings and the tables beside them.

use chaos_report::{Figure, quantity, table::Table};

use super::{
    data::{Origin, Part, Study},
    words,
};

mod attacks;
pub(super) mod delays;
mod differences;
mod fan;
mod forecast;
mod fullness;
mod gas_changes;
pub(super) mod grid;
mod growth;
pub(super) mod headroom;
mod intervals;
pub(super) mod outcomes;
mod revenue;
mod sweep;
pub(super) mod tornado;
mod worst_blocks;

/// A numbered figure with everything around it.
#[derive(Debug)]
pub(super) struct Plate {
    /// 1 to 16.
    pub(super) number: u8,
    /// What it shows.
    pub(super) what: &'static str,
    /// How to read it.
    pub(super) reading: &'static str,
    /// Whether the study asked for it.
    pub(super) asked: bool,
    /// Where its data comes from.
    pub(super) origin: Option<Origin>,
    /// The drawings and their table, or why there are none.
    pub(super) shown: Result<Shown, String>,
}

/// What stands under a figure, whatever it shows.
#[derive(Debug, Clone, Copy)]
struct Caption {
    /// 1 to 16.
    number: u8,
    /// What it shows.
    what: &'static str,
    /// How to read it.
    reading: &'static str,
}

/// The drawings of one figure and the same data as a table.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) figures: Vec<Figure>,
    pub(super) table: Table,
    /// What the drawing leaves out; empty if nothing.
    pub(super) note: String,
}

/// What the two arms are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arms {
    pub(super) baseline: String,
    pub(super) proposal: String,
}

/// All drawings of a study in the order of their numbers, for a bundle of files.
///
/// A part that was not measured has no drawing.
#[must_use]
pub fn figures(study: &Study) -> Vec<Figure> {
    plates(study)
        .into_iter()
        .filter_map(|plate| plate.shown.ok())
        .flat_map(|shown| shown.figures)
        .collect()
}

/// The sixteen figures by number.
pub(super) fn plates(study: &Study) -> Vec<Plate> {
    let fees = of_fees(study, &arms(study));
    let after = of_execution(study).into_iter().chain(of_judgement(study));
    fees.into_iter().chain(after).chain(of_decision(study)).collect()
}

/// Figures 1 to 5: what users pay and how long they wait.
fn of_fees(study: &Study, arms: &Arms) -> [Plate; 5] {
    let fans = study.fans.known().and_then(|fans| fans.first()).map(|fan| fan.origin);
    let differences = origin(&study.differences, |part| part.origin);
    let fullness = origin(&study.fullness, |part| part.origin);
    let revenue = origin(&study.revenue, |part| part.origin);
    [
        plate(fan::CAPTION, fans, &study.fans, |part| fan::show(part, arms)),
        plate(differences::CAPTION, differences, &study.differences, differences::show),
        plate(delays::CAPTION, Some(Origin::Model), &study.delays, |part| delays::show(part, arms)),
        plate(fullness::CAPTION, fullness, &study.fullness, |part| fullness::show(part, arms)),
        plate(revenue::CAPTION, revenue, &study.revenue, revenue::show),
    ]
}

/// Figures 6 to 10: what blocks do to transactions, machines and the state.
fn of_execution(study: &Study) -> [Plate; 5] {
    let executed = Some(Origin::Reexecuted);
    let growth = origin(&study.growth, |part| part.origin);
    [
        plate(outcomes::CAPTION, executed, &study.outcomes, outcomes::show),
        plate(gas_changes::CAPTION, executed, &study.gas_changes, gas_changes::show),
        plate(worst_blocks::CAPTION, Some(Origin::Timed), &study.worst_blocks, worst_blocks::show),
        plate(growth::CAPTION, growth, &study.growth, growth::show),
        plate(headroom::CAPTION, None, &study.constraints, |part| headroom::show(part)),
    ]
}

/// Figures 11 to 14: how far to trust the results, and what else could be done.
fn of_judgement(study: &Study) -> [Plate; 4] {
    let tornado = origin(&study.tornado, |part| part.origin);
    let grid = origin(&study.grid, |part| part.origin);
    [
        plate(tornado::CAPTION, tornado, &study.tornado, tornado::show),
        plate(attacks::CAPTION, None, &study.attacks, attacks::show),
        plate(forecast::CAPTION, Some(Origin::Model), &study.forecast, forecast::show),
        plate(grid::CAPTION, grid, &study.grid, grid::show),
    ]
}

/// Figures 15 and 16: the rows that decide, and the assumption that nobody knows.
fn of_decision(study: &Study) -> [Plate; 2] {
    let decision = if study.decision.is_empty() {
        Part::missing("the run has no rows")
    } else {
        Part::Known(&study.decision)
    };
    let sweep = origin(&study.sweep, |part| part.origin);
    [
        plate(intervals::CAPTION, None, &decision, |rows| intervals::show(rows, &study.interval)),
        plate(sweep::CAPTION, sweep, &study.sweep, sweep::show),
    ]
}

/// What a larger study has and this one never asked for; empty if it asked for all.
pub(super) fn not_asked(plates: &[Plate]) -> String {
    let names: Vec<String> = plates
        .iter()
        .filter(|plate| !plate.asked)
        .map(|plate| format!("{} (figure {})", plate.what, plate.number))
        .collect();
    names.join("; ")
}

fn plate<T>(
    caption: Caption,
    origin: Option<Origin>,
    part: &Part<T>,
    show: impl FnOnce(&T) -> Option<Shown>,
) -> Plate {
    let shown = words::known(part).and_then(|part| {
        show(part).ok_or_else(|| words::not_measured("the run left no data for it"))
    });
    let Caption { number, what, reading } = caption;
    Plate { number, what, reading, asked: part.is_asked(), origin, shown }
}

fn origin<T>(part: &Part<T>, of: impl Fn(&T) -> Origin) -> Option<Origin> {
    part.known().map(of)
}

/// So many characters of an arm's label fit into a legend beside the other arm's.
const ARM_MAX: usize = 36;

/// The arms by the value of the one parameter that changes, or by their plain names.
fn arms(study: &Study) -> Arms {
    match study.heading.changes.as_slice() {
        [change] => {
            let arm = |arm: &str, value| {
                let (name, value) = (&change.name, quantity::of(value, &change.unit));
                let labels = [
                    format!("{arm}: {} {value}", name.replace('-', " ")),
                    format!("{arm}: {value}"),
                ];
                let fits = |label: &String| label.chars().count() <= ARM_MAX;
                labels.into_iter().find(fits).unwrap_or_else(|| arm.to_owned())
            };
            Arms {
                baseline: arm("baseline", change.current),
                proposal: arm("proposal", change.proposed),
            }
        }
        _ => Arms { baseline: "baseline".to_owned(), proposal: "proposal".to_owned() },
    }
}

#[cfg(test)]
mod tests;
