//! What is too long for a post: exact integers, attacks, what was not measured, digests.

use chaos_report::{
    Code, Inline, Markdown, add_line, inline,
    table::{Entry, Table},
};

use super::super::{
    data::{Part, Study},
    figures, words,
};

/// Writes the appendix.
pub(crate) fn render(out: &mut Markdown, study: &Study) {
    out.raw("---\n\n## Appendix\n\n### Exact integers\n\n");
    out.table(&integers(study));
    for plate in figures::plates(study) {
        // The attacks' table holds what the post left out; the others are in the report.
        if plate.number == 12
            && let Ok(shown) = &plate.shown
        {
            out.raw("\n### Attacks\n\n");
            out.table(&shown.table);
        }
    }
    if let Part::Known(pareto) = &study.pareto {
        out.raw("\n### Combinations that no other beats\n\n");
        out.table(&super::pareto(pareto));
    }
    tried(out, study);
    if !study.scope.blocks.is_empty() {
        out.raw("\n### Blocks\n\n");
        for sentence in &study.scope.blocks {
            add_line!(out, "- {}", words::sentence(sentence));
        }
    }
    if let Part::Known(rows) = &study.validation.model {
        out.raw("\n### The model's baseline beside the observed blocks\n\n");
        out.table(&super::model(rows));
    }
    absent(out, study);
    if !study.limits.is_empty() {
        out.raw("\n### Limits\n\n");
        for limit in &study.limits {
            add_line!(out, "- {}", limit);
        }
    }
    if !study.manifest.is_empty() {
        out.raw("\n### Manifest\n\n");
        for (name, digest) in &study.manifest {
            add_line!(out, "- {}: {}", name, Code(digest));
        }
    }
}

fn tried(out: &mut Markdown, study: &Study) {
    if study.tried.is_empty() {
        return;
    }
    out.raw("\n### Values that were tried\n\n");
    for (index, tried) in study.tried.iter().enumerate() {
        let receipt = tried
            .receipt
            .as_ref()
            .map_or_else(Inline::default, |receipt| inline!(", receipt {}", Code(receipt)));
        add_line!(
            out,
            "{}. **{}** – {} (result {}{})",
            index + 1,
            tried.value,
            tried.decision,
            Code(&tried.result),
            receipt
        );
    }
}

/// What was wanted and could not be had, each with its reason, and what nobody asked for.
fn absent(out: &mut Markdown, study: &Study) {
    out.raw("\n### Not measured\n\n");
    let plates = figures::plates(study);
    let mut complete = true;
    for plate in plates.iter().filter(|plate| plate.asked) {
        if let Err(reason) = &plate.shown {
            add_line!(out, "- figure {}, {}: {}", plate.number, plate.what, reason);
            complete = false;
        }
    }
    if complete {
        out.raw("- nothing: all figures that were asked for have data\n");
    }
    let not_asked = figures::not_asked(&plates);
    if !not_asked.is_empty() {
        add_line!(out, "- not looked at: {}", not_asked);
    }
}

fn integers(study: &Study) -> Table {
    let mut table =
        Table::new(&["metric", "unit", "#baseline", "#proposal", "#difference", "#low", "#high"]);
    for row in study.decision.iter().chain(&study.others) {
        let (low, high) = row.interval.unwrap_or((row.difference, row.difference));
        table.row(vec![
            Entry::Code(row.metric.clone()),
            row.unit.as_str().into(),
            row.baseline.to_string().into(),
            row.proposal.to_string().into(),
            row.difference.to_string().into(),
            low.to_string().into(),
            high.to_string().into(),
        ]);
    }
    table
}
