use chaos_parameters::ParameterName as P;
use proptest::prelude::*;

use super::*;
use crate::attack::tests::{case, ethereum};

fn with_tip(parameters: Parameters, base_fee_wei: u128, tip_wei: u128) -> Case {
    Case { base_fee_wei, tip_wei, ..case(parameters) }
}

/// One empty block at elasticity 2: the next block serves two targets at a base fee lower by b/d,
/// so its tips are 2 (b/d + t) targets against one of t, for a loss of one t: p = t / (2 b/d + t).
#[test]
fn breaks_even_where_the_closed_form_says() {
    for denominator in [4u32, 8, 16, 50, 250] {
        let parameters = ethereum(&[(P::BaseFeeChangeDenominator, denominator.into())]);
        for tip in [10_000_000u128, 100_000_000, 2_000_000_000] {
            let case = with_tip(parameters, 1_000_000_000, tip);
            let found = episode(&parameters, &case, 1).break_even_ppm().unwrap();
            let gain = 2.0 * 1e9 / f64::from(denominator);
            let tip = u32::try_from(tip).unwrap();
            let expect = 1e6 * f64::from(tip) / (gain + f64::from(tip));
            assert!((found as f64 - expect).abs() <= 1.0, "d {denominator}: {found} {expect}");
        }
    }
}

/// The finding of <https://arxiv.org/abs/2304.11478>: it pays below one half of the slots.
#[test]
fn pays_below_half_of_the_slots_under_the_rules_of_ethereum() {
    let parameters = ethereum(&[]);
    let one = episode(&parameters, &with_tip(parameters, 1_000_000_000, 100_000_000), 1);
    assert_eq!(one.break_even_ppm(), Some(285_715));
    assert!(one.gain_wei(280_000) < 0 && one.gain_wei(290_000) > 0);
}

#[test]
fn a_larger_denominator_and_a_higher_elasticity_weaken_it() {
    let share = |changes: &[(P, u64)]| {
        let parameters = ethereum(changes);
        let case = with_tip(parameters, 1_000_000_000, 100_000_000);
        episode(&parameters, &case, 1).break_even_ppm().unwrap()
    };
    let baseline = share(&[]);
    assert!(share(&[(P::BaseFeeChangeDenominator, 50)]) > baseline);
    // With room for three targets the block after the empty one is not full: no auction, no gain.
    assert_eq!(share(&[(P::ElasticityMultiplier, 3)]), 1_000_000);
}

#[test]
fn an_elasticity_of_one_never_works_off_the_backlog() {
    let parameters = ethereum(&[(P::ElasticityMultiplier, 1)]);
    let one = episode(&parameters, &case(parameters), 1);
    assert_eq!(one.recovery_blocks, 1);
    assert!(one.waited_gas_blocks > 0);
}

proptest! {
    #[test]
    fn the_gain_grows_with_the_share_and_is_zero_at_break_even(
        denominator in 2u64..300, elasticity in 2u64..8, blocks in 1u64..20,
        base_fee in 1_000_000u128..1_000_000_000_000, tip in 1u128..10_000_000_000,
    ) {
        let parameters = ethereum(&[
            (P::BaseFeeChangeDenominator, denominator), (P::ElasticityMultiplier, elasticity),
        ]);
        let one = episode(&parameters, &with_tip(parameters, base_fee, tip), blocks);
        prop_assert!(one.trough_wei <= base_fee);
        if one.recovery_tips_wei >= one.honest_tips_wei {
            prop_assert!(one.gain_wei(100_000) <= one.gain_wei(500_000));
            prop_assert_eq!(one.gain_wei(0), -i128::try_from(one.forgone_wei).unwrap());
        }
        if let Some(share) = one.break_even_ppm() {
            let share = u32::try_from(share).unwrap();
            prop_assert!(one.gain_wei(share) >= 0);
            prop_assert!(share == 0 || one.gain_wei(share - 1) <= 0);
        }
    }
}
