//! A bundle that shows the state by proofs is written again byte for byte if it is accepted, and is
//! verified or refused without a panic.

#![no_main]

use chaos_verify::{Options, StateBundle, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(bundle) = StateBundle::from_bytes(bytes) {
        let written = bundle.to_bytes().expect("a bundle that was read can be written");
        assert_eq!(written, bytes);
    }
    let _refused = verify(bytes, &Options::default()).result.is_err();
});
