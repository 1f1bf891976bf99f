//! Figure 5: who gets the fees.

use chaos_report::{
    Comparison, Figure, Unit,
    axis::{count, cut},
    quantity,
    scale::Linear,
    svg::{Anchor, Drawing, Rect, WIDTH, width_of},
    table::Table,
};

use super::{Caption, Shown};
use crate::study::data::Revenue;

pub(super) const CAPTION: Caption = Caption {
    number: 5,
    what: "Revenue and burn by component",
    reading: "The two upper bars are all that users pay, split by who gets it. \
    Below, one row per component: what it is before and after, and its difference as a bar from \
    zero.",
};

const LEFT: i64 = 180;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 170;
const BAR: i64 = 70;
const ROW: i64 = 64;
/// The differences have the right part of the drawing.
const ZERO_LEFT: i64 = 1_020;

pub(super) fn show(part: &Revenue) -> Option<Shown> {
    let figure = draw(part)?;
    let mut table =
        Table::new(&["component", "#baseline", "#proposal", "#difference", "#relative"]);
    let mut row = |name: &str, before: i128, after: i128| {
        let [baseline, proposal, difference] = Comparison::cells(&part.unit, before, after);
        table.row(vec![
            name.into(),
            baseline.into(),
            proposal.into(),
            difference.into(),
            quantity::relative(after - before, before)
                .unwrap_or_else(|| "\u{2013}".to_owned())
                .into(),
        ]);
    };
    for component in &part.components {
        row(&component.name, component.baseline, component.proposal);
    }
    let (before, after) = totals(part);
    row("all", before, after);
    Some(Shown { figures: vec![figure], table, note: String::new() })
}

fn totals(part: &Revenue) -> (i128, i128) {
    (
        part.components.iter().map(|component| component.baseline).sum(),
        part.components.iter().map(|component| component.proposal).sum(),
    )
}

/// Fill and text-on-fill classes of a component.
pub(super) fn colour(index: usize) -> (String, String) {
    let index = index % 10;
    (format!("cc-k{index} cc-edge"), format!("cc-i cc-i{index} cc-s cc-w"))
}

fn draw(part: &Revenue) -> Option<Figure> {
    let (before, after) = totals(part);
    let high = before.max(after).max(part.components.iter().map(|c| c.baseline).max()?).max(1);
    let x = Linear::new((0, high), (LEFT, RIGHT));
    let unit = Unit::of(&part.unit, high);
    let axis_y = TOP + 2 * BAR + 50;
    let rows_top = axis_y + 150;
    let height = rows_top + ROW * count(part.components.len()) + 40;

    let [all_before, all_after, _] = Comparison::cells(&part.unit, before, after);
    let title = format!(
        "Paid in all: {all_before} \u{2192} {all_after}{}",
        quantity::relative(after - before, before).map_or_else(String::new, |r| format!(" ({r})"))
    );
    let subtitle =
        format!("{}, mean; the components add up to all that is paid", part.origin.tag());
    let mut drawing = Drawing::new("figure-05-revenue", height, title, subtitle);
    for (arm, top) in [(0, TOP), (1, TOP + BAR + 24)] {
        let name = if arm == 0 { "baseline" } else { "proposal" };
        drawing.text("cc-t", (LEFT - 16, top + BAR / 2 + 9), Anchor::End, name);
        let mut sum = 0;
        for (index, component) in part.components.iter().enumerate() {
            let value = if arm == 0 { component.baseline } else { component.proposal };
            if value > 0 {
                let left = x.at(sum);
                let width = x.at(sum + value) - left;
                segment(&mut drawing, index, Rect { x: left, y: top, width, height: BAR });
                sum += value;
            }
        }
    }
    let ticks: Vec<(i64, String)> =
        unit.ticks(0, high, 8).into_iter().map(|(value, label)| (x.at(value), label)).collect();
    drawing.x_axis((LEFT, RIGHT), axis_y, &ticks, unit.name());
    components(&mut drawing, part, rows_top);
    Some(drawing.finish(format!(
        "Two stacked bars of all fees, baseline {all_before} and proposal {all_after}, split into \
         {} components, and below them the difference of each component as a bar from zero.",
        part.components.len()
    )))
}

/// One part of a stacked bar, with its letter where there is room.
pub(super) fn segment(drawing: &mut Drawing, index: usize, place: Rect) {
    let (fill, ink) = colour(index);
    // An edge would swallow a narrow part.
    let fill = if place.width < 8 { fill.replace(" cc-edge", "") } else { fill };
    drawing.rect(&fill, Rect { width: place.width.max(2), ..place });
    if place.width >= 34 {
        let at = (place.x + place.width / 2, place.y + place.height / 2 + 8);
        drawing.text(&ink, at, Anchor::Middle, &letter(index));
    }
}

/// A, B, C and so on: names a component where colour alone would not.
pub(super) fn letter(index: usize) -> String {
    let offset = u8::try_from(index % 26).unwrap_or(0);
    char::from(b'A' + offset).to_string()
}

fn components(drawing: &mut Drawing, part: &Revenue, top: i64) {
    let differences = || part.components.iter().map(|c| c.proposal - c.baseline);
    let low = differences().min().unwrap_or(0).min(0);
    let high = differences().max().unwrap_or(0).max(0);
    let widest = differences()
        .map(|difference| width_of(&quantity::difference(difference, &part.unit)) * 22 / 26)
        .max()
        .unwrap_or(0);
    let (left, right) = (ZERO_LEFT, RIGHT - widest - 20);
    let x = Linear::new((low, high), (left, right.max(left + 60)));
    for (index, component) in part.components.iter().enumerate() {
        let y = top + ROW * count(index);
        let (fill, ink) = colour(index);
        drawing.rect(&fill, Rect { x: 40, y, width: 40, height: 40 });
        drawing.text(&ink, (60, y + 28), Anchor::Middle, &letter(index));
        drawing.text("cc-t", (96, y + 29), Anchor::Start, &cut(&component.name, 30));
        let [before, after, label] =
            Comparison::cells(&part.unit, component.baseline, component.proposal);
        let values = format!("{before} \u{2192} {after}");
        drawing.text("cc-m cc-s", (ZERO_LEFT - 30, y + 29), Anchor::End, &values);
        let difference = component.proposal - component.baseline;
        let (from, to) = (x.at(difference.min(0)), x.at(difference.max(0)));
        drawing.rect(&fill, Rect { x: from, y: y + 4, width: (to - from).max(3), height: 32 });
        drawing.text("cc-t cc-s", (RIGHT, y + 29), Anchor::End, &label);
    }
    let bottom = top + ROW * count(part.components.len());
    drawing.line("cc-zero", (x.at(0), top - 20), (x.at(0), bottom - 16));
    drawing.text("cc-m cc-s", (x.at(0), top - 32), Anchor::Middle, "difference");
}
