//! An allowlist that can be signed opens as it was, and bytes that nobody signed never open.

#![no_main]

use chaos_attestation::allowlist::Allowlist;
use chaos_types::AgentKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assert!(Allowlist::open(bytes).is_err(), "the fuzzer holds no key");
    if let Ok(mut list) = serde_json::from_slice::<Allowlist>(bytes) {
        let key = AgentKey::from_seed(&[1; 32]);
        list.issuer = key.did();
        // No entry that the fuzzer makes has a rebuild that holds.
        for entry in &mut list.entries {
            entry.rebuilds.clear();
        }
        if let Ok(envelope) = list.sign(&key) {
            assert_eq!(Allowlist::open(&envelope), Ok(list));
        }
    }
});
