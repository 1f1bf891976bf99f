//! Tables that more than one rendering shows.

pub(super) mod appendix;
pub(super) mod post;

use chaos_report::{
    Comparison, quantity,
    table::{Align, Entry, Table},
};

use super::{
    data::{
        Affected, Assumption, Backtest, Coverage, Definition, Effect, ModelRow, Pareto, Replay,
        Standing, Study, Superseded,
    },
    words,
};

pub(super) fn definitions(definitions: &[Definition], study: &Study) -> Table {
    let mut table = Table::new(&["metric", "formula", "unit", "origin", "source", "threshold"]);
    for definition in definitions {
        let threshold = study
            .decision
            .iter()
            .find(|row| row.metric == definition.metric)
            .and_then(|row| Some((row.threshold.as_ref()?, &row.unit)))
            .map_or_else(
                || "\u{2013}".to_owned(),
                |(threshold, unit)| words::requirement(threshold, unit),
            );
        table.row(vec![
            Entry::Code(definition.metric.clone()),
            definition.formula.as_str().into(),
            words::unit(&definition.unit).into(),
            Entry::Tag(definition.origin.tag()),
            definition.source.as_str().into(),
            threshold.into(),
        ]);
    }
    table
}

/// The lines of a replay, as n of n facts.
pub(super) fn replay(replay: &Replay) -> Table {
    let mut table = Table::new(&["check", "#found", "#expected"]);
    let mut row = |name: &str, found: u64, expected: String| {
        table.row(vec![name.into(), quantity::grouped(found.into()).into(), expected.into()]);
    };
    let all = quantity::grouped(replay.blocks.into());
    row("blocks whose gas is exactly the header's", replay.gas_matched, all);
    let comparable = quantity::grouped(replay.roots_comparable.into());
    row("blocks whose receipts root is the header's", replay.roots_matched, comparable);
    let none = || "0".to_owned();
    row("reads outside the recorded state", replay.unknown_reads, none());
    row("transactions of kinds that are not executed", replay.skipped_transactions, none());
    table
}

pub(super) fn backtest(backtest: &Backtest) -> Table {
    let mut table =
        Table::new(&["metric", "#forecast, median", "#p10 to p90", "#actual", "in the interval"]);
    for row in &backtest.rows {
        let held = (row.p10..=row.p90).contains(&row.actual);
        let shown = Comparison::among(&row.unit, &[row.p10, row.p50, row.p90]);
        let standing = if held { Standing::Met } else { Standing::Missed };
        table.row(vec![
            row.label.as_str().into(),
            shown.value(row.p50).into(),
            shown.range(row.p10, row.p90).into(),
            shown.value(row.actual).into(),
            Entry::Verdict(standing, if held { "\u{2713} yes" } else { "\u{2715} no" }.to_owned()),
        ]);
    }
    table
}

/// The model's baseline beside the observed blocks.
pub(super) fn model(rows: &[ModelRow]) -> Table {
    let mut table = Table::new(&["metric", "#observed", "#modelled"]);
    for row in rows {
        table.row(vec![
            row.label.as_str().into(),
            quantity::of(row.observed, &row.unit).into(),
            quantity::of(row.modelled, &row.unit).into(),
        ]);
    }
    table
}

pub(super) fn coverage(rows: &[Coverage]) -> Table {
    let mut table = Table::new(&["metric", "#promised", "#held", "#of", "#share"]);
    for row in rows {
        let share = if row.trials == 0 {
            "no trial".to_owned()
        } else {
            quantity::percent(words::share_ppm(row.hits, row.trials))
        };
        table.row(vec![
            row.label.as_str().into(),
            quantity::percent(row.nominal_ppm.into()).into(),
            quantity::grouped(row.hits.into()).into(),
            quantity::grouped(row.trials.into()).into(),
            share.into(),
        ]);
    }
    table
}

pub(super) fn affected(groups: &[Affected]) -> Table {
    let mut table = Table::new(&["who", "effect", "by how much", "origin"]);
    for group in groups {
        table.row(vec![
            group.who.as_str().into(),
            effect(group.effect),
            group.text.as_str().into(),
            Entry::Tag(group.origin.tag()),
        ]);
    }
    table
}

fn effect(effect: Effect) -> Entry {
    match effect {
        Effect::Gains => Entry::Verdict(Standing::Met, "+ gains".to_owned()),
        Effect::Loses => Entry::Verdict(Standing::Missed, "\u{2212} loses".to_owned()),
        Effect::Unchanged => "= no difference".into(),
        Effect::Unclear => Entry::Verdict(Standing::Undecided, "? cannot tell".to_owned()),
    }
}

pub(super) fn assumptions(assumptions: &[Assumption]) -> Table {
    let mut table = Table::new(&["assumption", "value", "why, or what if not"]);
    for assumption in assumptions {
        table.row(vec![
            assumption.name.as_str().into(),
            assumption.value.as_str().into(),
            assumption.note.as_str().into(),
        ]);
    }
    table
}

pub(super) fn pareto(pareto: &Pareto) -> Table {
    let mut table = Table::new(&["combination"]);
    for column in &pareto.columns {
        let arrow = match column.better {
            super::data::Better::Lower => "less is better",
            super::data::Better::Higher => "more is better",
        };
        table.column(format!("{} ({arrow})", column.label), Align::Right);
    }
    table.column("verdict".to_owned(), Align::Left);
    for row in &pareto.rows {
        let name = if row.mark.is_empty() {
            row.name.clone()
        } else {
            format!("{} ({})", row.name, row.mark)
        };
        let mut entries: Vec<Entry> = vec![name.into()];
        for (index, column) in pareto.columns.iter().enumerate() {
            let value = row
                .values
                .get(index)
                .map_or_else(|| "\u{2013}".to_owned(), |v| quantity::of(*v, &column.unit));
            entries.push(value.into());
        }
        entries.push(Entry::Verdict(row.standing, words::standing(row.standing).to_owned()));
        table.row(entries);
    }
    table
}

pub(super) fn superseded(figures: &[Superseded]) -> Table {
    let mut table = Table::new(&["figure", "#as published", "#now"]);
    for figure in figures {
        table.row(vec![
            figure.what.as_str().into(),
            figure.was.as_str().into(),
            figure.is.as_str().into(),
        ]);
    }
    table
}
