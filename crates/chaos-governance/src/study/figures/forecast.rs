//! Figure 13: what is predicted, and later what happened.

use chaos_report::{
    Figure,
    axis::{count, cut},
    legend,
    legend::Mark,
    quantity, scale,
    scale::Linear,
    svg::{Anchor, Drawing, Rect, WIDTH},
    table::Table,
};

use super::{Caption, Shown};
use crate::study::{
    data::{Forecast, ForecastRow},
    words,
};

pub(super) const CAPTION: Caption = Caption {
    number: 13,
    what: "Forecast, and what happened",
    reading: "The bar runs from the 10th to the 90th percentile of the \
    forecast, the stroke is its median, all relative to that median. Once the date has come, a dot \
    shows what happened: over many forecasts, four in five dots should lie on their bar.",
};

const LEFT: i64 = 440;
const RIGHT: i64 = WIDTH - 440;
const TOP: i64 = 210;
const ROW: i64 = 72;
/// The axis reaches this far from the median at most, in ppm of it.
const REACH_PPM: i128 = 2_000_000;

pub(super) fn show(part: &Forecast) -> Option<Shown> {
    if part.rows.is_empty() {
        return None;
    }
    let drawn: Vec<&ForecastRow> =
        part.rows.iter().filter(|row| row.p50.is_some_and(|median| median != 0)).collect();
    let figures: Vec<Figure> = draw(part, &drawn).into_iter().collect();
    let mut table =
        Table::new(&["metric", "#p10", "#median", "#p90", "#actual", "in the interval"]);
    for row in &part.rows {
        let shown = row.shown();
        let actual = row.actual.map_or_else(|| "not yet".to_owned(), |actual| shown.value(actual));
        let held = match held(row) {
            Some(true) => "yes",
            Some(false) => "no",
            None => "\u{2013}",
        };
        table.row(vec![
            row.label.as_str().into(),
            shown.value(row.p10).into(),
            row.p50.map_or_else(|| "\u{2013}".to_owned(), |median| shown.value(median)).into(),
            shown.value(row.p90).into(),
            actual.into(),
            held.into(),
        ]);
    }
    let digest = part
        .digest
        .as_ref()
        .map_or_else(String::new, |digest| format!(" The forecast's own digest is {digest}."));
    let hindcast = if part.is_hindcast { words::HINDCAST } else { "" };
    let note = format!("{}.{digest} {hindcast}", words::dated(part)).trim_end().to_owned();
    Some(Shown { figures, table, note })
}

fn held(row: &ForecastRow) -> Option<bool> {
    row.actual.map(|actual| (row.p10..=row.p90).contains(&actual))
}

fn title(part: &Forecast) -> String {
    let known = part.rows.iter().filter_map(held).count();
    if known == 0 {
        let first = part
            .rows
            .first()
            .map_or_else(String::new, |row| format!(": {} {}", row.label, words::forecast(row)));
        let what = if part.is_hindcast { "Hindcast, scored on" } else { "To be scored on" };
        return format!("{what} {}{first}", part.score_on);
    }
    let hits = part.rows.iter().filter_map(held).filter(|held| *held).count();
    format!("{hits} of {known} intervals held what happened; 80 % should")
}

fn draw(part: &Forecast, rows: &[&ForecastRow]) -> Option<Figure> {
    let relative = |row: &ForecastRow, value: i128| {
        let median = row.p50.unwrap_or(0);
        let ppm = quantity::relative_ppm(value.saturating_sub(median), median).unwrap_or(0);
        ppm.clamp(-REACH_PPM, REACH_PPM)
    };
    let ends = || {
        rows.iter().flat_map(|row| {
            [Some(row.p10), Some(row.p90), row.actual]
                .into_iter()
                .flatten()
                .map(|value| relative(row, value))
        })
    };
    let reach = ends().map(i128::abs).max()?.max(50_000) * 11 / 10;
    let x = Linear::new((-reach, reach), (LEFT, RIGHT));
    let bottom = TOP + ROW * count(rows.len());
    let subtitle = format!(
        "fee model, made {}, {} blocks after {}; bar p10 to p90",
        part.made,
        quantity::grouped(part.horizon_blocks.into()),
        part.activation
    );
    let mut drawing = Drawing::new("figure-13-forecast", bottom + 120, title(part), subtitle);
    drawing.line("cc-zero", (x.at(0), TOP - 8), (x.at(0), bottom));
    for (index, row) in rows.iter().enumerate() {
        let y = TOP + ROW * count(index) + ROW / 2;
        drawing.text("cc-t", (LEFT - 20, y + 9), Anchor::End, &cut(&row.label, 30));
        let (low, high) = (x.at(relative(row, row.p10)), x.at(relative(row, row.p90)));
        drawing.rect(
            "cc-pf cc-soft",
            Rect { x: low, y: y - 16, width: (high - low).max(3), height: 32 },
        );
        drawing.path("cc-p", 3, false, &[(low, y - 16), (low, y + 16)]);
        drawing.path("cc-p", 3, false, &[(high, y - 16), (high, y + 16)]);
        drawing.path("cc-p", 6, false, &[(x.at(0), y - 20), (x.at(0), y + 20)]);
        drawing.text("cc-t cc-s", (WIDTH - 40, y + 8), Anchor::End, &beside(row));
        if let (Some(actual), Some(held)) = (row.actual, held(row)) {
            let at = (x.at(relative(row, actual)), y);
            drawing.dot(if held { "cc-ok" } else { "cc-no" }, at, 12);
            if !held {
                drawing.path("cc-edge", 4, false, &[(at.0 - 7, y - 7), (at.0 + 7, y + 7)]);
            }
        }
    }
    let ticks: Vec<(i64, String)> = scale::ticks(-reach, reach, 7)
        .into_iter()
        .map(|ppm| {
            let sign = if ppm > 0 { "+" } else { "" };
            (x.at(ppm), format!("{sign}{}", quantity::three_digits(ppm, 4)))
        })
        .collect();
    drawing.x_axis((LEFT, RIGHT), bottom, &ticks, "% from the median of the forecast");
    let mut entries =
        vec![(Mark::Area("cc-pf cc-soft"), "p10 to p90"), (Mark::Tick("cc-p"), "median")];
    if rows.iter().any(|row| row.actual.is_some()) {
        entries.push((Mark::Dot("cc-ok"), "happened, within"));
        entries.push((Mark::Dot("cc-no"), "happened, outside"));
    }
    legend::draw(&mut drawing, (LEFT, 150), &entries);
    let words: Vec<String> =
        part.rows.iter().map(|row| format!("{} {}", row.label, words::forecast(row))).collect();
    Some(drawing.finish(words::sentence(&format!("Forecast intervals: {}", words.join("; ")))))
}

fn beside(row: &ForecastRow) -> String {
    match row.actual {
        Some(actual) => {
            let shown = row.shown();
            let expected =
                row.p50.map_or_else(|| shown.range(row.p10, row.p90), |p50| shown.value(p50));
            format!("{expected} expected, {} found", shown.value(actual))
        }
        None => words::forecast(row),
    }
}
