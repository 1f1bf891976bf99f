//! The proposal as a person would post it on a forum.

use chaos_report::{
    Comparison, Markdown,
    inert::{code, markdown as plain},
    quantity,
};
use chaos_types::Digest;

use super::{Call, Content, DecisionRow, Proposal, Verdict, label};

pub(super) fn render(proposal: &Proposal) -> String {
    let content = proposal.content();
    let mut out = Markdown::new();
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
    out.finish()
}

fn header(out: &mut Markdown, proposal: &Proposal) {
    let content = proposal.content();
    writeln!(out, "# {}\n", plain(&content.title));
    for change in &content.changes {
        writeln!(
            out,
            "**Chain** {} · **parameter** {} · **{} → {}** · proposal {}\n",
            code(content.chain.as_str()),
            code(&change.parameter),
            plain(&quantity::of(change.current.0, &change.unit)),
            plain(&quantity::of(change.proposed.0, &change.unit)),
            digest(&proposal.id()),
        );
    }
    writeln!(
        out,
        "**Evidence** replayable: anyone can re-run the simulation to the digest {}\n",
        digest(&content.result)
    );
    writeln!(out, "**The ask.** {}\n", plain(&content.ask));
    writeln!(out, "**Why.** {}\n", plain(&content.problem));
}

fn decision_table(out: &mut Markdown, rows: &[DecisionRow], content: &Content) {
    writeln!(out, "## Decision table\n");
    table_head(out);
    for row in rows {
        table_row(out, row);
    }
    let paths = content.assumptions.iter().find(|assumption| assumption.name == "paths");
    writeln!(
        out,
        "\nDifference and interval are paired: both arms see the same random demand ({}). The \
         interval is p10 to p90. Layer: *model* is the fee-market model, *re-executed* is recorded \
         transactions run again. Thresholds come from the policy {}, fixed before the simulation.\n",
        plain(paths.map_or("", |paths| &paths.value)),
        digest(&content.studio),
    );
}

fn table_head(out: &mut Markdown) {
    writeln!(out, "| metric | baseline | proposed | difference | p10 – p90 | layer | verdict |");
    writeln!(out, "|---|--:|--:|--:|--:|---|---|");
}

