use super::*;
use crate::fork;

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

fn block(family: Family, extra_data: &'static [u8]) -> Block {
    let rules = ForkRules { family, ..fork::rules(fork::RISE, 1, 0).unwrap() };
    let json = r#"{"number":"0x1","timestamp":"0x0","parentHash":"0x0000000000000000000000000000000000000000000000000000000000000000",
        "miner":"0x0000000000000000000000000000000000000000","gasLimit":"0x0","gasUsed":"0x0","baseFeePerGas":"0x0",
        "difficulty":"0x0","mixHash":"0x0000000000000000000000000000000000000000000000000000000000000000",
        "receiptsRoot":"0x0000000000000000000000000000000000000000000000000000000000000000","blobGasUsed":"0x0",
        "excessBlobGas":"0x0","parentBeaconBlockRoot":"0x0000000000000000000000000000000000000000000000000000000000000000",
        "transactions":[],"withdrawals":[]}"#;
    let mut block = Block::decode_rpc(json.as_bytes(), Some(fork::RISE)).unwrap();
    block.rules = rules;
    block.header.extra_data = Some(extra_data.into());
    block
}

#[test]
fn an_op_stack_block_says_its_own_base_fee_rule() {
    let next = |block: &Block, changes: Changes, used| {
        changes.base_fee_rule(block).next(1_000_000, used, 60_000_000)
    };
    let full = 60_000_000;
    // Version 0, denominator 250, elasticity 6: a full block adds five times the base fee over 250.
    let holocene = block(Family::OpStack, &[0, 0, 0, 0, 250, 0, 0, 0, 6]);
    assert_eq!(next(&holocene, Changes::NONE, full), 1_020_000);
    let changes = Changes { base_fee_change_denominator: Some(50), ..Changes::NONE };
    assert_eq!(next(&holocene, changes, full), 1_100_000);
    // Zeros mean Canyon, which is the same.
    let canyon = block(Family::OpStack, &[0; 9]);
    assert_eq!(next(&canyon, Changes::NONE, full), 1_020_000);
    // Version 1 adds a minimum, here of 999,999 wei; an empty block would go below it.
    let jovian =
        block(Family::OpStack, &[1, 0, 0, 0, 250, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x3f]);
    assert_eq!(next(&jovian, Changes::NONE, 0), 999_999);
    let lower = Changes { base_fee_min_wei: Some(0), ..Changes::NONE };
    assert_eq!(next(&jovian, lower, 0), 996_000);
    // On Ethereum extra data is anybody's.
    let ethereum = block(Family::Ethereum, &[0, 0, 0, 0, 250, 0, 0, 0, 6]);
    assert_eq!(next(&ethereum, Changes::NONE, full), 1_125_000);
}
