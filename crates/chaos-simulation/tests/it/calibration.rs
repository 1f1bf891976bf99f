//! Whether the modelled baseline is the observed chain, over elasticities and histories.

use std::{fs, num::NonZeroUsize, path::PathBuf};

use chaos_history::FeeHistory;
use chaos_parameters::Parameters;
use chaos_simulation::{
    Calibration, CalibrationStatus, Experiment, Fit, Material, Program, Simulation,
    flow::{
        Assumptions, Demand, NoiseSource, ObservedBlock, PathSpec, Shocks, chain_parameters, simulate,
    },
    run, sensitivity,
};
use chaos_types::ChainId;

const ELASTICITIES_PPM: [u32; 7] = [6_000, 10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000];

fn recorded(name: &str) -> Vec<ObservedBlock> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let Ok(bytes) = fs::read(&path) else {
        eprintln!("skipped: ../shared/data/{name} is absent");
        return Vec::new();
    };
    FeeHistory::decode(&bytes).unwrap().blocks().to_vec()
}

fn mainnet() -> Parameters {
    Parameters::ethereum(30_000_000).unwrap()
}

/// Blocks that the model itself makes under a known demand.
fn generated(elasticity_ppm: u32, seed: u64, blocks: u32) -> Vec<ObservedBlock> {
    let demand = Demand {
        anchor_wei: 20_000_000_000,
        level_gas: 15_600_000,
        fast_sigma_ppm: 150_000,
        slow_sigma_ppm: i64::from(elasticity_ppm) * 3 / 10,
        persistence_ppm: 995_000,
        patient_share_ppm: 500_000,
        interval_variation_ppm: 0,
        empty_ppm: 5_000,
        noise: NoiseSource::Stated,
        blocks_used: 0,
        blocks_imputed: 0,
    };
    let assumptions =
        Assumptions { elasticity_ppm, burst_probability_ppm: 0, ..Assumptions::default() };
    let spec = PathSpec {
        demand: &demand,
        assumptions: &assumptions,
        baseline: &mainnet(),
        warmup_blocks: 1_000,
        start_wei: None,
        settle_blocks: 0,
    };
    let shocks = Shocks::draw((seed, 0), blocks + 1_000, &demand, &assumptions);
    simulate(&spec, &shocks, &mainnet())
        .blocks
        .iter()
        .zip(18_000_000..)
        .map(|(block, number)| ObservedBlock {
            number,
            timestamp: 1_700_000_000 + 12 * (number - 18_000_000),
            gas_used: block.gas_used,
            gas_limit: block.gas_limit,
            base_fee_wei: Some(block.base_fee_wei),
        })
        .collect()
}

fn simulated(observed: &[ObservedBlock], experiment: &Experiment) -> Simulation {
    let material = Material {
        chain: ChainId::evm(1),
        program: Program::this(),
        inputs: Vec::new(),
        observed,
        evm: &[],
    };
    run(experiment, &material, NonZeroUsize::new(2).unwrap()).unwrap()
}

fn asked(observed: &[ObservedBlock], elasticity_ppm: Option<u32>) -> Experiment {
    let today = chain_parameters(observed).unwrap();
    Experiment { paths: 24, ..Experiment::new(today, today) }.checked(elasticity_ppm)
}

fn calibration(observed: &[ObservedBlock], elasticity_ppm: Option<u32>) -> Calibration {
    simulated(observed, &asked(observed, elasticity_ppm)).result.calibration.unwrap()
}

/// One line of the table: median and 95th percentile over the observed ones, or why not.
fn cell(found: &Calibration) -> String {
    let ratio = |name: &str| {
        let ppm = found.figures[name].ratio_ppm.unwrap_or(0);
        format!("{}.{:02}", ppm / 1_000_000, ppm % 1_000_000 / 10_000)
    };
    let mark = match found.status {
        CalibrationStatus::Calibrated => "",
        CalibrationStatus::LevelOnly => " level",
        CalibrationStatus::NotCalibrated => " NOT",
    };
    format!("{}/{}{mark}", ratio("base_fee_median"), ratio("base_fee_p95"))
}

/// The table of docs/simulation/validation.md:
/// `cargo test -p chaos-simulation --test it calibration::reproduces -- --nocapture`.
#[test]
fn reproduces_the_observed_median_or_says_that_it_does_not() {
    let london = recorded("chain/fee-history/mainnet-12965000-12999999.csv.gz");
    let mut histories: Vec<(String, Vec<ObservedBlock>)> = london
        .chunks(10_000)
        .map(|window| (format!("2021-08 {}", window[0].number), window.to_vec()))
        .collect();
    for (name, file) in [
        ("2022-07", "fees/eth-mainnet-2022-07-recon.csv.gz"),
        ("2023-05", "fees/eth-mainnet-2023-05-recon.csv.gz"),
    ] {
        let blocks = recorded(file);
        for window in blocks.chunks(10_000) {
            histories.push((format!("{name} {}", window[0].number), window.to_vec()));
        }
    }
    for (seed, elasticity_ppm) in
        [50_000, 80_000, 110_000, 140_000, 170_000, 200_000, 230_000, 250_000, 280_000, 300_000]
            .into_iter()
            .zip(0..)
            .map(|(ppm, seed)| (seed, ppm))
    {
        let name = format!("made with {}.{:02}", elasticity_ppm / 1_000_000, elasticity_ppm / 10_000);
        histories.push((name, generated(elasticity_ppm, seed, 4_000)));
    }
    for (name, blocks) in &histories {
        let mut cells = vec![format!("{name:<18}")];
        for elasticity_ppm in ELASTICITIES_PPM.into_iter().map(Some).chain([None]) {
            let found = calibration(blocks, elasticity_ppm);
            let median = found.figures["base_fee_median"].ratio_ppm.unwrap();
            let near = (900_000..=1_100_000).contains(&median);
            assert!(near || !found.is_usable(), "{name} {elasticity_ppm:?}: {}", found.line());
            cells.push(cell(&found));
        }
        eprintln!("| {} |", cells.join(" | "));
    }
}
