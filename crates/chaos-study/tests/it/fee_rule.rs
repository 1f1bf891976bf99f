//! One fee rule: both models and re-execution show the same rows, and each row follows from the one
//! before by the rule itself.

use chaos_evm::{
    Assumptions as Builder, Bytecodes, Changes, RecordedBlock, ReplayInput,
    load::{LoadParameters, generate},
    rebuild, runs,
};
use chaos_parameters::{
    ParameterName as P, Parameters, Setting,
    pricing::{BlockUse, FeeState},
};
use chaos_simulation::{
    flow::{self, Assumptions, Demand, NoiseSource, PathSpec, Shocks},
    transactions::{Arm, Spec, run_observed},
};

/// Base fee of the last block before the change.
const START_WEI: u64 = 5_000_000_000;
const LIMIT: u64 = 15_000_000;
const BLOCKS: u32 = 6;

/// A block after the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    base_fee_wei: u128,
    gas_limit: u64,
    gas_used: u64,
}

fn baseline() -> Parameters {
    Parameters::ethereum(LIMIT).unwrap()
}

fn changed(settings: &[(P, u64)]) -> Parameters {
    let settings: Vec<Setting> =
        settings.iter().map(|(name, value)| Setting::new(*name, *value).unwrap()).collect();
    baseline().apply(&settings).unwrap()
}

/// The flow model without randomness, at the target for [`START_WEI`].
fn flow(proposal: &Parameters) -> Vec<Row> {
    let demand = Demand {
        anchor_wei: START_WEI.into(),
        level_gas: LIMIT / 2,
        fast_sigma_ppm: 0,
        slow_sigma_ppm: 0,
        persistence_ppm: 0,
        patient_share_ppm: 0,
        interval_variation_ppm: 0,
        empty_ppm: 0,
        noise: NoiseSource::Stated,
        blocks_used: 1,
        blocks_imputed: 0,
    };
    let spec = PathSpec {
        demand: &demand,
        assumptions: &Assumptions::default(),
        baseline: &baseline(),
        warmup_blocks: 3,
        start_wei: None,
        settle_blocks: 0,
    };
    let path = flow::simulate(&spec, &Shocks::none(3 + BLOCKS), proposal);
    path.blocks
        .into_iter()
        .map(|block| Row {
            base_fee_wei: block.base_fee_wei,
            gas_limit: block.gas_limit,
            gas_used: block.gas_used,
        })
        .collect()
}

fn transactions(proposal: &Parameters) -> Vec<Row> {
    let spec = Spec {
        blocks: BLOCKS,
        warmup_blocks: 3,
        start_base_fee_wei: START_WEI,
        ..Spec::stated(baseline())
    };
    let mut rows = Vec::new();
    run_observed(&spec, &[Arm::honest(*proposal)], (1, 0), |_, block| {
        if block.measured {
            rows.push(Row {
                base_fee_wei: block.base_fee_wei.into(),
                gas_limit: block.gas_limit,
                gas_used: block.gas_used,
            });
        }
    })
    .unwrap();
    rows
}

/// Generated blocks, built again under the change and executed.
fn reexecution(changes: &Changes) -> Vec<Row> {
    let parameters = LoadParameters {
        blocks: BLOCKS,
        gas_limit: LIMIT,
        base_fee_wei: START_WEI,
        ..LoadParameters::default()
    };
    let load = generate(&parameters).unwrap();
    let codes = Bytecodes::decode(&load.bytecodes).unwrap();
    let inputs: Vec<ReplayInput> = load
        .blocks
        .iter()
        .map(|block| ReplayInput::new(RecordedBlock::decode(&block.json, None).unwrap(), &codes))
        .collect();
    let rebuilt = rebuild(&runs(&inputs).unwrap()[0], changes, &Builder::default()).unwrap();
    rebuilt
        .blocks
        .into_iter()
        .map(|block| Row {
            base_fee_wei: block.base_fee_per_gas.unwrap().into(),
            gas_limit: block.gas_limit,
            gas_used: block.gas_used,
        })
        .collect()
}

/// Every row follows from the one before by the rule.
#[track_caller]
fn check_rows(model: &str, proposal: &Parameters, rows: &[Row]) {
    assert_eq!(rows.len(), BLOCKS as usize, "{model}");
    for pair in rows.windows(2) {
        let mut state = FeeState::settled(proposal, pair[0].base_fee_wei);
        state.gas_limit = pair[0].gas_limit;
        let used = BlockUse { gas: pair[0].gas_used, blob_gas: 0, elapsed_ms: 12_000 };
        let next = state.advance(proposal, used);
        let expected =
            Row { base_fee_wei: next.base_fee_wei, gas_limit: next.gas_limit, ..pair[1] };
        assert_eq!(pair[1], expected, "{model}");
    }
}

#[track_caller]
fn check(settings: &[(P, u64)], first_limits: [u64; 3]) {
    let proposal = changed(settings);
    let first = FeeState::settled(&baseline(), START_WEI.into()).enact(&proposal);
    let models = [
        ("flow", flow(&proposal)),
        ("transactions", transactions(&proposal)),
        ("evm", reexecution(&Changes::between(&baseline(), &proposal))),
    ];
    for (model, rows) in &models {
        check_rows(model, &proposal, rows);
        let limits: Vec<u64> = rows.iter().map(|row| row.gas_limit).collect();
        assert_eq!(limits[..3], first_limits, "{model}");
        assert!(rows[0].base_fee_wei >= proposal.min_base_fee_wei().into(), "{model}");
        if u128::from(proposal.min_base_fee_wei()) > 2 * u128::from(START_WEI) {
            assert_eq!(rows[0].base_fee_wei, first.base_fee_wei, "{model}: the floor itself");
        }
    }
}

#[test]
fn a_raised_floor_holds_in_the_first_block_of_every_model() {
    check(&[(P::MinBaseFee, 50_000_000_000)], [LIMIT; 3]);
}

#[test]
fn a_bound_limit_takes_its_first_step_in_the_first_block_of_every_model() {
    let doubled = |divisor| [(P::GasLimit, 2 * LIMIT), (P::GasLimitBoundDivisor, divisor)];
    check(&doubled(1_024), [15_014_647, 15_029_308, 15_043_984]);
    check(&doubled(100), [15_149_999, 15_301_497, 15_454_510]);
    check(&doubled(0), [2 * LIMIT; 3]);
}

#[test]
fn every_model_answers_by_the_changed_denominator_and_elasticity() {
    check(&[(P::BaseFeeChangeDenominator, 50), (P::ElasticityMultiplier, 3)], [LIMIT; 3]);
}

#[test]
fn re_execution_of_settled_changes_begins_at_the_limit() {
    let settings = [(P::GasLimit, 2 * LIMIT), (P::GasLimitBoundDivisor, 1_024)];
    let settled = Changes::between(&baseline(), &changed(&settings)).settled();
    assert!(reexecution(&settled).iter().all(|row| row.gas_limit == 2 * LIMIT));
}
