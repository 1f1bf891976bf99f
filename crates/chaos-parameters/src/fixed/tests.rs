//! Floats are the judge here and nowhere else.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "comparison with 64-bit floats"
)]

use proptest::prelude::*;

use super::*;

const Q32: f64 = 4_294_967_296.0;

#[test]
fn powers_of_two_have_exact_logarithms() {
    for exponent in 0..128u32 {
        assert_eq!(log2_q32(1u128 << exponent), i64::from(exponent) << 32);
    }
    assert_eq!(log2_q32(0), 0);
}

#[test]
fn whole_exponents_scale_exactly() {
    assert_eq!(scale_exp2(7, 0), 7);
    assert_eq!(scale_exp2(7, 40 << 32), 7 << 40);
    assert_eq!(scale_exp2(7 << 40, -(40i64 << 32)), 7);
    assert_eq!(scale_exp2(1, -(1i64 << 32)), 0);
    assert_eq!(scale_exp2(u64::MAX, i64::MAX), u128::MAX >> 1);
    assert_eq!(scale_exp2(u64::MAX, i64::MIN), 0);
}

#[test]
fn constants_agree_with_floats() {
    // A 64-bit float holds 53 of the 62 bits.
    let q62 = 2f64.powi(62);
    assert!(((std::f64::consts::LN_2 * q62) as i128).abs_diff(LN_2_Q62) < 1 << 9);
    assert!(((std::f64::consts::LOG2_E * q62) as i128).abs_diff(LOG2_E_Q62) < 1 << 10);
}

proptest! {
    #[test]
    fn logarithms_are_within_the_stated_error(value in 1u128..1 << 90) {
        let exact = (value as f64).log2();
        prop_assert!((log2_q32(value) as f64 / Q32 - exact).abs() < 2f64.powi(-30));
        let exact = (value as f64).ln();
        prop_assert!((ln_q32(value) as f64 / Q32 - exact).abs() < 2f64.powi(-30));
    }

    #[test]
    fn powers_are_within_the_stated_error(value in 1u64..1 << 40, exponent in -20i64 << 32..20 << 32) {
        let exact = value as f64 * (exponent as f64 / Q32).exp2();
        let error = (scale_exp2(value, exponent) as f64 - exact).abs();
        prop_assert!(error <= exact * 2f64.powi(-48) + 1.0, "{error}");
    }

    #[test]
    fn logarithm_and_power_undo_each_other(value in 1u64..1 << 40) {
        let back = scale_exp2(1 << 62, log2_q32(u128::from(value)) - (62 << 32));
        prop_assert!(back.abs_diff(u128::from(value)) <= 1 + u128::from(value >> 30));
    }

    #[test]
    fn logarithm_never_falls(value in 1u64..u64::MAX) {
        prop_assert!(log2_q32(u128::from(value)) <= log2_q32(u128::from(value) + 1));
    }

    #[test]
    fn ppm_survives_the_round_trip(ppm in -100_000_000i64..100_000_000) {
        prop_assert_eq!(q32_to_ppm(ppm_to_q32(ppm)), ppm);
    }

    #[test]
    fn roots_square_back(value in 0i64..1 << 50) {
        let root = sqrt_q32(value) as f64 / Q32;
        prop_assert!((root * root - value as f64 / Q32).abs() < 1e-4);
    }
}

#[test]
fn noise_has_mean_zero_and_deviation_one() {
    let mut state = 1u64;
    let mut uniform = || {
        // SplitMix64, so that the test does not depend on the generator in use.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 32) as u32
    };
    let draws: Vec<f64> = (0..50_000).map(|_| normal_q32(&mut uniform) as f64 / Q32).collect();
    let count = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / count;
    let variance = draws.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / count;
    assert!(mean.abs() < 0.02, "{mean}");
    assert!((variance - 1.0).abs() < 0.03, "{variance}");
}
