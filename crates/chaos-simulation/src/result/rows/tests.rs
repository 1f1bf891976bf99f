use super::*;

#[test]
fn the_interval_is_the_nearest_rank_of_paired_differences() {
    // Differences 1..=10 in any order; ranks 1 and 9.
    let pairs = Pairs((1..=10).rev().map(|step| (100 * step, 100 * step + step)).collect());
    let row = pairs.mean_row("gas", Layer::FeeMarket);
    assert_eq!((row.baseline, row.proposal, row.difference), (550, 556, 6));
    assert_eq!((row.interval.low, row.interval.high), (1, 9));
}

#[test]
fn equal_arms_differ_by_exactly_nothing() {
    let row = Pairs(vec![(3, 3), (-7, -7), (11, 11)]).mean_row("ppm", Layer::FeeMarket);
    assert_eq!((row.difference, row.interval.low, row.interval.high), (0, 0, 0));
}

#[test]
fn means_round_to_nearest() {
    assert_eq!(round_div(5, 2), 3);
    assert_eq!(round_div(-5, 2), -2);
    assert_eq!(round_div(4, 3), 1);
    assert_eq!(round_div(-4, 3), -1);
}

#[test]
fn figures_travel_as_decimal_strings() {
    let row = Pairs(vec![(1 << 90, 0)]).sum_row("wei", Layer::Evm);
    let json = serde_json::to_string(&row).unwrap();
    assert!(json.contains(r#""difference":"-1237940039285380274899124224""#), "{json}");
    assert_eq!(serde_json::from_str::<MetricRow>(&json).unwrap(), row);
}
