use proptest::prelude::*;

use super::*;
use crate::study::{
    data::{Part, Source, SourceKind},
    fixture::{HOSTILE, bare, study},
};

/// The shape of a document: what a renderer of Markdown would treat as structure.
fn shape(markdown: &str) -> Vec<(usize, &str)> {
    markdown
        .lines()
        .filter(|line| !line.starts_with("    "))
        .map(|line| {
            let pipes = line.replace("\\|", "").matches('|').count();
            let mark = line.split(' ').next().unwrap_or("");
            let structural = ["#", "##", "###", "-", "|", "---", "1.", "2.", ">"];
            (pipes, structural.into_iter().find(|known| *known == mark).unwrap_or(""))
        })
        .collect()
}

/// Checks that hostile text changes neither the shape nor what stands outside code spans.
#[track_caller]
fn check_inert(render: impl Fn(&Study) -> String) {
    let (plain, hostile) = (render(&study("text")), render(&study(HOSTILE)));
    assert_eq!(shape(&hostile), shape(&plain));
    let outside = hostile.replace("\\`", "").replace("\\]", "");
    let outside: Vec<&str> = outside.lines().filter(|line| !line.starts_with("    ")).collect();
    // The one link of our own is the licence's.
    let outside = outside.join("\n").replace("[CC0](../LICENSE.md)", "");
    for words in outside.split('`').step_by(2) {
        assert!(!words.contains(['<', '@', '\u{202e}', '\u{1b}']), "{words}");
        assert!(!words.contains("]("), "{words}");
    }
}

#[test]
fn hostile_text_is_inert_in_every_rendering() {
    check_inert(markdown);
    check_inert(crate::study::readiness_markdown);
    check_inert(|study| {
        let text = crate::study::eip_markdown(study);
        text.split_once("---\n\n").map(|(_, body)| body.to_owned()).unwrap()
    });
}

#[test]
fn post_is_two_screens_before_the_appendix() {
    for chain in ["eip155:1", "eip155:42161"] {
        let mut study = study("a few words");
        study.heading.chain = chain.into();
        let markdown = markdown(&study);
        let (body, appendix) = markdown.split_once("## Appendix").unwrap();
        assert!(body.lines().count() <= 120, "{}", body.lines().count());
        assert!(
            appendix.contains("| `base_fee_median` | wei | 12400000000 | 9550000000 | -2850000000")
        );
    }
}

#[test]
fn headings_are_those_of_the_place() {
    let mut study = study("text");
    let headings = |markdown: &str| {
        let lines = markdown.lines().filter_map(|line| line.strip_prefix("## "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        headings(&markdown(&study)),
        [
            "The ask",
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
            "Appendix",
        ]
    );
    study.heading.chain = "eip155:42161".into();
    assert_eq!(
        headings(&markdown(&study)),
        [
            "Abstract",
            "Motivation",
            "Rationale",
            "Key terms",
            "Specifications",
            "Steps to implement",
            "Timeline",
            "Overall cost",
            "Appendix",
        ]
    );
}

#[test]
fn decision_table_names_its_thresholds() {
    let markdown = markdown(&study("text"));
    assert!(
        markdown.contains(
            "| base fee, median | fee model | 12.40 gwei | 9.55 gwei | −2.85 gwei (−23.0 %) | \
         −3.10 to −2.60 gwei | ✓ met: difference ≤ −10.0 % |"
        ),
        "{markdown}"
    );
    assert!(markdown.contains("? undecided: difference ≥ −8.0 %"));
}

#[test]
fn reader_finds_weakest_assumption_binding_constraint_and_date() {
    let markdown = markdown(&study(""));
    assert!(markdown.contains("- price elasticity 0.006: **−6.1 gwei** · 0.44: **+0.4 gwei**"));
    assert!(markdown.contains(
        "**binding constraint**: receipts, bytes, 10.3 of 10 MiB used after the change, \
         exceeded by 3.0 %"
    ));
    assert!(markdown.contains("to be scored: 2026-12-21. Median (p10 to p90)"));
    assert!(markdown.contains("- 4 more attacks stand in the report"));
    assert!(markdown.contains("**Reverting call.** `setGasLimit(uint64)` on"));
    assert!(markdown.contains("    chaoschain verify out\n"));
    assert!(markdown.contains("no change: gas limit 45 Mgas, denominator 8"));
}

#[test]
fn smaller_step_is_an_alternative_where_it_was_run() {
    let mut study = study("");
    assert!(!markdown(&study).contains("part of the step"), "no cell lies between");
    let Part::Known(grid) = &mut study.grid else { panic!("the fixture has a grid") };
    grid.proposed = Some((3, 1));
    assert!(
        markdown(&study)
            .contains("| part of the step: gas limit 60 Mgas, denominator 8 | −20.2 % | ✓ met |")
    );
}

#[test]
fn absent_parts_are_named_in_the_post() {
    let markdown = markdown(&bare());
    for what in ["constraints", "attacks", "sensitivity", "backtest", "forecast", "alternatives"] {
        let line = format!("- {what}: not measured: this study did not look at it\n");
        assert!(markdown.contains(&line), "{what}");
    }
    // Nobody asked for these, which one line says; a run always has a decision table.
    let line = markdown.lines().find_map(|line| line.strip_prefix("- not looked at: ")).unwrap();
    assert_eq!(line.split("; ").count(), 15);
    assert!(line.contains("State growth (figure 9)"), "{line}");
    assert_eq!(markdown.matches("\n- figure ").count(), 1);
    let mut study = study("");
    study.growth = Part::missing("no state was recorded");
    assert!(
        crate::study::forum_markdown(&study)
            .contains("- figure 9, State growth: not measured: no state was recorded\n")
    );
}

#[test]
fn generated_blocks_are_announced_in_every_rendering() {
    let mut study = study("text");
    study.heading.source = Source { kind: SourceKind::Generated, text: "made up".into() };
    for text in [
        markdown(&study),
        crate::study::eip_markdown(&study),
        crate::study::readiness_markdown(&study),
    ] {
        assert!(text.contains("> **GENERATED BLOCKS: nothing in this study is a fact"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// The page and the three posts write a row's figures alike, whatever they are.
    #[test]
    fn a_figure_has_one_text_in_every_rendering(
        baseline in 0_i64..,
        proposal in 0_i64..,
        smaller in 0_u32..63,
        small in 0_u32..63,
    ) {
        let mut study = study("text");
        let row = &mut study.decision[0];
        (row.baseline, row.proposal) = ((baseline >> smaller).into(), (proposal >> small).into());
        row.difference = row.proposal - row.baseline;
        row.interval = Some((row.difference, row.difference));
        let shown = row.shown();
        let texts = [
            shown.value(row.baseline),
            shown.value(row.proposal),
            shown.difference(row.difference),
        ];
        let page = crate::study::html(&study);
        let posts = [
            markdown(&study),
            crate::study::eip_markdown(&study),
            crate::study::readiness_markdown(&study),
        ];
        for text in &texts {
            let cells = [format!(">{text}<"), format!(">{text} <")];
            prop_assert!(cells.iter().any(|cell| page.contains(cell)), "{}", text);
            for post in &posts {
                let post = post.replace('\\', "");
                let cell = format!("| {text} ");
                prop_assert!(post.contains(&cell), "{}", text);
            }
        }
    }
}
