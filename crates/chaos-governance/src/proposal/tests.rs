use std::collections::BTreeSet;

use chaos_simulation::{RESULT_FORMAT_REVISED, Sensitivity};

use super::*;
use crate::{
    fixture::{HOSTILE, congestion, context, one_cell, parameters, proposal, refined, studio},
    study,
};

#[test]
fn id_is_the_digest_of_the_canonical_content() {
    let proposal = proposal(&context("text"));
    let json = proposal.to_json().unwrap();
    let document = canonical::value_from_slice(&json).unwrap();
    let inner = canonical::to_vec(&document["proposal"]).unwrap();
    assert_eq!(document["id"], Digest::of(&inner).to_string());
    assert_eq!(document["proposal"]["format"], PROPOSAL_FORMAT);
    assert_eq!(document["proposal"]["changes"][0]["proposed"], "37000000");
}

#[test]
fn any_difference_in_content_is_another_proposal() {
    let (one, same) = (proposal(&context("text")), proposal(&context("text")));
    assert_eq!(one, same);
    assert_eq!(study::forum_markdown(&one_cell(&one)), study::forum_markdown(&one_cell(&same)));
    assert_ne!(one.id(), proposal(&context("test")).id());
}

#[test]
fn content_follows_from_the_rounds() {
    let proposal = proposal(&context("text"));
    let content = proposal.content();
    assert_eq!(content.title, "Raise the gas limit of eip155:1 from 30 Mgas to 37 Mgas");
    assert_eq!(
        content.ask,
        "Raise gas-limit from 30 Mgas to 37 Mgas. In simulation this changes base fee, 95th \
         percentile by \u{2212}30.0 %."
    );
    assert_eq!(content.rounds.len(), 2);
    assert_eq!(content.rounds[0].receipt, Some(Digest::of(b"round")));
    assert_eq!(content.rounds[1].receipt, None);
    assert_eq!(content.rounds[1].decision, "satisfies every objective and guard: final");
    let names: Vec<&str> = content.alternatives.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["no change", "gas-limit = 35 Mgas"]);
    let verdict = content.decision_table[0].verdict.as_ref().unwrap();
    assert_eq!((verdict.standing, verdict.side, verdict.threshold), ("met", "at_most", Int(-250)));
    let forecast = content.forecast.as_ref().unwrap();
    assert_eq!(
        (forecast.relative_low_ppm, forecast.relative_high_ppm),
        (Int(-300_000), Int(-300_000))
    );
}

#[test]
fn every_metric_of_the_result_stands_in_exactly_one_table() {
    let proposal = proposal(&context("text"));
    let content = proposal.content();
    let rows: Vec<&str> = content
        .decision_table
        .iter()
        .chain(&content.other_metrics)
        .map(|row| row.metric.as_str())
        .collect();
    let unique: BTreeSet<&str> = rows.iter().copied().collect();
    assert_eq!(unique.len(), rows.len());
    assert_eq!(rows.len(), chaos_simulation::flow::Metric::ALL.len());
}

/// No elasticity was tried.
const UNSWEPT: Sensitivity = Sensitivity { rows: Vec::new(), revised: false };

#[test]
fn format_says_whether_a_figure_is_revised() {
    let (studio, opportunity, context) = (studio(), congestion(), context("text"));
    let outcome = refined(|_| (-300, 10));
    let mut revised = outcome.last().result.clone();
    revised.format = RESULT_FORMAT_REVISED.to_owned();
    let change = outcome.last().change;
    let plain = Brief {
        studio: &studio,
        parameters: &parameters(),
        opportunity: &opportunity,
        outcome: &outcome,
        half_step: Some((&change, &outcome.last().result)),
        sensitivity: &UNSWEPT,
        context: &context,
    };
    let format = |brief: &Brief<'_>| compose(brief).unwrap().content().format;
    assert_eq!(format(&plain), "chaos-governance/proposal/1");

    let swept = Sensitivity { revised: true, ..UNSWEPT };
    let mut rounds = outcome.clone();
    rounds.rounds[0].result = revised.clone();
    for brief in [
        Brief { sensitivity: &swept, ..plain },
        Brief { half_step: Some((&change, &revised)), ..plain },
        Brief { outcome: &rounds, ..plain },
    ] {
        assert_eq!(format(&brief), "chaos-governance/proposal/2");
    }
}

