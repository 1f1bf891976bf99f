//! Figure 10: how far each limit is away.

use chaos_report::{
    Figure,
    axis::{count, cut},
    legend,
    legend::Mark,
    quantity, scale,
    scale::Linear,
    svg::{Anchor, Drawing, Rect, WIDTH},
    table::{Entry, Table},
};

use super::{Caption, Shown};
use crate::study::{data::Constraint, words};

pub(super) const CAPTION: Caption = Caption {
    number: 10,
    what: "Distance to each constraint",
    reading: "Headroom is what is left below a limit as a share of it, sorted: \
    the first row binds. The bar is after the change, the stroke before it. A bar left of zero \
    means that the limit is exceeded.",
};

const LEFT: i64 = 470;
const RIGHT: i64 = WIDTH - 380;
const TOP: i64 = 200;
const ROW: i64 = 60;
/// A limit that is exceeded twice over is drawn as that.
const LEAST_PPM: i128 = -1_000_000;

/// Constraints by headroom after the change, least first.
pub(crate) fn sorted(constraints: &[Constraint]) -> Vec<(&Constraint, i128)> {
    let mut rows: Vec<(&Constraint, i128)> = constraints
        .iter()
        .filter_map(|constraint| Some((constraint, headroom_ppm(constraint, constraint.proposal)?)))
        .collect();
    rows.sort_by(|one, other| (one.1, &one.0.name).cmp(&(other.1, &other.0.name)));
    rows
}

/// What is left below the limit in ppm of it; none if the limit is not positive.
fn headroom_ppm(constraint: &Constraint, used: i128) -> Option<i128> {
    if constraint.limit <= 0 {
        return None;
    }
    quantity::relative_ppm(constraint.limit.checked_sub(used)?, constraint.limit)
}

/// Headroom in words.
pub(crate) fn left(headroom_ppm: i128) -> String {
    if headroom_ppm < 0 {
        format!("exceeded by {}", quantity::percent(headroom_ppm.saturating_neg()))
    } else {
        format!("{} left", quantity::percent(headroom_ppm))
    }
}

pub(super) fn show(constraints: &[Constraint]) -> Option<Shown> {
    let rows = sorted(constraints);
    let figure = draw(&rows)?;
    let mut table = Table::new(&[
        "constraint",
        "#baseline",
        "#proposal",
        "#limit",
        "#headroom",
        "origin",
        "limit from",
    ]);
    for constraint in constraints {
        let unit = &constraint.unit;
        let headroom = headroom_ppm(constraint, constraint.proposal)
            .map_or_else(|| "no limit given".to_owned(), quantity::percent);
        table.row(vec![
            constraint.name.as_str().into(),
            quantity::of(constraint.baseline, unit).into(),
            quantity::of(constraint.proposal, unit).into(),
            quantity::of(constraint.limit, unit).into(),
            headroom.into(),
            Entry::Tag(constraint.origin.tag()),
            constraint.source.as_str().into(),
        ]);
    }
    Some(Shown { figures: vec![figure], table, note: String::new() })
}

fn draw(rows: &[(&Constraint, i128)]) -> Option<Figure> {
    let (binding, least) = rows.first()?;
    let low = if *least < 0 { (*least).max(LEAST_PPM) } else { 0 };
    let x = Linear::new((low, 1_000_000), (LEFT, RIGHT));
    let bottom = TOP + ROW * count(rows.len());
    let title = format!("Binding: {}, {}", cut(&binding.name, 40), left(*least));
    let subtitle = "what is left below each limit after the change, least first".to_owned();
    let mut drawing = Drawing::new("figure-10-headroom", bottom + 120, title, subtitle);
    for (index, (constraint, headroom)) in rows.iter().enumerate() {
        let y = TOP + ROW * count(index);
        let name = cut(&constraint.name, 30);
        let class = if index == 0 { "cc-t cc-w" } else { "cc-t" };
        drawing.text(class, (LEFT - 20, y + 38), Anchor::End, &name);
        let (from, to) = (x.at((*headroom).min(0)), x.at((*headroom).max(0)));
        let class = if *headroom < 0 { "cc-no" } else { "cc-pf" };
        drawing
            .rect(class, Rect { x: from, y: y + 14, width: (to - from).max(3), height: ROW - 28 });
        if let Some(before) = headroom_ppm(constraint, constraint.baseline) {
            let at = x.at(before);
            drawing.path("cc-mark", 6, false, &[(at, y + 8), (at, y + ROW - 8)]);
        }
        let beside = words::used_of(constraint.proposal, constraint.limit, &constraint.unit);
        drawing.text("cc-t cc-s", (WIDTH - 40, y + 38), Anchor::End, &cut(&beside, 30));
    }
    drawing.line("cc-zero", (x.at(0), TOP - 8), (x.at(0), bottom));
    let ticks: Vec<(i64, String)> = scale::ticks(low, 1_000_000, 7)
        .into_iter()
        .map(|ppm| (x.at(ppm), quantity::three_digits(ppm, 4)))
        .collect();
    drawing.x_axis((LEFT, RIGHT), bottom, &ticks, "headroom, % of the limit");
    legend::draw(
        &mut drawing,
        (LEFT, 150),
        &[(Mark::Tick("cc-mark"), "baseline"), (Mark::Area("cc-pf"), "proposal")],
    );
    let words: Vec<String> = rows
        .iter()
        .map(|(constraint, headroom)| {
            format!("{} {}", constraint.name, quantity::percent(*headroom))
        })
        .collect();
    Some(drawing.finish(words::sentence(&format!(
        "Headroom below each limit, least first: {}",
        words.join(", ")
    ))))
}
