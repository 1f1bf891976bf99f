use super::*;
use crate::evm::fork;

#[track_caller]
fn check(changes: Changes, expect: &str) {
    assert_eq!(changes.ensure_possible().unwrap_err().to_string(), expect);
}

#[test]
fn refuses_contradictions_with_the_reason() {
    let none = Changes::NONE;
    check(
        Changes { gas_limit: Some(20_999), ..none },
        "gas limit is 20999, expected at least 21000, the gas of a plain transfer",
    );
    check(
        Changes { transaction_gas_cap: Some(1), ..none },
        "transaction gas cap is 1, expected 0 for none or at least 21000, the gas of a plain \
         transfer",
    );
    check(
        Changes { calldata_floor_per_token: Some(100_001), ..none },
        "calldata floor is 100001 gas per token, expected at most 100000",
    );
    check(
        Changes { refund_quotient: Some(0), ..none },
        "refund quotient is 0, expected at least 1",
    );
    check(
        Changes { base_fee_change_denominator: Some(0), ..none },
        "base-fee change denominator is 0, expected at least 1",
    );
    check(
        Changes { elasticity_multiplier: Some(30_001), gas_limit: Some(30_000), ..none },
        "elasticity multiplier 30001 leaves a target of 0 gas under gas limit 30000",
    );
    assert_eq!(none.ensure_possible(), Ok(()));
}

#[test]
fn names_what_a_fork_has_no_use_for() {
    let all = Changes {
        priority_fee_floor_wei: Some(1),
        base_fee_min_wei: Some(1),
        elasticity_multiplier: Some(1),
        base_fee_change_denominator: Some(1),
        blobs_per_block_max: Some(1),
        ..Changes::NONE
    };
    let rules = |number, timestamp| fork::rules(fork::ETHEREUM, number, timestamp).unwrap();
    assert_eq!(all.without_effect(&rules(9_069_000, 0)).len(), 5);
    assert_eq!(all.without_effect(&rules(12_965_000, 0)), ["blobs_per_block_max"]);
    assert_eq!(all.without_effect(&rules(20_000_000, 1_710_338_135)), [""; 0]);
}

#[test]
fn a_fork_keeps_its_own_caps_unless_they_are_changed() {
    let osaka = fork::rules(fork::ETHEREUM, 24_000_000, 1_767_747_671).unwrap();
    let prague = fork::rules(fork::ETHEREUM, 22_431_084, 1_746_612_311).unwrap();
    let none = Changes::NONE;
    // EIP-7825 and EIP-7892 (second blob-parameter fork).
    assert_eq!(none.transaction_gas_cap(&osaka), 16_777_216);
    assert_eq!(none.transaction_gas_cap(&prague), u64::MAX);
    assert_eq!((none.blobs_max(&prague), none.blobs_max(&osaka)), (9, 21));
    let off = Changes { transaction_gas_cap: Some(0), ..none };
    assert_eq!(off.transaction_gas_cap(&osaka), u64::MAX);
}
