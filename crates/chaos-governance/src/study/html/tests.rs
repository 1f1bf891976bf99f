use std::collections::BTreeSet;

use super::*;
use crate::study::{
    data::{Source, SourceKind},
    fixture::{HOSTILE, bare, study},
};

/// The tags of a document with their attributes, in order.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest)).collect()
}

fn names(html: &str) -> Vec<String> {
    tags(html).into_iter().map(|tag| tag.split(' ').next().unwrap_or("").to_owned()).collect()
}

#[test]
fn hostile_text_adds_no_tag_and_no_attribute() {
    let (plain, hostile) = (render(&study("text")), render(&study(HOSTILE)));
    // Labels of a chart may move, so drawings are compared by kind and not by order.
    let sorted = |html: &str| {
        let mut names = names(html);
        names.retain(|name| !["line", "/line"].contains(&name.as_str()));
        names.sort();
        names
    };
    assert_eq!(sorted(&hostile), sorted(&plain));
    assert!(!hostile.contains(['\u{202e}', '\u{1b}']));
    assert!(tags(&hostile).iter().all(|tag| !tag.contains("onerror=\"")));
}

#[test]
fn report_stands_alone() {
    let html = render(&study(HOSTILE));
    for word in ["<script", "<link", "<iframe", "<img", " src=\"", "@import", "url("] {
        assert!(!html.contains(word), "{word}");
    }
    assert!(html.contains("default-src 'none'; style-src 'unsafe-inline'"));
    let links: Vec<&str> = html.split("href=\"").skip(1).collect();
    assert!(links.iter().all(|link| link.starts_with('#')), "links stay in the page");
}

#[test]
fn every_tag_that_opens_closes() {
    const VOID: [&str; 3] = ["!DOCTYPE", "meta", "br"];
    for html in [render(&study("text")), render(&bare())] {
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
}

#[test]
fn identifiers_are_unique_and_every_link_has_its_target() {
    for html in [render(&study("text")), render(&bare())] {
        let ids: Vec<&str> =
            html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len());
        for link in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(unique.contains(link), "{link}");
        }
    }
}

#[test]
fn sections_follow_the_outline_and_all_figures_stand_in_them() {
    for study in [study("text"), bare()] {
        let html = render(&study);
        let places: Vec<usize> = SECTIONS
            .iter()
            .filter(|(letter, _)| is_shown(&study, *letter))
            .map(|(letter, _)| {
                html.find(&format!("<section id=\"{}\"", letter.to_ascii_lowercase())).unwrap()
            })
            .collect();
        assert!(places.is_sorted(), "A to K in order");
        for plate in plates(&study) {
            let shown = html.matches(&format!(" id=\"figure-{}\"", plate.number)).count();
            assert_eq!(shown, usize::from(plate.asked), "figure {}", plate.number);
            let named = format!("{} (figure {})", plate.what, plate.number);
            assert_eq!(html.contains(&named), !plate.asked, "{named}");
        }
        let validation = html.find("<section id=\"d\"").unwrap();
        assert!(validation < html.find("<section id=\"e\"").unwrap(), "validation before results");
    }
}

#[test]
fn what_was_not_measured_is_said_with_its_reason() {
    let mut study = study("text");
    study.worst_blocks = Part::missing("no fixture fits this fork");
    study.validation.backtests = Part::missing("no past change in these blocks");
    let html = render(&study);
    assert!(html.contains("Worst block: execution time, bytes, state written \u{2013} not measured: no fixture fits this fork."));
    assert!(html.contains("<b>Backtest</b> not measured: no past change in these blocks."));
    assert!(html.contains("(not measured)</li>"), "the contents say so too");
    let bare = render(&bare());
    assert!(bare.matches("not measured").count() >= 5);
    assert!(bare.contains("<b>Not looked at</b>: Fees over blocks"), "and nothing is passed over");
}

#[test]
fn generated_blocks_are_announced_before_anything_else() {
    let mut study = study("text");
    assert!(!render(&study).contains("role=\"alert\""));
    study.heading.source = Source { kind: SourceKind::Generated, text: "made up".into() };
    let html = render(&study);
    let alert = html.find("GENERATED BLOCKS: nothing in this study is a fact").unwrap();
    assert!(alert < html.find("<h1>").unwrap());
}

#[test]
fn the_decision_stands_before_everything_that_explains_it() {
    let study = study("text");
    let html = render(&study);
    let rows = html.find(&format!("<th scope=\"row\">{}", study.decision[0].label)).unwrap();
    let change = html.find("class=\"change\"").unwrap();
    assert!(html.find("<section id=\"a\"").unwrap() < change && change < rows);
    assert!(rows < html.find("<nav").unwrap(), "contents, scope, method and the rest come after");
}

#[test]
fn validation_states_how_many_facts_agree() {
    let html = render(&study("text"));
    assert!(html.contains("reproduces <b>60/60</b> header gas totals and <b>52/52</b> receipts"));
    assert!(html.contains("reproduces <b>34,999/34,999</b> observed transitions"));
    assert!(html.contains("<b>2/3</b> intervals held"));
    assert!(html.contains("no trial"), "a coverage without trials has no share");
}

#[test]
fn missed_requirement_decides_the_verdict() {
    let mut study = study("text");
    assert!(render(&study).contains("? 5 of 6 requirements met, 1 undecided"));
    study.decision[0].threshold.as_mut().unwrap().standing = Standing::Missed;
    let html = render(&study);
    assert!(html.contains("class=\"verdict no\""));
    assert!(html.contains("4 of 6 requirements met, 1 missed, 1 undecided"));
    study.decision.clear();
    assert!(render(&study).contains("no requirement was named in advance"));
}

#[test]
fn superseded_figures_are_kept() {
    let html = render(&study("text"));
    assert!(html.contains("gas change, ratio of sums"));
    assert!(html.contains("+0.9 %"));
    assert!(render(&bare()).contains("no figure was superseded"));
}

#[test]
fn same_study_gives_the_same_bytes() {
    assert_eq!(render(&study("text")), render(&study("text")));
}
