//! Figure 2: the paired difference, block by block.

use chaos_report::{
    Figure, Unit,
    axis::capitalised,
    quantity,
    scale::Linear,
    svg::{Anchor, Drawing, WIDTH},
    table::Table,
};

use super::{Caption, Shown};
use crate::study::{
    data::{Better, Differences},
    words::share_ppm,
};

pub(super) const CAPTION: Caption = Caption {
    number: 2,
    what: "Paired difference per block",
    reading: "At each difference on the horizontal axis the curve shows the \
    share of blocks that lie at or below it. A curve that is high left of the zero line means that \
    most blocks have a lower value after the change; the steeper, the more alike the blocks.",
};

const HEIGHT: i64 = 740;
const LEFT: i64 = 160;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 200;
const BOTTOM: i64 = HEIGHT - 120;

/// Steps of the drawn curve; more could not be told apart on paper.
const STEPS: usize = 400;
/// One in this many samples may lie beyond each end of the axis.
const TAIL: usize = 200;

pub(super) fn show(part: &Differences) -> Option<Shown> {
    let mut sorted = part.samples.clone();
    sorted.sort_unstable();
    let figure = draw(part, &sorted)?;
    let mut table = Table::new(&["of the blocks", "#difference is at most"]);
    for (share, name) in
        [(5, "5 %"), (25, "25 %"), (50, "half"), (75, "75 %"), (95, "95 %"), (100, "all")]
    {
        let value = quantile(&sorted, share, 100)?;
        table.row(vec![name.into(), quantity::difference(value, &part.unit).into()]);
    }
    let shares = Shares::of(part, &sorted);
    let note = format!(
        "Better in {} of {} blocks, equal in {}, worse in {}.",
        quantity::percent(shares.better),
        quantity::grouped(i128::try_from(sorted.len()).unwrap_or(i128::MAX)),
        quantity::percent(shares.equal),
        quantity::percent(shares.worse)
    );
    Some(Shown { figures: vec![figure], table, note })
}

/// Shares of blocks in ppm.
struct Shares {
    better: i128,
    equal: i128,
    worse: i128,
}

impl Shares {
    fn of(part: &Differences, sorted: &[i128]) -> Self {
        let below = sorted.partition_point(|sample| *sample < 0);
        let upto = sorted.partition_point(|sample| *sample <= 0);
        let share = |count: usize| {
            share_ppm(
                u64::try_from(count).unwrap_or(u64::MAX),
                u64::try_from(sorted.len()).unwrap_or(u64::MAX),
            )
        };
        let (lower, equal) = (share(below), share(upto - below));
        let higher = share(sorted.len() - upto);
        match part.better {
            Better::Lower => Self { better: lower, equal, worse: higher },
            Better::Higher => Self { better: higher, equal, worse: lower },
        }
    }
}

/// The smallest sample that at least `part` of `whole` of all samples do not exceed.
fn quantile(sorted: &[i128], part: usize, whole: usize) -> Option<i128> {
    let rank = (sorted.len() * part).div_ceil(whole).max(1);
    sorted.get(rank - 1).copied()
}

