//! Sections H to J: limits, manifest, changelog.

use chaos_report::quantity;
use maud::{Markup, html};

use super::{list, missing, part, section};
use crate::{
    proposal::Call,
    study::{
        data::{Readiness, Story, Study},
        figures::{self, Plate},
        readiness, sections, words,
    },
};

pub(super) fn limits(study: &Study, plates: &[Plate]) -> Markup {
    let not_covered = &study.reproduce.not_covered;
    section(
        'H',
        &html! {
            @if study.limits.is_empty() {
                (missing("Limits", &words::not_measured("none was written down")))
            }
            (list(&study.limits))
            @if !not_covered.is_empty() {
                p { "The command below does not cover: " (words::sentence(not_covered)) } "\n"
            }
            (not_asked(plates))
            (rollout(study))
        },
    )
}

/// What a larger study has and this one never asked for.
fn not_asked(plates: &[Plate]) -> Markup {
    let names = figures::not_asked(plates);
    html! {
        @if !names.is_empty() { p { b { "Not looked at" } ": " (names) "." } "\n" }
    }
}

fn rollout(study: &Study) -> Markup {
    let rollout = &study.rollout;
    html! {
        h3 { "Rollout and rollback" } "\n"
        @if rollout.effective.is_empty() && rollout.steps.is_empty() {
            (missing("Rollout", &words::not_measured("no plan was given")))
        } @else {
            p {
                "Takes effect: " (words::sentence(&rollout.effective))
                @if !rollout.signer.is_empty() {
                    " Signed by: " (words::sentence(&rollout.signer))
                }
            }
            "\n"
            (list(&rollout.steps))
        }
        @if !rollout.stop_conditions.is_empty() {
            p { "Stop and revert if:" } "\n"
            (list(&rollout.stop_conditions))
        }
        (calls("Payload", &rollout.payload))
        (calls("Reverting call", &rollout.rollback))
        (part(Some("Readiness"), "Readiness", &study.readiness, readiness_tables))
    }
}

fn readiness_tables(ready: &Readiness) -> Markup {
    html! {
        p {
            b { (ready.status) } ". Step " (ready.step.0) " of " (ready.step.1) ": "
            (words::sentence(&ready.plan))
        }
        "\n"
        (readiness::arithmetic(ready))
        (readiness::floors(ready))
    }
}

fn calls(title: &str, calls: &[Call]) -> Markup {
    html! {
        @for call in calls {
            h3 { (title) } "\n"
            p { code { (call.function) } " on " code { (call.target) } } "\n"
            dl.ids {
                @for (name, value) in &call.arguments { dt { (name) } dd { code { (value) } } }
                dt { "calldata" } dd { code { (call.calldata) } }
            }
            "\n"
        }
    }
}

pub(super) fn manifest(study: &Study) -> Markup {
    let reproduce = &study.reproduce;
    let disclosure = match study.disclosure.text.as_str() {
        "" => "Who paid was not disclosed.",
        text => text,
    };
    section(
        'I',
        &html! {
            @if let Some(story) = study.story.known() { (verify(story)) }
            h3 { "Reproduce" } "\n"
            pre { (reproduce.command) } "\n"
            p {
                "It ends with the digest " code { (reproduce.expected.to_string()) } "." (needs(study))
                @if let Some(bundle) = &reproduce.bundle {
                    " Who answers for it stands in " code { "bundle.json" } ", "
                    code { (bundle.to_string()) } "."
                }
            }
            "\n"
            h3 { "Files" } "\n"
            @if study.manifest.is_empty() {
                (missing("Digests", &words::not_measured("the run listed no files")))
            } @else {
                dl.ids {
                    @for (name, digest) in &study.manifest {
                        dt { (name) } dd { code { (digest.to_string()) } }
                    }
                }
                "\n"
            }
            @if !study.run.is_empty() {
                h3 { "Run" } "\n"
                dl.ids { @for (name, value) in &study.run { dt { (name) } dd { (value) } } } "\n"
            }
            h3 { "Disclosure" } "\n"
            (list(&study.disclosure.makers))
            p { (disclosure) } "\n"
        },
    )
}

/// The commands that check what the agents signed, and where their log is anchored.
fn verify(story: &Story) -> Markup {
    html! {
        h3 { "How to verify" } "\n"
        pre { (story.verify.join("\n")) } "\n"
        @if !story.anchor.is_empty() {
            h3 { "Anchor" } "\n"
            dl.ids {
                @for (name, value) in &story.anchor { dt { (name) } dd { code { (value) } } }
            }
            "\n"
        }
    }
}

/// Time and memory of the reproduction, as far as they were measured.
fn needs(study: &Study) -> String {
    let reproduce = &study.reproduce;
    let mut needs = String::new();
    if let Some(seconds) = reproduce.seconds {
        needs.push_str(&format!(" It took {}.", words::duration(seconds)));
    }
    if let Some(memory) = reproduce.memory_mib {
        needs.push_str(&format!(" It used {} MiB.", quantity::grouped(memory.into())));
    }
    if !reproduce.needs.is_empty() {
        needs.push_str(&format!(" It needs {}", words::sentence(&reproduce.needs)));
    }
    needs
}

pub(super) fn changelog(study: &Study) -> Markup {
    section(
        'J',
        &html! {
            @if study.changelog.is_empty() {
                p { "This is the first version; no figure was superseded." } "\n"
            }
            @for entry in &study.changelog {
                h3 { (entry.version) } "\n"
                p { (words::sentence(&entry.text)) } "\n"
                @if !entry.superseded.is_empty() { (sections::superseded(&entry.superseded)) }
            }
        },
    )
}
