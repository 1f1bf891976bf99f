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
        ("ppm", 500_000, 500_000, ["50.0 %", "50.0 %", "0 pp"]),
        ("count", 1_200, 900, ["1,200", "900", "\u{2212}300"]),
        ("milli_blocks", 1_250, 1_250, ["1.25 blocks", "1.25 blocks", "0 blocks"]),
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
    assert_eq!(row.difference(0), "0 pp");
}

#[test]
fn values_beside_each_other_share_unit_and_digits() {
    let values = [9_800_000_000, 12_345_678_901, 0];
    let row = Comparison::among("wei", &values);
    assert_eq!(values.map(|value| row.number(value)), ["9.80", "12.35", "0.00"]);
    assert_eq!(row.unit(), "gwei");
    assert_eq!(Comparison::among("ppm", &[]).value(0), "0 %");
}

#[test]
fn small_values_stand_in_digits_of_their_own() {
    assert_eq!(
        shown("wei", 916_800_000, 7),
        ["0.9168 gwei", "7 wei", "\u{2212}0.9168 gwei"],
        "a base fee at its floor"
    );
    let row = Comparison::of("wei", 3_544_000_000, 123_456_789_000);
    assert_eq!(row.interval(-7, 1_000_000_000), "\u{2212}7 wei to +1.000 gwei");
    assert_eq!(row.interval(-1_000_000_000, 0), "\u{2212}1.000 to 0 gwei");
    let row = Comparison::of("ppm", 603_540, 489_340);
    assert_eq!(row.interval(-114_200, 4), "\u{2212}11.42 to +0.0004 pp");
    assert_eq!(row.range(0, 489_340), "0 to 48.93 %");
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
            [baseline, proposal, difference].map(|value| read(&row.number(value)));
        prop_assert_eq!((one, two), (two, three), "one count of digits");
        prop_assert_eq!(p - b, d);
        prop_assert_eq!(d.signum(), difference.signum());
    }

    /// Nothing is `0`, and everything else is shown within a quarter of what it is.
    #[test]
    fn only_nothing_is_shown_as_nothing(
        unit in proptest::sample::select(&UNITS[..]),
        baseline in any::<i64>(),
        proposal in any::<i64>(),
        scale in 0u32..63,
        value in any::<i64>(),
        by in 0u32..63,
    ) {
        let (baseline, proposal) = (i128::from(baseline >> scale), i128::from(proposal));
        let value = i128::from(value >> by);
        for row in [
            Comparison::of(unit, baseline, proposal),
            Comparison::among(unit, &[baseline, proposal]),
        ] {
            let Written { number, .. } = row.written(value);
            let digits = number.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
            prop_assert_eq!(digits, value != 0, "{}", number);
            prop_assert_eq!(number == "0", value == 0);
        }
    }

    /// The same value in a row, in its interval, in a range and by itself: one set of digits.
    #[test]
    fn any_two_renderings_of_a_value_are_equal(
        unit in proptest::sample::select(&UNITS[..]),
        baseline in any::<i64>(),
        proposal in any::<i64>(),
        scale in 0u32..63,
        by in 0u32..63,
    ) {
        let (baseline, proposal) = (i128::from(baseline >> scale), i128::from(proposal >> by));
        let row = Comparison::of(unit, baseline, proposal);
        let [before, after, change] = Comparison::cells(unit, baseline, proposal);
        prop_assert_eq!(&row.value(baseline), &before);
        prop_assert_eq!(&row.value(proposal), &after);
        let difference = proposal - baseline;
        prop_assert_eq!(&row.difference(difference), &change);
        prop_assert!(row.interval(baseline, difference).ends_with(&change));
        prop_assert!(row.range(baseline, proposal).ends_with(&after));
        let unsigned = change.replace(['+', '\u{2212}'], "").replace("pp", "%");
        prop_assert_eq!(row.value(difference.abs()), unsigned);
        let mut table = crate::Table::new(&["#value"]);
        table.row(vec![after.clone().into()]);
        let page = maud::Render::render(&table).into_string();
        let mut post = crate::Markdown::new();
        post.table(&table);
        prop_assert!(page.contains(&after));
        prop_assert!(post.finish().replace('\\', "").contains(&after));
        prop_assert_eq!(
            crate::quantity::of(proposal, unit),
            Comparison::among(unit, &[proposal]).value(proposal)
        );
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
