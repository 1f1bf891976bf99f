//! The proposal as a forum post, under the headings of the place where it is posted.

use chaos_report::{Markdown, add, add_line};

use super::{
    data::Study,
    sections::{appendix, post},
    words,
};

/// A heading and what stands under it.
type Section = (&'static str, &'static [fn(&mut Markdown, &Study)]);

/// The order that a reader with twenty minutes needs.
const POST: [Section; 11] = [
    ("The ask", &[post::ask, post::summary, post::motivation]),
    ("Decision table", &[post::decision]),
    ("Who gains, who loses", &[post::affected]),
    ("What could go wrong", &[post::risks]),
    ("Assumptions you may dispute", &[post::assumptions]),
    (words::FORECAST_HEADING, &[post::forecast]),
    ("Alternatives considered", &[post::alternatives]),
    ("Rollout and rollback", &[post::rollout]),
    ("Payload", &[post::payload]),
    ("Reproduce", &[post::reproduce]),
    ("Disclosure", &[post::disclosure]),
];

/// The headings of an Arbitrum improvement proposal.
const AIP: [Section; 8] = [
    ("Abstract", &[post::ask, post::summary, post::decision]),
    ("Motivation", &[post::motivation, post::affected]),
    ("Rationale", &[post::risks, post::assumptions, post::alternatives]),
    ("Key terms", &[key_terms]),
    ("Specifications", &[post::payload]),
    ("Steps to implement", &[post::rollout]),
    ("Timeline", &[post::forecast]),
    ("Overall cost", &[post::disclosure, post::reproduce]),
];

/// Renders a forum post: at most two screens, then an appendix.
///
/// A chain of the Arbitrum family gets the headings of an AIP.
#[must_use]
pub fn markdown(study: &Study) -> String {
    let mut out = Markdown::new();
    add!(out, "# {}\n\n", study.heading.title);
    post::warning(&mut out, study);
    post::header(&mut out, study);
    let sections: &[Section] =
        if is_arbitrum(&study.heading.chain) { AIP.as_slice() } else { POST.as_slice() };
    for (title, parts) in sections {
        let title =
            if *title == words::FORECAST_HEADING { words::forecast_heading(study) } else { title };
        add!(out, "## {}\n\n", title);
        for part in *parts {
            part(&mut out, study);
        }
    }
    appendix::render(&mut out, study);
    out.finish()
}

/// Arbitrum One, Nova and Sepolia.
fn is_arbitrum(chain: &str) -> bool {
    ["eip155:42161", "eip155:42170", "eip155:421614"].contains(&chain)
}

fn key_terms(out: &mut Markdown, study: &Study) {
    let decisive = study
        .method
        .iter()
        .filter(|definition| study.decision.iter().any(|row| row.metric == definition.metric));
    let mut any = false;
    for definition in decisive {
        any = true;
        add_line!(out, "- {}: {}", definition.metric, definition.formula);
    }
    if !any {
        out.raw("- the metrics of the decision table were not defined\n");
    }
    out.raw("\n");
}

#[cfg(test)]
mod tests;