fn draw(part: &Differences, sorted: &[i128]) -> Option<Figure> {
    let low = quantile(sorted, 1, TAIL)?.min(0);
    let high = quantile(sorted, TAIL - 1, TAIL)?.max(0);
    let margin = ((high - low) / 20).max(1);
    let (low, high) = (low - margin, high + margin);
    let x = Linear::new((low, high), (LEFT, RIGHT));
    let y = Linear::new((0, 1_000_000), (BOTTOM, TOP));
    let unit = Unit::of(&part.unit, high.max(low.saturating_neg()));

    let shares = Shares::of(part, sorted);
    let title = format!(
        "{}: better in {} of blocks, worse in {}",
        capitalised(&part.label),
        quantity::percent(shares.better),
        quantity::percent(shares.worse)
    );
    let subtitle = format!(
        "{}, proposal less baseline, n = {}; one sample in {TAIL} may lie beyond each end",
        part.origin.tag(),
        quantity::grouped(i128::try_from(sorted.len()).unwrap_or(i128::MAX))
    );
    let mut drawing = Drawing::new("figure-02-differences", HEIGHT, title, subtitle);
    for step in 0..=4 {
        let at = y.at(step * 250_000);
        drawing.line("cc-grid", (LEFT, at), (RIGHT, at));
    }
    sides(&mut drawing, part.better, x);
    drawing.path("cc-p", 5, false, &curve(sorted, (low, high), x, y));
    middle(&mut drawing, part, sorted, x, y);

    let across: Vec<(i64, String)> =
        unit.ticks(low, high, 7).into_iter().map(|(value, label)| (x.at(value), label)).collect();
    drawing.x_axis(
        (LEFT, RIGHT),
        BOTTOM,
        &across,
        &unit.after(&format!("change of {}", part.label)),
    );
    let up: Vec<(i64, String)> =
        (0..=4).map(|step| (y.at(step * 250_000), (step * 25).to_string())).collect();
    drawing.y_axis(LEFT, (TOP, BOTTOM), &up, "share of blocks at or below, %");
    Some(drawing.finish(format!(
        "Empirical distribution of the paired difference of {} over {} blocks with a line at zero. \
         Better in {}, equal in {}, worse in {}.",
        part.label,
        sorted.len(),
        quantity::percent(shares.better),
        quantity::percent(shares.equal),
        quantity::percent(shares.worse)
    )))
}

/// The line at zero with what lies on either side of it.
fn sides(drawing: &mut Drawing, better: Better, x: Linear) {
    let zero = x.at(0);
    drawing.line("cc-zero", (zero, TOP - 30), (zero, BOTTOM));
    let (left, right) = match better {
        Better::Lower => ("\u{2190} better", "worse \u{2192}"),
        Better::Higher => ("\u{2190} worse", "better \u{2192}"),
    };
    // The label of the vertical axis stands above its upper end.
    if zero - LEFT > 560 {
        drawing.text("cc-t cc-s", (zero - 14, TOP - 14), Anchor::End, left);
    }
    if RIGHT - zero > 130 {
        drawing.text("cc-t cc-s", (zero + 14, TOP - 14), Anchor::Start, right);
    }
}

fn curve(sorted: &[i128], (low, high): (i128, i128), x: Linear, y: Linear) -> Vec<(i64, i64)> {
    let total = sorted.len();
    let share = |count: usize| {
        y.at(share_ppm(
            u64::try_from(count).unwrap_or(u64::MAX),
            u64::try_from(total).unwrap_or(u64::MAX),
        ))
    };
    let below = sorted.partition_point(|sample| *sample < low);
    let mut points = vec![(x.at(low), share(below))];
    let stride = total.div_ceil(STEPS).max(1);
    let mut index = 0;
    while index < total {
        let sample = sorted[index];
        if (low..=high).contains(&sample) {
            let last = points.last().map_or(BOTTOM, |(_, y)| *y);
            points.push((x.at(sample), last));
            points.push((x.at(sample), share(sorted.partition_point(|other| *other <= sample))));
        }
        index += stride;
    }
    let end = share(sorted.partition_point(|sample| *sample <= high));
    let last = points.last().map_or(BOTTOM, |(_, y)| *y);
    points.push((x.at(high), last));
    points.push((x.at(high), end));
    points
}

fn middle(drawing: &mut Drawing, part: &Differences, sorted: &[i128], x: Linear, y: Linear) {
    let Some(median) = quantile(sorted, 1, 2) else { return };
    let at = (x.at(median), y.at(500_000));
    drawing.dot("cc-pf", at, 10);
    let label = format!("median {}", quantity::difference(median, &part.unit));
    let (anchor, offset) =
        if at.0 > (LEFT + RIGHT) / 2 { (Anchor::End, -22) } else { (Anchor::Start, 22) };
    let lift = if offset < 0 { -16 } else { 34 };
    drawing.text("cc-t", (at.0 + offset, at.1 + lift), anchor, &label);
}
