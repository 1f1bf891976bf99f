//! Rows and verdicts in words, the same in every rendering.

use chaos_report::{
    Comparison, quantity,
    table::{Align, Entry, Table},
};

use super::data::{
    AttackRow, Change, Forecast, ForecastRow, Part, Row, Side, Source, SourceKind, Standing, Study,
    Subject, Threshold,
};

/// Stands where a row has no interval or no threshold.
const NONE: &str = "\u{2013}";

/// Rows as a table, with verdicts.
pub(super) fn rows(rows: &[Row], interval: &str) -> Table {
    let mut table = Table::new(&["metric"]);
    table.column("origin".to_owned(), Align::Under);
    for number in ["baseline", "proposal", "difference"] {
        table.column(number.to_owned(), Align::Right);
    }
    table.column(interval.to_owned(), Align::Under);
    table.column("threshold".to_owned(), Align::Left);
    for row in rows {
        let shown = row.shown();
        table.row(vec![
            row.label.as_str().into(),
            Entry::Tag(row.origin.tag()),
            shown.value(row.baseline).into(),
            shown.value(row.proposal).into(),
            difference(row, &shown),
            row.interval
                .map_or_else(|| NONE.to_owned(), |(low, high)| shown.interval(low, high))
                .into(),
            verdict(row),
        ]);
    }
    table
}

/// The difference and, where that says more, what share of the baseline it is.
fn difference(row: &Row, shown: &Comparison) -> Entry {
    let relative = match row.unit.as_str() {
        "ppm" => None,
        _ => quantity::relative(row.difference, row.baseline),
    };
    Entry::Pair(shown.difference(row.difference), relative.unwrap_or_default())
}

fn verdict(row: &Row) -> Entry {
    row.threshold.as_ref().map_or_else(
        || Entry::Text(NONE.to_owned()),
        |threshold| {
            let requirement = requirement(threshold, &row.unit);
            let text = format!("{}: {requirement}", standing(threshold.standing));
            Entry::Verdict(threshold.standing, text)
        },
    )
}

/// A standing as a mark and a word, so that neither colour nor font is needed.
pub(super) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Met => "\u{2713} met",
        Standing::Missed => "\u{2715} missed",
        Standing::Undecided => "? undecided",
        Standing::NotJudged => "\u{2013} not judged",
    }
}

/// What a threshold requires, such as `difference ≤ +2 gwei`.
pub(super) fn requirement(threshold: &Threshold, unit: &str) -> String {
    let side = match threshold.side {
        Side::AtMost => "\u{2264}",
        Side::AtLeast => "\u{2265}",
    };
    match threshold.subject {
        Subject::Proposal => format!("{side} {}", quantity::of(threshold.value, unit)),
        Subject::Difference => {
            format!("difference {side} {}", quantity::difference(threshold.value, unit))
        }
        Subject::Relative => {
            let sign = if threshold.value > 0 { "+" } else { "" };
            format!("difference {side} {sign}{}", quantity::percent(threshold.value))
        }
    }
}

/// How many requirements stand so.
pub(super) fn tally(study: &Study, wanted: Standing) -> usize {
    let thresholds = study.decision.iter().filter_map(|row| row.threshold.as_ref());
    thresholds.filter(|threshold| threshold.standing == wanted).count()
}

/// The tally in words, with the study's overall standing.
pub(super) fn tally_text(study: &Study) -> (Standing, String) {
    let [met, missed, undecided, not_judged] =
        [Standing::Met, Standing::Missed, Standing::Undecided, Standing::NotJudged]
            .map(|standing| tally(study, standing));
    let all = met + missed + undecided + not_judged;
    if all == 0 {
        return (Standing::Undecided, "no requirement was named in advance".to_owned());
    }
    let overall = match (missed, not_judged, undecided) {
        (0, 0, 0) => Standing::Met,
        (0, 0, _) => Standing::Undecided,
        (0, _, _) => Standing::NotJudged,
        (_, _, _) => Standing::Missed,
    };
    let mut text = format!("{met} of {all} requirements met");
    if missed > 0 {
        text.push_str(&format!(", {missed} missed"));
    }
    if undecided > 0 {
        text.push_str(&format!(", {undecided} undecided"));
    }
    if not_judged > 0 {
        text.push_str(&format!(", {not_judged} not judged"));
    }
    (overall, text)
}

/// A change such as `gas-limit 45 Mgas → 60 Mgas`.
pub(super) fn change_of(change: &Change) -> String {
    format!(
        "{} {} \u{2192} {}",
        change.name,
        quantity::of(change.current, &change.unit),
        quantity::of(change.proposed, &change.unit)
    )
}

