use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use proptest::prelude::*;

use super::*;
use crate::{ParameterName, Setting};

fn parameters(gas_limit: u64, elasticity: u64, denominator: u64) -> Parameters {
    Parameters::ethereum(gas_limit)
        .unwrap()
        .with(Setting::new(ParameterName::ElasticityMultiplier, elasticity).unwrap())
        .with(Setting::new(ParameterName::BaseFeeChangeDenominator, denominator).unwrap())
}

/// The vector was computed by hand from the EIP's formula with a target of 10 units.
#[test]
fn follows_the_published_vector() {
    let parameters = parameters(20_000, 2, 8);
    let mut base_fee = 1_000_000_000;
    let mut seen = Vec::new();
    for used in [20, 20, 0, 10, 15] {
        base_fee = next_base_fee(base_fee, used * 1_000, &parameters);
        seen.push(base_fee);
    }
    assert_eq!(seen, [1_125_000_000, 1_265_625_000, 1_107_421_875, 1_107_421_875, 1_176_635_742]);
}

#[test]
fn rises_by_one_wei_from_zero_and_stays_at_small_fees() {
    let parameters = parameters(30_000_000, 2, 8);
    assert_eq!(next_base_fee(0, 30_000_000, &parameters), 1);
    assert_eq!(next_base_fee(0, 0, &parameters), 0);
    assert_eq!(next_base_fee(7, 0, &parameters), 7, "the integer rule cannot fall below 8 wei");
    assert_eq!(next_base_fee(7, 15_000_001, &parameters), 8);
}

#[test]
fn an_elasticity_of_one_never_raises_the_fee() {
    let parameters = parameters(30_000_000, 1, 8);
    assert_eq!(next_base_fee(1_000, 30_000_000, &parameters), 1_000);
    assert_eq!(next_base_fee(1_000, u64::MAX, &parameters), 1_000);
}

#[test]
fn saturates_at_the_stated_bound() {
    let parameters = parameters(1_000_000_000_000, 1_000, 1);
    assert_eq!(next_base_fee(u128::MAX, u64::MAX, &parameters), BASE_FEE_WEI_MAX.into());
}

/// Longest-run mean use above target when blocks are only full or empty and the fee is held
/// (Leonardos et al., <https://arxiv.org/abs/2212.07175>): +12.63, +6.27, +3.13, +1.00, +0.20 %.
#[test]
fn full_and_empty_blocks_exceed_the_target_by_the_derived_bound() {
    for (denominator, bound_ppm) in
        [(4u64, 126_342u64), (8, 62_662), (16, 31_270), (50, 10_000), (250, 2_000)]
    {
        let parameters = parameters(30_000_000, 2, denominator);
        let anchor = 1u128 << 60;
        let (mut base_fee, mut full) = (anchor, 0u64);
        let blocks = 200_000;
        for _ in 0..blocks {
            let used = if base_fee <= anchor { parameters.gas_limit() } else { 0 };
            full += u64::from(used > 0);
            base_fee = next_base_fee(base_fee, used, &parameters);
        }
        let above_ppm = 2 * full * 1_000_000 / blocks - 1_000_000;
        assert!(above_ppm.abs_diff(bound_ppm) <= 20, "{denominator}: {above_ppm}");
    }
}

#[test]
fn a_full_and_an_empty_block_lose_one_over_the_squared_denominator() {
    for (denominator, lost_ppm) in [(4, 62_500u128), (8, 15_625), (16, 3_906), (50, 400), (250, 16)]
    {
        let parameters = parameters(30_000_000, 2, denominator);
        let start = 1u128 << 60;
        let full = next_base_fee(start, 30_000_000, &parameters);
        let pair = next_base_fee(full, 0, &parameters);
        assert_eq!(((start - pair) * 1_000_000 + start / 2) / start, lost_ppm);
    }
}

/// 19.5 full blocks raise the base fee tenfold at a denominator of 8: the twentieth does it.
#[test]
fn twenty_full_blocks_raise_the_base_fee_tenfold() {
    let parameters = parameters(30_000_000, 2, 8);
    let climb = |blocks| {
        (0..blocks).fold(1_000_000_000_000, |fee, _| next_base_fee(fee, 30_000_000, &parameters))
    };
    assert!(climb(19) < 10_000_000_000_000);
    assert!(climb(20) >= 10_000_000_000_000);
}

fn any_parameters() -> impl Strategy<Value = Parameters> {
    (5_000u64..=1_000_000_000_000, 1u64..=1_000, 1u64..=100_000)
        .prop_map(|(limit, elasticity, denominator)| parameters(limit, elasticity, denominator))
}

proptest! {
    #[test]
    fn more_gas_never_lowers_the_next_fee(
        parameters in any_parameters(), base_fee in 0u128..1 << 63, a: u64, b: u64,
    ) {
        let limit = parameters.gas_limit() + 1;
        let (low, high) = ((a % limit).min(b % limit), (a % limit).max(b % limit));
        prop_assert!(
            next_base_fee(base_fee, low, &parameters) <= next_base_fee(base_fee, high, &parameters)
        );
    }

    #[test]
    fn the_step_is_bounded_by_the_denominator(
        parameters in any_parameters(), base_fee in 0u128..1 << 62, used: u64,
    ) {
        let next = next_base_fee(base_fee, used % (parameters.gas_limit() + 1), &parameters);
        let denominator = u128::from(parameters.base_fee_change_denominator());
        prop_assert!(next >= base_fee - base_fee / denominator);
        let target = u128::from(parameters.gas_target());
        let most = base_fee * (u128::from(parameters.gas_limit()) - target) / target / denominator;
        prop_assert!(next <= (base_fee + most.max(1)).min(BASE_FEE_WEI_MAX.into()));
    }

    #[test]
    fn the_fee_stands_still_at_the_target(parameters in any_parameters(), base_fee in 0u128..1 << 63) {
        prop_assert_eq!(next_base_fee(base_fee, parameters.gas_target(), &parameters), base_fee);
    }

    #[test]
    fn the_base_fee_is_that_of_the_field_s_library(
        limit in 5_000u64..1_000_000_000_000, elasticity in 1u64..1_000,
        denominator in 1u64..100_000, fee in 0u64..1 << 59, used: u64,
    ) {
        let used = used % (limit + 1);
        let library = BaseFeeParams::new(denominator.into(), elasticity.into());
        // The library narrows the change to 64 bits, which the bound keeps it within.
        let change = u128::from(fee) * u128::from(limit) / u128::from(limit / elasticity)
            / u128::from(denominator);
        prop_assume!(change < 1 << 59);
        prop_assert_eq!(
            next_base_fee(fee.into(), used, &parameters(limit, elasticity, denominator)),
            u128::from(calc_next_block_base_fee(used, limit, fee, library))
        );
    }

    #[test]
    fn the_base_fee_never_leaves_its_bounds(
        floor_wei in 0u64..1 << 40, fee in 0u64..=BASE_FEE_WEI_MAX, used: u64,
        change_denominator in 1u64..300,
    ) {
        let rule = BaseFeeRule { elasticity_multiplier: 2, change_denominator, floor_wei };
        let next = rule.next(fee.into(), used, 30_000_000);
        prop_assert!(next >= floor_wei.into() && next <= BASE_FEE_WEI_MAX.into());
    }
}
