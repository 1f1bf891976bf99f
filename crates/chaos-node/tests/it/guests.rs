//! The committed components against the crates they are made of.

use std::num::NonZeroUsize;

use chaos_evm::{
    BlockReplay, Bytecodes, RecordedBlock, ReplayInput,
    load::{LoadParameters, generate},
    replay,
};
use chaos_history::FeeHistory;
use chaos_parameters::{Parameters, Setting};
use chaos_reputation::{
    Evidence, EvidenceClass, Model, Outcome as Ending, Params, ScoreDocument, TASK_UNIT_MICRO,
};
use chaos_sandbox::{
    Answer, Argument, Component, Configuration, Failure, Inputs, Limits, Outcome, Run, Sandbox,
};
use chaos_simulation::{
    EvmBlockFigures, Experiment, Input, Material, MaterialDocument, Program, SimulationResult,
    flow::ObservedBlock,
};
use chaos_study::{executed, observed};
use chaos_types::{ChainId, Digest, canonical};
use serde_json::{Value, json};

use crate::program::shared;

const FEE_MARKET: &[u8] = include_bytes!("../../../../guests/artifacts/fee-market.wasm");
const SCORER: &[u8] = include_bytes!("../../../../guests/artifacts/scorer.wasm");
const QUOTER: &[u8] = include_bytes!("../../../../guests/artifacts/quoter.wasm");

/// Enough to calibrate demand from a thousand consecutive blocks and more.
const FUEL: u64 = 1_000_000_000_000;

fn component(bytes: &[u8]) -> Component {
    let limits = Limits { fuel: FUEL, ..Limits::default() };
    let sandbox = Sandbox::new(Configuration::new(limits)).unwrap();
    sandbox.compile(bytes).unwrap()
}

fn invalid(run: &Run) -> &str {
    match &run.outcome {
        Outcome::Failure(Failure::InvalidInput(text)) => text,
        other => panic!("expected the failure invalid-input, found {other:?}"),
    }
}

fn experiment(gas_limit: u64) -> Experiment {
    let baseline = Parameters::ethereum(gas_limit).unwrap();
    let doubled = Setting::new(chaos_parameters::ParameterName::GasLimit, 2 * gas_limit).unwrap();
    let proposal = baseline.with(doubled);
    Experiment { paths: 3, blocks: 200, warmup_blocks: 50, ..Experiment::new(baseline, proposal) }
}

/// Runs the experiment natively on two threads and in the sandbox, and compares digests.
#[track_caller]
fn ensure_same(experiment: &Experiment, observed: &[ObservedBlock], evm: &[EvmBlockFigures]) {
    let inputs = vec![Input { name: "blocks".to_owned(), digest: Digest::of(b"blocks") }];
    let chain = ChainId::evm(1);
    let material = Material { chain, program: Program::this(), inputs, observed, evm };
    let native =
        chaos_simulation::run(experiment, &material, NonZeroUsize::new(2).unwrap()).unwrap();
    let document = MaterialDocument::new(experiment, &material).to_canonical().unwrap();

    let guest = component(FEE_MARKET);
    let run = guest.run(Argument::Simulate(&document), &Inputs::default()).unwrap();
    let result: SimulationResult = canonical::from_slice(run.answer().unwrap()).unwrap();
    // The result holds the digest of the series, so the bands are the same too.
    assert_eq!(result.series, native.series.digest().unwrap());
    assert_eq!(Digest::of(run.answer().unwrap()), native.result.digest().unwrap());
    let again = guest.run(Argument::Simulate(&document), &Inputs::default()).unwrap();
    assert_eq!((run.fuel, &run.outcome), (again.fuel, &again.outcome));
}

#[test]
fn fee_market_component_gives_the_native_digest_on_recorded_fees() {
    let Some(data) = shared("chain/fee-history") else { return };
    let bytes = std::fs::read(data.join("mainnet-12965000-12999999.csv.gz")).unwrap();
    let history = FeeHistory::decode(&bytes).unwrap();
    ensure_same(&experiment(30_000_000), &history.blocks()[..1_200], &[]);
}

#[test]
fn fee_market_component_gives_the_native_digest_on_generated_blocks() {
    let parameters = LoadParameters { blocks: 3, gas_limit: 5_000_000, ..Default::default() };
    let load = generate(&parameters).unwrap();
    let codes = Bytecodes::decode(&load.bytecodes).unwrap();
    let replays: Vec<BlockReplay> = load
        .blocks
        .iter()
        .map(|block| {
            let block = RecordedBlock::decode(&block.json, Some(load.chain_id)).unwrap();
            replay(&ReplayInput::new(block, &codes)).unwrap()
        })
        .collect();
    let observed: Vec<_> = replays.iter().map(observed).collect();
    let evm: Vec<_> = replays.iter().map(|block| executed(block, None)).collect();
    ensure_same(&experiment(5_000_000), &observed, &evm);
}