/// What must be said before anything else about made-up blocks; `None` if all were recorded.
pub(super) const fn warning(source: &Source) -> Option<&'static str> {
    match source.kind {
        SourceKind::Recorded => None,
        SourceKind::Mixed => Some(
            "SOME BLOCKS ARE GENERATED: figures that rest on them are not facts about the chain",
        ),
        SourceKind::Generated => {
            Some("GENERATED BLOCKS: nothing in this study is a fact about the chain")
        }
    }
}

/// `not measured: reason`, the one phrase for everything that is absent.
pub(super) fn not_measured(reason: &str) -> String {
    format!("not measured: {reason}")
}

/// The part, or the sentence that stands in its place.
pub(super) fn known<T>(part: &Part<T>) -> Result<&T, String> {
    match part {
        Part::Known(part) => Ok(part),
        Part::NotMeasured(reason) => Err(not_measured(reason)),
        Part::NotAsked => Err(not_measured("this study did not look at it")),
    }
}

/// What must be said of a forecast whose blocks were there.
pub(super) const HINDCAST: &str = "A hindcast: these blocks were there when it was made, so it tests the model and \
     shows no foresight.";

/// What the section of a forecast is called.
pub(super) fn forecast_heading(study: &Study) -> &'static str {
    match study.forecast.known() {
        Some(forecast) if forecast.is_hindcast => "Hindcast",
        _ => FORECAST_HEADING,
    }
}

/// The heading of a forecast of blocks to come.
pub(super) const FORECAST_HEADING: &str = "Forecast to be scored";

/// A forecast, such as `Made 2026-11-21, for 3,500 blocks after block 9, to be scored: 2026-12-21`.
pub(super) fn dated(forecast: &Forecast) -> String {
    let made = match forecast.made.as_str() {
        "" => "For".to_owned(),
        day => format!("Made {day}, for"),
    };
    format!(
        "{made} {} blocks after {}, to be scored: {}",
        quantity::grouped(forecast.horizon_blocks.into()),
        forecast.activation,
        forecast.score_on
    )
}

/// What a row changes, as a share of the baseline where that says more.
pub(super) fn changed(row: &Row) -> String {
    quantity::relative(row.difference, row.baseline)
        .unwrap_or_else(|| row.shown().difference(row.difference))
}

/// A forecast interval, such as `8.1 gwei (6.2 gwei to 10.4 gwei)`.
pub(super) fn forecast(row: &ForecastRow) -> String {
    let (shown, range) = (row.shown(), row.shown().range(row.p10, row.p90));
    row.p50.map_or_else(|| range.clone(), |median| format!("{} ({range})", shown.value(median)))
}

/// Use of a limit, such as `5.72 of 10 MiB`.
pub(super) fn used_of(used: i128, limit: i128, unit: &str) -> String {
    let (used, limit) = (quantity::of(used, unit), quantity::of(limit, unit));
    match (used.split_once(' '), limit.split_once(' ')) {
        (Some((number, one)), Some((_, other))) if one == other => format!("{number} of {limit}"),
        (_, _) => format!("{used} of {limit}"),
    }
}

/// A measure of an attack, such as `12 ETH → 16 ETH`.
pub(super) fn before_after(row: &AttackRow) -> String {
    let [baseline, proposal, _] = Comparison::cells(&row.unit, row.baseline, row.proposal);
    if row.baseline == row.proposal {
        return format!("{baseline} in both");
    }
    format!("{baseline} \u{2192} {proposal}")
}

/// A unit as it is shown beside a figure; the raw one may be a fraction of it.
pub(super) fn unit(unit: &str) -> String {
    match unit {
        "ppm" => "%".to_owned(),
        "milli_blocks" => "blocks".to_owned(),
        "milli_count" => "count".to_owned(),
        "microseconds" | "nanoseconds" => "ms".to_owned(),
        "wei_per_day" => "ETH/day".to_owned(),
        "wei_per_block" => "ETH/block".to_owned(),
        other => other.replace("_per_", "/").replace('_', " "),
    }
}

/// `part` of `whole` in ppm, rounded half up; zero if there is nothing.
pub(super) fn share_ppm(part: u64, whole: u64) -> i128 {
    if whole == 0 {
        return 0;
    }
    (i128::from(part) * 1_000_000 + i128::from(whole) / 2) / i128::from(whole)
}

/// A sentence that ends in exactly one full stop, whatever it came with.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim();
    match text.chars().last() {
        None => String::new(),
        Some('.' | '!' | '?') => text.to_owned(),
        Some(_) => format!("{text}."),
    }
}

/// Seconds as people say them.
pub(super) fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", quantity::decimal(i128::from(seconds) * 100 / 60, 2, 1)),
        _ => format!("{} h", quantity::decimal(i128::from(seconds) * 100 / 3_600, 2, 1)),
    }
}
