use super::*;

const EXPECTED: Quantiles = Quantiles { p2_5: 500, p10: 800, p50: 1_000, p90: 1_400, p97_5: 2_000 };

#[test]
fn windows_inside_the_interval_widen_nothing() {
    let widening = Widening::of(&EXPECTED, &[900, 1_000, 1_100, 1_200]);
    assert_eq!(widening, Widening::NONE);
    assert_eq!(widening.apply(EXPECTED, Metric::BaseFeeMedian), EXPECTED);
}

/// One of four windows lies 1,200 above: z = 1.281552 x 3, and the root of z^2 x 2 / 4 is 2.7186.
#[test]
fn windows_above_widen_the_upper_side_alone() {
    let widening = Widening::of(&EXPECTED, &[1_000, 1_000, 1_000, 2_200]);
    assert_eq!(widening, Widening { low_ppm: NONE_PPM, high_ppm: 2_718_582 });
    let wider = widening.apply(EXPECTED, Metric::BaseFeeMedian);
    assert_eq!(wider, Quantiles { p90: 2_087, p97_5: 3_718, ..EXPECTED });
}

#[test]
fn a_widened_share_stays_a_share() {
    let shares = Quantiles { p2_5: 5_000, p10: 10_000, p50: 20_000, p90: 900_000, p97_5: 950_000 };
    let widening = Widening { low_ppm: 3_000_000, high_ppm: 3_000_000 };
    let wider = widening.apply(shares, Metric::BlocksEmpty);
    assert_eq!((wider.p2_5, wider.p10, wider.p90, wider.p97_5), (0, 0, 1_000_000, 1_000_000));
}

#[test]
fn a_history_shorter_than_a_window_widens_nothing() {
    let (widenings, windows) = widenings(&[], 100, 2, &[]);
    assert_eq!((widenings.len(), windows), (0, 0));
}
