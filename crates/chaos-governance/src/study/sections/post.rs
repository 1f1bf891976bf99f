//! The parts of a proposal in Markdown, which each rendering puts under its own headings.
//!
//! Every text from outside is inert by its type: see [`chaos_report::markdown`].

use chaos_report::{
    Code, Inline, Markdown, add, add_line, inline, quantity,
    table::{Align, Entry, Table},
};

use super::super::{
    data::{Alternative, Assumption, Cell, Grid, Kind, ModelRow, Part, Standing, Study, Sweep},
    figures, words,
};
use crate::proposal::Call;

/// So many attacks, assumptions and alternatives stand in a post.
const LINES_MAX: usize = 5;

/// A line that says that something is absent.
pub(crate) fn missing(out: &mut Markdown, what: &'static str, reason: &str) {
    out.raw("- ");
    out.raw(what);
    add_line!(out, ": {}", reason);
}

/// What must be said first about made-up blocks.
pub(crate) fn warning(out: &mut Markdown, study: &Study) {
    if let Some(warning) = words::warning(&study.heading.source) {
        add!(out, "> **{}.**\n\n", warning);
    }
}

/// Chain, parameters, timing, digest, badge.
pub(crate) fn header(out: &mut Markdown, study: &Study) {
    let heading = &study.heading;
    for change in &heading.changes {
        add!(
            out,
            "**Chain** {} · **{}** · takes effect {}\n\n",
            Code(&heading.chain),
            words::change_of(change),
            change.takes_effect
        );
    }
    let signer = match (study.rollout.signer.as_str(), heading.kind) {
        ("", Kind::Proposal) => Inline::default(),
        ("", Kind::Study) => inline!("**Signed by** not said · "),
        (signer, _) => inline!("**Signed by** {} · ", signer),
    };
    add!(out, "{}**evidence** {} · result {}", signer, heading.evidence, Code(&heading.result));
    for (name, digest) in &heading.identities {
        add!(out, " · {} {}", name, Code(digest));
    }
    out.raw("\n\n");
    let (_, tally) = words::tally_text(study);
    add!(out, "**Verdict** {}. {}\n\n", tally, words::sentence(&heading.source.text));
}

pub(crate) fn ask(out: &mut Markdown, study: &Study) {
    add!(out, "{}\n\n", words::sentence(&study.heading.ask));
}

/// The verdict's sentences as one paragraph.
pub(crate) fn summary(out: &mut Markdown, study: &Study) {
    if !study.verdict.is_empty() {
        let sentences: Vec<Inline> =
            study.verdict.iter().map(|text| inline!("{}", words::sentence(text))).collect();
        add!(out, "{}\n\n", Inline::joined(&sentences, " "));
    }
}

/// What happens if nothing is done, and what was found.
pub(crate) fn motivation(out: &mut Markdown, study: &Study) {
    let heading = &study.heading;
    if heading.if_nothing_is_done.is_empty() {
        add!(out, "What happens if nothing is done was not studied.\n\n");
    } else {
        let text = words::sentence(&heading.if_nothing_is_done);
        add!(out, "If nothing is done: {}\n\n", text);
    }
}

pub(crate) fn decision(out: &mut Markdown, study: &Study) {
    if study.decision.is_empty() {
        missing(out, "decision table", &words::not_measured("the run has no rows"));
        out.raw("\n");
        return;
    }
    out.table(&words::rows(&study.decision, &study.interval));
    add!(
        out,
        "\nDifferences are paired: both arms see the same random numbers. Interval: {}. Thresholds \
         were named before the study.\n\n",
        study.interval
    );
}

pub(crate) fn affected(out: &mut Markdown, study: &Study) {
    if study.affected.is_empty() {
        missing(out, "groups", &words::not_measured("no group was told apart"));
        out.raw("\n");
        return;
    }
    out.table(&super::affected(&study.affected));
    out.raw("\n");
}

