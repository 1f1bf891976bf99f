use alloy_primitives::{Address, hex};
use proptest::prelude::*;
use revm::precompile::Precompiles;

use super::*;
use crate::attack::tests::{case, ethereum};

const FORK: SpecId = SpecId::OSAKA;

/// What one operation costs by the protocol, without the code around it, and by how many gas the
/// code around it may exceed that: pushes, the warm call of a precompile, the loop's tail.
fn published(operation: Operation) -> (u64, u64) {
    match operation {
        Operation::Jumpdest => (1, 0),
        Operation::Exp => (10 + 50 * 32, 20),
        Operation::Keccak256 => (30 + 6 * 1_024, 40),
        // Three gas per word and the write itself, with the quadratic part on top.
        Operation::MemoryExpansion => (3 + 3, 150),
        Operation::Log => (375, 10),
        Operation::SloadCold => (2_100, 20),
        Operation::SstoreNew => (22_100, 50),
        Operation::SstoreClear => (5_000, 40),
        Operation::BalanceCold | Operation::ExtcodesizeCold | Operation::CallEmpty => (2_600, 40),
        Operation::CallNewAccount => (2_600 + 9_000 + 25_000 - 2_300, 60),
        Operation::Ecrecover => (3_000, 160),
        Operation::Sha256 => (60 + 12 * 1_024, 160),
        Operation::Ripemd160 => (600 + 120 * 1_024, 160),
        Operation::Identity => (15 + 3 * 1_024, 160),
        // EIP-7883: 2 x 64^2 x 7, 16 x (16 x 136 + 255), and the minimum.
        Operation::ModexpEvenModulus => (2 * 64 * 64 * 7, 160),
        Operation::ModexpLongExponent => (16 * (16 * 136 + 255), 160),
        Operation::ModexpMinimumPrice => (500, 160),
        Operation::Bn254Add => (150, 160),
        Operation::Bn254Mul => (6_000, 160),
        Operation::Bn254Pairing => (45_000 + 4 * 34_000, 160),
        Operation::Blake2f => (20_000, 160),
        Operation::PointEvaluation => (50_000, 160),
        Operation::Bls12G1Msm => (12_000, 160),
        Operation::Bls12G2Msm => (22_500, 160),
        Operation::Bls12Pairing => (37_700 + 2 * 32_600, 160),
        Operation::Bls12MapG2 => (23_800, 160),
        Operation::P256Verify => (6_900, 160),
    }
}

/// The difference of two lengths leaves only the loop: what one more operation costs.
#[test]
fn each_operation_costs_its_published_price() {
    for operation in Operation::ALL {
        let run = |gas| execute(&prepare(operation, gas, FORK).unwrap()).unwrap();
        let (short, long) = (run(700_000), run(1_500_000));
        let operations = long.operations - short.operations;
        let gas = long.gas_before_refund - short.gas_before_refund;
        let (price, around) = published(operation);
        assert!(gas >= price * operations, "{operation}: {gas} for {operations}");
        // The tail of a loop of thousands of steps rounds to nothing per step, not per loop.
        assert!(
            gas <= (price + around) * operations + operations / 50,
            "{operation}: {gas} for {operations}"
        );
    }
}

#[test]
fn a_block_is_its_transactions_and_nearly_full() {
    for operation in [Operation::SloadCold, Operation::Log, Operation::CallNewAccount] {
        let workload = prepare(operation, 40_000_000, FORK).unwrap();
        assert_eq!((workload.transactions(), workload.transaction_gas()), (3, 13_333_333));
        let (one, all) = (execute_some(&workload, 1).unwrap(), execute(&workload).unwrap());
        assert_eq!(all.operations, 3 * one.operations);
        assert_eq!(all.gas_used, 3 * one.gas_used);
        assert_eq!(all.logs, 3 * one.logs);
        assert!(all.gas_used > 39_000_000 && all.gas_used <= 40_000_000, "{operation}");
    }
}

#[test]
fn what_is_written_is_what_was_counted() {
    let run = |operation| execute(&prepare(operation, 3_000_000, FORK).unwrap()).unwrap();
    let slots = run(Operation::SstoreNew);
    assert_eq!(slots.slots_written, slots.operations);
    let accounts = run(Operation::CallNewAccount);
    // And the sender, the contract and the beneficiary.
    assert_eq!(accounts.accounts_written - accounts.operations, 3);
    let logs = run(Operation::Log);
    assert_eq!(logs.logs, logs.operations);
    assert_eq!(run(Operation::SloadCold).slots_written, 0);
}

