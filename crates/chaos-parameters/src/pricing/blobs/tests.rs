use alloy_eips::{
    eip4844::fake_exponential, eip7594::MAX_BLOBS_PER_TX_FUSAKA, eip7840::BlobParams,
};
use proptest::prelude::*;

use super::*;
use crate::Preset;

fn rule(preset: Preset) -> BlobRule {
    BlobRule::of(&preset.parameters()).unwrap()
}

fn published(rule: &BlobRule) -> BlobParams {
    BlobParams {
        target_blob_count: rule.target,
        max_blob_count: rule.max,
        update_fraction: rule.update_fraction.into(),
        min_blob_fee: rule.min_fee_wei.into(),
        max_blobs_per_tx: rule.per_transaction_max(),
        blob_base_cost: rule.base_cost,
    }
}

#[test]
fn schedules_are_the_published_ones() {
    for (preset, theirs) in [
        (Preset::Osaka, BlobParams::osaka()),
        (Preset::Bpo1, BlobParams::bpo1()),
        (Preset::Bpo2, BlobParams::bpo2()),
    ] {
        assert_eq!(published(&rule(preset)), theirs);
    }
    assert_eq!(BLOBS_PER_TRANSACTION_MAX, MAX_BLOBS_PER_TX_FUSAKA);
    assert_eq!(BlobRule::of(&Preset::London.parameters()), None);
}

#[test]
fn a_fee_beyond_64_bits_is_held_at_the_bound() {
    let osaka = rule(Preset::Osaka);
    // e^44.4 is 2^64.
    assert!(osaka.fee_wei(44 * osaka.update_fraction) < BLOB_FEE_WEI_MAX);
    assert_eq!(osaka.fee_wei(45 * osaka.update_fraction), BLOB_FEE_WEI_MAX);
    assert_eq!(osaka.fee_wei(u64::MAX), BLOB_FEE_WEI_MAX);
    // 2^53 e, whose terms pass 128 bits on the way.
    let wide = BlobRule { update_fraction: 1 << 40, min_fee_wei: 1 << 53, ..osaka };
    assert_eq!(wide.fee_wei(1 << 40), 24_484_106_059_472_293);
}

proptest! {
    #[test]
    fn excess_and_fee_are_those_of_the_field_s_library(
        preset in prop::sample::select(
            &[Preset::Cancun, Preset::Prague, Preset::Osaka, Preset::Bpo1, Preset::Bpo2][..]
        ),
        excess in 0u64..200_000_000, count: u64, base_fee in 0u64..1 << 50,
    ) {
        let rule = rule(preset);
        let theirs = published(&rule);
        let fee = rule.fee_wei(excess);
        let count = count % (rule.max + 1);
        prop_assert_eq!(
            u128::from(fee), theirs.calc_blob_fee(excess).min(BLOB_FEE_WEI_MAX.into())
        );
        let reserved = rule.reserve_price_active(base_fee.into(), fee);
        // The library's comparison is by the fee that is not held.
        prop_assume!(fee < BLOB_FEE_WEI_MAX);
        prop_assert_eq!(
            rule.next_excess(excess, count * GAS_PER_BLOB, reserved),
            theirs.next_block_excess_blob_gas_osaka(excess, count * GAS_PER_BLOB, base_fee)
        );
    }

    #[test]
    fn the_exponential_is_that_of_the_field_s_library(
        factor in 1u64..1 << 16, denominator in 1u64..1 << 24, tenths in 0u64..300,
    ) {
        // Up to e^30, where the library's 128 bits hold every product.
        let numerator = denominator * tenths / 10;
        let theirs = fake_exponential(factor.into(), numerator.into(), denominator.into());
        prop_assert_eq!(
            u128::from(exponential(factor, numerator, denominator)),
            theirs.min(BLOB_FEE_WEI_MAX.into())
        );
    }
}
