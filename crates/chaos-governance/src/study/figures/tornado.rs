//! Figure 11: how the main result depends on the assumptions.

use chaos_report::{
    Figure, Unit,
    axis::{capitalised, count, cut},
    legend,
    legend::Mark,
    quantity,
    scale::Linear,
    svg::{Anchor, Drawing, Rect, WIDTH, width_of},
    table::Table,
};

use super::{Caption, Shown};
use crate::study::data::{Tornado, TornadoRow};

pub(super) const CAPTION: Caption = Caption {
    number: 11,
    what: "Sensitivity to the assumptions",
    reading: "Each row changes one assumption and leaves the others as they \
    are: the upper bar is the result at the low end of its range, the lower bar at the high end, \
    both drawn from the study's own result. The widest row is the assumption to dispute first.",
};

const LEFT: i64 = 400;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 220;
const ROW: i64 = 92;

pub(super) fn show(part: &Tornado) -> Option<Shown> {
    let rows = sorted(part);
    let figure = draw(part, &rows)?;
    let mut table = Table::new(&[
        "assumption",
        "#low end",
        "#result there",
        "#in the study",
        "#result",
        "#high end",
        "#result there",
    ]);
    let value = |value: i128| quantity::difference(value, &part.unit);
    for row in rows {
        table.row(vec![
            row.assumption.as_str().into(),
            row.low_setting.as_str().into(),
            value(row.low).into(),
            row.base_setting.as_str().into(),
            value(part.base).into(),
            row.high_setting.as_str().into(),
            value(row.high).into(),
        ]);
    }
    Some(Shown { figures: vec![figure], table, note: String::new() })
}

/// Rows by how far they move the result, widest first.
pub(crate) fn sorted(part: &Tornado) -> Vec<&TornadoRow> {
    let swing = |row: &TornadoRow| {
        let low = row.low.min(row.high).min(part.base);
        row.low.max(row.high).max(part.base) - low
    };
    let mut rows: Vec<&TornadoRow> = part.rows.iter().collect();
    rows.sort_by(|one, other| {
        (swing(other), &one.assumption).cmp(&(swing(one), &other.assumption))
    });
    rows
}

fn draw(part: &Tornado, rows: &[&TornadoRow]) -> Option<Figure> {
    let ends = || rows.iter().flat_map(|row| [row.low, row.high]).chain([part.base, 0]);
    let (low, high) = (ends().min()?, ends().max()?);
    let widest = rows.first()?;
    // Room on both sides for the settings that stand at the ends of the bars.
    let room = rows
        .iter()
        .flat_map(|row| [&row.low_setting, &row.high_setting])
        .map(|setting| width_of(&cut(setting, 16)) * 22 / 26 + 24)
        .max()?;
    let x = Linear::new((low, high), (LEFT + room, RIGHT - room));
    let bottom = TOP + ROW * count(rows.len());
    let flips = (low < 0) && (high > 0);
    let title = format!(
        "{} decides most{}",
        capitalised(&cut(&widest.assumption, 40)),
        if flips { "; the sign depends on the assumptions" } else { "; the sign does not change" }
    );
    let subtitle = format!(
        "{}: change of {}; {} as studied",
        part.origin.tag(),
        part.label,
        quantity::difference(part.base, &part.unit)
    );
    let mut drawing = Drawing::new("figure-11-sensitivity", bottom + 120, title, subtitle);
    for (index, row) in rows.iter().enumerate() {
        bars(&mut drawing, part, row, TOP + ROW * count(index), x);
    }
    let zero = x.at(0);
    drawing.line("cc-zero", (zero, TOP - 8), (zero, bottom));
    let base = x.at(part.base);
    drawing.path("cc-mark", 3, false, &[(base, TOP - 8), (base, bottom)]);
    let unit = Unit::of(&part.unit, high.max(low.saturating_neg()));
    let ticks: Vec<(i64, String)> =
        unit.ticks(low, high, 7).into_iter().map(|(value, label)| (x.at(value), label)).collect();
    let label = unit.after(&format!("change of {}", part.label));
    drawing.x_axis((LEFT, RIGHT), bottom, &ticks, &label);
    legend::draw(
        &mut drawing,
        (LEFT, 150),
        &[
            (Mark::Area("cc-k1"), "at the low end"),
            (Mark::Area("cc-k0"), "at the high end"),
            (Mark::Tick("cc-mark"), "as studied"),
            (Mark::Line("cc-zero", false), "no change"),
        ],
    );
    Some(drawing.finish(format!(
        "Tornado chart of {} assumptions, widest first: for each a bar to the change of {} at the \
         low end of its range and one at the high end.",
        rows.len(),
        part.label
    )))
}

fn bars(drawing: &mut Drawing, part: &Tornado, row: &TornadoRow, y: i64, x: Linear) {
    drawing.text("cc-t", (LEFT - 20, y + 46), Anchor::End, &cut(&row.assumption, 26));
    drawing.text(
        "cc-m cc-s",
        (LEFT - 20, y + 74),
        Anchor::End,
        &cut(&format!("as studied {}", row.base_setting), 28),
    );
    let base = x.at(part.base);
    let halves = [
        ("cc-k1", row.low, &row.low_setting, y + 12),
        ("cc-k0", row.high, &row.high_setting, y + 46),
    ];
    for (class, value, setting, top) in halves {
        let at = x.at(value);
        drawing.rect(
            class,
            Rect { x: base.min(at), y: top, width: (base - at).abs().max(3), height: 32 },
        );
        let (anchor, offset) = if at < base { (Anchor::End, -12) } else { (Anchor::Start, 12) };
        drawing.text("cc-t cc-s", (at + offset, top + 24), anchor, &cut(setting, 16));
    }
}
