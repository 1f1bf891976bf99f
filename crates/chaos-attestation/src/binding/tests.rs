use proptest::prelude::*;

use super::*;

fn split(text: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut from = 0;
    for &cut in cuts {
        let to = from + cut % (text.len() - from + 1);
        parts.push(text[from..to].to_vec());
        from = to;
    }
    parts.push(text[from..].to_vec());
    parts
}

/// Computed with Python's `hashlib`, from the layout in the documentation.
#[test]
fn layout_is_the_documented_one() {
    assert_eq!(
        hex::encode(ReportData::bind("tag", &[b"a", b""]).as_bytes()),
        "9a3f28704bc31bc4acce7bfee0d5d7d42e1c218c9876ad918d74eb90571140de\
         116eb6e4ad5b11a0734a5f7ce5bffe4b9f7d683d24f1604fa350efbd43f2851a"
    );
}

#[test]
fn refuses_every_changed_bit_by_binding_mismatch() {
    let bound = ReportData::bind("tag", &[b"part"]);
    assert!(bound.ensure(bound.as_bytes()).is_ok());
    for bit in 0..512 {
        let mut found = *bound.as_bytes();
        found[bit / 8] ^= 1 << (bit % 8);
        let refusal = bound.ensure(&found).expect_err("changed");
        assert_eq!(refusal.code, ReasonCode::BindingMismatch);
    }
}

proptest! {
    /// Moving a boundary between parts changes what is bound, though the bytes in a row do not.
    #[test]
    fn different_lists_of_parts_never_bind_the_same(
        text in proptest::collection::vec(any::<u8>(), 0..64),
        one in proptest::collection::vec(0usize..64, 0..4),
        other in proptest::collection::vec(0usize..64, 0..4),
    ) {
        let (one, other) = (split(&text, &one), split(&text, &other));
        let bind = |parts: &[Vec<u8>]| {
            ReportData::bind("t", &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        prop_assert_eq!(bind(&one) == bind(&other), one == other);
    }
}
