//! The paired differences of the decision table with their intervals.

use chaos_report::{
    Figure, quantity, scale,
    scale::Linear,
    svg::{Anchor, Drawing, WIDTH},
};

use crate::proposal::{DecisionRow, Proposal, label};

const LEFT: i64 = 500;
const RIGHT: i64 = WIDTH - 230;
const TOP: i64 = 160;
const ROW: i64 = 64;

/// The axis ends here at the latest: beyond ±100 % an arrow points outward.
const RANGE_PPM_MAX: i128 = 1_000_000;

/// A row as shares of its baseline, in ppm.
struct Row<'a> {
    row: &'a DecisionRow,
    difference: i128,
    low: i128,
    high: i128,
}

/// Draws one line per metric of the decision table; `None` if none has a baseline to relate to.
pub(super) fn draw(proposal: &Proposal) -> Option<Figure> {
    let rows: Vec<Row<'_>> =
        proposal.content().decision_table.iter().filter_map(relative).collect();
    let (min, max) = (
        rows.iter().map(|row| row.low.min(row.difference)).min()?,
        rows.iter().map(|row| row.high.max(row.difference)).max()?,
    );
    let clamp = |value: i128| value.clamp(-RANGE_PPM_MAX, RANGE_PPM_MAX);
    let (min, max) = (clamp(min.min(-10_000)), clamp(max.max(10_000)));
    let margin = (max - min) / 20;
    let x = Linear::new((min - margin, max + margin), (LEFT, RIGHT));
    let bottom = TOP + ROW * i64::try_from(rows.len()).unwrap_or(0);

    let mut drawing =
        Drawing::new("differences", bottom + 120, title(proposal), subtitle(proposal));
    drawing.line("cc-zero", (x.at(0), TOP - 10), (x.at(0), bottom));
    for (row, y) in rows.iter().zip((TOP + ROW / 2..).step_by(usize::try_from(ROW).unwrap_or(1))) {
        line(&mut drawing, row, x, y);
    }
    let ticks: Vec<(i64, String)> = scale::ticks(min - margin, max + margin, 7)
        .into_iter()
        .map(|ppm| (x.at(ppm), signed(ppm)))
        .collect();
    drawing.x_axis((LEFT, RIGHT), bottom, &ticks, "proposal less baseline, % of baseline");
    Some(drawing.finish(format!(
        "For each of {} metrics a dot for the mean of the paired differences and a bar for their \
         10th to 90th percentile, as a share of the baseline, with a line at zero. A filled circle \
         means that the policy's requirement is met, a cross that it is missed, a hollow circle \
         that there is none.",
        rows.len()
    )))
}

fn relative(row: &DecisionRow) -> Option<Row<'_>> {
    Some(Row {
        row,
        difference: quantity::relative_ppm(row.difference.0, row.baseline.0)?,
        low: quantity::relative_ppm(row.low.0, row.baseline.0)?,
        high: quantity::relative_ppm(row.high.0, row.baseline.0)?,
    })
}

fn title(proposal: &Proposal) -> String {
    let judged: Vec<bool> = proposal
        .content()
        .decision_table
        .iter()
        .filter_map(|row| row.verdict.as_ref())
        .map(|verdict| verdict.standing == "met")
        .collect();
    let met = judged.iter().filter(|met| **met).count();
    format!("{met} of {} requirements of the policy are met", judged.len())
}

fn subtitle(proposal: &Proposal) -> String {
    let paths = proposal.content().assumptions.iter().find(|assumption| assumption.name == "paths");
    format!(
        "paired over {}; bar p10 to p90; \u{25cf} met \u{b7} \u{2715} missed \u{b7} \u{25cb} no \
         requirement",
        paths.map_or("", |paths| &paths.value)
    )
}

fn line(drawing: &mut Drawing, row: &Row<'_>, x: Linear, y: i64) {
    let standing = row.row.verdict.as_ref().map(|verdict| verdict.standing);
    let class = match standing {
        Some("met") => "cc-ok",
        Some(_) => "cc-no",
        None => "cc-na",
    };
    drawing.text("cc-t", (LEFT - 30, y + 9), Anchor::End, label(&row.row.metric));
    drawing.path(class, 6, false, &[(x.at(row.low), y), (x.at(row.high), y)]);
    let at = x.at(row.difference);
    match standing {
        Some("met") => drawing.dot(class, (at, y), 12),
        Some(_) => {
            drawing.path(class, 6, false, &[(at - 11, y - 11), (at + 11, y + 11)]);
            drawing.path(class, 6, false, &[(at - 11, y + 11), (at + 11, y - 11)]);
        }
        None => {
            drawing.dot(class, (at, y), 12);
            drawing.dot("cc-bg", (at, y), 7);
        }
    }
    if row.low < -RANGE_PPM_MAX {
        drawing.area(class, &[(LEFT - 16, y), (LEFT + 4, y - 10), (LEFT + 4, y + 10)]);
    }
    if row.high > RANGE_PPM_MAX {
        drawing.area(class, &[(RIGHT + 16, y), (RIGHT - 4, y - 10), (RIGHT - 4, y + 10)]);
    }
    let change = quantity::relative(row.row.difference.0, row.row.baseline.0).unwrap_or_default();
    drawing.text("cc-t", (WIDTH - 40, y + 9), Anchor::End, &change);
}

fn signed(ppm: i128) -> String {
    let sign = if ppm > 0 { "+" } else { "" };
    format!("{sign}{}", quantity::three_digits(ppm, 4))
}
