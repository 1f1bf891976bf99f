//! The body of a request.

use chaos_witness::{AddCheckpoint, PROOF_LINES_MAX, REQUEST_BYTES_MAX, RequestError};
use proptest::prelude::*;

use crate::{honest, log_of};

/// The form of the example in the specification, with hashes and signature of our own.
#[test]
fn a_request_has_the_lines_of_the_specification() {
    let request = honest(3, 5);
    let text = request.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "old 3");
    let proof = request.proof();
    for (line, hash) in lines[1..].iter().zip(proof) {
        assert_eq!(*line, hash.to_string());
    }
    assert_eq!(lines[1 + proof.len()], "");
    assert_eq!(lines[2 + proof.len()..5 + proof.len()].join("\n"), {
        let root = log_of(5, "ours").root();
        format!("example.com/log\n5\n{root}")
    });
    assert!(lines.last().unwrap().starts_with("\u{2014} example.com/log "));
    assert_eq!(AddCheckpoint::parse(text.as_bytes()).unwrap(), request);
    assert_eq!(honest(0, 5).to_string().lines().take(2).collect::<Vec<_>>(), ["old 0", ""]);
}

#[track_caller]
fn check(bytes: &[u8], expect: &str) {
    assert_eq!(AddCheckpoint::parse(bytes).unwrap_err().to_string(), expect);
}

#[test]
fn damaged_requests_are_refused_by_name() {
    let text = honest(3, 5).to_string();
    let with = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    let head = "request has no empty line between its proof and its checkpoint";
    check(b"", head);
    check(b"old 3\n", head);
    check(b"old \xff\n\n", head);
    check(
        &with("old 3", "old 03"),
        "the first line should be `old <decimal number>`, found `old 03`",
    );
    check(
        &with("old 3", "old -3"),
        "the first line should be `old <decimal number>`, found `old -3`",
    );
    check(
        &with("old 3", "new 3"),
        "the first line should be `old <decimal number>`, found `new 3`",
    );
    check(&with("old 3\n", "old 3\n=\n"), "line 2 of the request is not a hash");
    check(
        &with("old 3\n", "old 3\r\n"),
        "the first line should be `old <decimal number>`, found `old 3\r`",
    );
    check(&with("\n5\n", "\n05\n"), "request has no checkpoint");
    check(&vec![b'\n'; REQUEST_BYTES_MAX + 1], "request has 131073 bytes, the limit is 131072");
    let request = honest(0, 5);
    let hash = *request.checkpoint().claimed().root();
    let lines = vec![hash; PROOF_LINES_MAX + 1];
    let refused = AddCheckpoint::new(3, lines, request.checkpoint().clone()).unwrap_err();
    assert_eq!(refused, RequestError::TooManyLines { found: 64 });
    let many = format!("old 3\n{}\n{}", format!("{hash}\n").repeat(64), request.checkpoint());
    check(many.as_bytes(), "request has 64 lines of proof, the limit is 63");
    let fits = AddCheckpoint::new(3, vec![hash; 63], request.checkpoint().clone()).unwrap();
    assert_eq!(AddCheckpoint::parse(fits.to_string().as_bytes()).unwrap(), fits);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn accepted_requests_are_written_again_byte_for_byte(
        pieces in proptest::collection::vec(prop_oneof![
            Just("old "), Just("0"), Just("3"), Just("\n"), Just("\n\n"), Just("example.com/log\n"),
            Just("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"), Just("\u{2014} a AAAAAAA=\n"),
        ], 0..16),
    ) {
        let text = pieces.concat();
        if let Ok(request) = AddCheckpoint::parse(text.as_bytes()) {
            prop_assert_eq!(request.to_string(), text);
        }
    }
}
