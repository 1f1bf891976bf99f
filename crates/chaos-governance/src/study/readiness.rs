//! The report that the owner of a rollup attaches to a change before signing it.

use chaos_report::{Code, Comparison, Markdown, add, add_line, inline, quantity, table::Table};

use super::{
    data::{Check, Readiness, Study},
    figures::delays,
    sections::post,
    words,
};

/// Renders the readiness report.
#[must_use]
pub fn markdown(study: &Study) -> String {
    let mut out = Markdown::new();
    add!(out, "# Readiness: {}\n\n", study.heading.title);
    post::warning(&mut out, study);
    match words::known(&study.readiness) {
        Ok(ready) => body(&mut out, study, ready),
        Err(reason) => {
            post::missing(&mut out, "readiness", &reason);
            out.raw("\n");
        }
    }
    section(&mut out, "Decision table");
    post::decision(&mut out, study);
    section(&mut out, "Rollout, stop conditions, rollback");
    post::payload(&mut out, study);
    post::rollout(&mut out, study);
    section(&mut out, "What could go wrong");
    post::risks(&mut out, study);
    section(&mut out, words::forecast_heading(study));
    post::forecast(&mut out, study);
    section(&mut out, "Reproduce");
    post::reproduce(&mut out, study);
    section(&mut out, "Disclosure");
    post::disclosure(&mut out, study);
    out.finish()
}

fn section(out: &mut Markdown, title: &str) {
    add!(out, "## {}\n\n", title);
}

fn body(out: &mut Markdown, study: &Study, ready: &Readiness) {
    let rollback = study.rollout.rollback.first().map_or_else(
        || inline!("NOT READY: no reverting call is written down"),
        |call| inline!("ready: {} on {}", Code(&call.function), Code(&call.target)),
    );
    add_line!(
        out,
        "- **Status**: {}\n- **Step**: {} of {}, {}\n- **Rollback**: {}",
        ready.status,
        ready.step.0,
        ready.step.1,
        ready.plan,
        rollback
    );
    for change in &study.heading.changes {
        add_line!(
            out,
            "- **Change**: {}, takes effect {}",
            words::change_of(change),
            change.takes_effect
        );
    }
    let (_, tally) = words::tally_text(study);
    add_line!(out, "- **Requirements**: {}", tally);
    match words::known(&ready.built_in_time_ppm) {
        Ok((before, after)) => add_line!(
            out,
            "- **Blocks built in time**: {} → {}",
            quantity::percent((*before).into()),
            quantity::percent((*after).into())
        ),
        Err(reason) => post::missing(out, "**Blocks built in time**", &reason),
    }
    for Check { what, passed, finding } in &ready.checks {
        let mark = if *passed { "✓" } else { "✕" };
        add_line!(out, "- {} {}: {}", mark, what, finding);
    }
    out.raw("\n");
    section(out, "How fast the base fee moves");
    out.table(&arithmetic(ready));
    out.raw("\n");
    section(out, "What the minimum base fee costs users");
    if ready.floors.is_empty() {
        post::missing(
            out,
            "cost of a token transfer",
            &words::not_measured("no floor was compared"),
        );
    } else {
        out.table(&floors(ready));
    }
    out.raw("\n");
    section(out, "Sequencer revenue");
    revenue(out, study);
    section(out, "Inclusion delay in the next launch");
    launch(out, ready);
}

/// Doubling time and climbs from a floor to the market price.
pub(super) fn arithmetic(ready: &Readiness) -> Table {
    let mut table = Table::new(&["full blocks in a row", "#blocks", "#time"]);
    let milli_seconds = |milli_blocks: u64| {
        let time = u128::from(milli_blocks) * u128::from(ready.block_time_ms);
        u64::try_from(time / 1_000_000).unwrap_or(u64::MAX)
    };
    let doubling = [
        ("as it is", ready.doubling_milli_blocks.0),
        ("after the change", ready.doubling_milli_blocks.1),
    ];
    for (arm, milli_blocks) in doubling {
        table.row(vec![
            format!("base fee doubles, {arm}").into(),
            quantity::three_digits(milli_blocks.into(), 3).into(),
            words::duration(milli_seconds(milli_blocks)).into(),
        ]);
    }
    for climb in &ready.climbs {
        let amount = |wei: u128| quantity::of(i128::try_from(wei).unwrap_or(i128::MAX), "wei");
        table.row(vec![
            format!("{}: {} to {}", climb.label, amount(climb.from_wei), amount(climb.to_wei))
                .into(),
            quantity::grouped(climb.blocks.into()).into(),
            words::duration(milli_seconds(climb.blocks.saturating_mul(1_000))).into(),
        ]);
    }
    table
}

/// What each floor makes a token transfer cost.
pub(super) fn floors(ready: &Readiness) -> Table {
    let mut table = Table::new(&["minimum base fee", "#token transfer", "#in US dollars"]);
    for floor in &ready.floors {
        let amount = |wei: u128| quantity::of(i128::try_from(wei).unwrap_or(i128::MAX), "wei");
        let usd = floor.transfer_usd_micros.map_or_else(
            || "no price assumed".to_owned(),
            |micros| {
                format!(
                    "${}",
                    quantity::three_digits(i128::try_from(micros).unwrap_or(i128::MAX), 6)
                )
            },
        );
        table.row(vec![
            amount(floor.floor_wei).into(),
            format!(
                "{} ({} gas)",
                amount(floor.transfer_wei),
                quantity::grouped(ready.transfer_gas.into())
            )
            .into(),
            usd.into(),
        ]);
    }
    table
}

fn revenue(out: &mut Markdown, study: &Study) {
    match words::known(&study.revenue) {
        Ok(revenue) => {
            for component in &revenue.components {
                let [before, after, difference] =
                    Comparison::cells(&revenue.unit, component.baseline, component.proposal);
                add_line!(out, "- {}: {} → {} ({})", component.name, before, after, difference);
            }
        }
        Err(reason) => post::missing(out, "revenue", &reason),
    }
    out.raw("\n");
}

fn launch(out: &mut Markdown, ready: &Readiness) {
    match words::known(&ready.launch) {
        Ok(launch) => {
            add!(out, "{}\n\n", words::sentence(&launch.what));
            out.table(&delays::table(&launch.delays));
        }
        Err(reason) => post::missing(out, "delay by tip decile", &reason),
    }
    out.raw("\n");
}

#[cfg(test)]
mod tests;
