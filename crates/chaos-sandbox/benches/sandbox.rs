//! What the sandbox costs: compiling a component, a fresh instance of it, and ten thousand runs that
//! must all be one.
//!
//! `cargo xtask bench sandbox [--json]`. The component is the fee-market guest of this repository,
//! called with an empty document, which it refuses at once: so that a run is the instance, the call
//! and their end, and nothing else. The ten thousand are of a component that computes.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark's answer")]

use std::{collections::BTreeSet, hint::black_box, thread, time::Instant};

use chaos_sandbox::{Argument, Component, Configuration, Inputs, Sandbox};
use chaos_types::Digest;

const NUMBERS: &str = include_str!("../tests/components/numbers.wat");

const GUEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/artifacts/fee-market.wasm");

const RUNS: usize = 10_000;
const THREADS: usize = 2;
const COMPILATIONS: usize = 5;

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let numbers = wat::parse_str(NUMBERS).unwrap();
    let guest = std::fs::read(GUEST).ok();
    let sandbox = Sandbox::new(Configuration::default()).unwrap();
    let mut rows = Vec::new();
    if let Some(guest) = &guest {
        rows.push(Row::new("sandbox_compile", median(compilations(guest)) * 1e3, "ms"));
        let component = sandbox.compile(guest).unwrap();
        let refused = || {
            let run = component.run(Argument::Simulate(b""), &Inputs::default()).unwrap();
            assert!(run.answer().is_none());
        };
        rows.push(Row::new("sandbox_instantiation", median(times(refused)) * 1e6, "us"));
        let cached = || drop(black_box(sandbox.compile(guest).unwrap()));
        rows.push(Row::new("sandbox_cached", median(times(cached)) * 1e6, "us"));
    }
    let component = sandbox.compile(&numbers).unwrap();
    let small = || {
        black_box(component.run(Argument::Score(b""), &Inputs::default()).unwrap());
    };
    rows.push(Row::new("sandbox_instantiation_small", median(times(small)) * 1e6, "us"));
    let started = Instant::now();
    let digests = digests(&component);
    let elapsed = started.elapsed().as_secs_f64();
    rows.push(Row::new("sandbox_digests_of_10000", digests as f64, "digests"));
    rows.push(Row::new("sandbox_runs_2_threads", RUNS as f64 / elapsed, "1/s"));
    for row in rows {
        row.print(json);
    }
}

/// Seconds of each call.
fn times(call: impl Fn()) -> Vec<f64> {
    let time = || {
        let started = Instant::now();
        call();
        started.elapsed().as_secs_f64()
    };
    // The first ones fill the caches of the machine.
    (0..100).for_each(|_| call());
    (0..2_000).map(|_| time()).collect()
}

/// Seconds of each compilation, by a sandbox that has not seen the component.
fn compilations(bytes: &[u8]) -> Vec<f64> {
    (0..COMPILATIONS)
        .map(|_| {
            let sandbox = Sandbox::new(Configuration::default()).unwrap();
            let started = Instant::now();
            black_box(sandbox.compile(bytes).unwrap());
            started.elapsed().as_secs_f64()
        })
        .collect()
}

/// How many different records the runs have.
fn digests(component: &Component) -> usize {
    let evidence: Vec<u8> = (0..=255).cycle().take(4_096).collect();
    let some = || -> BTreeSet<Digest> {
        (0..RUNS / THREADS)
            .map(|_| {
                let run = component.run(Argument::Score(&evidence), &Inputs::default()).unwrap();
                run.record().digest().unwrap()
            })
            .collect()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(some)).collect();
        let all: BTreeSet<Digest> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        all.len()
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Row {
    measure: &'static str,
    value: f64,
    unit: &'static str,
}

impl Row {
    const fn new(measure: &'static str, value: f64, unit: &'static str) -> Self {
        Self { measure, value, unit }
    }

    fn print(&self, json: bool) {
        let Self { measure, value, unit } = self;
        if json {
            println!("{{\"measure\":\"{measure}\",\"value\":{value:.3},\"unit\":\"{unit}\"}}");
        } else {
            println!("{measure:<28} {value:>12.3} {unit}");
        }
    }
}
