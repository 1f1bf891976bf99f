//! What blocks take, judged by their headers and by what the chain's rules cost.

use chaos_evm::{
    Bytecodes, GasKind, RecordedBlock, ReplayInput, Status, TransactionOutcome, execute,
    load::{LoadParameters, generate},
    measure,
};
use proptest::prelude::*;

use super::evm::inputs;

fn gross(outcome: &TransactionOutcome) -> u64 {
    outcome.gas_before_refund.max(outcome.gas_used)
}

#[test]
fn kinds_of_gas_sum_to_what_every_recorded_block_used_before_refunds() {
    let Some(mut inputs) = inputs("ethereum", 1) else { return };
    inputs.extend(super::evm::inputs("rise", 4153).unwrap());
    let mut sums = [0_u64; GasKind::ALL.len()];
    for input in &inputs {
        let number = input.block().header.number;
        let resources = measure(input).unwrap();
        let outcomes = execute(input).unwrap().transactions;
        assert_eq!(resources.gas_net, input.block().header.gas_used, "block {number}");
        assert_eq!(resources.gas_gross, outcomes.iter().map(gross).sum::<u64>(), "block {number}");
        assert_eq!(resources.gas.total(), resources.gas_gross, "block {number}");
        let worst = resources.worst_transaction.map(|worst| worst.gas.total());
        assert_eq!(worst, outcomes.iter().map(gross).max(), "block {number}");
        let logs: usize = outcomes.iter().map(|outcome| outcome.logs.len()).sum();
        assert_eq!(resources.logs, logs as u64, "block {number}");
        for (sum, kind) in sums.iter_mut().zip(GasKind::ALL) {
            *sum += resources.gas.get(kind);
        }
    }
    for (sum, kind) in sums.iter().zip(GasKind::ALL) {
        eprintln!("{}: {sum}", kind.name());
        assert!(*sum > 0, "{}", kind.name());
    }
}

#[test]
fn the_size_of_a_block_is_the_one_its_node_gave() {
    let Some(mut inputs) = inputs("ethereum", 1) else { return };
    inputs.extend(super::evm::inputs("rise", 4153).unwrap());
    let mut compared = 0;
    for input in &inputs {
        let header = &input.block().header;
        let computed = measure(input).unwrap().block_bytes;
        assert_eq!(computed.is_none(), !header.uncles.is_empty() || header.extra_data.is_none());
        if let (Some(computed), Some(recorded)) = (computed, header.size_bytes) {
            assert_eq!(computed, recorded, "block {}", header.number);
            compared += 1;
        }
    }
    eprintln!("{compared} sizes compared");
    assert!(compared > 50, "{compared}");
}

#[test]
fn a_plain_transfer_is_all_intrinsic_gas() {
    let Some(inputs) = inputs("ethereum", 1) else { return };
    // The first transaction ever: 21,000 gas from one account to a new one.
    let input = inputs.iter().find(|input| input.block().header.number == 46_147).unwrap();
    let resources = measure(input).unwrap();
    assert_eq!((resources.gas.get(GasKind::Intrinsic), resources.gas_gross), (21_000, 21_000));
    assert_eq!(resources.state.slots_new, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn kinds_of_gas_sum_on_any_generated_block(seed: u64, demand_ppm in 500_000_u32..3_000_000) {
        let parameters = LoadParameters {
            blocks: 2, gas_limit: 3_000_000, accounts: 40, demand_ppm, seed,
            ..LoadParameters::default()
        };
        let load = generate(&parameters).unwrap();
        let codes = Bytecodes::decode(&load.bytecodes).unwrap();
        for block in &load.blocks {
            let block = RecordedBlock::decode(&block.json, None).unwrap();
            let input = ReplayInput::new(block, &codes);
            let resources = measure(&input).unwrap();
            let outcomes = execute(&input).unwrap().transactions;
            prop_assert_eq!(resources.gas.total(), resources.gas_gross);
            prop_assert_eq!(resources.gas_gross, outcomes.iter().map(gross).sum::<u64>());
            prop_assert_eq!(resources.gas_net, input.block().header.gas_used);
            let failed = outcomes.iter().filter(|outcome| outcome.status != Status::Success);
            prop_assert!(resources.logs > 0 || failed.count() == outcomes.len());
        }
    }
}
