use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn run_up_and_drawdown_are_those_of_all_pairs(
        values in prop::collection::vec(1u64..1_000_000, 1..60), window in 1usize..70,
    ) {
        let (mut up, mut down) = (0, 0);
        for (late, value) in values.iter().enumerate() {
            for earlier in &values[late.saturating_sub(window)..late] {
                let change = |by: u64| share_ppm(by.into(), (*earlier).into());
                up = up.max(change(value.saturating_sub(*earlier)));
                down = down.max(change(earlier.saturating_sub(*value)));
            }
        }
        prop_assert_eq!(run_up_and_drawdown_ppm(&values, window), (up, down));
    }

    #[test]
    fn volatility_is_the_deviation_of_log_changes(
        values in prop::collection::vec(1_000u64..1_000_000_000_000, 3..60),
    ) {
        let logs: Vec<f64> = values.iter().map(|value| (*value as f64).ln()).collect();
        let changes: Vec<f64> = logs.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = changes.iter().sum::<f64>() / changes.len() as f64;
        let variance = changes.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / changes.len() as f64;
        prop_assert!((volatility_ppm(&values) as f64 / 1e6 - variance.sqrt()).abs() < 1e-5);
    }
}

#[test]
fn alternation_has_an_autocorrelation_of_minus_one() {
    let alternating: Vec<u32> = (0..1_000).map(|block| block % 2 * 1_000_000).collect();
    assert_eq!(autocorrelation_ppm(&alternating), -999_000);
    assert_eq!(autocorrelation_ppm(&[5; 10]), 0);
    assert_eq!(longest_run([true, true, false, true].into_iter()), 2);
    assert_eq!(percentile(&[1, 2, 3, 4], 50), 2);
    assert_eq!(share_ppm(u128::MAX / 2, u128::MAX), 500_000);
}
