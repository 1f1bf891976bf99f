//! Sections B to D: which blocks, how, and why to believe it.

use chaos_report::{inert::xml, quantity};

use super::{close, known, list, missing, open};
use crate::study::{data::Study, sections, words};

pub(super) fn scope(out: &mut String, study: &Study) {
    open(out, 'B');
    let scope = &study.scope;
    list(out, &scope.blocks);
    if scope.sample.is_empty() {
        missing(out, "Sample size", &words::not_measured("no counts were given"));
    } else {
        out.push_str("<dl class=\"ids\">");
        for (what, count) in &scope.sample {
            let count = quantity::grouped((*count).into());
            put!(out, "<dt>{}</dt><dd>{count}</dd>", xml(what));
        }
        out.push_str("</dl>\n");
    }
    out.push_str("<h3>Left out</h3>\n");
    if scope.exclusions.is_empty() {
        out.push_str("<p>No exclusion was written down.</p>\n");
    }
    list(out, &scope.exclusions);
    close(out);
}

pub(super) fn method(out: &mut String, study: &Study) {
    open(out, 'C');
    out.push_str(
        "<p>Both arms see the same random numbers, so every difference is paired. A figure tagged \
         <span class=\"tag\">re-executed</span> comes from running recorded transactions again, \
         <span class=\"tag\">fee model</span> from simulated demand, <span \
         class=\"tag\">observed</span> from the chain itself, <span class=\"tag\">arithmetic</span> \
         from the rules alone; what was <span class=\"tag\">timed</span> depends on the machine \
         and is outside the digest. Thresholds were named before the study.</p>\n",
    );
    if study.method.is_empty() {
        missing(out, "Definitions", &words::not_measured("no metric was defined"));
    } else {
        put!(
            out,
            "<details><summary>all {} metrics with formula, unit and source</summary>\n",
            study.method.len()
        );
        sections::definitions(&study.method, study).html(out);
        out.push_str("</details>\n");
    }
    close(out);
}

pub(super) fn validation(out: &mut String, study: &Study) {
    open(out, 'D');
    let validation = &study.validation;
    out.push_str("<h3>The baseline reproduces the chain</h3>\n");
    if let Some(replay) = known(out, "Re-execution", &validation.replay) {
        put!(
            out,
            "<p>Re-execution reproduces <b>{}/{}</b> header gas totals and <b>{}/{}</b> receipts \
             roots.</p>\n",
            quantity::grouped(replay.gas_matched.into()),
            quantity::grouped(replay.blocks.into()),
            quantity::grouped(replay.roots_matched.into()),
            quantity::grouped(replay.roots_comparable.into())
        );
        sections::replay(replay).html(out);
    }
    if let Some((matched, all)) = known(out, "Base-fee rule", &validation.base_fee_rule) {
        put!(
            out,
            "<p>The base-fee rule reproduces <b>{}/{}</b> observed transitions.</p>\n",
            quantity::grouped((*matched).into()),
            quantity::grouped((*all).into())
        );
    }
    out.push_str("<h3>The model against what happened</h3>\n");
    if let Some(backtests) = known(out, "Backtest", &validation.backtests) {
        for backtest in backtests {
            let held = backtest.rows.iter().filter(|row| (row.p10..=row.p90).contains(&row.actual));
            put!(
                out,
                "<p><b>{}</b>: {} <b>{}/{}</b> intervals held.</p>\n",
                xml(&backtest.what),
                xml(&words::sentence(&backtest.how)),
                held.count(),
                backtest.rows.len()
            );
            sections::backtest(backtest).html(out);
        }
    }
    out.push_str("<h3>Coverage of the intervals</h3>\n");
    if let Some(rows) = known(out, "Coverage", &validation.coverage) {
        sections::coverage(rows).html(out);
    }
    list(out, &validation.notes);
    close(out);
}
