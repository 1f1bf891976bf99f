//! Sections E to G: results, attacks, sensitivity.

use chaos_report::{inert::xml, quantity, table::Table};

use super::{Plate, close, figure, known, missing, open};
use crate::study::{
    data::{Attack, Study},
    sections, words,
};

pub(super) fn results(out: &mut String, study: &Study, plates: &[Plate]) {
    open(out, 'E');
    out.push_str("<h3>Decision table</h3>\n");
    if study.decision.is_empty() {
        missing(out, "Decision table", &words::not_measured("the run has no rows"));
    } else {
        words::rows(&study.decision, &study.interval).html(out);
        put!(
            out,
            "<p class=\"note\">Difference: proposal less baseline on the same random numbers. \
             Interval: {}. Thresholds were named before the study.</p>\n",
            xml(&study.interval)
        );
    }
    for number in 1..=3 {
        figure(out, plates, number);
    }
    out.push_str("<h3>Who gains, who loses</h3>\n");
    if study.affected.is_empty() {
        missing(out, "Groups", &words::not_measured("no group was told apart"));
    } else {
        sections::affected(&study.affected).html(out);
    }
    for number in 4..=7 {
        figure(out, plates, number);
    }
    contracts(out, study);
    for number in 8..=10 {
        figure(out, plates, number);
    }
    others(out, study);
    out.push_str("<h3>Forecast to be scored</h3>\n");
    figure(out, plates, 13);
    close(out);
}

fn contracts(out: &mut String, study: &Study) {
    out.push_str("<h3>Contracts affected most</h3>\n");
    let Some(contracts) = known(out, "Contracts", &study.contracts) else { return };
    let mut table =
        Table::new(&["contract", "#transactions", "#end differently", "#gas, ratio of sums"]);
    for contract in contracts {
        let sign = if contract.gas_change_ppm > 0 { "+" } else { "" };
        table.row(vec![
            chaos_report::table::Entry::Code(contract.name.clone()),
            quantity::grouped(contract.transactions.into()).into(),
            quantity::grouped(contract.changed.into()).into(),
            format!("{sign}{}", quantity::percent(contract.gas_change_ppm)).into(),
        ]);
    }
    table.html(out);
}

fn others(out: &mut String, study: &Study) {
    if !study.others.is_empty() {
        put!(out, "<details><summary>all other metrics ({})</summary>\n", study.others.len());
        words::rows(&study.others, &study.interval).html(out);
        out.push_str("</details>\n");
    }
    out.push_str("<h3>Under other conditions</h3>\n");
    if study.scenarios.is_empty() {
        missing(out, "Scenarios", &words::not_measured("only the study's own conditions were run"));
    }
    for scenario in &study.scenarios {
        put!(
            out,
            "<details><summary>{}</summary>\n<p>{}</p>\n",
            xml(&scenario.name),
            xml(&words::sentence(&scenario.what))
        );
        words::rows(&scenario.rows, &study.interval).html(out);
        out.push_str("</details>\n");
    }
}

pub(super) fn attacks(out: &mut String, study: &Study, plates: &[Plate]) {
    open(out, 'F');
    figure(out, plates, 12);
    if let Some(attacks) = study.attacks.known() {
        out.push_str("<div class=\"cards\">\n");
        for attack in &attacks.attacks {
            one_attack(out, attack);
        }
        out.push_str("</div>\n");
    }
    close(out);
}

fn one_attack(out: &mut String, attack: &Attack) {
    put!(
        out,
        "<article>\n<h3>{} <span class=\"tag\">{}</span></h3>\n<p>{} <small>{}</small></p>\n\
         <ul class=\"plain\">\n<li>{}: <b>{}</b></li>\n",
        xml(&attack.name),
        attack.origin.tag(),
        xml(&words::sentence(&attack.mechanism)),
        xml(&attack.source),
        xml(&attack.cost.label),
        xml(&words::before_after(&attack.cost))
    );
    for damage in &attack.damage {
        put!(
            out,
            "<li>{}: <b>{}</b></li>\n",
            xml(&damage.label),
            xml(&words::before_after(damage))
        );
    }
    for note in &attack.notes {
        put!(out, "<li>{}</li>\n", xml(&words::sentence(note)));
    }
    out.push_str("</ul>\n</article>\n");
}

pub(super) fn sensitivity(out: &mut String, study: &Study, plates: &[Plate]) {
    open(out, 'G');
    if study.assumptions.is_empty() {
        missing(out, "Assumptions", &words::not_measured("none was written down"));
    } else {
        sections::assumptions(&study.assumptions).html(out);
    }
    figure(out, plates, 11);
    figure(out, plates, 14);
    out.push_str("<h3>Combinations that no other beats</h3>\n");
    if let Some(pareto) = known(out, "Pareto table", &study.pareto) {
        sections::pareto(pareto).html(out);
    }
    close(out);
}
