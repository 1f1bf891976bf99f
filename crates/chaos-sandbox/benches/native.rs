//! The fee-market simulation as a component against the same crate compiled natively.
//!
//! Both sides read the same material document and must write the same bytes; they take turns, one thread
//! each, with fuel on as always.
//!
//! `cargo bench -p chaos-sandbox --bench native -- [--json] [--rounds N]`

#![expect(clippy::print_stdout, reason = "a benchmark reports to a terminal")]

use std::time::Instant;

use chaos_parameters::{ParameterName, Parameters, Setting};
use chaos_sandbox::{Argument, Configuration, Inputs, Sandbox};
use chaos_simulation::{
    Experiment, Material, MaterialDocument, Program, flow::ObservedBlock, simulate,
};
use serde_json::json;

/// Rounds when none are asked for.
const ROUNDS: usize = 7;

const FEE_MARKET: &[u8] = include_bytes!("../../../guests/artifacts/fee-market.wasm");

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let as_json = arguments.iter().any(|argument| argument == "--json");
    let rounds = arguments
        .iter()
        .position(|argument| argument == "--rounds")
        .and_then(|at| arguments.get(at + 1)?.parse().ok())
        .unwrap_or(ROUNDS);
    let material = material();
    let sandbox = Sandbox::new(Configuration::default()).expect("the settings fit the engine");
    let component = sandbox.compile(FEE_MARKET).expect("the artifact is a component");
    let (mut inside, mut native) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let start = Instant::now();
        let expected = simulate(&material).expect("the material has a result");
        native.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let run = component
            .run(Argument::Simulate(&material), &Inputs::default())
            .expect("the run is provable");
        inside.push(start.elapsed().as_secs_f64());
        assert_eq!(run.answer(), Some(&expected[..]), "native and sandbox agree");
    }
    let (value, reference) = (median(inside), median(native));
    let ratio = value / reference;
    if as_json {
        println!(
            "{}",
            json!({
                "measure": "sandbox_fee_market", "value": value, "unit": "s",
                "reference": reference, "ratio": ratio,
            })
        );
    } else {
        println!("sandbox_fee_market: {value:.3} s, native {reference:.3} s, ratio {ratio:.3}");
    }
}

/// 50 paths of 1,800 blocks, both arms, on stated demand.
fn material() -> Vec<u8> {
    let baseline = Parameters::ethereum(30_000_000).expect("a limit within bounds");
    let limit = Setting::new(ParameterName::GasLimit, 45_000_000).expect("a limit within bounds");
    let experiment = Experiment::new(baseline, baseline.with(limit));
    let observed: Vec<ObservedBlock> = (0..100)
        .map(|number| ObservedBlock {
            number,
            timestamp: 12 * number,
            gas_used: 15_000_000,
            gas_limit: 30_000_000,
            base_fee_wei: Some(40_000_000_000),
        })
        .collect();
    let material = Material {
        chain: "eip155:1".parse().expect("a CAIP-2 id"),
        program: Program::this(),
        inputs: vec![],
        observed: &observed,
        evm: &[],
    };
    MaterialDocument::new(&experiment, &material).to_canonical().expect("material is canonical")
}

/// The middle of the values; the upper one of two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
