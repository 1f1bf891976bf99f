//! Figure 4: how full blocks are.

use chaos_report::{
    Figure,
    axis::count,
    legend,
    legend::Mark,
    quantity, scale,
    scale::Linear,
    svg::{Anchor, Drawing, Rect, WIDTH},
    table::Table,
};

use super::{Arms, Caption, Shown};
use crate::study::{data::Fullness, words::share_ppm};

pub(super) const CAPTION: Caption = Caption {
    number: 4,
    what: "Fullness of blocks and the target",
    reading: "Each bar is the share of blocks whose gas used over gas limit \
    falls into its range; a dashed outline, where there is one, is the baseline. The upright line marks the target \
    that the base fee steers to. A tall last bar means congestion, a tall first bar empty blocks.",
};

const HEIGHT: i64 = 760;
const LEFT: i64 = 160;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 280;
const BOTTOM: i64 = HEIGHT - 120;

pub(super) fn show(part: &Fullness, arms: &Arms) -> Option<Shown> {
    let figure = draw(part, arms)?;
    let (before, after) = shares_of(part);
    let bins = before.len();
    let mut table = match after {
        Some(_) => Table::new(&["gas used, % of limit", "#baseline", "#proposal"]),
        None => Table::new(&["gas used, % of limit", "#blocks"]),
    };
    for (index, share) in before.iter().enumerate() {
        let (from, to) = (edge(index, bins), edge(index + 1, bins));
        let mut row = vec![
            format!("{} to {}", percent_label(from), percent_label(to)).into(),
            quantity::percent(*share).into(),
        ];
        row.extend(after.iter().map(|after| quantity::percent(after[index]).into()));
        table.row(row);
    }
    let baseline = elasticity(part.baseline.target_ppm);
    let note = match &part.proposal {
        Some(proposal) => format!(
            "Elasticity (limit over target): {baseline} as it is, {} after the change.",
            elasticity(proposal.target_ppm)
        ),
        None => format!("Elasticity (limit over target): {baseline}."),
    };
    Some(Shown { figures: vec![figure], table, note })
}

/// Shares of blocks per bin in each arm, as many bins in both.
fn shares_of(part: &Fullness) -> (Vec<i128>, Option<Vec<i128>>) {
    let after = part.proposal.as_ref().map(|histogram| &histogram.counts);
    let bins = part.baseline.counts.len().max(after.map_or(0, Vec::len));
    (shares(&part.baseline.counts, bins), after.map(|counts| shares(counts, bins)))
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
    let (before, after) = shares_of(part);
    let highest = before.iter().chain(after.iter().flatten()).copied().max();
    let high = highest.filter(|high| *high > 0)? * 11 / 10;
    let x = Linear::new((0, 1_000_000), (LEFT, RIGHT));
    let y = Linear::new((0, high), (BOTTOM, TOP));
    let title = match part.finding.as_str() {
        "" => title(&before, after.as_deref()),
        finding => finding.to_owned(),
    };
    let mut drawing = Drawing::new("figure-04-fullness", HEIGHT, title, subtitle(part));
    let ticks = scale::ticks(0, high, 6);
    for tick in &ticks {
        drawing.line("cc-grid", (LEFT, y.at(*tick)), (RIGHT, y.at(*tick)));
    }
    bars(&mut drawing, after.as_ref().unwrap_or(&before), x, y);
    if after.is_some() {
        outline(&mut drawing, &before, x, y);
    }
    let across: Vec<(i64, String)> =
        (0..=5).map(|step| (x.at(step * 200_000), (step * 20).to_string())).collect();
    drawing.x_axis((LEFT, RIGHT), BOTTOM, &across, "gas used, % of the gas limit");
    let up: Vec<(i64, String)> =
        ticks.into_iter().map(|tick| (y.at(tick), quantity::three_digits(tick, 4))).collect();
    drawing.y_axis(LEFT, (TOP, BOTTOM), &up, "share of blocks, %");
    targets(&mut drawing, part, x);
    let description = if after.is_some() {
        legend::draw(
            &mut drawing,
            (LEFT, 150),
            &[(Mark::Line("cc-mark", true), &arms.baseline), (Mark::Area("cc-pf"), &arms.proposal)],
        );
        "Histogram of gas used over gas limit: filled bars after the change, a dashed outline for \
         the baseline, with the targets marked."
    } else {
        "Histogram of gas used over gas limit with the target marked."
    };
    Some(drawing.finish(description.to_owned()))
}

fn subtitle(part: &Fullness) -> String {
    let blocks = |counts: &[u64]| quantity::grouped(counts.iter().map(|c| i128::from(*c)).sum());
    let (tag, before) = (part.origin.tag(), blocks(&part.baseline.counts));
    match &part.proposal {
        Some(proposal) => format!(
            "{tag}, n = {before} blocks as it is and {} after the change",
            blocks(&proposal.counts)
        ),
        None => format!("{tag}, n = {before} blocks"),
    }
}

fn bars(drawing: &mut Drawing, shares: &[i128], x: Linear, y: Linear) {
    for (index, share) in shares.iter().enumerate() {
        let (left, right) = (x.at(edge(index, shares.len())), x.at(edge(index + 1, shares.len())));
        let top = y.at(*share);
        drawing.rect(
            "cc-pf",
            Rect { x: left + 3, y: top, width: (right - left - 6).max(1), height: BOTTOM - top },
        );
    }
}

fn outline(drawing: &mut Drawing, shares: &[i128], x: Linear, y: Linear) {
    let mut outline = vec![(LEFT, BOTTOM)];
    for (index, share) in shares.iter().enumerate() {
        let (left, right) = (x.at(edge(index, shares.len())), x.at(edge(index + 1, shares.len())));
        outline.extend([(left, y.at(*share)), (right, y.at(*share))]);
    }
    outline.push((RIGHT, BOTTOM));
    drawing.path("cc-mark", 4, true, &outline);
}

fn title(before: &[i128], after: Option<&[i128]>) -> String {
    let last = |shares: &[i128]| quantity::percent(shares.last().copied().unwrap_or(0));
    let bins = before.len();
    let change = after.map_or_else(String::new, |after| format!(" \u{2192} {}", last(after)));
    format!(
        "Blocks above {} % of the limit: {}{change}",
        percent_label(edge(bins.saturating_sub(1), bins)),
        last(before)
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
    let baseline = part.baseline.target_ppm;
    match part.proposal.as_ref().map(|histogram| histogram.target_ppm) {
        Some(proposal) if proposal != baseline => {
            line(baseline, "target, baseline", 76);
            line(proposal, "target, proposal", 46);
        }
        Some(_) | None => line(baseline, "target", 60),
    }
}
