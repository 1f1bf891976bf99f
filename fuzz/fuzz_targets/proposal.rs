//! What `proposal check` reads of other people: a file of calls, or a recording, of any bytes is read or refused, what
//! is read is written again as the same, and what a recording proves is run and shown, without a panic.

#![no_main]

use chaos_evm::recorded::plain;
use chaos_review::{Payload, Recording, page, words};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(payload) = Payload::decode(bytes) {
        assert!(!payload.calls().is_empty(), "there is something to run");
    }
    let Ok(bytes) = plain(bytes.to_vec()) else { return };
    let Ok(recording) = Recording::decode(&bytes) else { return };
    let written = recording.encode().expect("plain data");
    let again = Recording::decode(&written).expect("just written");
    // Not the proof: a number with a fraction in it, which none has, may be read as its neighbour.
    assert_eq!((&again.place, &again.sender), (&recording.place, &recording.sender));
    assert_eq!((&again.payload, &again.origin), (&recording.payload, &recording.origin));
    assert_eq!(again.abis, recording.abis);
    let Ok(review) = recording.review() else { return };
    let lines = words::lines(&review, &[]);
    assert!(lines.iter().all(|line| line.text.chars().count() < 80), "it fits a terminal");
    assert!(review.parameter_writes().is_empty() || review.succeeded(), "nothing is set by what fails");
    let Ok(digest) = review.digest() else { return };
    assert!(!page(&review, &recording.payload.description, digest, &[]).contains("<script"));
});
