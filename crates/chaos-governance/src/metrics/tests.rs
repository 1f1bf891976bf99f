use chaos_simulation::flow::ObservedBlock;
use chaos_studio::EvidenceClass;
use proptest::prelude::*;

use super::*;

fn rule(blocks_min: u64) -> EvidenceRule {
    EvidenceRule { blocks_min, classes: [EvidenceClass::Replayable].into() }
}

fn block(number: u64, gas_used: u64, base_fee_wei: Option<u128>) -> BlockFacts {
    let observed =
        ObservedBlock { number, timestamp: number * 12, gas_used, gas_limit: 1_000, base_fee_wei };
    observed.into()
}

fn measure(blocks: &[BlockFacts]) -> Metrics {
    Metrics::measure(blocks, 2, &rule(1)).unwrap()
}

#[test]
fn four_blocks_give_the_figures_worked_out_by_hand() {
    let mut blocks = [
        block(1, 1_000, Some(100)),
        block(2, 0, Some(112)),
        block(3, 1_000, Some(98)),
        block(4, 400, Some(110)),
    ];
    blocks[0].transactions = Some(3);
    blocks[0].tips_wei = vec![5, 1, 9];
    blocks[3].transactions = Some(2);
    blocks[3].tips_wei = vec![7, 3];
    let metrics = measure(&blocks);
    let expect = [
        (Metric::GasUsedMean, 600, 4),
        (Metric::GasUsedMedian, 400, 4),
        (Metric::GasUsedP95, 1_000, 4),
        (Metric::TransactionsMean, 2_500, 2),
        (Metric::TransactionsTotal, 5, 2),
        (Metric::BaseFeeMin, 98, 4),
        (Metric::BaseFeeMedian, 100, 4),
        (Metric::BaseFeeP95, 112, 4),
        (Metric::BaseFeeMax, 112, 4),
        (Metric::TipP10, 1, 5),
        (Metric::TipMedian, 5, 5),
        (Metric::TipP90, 9, 5),
        (Metric::UtilisationMean, 600_000, 4),
        (Metric::UtilisationMedian, 400_000, 4),
        (Metric::UtilisationP95, 1_000_000, 4),
        (Metric::UseOfTarget, 1_200_000, 4),
        (Metric::BlocksFull, 500_000, 4),
        (Metric::BlocksAboveTarget, 500_000, 4),
        // Changes ln 1.12, ln 0.875, ln(110/98): 0.113329, -0.133531, 0.115513; mean 0.031770,
        // population variance 0.0136630, root 0.116889.
        (Metric::BaseFeeVolatility, 116_889, 3),
        // Deviations 0.4, -0.6, 0.4, -0.2: products -0.24 - 0.24 - 0.08 over squares 0.72.
        (Metric::UtilisationAutocorrelation, -777_778, 3),
    ];
    for (metric, value, n) in expect {
        let found = metrics.values[&metric];
        assert_eq!((found.value.0, found.n), (value, n), "{}", metric.name());
    }
    assert_eq!(metrics.values.len(), expect.len());
    assert_eq!(metrics.range, (1, 4));
}

#[test]
fn blocks_that_do_not_follow_each_other_show_no_change_between_blocks() {
    let metrics = measure(&[block(1, 100, Some(10)), block(5, 900, Some(20)), block(9, 100, None)]);
    assert_eq!(metrics.get(Metric::BaseFeeVolatility), None);
    assert_eq!(metrics.get(Metric::UtilisationAutocorrelation), None);
    assert_eq!(metrics.values[&Metric::BaseFeeMedian].n, 2);
}

#[test]
fn unknown_bodies_and_fees_leave_their_metrics_out() {
    let metrics = measure(&[block(1, 100, None), block(2, 100, None)]);
    for metric in [Metric::TransactionsMean, Metric::TipMedian, Metric::BaseFeeMin] {
        assert_eq!(metrics.get(metric), None);
    }
}

#[test]
fn blocks_that_contradict_themselves_or_the_policy_are_refused() {
    let check = |blocks: &[BlockFacts]| {
        use std::error::Error as _;
        let error = Metrics::measure(blocks, 2, &rule(2)).unwrap_err();
        let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        format!("{error}{cause}")
    };
    assert_eq!(
        check(&[block(1, 0, None)]),
        "not enough evidence: evidence covers 1 blocks, the policy asks for at least 2"
    );
    assert_eq!(
        check(&[block(2, 0, None), block(2, 0, None)]),
        "block 2 does not come after block 2"
    );
    assert_eq!(
        check(&[block(1, 0, None), block(2, 1_001, None)]),
        "block 2: gas used 1001 is above the limit 1000"
    );
    let mut unlimited = block(2, 0, None);
    unlimited.observed.gas_limit = 0;
    assert_eq!(check(&[block(1, 0, None), unlimited]), "block 2: gas limit is zero");
}

proptest! {
    #[test]
    fn shares_and_correlations_stay_in_range(
        used in prop::collection::vec((0_u64..=1_000, 1_u128..u128::from(u64::MAX)), 1..60),
    ) {
        let blocks: Vec<BlockFacts> = used
            .iter()
            .zip(1..)
            .map(|((gas_used, fee), number)| block(number, *gas_used, Some(*fee)))
            .collect();
        let metrics = measure(&blocks);
        for metric in [
            Metric::UtilisationMean, Metric::UtilisationP95, Metric::BlocksFull,
            Metric::BlocksAboveTarget,
        ] {
            let value = metrics.get(metric).unwrap();
            prop_assert!((0..=1_000_000).contains(&value), "{} {value}", metric.name());
        }
        if let Some(value) = metrics.get(Metric::UtilisationAutocorrelation) {
            prop_assert!(value.abs() <= 1_000_000, "{value}");
        }
        let fees = [Metric::BaseFeeMin, Metric::BaseFeeMedian, Metric::BaseFeeP95, Metric::BaseFeeMax]
            .map(|metric| metrics.get(metric).unwrap());
        prop_assert!(fees.is_sorted());
    }
}