/// Attacks and the constraint that binds.
pub(crate) fn risks(out: &mut Markdown, study: &Study) {
    match words::known(&study.constraints) {
        Ok(constraints) => match figures::headroom::sorted(constraints).first() {
            Some((binding, headroom)) => add_line!(
                out,
                "- **binding constraint**: {}, {} used after the change, {} ({})",
                binding.name,
                words::used_of(binding.proposal, binding.limit, &binding.unit),
                figures::headroom::left(*headroom),
                binding.source
            ),
            None => missing(out, "constraints", "no limit was given"),
        },
        Err(reason) => missing(out, "constraints", &reason),
    }
    let attacks = match words::known(&study.attacks) {
        Ok(attacks) => &attacks.attacks,
        Err(reason) => {
            missing(out, "attacks", &reason);
            out.raw("\n");
            return;
        }
    };
    for attack in attacks.iter().take(LINES_MAX) {
        let damage = attack.damage.first().map_or_else(
            || "damage not measured".to_owned(),
            |damage| format!("{} {}", damage.label, words::before_after(damage)),
        );
        add_line!(
            out,
            "- **{}**: {} {}; {}",
            attack.name,
            attack.cost.label,
            words::before_after(&attack.cost),
            damage
        );
    }
    more(out, attacks.len(), "attacks");
    out.raw("\n");
}

/// Says how many entries stand only in the report.
fn more(out: &mut Markdown, all: usize, what: &str) {
    if all > LINES_MAX {
        add_line!(out, "- {} more {} stand in the report", all - LINES_MAX, what);
    }
}

/// Assumptions with the numbers of the tornado.
pub(crate) fn assumptions(out: &mut Markdown, study: &Study) {
    if let Part::Known(tornado) = &study.tornado {
        let value = |value| quantity::difference(value, &tornado.unit);
        add!(
            out,
            "Change of {} as studied: **{}**. If one assumption is moved:\n\n",
            tornado.label,
            value(tornado.base)
        );
        let rows = figures::tornado::sorted(tornado);
        for row in rows.iter().take(LINES_MAX) {
            add_line!(
                out,
                "- {} {}: **{}** · {}: **{}** (studied: {})",
                row.assumption,
                row.low_setting,
                value(row.low),
                row.high_setting,
                value(row.high),
                row.base_setting
            );
        }
        more(out, rows.len(), "assumptions");
    }
    match (&study.sweep, words::known(&study.tornado)) {
        (Part::Known(sweep), _) => elasticities(out, sweep),
        (Part::NotMeasured(_) | Part::NotAsked, Err(reason)) => {
            missing(out, "sensitivity", &reason)
        }
        (Part::NotMeasured(_) | Part::NotAsked, Ok(_)) => {}
    }
    let assumed = study.assumptions.iter().map(|assumption| {
        let Assumption { name, value, note } = assumption;
        inline!("{}: **{}** ({})", name, value, note)
    });
    if study.tornado.known().is_some() {
        // The rows above say what each one moves.
        let assumed: Vec<Inline> = assumed.collect();
        add_line!(out, "- assumed: {}", Inline::joined(&assumed, " · "));
    } else {
        assumed.for_each(|assumed| add_line!(out, "- {}", assumed));
    }
    checks(out, study);
    out.raw("\n");
}

/// The main result at each elasticity that was tried.
fn elasticities(out: &mut Markdown, sweep: &Sweep) {
    let changes: Vec<Inline> = sweep
        .points
        .iter()
        .map(|point| {
            let change = quantity::relative(point.difference, point.baseline)
                .unwrap_or_else(|| quantity::difference(point.difference, &sweep.unit));
            inline!("{}: **{}**", quantity::decimal(point.elasticity_ppm.into(), 6, 2), change)
        })
        .collect();
    add_line!(
        out,
        "- change of {} by assumed elasticity – {}",
        sweep.label,
        Inline::joined(&changes, " · ")
    );
}

/// Whether the model was right before, in one line.
fn checks(out: &mut Markdown, study: &Study) {
    match words::known(&study.validation.backtests) {
        Ok(backtests) => {
            for backtest in backtests {
                let held =
                    backtest.rows.iter().filter(|row| (row.p10..=row.p90).contains(&row.actual));
                add_line!(
                    out,
                    "- backtest on {}: {} of {} intervals held what happened",
                    backtest.what,
                    held.count(),
                    backtest.rows.len()
                );
            }
        }
        Err(reason) => missing(out, "backtest", &reason),
    }
    match &study.validation.model {
        Part::Known(rows) => beside_the_blocks(out, study, rows),
        Part::NotMeasured(reason) => {
            missing(out, "model beside the observed blocks", &words::not_measured(reason));
        }
        Part::NotAsked => {}
    }
}

