use alloy_primitives::{Address, Bytes, U256, address};
use chaos_evm::calls::Call;

use super::*;
use crate::world::{self, call, recording};

const FIRST: Address = address!("0x0000000000000000000000000000000000001001");

#[track_caller]
fn text_of(recording: &crate::Recording) -> String {
    let review = recording.review().unwrap();
    let lines = lines(&review, &[]);
    for line in &lines {
        assert!(line.text.chars().count() <= COLUMNS, "{}", line.text);
        assert!(!line.text.chars().any(char::is_control), "{}", line.text);
    }
    lines.into_iter().map(|line| format!("{}\n", line.text)).collect()
}

#[test]
fn says_what_happened_on_a_narrow_terminal() {
    let code = world::store(B256::with_last_byte(3), B256::repeat_byte(0xee));
    let input = Bytes::from([&[0xa9, 0x05, 0x9c, 0xbb][..], &[0; 64]].concat());
    let calls = vec![
        Call { target: FIRST, value: U256::from(5), input },
        Call { input: Bytes::from_static(&[1, 2, 3, 4, 5]), ..call(Address::with_last_byte(0x99)) },
    ];
    let text = text_of(&recording(&[(FIRST, &code, &[])], calls, "Pays 100 and 5% of it"));
    for line in [
        "state    proven against that block's state root, place by place",
        "  the number 100: not found in the calls",
        "  not compared: 5%",
        "     selector of transfer(address,uint256)",
        "     (not verified: other names have the same four bytes)",
        "     selector 0x01020304, 5 bytes, meaning not known",
        "    call 2 has input for an address without code",
        "    slot 3",
        "    1000 → 995",
    ] {
        assert!(text.lines().any(|it| it == line), "`{line}` is not in\n{text}");
    }
    assert!(text.contains("all 2 calls succeed: "), "{text}");
}

#[test]
fn a_failure_says_which_call_and_why() {
    // Reverts with Error("no\x1b[31m").
    let word = |bytes: &[u8]| [bytes, &vec![0; 32 - bytes.len()]].concat();
    let reason =
        [&[0x08, 0xc3, 0x79, 0xa0][..], &[0; 31], &[32], &[0; 31], &[7], &word(b"no\x1b[31m")]
            .concat();
    let mut code = Vec::new();
    for (place, byte) in reason.iter().enumerate() {
        code.extend([0x60, *byte, 0x60, u8::try_from(place).unwrap(), 0x53]);
    }
    code.extend([0x60, 100, 0x5f, 0xfd]);
    let text = text_of(&recording(&[(FIRST, &code, &[])], vec![call(FIRST)], ""));
    assert!(text.contains("call 1 of 1 fails, so nothing happens: "), "{text}");
    assert!(text.contains(r#"reason  "no\u{1b}[31m""#), "{text}");
    assert!(!text.contains("State that is different"), "{text}");
}

#[test]
fn lines_are_broken_where_there_are_blanks_and_else_anywhere() {
    let long = "x".repeat(200);
    let lines = wrapped(5, &format!("to {long}"));
    assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS));
    assert_eq!(lines.concat().matches('x').count(), 200);
    assert_eq!(wrapped(2, "a\u{7}b"), ["  a\u{fffd}b"]);
    assert_eq!(wrapped(0, ""), [""]);
}
