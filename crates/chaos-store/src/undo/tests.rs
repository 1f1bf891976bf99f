use proptest::{collection::vec, option, prelude::*};

use super::*;

proptest! {
    #[test]
    fn what_bytes_were_follows_from_what_they_became(
        old in option::of(vec(0..3u8, 0..12)),
        new in option::of(vec(0..3u8, 0..12)),
    ) {
        let undo = Undo::between(old.as_deref(), new.as_deref());
        prop_assert_eq!(undo.apply(new.as_deref()), Ok(old));
    }
}

#[test]
fn undo_of_other_bytes_is_noticed_where_they_are_too_short() {
    let undo = Undo::between(Some(b"abcXdef"), Some(b"abcYdef"));
    assert_eq!((undo.front, undo.back, undo.bytes.as_deref()), (3, 3, Some(&b"X"[..])));
    assert_eq!(undo.apply(Some(b"abcde")), Err(Misfit));
    assert_eq!(undo.apply(None), Err(Misfit));
}
