//! One HTML file that shows a whole run: verdict, timeline, figures, validation, manifest.
//!
//! It stands alone: styles and figures are inside, there is no script, and its content security
//! policy forbids loading anything. Every text from outside is escaped.

use std::fmt::Write as _;

use chaos_report::{Figure, inert::xml, quantity};
use chaos_types::Digest;

use crate::proposal::{Content, DecisionRow, Proposal, Verdict, label};

/// What happened around the proposal, as only the caller knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where the blocks come from, in one sentence; generated blocks must say so.
    pub source: String,
    /// What the agents did, in order.
    pub timeline: Vec<Step>,
    /// How the recorded blocks were checked before anything was concluded from them.
    pub validation: Validation,
    /// What would change the conclusion, one sentence each.
    pub limits: Vec<String>,
    /// Names and digests of everything the run read and wrote.
    pub manifest: Vec<(String, Digest)>,
    /// The commands that verify the run, one per line.
    pub verify: Vec<String>,
    /// The anchor on a chain: where it is and what it holds, as (name, value).
    pub anchor: Vec<(String, String)>,
}

/// One step of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Kind of the step, such as `simulate`.
    pub step: String,
    /// Who did it.
    pub agent: String,
    /// Digest of the receipt, if the step left one.
    pub receipt: Option<Digest>,
    /// What happened, in one or two sentences.
    pub text: String,
}

/// How the recorded blocks were checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Validation {
    /// Blocks that were executed again; zero if there were only headers.
    pub blocks_replayed: u64,
    /// Of those, blocks whose gas equals the header's.
    pub gas_matched: u64,
    /// Blocks whose receipts root could be compared.
    pub roots_comparable: u64,
    /// Of those, blocks whose receipts root equals the header's.
    pub roots_matched: u64,
    /// Reads outside the recorded state; each is counted, none is taken as zero.
    pub unknown_reads: u64,
    /// Transactions of kinds that are not executed.
    pub skipped_transactions: u64,
}

const STYLE: &str = include_str!("report/style.css");

/// Writes to a `String`, which cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{
        let _ = write!($out, $($arg)*);
    }};
}

/// Renders the report.
#[must_use]
pub fn render(proposal: &Proposal, figures: &[Figure], run: &Run) -> String {
    let content = proposal.content();
    let mut out = String::with_capacity(64 << 10);
    put!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        xml(&content.title)
    );
    verdict_box(&mut out, proposal, run);
    decision_table(&mut out, content);
    for name in ["differences", "base-fee"] {
        figure(&mut out, figures, name);
    }
    affected(&mut out, content);
    validation(&mut out, content, run);
    figure(&mut out, figures, "fullness");
    sensitivity(&mut out, content, figures);
    rounds(&mut out, content);
    timeline(&mut out, &run.timeline);
    limits(&mut out, content, run);
    manifest(&mut out, proposal, run);
    put!(out, "</main>\n</body>\n</html>\n");
    out
}

fn verdict_box(out: &mut String, proposal: &Proposal, run: &Run) {
    let content = proposal.content();
    let judged: Vec<&Verdict> =
        content.decision_table.iter().filter_map(|row| row.verdict.as_ref()).collect();
    let met = judged.iter().filter(|verdict| verdict.standing == "met").count();
    let passed = met == judged.len() && !judged.is_empty();
    put!(
        out,
        "<header>\n<p class=\"over\">Governance proposal for <code>{}</code></p>\n<h1>{}</h1>\n",
        xml(content.chain.as_str()),
        xml(&content.title)
    );
    put!(
        out,
        "<section class=\"verdict {}\" aria-label=\"Verdict\">\n<p class=\"mark\">{} {met} of {} \
         requirements met</p>\n<ul>\n",
        if passed { "ok" } else { "no" },
        if passed { "\u{2713}" } else { "\u{2715}" },
        judged.len()
    );
    for sentence in [&content.ask, &content.problem, &run.source] {
        put!(out, "<li>{}</li>\n", xml(sentence));
    }
    put!(out, "<li>{}</li>\n", xml(&origins(content)));
    if let Some(elasticity) = content.assumptions.first() {
        put!(
            out,
            "<li>Weakest assumption: {} {} ({}).</li>\n",
            xml(elasticity.name),
            xml(&elasticity.value),
            xml(elasticity.note)
        );
    }
    put!(
        out,
        "</ul>\n<dl class=\"ids\"><dt>proposal</dt><dd><code>{}</code></dd><dt>simulation \
         result</dt><dd><code>{}</code></dd><dt>policy</dt><dd><code>{}</code></dd></dl>\n\
         </section>\n</header>\n",
        proposal.id(),
        content.result,
        content.studio
    );
}

