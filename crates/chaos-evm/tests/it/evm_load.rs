//! Generated blocks: real enough to replay exactly.

use alloy_consensus::Header;
use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use chaos_evm::{
    BlockReplay, Bytecodes, ReceiptsRoot, RecordedBlock, ReplayInput, Status, counterfactual,
    load::{self, GeneratedLoad, LoadError, LoadParameters},
    replay,
};
use proptest::prelude::*;
use serde_json::Value;

fn inputs(load: &GeneratedLoad) -> Vec<ReplayInput> {
    let codes = Bytecodes::decode(&load.bytecodes).unwrap();
    load.blocks
        .iter()
        .map(|block| {
            let recorded = RecordedBlock::decode(&block.json, Some(load.chain_id)).unwrap();
            ReplayInput::new(recorded, &codes)
        })
        .collect()
}

fn replays(load: &GeneratedLoad) -> Vec<BlockReplay> {
    inputs(load).iter().map(|input| replay(input).unwrap()).collect()
}

#[track_caller]
fn assert_exact(results: &[BlockReplay]) {
    for result in results {
        assert_eq!(result.gas_replayed, result.gas_header, "block {}", result.number);
        assert_eq!(result.receipts_root, ReceiptsRoot::Match, "block {}", result.number);
        assert_eq!(result.unknown_reads.total(), 0, "block {}", result.number);
        assert!(result.agrees());
    }
}

#[test]
fn generated_blocks_replay_exactly_and_look_like_a_busy_chain() {
    let load = load::generate(&LoadParameters::default()).unwrap();
    assert_eq!(load.chain_id, load::CHAIN_ID);
    let results = replays(&load);
    assert_eq!(results.len(), 32);
    assert_exact(&results);

    let full = results.iter().filter(|r| r.gas_replayed * 100 >= r.gas_limit * 99).count();
    let below_target = results.iter().filter(|r| r.gas_replayed * 2 < r.gas_limit).count();
    assert!(full >= 4, "{full} full blocks");
    assert!(below_target >= 4, "{below_target} blocks below target");
    let fees: Vec<u64> = results.iter().filter_map(|r| r.base_fee_per_gas).collect();
    let (low, high) = (fees.iter().min().unwrap(), fees.iter().max().unwrap());
    assert!(high > &(low * 3 / 2), "base fee moves from {low} to {high}");
    let outcomes = || results.iter().flat_map(|r| &r.transactions);
    assert!(outcomes().any(|t| t.status == Status::Reverted));
    for type_byte in 0..=2 {
        assert!(outcomes().any(|t| t.type_byte == type_byte), "type {type_byte}");
    }
}

#[test]
fn headers_are_chained_by_hash_and_the_base_fee_follows_the_rule() {
    let load = load::generate(&LoadParameters { blocks: 8, ..LoadParameters::default() }).unwrap();
    let headers: Vec<(Header, Value)> = load
        .blocks
        .iter()
        .map(|block| {
            let value: Value = serde_json::from_slice(&block.json).unwrap();
            (
                serde_json::from_value(value["block"].clone()).unwrap(),
                value["block"]["hash"].clone(),
            )
        })
        .collect();
    for pair in headers.windows(2) {
        let ((parent, hash), (child, _)) = (&pair[0], &pair[1]);
        assert_eq!(parent.hash_slow().to_string(), hash.as_str().unwrap());
        assert_eq!(child.parent_hash, parent.hash_slow());
        assert_eq!(child.number, parent.number + 1);
        assert_eq!(child.timestamp, parent.timestamp + 12);
        let expect = calc_next_block_base_fee(
            parent.gas_used,
            parent.gas_limit,
            parent.base_fee_per_gas.unwrap(),
            BaseFeeParams::ethereum(),
        );
        assert_eq!(child.base_fee_per_gas, Some(expect));
    }
}

#[test]
fn refuses_a_parameter_outside_its_range() {
    let check = |parameters: LoadParameters, expect: &str| match load::generate(&parameters) {
        Err(LoadError::Parameter(error)) => assert_eq!(error.to_string(), expect),
        other => panic!("{other:?}"),
    };
    let default = LoadParameters::default;
    check(LoadParameters { blocks: 0, ..default() }, "`blocks` is 0, expected 1 to 2000");
    check(
        LoadParameters { gas_limit: 999_999, ..default() },
        "`gas_limit` is 999999, expected 1000000 to 200000000",
    );
    check(LoadParameters { accounts: 1, ..default() }, "`accounts` is 1, expected 16 to 20000");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_load_replays_exactly_and_is_the_same_each_time(
        seed: u64,
        gas_limit in 1_000_000_u64..6_000_000,
        accounts in 16_u32..80,
        demand_ppm in 0_u32..4_000_000,
        base_fee_wei in 8_u64..200_000_000_000,
    ) {
        let parameters = LoadParameters {
            blocks: 4, gas_limit, accounts, base_fee_wei, demand_ppm, seed,
            ..LoadParameters::default()
        };
        let load = load::generate(&parameters).unwrap();
        assert_exact(&replays(&load));
        let again = load::generate(&parameters).unwrap();
        for (one, other) in load.blocks.iter().zip(&again.blocks) {
            prop_assert_eq!(&one.json, &other.json);
        }
        prop_assert_eq!(load.bytecodes, again.bytecodes);
    }

    #[test]
    fn a_counterfactual_never_exceeds_its_limit_and_accounts_for_every_transaction(
        gas_limit in 21_000_u64..8_000_000,
    ) {
        let parameters = LoadParameters {
            blocks: 3, gas_limit: 4_000_000, accounts: 64, ..LoadParameters::default()
        };
        for input in inputs(&load::generate(&parameters).unwrap()) {
            let baseline = replay(&input).unwrap();
            let result = counterfactual::with_gas_limit(&input, &baseline, gas_limit).unwrap();
            prop_assert!(result.gas_used <= gas_limit);
            prop_assert_eq!(
                result.included + result.excluded.len(),
                input.block().transactions.len()
            );
            if gas_limit >= 4_000_000 {
                prop_assert_eq!(result.gas_used, baseline.gas_replayed);
            }
        }
    }
}
