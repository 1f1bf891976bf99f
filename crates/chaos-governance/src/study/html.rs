//! The report: one HTML file that stands alone.
//!
//! Styles and figures are inside, there is no script, and the content security policy forbids
//! loading anything. Every text from outside is escaped.

use chaos_report::inert::xml;

use super::{
    data::{Origin, Part, Standing, Study},
    figures::{Plate, plates},
    words,
};

mod evidence;
mod record;
mod results;

const STYLE: &str = include_str!("../report/style.css");
const STYLE_OF_STUDIES: &str = include_str!("style.css");

/// The sections in their order: letter and name.
const SECTIONS: [(char, &str); 10] = [
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
];

/// Renders the whole report.
///
/// The same study gives the same bytes on every machine.
#[must_use]
pub fn render(study: &Study) -> String {
    let plates = plates(study);
    let mut out = String::with_capacity(256 << 10);
    head(&mut out, study);
    verdict(&mut out, study);
    contents(&mut out, &plates);
    evidence::scope(&mut out, study);
    evidence::method(&mut out, study);
    evidence::validation(&mut out, study);
    results::results(&mut out, study, &plates);
    results::attacks(&mut out, study, &plates);
    results::sensitivity(&mut out, study, &plates);
    record::limits(&mut out, study);
    record::manifest(&mut out, study);
    record::changelog(&mut out, study);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn head(out: &mut String, study: &Study) {
    put!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>\n{STYLE}{STYLE_OF_STUDIES}</style>\n</head>\n<body>\n<main>\n",
        xml(&study.heading.title)
    );
}

fn verdict(out: &mut String, study: &Study) {
    let heading = &study.heading;
    if let Some(warning) = words::warning(&heading.source) {
        put!(out, "<p class=\"warn\" role=\"alert\">{warning}.</p>\n");
    }
    put!(
        out,
        "<header>\n<p class=\"over\">Parameter study of <code>{}</code></p>\n<h1>{}</h1>\n\
         <p>{}</p>\n</header>\n",
        xml(&heading.chain),
        xml(&heading.title),
        xml(&heading.question)
    );
    let (standing, tally) = words::tally_text(study);
    let (class, mark) = match standing {
        Standing::Met => ("ok", "\u{2713}"),
        Standing::Missed => ("no", "\u{2715}"),
        Standing::Undecided => ("may", "?"),
    };
    put!(
        out,
        "<section id=\"a\" class=\"verdict {class}\" aria-label=\"Verdict\">\n\
         <p class=\"mark\">{mark} {}</p>\n<ul>\n",
        xml(&tally)
    );
    for sentence in &study.verdict {
        put!(out, "<li>{}</li>\n", xml(&words::sentence(sentence)));
    }
    out.push_str("</ul>\n<dl class=\"ids\">");
    for change in &heading.changes {
        put!(
            out,
            "<dt>change</dt><dd><b>{}</b>, {} <small>{}</small></dd>",
            xml(&words::change_of(change)),
            xml(&change.takes_effect),
            xml(&change.source)
        );
    }
    put!(
        out,
        "<dt>blocks</dt><dd>{}</dd><dt>evidence</dt><dd>{}</dd><dt>origins</dt><dd>{}</dd>\
         <dt>result</dt><dd><code>{}</code></dd></dl>\n</section>\n",
        xml(&heading.source.text),
        xml(&heading.evidence),
        xml(&origins(study)),
        heading.result
    );
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

fn contents(out: &mut String, plates: &[Plate]) {
    out.push_str("<nav class=\"toc\" aria-label=\"Contents\">\n<ol>\n");
    for (letter, name) in SECTIONS {
        put!(out, "<li><a href=\"#{}\">{letter}. {name}</a></li>\n", letter.to_ascii_lowercase());
    }
    out.push_str("</ol>\n<ol>\n");
    for plate in plates {
        let absent = if plate.shown.is_ok() { "" } else { " (not measured)" };
        put!(
            out,
            "<li><a href=\"#figure-{0}\">Figure {0}. {1}</a>{absent}</li>\n",
            plate.number,
            plate.what
        );
    }
    out.push_str("</ol>\n</nav>\n");
}

/// Opens a section of the outline; the caller closes it.
fn open(out: &mut String, letter: char) {
    let name = SECTIONS.iter().find(|(known, _)| *known == letter).map_or("", |(_, name)| name);
    let id = letter.to_ascii_lowercase();
    put!(out, "<section id=\"{id}\">\n<h2><span class=\"key\">{letter}</span> {name}</h2>\n");
}

fn close(out: &mut String) {
    out.push_str("</section>\n");
}

/// Sentences as a list; nothing if there are none.
fn list(out: &mut String, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    out.push_str("<ul class=\"plain\">\n");
    for sentence in sentences {
        put!(out, "<li>{}</li>\n", xml(&words::sentence(sentence)));
    }
    out.push_str("</ul>\n");
}

/// What stands where a part was not measured.
fn missing(out: &mut String, what: &str, reason: &str) {
    put!(out, "<p class=\"missing\"><b>{}</b> {}.</p>\n", xml(what), xml(reason));
}

/// The part, or the paragraph that says why there is none.
fn known<'a, T>(out: &mut String, what: &str, part: &'a Part<T>) -> Option<&'a T> {
    match words::known(part) {
        Ok(part) => Some(part),
        Err(reason) => {
            missing(out, what, &reason);
            None
        }
    }
}

/// A figure with its number, caption, origin and table; its SVG comes from this crate's own plots,
/// which escape their texts.
fn figure(out: &mut String, plates: &[Plate], number: u8) {
    let Some(plate) = plates.iter().find(|plate| plate.number == number) else { return };
    let tag = plate.origin.map_or("origin of each row in the table", Origin::tag);
    match &plate.shown {
        Err(reason) => put!(
            out,
            "<figure id=\"figure-{number}\" class=\"missing\">\n<figcaption><b>Figure {number}.</b> \
             {} \u{2013} {}.</figcaption>\n</figure>\n",
            plate.what,
            xml(reason)
        ),
        Ok(shown) => {
            put!(out, "<figure id=\"figure-{number}\">\n");
            for figure in &shown.figures {
                out.push_str(&figure.svg);
            }
            put!(
                out,
                "<figcaption><p><b>Figure {number}.</b> {}. <span class=\"tag\">{tag}</span></p>\
                 <p class=\"note\">{}</p>",
                plate.what,
                plate.reading
            );
            if !shown.note.is_empty() {
                put!(out, "<p class=\"note\">{}</p>", xml(&shown.note));
            }
            out.push_str("</figcaption>\n");
            if !shown.table.is_empty() {
                // A figure without a drawing has its data in plain sight.
                let opened = if shown.figures.is_empty() { " open" } else { "" };
                put!(out, "<details{opened}><summary>the same as a table</summary>\n");
                shown.table.html(out);
                out.push_str("</details>\n");
            }
            out.push_str("</figure>\n");
        }
    }
}

#[cfg(test)]
mod tests;
