//! From a proposal to rules of execution, and what execution under equal rules gives.

use chaos_parameters::{Preset, Setting};

use super::*;
use chaos_evm::{
    Bytecodes, Changes, RecordedBlock, ReplayInput,
    load::{LoadParameters, generate},
};

/// Cancun's parameters with one value changed.
fn with(name: ParameterName, value: u64) -> Parameters {
    let setting = Setting::new(name, value).unwrap();
    Preset::Cancun.parameters().apply(&[setting]).unwrap()
}

#[test]
fn each_parameter_of_execution_becomes_its_own_rule_and_no_other() {
    use ParameterName as P;
    let none = Changes::NONE;
    for (name, value, expected) in [
        (P::GasLimit, 77_000_000, Changes { gas_limit: Some(77_000_000), ..none }),
        (P::CalldataFloor, 11, Changes { calldata_floor_per_token: Some(11), ..none }),
        (P::TransactionGasCap, 1 << 24, Changes { transaction_gas_cap: Some(1 << 24), ..none }),
        (P::RefundQuotient, 7, Changes { refund_quotient: Some(7), ..none }),
        (P::PriorityFeeFloor, 13, Changes { priority_fee_floor_wei: Some(13), ..none }),
        (P::MinBaseFee, 17, Changes { base_fee_min_wei: Some(17), ..none }),
        (P::ElasticityMultiplier, 3, Changes { elasticity_multiplier: Some(3), ..none }),
        (
            P::BaseFeeChangeDenominator,
            19,
            Changes { base_fee_change_denominator: Some(19), ..none },
        ),
        (P::BlobMax, 9, Changes { blobs_per_block_max: Some(9), ..none }),
    ] {
        let (old, new) = (Preset::Cancun.parameters(), with(name, value));
        assert_eq!(Changes::between(&old, &new), expected, "{name}");
        assert_eq!(Changes::between(&new, &new), none, "{name}: what both have is no change");
    }
}

#[test]
fn parameters_of_the_fee_market_alone_leave_execution_as_it_is() {
    use ParameterName as P;
    let old = Preset::Cancun.parameters();
    for (name, value) in [
        (P::BlobTarget, 2),
        (P::BlobUpdateFraction, 5),
        (P::BlobMinFee, 5),
        (P::BlobBaseCost, 5),
        (P::BlockTime, 5_000),
        (P::GasLimitBoundDivisor, 1_024),
    ] {
        assert_eq!(Changes::between(&old, &with(name, value)), Changes::NONE, "{name}");
    }
}

#[test]
fn switching_a_rule_off_is_a_change() {
    let (old, new) = (with(ParameterName::TransactionGasCap, 1 << 24), Preset::Cancun.parameters());
    let expected = Changes { transaction_gas_cap: Some(0), ..Changes::NONE };
    assert_eq!(Changes::between(&old, &new), expected);
}

fn generated(blocks: u32) -> Vec<ReplayInput> {
    let load = generate(&LoadParameters { blocks, ..LoadParameters::default() }).unwrap();
    let codes = Bytecodes::decode(&load.bytecodes).unwrap();
    load.blocks
        .iter()
        .map(|block| {
            let block = RecordedBlock::decode(&block.json, Some(load.chain_id)).unwrap();
            ReplayInput::new(block, &codes)
        })
        .collect()
}

/// The second set states the recorded limit, so that both arms are rebuilt on their own.
#[test]
fn equal_rules_execute_to_exactly_the_same_blocks_on_any_number_of_threads() {
    let inputs = generated(3);
    let limits: Vec<u64> = inputs.iter().map(|input| input.block().header.gas_limit).collect();
    assert!(limits.iter().all(|limit| *limit == limits[0]), "{limits:?}");
    let stated = Changes { gas_limit: Some(limits[0]), ..Changes::NONE };
    let none = execute_arms(&inputs, &Changes::NONE, threads(2)).unwrap();
    assert_eq!(none, execute_arms(&inputs, &stated, threads(1)).unwrap());
    assert_eq!((none.blocks, none.runs), (3, 1));
    for (name, row) in &none.metrics {
        assert_eq!(row.baseline, row.proposal, "{name}");
        assert_eq!((row.difference, row.interval.low, row.interval.high), (0, 0, 0), "{name}");
    }
    assert!(none.outcomes.iter().chain(&none.exclusions).all(|row| row.baseline == row.proposal));
    assert_eq!(none.gas_of_included.0, none.gas_of_included.1);
    assert!(none.gas_changes.iter().all(|(per_cent, _)| *per_cent == 0));
}
