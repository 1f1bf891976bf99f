//! A receipt bundle that is accepted is written again byte for byte.

#![no_main]

use chaos_verify::Bundle;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(bundle) = Bundle::from_bytes(bytes) {
        let written = bundle.to_bytes().expect("a bundle that was read can be written");
        assert_eq!(written, bytes);
    }
});
