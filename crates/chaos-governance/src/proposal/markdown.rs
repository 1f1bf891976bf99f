//! The proposal as a person would post it on a forum.
//!
//! What comes from outside is inert by its type: see [`chaos_report::markdown`].

use chaos_report::{Code, Inline, Markdown, add_line, inline, quantity};

use super::{Call, Content, DecisionRow, Proposal, Verdict, label, shown_effect};

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
    add_line!(out, "# {}\n", content.title);
    for change in &content.changes {
        add_line!(
            out,
            "**Chain** {} · **parameter** {} · **{} → {}** · proposal {}\n",
            Code(content.chain.as_str()),
            Code(&change.parameter),
            quantity::of(change.current.0, &change.unit),
            quantity::of(change.proposed.0, &change.unit),
            Code(&proposal.id())
        );
    }
    add_line!(
        out,
        "**Evidence** replayable: anyone can re-run the simulation to the digest {}\n",
        Code(&content.result)
    );
    add_line!(out, "**The ask.** {}\n", content.ask);
    add_line!(out, "**Why.** {}\n", content.problem);
}

fn decision_table(out: &mut Markdown, rows: &[DecisionRow], content: &Content) {
    add_line!(out, "## Decision table\n");
    table_head(out);
    for row in rows {
        table_row(out, row);
    }
    let paths = content.assumptions.iter().find(|assumption| assumption.name == "paths");
    add_line!(
        out,
        "\nDifference and interval are paired: both arms see the same random demand ({}). The \
         interval is p10 to p90. Layer: *model* is the fee-market model, *re-executed* is recorded \
         transactions run again. Thresholds come from the policy {}, fixed before the simulation.\n",
        paths.map_or("", |paths| &paths.value),
        Code(&content.studio)
    );
}

fn table_head(out: &mut Markdown) {
    add_line!(out, "| metric | baseline | proposed | difference | p10 – p90 | layer | verdict |");
    add_line!(out, "|---|--:|--:|--:|--:|---|---|");
}

fn table_row(out: &mut Markdown, row: &DecisionRow) {
    let relative = quantity::relative(row.difference.0, row.baseline.0)
        .map_or_else(Inline::default, |relative| inline!(" ({})", relative));
    let shown = row.shown();
    add_line!(
        out,
        "| {} | {} | {} | {}{} | {} | {} | {} |",
        label(&row.metric),
        shown.value(row.baseline.0),
        shown.value(row.proposed.0),
        shown.difference(row.difference.0),
        relative,
        shown.interval(row.low.0, row.high.0),
        layer(row.layer),
        row.verdict.as_ref().map_or_else(|| inline!("–"), |v| verdict(v, &row.unit))
    );
}

fn layer(layer: &str) -> &'static str {
    if layer == "evm" { "re-executed" } else { "model" }
}

fn verdict(verdict: &Verdict, unit: &str) -> Inline {
    let mark = if verdict.standing == "met" { "✓ met" } else { "✗ missed" };
    let side = if verdict.side == "at_least" { "≥" } else { "≤" };
    inline!("{}: {} {}", mark, side, quantity::difference(verdict.threshold.0, unit))
}

fn affected(out: &mut Markdown, content: &Content) {
    add_line!(out, "## Who gains, who loses\n");
    for group in &content.affected {
        add_line!(
            out,
            "- {}: **{}** – {}",
            group.who,
            group.effect,
            shown_effect(group, &content.decision_table)
        );
    }
    add_line!(out);
}

fn disputable(out: &mut Markdown, content: &Content) {
    add_line!(out, "## What a reader may dispute\n");
    for assumption in &content.assumptions {
        add_line!(out, "- {}: **{}** ({})", assumption.name, assumption.value, assumption.note);
    }
    if let Some(first) = content.sensitivity.first() {
        let values: Vec<Inline> = content
            .sensitivity
            .iter()
            .map(|line| {
                let row = &line.row;
                let change = quantity::relative(row.difference.0, row.baseline.0)
                    .unwrap_or_else(|| row.shown().difference(row.difference.0));
                let elasticity = quantity::decimal(line.elasticity_ppm.into(), 6, 2);
                inline!("{}: **{}**", elasticity, change)
            })
            .collect();
        add_line!(
            out,
            "- change of {} by assumed elasticity – {}",
            label(&first.row.metric),
            Inline::joined(&values, " · ")
        );
    }
    model_check(out, content);
    add_line!(out);
}

/// How the model's baseline compares with reality, for the metrics that decide.
fn model_check(out: &mut Markdown, content: &Content) {
    let judged = |metric: &str| {
        let mut rows = content.decision_table.iter().filter(|row| row.verdict.is_some());
        rows.any(|row| row.metric == metric)
    };
    let lines: Vec<Inline> = content
        .backtest
        .iter()
        .filter(|line| judged(&line.metric))
        .map(|line| {
            inline!(
                "{} **{}** observed, **{}** modelled",
                label(&line.metric),
                quantity::of(line.observed.0, &line.unit),
                quantity::of(line.modelled.0, &line.unit)
            )
        })
        .collect();
    if lines.is_empty() {
        add_line!(out, "- the model was not checked against the observed blocks: too few in a row");
    } else {
        add_line!(
            out,
            "- the model's baseline beside the observed blocks – {}",
            Inline::joined(&lines, " · ")
        );
    }
}

