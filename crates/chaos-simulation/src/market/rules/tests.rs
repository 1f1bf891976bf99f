use alloy_eips::{
    eip1559::{BaseFeeParams, calc_next_block_base_fee},
    eip7840::BlobParams,
};
use proptest::prelude::*;

use super::*;

fn blob_params(rules: &BlobRules) -> BlobParams {
    BlobParams {
        target_blob_count: rules.target,
        max_blob_count: rules.max,
        update_fraction: rules.update_fraction.into(),
        min_blob_fee: rules.min_fee_wei.into(),
        max_blobs_per_tx: rules.max_per_transaction,
        blob_base_cost: rules.base_cost,
    }
}

#[test]
fn presets_are_the_published_ones() {
    let pairs = [
        (BlobRules::cancun(), BlobParams::cancun()),
        (BlobRules::prague(), BlobParams::prague()),
        (BlobRules::osaka(), BlobParams::osaka()),
        (BlobRules::bpo1(), BlobParams::bpo1()),
        (BlobRules::bpo2(), BlobParams::bpo2()),
    ];
    for (ours, theirs) in pairs {
        assert_eq!(blob_params(&ours), theirs);
        Rules { blobs: Some(ours), ..Rules::ethereum(30_000_000) }.ensure().unwrap();
    }
}

/// 19.5 full blocks raise the base fee tenfold at a denominator of 8: the twentieth does it.
#[test]
fn twenty_full_blocks_raise_the_base_fee_tenfold() {
    let rules = Rules::ethereum(30_000_000);
    let climb = |blocks| {
        (0..blocks).fold(1_000_000_000_000, |fee, _| rules.next_base_fee(fee, rules.gas_limit))
    };
    assert!(climb(19) < 10_000_000_000_000);
    assert!(climb(20) >= 10_000_000_000_000);
}

#[test]
fn a_gradual_limit_takes_as_long_as_published() {
    let rules = Rules { gas_limit_path: GasLimitPath::Gradual, ..Rules::ethereum(200_000_000) };
    let mut limit = 60_000_000;
    let mut blocks = 0;
    while limit < 200_000_000 {
        let next = rules.step_from(limit);
        assert!(next.gas_limit - limit < limit / 1_024);
        assert_eq!(next.gas_target, next.gas_limit / 2);
        limit = next.gas_limit;
        blocks += 1;
    }
    assert_eq!(blocks, 1_234, "misilva73/glamsterdam-gas-limit-sim, METHODOLOGY.md");
}

#[test]
fn a_minimum_base_fee_holds_and_rules_without_meaning_are_named() {
    let rules = Rules { min_base_fee_wei: 1_000, ..Rules::ethereum(30_000_000) };
    assert_eq!(rules.next_base_fee(1_000, 0), 1_000);
    let message = |change: fn(&mut Rules)| {
        let mut rules = Rules::ethereum(30_000_000);
        change(&mut rules);
        rules.ensure().unwrap_err().to_string()
    };
    assert!(message(|r| r.gas_target = 0).contains("gas_target must be from 1"));
    assert!(message(|r| r.base_fee_change_denominator = 0).contains("denominator"));
    assert!(message(|r| r.gas_target = r.gas_limit + 1).contains("found 30000001"));
}

fn any_blob_rules() -> impl Strategy<Value = BlobRules> {
    prop_oneof![
        Just(BlobRules::cancun()),
        Just(BlobRules::prague()),
        Just(BlobRules::osaka()),
        Just(BlobRules::bpo1()),
        Just(BlobRules::bpo2()),
    ]
}

proptest! {
    #[test]
    fn the_base_fee_is_that_of_the_field_s_library(
        limit in 5_000u64..1_000_000_000_000, elasticity in 1u64..1_000,
        denominator in 1u64..100_000, fee in 0u64..1 << 59, used: u64,
    ) {
        let rules = Rules {
            gas_target: limit / elasticity,
            base_fee_change_denominator: denominator,
            ..Rules::ethereum(limit)
        };
        let used = used % (limit + 1);
        let parameters = BaseFeeParams::new(denominator.into(), elasticity.into());
        // The library narrows the change to 64 bits, which the bound keeps it within.
        let change = u128::from(fee) * u128::from(limit) / u128::from(limit / elasticity)
            / u128::from(denominator);
        prop_assume!(change < 1 << 59);
        prop_assert_eq!(
            rules.next_base_fee(fee, used),
            calc_next_block_base_fee(used, limit, fee, parameters)
        );
    }

    #[test]
    fn blob_excess_and_fee_are_those_of_the_field_s_library(
        blobs in any_blob_rules(), excess in 0u64..500_000_000, count: u64, fee in 0u64..1 << 50,
    ) {
        let theirs = blob_params(&blobs);
        let count = count % (blobs.max + 1);
        prop_assert_eq!(u128::from(blobs.fee_wei(excess)), theirs.calc_blob_fee(excess).min(u64::MAX.into()));
        prop_assert_eq!(
            blobs.next_excess(excess, count, fee, blobs.fee_wei(excess)),
            theirs.next_block_excess_blob_gas_osaka(excess, count * GAS_PER_BLOB, fee)
        );
    }

    #[test]
    fn the_base_fee_never_leaves_its_bounds(
        floor in 0u64..1 << 40, fee in 0u64..=BASE_FEE_WEI_MAX, used: u64, denominator in 1u64..300,
    ) {
        let rules = Rules {
            min_base_fee_wei: floor,
            base_fee_change_denominator: denominator,
            ..Rules::ethereum(30_000_000)
        };
        let next = rules.next_base_fee(fee, used);
        prop_assert!(next >= floor && next <= BASE_FEE_WEI_MAX);
    }
}