fn table_row(out: &mut Markdown, row: &DecisionRow) {
    let relative = quantity::relative(row.difference.0, row.baseline.0)
        .map_or_else(String::new, |relative| format!(" ({})", plain(&relative)));
    let shown = Comparison::of(&row.unit, row.baseline.0, row.proposed.0);
    writeln!(
        out,
        "| {} | {} | {} | {}{relative} | {} | {} | {} |",
        plain(label(&row.metric)),
        plain(&shown.value(row.baseline.0)),
        plain(&shown.value(row.proposed.0)),
        plain(&shown.difference(row.difference.0)),
        plain(&shown.interval(row.low.0, row.high.0)),
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

fn affected(out: &mut Markdown, content: &Content) {
    writeln!(out, "## Who gains, who loses\n");
    for group in &content.affected {
        writeln!(
            out,
            "- {}: **{}** – {}",
            plain(group.who),
            plain(group.effect),
            plain(&group.text)
        );
    }
    writeln!(out);
}

fn disputable(out: &mut Markdown, content: &Content) {
    writeln!(out, "## What a reader may dispute\n");
    for assumption in &content.assumptions {
        writeln!(
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
        writeln!(
            out,
            "- change of {} by assumed elasticity – {}",
            plain(label(&first.row.metric)),
            values.join(" · ")
        );
    }
    model_check(out, content);
    writeln!(out);
}

/// How the model's baseline compares with reality, for the metrics that decide.
fn model_check(out: &mut Markdown, content: &Content) {
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
        writeln!(out, "- the model was not checked against the observed blocks: too few in a row");
    } else {
        writeln!(out, "- the model's baseline beside the observed blocks – {}", lines.join(" · "));
    }
}

fn forecast(out: &mut Markdown, content: &Content) {
    let Some(forecast) = &content.forecast else { return };
    writeln!(out, "## Forecast to be scored\n");
    writeln!(
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

fn alternatives(out: &mut Markdown, content: &Content) {
    writeln!(out, "## Alternatives considered\n");
    for alternative in &content.alternatives {
        let verdict = alternative.rows.iter().find(|row| row.verdict.is_some()).map(|row| {
            let change = quantity::relative(row.difference.0, row.baseline.0)
                .unwrap_or_else(|| quantity::difference(row.difference.0, &row.unit));
            format!(" ({} {})", plain(label(&row.metric)), plain(&change))
        });
        writeln!(
            out,
            "- **{}**{}: {}",
            plain(&alternative.name),
            verdict.unwrap_or_default(),
            plain(&alternative.text)
        );
    }
    writeln!(out);
}

fn rollout(out: &mut Markdown, content: &Content) {
    writeln!(out, "## Rollout and rollback\n");
    writeln!(out, "Takes effect: {}.\n", plain(&content.rollout));
    if !content.stop_conditions.is_empty() {
        writeln!(out, "Stop and revert if, within the forecast's horizon:\n");
        for condition in &content.stop_conditions {
            writeln!(out, "- {}", plain(condition));
        }
        writeln!(out);
    }
    calls(out, "Payload", &content.payload);
    calls(out, "Reverting call", &content.rollback);
    if content.payload.is_empty() {
        writeln!(out, "There is no call to sign: the change is made outside a contract.\n");
    }
}

fn calls(out: &mut Markdown, title: &str, calls: &[Call]) {
    for call in calls {
        writeln!(out, "**{title}.** {} on {}", code(&call.function), code(&call.target));
        writeln!(out);
        for (name, value) in &call.arguments {
            writeln!(out, "- {} = {}", code(name), code(value));
        }
        writeln!(out, "- calldata {}\n", code(&call.calldata));
    }
}

fn reproduce(out: &mut Markdown, content: &Content) {
    writeln!(out, "## Reproduce\n");
    // An indented block cannot be closed from inside, whatever the command holds.
    for part in content.reproduce.command.lines() {
        writeln!(out, "    {}", part.trim_end());
    }
    writeln!(out, "\nExpected result digest: {}.", digest(&content.result));
    writeln!(out, "Needs: {}.", plain(&content.reproduce.needs));
    writeln!(out, "Not covered: {}.\n", plain(&content.reproduce.not_covered));
}

fn disclosure(out: &mut Markdown, content: &Content) {
    writeln!(out, "## Disclosure\n");
    for agent in &content.agents {
        writeln!(
            out,
            "- {} ({}), {}; decides by: {}",
            plain(&agent.name),
            plain(&agent.role),
            code(&agent.did),
            plain(&agent.engine)
        );
    }
    writeln!(out, "\n**Interests.** {}\n", plain(&content.disclosure));
}

fn appendix(out: &mut Markdown, content: &Content) {
    writeln!(out, "---\n\n## Appendix: exact integers\n");
    writeln!(out, "| metric | unit | baseline | proposed | difference | p10 | p90 |");
    writeln!(out, "|---|---|--:|--:|--:|--:|--:|");
    for row in content.decision_table.iter().chain(&content.other_metrics) {
        writeln!(
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
    writeln!(out, "\n### Rounds of refinement\n");
    for round in &content.rounds {
        let receipt = round
            .receipt
            .as_ref()
            .map_or_else(String::new, |receipt| format!(", receipt {}", digest(receipt)));
        writeln!(
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

fn appendix_evidence(out: &mut Markdown, content: &Content) {
    writeln!(out, "\n### Evidence of the analysis\n");
    for item in &content.evidence {
        writeln!(
            out,
            "- {} = {} {} (threshold {})",
            code(&item.metric),
            item.value,
            plain(&item.unit),
            item.threshold
        );
    }
    for reference in &content.analyses {
        writeln!(out, "- {}: receipt {}", plain(&reference.text), digest(&reference.receipt));
    }
    if content.backtest.is_empty() {
        return;
    }
    writeln!(out, "\n### Backtest: the baseline model beside the observed blocks\n");
    writeln!(out, "| metric | observed | modelled |");
    writeln!(out, "|---|--:|--:|");
    for line in &content.backtest {
        writeln!(
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
