//! How the main result depends on the elasticity nobody knows.

use chaos_report::{
    Figure, quantity, scale,
    scale::Linear,
    svg::{Anchor, Drawing, WIDTH},
};

use crate::proposal::{Proposal, SensitivityLine, label};

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

/// Draws the relative difference of the main metric per elasticity; `None` with fewer than two.
pub(super) fn draw(proposal: &Proposal) -> Option<Figure> {
    let lines = &proposal.content().sensitivity;
    let metric = label(&lines.first()?.row.metric).to_owned();
    let points: Vec<Point> = lines.iter().filter_map(point).collect();
    if points.len() < 2 {
        return None;
    }
    let low = points.iter().map(|point| point.low.min(point.difference)).min()?.min(0);
    let high = points.iter().map(|point| point.high.max(point.difference)).max()?.max(0);
    let (low, high) = (low.max(-RANGE_PPM_MAX), high.min(RANGE_PPM_MAX));
    let margin = ((high - low) / 12).max(1_000);
    // Zero stays on the axis, so that the size of an effect is not a matter of cropping.
    let low = if low < 0 { low - margin } else { 0 };
    let high = if high > 0 { high + margin } else { 0 };
    let y = Linear::new((low, high), (BOTTOM, TOP));
    let count = i64::try_from(points.len()).unwrap_or(1);
    let x = |index: usize| {
        let index = i64::try_from(index).unwrap_or(0);
        LEFT + (RIGHT - LEFT) * (2 * index + 1) / (2 * count)
    };

    let mut drawing =
        Drawing::new("sensitivity", HEIGHT, title(&metric, &points), subtitle(proposal));
    drawing.line("cc-zero", (LEFT, y.at(0)), (RIGHT, y.at(0)));
    for (index, point) in points.iter().enumerate() {
        let (low, high) = ((x(index), y.at(point.low)), (x(index), y.at(point.high)));
        drawing.path("cc-p", 6, false, &[low, high]);
        if point.low < -RANGE_PPM_MAX {
            arrow(&mut drawing, (x(index), BOTTOM - 4), -18);
        }
        if point.high > RANGE_PPM_MAX {
            arrow(&mut drawing, (x(index), TOP + 4), 18);
        }
        drawing.dot("cc-pf", (x(index), y.at(point.difference)), 12);
        let beside = (x(index) + 24, y.at(point.difference) + 9);
        let sign = if point.difference > 0 { "+" } else { "" };
        let value = format!("{sign}{}", quantity::percent(point.difference));
        drawing.text("cc-t", beside, Anchor::Start, &value);
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
    drawing.y_axis(
        LEFT,
        (TOP, BOTTOM),
        &up,
        &format!("change of {metric}, % of the mean baseline"),
    );
    Some(drawing.finish(format!(
        "Relative change of {metric} at {} assumed elasticities, dot for the mean and bar for the \
         10th to 90th percentile of the paired differences, with a line at zero.",
        points.len()
    )))
}

/// A small triangle with its tip at `at`; `size` is negative if it points down.
fn arrow(drawing: &mut Drawing, (x, y): (i64, i64), size: i64) {
    drawing.area("cc-pf", &[(x, y), (x - 11, y + size), (x + 11, y + size)]);
}

fn point(line: &SensitivityLine) -> Option<Point> {
    let (row, baseline) = (&line.row, line.row.baseline.0);
    Some(Point {
        elasticity_ppm: line.elasticity_ppm,
        difference: quantity::relative_ppm(row.difference.0, baseline)?,
        low: quantity::relative_ppm(row.low.0, baseline)?,
        high: quantity::relative_ppm(row.high.0, baseline)?,
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

fn subtitle(proposal: &Proposal) -> String {
    let paths = proposal.content().assumptions.iter().find(|assumption| assumption.name == "paths");
    format!(
        "fee-market model, {} at each value; bar p10 to p90, cut at \u{b1}100 %",
        paths.map_or("", |paths| &paths.value)
    )
}
