use chaos_parameters::ParameterName as P;

use super::*;
use crate::attack::tests::{case, ethereum};

fn with_denominator(denominator: u64) -> Parameters {
    ethereum(&[(P::BaseFeeChangeDenominator, denominator)])
}

/// The share of full blocks by the formula, in floating point.
fn full_share(elasticity: f64, denominator: f64) -> f64 {
    let rise = ((elasticity - 1.0) / denominator).ln_1p();
    let fall = -(-1.0 / denominator).ln_1p();
    fall / (rise + fall)
}

/// <https://arxiv.org/abs/2212.07175> and the formula; +12.634 % for 4, not the +12.57 % that is
/// sometimes quoted.
#[test]
fn the_bound_is_the_published_one() {
    for (denominator, expect) in
        [(4, 126_342), (8, 62_664), (16, 31_270), (50, 10_001), (250, 2_000)]
    {
        assert_eq!(bound_ppm(2, denominator), expect);
    }
}

#[test]
fn the_series_agrees_with_floating_point() {
    for elasticity in [2u32, 3, 5, 6, 10, 1_000] {
        for denominator in [2u32, 3, 4, 8, 13, 50, 125, 250, 10_000, 100_000] {
            let (e, d) = (f64::from(elasticity), f64::from(denominator));
            let expect = (e * full_share(e, d) - 1.0) * 1e6;
            let found = bound_ppm(elasticity.into(), denominator.into());
            let found = f64::from(i32::try_from(found).unwrap());
            assert!(
                (found - expect).abs() <= 0.501,
                "{elasticity} {denominator}: {found} {expect}"
            );
        }
    }
}

/// While blocks are full only at or below the anchor, the fee never passes it by more than one
/// rise, so the full blocks exceed their share by less than one block, whatever the length.
#[test]
fn the_integer_rule_reaches_the_bound_and_never_exceeds_it() {
    for denominator in [4u32, 8, 16, 50, 250] {
        let parameters = with_denominator(denominator.into());
        let share = full_share(2.0, denominator.into());
        for anchor in [1_000_000_000, 25_000_000_000, 798_000_000_000, 1 << 60] {
            for blocks in [1_000u32, 20_000, 200_000] {
                let run = alternate(&parameters, anchor, blocks.into());
                let expect = share * f64::from(blocks);
                let full = f64::from(u32::try_from(run.full).unwrap());
                assert!(full <= expect + 1.1, "{denominator} {anchor} {blocks}: {full} {expect}");
                assert!(full >= expect - 1.1, "{denominator} {anchor} {blocks}: {full} {expect}");
            }
        }
    }
}

#[test]
fn a_pair_loses_one_over_the_squared_denominator() {
    for (denominator, expect) in [(4, -62_500), (8, -15_625), (16, -3_906), (50, -400), (250, -16)]
    {
        assert_eq!(drift_per_pair_ppm(&with_denominator(denominator)), expect);
    }
}

/// At 15 wei a full block adds one, an empty one takes two (16 / 8), another full one adds one
/// again: two of three blocks are full, a third above target.
#[test]
fn rounding_breaks_the_bound_at_fees_of_a_few_wei() {
    let parameters = with_denominator(8);
    let run = alternate(&parameters, 15, 3_000);
    assert_eq!(run.full, 2_000);
    assert!(run.above_target_ppm(&parameters) > 5 * bound_ppm(2, 8));
    let rows = figures(&parameters, &case(parameters));
    let worst = rows.iter().find(|row| row.name == "tiny_fee").unwrap();
    assert_eq!(worst.value, 15);
}

#[test]
fn a_least_base_fee_above_the_rounding_restores_the_bound() {
    let parameters = ethereum(&[(P::MinBaseFee, 1_000_000)]);
    let rows = figures(&parameters, &case(parameters));
    let worst = rows.iter().find(|row| row.name == "use_above_target_tiny_fee").unwrap();
    // At its floor the fee cannot be lowered, so every second block is full: exactly the target.
    assert!(worst.value <= bound_ppm(2, 8) + 1_000, "{}", worst.value);
}

#[test]
fn the_edges_of_the_formula_are_stated() {
    assert_eq!(bound_ppm(1, 8), 0);
    assert_eq!(bound_ppm(2, 1), 1_000_000);
    // One full block, then the fee is zero and rises by one wei per full block: half are full
    // after the first, but the formula allows all.
    assert_eq!(alternate(&with_denominator(1), 1_000_000_000, 100_000).blocks, 100_000);
}
