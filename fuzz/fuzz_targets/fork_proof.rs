//! A fork proof that is accepted is written again byte for byte, and speaks of two notes.

#![no_main]

use chaos_log::{ForkKind, ForkProof};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = ForkProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
        let sizes = [proof.first(), proof.second()].map(|note| note.claimed().size());
        assert_eq!(proof.kind() == ForkKind::Root, sizes[0] == sizes[1]);
    }
});