#[test]
fn fee_market_component_refuses_material_in_the_words_of_the_native_program() {
    let observed = ObservedBlock {
        number: 1,
        timestamp: 12,
        gas_used: 5,
        gas_limit: 30_000_000,
        base_fee_wei: Some(7),
    };
    let material = Material {
        chain: ChainId::evm(1),
        program: Program::this(),
        inputs: Vec::new(),
        observed: &[observed],
        evm: &[],
    };
    let document = MaterialDocument::new(&experiment(30_000_000), &material);
    let good = serde_json::to_value(&document).unwrap();
    let guest = component(FEE_MARKET);
    let check = |pointer: &str, value: Value, expect: &str| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        let bytes = canonical::to_vec(&bad).unwrap();
        let run = guest.run(Argument::Simulate(&bytes), &Inputs::default()).unwrap();
        let text = invalid(&run);
        assert!(text.contains(expect), "{pointer}: {text}");
        assert_eq!(text, chaos_simulation::simulate(&bytes).unwrap_err().text());
    };
    check("/observed/0/gas_used", json!("30000001"), "observed[0]: gas used 30000001 is above");
    check("/observed/0/number", json!("01"), "observed[0].number: expected a decimal integer");
    check("/experiment/paths", json!(-1), "experiment.paths: invalid value: integer `-1`");
    check("/experiment/paths", json!(0), "paths must be from 1 to 10000, found 0");
    check("/format", json!("other"), "format: expected `chaos-simulation/material/1`");
    check("/program/version", json!("9.9.9"), "the document is for chaos-simulation 9.9.9");
    let run = guest.run(Argument::Simulate(b"{} "), &Inputs::default()).unwrap();
    assert_eq!(invalid(&run), "material: not canonical: byte 2 differs from the RFC 8785 form");
}

#[test]
fn scorer_component_gives_the_native_table() {
    let fact = |receipt: &[u8], agent: &str, outcome| Evidence {
        receipt: Digest::of(receipt),
        judged_by: Digest::of(&[receipt, b"vote"].concat()),
        agent: agent.to_owned(),
        domain: "governance".to_owned(),
        role: "researcher".to_owned(),
        payer: "sponsor".to_owned(),
        task_class: "fee-analysis".to_owned(),
        at_ms: 1_000,
        outcome,
        class: EvidenceClass::Replayable,
        units_micro: TASK_UNIT_MICRO,
    };
    let evidence = [
        fact(b"one", "ann", Ending::Success),
        fact(b"two", "ann", Ending::Failure),
        fact(b"three", "bob", Ending::Success),
    ];
    let as_of_ms = 40 * chaos_reputation::DAY_MS;
    let guest = component(SCORER);
    for model in Model::ALL {
        let native = chaos_reputation::score(&evidence, as_of_ms, &Params::of(model)).unwrap();
        let document = ScoreDocument::new(model, as_of_ms, &evidence);
        let document = canonical::to_vec(&document).unwrap();
        let run = guest.run(Argument::Score(&document), &Inputs::default()).unwrap();
        assert_eq!(Digest::of(run.answer().unwrap()), native.digest().unwrap());
    }
    let run = guest.run(Argument::Score(b"{}"), &Inputs::default()).unwrap();
    assert_eq!(invalid(&run), chaos_reputation::score_document(b"{}").unwrap_err().text());
}

/// One step of the market maker: what it holds before, an event, and what it says and holds after.
#[track_caller]
fn decide(inputs: &Inputs, held: &str, event: &Value) -> (Value, Value) {
    let state = canonical::to_vec(&json!({ "inventory": held })).unwrap();
    let event = canonical::to_vec(event).unwrap();
    let run =
        component(QUOTER).run(Argument::Strategy { state: &state, event: &event }, inputs).unwrap();
    let Outcome::Answer(Answer::Step(step)) = run.outcome else {
        panic!("expected a step, found {:?}", run.outcome)
    };
    let read = |bytes: &[u8]| canonical::value_from_slice(bytes).unwrap();
    (read(&step.state), read(&step.intents))
}

#[test]
fn javascript_component_leans_its_quotes_against_its_inventory() {
    let book = json!({ "ask": "101000", "bid": "99000", "kind": "book" });
    let order =
        |side: &str, price: &str, size: &str| json!({ "price": price, "side": side, "size": size });
    let none = Inputs::default();
    // Middle 100,000; half a spread is 500 ppm of it; half of the largest position leans by 0.1 %.
    let (_, flat) = decide(&none, "0", &book);
    assert_eq!(flat, json!([order("buy", "99950", "10000"), order("sell", "100050", "10000")]));
    let (_, long) = decide(&none, "500000", &book);
    assert_eq!(long, json!([order("buy", "99850", "10000"), order("sell", "99950", "10000")]));
    let (_, full) = decide(&none, "1000000", &book);
    assert_eq!(full, json!([order("sell", "99850", "10000")]));
    let fill = json!({ "kind": "fill", "side": "sell", "size": "7" });
    assert_eq!(decide(&none, "5", &fill), (json!({ "inventory": "-2" }), json!([])));
}

#[test]
fn javascript_component_reads_its_parameters_from_the_job() {
    let book = json!({ "ask": "101000", "bid": "99000", "kind": "book" });
    let parameters = json!({
        "half_spread_ppm": "1000", "inventory_max": "10", "size": "3", "skew_ppm": "0",
    });
    let parameters = canonical::to_vec(&parameters).unwrap();
    let inputs = Inputs::new([("quoter", parameters)]).unwrap();
    let (_, orders) = decide(&inputs, "8", &book);
    assert_eq!(
        orders,
        json!([
            { "price": "99900", "side": "buy", "size": "2" },
            { "price": "100100", "side": "sell", "size": "3" },
        ])
    );
}

#[test]
fn javascript_component_refuses_events_and_repeats_itself() {
    let guest = component(QUOTER);
    let run = |event: &[u8]| {
        guest.run(Argument::Strategy { state: b"", event }, &Inputs::default()).unwrap()
    };
    assert_eq!(invalid(&run(b"{")), "event: not JSON");
    assert_eq!(invalid(&run(br#"{"kind": "book"}"#)), "event: not canonical JSON");
    let crossed = run(br#"{"ask":"5","bid":"6","kind":"book"}"#);
    assert_eq!(invalid(&crossed), "event: bid 6 is not below ask 5");
    let event = br#"{"ask":"101000","bid":"99000","kind":"book"}"#;
    assert_eq!(run(event), run(event));
}
