//! The table of docs/simulation/validation.md: whether the modelled baseline is the observed chain, over
//! elasticities, in windows of 10,000 blocks of the histories named, and in ten generated ones.
//!
//! `cargo run --release -p chaos-simulation --example calibration -- FILE...`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an example stops and prints")]

use std::{fs, num::NonZeroUsize, path::Path};

use chaos_history::FeeHistory;
use chaos_parameters::Parameters;
use chaos_simulation::{
    Calibration, CalibrationStatus, Experiment, Material, Program, Simulation,
    flow::{
        Assumptions, Demand, NoiseSource, ObservedBlock, PathSpec, Shocks, chain_parameters,
        simulate,
    },
    run,
};
use chaos_types::ChainId;

const ELASTICITIES_PPM: [u32; 7] = [6_000, 10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000];

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

fn main() {
    let mut histories: Vec<(String, Vec<ObservedBlock>)> = Vec::new();
    for file in std::env::args().skip(1) {
        let history = FeeHistory::decode(&fs::read(&file).unwrap()).unwrap();
        let name = Path::new(&file).file_name().unwrap().to_string_lossy().into_owned();
        for window in history.blocks().chunks(10_000) {
            histories.push((format!("{name} {}", window[0].number), window.to_vec()));
        }
    }
    let known =
        [50_000, 80_000, 110_000, 140_000, 170_000, 200_000, 230_000, 250_000, 280_000, 300_000];
    for (elasticity_ppm, seed) in known.into_iter().zip(0..) {
        let name = format!("made with 0.{:02}", elasticity_ppm / 10_000);
        histories.push((name, generated(elasticity_ppm, seed, 4_000)));
    }
    println!("| history | 0.006 | 0.01 | 0.05 | 0.1 | 0.25 | 0.5 | 1 | posterior |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut reasons = Vec::new();
    for (name, blocks) in &histories {
        let mut cells = vec![name.clone()];
        for elasticity_ppm in ELASTICITIES_PPM.into_iter().map(Some).chain([None]) {
            let found = calibration(blocks, elasticity_ppm);
            if !found.reasons.is_empty() {
                reasons.push(format!("{name}, {elasticity_ppm:?}: {}", found.reasons.join("; ")));
            }
            cells.push(cell(&found));
        }
        println!("| {} |", cells.join(" | "));
    }
    for reason in reasons {
        println!("{reason}");
    }
}
