use super::*;

#[test]
fn numbers_are_grouped_and_rounded_half_away_from_zero() {
    assert_eq!(grouped(0), "0");
    assert_eq!(grouped(999), "999");
    assert_eq!(grouped(1_000), "1,000");
    assert_eq!(grouped(-12_345_678), "\u{2212}12,345,678");
    assert_eq!(decimal(123_456, 4, 1), "12.3");
    assert_eq!(decimal(-123_500, 4, 1), "\u{2212}12.4");
    assert_eq!(decimal(5, 1, 0), "1");
    assert_eq!(decimal(4, 1, 0), "0");
    assert_eq!(decimal(-4, 1, 0), "0");
    assert_eq!(decimal(7, 0, 0), "7");
    assert_eq!(decimal(i128::MIN, 18, 2), "\u{2212}170,141,183,460,469,231,731.69");
}

#[test]
fn quantities_use_the_unit_people_use() {
    for (value, unit, expect) in [
        (40_123_456_789, "wei", "40.1 gwei"),
        (798_000_000_000, "wei", "798 gwei"),
        (1_234_567_000_000, "wei", "1,235 gwei"),
        (136_000_000, "wei", "0.136 gwei"),
        (7, "wei", "7 wei"),
        (1_234_000, "wei", "0.00123 gwei"),
        (30_000_000, "gas", "30 Mgas"),
        (15_489_123, "gas_per_block", "15.5 Mgas"),
        (21_000, "gas", "21,000 gas"),
        (685_000_000_000_000_000, "wei_per_block", "0.685 ETH/block"),
        (233_000, "ppm", "23.3 %"),
        (-410_000, "ppm", "\u{2212}41.0 %"),
        (120, "ppm", "0.012 %"),
        (2_500, "ppm", "0.25 %"),
        (4, "ppm", "0.0004 %"),
        (0, "ppm", "0 %"),
        (1, "wei_per_block", "0.000000000000000001 ETH/block"),
        (1_250, "milli_blocks", "1.25 blocks"),
        (3, "transactions", "3 transactions"),
        (157_000_000_000_000_000_000, "wei", "157 ETH"),
        (999_999_000_000_000, "wei", "999,999 gwei"),
        (1_310_400_000_000_000_000_000, "wei_per_day", "1,310 ETH/day"),
        (31_700_000, "gas_per_second", "31.7 Mgas/s"),
        (1_023, "bytes", "1,023 B"),
        (10_485_760, "bytes", "10 MiB"),
        (-2_813_203_579, "bytes_per_month", "\u{2212}2.62 GiB/month"),
        (1_893_400, "microseconds", "1,893 ms"),
        (66_666, "microseconds", "66.7 ms"),
    ] {
        assert_eq!(of(value, unit), expect);
    }
    assert_eq!(difference(12_000, "ppm"), "+1.2 pp");
    assert_eq!(difference(-1_500_000_000, "wei"), "\u{2212}1.5 gwei");
    let interval = |low, high, unit| Comparison::among(unit, &[low, high]).interval(low, high);
    assert_eq!(interval(-39_000, 1_000, "ppm"), "\u{2212}3.9 to +0.1 pp");
    assert_eq!(interval(-7, 2_000_000_000, "wei"), "\u{2212}7 wei to +2 gwei");
    assert_eq!(interval(-3, 2, "count"), "\u{2212}3 to +2");
    assert_eq!(interval(-400_000, 600, "ppm"), "\u{2212}40.0 to +0.06 pp");
    assert_eq!(relative(-25, 100).as_deref(), Some("\u{2212}25.0 %"));
    assert_eq!(relative(5, 0), None);
}
