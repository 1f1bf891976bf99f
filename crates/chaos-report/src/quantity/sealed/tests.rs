use super::*;

#[test]
fn words_that_digests_cover_keep_their_digits() {
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
        (2_500, "ppm", "0.3 %"),
        (4, "ppm", "0.000 %"),
        (0, "ppm", "0.0 %"),
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
    assert_eq!(relative(-25, 100).as_deref(), Some("\u{2212}25.0 %"));
    assert_eq!(relative(5, 0), None);
}