#[test]
fn draft_that_was_given_up_has_no_proposal() {
    let error = compose(&Brief {
        studio: &studio(),
        parameters: &parameters(),
        opportunity: &congestion(),
        outcome: &refined(|_| (0, 5_001)),
        half_step: None,
        sensitivity: &UNSWEPT,
        context: &context("text"),
    })
    .unwrap_err();
    assert!(error.to_string().starts_with("the draft was given up: 35,000,000 misses"), "{error}");
}

#[test]
fn sentences_and_rows_show_one_set_of_digits() {
    let mut content = proposal(&context("text")).content().clone();
    for row in content.decision_table.iter_mut().filter(|row| row.metric == "base_fee_p95") {
        row.baseline = Int(25_542_000_000);
        row.proposed = Int(8_471_000_000);
        row.difference = Int(-17_071_000_000);
    }
    let proposal = Proposal::new(content).unwrap();
    let (sentence, cell) = (
        "95th percentile of the base fee \u{2212}17.07 gwei (\u{2212}66.8 %)",
        "| \u{2212}17.07 gwei (\u{2212}66.8 %) |",
    );
    let study = one_cell(&proposal);
    let markdown = study::forum_markdown(&study);
    assert!(markdown.contains(sentence) && markdown.contains(cell), "{markdown}");
    let page = study::html(&study);
    assert!(page.contains(sentence), "the page says the same");
    assert!(page.contains("<span>\u{2212}17.07 gwei <small>\u{2212}66.8 %</small></span>"));
}

/// The shape of a Markdown document: everything a renderer would treat as structure.
fn shape(markdown: &str) -> Vec<(usize, &str)> {
    markdown
        .lines()
        .map(|line| {
            let pipes = line.replace("\\|", "").matches('|').count();
            let mark = line.split(' ').next().unwrap_or("");
            let structural = ["#", "##", "###", "-", "|", "---", "|---|---|--:|--:|--:|--:|--:|"];
            (pipes, structural.into_iter().find(|known| *known == mark).unwrap_or(""))
        })
        .collect()
}

#[test]
fn hostile_text_does_not_change_the_shape_of_the_markdown() {
    let plain = study::forum_markdown(&one_cell(&proposal(&context("text"))));
    let hostile = study::forum_markdown(&one_cell(&proposal(&context(HOSTILE))));
    // The command is an indented block, which text cannot leave; it alone may have more lines.
    let without_command = |text: &str| {
        text.lines().filter(|line| !line.starts_with("    ")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(shape(&without_command(&hostile)), shape(&without_command(&plain)));
    // An escaped backtick opens no code span, an escaped bracket closes no link.
    let outside = without_command(&hostile).replace("\\`", "").replace("\\]", "");
    let spans: Vec<&str> = outside.split('`').step_by(2).collect();
    assert!(spans.iter().all(|text| !text.contains(['<', '@', '\u{202e}', '\u{1b}'])));
    assert!(spans.iter().all(|text| !text.contains("](")));
}

#[test]
fn markdown_is_two_screens_before_the_appendix() {
    let proposal = proposal(&context("one sentence of ordinary length"));
    let markdown = study::forum_markdown(&one_cell(&proposal));
    let (body, appendix) = markdown.split_once("## Appendix").unwrap();
    assert!(body.lines().count() <= 120, "{}", body.lines().count());
    assert!(appendix.contains("| `base_fee_p95` | wei | 1000 | 700 | -300 | -300 | -300 |"));
    for heading in [
        "Decision table",
        "Who gains, who loses",
        "What could go wrong",
        "Assumptions you may dispute",
        "Forecast to be scored",
        "Alternatives considered",
        "Rollout and rollback",
        "Payload",
        "Reproduce",
        "Disclosure",
    ] {
        assert!(body.contains(&format!("## {heading}\n")), "{heading}");
    }
}
