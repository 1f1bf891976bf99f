use std::collections::BTreeSet;

use super::*;
use crate::{
    fixture::{HOSTILE, context, facts, parameters, proposal, simulation},
    plot,
};

fn run(text: &str) -> Run {
    let digest = Digest::of(b"receipt");
    Run {
        source: text.into(),
        timeline: vec![Step {
            step: text.into(),
            agent: text.into(),
            receipt: Some(digest),
            text: text.into(),
        }],
        validation: Validation { blocks_replayed: 60, gas_matched: 59, ..Validation::default() },
        limits: vec![text.into()],
        manifest: vec![(text.into(), digest)],
        verify: vec![text.into()],
        anchor: vec![(text.into(), text.into())],
    }
}

fn rendered(text: &str) -> String {
    let proposal = proposal(&context(text));
    let figures = plot::figures(&proposal, &simulation(parameters()).series, &facts(), 2);
    render(&proposal, &figures, &run(text))
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
    for word in ["<script", "<link", "<iframe", "<img", "src=", "href=", "@import", "url("] {
        assert!(!html.contains(word), "{word}");
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn every_tag_that_opens_closes() {
    const VOID: [&str; 6] = ["!doctype", "meta", "line", "rect", "circle", "br"];
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
    assert!(html.contains("<b>59/60</b> blocks: the replay uses exactly the header"));
    let proposal = proposal(&context("text"));
    let headers_only = Run { validation: Validation::default(), ..run("text") };
    assert!(render(&proposal, &[], &headers_only).contains("No block was re-executed"));
}
