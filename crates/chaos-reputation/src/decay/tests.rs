use chaos_types::Digest;

use super::*;

/// Computed with arbitrary-precision integers in Python; value list and digest were published
/// before this code was written.
#[test]
fn ninety_days_match_the_published_table() {
    let table = DecayTable::new(90);
    for (age, expected) in [
        (0, 4_294_967_296),
        (1, 4_262_016_076),
        (7, 4_069_550_266),
        (30, 3_408_917_801),
        (45, 3_037_000_499),
        (90, 2_147_483_648),
        (180, 1_073_741_824),
        (365, 258_294_994),
        (720, 16_777_216),
    ] {
        assert_eq!(table.factor_q32(age), expected, "age {age}");
    }
    let bytes: Vec<u8> = (0..=720).flat_map(|age| table.factor_q32(age).to_le_bytes()).collect();
    assert_eq!(
        Digest::of(&bytes).to_hex(),
        "6b6ec84f6c8dc6b4accb8c1d12f217e205250e20e9e422ac7fe30aa4e6ea8f9a"
    );
}

#[test]
fn nothing_remains_after_the_last_day() {
    let table = DecayTable::new(180);
    assert!(table.factor_q32(DAYS_MAX) > 0);
    assert_eq!(table.factor_q32(DAYS_MAX + 1), 0);
    assert_eq!(table.factor_q32(u64::MAX), 0);
    assert_eq!(DecayTable::new(1).factor_q32(1_000), 0);
}

#[test]
fn twice_the_half_life_is_the_square_root() {
    let (ninety, double) = (DecayTable::new(90), DecayTable::new(180));
    for age in 0..512 {
        assert_eq!(double.factor_q32(2 * age), ninety.factor_q32(age));
    }
    assert!((0..DAYS_MAX).all(|age| double.factor_q32(age) >= double.factor_q32(age + 1)));
}