fn origins(content: &Content) -> String {
    let rows = || content.decision_table.iter().chain(&content.other_metrics);
    let model = rows().filter(|row| row.layer == "fee_market").count();
    let executed = rows().filter(|row| row.layer == "evm").count();
    format!(
        "Evidence class: replayable. {model} metrics come from the fee-market model, {executed} \
         from re-executing recorded transactions, {} from observed blocks.",
        content.evidence.len()
    )
}

fn timeline(out: &mut String, steps: &[Step]) {
    if steps.is_empty() {
        return;
    }
    put!(out, "<section>\n<h2>What the agents did</h2>\n<ol class=\"time\">\n");
    for step in steps {
        let receipt = step.receipt.map_or_else(String::new, |digest| {
            format!(" <code title=\"{digest}\">receipt {}</code>", digest.short())
        });
        put!(
            out,
            "<li><p class=\"who\"><b>{}</b> <span>{}</span>{receipt}</p><p>{}</p></li>\n",
            xml(&step.step),
            xml(&step.agent),
            xml(&step.text)
        );
    }
    put!(out, "</ol>\n</section>\n");
}

fn decision_table(out: &mut String, content: &Content) {
    put!(
        out,
        "<section>\n<h2>Decision table</h2>\n<table class=\"stack\">\n<thead><tr><th \
         scope=\"col\">metric</th><th scope=\"col\" class=\"n\">baseline</th><th scope=\"col\" \
         class=\"n\">proposed</th><th scope=\"col\" class=\"n\">difference</th><th scope=\"col\" \
         class=\"n\">p10 to p90</th><th scope=\"col\">layer</th><th scope=\"col\">verdict</th></tr>\
         </thead>\n<tbody>\n"
    );
    for row in &content.decision_table {
        table_row(out, row);
    }
    put!(
        out,
        "</tbody>\n</table>\n<p class=\"note\">Paired differences: both arms see the same random \
         demand. The interval is the 10th to 90th percentile of the differences. Thresholds come \
         from the policy, which was fixed before the simulation.</p>\n</section>\n"
    );
}

fn table_row(out: &mut String, row: &DecisionRow) {
    let unit = &row.unit;
    let relative = quantity::relative(row.difference.0, row.baseline.0)
        .map_or_else(String::new, |relative| format!(" <small>{}</small>", xml(&relative)));
    let (class, verdict) = row.verdict.as_ref().map_or(("", "\u{2013}".to_owned()), |verdict| {
        let class = if verdict.standing == "met" { "ok" } else { "no" };
        (class, verdict_text(verdict, unit))
    });
    put!(
        out,
        "<tr><th scope=\"row\">{}</th><td class=\"n\" data-l=\"baseline\">{}</td><td class=\"n\" \
         data-l=\"proposed\">{}</td><td class=\"n\" data-l=\"difference\">{}{relative}</td><td \
         class=\"n i\" data-l=\"p10 to p90\">{}</td><td data-l=\"layer\"><span \
         class=\"tag\">{}</span></td><td class=\"v {class}\" data-l=\"verdict\">{}</td></tr>\n",
        xml(label(&row.metric)),
        xml(&quantity::of(row.baseline.0, unit)),
        xml(&quantity::of(row.proposed.0, unit)),
        xml(&quantity::difference(row.difference.0, unit)),
        xml(&quantity::interval(row.low.0, row.high.0, unit)),
        if row.layer == "evm" { "re-executed" } else { "model" },
        xml(&verdict),
    );
}

fn verdict_text(verdict: &Verdict, unit: &str) -> String {
    let mark = if verdict.standing == "met" { "\u{2713} met," } else { "\u{2715} missed," };
    let side = if verdict.side == "at_least" { "\u{2265}" } else { "\u{2264}" };
    format!("{mark} {side} {}", quantity::difference(verdict.threshold.0, unit))
}

/// Places a figure; its SVG comes from this crate's own plots, which escape their texts.
fn figure(out: &mut String, figures: &[Figure], name: &str) {
    if let Some(figure) = figures.iter().find(|figure| figure.name == name) {
        put!(out, "<figure>\n{}</figure>\n", figure.svg);
    }
}

fn affected(out: &mut String, content: &Content) {
    put!(out, "<section>\n<h2>Who gains, who loses</h2>\n<ul class=\"plain\">\n");
    for group in &content.affected {
        let class = match group.effect {
            "gains" => "ok",
            "loses" => "no",
            _ => "",
        };
        put!(
            out,
            "<li><b>{}</b> <span class=\"{class}\">{}</span> \u{2013} {}</li>\n",
            xml(group.who),
            xml(group.effect),
            xml(&group.text)
        );
    }
    put!(out, "</ul>\n</section>\n");
}

