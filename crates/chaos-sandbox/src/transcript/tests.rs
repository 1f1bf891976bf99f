use proptest::prelude::*;

use super::*;

fn read(name: &str, answer: Option<&[u8]>) -> HostCall {
    HostCall::ReadInput { name: name.to_owned(), answer: answer.map(Into::into) }
}

fn note(text: &str) -> HostCall {
    HostCall::Note { text: text.to_owned() }
}

fn transcript(calls: impl IntoIterator<Item = HostCall>) -> Transcript {
    let mut transcript = Transcript::default();
    calls.into_iter().for_each(|call| transcript.push(call));
    transcript
}

#[test]
fn heads_are_the_golden_ones() {
    // Computed by another program from the formula in the documentation of `Transcript`.
    let mut transcript = Transcript::default();
    let mut heads = vec![transcript.head().to_hex()];
    for call in [read("blocks", Some(&[0, 0xff])), read("prices", None), note("two of them")] {
        transcript.push(call);
        heads.push(transcript.head().to_hex());
    }
    assert_eq!(
        heads,
        [
            "4b9ebbc8764322b7d13121e04d3b64cdee9ef15769a10ea7a325470dbe7a2a04",
            "19ec8fff1ef98eb79f258d2675cd5a59a2a05159d51b272524db96629339cc87",
            "4ab4a5b860101783c718b210f8da91f3b3466a7785b9d7898cd9fcb1b2b45cef",
            "0af2b27611dae52a809570cfecea3eef5c7cc7f60c353f56b4a764eb4f02bc9e",
        ]
    );
}

#[test]
fn bytes_are_the_golden_ones() {
    let bytes = transcript([read("blocks", Some(&[0, 0xff]))]).to_bytes();
    let mut expect = b"\0\0\0\0\0\0\0\x18chaoschain/transcript/v1".to_vec();
    expect.extend_from_slice(b"\0\0\0\0\0\0\0\x0aread-input\0\0\0\0\0\0\0\x06blocks");
    expect.extend_from_slice(b"\0\0\0\0\0\0\0\x01\x01\0\0\0\0\0\0\0\x02\0\xff");
    assert_eq!(bytes, expect);
}

#[track_caller]
fn check_refused(parts: &[&[u8]], expect: TranscriptError) {
    let mut bytes = Vec::new();
    join(&mut bytes, &[TAG]);
    join(&mut bytes, parts);
    assert_eq!(Transcript::from_bytes(&bytes), Err(expect));
}

#[test]
fn calls_of_no_function_are_refused() {
    let call = |call| TranscriptError::Call { call };
    check_refused(&[b"now", b"", b"", b""], call(0));
    check_refused(&[b"read-input", b"\xff", b"\0", b""], call(0));
    check_refused(&[b"read-input", b"a", b"\0", b"bytes of nothing"], call(0));
    check_refused(&[b"read-input", b"a", b"\x02", b""], call(0));
    check_refused(&[b"read-input", b"a", b"", b""], call(0));
    check_refused(&[b"note", b"a", b"", b"answer"], call(0));
    check_refused(&[b"note", b"a", b"", b"", b"note", b"b", b"\x01", b""], call(1));
    check_refused(&[b"note", b"a", b""], TranscriptError::Truncated { call: 0 });
}

#[test]
fn other_formats_are_refused() {
    let mut other = transcript([]).to_bytes();
    *other.last_mut().unwrap() = b'2';
    for bytes in [b"".as_slice(), b"\0", &other, &[0xff; 40]] {
        assert_eq!(Transcript::from_bytes(bytes), Err(TranscriptError::Format));
    }
}

fn call() -> impl Strategy<Value = HostCall> {
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        ("\\PC{0,12}", prop::option::of(bytes))
            .prop_map(|(name, answer)| read(&name, answer.as_deref())),
        "\\PC{0,12}".prop_map(|text| note(&text)),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(calls in prop::collection::vec(call(), 0..8)) {
        let written = transcript(calls);
        prop_assert_eq!(Transcript::from_bytes(&written.to_bytes()), Ok(written));
    }

    #[test]
    fn what_is_read_has_one_spelling(
        calls in prop::collection::vec(call(), 0..4),
        change in any::<(prop::sample::Index, u8)>(),
    ) {
        let mut bytes = transcript(calls).to_bytes();
        let at = change.0.index(bytes.len());
        bytes[at] = change.1;
        if let Ok(read) = Transcript::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }

    #[test]
    fn cut_bytes_are_refused_or_shorter(calls in prop::collection::vec(call(), 1..4)) {
        let whole = transcript(calls);
        let bytes = whole.to_bytes();
        for len in 0..bytes.len() {
            if let Ok(read) = Transcript::from_bytes(&bytes[..len]) {
                prop_assert!(read.calls().len() < whole.calls().len());
                prop_assert_eq!(read.calls(), &whole.calls()[..read.calls().len()]);
            }
        }
    }

    #[test]
    fn other_calls_have_another_head(
        one in prop::collection::vec(call(), 0..4),
        other in prop::collection::vec(call(), 0..4),
    ) {
        let same = one == other;
        prop_assert_eq!(transcript(one).head() == transcript(other).head(), same);
    }
}
