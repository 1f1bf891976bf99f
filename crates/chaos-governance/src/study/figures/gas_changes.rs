//! Figure 7: how the gas of a transaction changes.

use chaos_report::{
    Figure,
    axis::count,
    quantity,
    scale::Linear,
    svg::{Anchor, Drawing, Rect, WIDTH},
    table::Table,
};

use super::{Caption, Shown};
use crate::study::{
    data::{GasBin, GasChanges},
    words::share_ppm,
};

pub(super) const CAPTION: Caption = Caption {
    number: 7,
    what: "Gas change per transaction",
    reading: "One bar per range of relative change, with the number of \
    transactions. The ratio of sums weighs a transaction by its gas, the mean of ratios counts \
    each once: if they differ, large and small transactions are not affected alike.",
};

const LEFT: i64 = 330;
const RIGHT: i64 = WIDTH - 330;
const TOP: i64 = 160;
const ROW: i64 = 50;
/// A bar this many times as long as the next is cut.
const CUT_FROM: u64 = 6;

pub(super) fn show(part: &GasChanges) -> Option<Shown> {
    let figure = draw(part)?;
    let total = total(part);
    let mut table = Table::new(&["change of gas", "#transactions", "#share"]);
    for bin in &part.bins {
        table.row(vec![
            range(bin).into(),
            quantity::grouped(bin.count.into()).into(),
            quantity::percent(share_ppm(bin.count, total)).into(),
        ]);
    }
    let note = format!(
        "Ratio of sums {}, mean of ratios {}.",
        signed(part.ratio_of_sums_ppm),
        signed(part.mean_of_ratios_ppm)
    );
    Some(Shown { figures: vec![figure], table, note })
}

fn total(part: &GasChanges) -> u64 {
    part.bins.iter().fold(0, |sum, bin| sum.saturating_add(bin.count))
}

fn signed(ppm: i128) -> String {
    let sign = if ppm > 0 { "+" } else { "" };
    format!("{sign}{}", quantity::percent(ppm))
}

fn range(bin: &GasBin) -> String {
    let end = |ppm: i64| {
        let sign = if ppm > 0 { "+" } else { "" };
        format!("{sign}{}", quantity::three_digits(ppm.into(), 4))
    };
    match (bin.from_ppm, bin.to_ppm) {
        (None, None) => "any".to_owned(),
        (None, Some(to)) => format!("less than {} %", end(to)),
        (Some(from), None) => format!("{} % and more", end(from)),
        (Some(0), Some(0)) => "unchanged".to_owned(),
        (Some(from), Some(to)) => format!("{} to {} %", end(from), end(to)),
    }
}

fn draw(part: &GasChanges) -> Option<Figure> {
    let total = total(part);
    let mut counts: Vec<u64> = part.bins.iter().map(|bin| bin.count).collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let high = counts.first().copied().filter(|high| *high > 0)?;
    // One bar that dwarfs the others is cut, and says so, lest the others be invisible.
    let second = counts.get(1).copied().unwrap_or(0);
    let is_cut = second > 0 && high / second >= CUT_FROM;
    let axis_end = if is_cut { second + second / 4 + 1 } else { high };
    let x = Linear::new((0, axis_end.into()), (LEFT, RIGHT));
    let bottom = TOP + ROW * count(part.bins.len());
    let title = format!(
        "Gas of transactions: ratio of sums {}, mean of ratios {}",
        signed(part.ratio_of_sums_ppm),
        signed(part.mean_of_ratios_ppm)
    );
    let subtitle = format!(
        "re-executed, n = {} transactions{}",
        quantity::grouped(total.into()),
        if is_cut { "; the longest bar is cut" } else { "" }
    );
    let mut drawing = Drawing::new("figure-07-gas-changes", bottom + 40, title, subtitle);
    for (index, bin) in part.bins.iter().enumerate() {
        let y = TOP + ROW * count(index);
        let class = match (bin.from_ppm, bin.to_ppm) {
            (Some(0), Some(0)) => "cc-bf",
            (_, _) => "cc-pf",
        };
        drawing.text("cc-t", (LEFT - 20, y + 32), Anchor::End, &range(bin));
        let width = x.at(bin.count.into()) - LEFT;
        // A group that exists shows, however small it is.
        let width = if bin.count > 0 { width.max(3) } else { 0 };
        drawing.rect(class, Rect { x: LEFT, y: y + 6, width, height: ROW - 12 });
        if bin.count > axis_end {
            let at = RIGHT - 90;
            let corners = [(at, y + ROW), (at + 20, y), (at + 36, y), (at + 16, y + ROW)];
            drawing.area("cc-bg", &corners);
        }
        let label = format!(
            "{} ({})",
            quantity::grouped(bin.count.into()),
            quantity::percent(share_ppm(bin.count, total))
        );
        drawing.text("cc-t cc-s", (LEFT + width + 16, y + 32), Anchor::Start, &label);
    }
    drawing.line("cc-ax", (LEFT, TOP - 4), (LEFT, bottom + 4));
    Some(drawing.finish(format!(
        "Horizontal histogram of the relative change of gas of {} transactions in {} ranges.",
        quantity::grouped(total.into()),
        part.bins.len()
    )))
}
