//! Figure 15: the rows that decide with their intervals, as shares of the baseline.

use chaos_report::{
    Standing,
    axis::{count, cut},
    legend::{self, Mark},
    quantity,
    scale::{self, Linear},
    svg::{Anchor, Drawing, Figure, WIDTH},
};

use super::{Caption, Shown};
use crate::study::{data::Row, words};

pub(super) const CAPTION: Caption = Caption {
    number: 15,
    what: "Differences of the decision table with their intervals",
    reading: "Each mark is the difference as a share of the baseline, its bar \
    the interval. A filled circle meets its requirement, a cross misses it, a hollow circle has \
    none or cannot be decided. A bar that crosses the line at zero leaves the sign open.",
};

const LEFT: i64 = 500;
const RIGHT: i64 = WIDTH - 230;
const TOP: i64 = 210;
const ROW: i64 = 64;

/// The axis ends here at the latest: beyond ±100 % an arrow points outward.
const RANGE_PPM_MAX: i128 = 1_000_000;

/// A row as shares of its baseline, in ppm.
struct Line<'a> {
    row: &'a Row,
    difference: i128,
    low: i128,
    high: i128,
}

/// One line per row that has a baseline to relate to; the table itself stands in the report.
pub(super) fn show(rows: &[Row], interval: &str) -> Option<Shown> {
    let lines: Vec<Line<'_>> = rows.iter().filter_map(relative).collect();
    let figure = draw(&lines, title(rows), interval)?;
    let note = match rows.len() - lines.len() {
        0 => String::new(),
        left => format!("Without a share, since their baseline is zero: {left}."),
    };
    Some(Shown { figures: vec![figure], table: words::rows(rows, interval), note })
}

fn draw(lines: &[Line<'_>], title: String, interval: &str) -> Option<Figure> {
    let (min, max) = (
        lines.iter().map(|line| line.low.min(line.difference)).min()?,
        lines.iter().map(|line| line.high.max(line.difference)).max()?,
    );
    let clamp = |value: i128| value.clamp(-RANGE_PPM_MAX, RANGE_PPM_MAX);
    let (min, max) = (clamp(min.min(-10_000)), clamp(max.max(10_000)));
    let margin = (max - min) / 20;
    let x = Linear::new((min - margin, max + margin), (LEFT, RIGHT));
    let bottom = TOP + ROW * count(lines.len());

    let mut drawing =
        Drawing::new("figure-15-intervals", bottom + 120, title, format!("bar: {interval}"));
    drawing.line("cc-zero", (x.at(0), TOP - 10), (x.at(0), bottom));
    for (index, line) in lines.iter().enumerate() {
        mark(&mut drawing, line, x, TOP + ROW / 2 + ROW * count(index));
    }
    let ticks: Vec<(i64, String)> = scale::ticks(min - margin, max + margin, 7)
        .into_iter()
        .map(|ppm| (x.at(ppm), signed(ppm)))
        .collect();
    drawing.x_axis((LEFT, RIGHT), bottom, &ticks, "proposal less baseline, % of baseline");
    legend::draw(
        &mut drawing,
        (LEFT, 150),
        &[
            (Mark::Dot("cc-ok"), "met"),
            (Mark::Cross("cc-no"), "missed"),
            (Mark::Ring("cc-na"), "open"),
        ],
    );
    Some(drawing.finish(format!(
        "For each of {} metrics a mark for the paired difference and a bar for its interval, as a \
         share of the baseline, with a line at zero. A filled circle means that the requirement is \
         met, a cross that it is missed, a hollow circle that there is none or that it is open.",
        lines.len()
    )))
}

fn relative(row: &Row) -> Option<Line<'_>> {
    let (low, high) = row.interval.unwrap_or((row.difference, row.difference));
    Some(Line {
        row,
        difference: quantity::relative_ppm(row.difference, row.baseline)?,
        low: quantity::relative_ppm(low, row.baseline)?,
        high: quantity::relative_ppm(high, row.baseline)?,
    })
}

fn standing(row: &Row) -> Option<Standing> {
    row.threshold.as_ref().map(|threshold| threshold.standing)
}

fn title(rows: &[Row]) -> String {
    let judged = rows.iter().filter_map(standing);
    let met = judged.clone().filter(|standing| *standing == Standing::Met).count();
    match judged.count() {
        0 => "No row has a requirement".to_owned(),
        all => format!("{met} of {all} requirements are met"),
    }
}

fn mark(drawing: &mut Drawing, line: &Line<'_>, x: Linear, y: i64) {
    let class = match standing(line.row) {
        Some(Standing::Met) => "cc-ok",
        Some(Standing::Missed) => "cc-no",
        Some(Standing::Undecided | Standing::NotJudged) | None => "cc-na",
    };
    drawing.text("cc-t", (LEFT - 30, y + 9), Anchor::End, &cut(&line.row.label, 32));
    drawing.path(class, 6, false, &[(x.at(line.low), y), (x.at(line.high), y)]);
    let at = x.at(line.difference);
    match standing(line.row) {
        Some(Standing::Met) => drawing.dot(class, (at, y), 12),
        Some(Standing::Missed) => drawing.cross(class, (at, y), 11),
        Some(Standing::Undecided | Standing::NotJudged) | None => {
            drawing.dot("cc-hole cc-na", (at, y), 10)
        }
    }
    if line.low < -RANGE_PPM_MAX {
        drawing.area(class, &[(LEFT - 16, y), (LEFT + 4, y - 10), (LEFT + 4, y + 10)]);
    }
    if line.high > RANGE_PPM_MAX {
        drawing.area(class, &[(RIGHT + 16, y), (RIGHT - 4, y - 10), (RIGHT - 4, y + 10)]);
    }
    let change = quantity::relative(line.row.difference, line.row.baseline).unwrap_or_default();
    drawing.text("cc-t", (WIDTH - 40, y + 9), Anchor::End, &change);
}

fn signed(ppm: i128) -> String {
    let sign = if ppm > 0 { "+" } else { "" };
    format!("{sign}{}", quantity::three_digits(ppm, 4))
}