/// The inputs do the work they are named for: a valid signature recovers its signer, and so on.
#[test]
fn precompile_inputs_are_valid() {
    let output = |number: u8, page: u8, input: &[u8]| {
        let mut address = [0; 20];
        (address[18], address[19]) = (page, number);
        let precompile = Precompiles::osaka().get(&Address::from(address)).unwrap();
        let output = precompile.execute(input, 1_000_000, 0).unwrap();
        assert!(output.is_success(), "{number}");
        output.bytes
    };
    let signer = hex!("000000000000000000000000a94f5374fce5edbc8e2a8697c15331677e6ebf0b");
    assert_eq!(output(1, 0, &input::ECRECOVER)[..], signer);
    let yes = hex!("0000000000000000000000000000000000000000000000000000000000000001");
    assert_eq!(output(0, 1, &input::P256)[..], yes);
    // Field elements per blob and the modulus (EIP-4844).
    assert_eq!(output(10, 0, &input::point_evaluation())[30..32], [0x10, 0]);
    // The pairing of generators is not one, so that no shortcut applies.
    let bn254 = [input::BN254_G1.as_slice(), &input::BN254_G2].concat().repeat(4);
    assert_eq!(output(8, 0, &bn254)[..], [0; 32]);
    let bls12 = [input::BLS12_G1.as_slice(), &input::BLS12_G2].concat().repeat(2);
    assert_eq!(output(15, 0, &bls12)[..], [0; 32]);
    assert_ne!(output(12, 0, &[input::BLS12_G1.as_slice(), &input::SCALAR].concat())[..], [0; 128]);
}

#[test]
fn refuses_what_the_fork_lacks_and_what_does_not_fit() {
    let error = prepare(Operation::P256Verify, 10_000_000, SpecId::PRAGUE).unwrap_err();
    assert!(matches!(error, Error::NotInFork { operation: Operation::P256Verify, .. }));
    let error = prepare(Operation::Bn254Pairing, 100_000, FORK).unwrap_err();
    assert!(matches!(error, Error::LimitTooSmall { transaction_gas: 100_000, .. }), "{error}");
}

#[test]
fn old_forks_run_what_they_have() {
    for spec in [SpecId::ISTANBUL, SpecId::CANCUN] {
        for operation in Operation::ALL {
            if spec.is_enabled_in(operation.since()) {
                let executed = execute(&prepare(operation, 600_000, spec).unwrap()).unwrap();
                assert!(executed.operations > 0, "{operation} {spec:?}");
            }
        }
    }
}

#[test]
fn a_measured_time_scales_with_the_limit() {
    assert_eq!(block_nanoseconds(500, 1_000, 60_000), 30_000);
    assert_eq!(block_nanoseconds(u64::MAX, 1, 2), u64::MAX);
    assert_eq!(block_nanoseconds(500, 0, 60_000), 0);
    assert_eq!(gas_per_second(1_000_000_000, 123), 123);
    assert_eq!(gas_per_second(0, 2), 2_000_000_000);
}

#[test]
fn rows_scale_with_the_gas_limit() {
    use chaos_parameters::ParameterName::{GasLimit, TransactionGasCap};
    let arm = |limit| ethereum(&[(GasLimit, limit), (TransactionGasCap, 500_000)]);
    let case = case(arm(30_000_000));
    let figures =
        |parameters| figures(parameters, case.base_fee_wei, case.tip_wei, case.spec).unwrap();
    for (one, two) in figures(&arm(30_000_000)).iter().zip(&figures(&arm(60_000_000))) {
        let factor = if one.unit == "milligas" { 1 } else { 2 };
        assert!((one.value * factor - two.value).abs() <= 1, "{}", one.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_workload_exceeds_its_block(
        index in 0usize..12, gas_limit in 600_000u64..6_000_000,
    ) {
        let workload = prepare(Operation::ALL[index], gas_limit, FORK).unwrap();
        let executed = execute(&workload).unwrap();
        prop_assert!(executed.gas_before_refund <= gas_limit);
        prop_assert_eq!(executed.transactions, workload.transactions());
        prop_assert_eq!(execute(&workload).unwrap(), executed);
    }
}