fn validation(out: &mut String, content: &Content, run: &Run) {
    let found = &run.validation;
    put!(out, "<section>\n<h2>Validation</h2>\n<ul class=\"plain\">\n");
    if found.blocks_replayed == 0 {
        put!(out, "<li>No block was re-executed: only headers were read.</li>\n");
    } else {
        put!(
            out,
            "<li><b>{}/{}</b> blocks: the replay uses exactly the header's gas</li>\n\
             <li><b>{}/{}</b> blocks: the recomputed receipts root is the header's</li>\n\
             <li><b>{}</b> reads outside the recorded state, <b>{}</b> transactions skipped</li>\n",
            found.gas_matched,
            found.blocks_replayed,
            found.roots_matched,
            found.roots_comparable,
            found.unknown_reads,
            found.skipped_transactions
        );
    }
    put!(out, "</ul>\n");
    if content.backtest.is_empty() {
        put!(
            out,
            "<p class=\"note\">Too few consecutive blocks for a backtest of the model.</p>\n"
        );
    } else {
        put!(
            out,
            "<h3>The model's baseline beside the observed blocks</h3>\n<table>\n<thead><tr><th \
             scope=\"col\">metric</th><th scope=\"col\" class=\"n\">observed</th><th \
             scope=\"col\" class=\"n\">modelled</th></tr></thead>\n<tbody>\n"
        );
        for line in &content.backtest {
            put!(
                out,
                "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
                xml(label(&line.metric)),
                xml(&quantity::of(line.observed.0, &line.unit)),
                xml(&quantity::of(line.modelled.0, &line.unit))
            );
        }
        put!(out, "</tbody>\n</table>\n");
    }
    put!(out, "</section>\n");
}

fn sensitivity(out: &mut String, content: &Content, figures: &[Figure]) {
    if content.sensitivity.is_empty() {
        return;
    }
    put!(out, "<section>\n<h2>Sensitivity</h2>\n");
    figure(out, figures, "sensitivity");
    put!(
        out,
        "<details><summary>as a table</summary>\n<table>\n<thead><tr><th scope=\"col\" \
         class=\"n\">elasticity</th><th scope=\"col\" class=\"n\">baseline</th><th scope=\"col\" \
         class=\"n\">proposed</th><th scope=\"col\" class=\"n\">difference</th></tr></thead>\n\
         <tbody>\n"
    );
    for line in &content.sensitivity {
        let unit = &line.row.unit;
        put!(
            out,
            "<tr><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td \
             class=\"n\">{}</td></tr>\n",
            quantity::decimal(line.elasticity_ppm.into(), 6, 2),
            xml(&quantity::of(line.row.baseline.0, unit)),
            xml(&quantity::of(line.row.proposed.0, unit)),
            xml(&quantity::difference(line.row.difference.0, unit))
        );
    }
    put!(out, "</tbody>\n</table>\n</details>\n</section>\n");
}

fn rounds(out: &mut String, content: &Content) {
    put!(out, "<section>\n<h2>Values that were tried</h2>\n<ol class=\"plain\">\n");
    for round in &content.rounds {
        put!(
            out,
            "<li><b>{}</b> \u{2013} {} <code title=\"{}\">result {}</code></li>\n",
            xml(&quantity::of(round.value.0, &round.unit)),
            xml(&round.decision),
            round.result,
            round.result.short()
        );
    }
    put!(out, "</ol>\n</section>\n");
}

fn limits(out: &mut String, content: &Content, run: &Run) {
    put!(out, "<section>\n<h2>Assumptions and limits</h2>\n<ul class=\"plain\">\n");
    for assumption in &content.assumptions {
        put!(
            out,
            "<li>{}: <b>{}</b> ({})</li>\n",
            xml(assumption.name),
            xml(&assumption.value),
            xml(assumption.note)
        );
    }
    for limit in run.limits.iter().chain([&content.reproduce.not_covered]) {
        put!(out, "<li>{}</li>\n", xml(limit));
    }
    put!(out, "</ul>\n</section>\n");
}

fn manifest(out: &mut String, proposal: &Proposal, run: &Run) {
    put!(out, "<section>\n<h2>How to verify</h2>\n<pre>");
    for command in run.verify.iter().chain([&proposal.content().reproduce.command]) {
        put!(out, "{}\n", xml(command));
    }
    put!(out, "</pre>\n");
    if !run.anchor.is_empty() {
        put!(out, "<h3>Anchor</h3>\n<dl class=\"ids\">");
        for (name, value) in &run.anchor {
            put!(out, "<dt>{}</dt><dd><code>{}</code></dd>", xml(name), xml(value));
        }
        put!(out, "</dl>\n");
    }
    put!(out, "<h3>Manifest</h3>\n<dl class=\"ids\">");
    put!(out, "<dt>proposal</dt><dd><code>{}</code></dd>", proposal.id());
    for (name, digest) in &run.manifest {
        put!(out, "<dt>{}</dt><dd><code>{digest}</code></dd>", xml(name));
    }
    put!(out, "</dl>\n</section>\n");
}

#[cfg(test)]
mod tests;