/// The model's baseline and the chain, for the metrics that decide.
fn beside_the_blocks(out: &mut Markdown, study: &Study, rows: &[ModelRow]) {
    let decides = |row: &&ModelRow| {
        let mut judged = study.decision.iter().filter(|decisive| decisive.threshold.is_some());
        judged.any(|decisive| decisive.label == row.label)
    };
    let lines: Vec<Inline> = rows
        .iter()
        .filter(decides)
        .map(|row| {
            inline!(
                "{} **{}** observed, **{}** modelled",
                row.label,
                quantity::of(row.observed, &row.unit),
                quantity::of(row.modelled, &row.unit)
            )
        })
        .collect();
    if !lines.is_empty() {
        add_line!(
            out,
            "- the model's baseline beside the observed blocks – {}",
            Inline::joined(&lines, " · ")
        );
    }
}

pub(crate) fn forecast(out: &mut Markdown, study: &Study) {
    let forecast = match words::known(&study.forecast) {
        Ok(forecast) => forecast,
        Err(reason) => {
            missing(out, "forecast", &reason);
            out.raw("\n");
            return;
        }
    };
    if forecast.is_hindcast {
        add!(out, "{}\n\n", words::HINDCAST);
    }
    let shown = if forecast.rows.iter().any(|row| row.p50.is_some()) {
        "Median (p10 to p90)"
    } else {
        "p10 to p90"
    };
    add!(out, "{}. {}:\n\n", words::dated(forecast), shown);
    for row in forecast.rows.iter().take(LINES_MAX) {
        let actual = row.actual.map_or_else(Inline::default, |actual| {
            inline!(" – found {}", row.shown().value(actual))
        });
        add_line!(out, "- {}: {}{}", row.label, words::forecast(row), actual);
    }
    more(out, forecast.rows.len(), "metrics");
    out.raw("\n");
}

/// What else could be done: named courses, and the cells of the grid that hold.
pub(crate) fn alternatives(out: &mut Markdown, study: &Study) {
    for Alternative { name, text, rows, .. } in &study.alternatives {
        let judged = rows.iter().find(|row| row.threshold.is_some());
        let change = judged.map_or_else(Inline::default, |row| {
            inline!(" ({} {})", row.label, words::changed(row))
        });
        add_line!(out, "- **{}**{}: {}", name, change, words::sentence(text));
    }
    if !study.alternatives.is_empty() {
        let tried = study.tried.len().saturating_sub(1);
        if tried > 0 {
            add_line!(
                out,
                "- {} more values were tried on the way; the appendix lists them",
                tried
            );
        }
        out.raw("\n");
        if !study.grid.is_asked() {
            return;
        }
    }
    let grid = match words::known(&study.grid) {
        Ok(grid) => grid,
        Err(reason) => {
            missing(out, "alternatives", &reason);
            out.raw("\n");
            return;
        }
    };
    out.table(&grid_table(grid));
    let met = grid.cells.iter().filter(|cell| cell.standing == Standing::Met).count();
    add!(
        out,
        "\n{} of {} simulated combinations meet every requirement; the whole grid is in the \
         report.\n\n",
        met,
        grid.cells.len()
    );
}

