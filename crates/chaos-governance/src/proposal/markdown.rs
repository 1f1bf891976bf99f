//! The proposal as a person would post it on a forum.

use std::fmt::Write as _;

use chaos_report::{
    inert::{code, markdown as plain},
    quantity,
};
use chaos_types::Digest;

use super::{Call, Content, DecisionRow, Proposal, Verdict, label};

/// Writes to a `String`, which cannot fail.
macro_rules! line {
    ($out:expr) => { $out.push('\n') };
    ($out:expr, $($arg:tt)*) => {{
        let _ = writeln!($out, $($arg)*);
    }};
}

pub(super) fn render(proposal: &Proposal) -> String {
    let content = proposal.content();
    let mut out = String::new();
    header(&mut out, proposal);
    decision_table(&mut out, &content.decision_table, content);
    affected(&mut out, content);
    disputable(&mut out, content);
    forecast(&mut out, content);
    alternatives(&mut out, content);
    rollout(&mut out, content);
    reproduce(&mut out, content);
    disclosure(&mut out, content);
    appendix(&mut out, content);
    out
}

fn header(out: &mut String, proposal: &Proposal) {
    let content = proposal.content();
    line!(out, "# {}\n", plain(&content.title));
    for change in &content.changes {
        line!(
            out,
            "**Chain** {} · **parameter** {} · **{} → {}** · proposal {}\n",
            code(content.chain.as_str()),
            code(&change.parameter),
            plain(&quantity::of(change.current.0, &change.unit)),
            plain(&quantity::of(change.proposed.0, &change.unit)),
            digest(&proposal.id()),
        );
    }
    line!(
        out,
        "**Evidence** replayable: anyone can re-run the simulation to the digest {}\n",
        digest(&content.result)
    );
    line!(out, "**The ask.** {}\n", plain(&content.ask));
    line!(out, "**Why.** {}\n", plain(&content.problem));
}

fn decision_table(out: &mut String, rows: &[DecisionRow], content: &Content) {
    line!(out, "## Decision table\n");
    table_head(out);
    for row in rows {
        table_row(out, row);
    }
    let paths = content.assumptions.iter().find(|assumption| assumption.name == "paths");
    line!(
        out,
        "\nDifference and interval are paired: both arms see the same random demand ({}). The \
         interval is p10 to p90. Layer: *model* is the fee-market model, *re-executed* is recorded \
         transactions run again. Thresholds come from the policy {}, fixed before the simulation.\n",
        plain(paths.map_or("", |paths| &paths.value)),
        digest(&content.studio),
    );
}

fn table_head(out: &mut String) {
    line!(out, "| metric | baseline | proposed | difference | p10 – p90 | layer | verdict |");
    line!(out, "|---|--:|--:|--:|--:|---|---|");
}

fn table_row(out: &mut String, row: &DecisionRow) {
    let relative = quantity::relative(row.difference.0, row.baseline.0)
        .map_or_else(String::new, |relative| format!(" ({})", plain(&relative)));
    line!(
        out,
        "| {} | {} | {} | {}{relative} | {} | {} | {} |",
        plain(label(&row.metric)),
        plain(&quantity::of(row.baseline.0, &row.unit)),
        plain(&quantity::of(row.proposed.0, &row.unit)),
        plain(&quantity::difference(row.difference.0, &row.unit)),
        plain(&quantity::interval(row.low.0, row.high.0, &row.unit)),
        layer(row.layer),
        row.verdict.as_ref().map_or_else(|| "–".to_owned(), |v| verdict(v, &row.unit)),
    );
}

fn layer(layer: &str) -> &'static str {
    if layer == "evm" { "re-executed" } else { "model" }
}

fn verdict(verdict: &Verdict, unit: &str) -> String {
    let mark = if verdict.standing == "met" { "✓ met" } else { "✗ missed" };
    let side = if verdict.side == "at_least" { "≥" } else { "≤" };
    format!("{mark}: {side} {}", plain(&quantity::difference(verdict.threshold.0, unit)))
}

fn affected(out: &mut String, content: &Content) {
    line!(out, "## Who gains, who loses\n");
    for group in &content.affected {
        line!(out, "- {}: **{}** – {}", plain(group.who), plain(group.effect), plain(&group.text));
    }
    line!(out);
}

fn disputable(out: &mut String, content: &Content) {
    line!(out, "## What a reader may dispute\n");
    for assumption in &content.assumptions {
        line!(
            out,
            "- {}: **{}** ({})",
            plain(assumption.name),
            plain(&assumption.value),
            plain(assumption.note)
        );
    }
    if let Some(first) = content.sensitivity.first() {
        let values: Vec<String> = content
            .sensitivity
            .iter()
            .map(|line| {
                let row = &line.row;
                let change = quantity::relative(row.difference.0, row.baseline.0)
                    .unwrap_or_else(|| quantity::difference(row.difference.0, &row.unit));
                let elasticity = quantity::decimal(line.elasticity_ppm.into(), 6, 2);
                format!("{elasticity}: **{}**", plain(&change))
            })
            .collect();
        line!(
            out,
            "- change of {} by assumed elasticity – {}",
            plain(label(&first.row.metric)),
            values.join(" · ")
        );
    }
    model_check(out, content);
    line!(out);
}

