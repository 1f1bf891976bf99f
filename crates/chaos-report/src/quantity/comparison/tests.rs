use proptest::prelude::*;

use super::*;

/// A shown number in units of its last digit, and how many digits stand behind the point.
fn read(number: &str) -> (i128, usize) {
    let plain = number.replace(',', "").replace('\u{2212}', "-").replace('+', "");
    let places = plain.split_once('.').map_or(0, |(_, digits)| digits.len());
    (plain.replace('.', "").parse().unwrap(), places)
}

fn shown(unit: &str, baseline: i128, proposal: i128) -> [String; 3] {
    let row = Comparison::of(unit, baseline, proposal);
    [row.value(baseline), row.value(proposal), row.difference(proposal - baseline)]
}

#[test]
fn rows_that_did_not_add_up_get_one_more_digit() {
    assert_eq!(shown("ppm", 84_960, 84_740), ["8.496 %", "8.474 %", "\u{2212}0.022 pp"]);
    assert_eq!(shown("ppm", 603_540, 489_340), ["60.35 %", "48.93 %", "\u{2212}11.42 pp"]);
}

#[test]
fn rows_are_as_short_as_truth_allows() {
    for (unit, baseline, proposal, expect) in [
        ("gas", 30_000_000, 36_000_000, ["30 Mgas", "36 Mgas", "+6 Mgas"]),
        ("gas", 30_000_000, 31_500_000, ["30.0 Mgas", "31.5 Mgas", "+1.5 Mgas"]),
        ("wei", 12_800_000_000, 9_930_000_000, ["12.80 gwei", "9.93 gwei", "\u{2212}2.87 gwei"]),
        ("wei", 7, 9, ["7 wei", "9 wei", "+2 wei"]),
        ("ppm", 500_000, 500_000, ["50.0 %", "50.0 %", "0.0 pp"]),
        ("count", 1_200, 900, ["1,200", "900", "\u{2212}300"]),
        ("milli_blocks", 1_250, 1_250, ["1.25 blocks", "1.25 blocks", "0.00 blocks"]),
        ("bytes", 10_485_760, 5_242_880, ["10 MiB", "5 MiB", "\u{2212}5 MiB"]),
        ("transactions", 3, 4, ["3 transactions", "4 transactions", "+1 transactions"]),
    ] {
        assert_eq!(shown(unit, baseline, proposal), expect, "{unit}");
    }
}

#[test]
fn a_difference_is_never_shown_as_nothing() {
    assert_eq!(
        shown("gas", 30_000_000, 30_000_007),
        ["30.000000 Mgas", "30.000007 Mgas", "+0.000007 Mgas"]
    );
}

#[test]
fn an_interval_has_the_digits_of_its_row() {
    let row = Comparison::of("ppm", 84_960, 84_740);
    assert_eq!(row.interval(-1_500, 12), "\u{2212}0.150 to +0.001 pp");
    assert_eq!(row.unit(), "%");
    assert_eq!(row.number(84_960), "8.496");
    assert_eq!(row.signed(0), "0.000");
}

#[test]
fn values_beside_each_other_share_unit_and_digits() {
    let values = [9_800_000_000, 12_345_678_901, 0];
    let row = Comparison::among("wei", &values);
    assert_eq!(values.map(|value| row.number(value)), ["9.80", "12.35", "0.00"]);
    assert_eq!(row.unit(), "gwei");
    assert_eq!(Comparison::among("ppm", &[]).number(0), "0.0");
}

const UNITS: [&str; 15] = [
    "ppm",
    "wei",
    "wei_per_day",
    "wei_per_block",
    "gas",
    "gas_per_second",
    "bytes",
    "bytes_per_month",
    "nanoseconds",
    "microseconds",
    "milliseconds",
    "milli_blocks",
    "count",
    "blocks",
    "something_else",
];

proptest! {
    #[test]
    fn shown_differences_are_differences_of_shown_values(
        unit in proptest::sample::select(&UNITS[..]),
        baseline in any::<i128>(),
        proposal in any::<i128>(),
        scale in 0u32..120,
        near in any::<bool>(),
    ) {
        let baseline = baseline >> (scale + 4);
        let proposal =
            if near { baseline + (proposal >> 100) } else { proposal >> (scale + 4) };
        let difference = proposal - baseline;
        let row = Comparison::of(unit, baseline, proposal);
        let [(b, one), (p, two), (d, three)] =
            [row.number(baseline), row.number(proposal), row.signed(difference)]
                .map(|number| read(&number));
        prop_assert_eq!((one, two), (two, three), "one count of digits");
        prop_assert_eq!(p - b, d);
        prop_assert_eq!(d.signum(), difference.signum());
    }

    /// Half a unit of the last digit at most, and never toward zero at the half.
    #[test]
    fn shown_values_are_the_nearest(unit in proptest::sample::select(&UNITS[..]), value in -1i64.., by in any::<i32>()) {
        let (baseline, proposal) = (i128::from(value), i128::from(value) + i128::from(by));
        let row = Comparison::of(unit, baseline, proposal);
        let (shown, places) = read(&row.number(baseline));
        let ten = 10_i128.pow(u32::try_from(places).unwrap());
        let per = if row.unit() == unit.replace('_', " ") { 1 } else {
            Unit::of(unit, baseline.abs().max(proposal.abs()).max((proposal - baseline).abs()))
                .raw_units()
        };
        let error = (shown * per - baseline * ten).abs();
        prop_assert!(error * 2 <= per, "{} for {baseline}", row.number(baseline));
    }
}
