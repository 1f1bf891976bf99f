//! Figure 1: fees of both arms over blocks.

use chaos_report::{
    Comparison, Figure, Unit,
    axis::{capitalised, median},
    legend,
    legend::Mark,
    quantity, scale,
    scale::{Linear, Logarithmic},
    svg::{Anchor, Drawing, WIDTH},
    table::Table,
};

use super::{Arms, Caption, Shown};
use crate::study::data::{Fan, Percentiles};

pub(super) const CAPTION: Caption = Caption {
    number: 1,
    what: "Fees over blocks, baseline and proposal",
    reading: "The line is the median over paths, the band runs from the 10th \
    to the 90th percentile. Both arms see the same random demand, so a gap between the lines is \
    the change, not luck. A logarithmic axis shows equal ratios as equal distances.",
};

const HEIGHT: i64 = 820;
const LEFT: i64 = 160;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 270;
const BOTTOM: i64 = HEIGHT - 120;

/// A drawing's name is its identifier in a page, so each fan has its own.
const NAMES: [&str; 4] =
    ["figure-01-base-fee", "figure-01b-fees", "figure-01c-fees", "figure-01d-fees"];

pub(super) fn show(fans: &[Fan], arms: &Arms) -> Option<Shown> {
    let drawn: Vec<Figure> =
        NAMES.iter().zip(fans).filter_map(|(name, fan)| draw(name, fan, arms)).collect();
    if drawn.is_empty() {
        return None;
    }
    let note = match fans.len().saturating_sub(drawn.len()) {
        0 => String::new(),
        left => format!("{left} further series are only in the data."),
    };
    let mut table = Table::new(&["quantity", "#baseline", "#proposal", "#difference"]);
    for fan in fans {
        let (baseline, proposal) = medians(fan);
        let shown = Comparison::of(&fan.unit, baseline, proposal);
        table.row(vec![
            format!("{}, median", fan.label).into(),
            shown.value(baseline).into(),
            shown.value(proposal).into(),
            shown.difference(proposal - baseline).into(),
        ]);
    }
    Some(Shown { figures: drawn, table, note })
}

/// The middle of each arm's medians from the change on.
fn medians(fan: &Fan) -> (i128, i128) {
    let after = |band: &Percentiles| {
        let values = fan.blocks.iter().zip(&band.p50).filter(|(block, _)| **block >= 0);
        median(&values.map(|(_, value)| *value).collect::<Vec<_>>())
    };
    (after(&fan.baseline), after(&fan.proposal))
}

/// A logarithmic axis where all values are positive, a linear one where some are not.
#[derive(Clone, Copy)]
enum Up {
    Linear(Linear),
    Log(Logarithmic),
}

impl Up {
    fn at(self, value: i128) -> i64 {
        match self {
            Self::Linear(axis) => axis.at(value),
            Self::Log(axis) => axis.at(value),
        }
    }
}

fn draw(name: &'static str, fan: &Fan, arms: &Arms) -> Option<Figure> {
    let (first, last) = (i128::from(*fan.blocks.first()?), i128::from(*fan.blocks.last()?));
    let bands = [&fan.baseline, &fan.proposal];
    let values = || bands.into_iter().flat_map(|band| band.p10.iter().chain(&band.p90));
    let (low, high) = (*values().min()?, *values().max()?);
    let x = Linear::new((first, last), (LEFT, RIGHT));
    let (y, ticks, scale_name) = up(fan, low, high);

    let mut drawing = Drawing::new(name, HEIGHT, title(fan), subtitle(fan));
    for (at, _) in &ticks {
        drawing.line("cc-grid", (LEFT, *at), (RIGHT, *at));
    }
    let styles = [("cc-bf cc-soft", "cc-b", true), ("cc-pf cc-soft", "cc-p", false)];
    for ((area, _, _), band) in styles.iter().zip(bands) {
        drawing.area(area, &outline(fan, band, x, y));
    }
    for ((_, class, dashed), band) in styles.iter().zip(bands) {
        let points: Vec<(i64, i64)> = points(fan, &band.p50, x, y).collect();
        drawing.path(class, 4, *dashed, &points);
    }
    let across: Vec<(i64, String)> = scale::ticks(first, last, 8)
        .into_iter()
        .map(|block| (x.at(block), quantity::grouped(block)))
        .collect();
    drawing.x_axis((LEFT, RIGHT), BOTTOM, &across, "blocks since the change takes effect");
    let unit = Unit::of(&fan.unit, high);
    let label = format!("{} ({scale_name})", unit.after(&fan.label));
    drawing.y_axis(LEFT, (TOP, BOTTOM), &ticks, "");
    drawing.text("cc-m", (40, TOP - 64), Anchor::Start, &label);
    activation(&mut drawing, (first, last), x);
    legend::draw(
        &mut drawing,
        (LEFT, 150),
        &[
            (Mark::Band { line: "cc-b", band: "cc-bf cc-soft", dashed: true }, &arms.baseline),
            (Mark::Band { line: "cc-p", band: "cc-pf cc-soft", dashed: false }, &arms.proposal),
        ],
    );
    Some(drawing.finish(format!(
        "{} over blocks on a {scale_name} axis: a grey band with a dashed line is the baseline, a \
         blue band with a solid line the proposal; bands run from the 10th to the 90th percentile \
         over paths, lines are medians.",
        capitalised(&fan.label)
    )))
}

