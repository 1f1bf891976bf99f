use alloy_primitives::{Address, B256, Bytes, U256, address};
use chaos_evm::calls::Call;
use chaos_types::Digest;

use super::page;
use crate::world::{self, recording};

#[test]
fn a_page_says_the_same_and_text_from_outside_stays_text() {
    let target: Address = address!("0x0000000000000000000000000000000000001001");
    let code = world::store(B256::with_last_byte(3), B256::repeat_byte(0xee));
    let input = Bytes::from_static(&[1, 2, 3, 4]);
    let calls = vec![Call { target, value: U256::from(5), input }];
    let text = "</pre><script>alert(1)</script> pays 100";
    let recording = recording(&[(target, &code, &[])], calls, text);
    let review = recording.review().unwrap();
    let page = page(&review, text, Digest::of(b"x"), &[]);
    for words in ["the call succeeds", "not found", "slot 3", "meaning not known"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("<script"));
}