fn forecast(out: &mut Markdown, content: &Content) {
    let Some(forecast) = &content.forecast else { return };
    add_line!(out, "## Forecast to be scored\n");
    add_line!(
        out,
        "{} changes by {} to {} (p10 to p90), measured over {} blocks after activation against as \
         many before. Scored: {}.\n",
        label(&forecast.metric),
        quantity::percent(forecast.relative_low_ppm.0),
        quantity::percent(forecast.relative_high_ppm.0),
        quantity::grouped(forecast.horizon_blocks.into()),
        forecast.scored_at
    );
}

fn alternatives(out: &mut Markdown, content: &Content) {
    add_line!(out, "## Alternatives considered\n");
    for alternative in &content.alternatives {
        let verdict = alternative.rows.iter().find(|row| row.verdict.is_some()).map(|row| {
            let change = quantity::relative(row.difference.0, row.baseline.0)
                .unwrap_or_else(|| row.shown().difference(row.difference.0));
            inline!(" ({} {})", label(&row.metric), change)
        });
        add_line!(
            out,
            "- **{}**{}: {}",
            alternative.name,
            verdict.unwrap_or_default(),
            alternative.text
        );
    }
    add_line!(out);
}

fn rollout(out: &mut Markdown, content: &Content) {
    add_line!(out, "## Rollout and rollback\n");
    add_line!(out, "Takes effect: {}.\n", content.rollout);
    if !content.stop_conditions.is_empty() {
        add_line!(out, "Stop and revert if, within the forecast's horizon:\n");
        for condition in &content.stop_conditions {
            add_line!(out, "- {}", condition);
        }
        add_line!(out);
    }
    calls(out, "Payload", &content.payload);
    calls(out, "Reverting call", &content.rollback);
    if content.payload.is_empty() {
        add_line!(out, "There is no call to sign: the change is made outside a contract.\n");
    }
}

fn calls(out: &mut Markdown, title: &str, calls: &[Call]) {
    for call in calls {
        add_line!(out, "**{}.** {} on {}", title, Code(&call.function), Code(&call.target));
        add_line!(out);
        for (name, value) in &call.arguments {
            add_line!(out, "- {} = {}", Code(name), Code(value));
        }
        add_line!(out, "- calldata {}\n", Code(&call.calldata));
    }
}

fn reproduce(out: &mut Markdown, content: &Content) {
    add_line!(out, "## Reproduce\n");
    // An indented block cannot be closed from inside, whatever the command holds.
    for part in content.reproduce.command.lines() {
        out.indented(part);
    }
    add_line!(out, "\nExpected result digest: {}.", Code(&content.result));
    add_line!(out, "Needs: {}.", content.reproduce.needs);
    add_line!(out, "Not covered: {}.\n", content.reproduce.not_covered);
}

fn disclosure(out: &mut Markdown, content: &Content) {
    add_line!(out, "## Disclosure\n");
    for agent in &content.agents {
        add_line!(
            out,
            "- {} ({}), {}; decides by: {}",
            agent.name,
            agent.role,
            Code(&agent.did),
            agent.engine
        );
    }
    add_line!(out, "\n**Interests.** {}\n", content.disclosure);
}

fn appendix(out: &mut Markdown, content: &Content) {
    add_line!(out, "---\n\n## Appendix: exact integers\n");
    add_line!(out, "| metric | unit | baseline | proposed | difference | p10 | p90 |");
    add_line!(out, "|---|---|--:|--:|--:|--:|--:|");
    for row in content.decision_table.iter().chain(&content.other_metrics) {
        add_line!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            Code(&row.metric),
            row.unit,
            row.baseline.0,
            row.proposed.0,
            row.difference.0,
            row.low.0,
            row.high.0
        );
    }
    add_line!(out, "\n### Rounds of refinement\n");
    for round in &content.rounds {
        let receipt = round
            .receipt
            .as_ref()
            .map_or_else(Inline::default, |receipt| inline!(", receipt {}", Code(receipt)));
        add_line!(
            out,
            "{}. **{}** – {} (result {}{})",
            round.number,
            quantity::of(round.value.0, &round.unit),
            round.decision,
            Code(&round.result),
            receipt
        );
    }
    appendix_evidence(out, content);
}

fn appendix_evidence(out: &mut Markdown, content: &Content) {
    add_line!(out, "\n### Evidence of the analysis\n");
    for item in &content.evidence {
        add_line!(
            out,
            "- {} = {} {} (threshold {})",
            Code(&item.metric),
            item.value.0,
            item.unit,
            item.threshold.0
        );
    }
    for reference in &content.analyses {
        add_line!(out, "- {}: receipt {}", reference.text, Code(&reference.receipt));
    }
    if content.backtest.is_empty() {
        return;
    }
    add_line!(out, "\n### Backtest: the baseline model beside the observed blocks\n");
    add_line!(out, "| metric | observed | modelled |");
    add_line!(out, "|---|--:|--:|");
    for line in &content.backtest {
        add_line!(
            out,
            "| {} | {} | {} |",
            label(&line.metric),
            quantity::of(line.observed.0, &line.unit),
            quantity::of(line.modelled.0, &line.unit)
        );
    }
}
