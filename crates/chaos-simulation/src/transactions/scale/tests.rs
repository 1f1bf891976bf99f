use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn powers_agree_with_the_exact_ones(value in 1u64..1 << 40, exponent in -30i64 << 32..20i64 << 32) {
        let exact = fixed::scale_exp2(value, exponent);
        let fast = u128::from(Scale::new().exp2(value, exponent));
        prop_assert!(exact.abs_diff(fast) <= (exact >> 29) + 1, "{exact} {fast}");
    }

    #[test]
    fn logarithms_agree_with_the_exact_ones(value in 1u64..) {
        let exact = fixed::log2_q32(value.into());
        let fast = Scale::new().log2(value);
        prop_assert!(exact.abs_diff(fast) < 1 << 14, "{exact} {fast}");
    }
}

#[test]
fn powers_saturate_and_vanish() {
    let scale = Scale::new();
    assert_eq!(scale.exp2(1, 64 << 32), u64::MAX);
    assert_eq!(scale.exp2(0, 64 << 32), 0);
    assert_eq!(scale.exp2(u64::MAX, -(64 << 32)), 0);
    assert_eq!(scale.exp2(5, 3 << 32), 40);
    assert_eq!(scale.log2(0), 0);
    assert_eq!(scale.log2(1 << 40), 40 << 32);
}
