//! The report: one HTML file that stands alone.
//!
//! The frame, the styles and the escaping of every text by its type are those of
//! [`chaos_report::page()`].

use chaos_report::Standing;
use maud::{Markup, html};

use super::{
    data::{Kind, Part, Study},
    figures::{Plate, plates},
    words,
};

mod evidence;
mod plate;
mod record;
mod results;
mod story;

/// The sections in their order: letter and name.
const SECTIONS: [(char, &str); 11] = [
    ('A', "Verdict"),
    ('B', "Scope"),
    ('C', "Method"),
    ('D', "Validation"),
    ('E', "Results"),
    ('F', "Attacks"),
    ('G', "Sensitivity"),
    ('H', "Limits"),
    ('I', "Manifest"),
    ('J', "Changelog"),
    ('K', "What the agents did"),
];

/// Renders the whole report.
///
/// The same study gives the same bytes on every machine.
#[must_use]
pub fn render(study: &Study) -> String {
    let plates = plates(study);
    let body = html! {
        (verdict(study))
        (contents(study, &plates))
        (evidence::scope(study, &plates))
        (evidence::method(study))
        (evidence::validation(study))
        (results::results(study, &plates))
        @if is_shown(study, 'F') { (results::attacks(study, &plates)) }
        (results::sensitivity(study, &plates))
        (record::limits(study, &plates))
        (record::manifest(study))
        (record::changelog(study))
        @if let Part::Known(story) = &study.story { (story::section_of(story)) }
    };
    chaos_report::page(&study.heading.title, &body)
}

/// Whether the study has the section; one that it never asked for is left out.
const fn is_shown(study: &Study, letter: char) -> bool {
    match letter {
        'F' => study.attacks.is_asked(),
        'K' => study.story.is_asked(),
        _ => true,
    }
}

fn verdict(study: &Study) -> Markup {
    let heading = &study.heading;
    let (standing, tally) = words::tally_text(study);
    let mark = match standing {
        Standing::Met => "\u{2713}",
        Standing::Missed => "\u{2715}",
        Standing::Undecided => "?",
        Standing::NotJudged => "\u{2013}",
    };
    let over = match heading.kind {
        Kind::Study => "Parameter study of",
        Kind::Proposal => "Governance proposal for",
    };
    html! {
        @if let Some(warning) = words::warning(&heading.source) {
            p.warn role="alert" { (warning) "." } "\n"
        }
        header {
            p.over { (over) " " code { (heading.chain) } } "\n"
            h1 { (heading.title) } "\n"
            p { (heading.question) }
        }
        "\n"
        section #a class={ "verdict " (standing.class()) } aria-label="Verdict" {
            p.mark { (mark) " " (tally) } "\n"
            @for change in &heading.changes {
                p.change { (words::change_of(change)) " " small { (change.source) } } "\n"
            }
            (decision(study))
            ul {
                @for sentence in &study.verdict { li { (words::sentence(sentence)) } "\n" }
                @if !heading.if_nothing_is_done.is_empty() {
                    li { "If nothing is done: " (words::sentence(&heading.if_nothing_is_done)) }
                }
            }
            dl.ids {
                @for change in &heading.changes {
                    dt { "takes effect" }
                    dd {
                        @if heading.changes.len() > 1 { (change.name) ": " }
                        (change.takes_effect)
                    }
                }
                dt { "blocks" } dd { (heading.source.text) }
                dt { "evidence" } dd { (heading.evidence) }
                dt { "origins" } dd { (origins(study)) }
                dt { "result" } dd { code { (heading.result.to_string()) } }
                @for (name, digest) in &heading.identities {
                    dt { (name) } dd { code { (digest.to_string()) } }
                }
            }
        }
        "\n"
    }
}

/// The rows that decide; they stand before everything that explains them.
fn decision(study: &Study) -> Markup {
    html! {
        @if study.decision.is_empty() {
            (missing("Decision table", &words::not_measured("the run has no rows")))
        } @else {
            (words::rows(&study.decision, &study.interval))
            p.note {
                "Difference: proposal less baseline on the same random numbers, below it its interval ("
                (study.interval) "). Thresholds were named before the study."
            }
            "\n"
        }
    }
}

/// How many rows of the decision table come from where.
fn origins(study: &Study) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for row in &study.decision {
        let tag = row.origin.tag();
        match counts.iter_mut().find(|(known, _)| *known == tag) {
            Some((_, count)) => *count += 1,
            None => counts.push((tag, 1)),
        }
    }
    if counts.is_empty() {
        return "no row in the decision table".to_owned();
    }
    let parts: Vec<String> =
        counts.into_iter().map(|(tag, count)| format!("{count} {tag}")).collect();
    format!("decision table: {}; every other figure carries its own tag", parts.join(", "))
}

fn contents(study: &Study, plates: &[Plate]) -> Markup {
    let sections = SECTIONS.into_iter().filter(|(letter, _)| is_shown(study, *letter));
    html! {
        nav.toc aria-label="Contents" {
            ol {
                @for (letter, name) in sections {
                    li { a href={ "#" (id(letter)) } { (letter) ". " (name) } } "\n"
                }
            }
            ol {
                @for plate in plates.iter().filter(|plate| plate.asked) {
                    li {
                        a href={ "#figure-" (plate.number) } {
                            "Figure " (plate.number) ". " (plate.what)
                        }
                        @if plate.shown.is_err() { " (not measured)" }
                    }
                    "\n"
                }
            }
        }
        "\n"
    }
}

const fn id(letter: char) -> char {
    letter.to_ascii_lowercase()
}

/// A section of the outline.
fn section(letter: char, content: &Markup) -> Markup {
    let name = SECTIONS.iter().find(|(known, _)| *known == letter).map_or("", |(_, name)| name);
    html! {
        section id=(id(letter)) {
            h2 { span.key { (letter) } " " (name) } "\n"
            (content)
        }
        "\n"
    }
}

/// Sentences as a list; nothing if there are none.
fn list(sentences: &[String]) -> Markup {
    html! {
        @if !sentences.is_empty() {
            ul.plain {
                @for sentence in sentences { li { (words::sentence(sentence)) } "\n" }
            }
            "\n"
        }
    }
}

/// What stands where a part was not measured.
fn missing(what: &str, reason: &str) -> Markup {
    html! { p.missing { b { (what) } " " (reason) "." } "\n" }
}

/// A part under its heading: shown, or said to be missing with the reason; nothing at all if the
/// study never asked for it.
fn part<T>(
    heading: Option<&str>,
    what: &str,
    part: &Part<T>,
    show: impl FnOnce(&T) -> Markup,
) -> Markup {
    html! {
        @if part.is_asked() {
            @if let Some(heading) = heading { h3 { (heading) } "\n" }
            @match words::known(part) {
                Ok(part) => { (show(part)) },
                Err(reason) => { (missing(what, &reason)) },
            }
        }
    }
}

#[cfg(test)]
mod tests;
