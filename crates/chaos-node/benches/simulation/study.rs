//! A published study, whole: a gas limit that climbs from 60 to 200 million.
//!
//! The grid is that of <https://github.com/misilva73/glamsterdam-gas-limit-sim>: four levels of
//! demand, three elasticities, 50 paths of 7,200 blocks each, the limit rising by at most 1/1024
//! per block, common random numbers and bands from p10 to p90. Beyond it, every path runs a second
//! time without the change, so that each figure has its baseline.

use std::{hint::black_box, num::NonZeroUsize};

use chaos_parameters::{ParameterName, Parameters, Setting};
use chaos_simulation::{Experiment, Material, Program, flow::ObservedBlock};
use chaos_types::ChainId;

use crate::{
    Bench,
    child::Worker,
    data::HISTORY_GAS_LIMIT,
    report::{Row, median},
};

/// Demand over the reference, in percent, and price elasticities in ppm.
const DEMAND_PERCENT: [u32; 4] = [100, 150, 200, 250];
const ELASTICITIES_PPM: [u32; 3] = [100_000, 200_000, 300_000];
const PATHS: u32 = 50;
const BLOCKS: u32 = 7_200;
/// Gas limits before and after.
const LIMIT_FROM: u64 = 60_000_000;
const LIMIT_TO: u64 = 200_000_000;
/// The protocol's bound on a step of the limit.
const BOUND_DIVISOR: u64 = 1_024;

/// Runs all scenarios on two threads and keeps every result.
pub(crate) fn run(observed: &[ObservedBlock]) {
    let setting = |name, value| Setting::new(name, value).expect("it is within bounds");
    let baseline = Parameters::ethereum(LIMIT_FROM).expect("it is within bounds");
    let proposal = baseline
        .apply(&[
            setting(ParameterName::GasLimit, LIMIT_TO),
            setting(ParameterName::GasLimitBoundDivisor, BOUND_DIVISOR),
        ])
        .expect("they hold together");
    // The history's blocks were filled to the target of a smaller limit.
    let scale = u32::try_from(LIMIT_FROM / HISTORY_GAS_LIMIT).expect("it is two");
    let material = Material {
        chain: ChainId::evm(1),
        program: Program::this(),
        inputs: Vec::new(),
        observed,
        evm: &[],
    };
    let threads = NonZeroUsize::new(2).expect("two is not zero");
    let mut results = Vec::new();
    for percent in DEMAND_PERCENT {
        for elasticity_ppm in ELASTICITIES_PPM {
            let mut experiment = Experiment::new(baseline, proposal);
            experiment.paths = PATHS;
            experiment.blocks = BLOCKS;
            experiment.demand_ppm = scale * percent * 10_000;
            experiment.assumptions.elasticity_ppm = elasticity_ppm;
            let simulation = chaos_simulation::run(&experiment, &material, threads);
            results.push(simulation.expect("the experiment is within its bounds"));
        }
    }
    black_box(results);
}

/// Prints `study_12x50x7200` and `study_12x50x7200_memory`.
pub(crate) fn measure(bench: &Bench) -> Result<(), String> {
    let (mut seconds, mut peaks) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds.min(3) {
        let numbers = Worker::start("study", &bench.data, 0)?.numbers()?;
        let [time, peak] = numbers[..] else {
            return Err("the child did not tell two numbers".to_owned());
        };
        seconds.push(time);
        peaks.push(peak);
    }
    let row = |measure, value, unit| Row { measure, value, unit, reference: None };
    bench.report.row(&row("study_12x50x7200", median(seconds), "s"));
    let peak = median(peaks);
    if peak.is_nan() {
        return Err("the system does not tell a process's peak memory".to_owned());
    }
    bench.report.row(&row("study_12x50x7200_memory", peak, "MiB"));
    Ok(())
}
