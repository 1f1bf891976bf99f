//! Sections B to D: which blocks, how, and why to believe it.

use chaos_report::quantity;
use maud::{Markup, html};

use super::{list, missing, part, plate::figure, section};
use crate::study::{
    data::{Backtest, Replay, Study},
    figures::Plate,
    sections, words,
};

pub(super) fn scope(study: &Study, plates: &[Plate]) -> Markup {
    let scope = &study.scope;
    section(
        'B',
        &html! {
            (list(&scope.blocks))
            @if scope.sample.is_empty() {
                (missing("Sample size", &words::not_measured("no counts were given")))
            } @else {
                dl.ids {
                    @for (what, count) in &scope.sample {
                        dt { (what) } dd { (quantity::grouped((*count).into())) }
                    }
                }
                "\n"
            }
            @if study.fullness.known().is_some_and(|fullness| fullness.proposal.is_none()) {
                (figure(plates, 4))
            }
            h3 { "Left out" } "\n"
            @if scope.exclusions.is_empty() { p { "No exclusion was written down." } "\n" }
            (list(&scope.exclusions))
        },
    )
}

pub(super) fn method(study: &Study) -> Markup {
    let tag = |name: &str| html! { span.tag { (name) } };
    section(
        'C',
        &html! {
            p {
                "Both arms see the same random numbers, so every difference is paired. A figure tagged "
                (tag("re-executed")) " comes from running recorded transactions again, "
                (tag("fee model")) " from simulated demand, " (tag("observed"))
                " from the chain itself, " (tag("arithmetic")) " from the rules alone; what was "
                (tag("timed")) " depends on the machine and is outside the digest. Thresholds were \
                 named before the study."
            }
            "\n"
            @if study.method.is_empty() {
                (missing("Definitions", &words::not_measured("no metric was defined")))
            } @else {
                details {
                    summary {
                        "all " (study.method.len()) " metrics with formula, unit and source"
                    }
                    "\n"
                    (sections::definitions(&study.method, study))
                }
                "\n"
            }
        },
    )
}

pub(super) fn validation(study: &Study) -> Markup {
    let validation = &study.validation;
    section(
        'D',
        &html! {
            (part(Some("The baseline reproduces the chain"), "Re-execution", &validation.replay, replay))
            (part(None, "Base-fee rule", &validation.base_fee_rule, |(matched, all)| html! {
                p {
                    "The base-fee rule reproduces "
                    b { (quantity::grouped((*matched).into())) "/" (quantity::grouped((*all).into())) }
                    " observed transitions."
                }
                "\n"
            }))
            (part(Some("The model's baseline beside the observed blocks"), "Model", &validation.model,
                |rows| html! { (sections::model(rows)) }))
            (part(Some("The model against what happened"), "Backtest", &validation.backtests,
                |backtests| html! { @for one in backtests { (backtest(one)) } }))
            (part(Some("Coverage of the intervals"), "Coverage", &validation.coverage,
                |rows| html! { (sections::coverage(rows)) }))
            (list(&validation.notes))
        },
    )
}

fn replay(replay: &Replay) -> Markup {
    let of = |found: u64, all: u64| {
        format!("{}/{}", quantity::grouped(found.into()), quantity::grouped(all.into()))
    };
    html! {
        p {
            "Re-execution reproduces " b { (of(replay.gas_matched, replay.blocks)) }
            " header gas totals and " b { (of(replay.roots_matched, replay.roots_comparable)) }
            " receipts roots."
        }
        "\n"
        (sections::replay(replay))
    }
}

fn backtest(backtest: &Backtest) -> Markup {
    let held = backtest.rows.iter().filter(|row| (row.p10..=row.p90).contains(&row.actual));
    html! {
        p {
            b { (backtest.what) } ": " (words::sentence(&backtest.how)) " "
            b { (held.count()) "/" (backtest.rows.len()) } " intervals held."
        }
        "\n"
        (sections::backtest(backtest))
    }
}
