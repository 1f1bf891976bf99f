//! Speed of the transaction model and of the bare base-fee rule, on one thread.
//!
//! `base_fee_rule` is the EIP-1559 step alone in a closed loop (use answers to the price), against
//! the loop over `alloy-eips`' function in the same run. `agents` is one arm with a pool, a
//! builder and about 200 transactions per block in the steady state; `agents_backlog` is the same
//! with three times the demand, so that the pool is full; `agents_arms` runs four arms on one
//! stream of arrivals and counts every arm's blocks. Their reference is the aim of 10,000 blocks/s.
//!
//! Times are processor time of the one thread where the system tells it (Linux), so that other work
//! on the machine counts less, and wall time elsewhere; each figure is the median over the rounds.
//!
//! `cargo bench -p chaos-simulation --bench market -- [--json] [--rounds N] [--blocks N]`

#![expect(clippy::print_stdout, reason = "a benchmark reports to a terminal")]

use std::{
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use chaos_parameters::{Parameters, pricing::Compiled};
use chaos_simulation::transactions::{
    Arm, Metric, Outcome, Spec,
    arrivals::{Arrivals, Walk},
    run_arms,
};
use serde_json::json;

/// Rounds when none are asked for.
const ROUNDS: usize = 7;
/// Blocks of a path when none are asked for.
const BLOCKS: u32 = 7_200;
/// Blocks of the bare rule.
const RULE_BLOCKS: u32 = 2_000_000;
/// What the transaction model should reach, in blocks per second.
const AGENTS_AIM: f64 = 10_000.0;

struct Row {
    measure: &'static str,
    value: f64,
    unit: &'static str,
    reference: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| -> Option<u32> {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse().ok()
    };
    let rounds = number("--rounds").map_or(ROUNDS, |rounds| rounds.max(1) as usize);
    let blocks = number("--blocks").unwrap_or(BLOCKS).max(100);
    let mut rows = vec![rule(rounds)];
    rows.extend(agents(rounds, blocks));
    let as_json = arguments.iter().any(|argument| argument == "--json");
    for Row { measure, value, unit, reference } in rows {
        let ratio = value / reference;
        if as_json {
            let row = json!({
                "measure": measure, "value": value, "unit": unit,
                "reference": reference, "ratio": ratio,
            });
            println!("{row}");
        } else {
            println!("{measure}: {value:.0} {unit}, reference {reference:.0}, ratio {ratio:.3}");
        }
    }
}

fn ethereum(gas_limit: u64) -> Parameters {
    Parameters::ethereum(gas_limit).expect("the limit is within bounds")
}

/// A loop in which use falls from the limit to nothing around 2^35 wei.
fn rule(rounds: usize) -> Row {
    let rule = Compiled::new(&ethereum(30_000_000));
    let parameters = BaseFeeParams::new(8, 2);
    let run = |step: &mut dyn FnMut(u64, u64) -> u64| {
        let mut fee = 1_000_000_000u64;
        for block in 0..u64::from(RULE_BLOCKS) {
            let wanted = (60_000_000u64).saturating_sub(fee >> 10) + (block & 0xffff);
            fee = step(fee, wanted.min(30_000_000));
        }
        black_box(fee)
    };
    let mut fees = rule.settled(1_000_000_000);
    let ours = median(rounds, || {
        run(&mut |fee, used| {
            fees.base_fee_wei = fee;
            rule.next_base_fee(&fees, used)
        })
    });
    let theirs = median(rounds, || {
        run(&mut |fee, used| calc_next_block_base_fee(used, 30_000_000, fee, parameters))
    });
    let speed = |time: Duration| f64::from(RULE_BLOCKS) / time.as_secs_f64();
    Row { measure: "base_fee_rule", value: speed(ours), unit: "blocks/s", reference: speed(theirs) }
}

fn agents(rounds: usize, blocks: u32) -> Vec<Row> {
    // Blocks of 18 Mgas on average hold about 215 transactions of the recorded sizes.
    let rules = ethereum(36_000_000);
    let spec = |level_gas: u64| {
        let arrivals = Arrivals {
            walk: Some(Walk { sigma_ppm: 65_000, persistence_ppm: 998_000 }),
            ..Arrivals::stationary(20_000_000_000, level_gas)
        };
        Spec { arrivals, blocks, warmup_blocks: 100, ..Spec::stated(rules) }
    };
    let (calm, busy) = (spec(20_000_000), spec(60_000_000));
    let one = [Arm::honest(rules)];
    let four =
        [36_000_000, 45_000_000, 54_000_000, 60_000_000].map(|limit| Arm::honest(ethereum(limit)));
    let run =
        |spec: &Spec, arms: &[Arm]| run_arms(spec, arms, (1, 0)).expect("the market is valid");
    let speed = |time: Duration, arms: usize| {
        f64::from(blocks + 100) * f64::from(u8::try_from(arms).unwrap_or(u8::MAX))
            / time.as_secs_f64()
    };
    let row = |measure, value| Row { measure, value, unit: "blocks/s", reference: AGENTS_AIM };
    let mut rows = vec![
        row("agents", speed(median(rounds, || run(&calm, &one)), 1)),
        row("agents_backlog", speed(median(rounds, || run(&busy, &one)), 1)),
        row("agents_arms", speed(median(rounds, || run(&calm, &four)), 4)),
    ];
    for (measure, spec) in [("agents_transactions", &calm), ("agents_backlog_transactions", &busy)]
    {
        let served = milli(&run(spec, &one)[0], Metric::TransactionsServed);
        rows.push(Row { measure, value: served, unit: "per_block", reference: 200.0 });
    }
    rows
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn milli(outcome: &Outcome, metric: Metric) -> f64 {
    outcome.metrics.get(&metric).copied().unwrap_or(0) as f64 / 1e3
}

/// The median time over the rounds, after one that warms caches.
fn median<T>(rounds: usize, mut run: impl FnMut() -> T) -> Duration {
    let mut times: Vec<Duration> = (0..=rounds)
        .map(|_| {
            let (start, processor) = (Instant::now(), processor_time());
            black_box(run());
            let wall = start.elapsed();
            processor_time().zip(processor).map_or(wall, |(end, start)| end - start)
        })
        .skip(1)
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// Time this thread has spent on a processor: the first field of its `schedstat`.
fn processor_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
