use proptest::prelude::*;

use super::*;

#[test]
fn ticks_are_few_and_round() {
    assert_eq!(ticks(0, 100, 6), [0, 20, 40, 60, 80, 100]);
    assert_eq!(ticks(-430, 120, 6), [-400, -300, -200, -100, 0, 100]);
    assert_eq!(ticks(0, 1_800, 7), [0, 500, 1_000, 1_500]);
    assert_eq!(ticks(3, 3, 5), [3]);
    assert_eq!(log_ticks(8, 700), [10, 20, 50, 100, 200, 500]);
    assert_eq!(log_ticks(1, 1_000_000).len(), 7);
}

#[test]
fn scales_hit_their_ends() {
    let scale = Linear::new((-10, 10), (100, 0));
    assert_eq!([scale.at(-10), scale.at(0), scale.at(10), scale.at(99)], [100, 50, 0, 0]);
    let scale = Logarithmic::new((1, 100), (200, 0));
    assert_eq!([scale.at(1), scale.at(10), scale.at(100), scale.at(0)], [200, 100, 0, 200]);
}

proptest! {
    #[test]
    fn ticks_stay_in_range_and_below_their_number(
        a in -1_i128 << 80..1 << 80, b in -1_i128 << 80..1 << 80, count in 2_i128..12,
    ) {
        let found = ticks(a.min(b), a.max(b), count);
        prop_assert!(found.len() as i128 <= count);
        prop_assert!(found.iter().all(|tick| (a.min(b)..=a.max(b)).contains(tick)));
    }

    #[test]
    fn positions_follow_the_order_of_values(a in any::<i64>(), b in any::<i64>()) {
        let scale = Linear::new((i64::MIN.into(), i64::MAX.into()), (0, 1_000));
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(scale.at(low.into()) <= scale.at(high.into()));
    }
}
