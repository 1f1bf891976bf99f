//! An anchor proof made of arbitrary bytes is refused without a panic.

#![no_main]

use chaos_chains::{AnchorProof, attestation};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = serde_json::from_slice::<AnchorProof>(bytes) {
        assert!(proof.verify(1, [7; 32]).is_err(), "nobody finds a block by chance");
    }
    if let Ok((receipt, checkpoint)) = attestation::decode(bytes) {
        let written = attestation::encode(&receipt, &checkpoint);
        assert_eq!(attestation::decode(&written).expect("just written"), (receipt, checkpoint));
    }
});
