//! Figure 14: verdicts over a grid of parameters.

use chaos_report::{
    Figure,
    axis::{capitalised, count},
    legend,
    legend::Mark,
    quantity,
    svg::{Anchor, Drawing, Outline, Rect, WIDTH},
    table::{Entry, Table},
};

use super::{Caption, Shown};
use crate::study::{
    data::{Axis, Cell, Grid, Standing},
    words,
};

pub(super) const CAPTION: Caption = Caption {
    number: 14,
    what: "Verdicts over a grid of parameters",
    reading: "Each cell is a whole simulation. \u{2713} means that every \
    requirement is met there, \u{2715} that one is missed, ? that the intervals cannot tell; \
    \u{25c6} marks cells that no other cell beats in every metric. The dashed frame is the chain as \
    it is, the solid frame the proposal.",
};

const LEFT: i64 = 300;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 220;
const ROW: i64 = 96;

pub(super) fn show(part: &Grid) -> Option<Shown> {
    let figure = draw(part)?;
    let mut table = Table::new(&["cell"]);
    table.column(part.label.clone(), chaos_report::table::Align::Right);
    table.column("verdict".to_owned(), chaos_report::table::Align::Left);
    table.column("unbeaten".to_owned(), chaos_report::table::Align::Left);
    for cell in &part.cells {
        table.row(vec![
            cell_name(part, cell.x, cell.y).into(),
            quantity::of(cell.value, &part.unit).into(),
            Entry::Verdict(cell.standing, words::standing(cell.standing).to_owned()),
            if cell.pareto { "yes" } else { "no" }.into(),
        ]);
    }
    let all = part.x.values.len() * part.y.values.len();
    let note = match all.saturating_sub(part.cells.len()) {
        0 => String::new(),
        left => format!("{left} of {all} cells were not run."),
    };
    Some(Shown { figures: vec![figure], table, note })
}

/// A cell by its parameters, such as `gas limit 60 Mgas, denominator 8`.
pub(crate) fn cell_name(part: &Grid, x: usize, y: usize) -> String {
    format!("{}, {}", axis_value(&part.x, x), axis_value(&part.y, y))
}

fn axis_value(axis: &Axis, index: usize) -> String {
    let value = axis
        .values
        .get(index)
        .map_or_else(|| "?".to_owned(), |value| quantity::of(*value, &axis.unit));
    format!("{} {value}", axis.name.replace('-', " "))
}

fn draw(part: &Grid) -> Option<Figure> {
    let (columns, rows) = (count(part.x.values.len()), count(part.y.values.len()));
    if columns == 0 || rows == 0 || part.cells.is_empty() {
        return None;
    }
    let width = (RIGHT - LEFT) / columns;
    let bottom = TOP + ROW * rows;
    // The largest value of the vertical axis stands on top, as on any other chart.
    let place = |x: usize, y: usize| (LEFT + width * count(x), bottom - ROW * (count(y) + 1));
    let met = part.cells.iter().filter(|cell| cell.standing == Standing::Met).count();
    let title = format!("{met} of {} cells meet every requirement", part.cells.len());
    let subtitle = format!("{}; the number is {}", part.origin.tag(), part.label);
    let mut drawing = Drawing::new("figure-14-grid", bottom + 120, title, subtitle);
    for cell in &part.cells {
        if cell.x < part.x.values.len() && cell.y < part.y.values.len() {
            draw_cell(&mut drawing, part, cell, place(cell.x, cell.y), width);
        }
    }
    for x in 0..part.x.values.len() {
        for y in 0..part.y.values.len() {
            if !part.cells.iter().any(|cell| (cell.x, cell.y) == (x, y)) {
                let (left, top) = place(x, y);
                let at = (left + width / 2, top + ROW / 2 + 8);
                drawing.text("cc-m cc-s", at, Anchor::Middle, "not run");
            }
        }
    }
    for (marked, stroke, dashed) in [(part.current, 5, true), (part.proposed, 8, false)] {
        if let Some((x, y)) = marked {
            let (left, top) = place(x, y);
            let cell = Rect { x: left + 4, y: top + 4, width: width - 8, height: ROW - 8 };
            drawing.frame("cc-mark", Outline { width: stroke, dashed }, cell);
        }
    }
    for (index, value) in part.x.values.iter().enumerate() {
        let at = (LEFT + width * count(index) + width / 2, bottom + 40);
        drawing.text("cc-m", at, Anchor::Middle, &quantity::of(*value, &part.x.unit));
    }
    for (index, value) in part.y.values.iter().enumerate() {
        let at = (LEFT - 20, bottom - ROW * count(index) - ROW / 2 + 9);
        drawing.text("cc-m", at, Anchor::End, &quantity::of(*value, &part.y.unit));
    }
    let name = |axis: &Axis| capitalised(&axis.name.replace('-', " "));
    let middle = LEFT.midpoint(RIGHT);
    drawing.text("cc-m", (middle, bottom + 84), Anchor::Middle, &name(&part.x));
    drawing.text("cc-m", (40, TOP - 20), Anchor::Start, &name(&part.y));
    legend::draw(
        &mut drawing,
        (LEFT, 150),
        &[
            (Mark::Area("cc-yes"), "\u{2713} all met"),
            (Mark::Area("cc-nay"), "\u{2715} one missed"),
            (Mark::Area("cc-may"), "? undecided, \u{2013} not judged"),
            (Mark::Line("cc-mark", true), "as it is"),
            (Mark::Line("cc-mark", false), "proposed"),
        ],
    );
    Some(drawing.finish(format!(
        "Grid of {} by {} with a verdict in each cell; {met} of {} cells meet every requirement.",
        name(&part.x),
        name(&part.y),
        part.cells.len()
    )))
}

fn draw_cell(drawing: &mut Drawing, part: &Grid, cell: &Cell, (left, top): (i64, i64), width: i64) {
    let (class, mark) = match cell.standing {
        Standing::Met => ("cc-yes", "\u{2713}"),
        Standing::Missed => ("cc-nay", "\u{2715}"),
        Standing::Undecided => ("cc-may", "?"),
        Standing::NotJudged => ("cc-may", "\u{2013}"),
    };
    drawing.rect(class, Rect { x: left + 2, y: top + 2, width: width - 4, height: ROW - 4 });
    let mark = if cell.pareto { format!("{mark} \u{25c6}") } else { mark.to_owned() };
    let middle = left + width / 2;
    drawing.text("cc-t cc-w", (middle, top + 42), Anchor::Middle, &mark);
    let value = quantity::of(cell.value, &part.unit);
    drawing.text("cc-t cc-s", (middle, top + 74), Anchor::Middle, &value);
}
