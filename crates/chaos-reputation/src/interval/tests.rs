use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_opinion(success: u128, failure: u128, lower: (u128, u128), uncertainty: (u128, u128)) {
    let found = opinion(success * 1_000_000, failure * 1_000_000, 4_000_000);
    let lower = u32::try_from(1_000_000 * lower.0 / lower.1).unwrap();
    let uncertainty = u32::try_from((1_000_000 * uncertainty.0).div_ceil(uncertainty.1)).unwrap();
    assert_eq!((found.lower_ppm, found.uncertainty_ppm), (lower, uncertainty));
    assert_eq!(found.upper_ppm, lower + uncertainty);
}

/// Exact rationals, worked by hand with A = 4.
#[test]
fn opinions_match_the_published_rationals() {
    check_opinion(8, 2, (4, 7), (2, 7));
    check_opinion(8, 8, (2, 5), (1, 5));
    check_opinion(96, 0, (24, 25), (1, 25));
    check_opinion(1, 0, (1, 5), (4, 5));
    check_opinion(0, 1, (0, 1), (4, 5));
    assert_eq!(opinion(0, 0, 4).lower_ppm, 0);
    assert_eq!(opinion(0, 0, 0).upper_ppm, 1_000_000);
}

#[track_caller]
fn check_wilson(hits: u128, trials: u128, low: u32, high: u32) {
    // Equal weights of any size make every trial count as one.
    for weight in [1u128, 1_000_000, 8_000_000] {
        let found = wilson(hits * weight, trials * weight, trials * weight * weight);
        assert_eq!((found.low_ppm, found.high_ppm), (low, high), "{hits}/{trials} at {weight}");
        assert_eq!(u128::from(found.trials_milli), trials * 1_000);
    }
}

/// Computed from the closed form with z^2 = 3.8416 outside this code.
#[test]
fn wilson_ends_match_the_published_ones() {
    check_wilson(0, 10, 0, 277_541);
    check_wilson(8, 10, 490_156, 943_320);
    check_wilson(10, 10, 722_459, 1_000_000);
    check_wilson(95, 100, 888_248, 978_457);
}

#[test]
fn no_trials_leave_everything_open() {
    let open = Wilson { low_ppm: 0, high_ppm: 1_000_000, trials_milli: 0 };
    assert_eq!(wilson(0, 0, 0), open);
}

#[test]
fn the_largest_arguments_do_not_overflow() {
    let found = wilson(u128::MAX / 2, u128::MAX, u128::MAX);
    assert!(found.low_ppm <= 500_000 && found.high_ppm >= 500_000);
    assert_eq!(opinion(u128::MAX, u128::MAX, u128::MAX).lower_ppm, 333_333);
}

#[test]
fn unequal_weights_count_for_less_than_their_number() {
    // Weights 3 and 1: 16 / 10 trials.
    assert_eq!(wilson(3, 4, 10).trials_milli, 1_600);
}

proptest! {
    #[test]
    fn the_interval_holds_the_observed_rate(hits in 0u128..1_000, misses in 0u128..1_000) {
        prop_assume!(hits + misses > 0);
        let trials = hits + misses;
        let found = wilson(hits, trials, trials);
        prop_assert!(u128::from(found.low_ppm) * trials <= hits * 1_000_000);
        prop_assert!(u128::from(found.high_ppm) * trials >= hits * 1_000_000);
    }

    #[test]
    fn opinions_never_exceed_one(r in any::<u64>(), s in any::<u64>(), a in 1u64..) {
        let found = opinion(r.into(), s.into(), a.into());
        prop_assert!(found.upper_ppm <= 1_000_000);
    }

    #[test]
    fn roots_are_the_largest(value: u128) {
        let root = floor_root(U512::from(value));
        prop_assert!(root * root <= U512::from(value));
        prop_assert!((root + U512::from(1)) * (root + U512::from(1)) > U512::from(value));
    }
}
