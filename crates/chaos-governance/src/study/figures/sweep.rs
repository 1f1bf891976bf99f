//! Figure 16: how the main result depends on the elasticity that nobody knows.

use chaos_report::{
    Comparison, Table,
    axis::count,
    quantity,
    scale::{self, Linear},
    svg::{Anchor, Drawing, Figure, WIDTH},
};

use super::{Caption, Shown};
use crate::study::data::{Sweep, SweepPoint};

pub(super) const CAPTION: Caption = Caption {
    number: 16,
    what: "The main result at each assumed elasticity",
    reading: "Elasticity says by how many per cent demand falls when the price \
    rises by one per cent. Blocks alone do not show it, so the comparison is repeated at several \
    values. Dots on one side of the line at zero mean that the sign does not depend on it.",
};

const HEIGHT: i64 = 720;
const LEFT: i64 = 150;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 210;
const BOTTOM: i64 = HEIGHT - 120;

/// The axis ends here at the latest: beyond ±100 % of the mean baseline an arrow points outward.
const RANGE_PPM_MAX: i128 = 1_000_000;

/// One elasticity with the relative difference, its interval, all in ppm.
struct Point {
    elasticity_ppm: u32,
    difference: i128,
    low: i128,
    high: i128,
}

/// The relative difference of the main metric per elasticity; nothing with fewer than two.
pub(super) fn show(part: &Sweep) -> Option<Shown> {
    let figure = draw(part)?;
    let mut table =
        Table::new(&["#elasticity", "#baseline", "#proposal", "#difference", "#interval"]);
    for point in &part.points {
        let shown = Comparison::of(&part.unit, point.baseline, point.proposal);
        table.row(vec![
            quantity::decimal(point.elasticity_ppm.into(), 6, 2).into(),
            shown.value(point.baseline).into(),
            shown.value(point.proposal).into(),
            shown.difference(point.difference).into(),
            shown.interval(point.interval.0, point.interval.1).into(),
        ]);
    }
    Some(Shown { figures: vec![figure], table, note: String::new() })
}

fn draw(part: &Sweep) -> Option<Figure> {
    let points: Vec<Point> = part.points.iter().filter_map(relative).collect();
    if points.len() < 2 {
        return None;
    }
    let (low, high) = range(&points)?;
    let y = Linear::new((low, high), (BOTTOM, TOP));
    let columns = count(points.len());
    let x = |index: usize| LEFT + (RIGHT - LEFT) * (2 * count(index) + 1) / (2 * columns);
    let subtitle = format!(
        "{}, {} at each value; bar p10 to p90, cut at \u{b1}100 %",
        part.origin.tag(),
        part.sample
    );
    let mut drawing =
        Drawing::new("figure-16-elasticity", HEIGHT, title(&part.label, &points), subtitle);
    drawing.line("cc-zero", (LEFT, y.at(0)), (RIGHT, y.at(0)));
    for (index, point) in points.iter().enumerate() {
        mark(&mut drawing, point, x(index), y);
    }
    let across: Vec<(i64, String)> = points
        .iter()
        .enumerate()
        .map(|(index, p)| (x(index), quantity::decimal(p.elasticity_ppm.into(), 6, 2)))
        .collect();
    drawing.x_axis((LEFT, RIGHT), BOTTOM, &across, "assumed price elasticity of gas demand");
    let up: Vec<(i64, String)> = scale::ticks(low, high, 6)
        .into_iter()
        .map(|ppm| (y.at(ppm), quantity::three_digits(ppm, 4)))
        .collect();
    let label = format!("change of {}, % of the mean baseline", part.label);
    drawing.y_axis(LEFT, (TOP, BOTTOM), &up, &label);
    Some(drawing.finish(format!(
        "Relative change of {} at {} assumed elasticities, dot for the mean and bar for the 10th \
         to 90th percentile of the paired differences, with a line at zero.",
        part.label,
        points.len()
    )))
}

/// The ends of the vertical axis. Zero stays on it, so that the size of an effect is not a matter
/// of cropping.
fn range(points: &[Point]) -> Option<(i128, i128)> {
    let low = points.iter().map(|point| point.low.min(point.difference)).min()?.min(0);
    let high = points.iter().map(|point| point.high.max(point.difference)).max()?.max(0);
    let (low, high) = (low.max(-RANGE_PPM_MAX), high.min(RANGE_PPM_MAX));
    let margin = ((high - low) / 12).max(1_000);
    let low = if low < 0 { low - margin } else { 0 };
    let high = if high > 0 { high + margin } else { 0 };
    Some((low, high))
}

fn mark(drawing: &mut Drawing, point: &Point, x: i64, y: Linear) {
    drawing.path("cc-p", 6, false, &[(x, y.at(point.low)), (x, y.at(point.high))]);
    if point.low < -RANGE_PPM_MAX {
        arrow(drawing, (x, BOTTOM - 4), -18);
    }
    if point.high > RANGE_PPM_MAX {
        arrow(drawing, (x, TOP + 4), 18);
    }
    drawing.dot("cc-pf", (x, y.at(point.difference)), 12);
    let sign = if point.difference > 0 { "+" } else { "" };
    let value = format!("{sign}{}", quantity::percent(point.difference));
    drawing.text("cc-t", (x + 24, y.at(point.difference) + 9), Anchor::Start, &value);
}

/// A small triangle with its tip at `at`; `size` is negative if it points down.
fn arrow(drawing: &mut Drawing, (x, y): (i64, i64), size: i64) {
    drawing.area("cc-pf", &[(x, y), (x - 11, y + size), (x + 11, y + size)]);
}

fn relative(point: &SweepPoint) -> Option<Point> {
    let baseline = point.baseline;
    Some(Point {
        elasticity_ppm: point.elasticity_ppm,
        difference: quantity::relative_ppm(point.difference, baseline)?,
        low: quantity::relative_ppm(point.interval.0, baseline)?,
        high: quantity::relative_ppm(point.interval.1, baseline)?,
    })
}

fn title(metric: &str, points: &[Point]) -> String {
    let low = points.iter().map(|point| point.difference).min().unwrap_or(0);
    let high = points.iter().map(|point| point.difference).max().unwrap_or(0);
    let verdict = if (low < 0) != (high < 0) {
        "Elasticity decides the sign"
    } else if (high - low) * 5 <= low.abs().max(high.abs()) {
        "Elasticity hardly matters"
    } else {
        "Elasticity matters"
    };
    let from = quantity::decimal(low, 4, 1);
    format!("{verdict}: {metric} {from} to {}", quantity::percent(high))
}
