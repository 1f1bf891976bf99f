use super::*;

#[test]
fn a_moment_is_a_block_or_a_time() {
    for (text, moment) in [
        ("22431084", Moment::Block(22_431_084)),
        ("1746612311", Moment::Time(1_746_612_311)),
        ("2025-05-07T10:05:11Z", Moment::Time(1_746_612_311)),
        ("2025-05-07", Moment::Time(1_746_576_000)),
    ] {
        assert_eq!(text.parse(), Ok(moment), "{text}");
    }
    for text in ["", "Pectra", "7.5.2025", "-1"] {
        assert!(text.parse::<Moment>().is_err(), "{text}");
    }
}