/// The chain as it is, the proposal, a cell between them, and the cells that no other beats.
fn grid_table(grid: &Grid) -> Table {
    let mut table = Table::new(&["combination"]);
    table.column(grid.label.clone(), Align::Right);
    table.column("verdict".to_owned(), Align::Left);
    let mut cells: Vec<_> = grid.cells.iter().collect();
    let between = grid
        .current
        .zip(grid.proposed)
        .map(|((x, y), (to_x, to_y))| (x.midpoint(to_x), y.midpoint(to_y)));
    let rank = |cell: &Cell| {
        let place = Some((cell.x, cell.y));
        match (place == grid.current, place == grid.proposed, place == between, cell.pareto) {
            (true, _, _, _) => 0,
            (_, true, _, _) => 1,
            (_, _, true, _) => 2,
            (_, _, _, true) => 3,
            (false, false, false, false) => 4,
        }
    };
    cells.sort_by_key(|cell| (rank(cell), cell.y, cell.x));
    for cell in cells.into_iter().filter(|cell| rank(cell) < 4).take(LINES_MAX) {
        let name = figures::grid::cell_name(grid, cell.x, cell.y);
        let name = match rank(cell) {
            0 => format!("no change: {name}"),
            1 => format!("proposal: {name}"),
            2 => format!("part of the step: {name}"),
            _ => name,
        };
        table.row(vec![
            name.into(),
            quantity::of(cell.value, &grid.unit).into(),
            Entry::Verdict(cell.standing, words::standing(cell.standing).to_owned()),
        ]);
    }
    table
}

pub(crate) fn rollout(out: &mut Markdown, study: &Study) {
    let rollout = &study.rollout;
    if rollout.effective.is_empty() && rollout.steps.is_empty() {
        missing(out, "rollout", "no plan was given");
    }
    if !rollout.effective.is_empty() {
        add!(out, "Takes effect: {}\n\n", words::sentence(&rollout.effective));
    }
    for (index, step) in rollout.steps.iter().enumerate() {
        add_line!(out, "{}. {}", index + 1, words::sentence(step));
    }
    if !rollout.stop_conditions.is_empty() {
        out.raw(if rollout.steps.is_empty() { "" } else { "\n" });
        out.raw("Stop and revert if:\n\n");
        for condition in &rollout.stop_conditions {
            add_line!(out, "- {}", condition);
        }
    }
    out.raw("\n");
    if rollout.rollback.is_empty() {
        out.raw("There is no reverting call: the change is not made by a call.\n\n");
    }
    calls(out, "Reverting call", &rollout.rollback);
}

pub(crate) fn payload(out: &mut Markdown, study: &Study) {
    if study.rollout.payload.is_empty() {
        out.raw("There is no call to sign: the change is not made by a call.\n\n");
    }
    calls(out, "Call", &study.rollout.payload);
}

fn calls(out: &mut Markdown, title: &str, calls: &[Call]) {
    for call in calls {
        add!(out, "**{}.** {} on {}\n\n", title, Code(&call.function), Code(&call.target));
        let arguments: Vec<Inline> = call
            .arguments
            .iter()
            .map(|(name, value)| inline!("{} = {}", Code(name), Code(value)))
            .collect();
        if !arguments.is_empty() {
            add_line!(out, "- {}", Inline::joined(&arguments, ", "));
        }
        add!(out, "- calldata {}\n\n", Code(&call.calldata));
    }
}

pub(crate) fn reproduce(out: &mut Markdown, study: &Study) {
    let reproduce = &study.reproduce;
    // An indented block cannot be closed from inside, whatever the command holds.
    for line in reproduce.command.lines() {
        out.indented(line);
    }
    add!(out, "\nExpected digest: {}.", Code(&reproduce.expected));
    if let Some(seconds) = reproduce.seconds {
        add!(out, " It took {}.", words::duration(seconds));
    }
    if let Some(memory) = reproduce.memory_mib {
        add!(out, " It used {} MiB.", quantity::grouped(memory.into()));
    }
    if !reproduce.needs.is_empty() {
        add!(out, " It needs {}", words::sentence(&reproduce.needs));
    }
    if !reproduce.not_covered.is_empty() {
        add!(out, " Not covered: {}", words::sentence(&reproduce.not_covered));
    }
    match (&reproduce.bundle, study.heading.kind) {
        (Some(bundle), _) => {
            add!(out, " Who answers for it stands in {}, {}.", Code(&"bundle.json"), Code(bundle))
        }
        (None, Kind::Study) => out.raw(" No agent signed it."),
        (None, Kind::Proposal) => {}
    }
    out.raw("\n\n");
}

pub(crate) fn disclosure(out: &mut Markdown, study: &Study) {
    for maker in &study.disclosure.makers {
        add_line!(out, "- {}", maker);
    }
    let text = match study.disclosure.text.as_str() {
        "" => "Who paid was not disclosed.",
        text => text,
    };
    add!(out, "- {}\n\n", text);
}
