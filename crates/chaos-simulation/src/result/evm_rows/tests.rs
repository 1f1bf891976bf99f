use super::*;

fn block(gas_used_proposal: u64, excluded_proposal: u64) -> EvmBlockFigures {
    EvmBlockFigures {
        number: 1,
        gas_reproduced: true,
        gas_limit_baseline: 30_000_000,
        gas_limit_proposal: 10_000_000,
        gas_used_baseline: 12_000_000,
        gas_used_proposal,
        included_baseline: 100,
        included_proposal: 100 - excluded_proposal,
        excluded_baseline: 0,
        excluded_proposal,
        diverged_proposal: 1,
        unknown_reads_baseline: 0,
        unknown_reads_proposal: 2,
    }
}

#[test]
fn gas_is_a_mean_and_counts_are_sums() {
    let rows = evm_rows(&[block(9_000_000, 20), block(10_000_000, 10)]);
    let gas = &rows["evm_gas_used"];
    assert_eq!((gas.baseline, gas.proposal, gas.difference), (12_000_000, 9_500_000, -2_500_000));
    assert_eq!((gas.interval.low, gas.interval.high), (-3_000_000, -2_000_000));
    assert_eq!(rows["evm_limit_used"].proposal, 950_000);
    assert_eq!(rows["evm_transactions_excluded"].proposal, 30);
    assert_eq!(rows["evm_transactions_diverged"].difference, 2);
    assert_eq!(rows["evm_unknown_reads"].difference, 4);
    assert_eq!(rows["evm_blocks_replayed"].baseline, 2);
    assert!(rows.values().all(|row| row.layer == Layer::Evm));
}

#[test]
fn no_blocks_give_no_rows() {
    assert!(evm_rows(&[]).is_empty());
}
