//! A proof that is accepted is written again byte for byte, and checking it ends without a panic.

#![no_main]

use chaos_log::{TlogProof, leaf_hash};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = TlogProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
        let _ = proof.verify_inclusion(&leaf_hash(b""));
    }
});
