//! A fork proof that is accepted is written again byte for byte, and speaks of two notes.

#![no_main]

use chaos_log::{ForkKind, ForkProof};
use chaos_verify::ProvedFork;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = ForkProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
        let sizes = [proof.first(), proof.second()].map(|note| note.claimed().size());
        assert_eq!(proof.kind() == ForkKind::Root, sizes[0] == sizes[1]);
    }
    // The same file and those with the keys of the log, by the crate that reads all kinds.
    if let Ok(proof) = ProvedFork::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
    }
});
