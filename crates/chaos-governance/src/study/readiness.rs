//! The report that the owner of a rollup attaches to a change before signing it.

use chaos_report::{
    inert::{code, markdown as plain},
    quantity,
    table::Table,
};

use super::{
    data::{Readiness, Study},
    figures::delays,
    sections::post,
    words,
};

/// Renders the readiness report.
#[must_use]
pub fn markdown(study: &Study) -> String {
    let mut out = String::with_capacity(8 << 10);
    put!(&mut out, "# Readiness: {}\n\n", plain(&study.heading.title));
    post::warning(&mut out, study);
    match words::known(&study.readiness) {
        Ok(ready) => body(&mut out, study, ready),
        Err(reason) => {
            post::missing(&mut out, "readiness", &reason);
            out.push('\n');
        }
    }
    section(&mut out, "Decision table");
    post::decision(&mut out, study);
    section(&mut out, "Rollout, stop conditions, rollback");
    post::payload(&mut out, study);
    post::rollout(&mut out, study);
    section(&mut out, "What could go wrong");
    post::risks(&mut out, study);
    section(&mut out, "Forecast to be scored");
    post::forecast(&mut out, study);
    section(&mut out, "Reproduce");
    post::reproduce(&mut out, study);
    section(&mut out, "Disclosure");
    post::disclosure(&mut out, study);
    out
}

fn section(out: &mut String, title: &str) {
    put!(out, "## {title}\n\n");
}

fn body(out: &mut String, study: &Study, ready: &Readiness) {
    let rollback = study.rollout.rollback.first().map_or_else(
        || "NOT READY: no reverting call is written down".to_owned(),
        |call| format!("ready: {} on {}", code(&call.function), code(&call.target)),
    );
    put!(
        out,
        "- **Status**: {}\n- **Step**: {} of {}, {}\n- **Rollback**: {rollback}\n",
        plain(&ready.status),
        ready.step.0,
        ready.step.1,
        plain(&ready.plan)
    );
    for change in &study.heading.changes {
        put!(
            out,
            "- **Change**: {}, takes effect {}\n",
            plain(&words::change_of(change)),
            plain(&change.takes_effect)
        );
    }
    let (_, tally) = words::tally_text(study);
    put!(out, "- **Requirements**: {}\n", plain(&tally));
    match words::known(&ready.built_in_time_ppm) {
        Ok((before, after)) => put!(
            out,
            "- **Blocks built in time**: {} → {}\n",
            quantity::percent((*before).into()),
            quantity::percent((*after).into())
        ),
        Err(reason) => post::missing(out, "**Blocks built in time**", &reason),
    }
    for (what, passed, finding) in &ready.checks {
        let mark = if *passed { "✓" } else { "✕" };
        put!(out, "- {mark} {}: {}\n", plain(what), plain(finding));
    }
    out.push('\n');
    section(out, "How fast the base fee moves");
    arithmetic(ready).markdown(out);
    out.push('\n');
    section(out, "What the minimum base fee costs users");
    if ready.floors.is_empty() {
        post::missing(
            out,
            "cost of a token transfer",
            &words::not_measured("no floor was compared"),
        );
    } else {
        floors(ready).markdown(out);
    }
    out.push('\n');
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

fn revenue(out: &mut String, study: &Study) {
    match words::known(&study.revenue) {
        Ok(revenue) => {
            for component in &revenue.components {
                put!(
                    out,
                    "- {}: {} → {} ({})\n",
                    plain(&component.name),
                    plain(&quantity::of(component.baseline, &revenue.unit)),
                    plain(&quantity::of(component.proposal, &revenue.unit)),
                    plain(&quantity::difference(
                        component.proposal - component.baseline,
                        &revenue.unit
                    ))
                );
            }
        }
        Err(reason) => post::missing(out, "revenue", &reason),
    }
    out.push('\n');
}

fn launch(out: &mut String, ready: &Readiness) {
    match words::known(&ready.launch) {
        Ok(launch) => {
            put!(out, "{}\n\n", plain(&words::sentence(&launch.what)));
            delays::table(&launch.delays).markdown(out);
        }
        Err(reason) => post::missing(out, "delay by tip decile", &reason),
    }
    out.push('\n');
}

#[cfg(test)]
mod tests;