/// The vertical axis with its ticks and what kind of axis it is.
fn up(fan: &Fan, low: i128, high: i128) -> (Up, Vec<(i64, String)>, &'static str) {
    let unit = Unit::of(&fan.unit, high);
    // Shares are compared by their distance, prices by their ratio: half a decade at least, so that
    // a flat series does not look like a wild one.
    if low > 0 && fan.unit != "ppm" {
        let (low, high) = if high / low < 3 { (low * 2 / 3, high * 3 / 2) } else { (low, high) };
        let low = low.max(1);
        let axis = Logarithmic::new((low, high.max(low + 1)), (BOTTOM, TOP));
        let values = scale::log_ticks(low, high);
        let ticks = if values.len() >= 2 {
            values.into_iter().map(|value| (value, unit.label(value))).collect()
        } else {
            unit.ticks(low, high, 6)
        };
        let ticks = ticks.into_iter().map(|(value, label)| (axis.at(value), label)).collect();
        return (Up::Log(axis), ticks, "log scale");
    }
    let low = if fan.unit == "ppm" { low.min(0) } else { low };
    let axis = Linear::new((low, high.max(low + 1)), (BOTTOM, TOP));
    let ticks = unit.ticks(low, high, 7);
    let ticks = ticks.into_iter().map(|(value, label)| (axis.at(value), label)).collect();
    (Up::Linear(axis), ticks, "linear scale")
}

fn activation(drawing: &mut Drawing, (first, last): (i128, i128), x: Linear) {
    if first >= 0 || last <= 0 {
        return;
    }
    let at = x.at(0);
    drawing.line("cc-zero", (at, TOP - 30), (at, BOTTOM));
    let (anchor, offset) =
        if at > (LEFT + RIGHT) / 2 { (Anchor::End, -12) } else { (Anchor::Start, 12) };
    drawing.text("cc-t cc-s", (at + offset, TOP - 10), anchor, "takes effect");
}

fn title(fan: &Fan) -> String {
    let (baseline, proposal) = medians(fan);
    let change = quantity::relative(proposal - baseline, baseline)
        .map_or_else(String::new, |change| format!(" ({change})"));
    let [baseline, proposal, _] = Comparison::cells(&fan.unit, baseline, proposal);
    format!("Median {}: {baseline} \u{2192} {proposal}{change}", fan.label)
}

fn subtitle(fan: &Fan) -> String {
    format!("{}, {}, same shocks in both arms; band p10 to p90", fan.origin.tag(), fan.sample)
}

fn points<'a>(
    fan: &'a Fan,
    values: &'a [i128],
    x: Linear,
    y: Up,
) -> impl DoubleEndedIterator<Item = (i64, i64)> + 'a {
    let count = fan.blocks.len().min(values.len());
    (0..count).map(move |index| (x.at(fan.blocks[index].into()), y.at(values[index])))
}

fn outline(fan: &Fan, band: &Percentiles, x: Linear, y: Up) -> Vec<(i64, i64)> {
    points(fan, &band.p90, x, y).chain(points(fan, &band.p10, x, y).rev()).collect()
}
