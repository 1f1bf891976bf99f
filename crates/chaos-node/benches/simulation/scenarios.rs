//! Eight rule changes over all recorded blocks: two threads against one, and as a ceiling two
//! processes against one.

use std::{hint::black_box, num::NonZeroUsize, time::Instant};

use chaos_evm::{Assumptions, Changes, ReplayInput, run_scenarios};

use crate::{
    Bench,
    child::Worker,
    report::{Row, median},
};

/// The changes: five gas limits, a dearer calldata floor, a transaction cap, no refunds.
fn changes() -> Vec<Changes> {
    let limit = |gas_limit| Changes { gas_limit: Some(gas_limit), ..Changes::NONE };
    vec![
        limit(15_000_000),
        limit(36_000_000),
        limit(45_000_000),
        limit(60_000_000),
        limit(200_000_000),
        Changes { calldata_floor_per_token: Some(10), ..Changes::NONE },
        Changes { transaction_gas_cap: Some(16_777_216), ..Changes::NONE },
        Changes { refund_quotient: Some(u64::MAX), ..Changes::NONE },
    ]
}

/// Seconds for all scenarios over all blocks.
pub(crate) fn timed(inputs: &[ReplayInput], threads: usize) -> f64 {
    let threads = NonZeroUsize::new(threads).expect("it is one or two");
    let changes = changes();
    let start = Instant::now();
    let scenarios = run_scenarios(inputs, &changes, &Assumptions::default(), threads);
    black_box(scenarios.expect("the recorded blocks run"));
    start.elapsed().as_secs_f64()
}

/// Prints `scenarios_2_threads` and `machine_2_processes`.
pub(crate) fn measure(bench: &Bench) -> Result<(), String> {
    let inputs = bench.data.inputs()?;
    let mut first = Worker::start("scenarios", &bench.data, 0)?;
    let mut second = Worker::start("scenarios", &bench.data, 0)?;
    let (mut one, mut two, mut alone, mut pair) = (vec![], vec![], vec![], vec![]);
    // The first round warms caches and the allocators.
    for round in 0..=bench.rounds {
        let threads = (timed(&inputs, 1), timed(&inputs, 2));
        let single = first.numbers()?[0];
        let start = Instant::now();
        first.ask()?;
        second.ask()?;
        first.answer()?;
        second.answer()?;
        let both = start.elapsed().as_secs_f64();
        if round > 0 {
            one.push(threads.0);
            two.push(threads.1);
            alone.push(single);
            pair.push(both);
        }
    }
    let per_second = |count: f64, seconds: Vec<f64>| count / median(seconds);
    bench.report.row(&Row {
        measure: "scenarios_2_threads",
        value: per_second(8.0, two),
        unit: "scenarios/s",
        reference: Some(per_second(8.0, one)),
    });
    bench.report.row(&Row {
        measure: "machine_2_processes",
        value: per_second(16.0, pair),
        unit: "scenarios/s",
        reference: Some(per_second(8.0, alone)),
    });
    Ok(())
}
