//! The flow model against real blocks and as a whole.

use std::{fs, num::NonZeroUsize, path::PathBuf};

use chaos_history::FeeHistory;
use chaos_parameters::{
    Layer, ParameterName, Parameters, Setting,
    pricing::{BASE_FEE_WEI_MAX, INITIAL_BASE_FEE_WEI, next_base_fee},
};
use chaos_simulation::{
    EvmBlockFigures, Experiment, Material, Program, RESULT_FORMAT, RESULT_FORMAT_REVISED,
    Simulation, SimulationResult,
    flow::{Metric, ObservedBlock, chain_parameters, observed_metrics},
    run, sensitivity,
};
use chaos_types::{ChainId, Digest, canonical};

/// The recorded history, or `None` with a note when the shared data is not there.
fn history() -> Option<FeeHistory> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/chain/fee-history/mainnet-12965000-12999999.csv.gz");
    let Ok(bytes) = fs::read(&path) else {
        eprintln!("skipped: ../shared/data is absent");
        return None;
    };
    Some(FeeHistory::decode(&bytes).expect("recorded history decodes"))
}

fn mainnet() -> Parameters {
    Parameters::ethereum(30_000_000).unwrap()
}

fn with(name: ParameterName, value: u64) -> Parameters {
    mainnet().with(Setting::new(name, value).unwrap())
}