/// How the model's baseline compares with reality, for the metrics that decide.
fn model_check(out: &mut String, content: &Content) {
    let judged = |metric: &str| {
        let mut rows = content.decision_table.iter().filter(|row| row.verdict.is_some());
        rows.any(|row| row.metric == metric)
    };
    let lines: Vec<String> = content
        .backtest
        .iter()
        .filter(|line| judged(&line.metric))
        .map(|line| {
            format!(
                "{} **{}** observed, **{}** modelled",
                plain(label(&line.metric)),
                plain(&quantity::of(line.observed.0, &line.unit)),
                plain(&quantity::of(line.modelled.0, &line.unit))
            )
        })
        .collect();
    if lines.is_empty() {
        line!(out, "- the model was not checked against the observed blocks: too few in a row");
    } else {
        line!(out, "- the model's baseline beside the observed blocks – {}", lines.join(" · "));
    }
}

fn forecast(out: &mut String, content: &Content) {
    let Some(forecast) = &content.forecast else { return };
    line!(out, "## Forecast to be scored\n");
    line!(
        out,
        "{} changes by {} to {} (p10 to p90), measured over {} blocks after activation against as \
         many before. Scored: {}.\n",
        plain(label(&forecast.metric)),
        plain(&quantity::percent(forecast.relative_low_ppm.0)),
        plain(&quantity::percent(forecast.relative_high_ppm.0)),
        quantity::grouped(forecast.horizon_blocks.into()),
        plain(&forecast.scored_at),
    );
}

fn alternatives(out: &mut String, content: &Content) {
    line!(out, "## Alternatives considered\n");
    for alternative in &content.alternatives {
        let verdict = alternative.rows.iter().find(|row| row.verdict.is_some()).map(|row| {
            let change = quantity::relative(row.difference.0, row.baseline.0)
                .unwrap_or_else(|| quantity::difference(row.difference.0, &row.unit));
            format!(" ({} {})", plain(label(&row.metric)), plain(&change))
        });
        line!(
            out,
            "- **{}**{}: {}",
            plain(&alternative.name),
            verdict.unwrap_or_default(),
            plain(&alternative.text)
        );
    }
    line!(out);
}

fn rollout(out: &mut String, content: &Content) {
    line!(out, "## Rollout and rollback\n");
    line!(out, "Takes effect: {}.\n", plain(&content.rollout));
    if !content.stop_conditions.is_empty() {
        line!(out, "Stop and revert if, within the forecast's horizon:\n");
        for condition in &content.stop_conditions {
            line!(out, "- {}", plain(condition));
        }
        line!(out);
    }
    calls(out, "Payload", &content.payload);
    calls(out, "Reverting call", &content.rollback);
    if content.payload.is_empty() {
        line!(out, "There is no call to sign: the change is made outside a contract.\n");
    }
}

fn calls(out: &mut String, title: &str, calls: &[Call]) {
    for call in calls {
        line!(out, "**{title}.** {} on {}", code(&call.function), code(&call.target));
        line!(out);
        for (name, value) in &call.arguments {
            line!(out, "- {} = {}", code(name), code(value));
        }
        line!(out, "- calldata {}\n", code(&call.calldata));
    }
}

fn reproduce(out: &mut String, content: &Content) {
    line!(out, "## Reproduce\n");
    // An indented block cannot be closed from inside, whatever the command holds.
    for part in content.reproduce.command.lines() {
        line!(out, "    {}", part.trim_end());
    }
    line!(out, "\nExpected result digest: {}.", digest(&content.result));
    line!(out, "Needs: {}.", plain(&content.reproduce.needs));
    line!(out, "Not covered: {}.\n", plain(&content.reproduce.not_covered));
}

fn disclosure(out: &mut String, content: &Content) {
    line!(out, "## Disclosure\n");
    for agent in &content.agents {
        line!(
            out,
            "- {} ({}), {}; decides by: {}",
            plain(&agent.name),
            plain(&agent.role),
            code(&agent.did),
            plain(&agent.engine)
        );
    }
    line!(out, "\n**Interests.** {}\n", plain(&content.disclosure));
}

fn appendix(out: &mut String, content: &Content) {
    line!(out, "---\n\n## Appendix: exact integers\n");
    line!(out, "| metric | unit | baseline | proposed | difference | p10 | p90 |");
    line!(out, "|---|---|--:|--:|--:|--:|--:|");
    for row in content.decision_table.iter().chain(&content.other_metrics) {
        line!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            code(&row.metric),
            plain(&row.unit),
            row.baseline,
            row.proposed,
            row.difference,
            row.low,
            row.high
        );
    }
    line!(out, "\n### Rounds of refinement\n");
    for round in &content.rounds {
        let receipt = round
            .receipt
            .as_ref()
            .map_or_else(String::new, |receipt| format!(", receipt {}", digest(receipt)));
        line!(
            out,
            "{}. **{}** – {} (result {}{receipt})",
            round.number,
            plain(&quantity::of(round.value.0, &round.unit)),
            plain(&round.decision),
            digest(&round.result),
        );
    }
    appendix_evidence(out, content);
}

fn appendix_evidence(out: &mut String, content: &Content) {
    line!(out, "\n### Evidence of the analysis\n");
    for item in &content.evidence {
        line!(
            out,
            "- {} = {} {} (threshold {})",
            code(&item.metric),
            item.value,
            plain(&item.unit),
            item.threshold
        );
    }
    for reference in &content.analyses {
        line!(out, "- {}: receipt {}", plain(&reference.text), digest(&reference.receipt));
    }
    if content.backtest.is_empty() {
        return;
    }
    line!(out, "\n### Backtest: the baseline model beside the observed blocks\n");
    line!(out, "| metric | observed | modelled |");
    line!(out, "|---|--:|--:|");
    for line in &content.backtest {
        line!(
            out,
            "| {} | {} | {} |",
            plain(label(&line.metric)),
            plain(&quantity::of(line.observed.0, &line.unit)),
            plain(&quantity::of(line.modelled.0, &line.unit))
        );
    }
}

fn digest(digest: &Digest) -> String {
    code(&digest.to_string())
}
