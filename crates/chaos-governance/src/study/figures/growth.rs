//! Figure 9: how fast the state grows.

use chaos_report::{
    Comparison, Figure, Unit,
    axis::{count, cut},
    legend,
    legend::Mark,
    quantity, scale,
    scale::Linear,
    svg::{Anchor, Drawing, Rect, WIDTH},
    table::Table,
};

use super::{Caption, Shown};
use crate::study::data::Growth;

pub(super) const CAPTION: Caption = Caption {
    number: 9,
    what: "State growth",
    reading: "Left, what the state gains in a year if every month is like the \
    sample; right, the monthly rate by kind of state. The sample is short, so trust the ratio of \
    the lines more than their height.",
};

const HEIGHT: i64 = 780;
const LEFT: i64 = 160;
const RIGHT: i64 = 760;
const TOP: i64 = 240;
const BOTTOM: i64 = HEIGHT - 120;
const MONTHS: i128 = 12;
/// Where the rates by category begin and how far their bars may reach.
const BARS_LEFT: i64 = 880;
const BARS_RIGHT: i64 = WIDTH - 230;

pub(super) fn show(part: &Growth) -> Option<Shown> {
    let figure = draw(part)?;
    let mut table = Table::new(&["kind of state", "#baseline", "#proposal", "#difference"]);
    let mut row = |name: &str, before: i128, after: i128| {
        let cells = Comparison::cells("bytes_per_month", before, after);
        table.row(std::iter::once(name.into()).chain(cells.map(Into::into)).collect());
    };
    for category in &part.categories {
        row(&category.name, category.baseline, category.proposal);
    }
    let (before, after) = totals(part);
    row("all", before, after);
    let note = part.reference.as_ref().map_or_else(String::new, |(rate, source)| {
        format!("Published rate: {} ({source}).", quantity::of(*rate, "bytes_per_month"))
    });
    Some(Shown { figures: vec![figure], table, note })
}

fn totals(part: &Growth) -> (i128, i128) {
    (
        part.categories.iter().map(|category| category.baseline).sum(),
        part.categories.iter().map(|category| category.proposal).sum(),
    )
}

fn draw(part: &Growth) -> Option<Figure> {
    if part.categories.is_empty() {
        return None;
    }
    let (before, after) = totals(part);
    let change =
        quantity::relative(after - before, before).map_or_else(String::new, |c| format!(" ({c})"));
    let [all_before, all_after, _] = Comparison::cells("bytes_per_month", before, after);
    let title = format!("State grows by {all_before} \u{2192} {all_after}{change}");
    let subtitle = format!("{}, extrapolated from the sample", part.origin.tag());
    let height = HEIGHT.max(TOP + 110 * count(part.categories.len()) + 60);
    let mut drawing = Drawing::new("figure-09-growth", height, title, subtitle);
    lines(&mut drawing, part, (before, after));
    bars(&mut drawing, part);
    Some(drawing.finish(format!(
        "Left, straight lines of cumulative state growth over twelve months for the baseline \
         (dashed) and the proposal (solid); right, monthly growth of {} kinds of state in both \
         arms.",
        part.categories.len()
    )))
}

fn lines(drawing: &mut Drawing, part: &Growth, (before, after): (i128, i128)) {
    let reference = part.reference.as_ref().map_or(0, |(rate, _)| *rate);
    let largest = before.max(after).max(reference).max(1) * MONTHS;
    let least = before.min(after).min(0) * MONTHS;
    let x = Linear::new((0, MONTHS), (LEFT, RIGHT));
    let y = Linear::new((least, largest * 21 / 20), (BOTTOM, TOP));
    let unit = Unit::of("bytes", largest);
    let ticks = unit.ticks(least, largest * 21 / 20, 6);
    for (value, _) in &ticks {
        drawing.line("cc-grid", (LEFT, y.at(*value)), (RIGHT, y.at(*value)));
    }
    let mut line = |rate: i128, class: &str, width: i64, dashed: bool| {
        let ends = [(LEFT, y.at(0)), (RIGHT, y.at(rate * MONTHS))];
        drawing.path(class, width, dashed, &ends);
    };
    if reference > 0 {
        line(reference, "cc-zero", 3, false);
    }
    line(before, "cc-b", 5, true);
    line(after, "cc-p", 5, false);
    let across: Vec<(i64, String)> = scale::ticks(0, MONTHS, 8)
        .into_iter()
        .map(|month| (x.at(month), month.to_string()))
        .collect();
    drawing.x_axis((LEFT, RIGHT), BOTTOM, &across, "months");
    let up: Vec<(i64, String)> =
        ticks.into_iter().map(|(value, label)| (y.at(value), label)).collect();
    drawing.y_axis(LEFT, (TOP, BOTTOM), &up, &unit.after("added state"));
    let mut entries =
        vec![(Mark::Line("cc-b", true), "baseline"), (Mark::Line("cc-p", false), "proposal")];
    if reference > 0 {
        entries.push((Mark::Line("cc-zero", false), "published rate"));
    }
    legend::draw(drawing, (LEFT, 150), &entries);
}

fn bars(drawing: &mut Drawing, part: &Growth) {
    let largest = part
        .categories
        .iter()
        .flat_map(|category| [category.baseline.abs(), category.proposal.abs()])
        .max()
        .unwrap_or(1);
    let x = Linear::new((0, largest.max(1)), (BARS_LEFT, BARS_RIGHT));
    drawing.text("cc-m", (BARS_LEFT, TOP - 26), Anchor::Start, "by kind of state, per month");
    for (index, category) in part.categories.iter().enumerate() {
        let y = TOP + 110 * count(index) + 10;
        drawing.text("cc-t", (BARS_LEFT, y + 18), Anchor::Start, &cut(&category.name, 40));
        let arms = [("cc-bf", category.baseline, y + 30), ("cc-pf", category.proposal, y + 58)];
        for (class, value, top) in arms {
            let width = (x.at(value.abs()) - BARS_LEFT).max(3);
            drawing.rect(class, Rect { x: BARS_LEFT, y: top, width, height: 24 });
            let label = quantity::of(value, "bytes_per_month");
            let at = (BARS_LEFT + width + 12, top + 20);
            drawing.text("cc-t cc-s", at, Anchor::Start, &label);
        }
    }
}
