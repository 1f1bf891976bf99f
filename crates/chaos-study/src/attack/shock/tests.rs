use chaos_parameters::{ParameterName as P, Preset};

use super::*;
use crate::attack::tests::{case, ethereum};

/// Blocks are full while demand `k T sqrt(b0 / b)` exceeds `e T`, that is until `b = (k / e)^2 b0`,
/// which full blocks reach after `2 ln(k / e) / ln(1 + (e - 1) / d)`.
#[test]
fn blocks_are_full_for_as_long_as_the_closed_form_says() {
    for (elasticity, denominator) in [(2u32, 8u32), (2, 16), (2, 50), (4, 8), (5, 100), (6, 250)] {
        let parameters = ethereum(&[
            (P::ElasticityMultiplier, elasticity.into()),
            (P::BaseFeeChangeDenominator, denominator.into()),
        ]);
        let (e, d) = (f64::from(elasticity), f64::from(denominator));
        let expect = 2.0 * (10.0 / e).ln() / ((e - 1.0) / d).ln_1p();
        let full = shock(&parameters, &case(parameters)).blocks_full;
        let full = f64::from(u32::try_from(full).unwrap());
        // The ladder of values has 32 steps per doubling, and the backlog adds a little.
        assert!((full - expect).abs() <= 1.0 + 0.05 * expect, "{e} {d}: {full} {expect}");
    }
}

#[test]
fn the_fee_settles_at_the_square_of_the_multiple() {
    let parameters = ethereum(&[]);
    for multiple in [2, 3, 10, 30] {
        let case = Case { shock_multiple: multiple, ..case(parameters) };
        let shock = shock(&parameters, &case);
        assert_eq!(shock.settled_wei, 1_000_000_000 * u128::from(multiple * multiple));
        assert!(shock.blocks_to_settle < shock.horizon_blocks, "{multiple}: {shock:?}");
        assert!(shock.peak_wei * 100 < shock.settled_wei * 130);
    }
}

#[test]
fn no_step_is_no_shock() {
    let parameters = ethereum(&[]);
    let shock = shock(&parameters, &Case { shock_multiple: 1, ..case(parameters) });
    assert_eq!((shock.blocks_full, shock.blocks_to_settle), (0, 0));
    assert_eq!(shock.auction_tips_wei, 0);
}

#[test]
fn a_slower_rule_keeps_blocks_full_for_longer() {
    let full = |denominator| {
        let parameters = ethereum(&[(P::BaseFeeChangeDenominator, denominator)]);
        shock(&parameters, &case(parameters)).blocks_full
    };
    assert!(full(4) < full(8) && full(8) < full(16) && full(16) < full(64));
}

#[test]
fn a_ladder_holds_all_demand() {
    for preset in [Preset::Osaka, Preset::Base2026, Preset::Arbos51] {
        let parameters = preset.parameters();
        let levels = ladder(&parameters, 1_000_000_000, 10);
        let demand: u128 = levels.iter().map(|level| level.arrivals).sum();
        let expect = 10 * u128::from(parameters.gas_target());
        assert!(expect - demand <= 1, "{demand} {expect}");
        assert!(levels.windows(2).all(|pair| pair[0].value_wei > pair[1].value_wei));
    }
}

#[test]
fn a_block_serves_the_highest_values_first_and_never_below_its_fee() {
    let parameters = ethereum(&[(P::GasLimit, 100_000)]);
    let level = |value_wei, arrivals| Level { value_wei, arrivals, waiting: 0 };
    let mut levels = [level(90, 40_000), level(50, 40_000), level(30, 40_000), level(10, 40_000)];
    let sold = sell(&mut levels, &parameters, 20);
    assert_eq!((sold.gas, sold.marginal_wei), (100_000, 30));
    assert_eq!(levels.map(|level| level.waiting), [0, 0, 20_000, 40_000]);
}
