//! What is too long for a post: exact integers, attacks, what was not measured, digests.

use chaos_report::{
    Code, Inline, Markdown, add_line, inline,
    table::{Entry, Table},
};

use super::super::{
    data::{Part, Study},
    figures,
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
    out.raw("\n### Not measured\n\n");
    let absent: Vec<Inline> = figures::plates(study)
        .into_iter()
        .filter_map(|plate| {
            Some(inline!("- figure {}, {}: {}\n", plate.number, plate.what, plate.shown.err()?))
        })
        .collect();
    if absent.is_empty() {
        out.raw("- nothing: all figures of the report have data\n");
    }
    out.add(&Inline::joined(&absent, ""));
    out.raw("\n### Limits\n\n");
    for limit in &study.limits {
        add_line!(out, "- {}", limit);
    }
    if !study.manifest.is_empty() {
        out.raw("\n### Manifest\n\n");
        for (name, digest) in &study.manifest {
            add_line!(out, "- {}: {}", name, Code(digest));
        }
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
