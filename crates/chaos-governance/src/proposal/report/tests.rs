use std::collections::BTreeSet;

use super::*;
use crate::{
    fixture::{HOSTILE, context, facts, parameters, proposal, simulation},
    study::{data::SourceKind, html},
};

fn run(text: &str) -> Run {
    let digest = Digest::of(b"receipt");
    Run {
        steps: vec![Step {
            kind: text.into(),
            agent: text.into(),
            receipt: Some(digest),
            text: text.into(),
        }],
        replay: Replay { blocks: 60, gas_matched: 59, ..Replay::default() },
        limits: vec![text.into()],
        manifest: vec![(text.into(), digest)],
        verify: vec![text.into()],
        anchor: vec![(text.into(), text.into())],
    }
}

fn rendered_with(run: Run, text: &str) -> String {
    let series = simulation(parameters()).series;
    let source = Source { kind: SourceKind::Generated, text: text.into() };
    let shown = Shown { series: &series, observed: &facts(), elasticity: 2, source: &source };
    html(&run.around(study(&proposal(&context(text)), &shown)))
}

fn rendered(text: &str) -> String {
    rendered_with(run(text), text)
}

/// The tags of a document with their attributes, in order.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest)).collect()
}

#[test]
fn hostile_text_adds_no_tag_and_no_attribute() {
    let names = |html: &str| {
        let of = |tag: &str| tag.split(' ').next().unwrap_or("").to_owned();
        tags(html).into_iter().map(of).collect::<Vec<_>>()
    };
    let (plain, hostile) = (rendered("text"), rendered(HOSTILE));
    assert_eq!(names(&hostile), names(&plain));
    assert!(!hostile.contains(['\u{202e}', '\u{1b}']));
    assert!(tags(&hostile).iter().all(|tag| !tag.contains("onerror")));
}

#[test]
fn report_stands_alone() {
    let html = rendered("text");
    for word in ["<script", "<link", "<iframe", "<img", "src=", "@import", "url("] {
        assert!(!html.contains(word), "{word}");
    }
    assert!(html.contains("default-src 'none'"));
    let links: Vec<&str> = html.split("href=\"").skip(1).collect();
    assert!(links.iter().all(|link| link.starts_with('#')), "links stay in the page");
}

#[test]
fn every_tag_that_opens_closes() {
    const VOID: [&str; 3] = ["!DOCTYPE", "meta", "br"];
    let html = rendered("text");
    let mut open: Vec<&str> = Vec::new();
    for tag in tags(&html) {
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap_or("");
        if VOID.contains(&name) || tag.ends_with('/') {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn identifiers_are_unique() {
    let html = rendered("text");
    let ids: Vec<&str> =
        html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

#[test]
fn validation_states_how_many_blocks_agree() {
    let html = rendered("text");
    assert!(html.contains("Re-execution reproduces <b>59/60</b> header gas totals"));
    let headers_only = Run { replay: Replay::default(), ..run("text") };
    let html = rendered_with(headers_only, "text");
    assert!(html.contains("<b>Re-execution</b> not measured: only headers were read."));
}

#[test]
fn nothing_of_the_run_is_lost() {
    let html = rendered("text");
    let receipt = Digest::of(b"receipt");
    for part in [
        "GENERATED BLOCKS",
        "Governance proposal for",
        "What the agents did",
        &format!("<code title=\"{receipt}\">receipt {}</code>", receipt.short()),
        "How to verify",
        "Anchor",
        "The model&#39;s baseline beside the observed blocks",
        "Values that were tried",
        "Weakest assumption: price elasticity of demand",
        "decides by: text",
        "Not looked at",
        "<dt>policy</dt>",
    ] {
        assert!(html.contains(&part.replace("&#39;", "'")), "{part}");
    }
    assert!(!html.contains("id=\"figure-3\""), "what nobody asked for has no box");
    assert!(!html.contains("id=\"f\""), "and no section");
}
