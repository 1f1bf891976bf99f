use super::*;

#[test]
fn percentiles_use_the_nearest_rank() {
    let quantiles = Quantiles::of((1..=200).rev().collect());
    assert_eq!(
        quantiles,
        Quantiles { p2_5: 5, p10: 20, p50: 100, p90: 180, p97_5: 195 },
        "ranks 5, 20, 100, 180 and 195 of 200"
    );
}

/// Published example: 15 of 20 gives 0.531 to 0.888 (statsmodels, `proportion_confint`, wilson).
#[test]
fn the_interval_of_a_share_is_wilsons() {
    let coverage = Coverage::new(15, 20, 20);
    assert_eq!((coverage.share_ppm, coverage.low_ppm / 1_000), (750_000, 531));
    assert_eq!(coverage.high_ppm / 1_000, 888);
    let none = Coverage::new(0, 10, 10);
    // z^2 / (n + z^2) = 3.8415 / 13.8415.
    assert_eq!((none.low_ppm, none.high_ppm / 100), (0, 2_775));
}

#[test]
fn figures_of_one_window_do_not_narrow_the_interval() {
    let (many, few) = (Coverage::new(160, 200, 200), Coverage::new(160, 200, 10));
    assert_eq!(many.share_ppm, few.share_ppm);
    assert!(few.low_ppm < many.low_ppm && few.high_ppm > many.high_ppm);
}

#[test]
fn winkler_is_the_width_inside_and_ten_times_the_distance_outside() {
    let quantiles = Quantiles { p2_5: 0, p10: 10, p50: 20, p90: 30, p97_5: 40 };
    assert_eq!([10, 25, 30].map(|observed| quantiles.winkler(observed)), [20, 20, 20]);
    assert_eq!((quantiles.winkler(7), quantiles.winkler(35)), (50, 70));
}

/// By hand: (0.025 x 25 + 0.1 x 15 + 0.5 x 5 + 0.1 x 5 + 0.025 x 15) / 5 = 1.1.
#[test]
fn pinball_weighs_each_side_by_its_percentile() {
    let quantiles = Quantiles { p2_5: 0, p10: 10, p50: 20, p90: 30, p97_5: 40 };
    assert_eq!(quantiles.pinball_milli(25), 1_100);
    // Of a point it is half of the distance on either side, as the percentiles are symmetric.
    assert_eq!(Quantiles::point(100).pinball_milli(90), 5_000);
    assert_eq!(Quantiles::point(100).pinball_milli(110), 5_000);
}

#[test]
fn skill_is_none_against_a_perfect_naive_forecast() {
    assert_eq!(skill_ppm(5, 0), None);
    assert_eq!(skill_ppm(50, 100), Some(500_000));
    assert_eq!(skill_ppm(200, 100), Some(-1_000_000));
    assert_eq!(relative_ppm(110, 100), Some(100_000));
    assert_eq!(relative_ppm(1, 0), None);
    assert_eq!(relative_ppm(-50, -100), Some(500_000));
}

#[test]
fn extremes_do_not_overflow() {
    let quantiles = Quantiles::point(i128::MIN);
    let _loss = quantiles.pinball_milli(i128::MAX);
    let _score = quantiles.winkler(i128::MAX);
    assert_eq!(relative_ppm(0, i128::MIN), None);
}
