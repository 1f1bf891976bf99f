//! Figure 4: how full blocks are.

use chaos_report::{
    Figure,
    axis::count,
    legend,
    legend::Mark,
    quantity, scale,
    scale::Linear,
    svg::{Anchor, Drawing, WIDTH},
    table::Table,
};

use super::{Arms, Shown};
use crate::study::{data::Fullness, words::share_ppm};

pub(super) const WHAT: &str = "Fullness of blocks and the target";
pub(super) const READING: &str = "Each bar is the share of blocks whose gas used over gas limit \
    falls into its range; the dashed outline is the baseline. The upright line marks the target \
    that the base fee steers to. A tall last bar means congestion, a tall first bar empty blocks.";

const HEIGHT: i64 = 760;
const LEFT: i64 = 160;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 280;
const BOTTOM: i64 = HEIGHT - 120;

pub(super) fn show(part: &Fullness, arms: &Arms) -> Option<Shown> {
    let figure = draw(part, arms)?;
    let mut table = Table::new(&["gas used, % of limit", "#baseline", "#proposal"]);
    let bins = bins(part);
    let (before, after) = (shares(&part.baseline, bins), shares(&part.proposal, bins));
    for (index, (before, after)) in before.iter().zip(&after).enumerate() {
        let (from, to) = (edge(index, bins), edge(index + 1, bins));
        table.row(vec![
            format!("{} to {}", percent_label(from), percent_label(to)).into(),
            quantity::percent(*before).into(),
            quantity::percent(*after).into(),
        ]);
    }
    let note = format!(
        "Elasticity (limit over target): {} as it is, {} after the change.",
        elasticity(part.baseline_target_ppm),
        elasticity(part.proposal_target_ppm)
    );
    Some(Shown { figures: vec![figure], table, note })
}

fn bins(part: &Fullness) -> usize {
    part.baseline.len().max(part.proposal.len())
}

/// The lower edge of a bin in ppm of the limit.
fn edge(index: usize, bins: usize) -> i128 {
    let (index, bins) = (i128::from(count(index)), i128::from(count(bins)).max(1));
    index * 1_000_000 / bins
}

fn percent_label(ppm: i128) -> String {
    quantity::three_digits(ppm, 4)
}

fn shares(counts: &[u64], bins: usize) -> Vec<i128> {
    let total = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    (0..bins).map(|index| share_ppm(counts.get(index).copied().unwrap_or(0), total)).collect()
}

fn elasticity(target_ppm: u32) -> String {
    match target_ppm {
        0 => "unbounded".to_owned(),
        target => quantity::three_digits(1_000_000_000 / i128::from(target), 3),
    }
}

fn draw(part: &Fullness, arms: &Arms) -> Option<Figure> {
    let bins = bins(part);
    let (before, after) = (shares(&part.baseline, bins), shares(&part.proposal, bins));
    let high = before.iter().chain(&after).copied().max().filter(|high| *high > 0)? * 11 / 10;
    let x = Linear::new((0, 1_000_000), (LEFT, RIGHT));
    let y = Linear::new((0, high), (BOTTOM, TOP));
    let mut drawing = Drawing::new("figure-04-fullness", HEIGHT, title(&before, &after), {
        let blocks =
            |counts: &[u64]| quantity::grouped(counts.iter().map(|c| i128::from(*c)).sum());
        format!(
            "{}, n = {} blocks as it is and {} after the change",
            part.origin.tag(),
            blocks(&part.baseline),
            blocks(&part.proposal)
        )
    });
    let ticks = scale::ticks(0, high, 6);
    for tick in &ticks {
        drawing.line("cc-grid", (LEFT, y.at(*tick)), (RIGHT, y.at(*tick)));
    }
    let mut outline = vec![(LEFT, BOTTOM)];
    for (index, (before, after)) in before.iter().zip(&after).enumerate() {
        let (left, right) = (x.at(edge(index, bins)), x.at(edge(index + 1, bins)));
        let top = y.at(*after);
        drawing.rect("cc-pf", (left + 3, top), ((right - left - 6).max(1), BOTTOM - top));
        outline.extend([(left, y.at(*before)), (right, y.at(*before))]);
    }
    outline.push((RIGHT, BOTTOM));
    drawing.path("cc-mark", 4, true, &outline);
    let across: Vec<(i64, String)> =
        (0..=5).map(|step| (x.at(step * 200_000), (step * 20).to_string())).collect();
    drawing.x_axis((LEFT, RIGHT), BOTTOM, &across, "gas used, % of the gas limit");
    let up: Vec<(i64, String)> =
        ticks.into_iter().map(|tick| (y.at(tick), quantity::three_digits(tick, 4))).collect();
    drawing.y_axis(LEFT, (TOP, BOTTOM), &up, "share of blocks, %");
    targets(&mut drawing, part, x);
    legend::draw(
        &mut drawing,
        (LEFT, 150),
        &[(Mark::Line("cc-mark", true), &arms.baseline), (Mark::Area("cc-pf"), &arms.proposal)],
    );
    Some(drawing.finish(
        "Histogram of gas used over gas limit: filled bars after the change, a dashed outline for \
         the baseline, with the targets marked."
            .to_owned(),
    ))
}

fn title(before: &[i128], after: &[i128]) -> String {
    let last = |shares: &[i128]| quantity::percent(shares.last().copied().unwrap_or(0));
    let bins = before.len();
    format!(
        "Blocks above {} % of the limit: {} \u{2192} {}",
        percent_label(edge(bins.saturating_sub(1), bins)),
        last(before),
        last(after)
    )
}

fn targets(drawing: &mut Drawing, part: &Fullness, x: Linear) {
    let mut line = |ppm: u32, name: &str, lift: i64| {
        let at = x.at(ppm.into());
        drawing.line("cc-zero", (at, TOP - lift), (at, BOTTOM));
        let (anchor, offset) = if ppm > 700_000 { (Anchor::End, -12) } else { (Anchor::Start, 12) };
        let label = format!("{name} {}", quantity::percent(ppm.into()));
        drawing.text("cc-t cc-s", (at + offset, TOP - lift + 18), anchor, &label);
    };
    if part.baseline_target_ppm == part.proposal_target_ppm {
        line(part.proposal_target_ppm, "target", 60);
    } else {
        line(part.baseline_target_ppm, "target, baseline", 76);
        line(part.proposal_target_ppm, "target, proposal", 46);
    }
}
