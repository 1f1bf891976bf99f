//! An anchor proof made of arbitrary bytes is refused without a panic.

#![no_main]

use chaos_chains::{
    AnchorProof,
    attestation::{self, Carried},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = serde_json::from_slice::<AnchorProof>(bytes) {
        assert!(proof.verify(1, [7; 32]).is_err(), "nobody finds a block by chance");
    }
    match attestation::decode(bytes) {
        Ok(Carried::Full(full)) => assert_eq!(full.to_bytes(), bytes, "it has one spelling"),
        Ok(Carried::Digest(digest)) => assert_eq!(digest.as_bytes(), bytes),
        Ok(Carried::First { .. }) | Err(_) => {}
    }
});
