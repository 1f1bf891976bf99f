use chaos_governance::{
    Metric,
    opportunity::Rule,
    proposal::report,
    refine::Decision,
    study::{
        self,
        data::{Replay, Source, SourceKind, Step},
    },
};

use crate::support::{context, fee_history, refined, run};

// The expected figures are those of the data's own description, computed there independently in
// floating point: mean use 51.6 % of the limit, 23.3 % of blocks at 99 % or more, 46.7 % above
// target, lag-1 autocorrelation -0.41, standard deviation of the log base-fee change 0.089, median
// base fee 40 gwei, peak 798 gwei.
#[test]
fn metrics_of_the_fee_history_are_those_of_its_description() {
    let Some(history) = fee_history() else { return };
    let run = run(&history, |o| o.rule == Rule::Congestion, &context(), 2);
    let check = |metric: Metric, low: i128, high: i128| {
        let value = run.metrics.get(metric).unwrap();
        assert!((low..high).contains(&value), "{} = {value}", metric.name());
    };
    assert_eq!(run.metrics.blocks, 35_000);
    check(Metric::UtilisationMean, 515_500, 516_500);
    check(Metric::BlocksFull, 232_500, 233_500);
    check(Metric::BlocksAboveTarget, 466_500, 467_500);
    check(Metric::UtilisationAutocorrelation, -420_000, -405_000);
    check(Metric::BaseFeeVolatility, 88_500, 89_500);
    check(Metric::BaseFeeMedian, 39_500_000_000, 40_500_000_000);
    check(Metric::BaseFeeMax, 798_000_000_000, 799_000_000_000);
    assert_eq!(run.metrics.values[&Metric::BaseFeeVolatility].n, 34_999);
}

#[test]
fn congestion_of_the_fee_history_ends_in_a_proposal_that_meets_the_policy() {
    let Some(history) = fee_history() else { return };
    let run = run(&history, |o| o.rule == Rule::Congestion, &context(), 2);
    assert_eq!(run.outcome.last().decision, Decision::Finalise);
    let judged = run.proposal.content().decision_table.iter();
    assert!(judged.filter_map(|row| row.verdict.as_ref()).all(|v| v.standing == "met"));
    assert!(!run.proposal.content().backtest.is_empty());
}

/// A slower base fee calms the chain, but users who wait give up before it has answered.
#[test]
fn oscillation_of_the_fee_history_is_given_up_for_the_demand_that_a_slower_fee_drops() {
    let Some(history) = fee_history() else { return };
    let outcome = refined(&history, |o| o.rule == Rule::Oscillation);
    let Decision::GiveUp(reason) = &outcome.last().decision else {
        panic!("expected it to be given up");
    };
    let reason = reason.to_string();
    assert!(reason.contains("base-fee volatility changes by"), "{reason}");
    assert!(reason.contains("breaks (demand never served"), "{reason}");
}

#[test]
fn proposal_figures_and_report_are_the_same_bytes_with_one_and_two_threads() {
    let Some(history) = fee_history() else { return };
    let documents = |threads| {
        let run = run(&history, |o| o.rule == Rule::Congestion, &context(), threads);
        let source = Source {
            kind: SourceKind::Recorded,
            text: "35,000 recorded Ethereum mainnet headers".into(),
        };
        let shown = report::Shown {
            series: &run.series,
            observed: &run.facts,
            elasticity: 2,
            source: &source,
        };
        let around = report::Run {
            steps: vec![Step {
                kind: "simulate".into(),
                agent: "Ada, researcher".into(),
                receipt: Some(run.proposal.id()),
                text: "simulated the change".into(),
            }],
            replay: Replay::default(),
            limits: vec!["worst-case blocks are not searched for".into()],
            manifest: vec![("proposal.json".into(), run.proposal.id())],
            verify: vec!["chaoschain verify bundles/*.json".into()],
            anchor: vec![],
        };
        let study = around.around(report::study(&run.proposal, &shown));
        let (figures, report) = (study::figures(&study), study::html(&study));
        let markdown = study::forum_markdown(&study);
        write_if_asked(&markdown, &figures, &report);
        (run.proposal.to_json().unwrap(), markdown, figures, report)
    };
    assert_eq!(documents(1), documents(2));
}

/// `CHAOS_GOVERNANCE_OUT=DIR` keeps the documents, to be looked at.
fn write_if_asked(markdown: &str, figures: &[chaos_report::Figure], report: &str) {
    let Some(directory) = std::env::var_os("CHAOS_GOVERNANCE_OUT") else { return };
    let directory = std::path::PathBuf::from(directory);
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("proposal.md"), markdown).unwrap();
    std::fs::write(directory.join("report.html"), report).unwrap();
    for figure in figures {
        std::fs::write(directory.join(format!("{}.svg", figure.name)), figure.svg()).unwrap();
    }
}
