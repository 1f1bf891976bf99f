//! A proof of the registry made of arbitrary bytes is refused without a panic, and has one spelling.

#![no_main]

use chaos_chains::{Address, RegistryKey, RegistryProof};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let key = RegistryKey::of("example.org/log", Address::repeat_byte(7));
    if let Ok(proof) = RegistryProof::from_rlp(bytes) {
        assert_eq!(proof.to_rlp(), bytes, "read and written again");
        assert!(proof.verify(&key).is_err(), "nobody finds a state by chance");
    }
    if let Ok(proof) = serde_json::from_slice::<RegistryProof>(bytes) {
        let written = serde_json::to_value(&proof).expect("plain data");
        assert_eq!(serde_json::from_value::<RegistryProof>(written).expect("just written"), proof);
    }
});
