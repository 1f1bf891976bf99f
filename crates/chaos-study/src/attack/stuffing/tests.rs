use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use chaos_parameters::Preset;
use proptest::prelude::*;

use super::*;
use crate::attack::tests::{case, ethereum};

/// The sum with the rule of another implementation.
#[test]
fn the_cost_is_the_sum_of_the_rule_of_alloy() {
    let parameters = ethereum(&[(P::GasLimit, 60_000_000)]);
    let case = case(parameters);
    let (mut base_fee, mut burnt) = (1_000_000_000u64, 0u128);
    for blocks in 1..=50 {
        burnt += 60_000_000 * u128::from(base_fee);
        base_fee =
            calc_next_block_base_fee(60_000_000, 60_000_000, base_fee, BaseFeeParams::ethereum());
        let run = stuff(&parameters, &case, blocks);
        assert_eq!(run.burnt_wei, burnt);
        assert_eq!(run.tips_wei, u128::from(blocks) * 60_000_000 * 100_000_000);
        assert_eq!(run.fees.base_fee_wei, u128::from(base_fee));
    }
}

/// `L b0 ((1 + 1/d)^k - 1) d`, the geometric series.
#[test]
fn the_cost_is_the_geometric_series() {
    for (denominator, blocks) in [(8u32, 50u32), (16, 100), (50, 300), (250, 1_800)] {
        let parameters = ethereum(&[(P::BaseFeeChangeDenominator, denominator.into())]);
        let run = stuff(&parameters, &case(parameters), blocks.into());
        let d = f64::from(denominator);
        let expect = 60e6 * 1e9 * ((f64::from(blocks) * (1.0 / d).ln_1p()).exp() - 1.0) * d;
        let found = run.burnt_wei.to_string().parse::<f64>().unwrap();
        assert!((found / expect - 1.0).abs() < 1e-6, "{denominator}: {found} {expect}");
    }
}

#[test]
fn a_minute_on_a_chain_of_two_second_blocks_is_thirty_blocks() {
    let parameters = Preset::Base2026.parameters();
    assert_eq!(blocks_in(&parameters, 60_000), 30);
    assert_eq!(blocks_in(&ethereum(&[]), 60_000), 5);
    assert_eq!(blocks_in(&ethereum(&[]), 1), 1);
}

/// After k full blocks, empty blocks must undo (1 + 1/d)^k in steps of (1 - 1/d).
#[test]
fn recovery_takes_as_long_as_the_logarithms_say() {
    let parameters = ethereum(&[]);
    let case = case(parameters);
    for blocks in [1u32, 5, 50] {
        let run = stuff(&parameters, &case, blocks.into());
        let expect = (f64::from(blocks) * 1.125f64.ln() / -(0.875f64.ln())).ceil();
        let found = recovery(&parameters, &case, run.fees);
        assert!((f64::from(u32::try_from(found).unwrap()) - expect).abs() < 0.5);
    }
}

proptest! {
    #[test]
    fn a_budget_buys_what_it_pays_for_and_not_one_block_more(
        limit in 1_000_000u64..500_000_000, denominator in 2u64..300, elasticity in 1u64..8,
        base_fee_wei in 1u128..1_000_000_000_000, ether in 1u128..100_000,
    ) {
        let parameters = ethereum(&[
            (P::GasLimit, limit), (P::BaseFeeChangeDenominator, denominator),
            (P::ElasticityMultiplier, elasticity),
        ]);
        let case = Case { base_fee_wei, tip_wei: 1_000_000_000, ..case(parameters) };
        let budget = ether * ETHER_WEI / 1_000;
        let blocks = affordable(&parameters, &case, budget);
        prop_assert!(stuff(&parameters, &case, blocks).cost_wei() <= budget);
        prop_assert!(stuff(&parameters, &case, blocks + 1).cost_wei() > budget);
    }
}
