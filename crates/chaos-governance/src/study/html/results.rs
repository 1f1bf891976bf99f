//! Sections E to G: results, attacks, sensitivity.

use chaos_report::{Table, quantity, table::Entry};
use maud::{Markup, html};

use super::{missing, part, plate::figure, section};
use crate::study::{
    data::{Alternative, Attack, Contract, Study, Tried},
    figures::Plate,
    sections, words,
};

pub(super) fn results(study: &Study, plates: &[Plate]) -> Markup {
    let figures = |numbers: std::ops::RangeInclusive<u8>| {
        html! { @for number in numbers { (figure(plates, number)) } }
    };
    let observed_only = study.fullness.known().is_some_and(|part| part.proposal.is_none());
    section(
        'E',
        &html! {
            (figure(plates, 15))
            (figures(1..=3))
            h3 { "Who gains, who loses" } "\n"
            @if study.affected.is_empty() {
                (missing("Groups", &words::not_measured("no group was told apart")))
            } @else {
                (sections::affected(&study.affected))
            }
            @if !observed_only { (figure(plates, 4)) }
            (figures(5..=7))
            (part(Some("Contracts affected most"), "Contracts", &study.contracts, |rows| contracts(rows)))
            (figures(8..=10))
            (others(study))
            (part(Some(words::forecast_heading(study)), "Forecast", &study.forecast, |_| figure(plates, 13)))
        },
    )
}

fn contracts(contracts: &[Contract]) -> Markup {
    let mut table =
        Table::new(&["contract", "#transactions", "#end differently", "#gas, ratio of sums"]);
    for contract in contracts {
        let sign = if contract.gas_change_ppm > 0 { "+" } else { "" };
        table.row(vec![
            Entry::Code(contract.name.clone()),
            quantity::grouped(contract.transactions.into()).into(),
            quantity::grouped(contract.changed.into()).into(),
            format!("{sign}{}", quantity::percent(contract.gas_change_ppm)).into(),
        ]);
    }
    html! { (table) }
}

fn others(study: &Study) -> Markup {
    html! {
        @if !study.others.is_empty() {
            details {
                summary { "all other metrics (" (study.others.len()) ")" } "\n"
                (words::rows(&study.others, &study.interval))
            }
            "\n"
        }
        h3 { "Under other conditions" } "\n"
        @if study.scenarios.is_empty() {
            (missing(
                "Scenarios",
                &words::not_measured("only the study's own conditions were run"),
            ))
        }
        @for scenario in &study.scenarios {
            details {
                summary { (scenario.name) } "\n"
                p { (words::sentence(&scenario.what)) } "\n"
                (words::rows(&scenario.rows, &study.interval))
            }
            "\n"
        }
    }
}

pub(super) fn attacks(study: &Study, plates: &[Plate]) -> Markup {
    section(
        'F',
        &html! {
            (figure(plates, 12))
            @if let Some(attacks) = study.attacks.known() {
                div.cards { @for attack in &attacks.attacks { (one_attack(attack)) } } "\n"
            }
        },
    )
}

fn one_attack(attack: &Attack) -> Markup {
    let measures = std::iter::once(&attack.cost).chain(&attack.damage);
    html! {
        article {
            h3 { (attack.name) " " span.tag { (attack.origin.tag()) } } "\n"
            p { (words::sentence(&attack.mechanism)) " " small { (attack.source) } } "\n"
            ul.plain {
                @for measure in measures {
                    li { (measure.label) ": " b { (words::before_after(measure)) } } "\n"
                }
                @for note in &attack.notes { li { (words::sentence(note)) } "\n" }
            }
        }
        "\n"
    }
}

pub(super) fn sensitivity(study: &Study, plates: &[Plate]) -> Markup {
    section(
        'G',
        &html! {
            @if study.assumptions.is_empty() {
                (missing("Assumptions", &words::not_measured("none was written down")))
            } @else {
                (sections::assumptions(&study.assumptions))
            }
            (figure(plates, 11))
            (figure(plates, 16))
            (figure(plates, 14))
            (tried(&study.tried))
            (alternatives(&study.alternatives))
            (part(
                Some("Combinations that no other beats"),
                "Pareto table",
                &study.pareto,
                |pareto| html! { (sections::pareto(pareto)) },
            ))
        },
    )
}

fn tried(values: &[Tried]) -> Markup {
    html! {
        @if !values.is_empty() {
            h3 { "Values that were tried" } "\n"
            ol.plain {
                @for tried in values {
                    li {
                        b { (tried.value) } " \u{2013} " (tried.decision) " "
                        code title=(tried.result.to_string()) { "result " (tried.result.short()) }
                        @if let Some(receipt) = tried.receipt {
                            " " code title=(receipt.to_string()) { "receipt " (receipt.short()) }
                        }
                    }
                    "\n"
                }
            }
            "\n"
        }
    }
}

fn alternatives(alternatives: &[Alternative]) -> Markup {
    html! {
        @if !alternatives.is_empty() {
            h3 { "Alternatives considered" } "\n"
            ul.plain {
                @for Alternative { name, text, rows, .. } in alternatives {
                    li {
                        b { (name) }
                        @if let Some(row) = rows.iter().find(|row| row.threshold.is_some()) {
                            " (" (row.label) " " (words::changed(row)) ")"
                        }
                        ": " (words::sentence(text))
                    }
                    "\n"
                }
            }
            "\n"
        }
    }
}