fn material<'a>(observed: &'a [ObservedBlock], evm: &'a [EvmBlockFigures]) -> Material<'a> {
    Material { chain: ChainId::evm(1), program: Program::this(), inputs: Vec::new(), observed, evm }
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// A hundred unconnected blocks with some spread, so that stated noise is used.
fn sparse() -> Vec<ObservedBlock> {
    (0..100)
        .map(|i| ObservedBlock {
            number: 18_000_000 + i * 1_000,
            timestamp: 1_700_000_000 + i * 12_000,
            gas_used: 10_000_000 + (i * 7_919 % 100) * 100_000,
            gas_limit: 30_000_000,
            base_fee_wei: Some(20_000_000_000 + u128::from(i % 10) * 1_000_000_000),
        })
        .collect()
}

fn small(proposal: Parameters) -> Experiment {
    Experiment { paths: 12, blocks: 300, warmup_blocks: 50, ..Experiment::new(mainnet(), proposal) }
}

fn run_small(proposal: Parameters, threads_count: usize) -> Simulation {
    let observed = sparse();
    run(&small(proposal), &material(&observed, &[]), threads(threads_count)).unwrap()
}

#[test]
fn base_fee_rule_reproduces_every_recorded_transition() {
    let Some(history) = history() else { return };
    let blocks = history.blocks();
    // The window opens with the London launch block, whose base fee is a constant, not a step.
    assert_eq!(blocks[0].base_fee_wei, Some(INITIAL_BASE_FEE_WEI));
    let mut matched = 0;
    for pair in blocks.windows(2) {
        assert_eq!(pair[0].number + 1, pair[1].number);
        let parameters = Parameters::ethereum(pair[0].gas_limit).unwrap();
        let next = next_base_fee(pair[0].base_fee_wei.unwrap(), pair[0].gas_used, &parameters);
        matched += u32::from(Some(next) == pair[1].base_fee_wei);
    }
    assert_eq!(matched, 34_999);
    eprintln!("base fee transitions reproduced: {matched} of {}", blocks.len() - 1);
}

#[test]
fn result_does_not_depend_on_the_number_of_threads() {
    let proposal = with(ParameterName::GasLimit, 60_000_000);
    let [one, two, five] = [1, 2, 5].map(|count| run_small(proposal, count));
    assert_eq!(one.result.digest().unwrap(), two.result.digest().unwrap());
    assert_eq!(one, two);
    assert_eq!(one, five);
}

#[test]
fn a_scenario_equal_to_the_baseline_differs_by_exactly_nothing() {
    let simulation = run_small(mainnet(), 2);
    for (name, row) in &simulation.result.metrics {
        assert_eq!(row.baseline, row.proposal, "{name}");
        assert_eq!((row.difference, row.interval.low, row.interval.high), (0, 0, 0), "{name}");
    }
    let fan = &simulation.series.fans["base_fee"];
    assert_eq!(fan.baseline, fan.proposal);
}

#[test]
fn a_higher_limit_lowers_the_fee_and_the_wait() {
    let result = run_small(with(ParameterName::GasLimit, 60_000_000), 2).result;
    assert!(result.metrics["base_fee_median"].interval.high < 0);
    assert!(result.metrics["inclusion_delay_mean"].difference <= 0);
    assert!(result.metrics["gas_served"].difference > 0);
    assert!(
        result.metrics["gas_served"].interval.high >= result.metrics["gas_served"].interval.low
    );
}

#[test]
fn a_larger_denominator_lowers_volatility_on_every_path() {
    let result = run_small(with(ParameterName::BaseFeeChangeDenominator, 32), 2).result;
    assert!(result.metrics["base_fee_volatility"].interval.high < 0);
}

#[test]
fn order_and_repetition_of_observed_blocks_do_not_matter() {
    let observed = sparse();
    let mut shuffled = observed.clone();
    shuffled.rotate_left(37);
    shuffled.extend_from_slice(&observed[..5]);
    let digest = |blocks: &[ObservedBlock]| {
        run(&small(mainnet()), &material(blocks, &[]), threads(1)).unwrap().result.digest().unwrap()
    };
    assert_eq!(digest(&shuffled), digest(&observed));
}

#[test]
fn the_baseline_of_observed_blocks_is_the_median_limit_since_london() {
    let mut observed = sparse();
    assert_eq!(chain_parameters(&observed), Some(mainnet()));
    observed.iter_mut().for_each(|block| block.base_fee_wei = None);
    assert_eq!(chain_parameters(&observed), None);
}

/// Pinned so that a change of any rounding, draw or layout is noticed; it must be the same on every
/// machine. A deliberate change of the model changes it and belongs in the changelog.
#[test]
fn the_digest_of_a_small_experiment_is_pinned() {
    let observed = sparse();
    let program = Program { name: "pinned".to_owned(), version: "0".to_owned() };
    let material = Material { program, ..material(&observed, &[]) };
    let experiment = small(with(ParameterName::GasLimit, 60_000_000));
    let result = run(&experiment, &material, threads(2)).unwrap().result;
    assert_eq!(
        result.digest().unwrap().to_hex(),
        "4f22376eff222cebb51c17801a3223febe1c8b256ffbb253eb0d248c2a437f47"
    );
}

#[test]
fn another_seed_gives_another_digest() {
    let observed = sparse();
    let material = material(&observed, &[]);
    let digest = |seed| {
        let experiment = Experiment { seed, ..small(mainnet()) };
        run(&experiment, &material, threads(1)).unwrap().result.digest().unwrap()
    };
    assert_ne!(digest(1), digest(2));
    assert_eq!(digest(1), digest(1));
}

#[test]
fn the_result_reads_back_from_its_canonical_bytes() {
    let simulation = run_small(with(ParameterName::ElasticityMultiplier, 3), 1);
    let bytes = simulation.result.to_canonical().unwrap();
    let read: SimulationResult = canonical::from_slice(&bytes).unwrap();
    assert_eq!(read, simulation.result);
    assert_eq!(simulation.result.digest().unwrap(), Digest::of(&bytes));
    assert_eq!(simulation.result.series, simulation.series.digest().unwrap());
}

#[test]
fn replayed_blocks_appear_as_rows_of_the_evm_layer() {
    let observed = sparse();
    let evm = [EvmBlockFigures {
        number: 1,
        gas_reproduced: true,
        gas_limit_baseline: 30_000_000,
        gas_limit_proposal: 60_000_000,
        gas_used_baseline: 15_000_000,
        gas_used_proposal: 15_000_000,
        included_baseline: 3,
        included_proposal: 3,
        excluded_baseline: 0,
        excluded_proposal: 0,
        diverged_proposal: 0,
        unknown_reads_baseline: 0,
        unknown_reads_proposal: 0,
    }];
    let result = run(&small(mainnet()), &material(&observed, &evm), threads(1)).unwrap().result;
    assert_eq!(result.metrics["evm_limit_used"].layer, Layer::Evm);
    assert_eq!(result.metrics["evm_limit_used"].proposal, 250_000);
    assert_eq!(result.metrics["utilisation_mean"].layer, Layer::FeeMarket);
}

#[test]
fn numbers_out_of_bounds_are_named() {
    let observed = sparse();
    let material = material(&observed, &[]);
    let message = |change: fn(&mut Experiment)| {
        let mut experiment = small(mainnet());
        change(&mut experiment);
        run(&experiment, &material, threads(1)).unwrap_err().to_string()
    };
    assert_eq!(message(|e| e.paths = 0), "experiment: paths must be from 1 to 10000, found 0");
    assert!(message(|e| e.blocks = 1).contains("blocks must be from 2"));
    assert!(message(|e| e.assumptions.elasticity_ppm = 5_000_001).contains("elasticity_ppm"));
    assert!(message(|e| (e.paths, e.blocks) = (10_000, 32_000)).contains("paths x"));
    let none = run(&small(mainnet()), &Material { observed: &[], ..material.clone() }, threads(1));
    assert!(none.unwrap_err().to_string().contains("calibrated"));
}

#[test]
fn an_experiment_is_canonical_json_without_unknown_fields() {
    let experiment = small(with(ParameterName::GasLimit, 45_000_000));
    let bytes = canonical::to_vec(&experiment).unwrap();
    assert_eq!(canonical::from_slice::<Experiment>(&bytes).unwrap(), experiment);
    let text = String::from_utf8(bytes).unwrap().replace("\"paths\"", "\"path\"");
    assert!(canonical::from_slice::<Experiment>(text.as_bytes()).is_err());
}

#[test]
fn a_base_fee_that_ran_to_its_bound_is_told_by_the_format() {
    let observed = sparse();
    let proposal = with(ParameterName::GasLimit, 5_000_000);
    let mut experiment = Experiment { blocks: 4_000, ..small(proposal) };
    experiment.assumptions.elasticity_ppm = 0;
    let result = |experiment: &Experiment| {
        run(experiment, &material(&observed, &[]), threads(2)).unwrap().result
    };
    let bound = result(&experiment);
    assert_eq!(bound.format, RESULT_FORMAT_REVISED);
    assert_eq!(bound.metrics["base_fee_p99"].proposal, i128::from(BASE_FEE_WEI_MAX));
    let former = bound.under_former_name().unwrap();
    assert_eq!((former.format.as_str(), &former.metrics), (RESULT_FORMAT, &bound.metrics));
    // The same change where demand answers to the price, and one that its parameters revise.
    let below = result(&small(proposal));
    assert_eq!((below.format.as_str(), below.under_former_name()), (RESULT_FORMAT, None));
    let floor = result(&small(with(ParameterName::MinBaseFee, 1_000)));
    assert_eq!((floor.format.as_str(), floor.under_former_name()), (RESULT_FORMAT_REVISED, None));
}

#[test]
fn the_effect_on_the_fee_shrinks_as_demand_becomes_elastic() {
    let observed = sparse();
    let experiment = small(with(ParameterName::GasLimit, 40_000_000));
    let found = sensitivity(&experiment, &material(&observed, &[]), threads(2)).unwrap();
    assert!(!found.revised);
    let rows = found.rows;
    assert_eq!(rows.len(), 5);
    assert!(rows.windows(2).all(|pair| pair[0].elasticity_ppm < pair[1].elasticity_ppm));
    assert!(rows.iter().all(|row| row.metrics["base_fee_median"].difference < 0));
    assert!(rows[0].metrics.values().all(|row| row.layer == Layer::FeeMarket));
}

/// How far the baseline model is from the window it was calibrated on; the bounds are loose on
/// purpose and written here so that a change of the model shows.
#[test]
fn the_baseline_model_stays_near_the_recorded_window() {
    let Some(history) = history() else { return };
    let experiment = Experiment { paths: 20, ..Experiment::new(mainnet(), mainnet()) };
    let result = run(&experiment, &material(history.blocks(), &[]), threads(2)).unwrap().result;
    eprintln!("{:#?}", result.demand);
    for (name, row) in &result.backtest {
        eprintln!(
            "{name:<22} observed {:>24} modelled {:>24} {}",
            row.observed, row.modelled, row.unit
        );
    }
    let row = |name: &str| &result.backtest[name];
    let apart = |name: &str| row(name).observed.abs_diff(row(name).modelled);
    assert!(apart("utilisation_mean") < 5_000);
    assert!(apart("blocks_saturated") < 40_000);
    assert!(apart("base_fee_volatility") < 2_000);
    assert!(apart("blocks_empty") < 10_000);
    assert!(apart("utilisation_autocorrelation") < 80_000);
    assert!(apart("target_crossings") < 50_000);
    // The record is twenty times as long as a path, so its tail is compared window by window.
    // Demand that does not wait for its price gives 172 gwei.
    let blocks = experiment.blocks as usize;
    let mut windows: Vec<i128> = history
        .blocks()
        .chunks_exact(blocks)
        .map(|window| observed_metrics(window, 2)[&Metric::BaseFeeP95])
        .collect();
    windows.sort_unstable();
    let observed = windows[windows.len() / 2];
    let modelled = row("base_fee_p95").modelled;
    eprintln!("base_fee_p95 of {blocks} blocks: observed {observed}, modelled {modelled}");
    assert!(observed.abs_diff(modelled) * 4 < observed.unsigned_abs());
}
