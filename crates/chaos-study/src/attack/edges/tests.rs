use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use chaos_parameters::Preset;
use proptest::prelude::*;

use super::*;
use crate::attack::tests::{case, ethereum};

#[test]
fn a_fee_below_the_denominator_is_stuck() {
    for denominator in [1, 2, 8, 50, 250] {
        let parameters = ethereum(&[(P::BaseFeeChangeDenominator, denominator)]);
        let stuck = stuck_below_wei(&parameters);
        let rule = BaseFeeParams::new(denominator.into(), 2);
        for base_fee in 0..1_000 {
            let next = calc_next_block_base_fee(0, 60_000_000, base_fee, rule);
            assert_eq!(next == base_fee, u128::from(base_fee) <= stuck, "{denominator} {base_fee}");
        }
    }
    assert_eq!(stuck_below_wei(&Preset::Osaka.parameters()), 7);
    assert_eq!(stuck_below_wei(&Preset::Base2026.parameters()), 2_000_000);
}

/// A fee model in signed 64-bit integers overflows after some 213 saturated blocks when it starts
/// at a little above 0.1 gwei: `ln(2^63 / b0) / ln(9 / 8)`.
#[test]
fn a_signed_64_bit_fee_overflows_after_two_hundred_full_blocks() {
    let parameters = ethereum(&[]);
    for (start, expect) in [(100_000_000, 215), (120_000_000, 213), (1_000_000_000, 195)] {
        assert_eq!(full_blocks_to(&parameters, start, SIGNED_64_MAX), Some(expect));
    }
    let never = ethereum(&[(P::ElasticityMultiplier, 1)]);
    assert_eq!(full_blocks_to(&never, 1_000_000_000, SIGNED_64_MAX), None);
}

#[test]
fn a_limit_moves_by_less_than_the_parameters_share_per_block() {
    let to = |limit, divisor| ethereum(&[(P::GasLimit, limit), (P::GasLimitBoundDivisor, divisor)]);
    assert_eq!(limit_path_blocks(36_000_000, &to(36_000_000, 1_024)), 0);
    assert_eq!(limit_path_blocks(36_000_000, &to(36_035_155, 1_024)), 1);
    assert_eq!(limit_path_blocks(36_000_000, &to(36_035_156, 1_024)), 2);
    // ln(60 / 36) / ln(1 + 1/1024), rounded up.
    assert_eq!(limit_path_blocks(36_000_000, &to(60_000_000, 1_024)), 524);
    // ln(60 / 36) / ln(1 + 1/100), rounded up.
    assert_eq!(limit_path_blocks(36_000_000, &to(60_000_000, 100)), 52);
    assert_eq!(limit_path_blocks(36_000_000, &to(60_000_000, 0)), 1);
    // Below twice the divisor no step is left.
    assert_eq!(limit_path_blocks(7_999, &to(5_000, 4_000)), BLOCKS_MAX);
}

#[test]
fn a_proposal_at_an_edge_is_told_so() {
    let edge = |changes: &[(P, u64)], text: &str| {
        let proposal = ethereum(changes);
        let case = Case::new(ethereum(&[]), proposal);
        assert!(
            notes(&case).iter().any(|note| note.contains(text)),
            "{changes:?}: {:?}",
            notes(&case)
        );
    };
    edge(&[(P::BaseFeeChangeDenominator, 1)], "denominator of one");
    edge(&[(P::ElasticityMultiplier, 1)], "elasticity of one");
    edge(&[(P::GasLimit, 10_000_000)], "does not fit into a block");
    edge(&[(P::GasLimit, 41_999), (P::TransactionGasCap, 0)], "smaller than one transfer");
    assert_eq!(notes(&case(ethereum(&[]))).len(), 1, "no edge, no warning");
    let stuck = Case { base_fee_wei: 7, ..case(ethereum(&[])) };
    assert!(notes(&stuck)[1].ends_with("empty blocks do not lower it"));
}

fn value(parameters: Parameters, name: &str) -> i128 {
    figures(&parameters, &case(parameters)).iter().find(|row| row.name == name).unwrap().value
}

#[test]
fn a_denominator_of_one_takes_the_fee_to_zero_at_once() {
    let one = ethereum(&[(P::BaseFeeChangeDenominator, 1)]);
    assert_eq!(value(one, "fee_falls_to_zero_at_once"), 1);
    assert_eq!(value(ethereum(&[]), "fee_falls_to_zero_at_once"), 0);
    let floored = ethereum(&[(P::BaseFeeChangeDenominator, 1), (P::MinBaseFee, 5)]);
    assert_eq!(value(floored, "base_fee_after_empty_block"), 5);
}

#[test]
fn an_elasticity_of_one_cannot_raise_the_fee() {
    assert_eq!(value(ethereum(&[(P::ElasticityMultiplier, 1)]), "fee_cannot_rise"), 1);
    assert_eq!(value(ethereum(&[(P::ElasticityMultiplier, 2)]), "fee_cannot_rise"), 0);
}

proptest! {
    #[test]
    fn no_accepted_setting_breaks_the_probe(
        limit in 5_000u64..1_000_000_000_000, elasticity in 1u64..1_000,
        denominator in 1u64..20_000, base_fee_wei in 0u128..1 << 80, floor in 0u64..1 << 53,
    ) {
        let parameters = ethereum(&[
            (P::GasLimit, limit), (P::ElasticityMultiplier, elasticity),
            (P::BaseFeeChangeDenominator, denominator), (P::MinBaseFee, floor),
        ]);
        let case = Case { base_fee_wei, ..case(parameters) };
        // The long climbs of large denominators are for the closed forms above.
        let start = FeeState::settled(&parameters, base_fee_wei);
        let empty = after(start, &parameters, 0).base_fee_wei;
        let full = after(start, &parameters, limit).base_fee_wei;
        prop_assert!(empty <= start.base_fee_wei && full >= start.base_fee_wei);
        prop_assert!(empty >= u128::from(floor));
        let stuck = start.base_fee_wei <= stuck_below_wei(&parameters);
        prop_assert_eq!(empty == start.base_fee_wei, stuck);
        prop_assert!(!notes(&case).is_empty());
    }
}
