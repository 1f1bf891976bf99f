//! What one more scenario over the same blocks costs in memory.

use std::{hint::black_box, num::NonZeroUsize};

use chaos_evm::{Assumptions, Changes, ReplayInput, run_scenarios};

use crate::{
    Bench,
    child::{Worker, peak_mib, reset_peak, resident_mib},
    report::{Row, median},
};

/// Scenarios of the two runs that are compared.
const FEW: usize = 2;
const MANY: usize = 12;
/// The difference of the two, as a divisor.
const FURTHER: f64 = 10.0;
/// Gas limits of the scenarios: the first, and the step to the next.
const LIMIT_FIRST: u64 = 20_000_000;
const LIMIT_STEP: u64 = 5_000_000;

/// Runs `count` scenarios on two threads and tells what was held before and at most, in MiB.
pub(crate) fn growth(inputs: &[ReplayInput], count: usize) -> String {
    let limits = (0..).map(|step| LIMIT_FIRST + step * LIMIT_STEP);
    let changes: Vec<Changes> = limits
        .take(count)
        .map(|gas_limit| Changes { gas_limit: Some(gas_limit), ..Changes::NONE })
        .collect();
    let threads = NonZeroUsize::new(2).expect("two is not zero");
    reset_peak();
    let before = resident_mib().unwrap_or(f64::NAN);
    let scenarios = run_scenarios(inputs, &changes, &Assumptions::default(), threads);
    black_box(scenarios.expect("the recorded blocks run"));
    format!("{before} {}", peak_mib().unwrap_or(f64::NAN))
}

/// Prints `memory_per_scenario`.
pub(crate) fn measure(bench: &Bench) -> Result<(), String> {
    bench.data.files()?;
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        for (count, peaks) in [(FEW, &mut few), (MANY, &mut many)] {
            let numbers = Worker::start("memory", &bench.data, count)?.numbers()?;
            let [before, peak] = numbers[..] else {
                return Err("the child did not tell two numbers".to_owned());
            };
            if peak.is_nan() {
                return Err("the system does not tell a process's peak memory".to_owned());
            }
            if peak <= before {
                eprintln!("memory: {count} scenarios fitted into memory held before: {before} MiB");
            }
            peaks.push(peak);
        }
    }
    let (few, many) = (median(few), median(many));
    eprintln!("memory: at most {few:.1} MiB with {FEW} scenarios, {many:.1} MiB with {MANY}");
    bench.report.row(&Row {
        measure: "memory_per_scenario",
        value: (many - few) / FURTHER,
        unit: "MiB",
        reference: None,
    });
    Ok(())
}
