//! The two fee-market models on a small study.

use super::*;
use chaos_simulation::flow::Demand;

fn run_all(study: &Study, count: usize) -> Vec<CellResult> {
    let observed = sparse();
    let (baseline, material) = (baseline(study), material(&observed));
    let run = |cell: &Cell| run_cell(study, &baseline, cell, &material, threads(count)).unwrap();
    study.cells(&baseline).unwrap().iter().map(run).collect()
}

/// Half the gas limit is dearer on every path, so that its first paths miss the threshold.
fn screening(screen_paths: u32) -> Study {
    small_with("screen_paths = 0", &format!("screen_paths = {screen_paths}"))
}

#[test]
fn screening_gives_cells_up_and_changes_no_figure_of_the_others() {
    let (all, screened) = (run_all(&screening(0), 1), run_all(&screening(2), 1));
    assert!(all.iter().all(|cell| cell.standing == Standing::Completed && cell.paths == 6));
    let standings: Vec<bool> =
        screened.iter().map(|cell| cell.standing == Standing::Completed).collect();
    assert_eq!(standings, [true, false, true, true], "proposal, 15, 45 Mgas, no change");
    for (whole, cell) in all.iter().zip(&screened) {
        if cell.standing == Standing::Completed {
            assert_eq!(*cell, CellResult { key: cell.key, ..whole.clone() });
            continue;
        }
        let metric = "base_fee_median".to_owned();
        assert_eq!(cell.standing, Standing::Stopped { after_paths: 2, metric });
        assert_eq!(cell.paths, 2);
        assert!(cell.pairs.values().all(|pairs| pairs.len() == 2));
    }
}

#[test]
fn a_cell_is_given_up_only_if_every_screened_path_misses() {
    let given_up = run_all(&screening(2), 1).remove(1);
    let figures = |cell: &CellResult| cell.pairs["base_fee_median"].clone();
    let bound = 20 * figures(&given_up)[0].0.0;
    // A bound between the two paths' figures: one of them meets it.
    let mut paths: Vec<i128> = figures(&given_up).iter().map(|(_, new)| new.0).collect();
    paths.sort_unstable();
    assert!(paths[0] < paths[1] && paths[1] < bound, "{paths:?}");
    let at = |value: i128| {
        let mut study = screening(2);
        study.thresholds[0].value = ThresholdValue::Proposal(value);
        run_all(&study, 1).remove(1).standing
    };
    assert_eq!(at(paths[0]), Standing::Completed);
    assert_ne!(at(paths[0] - 1), Standing::Completed);
}

#[test]
fn the_proposal_is_never_given_up() {
    let mut study = small_with("gas-limit = 60_000_000", "gas-limit = 15_000_000");
    study.market.screen_paths = 2;
    let cells = run_all(&study, 1);
    let limits: Vec<u64> =
        study.cells(&baseline(&study)).unwrap().iter().map(|c| c.parameters.gas_limit()).collect();
    assert_eq!(limits, [15_000_000, 45_000_000, 30_000_000]);
    let judged = judge(&study.thresholds, &cells[0].metrics, &cells[0].pairs);
    assert!(!judged[0].met, "it misses its threshold");
    assert_eq!((&cells[0].standing, cells[0].paths), (&Standing::Completed, 6));
}

#[test]
fn cells_do_not_depend_on_the_number_of_threads() {
    let study = screening(2);
    let one = run_all(&study, 1);
    assert_eq!(one, run_all(&study, 2));
    assert_eq!(one, run_all(&study, 5));
}

fn calibrated(study: &Study) -> Demand {
    run_all(study, 1)[0].demand
}

#[test]
fn equal_parameters_differ_by_exactly_nothing_in_both_models() {
    let study = small_with("gas-limit = 60_000_000", "gas-limit = 30_000_000");
    let baseline = baseline(&study);
    let flow = run_all(&study, 1).remove(0);
    assert_eq!(flow.fans["base_fee"].baseline, flow.fans["base_fee"].proposal);
    let run =
        run_transactions(&study, (&baseline, &baseline), &flow.demand, 0, threads(2)).unwrap();
    assert_eq!(run.figures.utilisation.0, run.figures.utilisation.1);
    for row in &run.figures.delays_by_tip {
        assert_eq!((row.baseline_p50, row.baseline_p95), (row.proposal_p50, row.proposal_p95));
    }
    assert!(run.pairs.values().flatten().all(|(_, old, new)| old == new));
    assert!(run.figures.metrics.len() > 10 && flow.metrics.len() > 10);
    for (name, row) in flow.metrics.iter().chain(&run.figures.metrics) {
        assert_eq!(row.baseline, row.proposal, "{name}");
        assert_eq!((row.difference, row.interval.low, row.interval.high), (0, 0, 0), "{name}");
    }
}

#[test]
fn the_transaction_model_does_not_depend_on_the_number_of_threads_and_counts_every_block() {
    let study = small();
    let (baseline, demand) = (baseline(&study), calibrated(&study));
    let proposal = baseline.apply(&study.proposal).unwrap();
    let on = |count| {
        run_transactions(&study, (&baseline, &proposal), &demand, 0, threads(count)).unwrap()
    };
    let run = on(1);
    assert_eq!(run, on(2));
    assert_eq!(run, on(5));
    assert_eq!(run.figures.paths, 2);
    let blocks = |classes: &[u32]| classes.iter().sum::<u32>();
    let (old, new) = &run.figures.utilisation;
    assert_eq!((old.len(), blocks(old), blocks(new)), (UTILISATION_CLASSES, 2 * 60, 2 * 60));
    assert!(run.pairs["base_fee_median"].iter().any(|(_, old, new)| old != new));
}

#[test]
fn without_paths_the_transaction_model_is_left_out() {
    let study = small_with("agent_paths = 2", "agent_paths = 0");
    let baseline = baseline(&study);
    let demand = calibrated(&study);
    let run = run_transactions(&study, (&baseline, &baseline), &demand, 0, threads(1)).unwrap();
    assert_eq!(run, TransactionRun::default());
}

#[test]
fn a_scenarios_factor_and_elasticity_reach_the_flow_model() {
    let text = "[[scenarios]]\nname = \"double\"\nwhat = \"more\"\ndemand = \"2\"\nelasticity = \"0.2\"\n[market]";
    let cells = run_all(&small_with("[market]", text), 1);
    let median = |index: usize| cells[index].metrics["base_fee_median"].baseline;
    assert_eq!(cells[0].demand, cells[1].demand, "calibrated before the factor");
    assert!(median(1) > median(0), "twice the demand is dearer under the same rules");
}
