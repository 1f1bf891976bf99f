//! Blocks of a known demand, and how they are calibrated: for the tests and for the table of
//! `examples/calibration.rs`.

use std::num::NonZeroUsize;

use chaos_parameters::Parameters;
use chaos_simulation::{
    Calibration, Experiment, Material, Program, Simulation,
    flow::{
        Assumptions, Demand, NoiseSource, ObservedBlock, PathSpec, Shocks, chain_parameters,
        simulate,
    },
    run,
};
use chaos_types::ChainId;

pub(crate) fn mainnet() -> Parameters {
    Parameters::ethereum(30_000_000).unwrap()
}

/// Blocks that the model itself makes under a known demand.
pub(crate) fn generated(elasticity_ppm: u32, seed: u64, blocks: u32) -> Vec<ObservedBlock> {
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

pub(crate) fn simulated(observed: &[ObservedBlock], experiment: &Experiment) -> Simulation {
    let material = Material {
        chain: ChainId::evm(1),
        program: Program::this(),
        inputs: Vec::new(),
        observed,
        evm: &[],
    };
    run(experiment, &material, NonZeroUsize::new(2).unwrap()).unwrap()
}

pub(crate) fn asked(observed: &[ObservedBlock], elasticity_ppm: Option<u32>) -> Experiment {
    let today = chain_parameters(observed).unwrap();
    Experiment { paths: 24, ..Experiment::new(today, today) }.checked(elasticity_ppm)
}

pub(crate) fn calibration(observed: &[ObservedBlock], elasticity_ppm: Option<u32>) -> Calibration {
    simulated(observed, &asked(observed, elasticity_ppm)).result.calibration.unwrap()
}
