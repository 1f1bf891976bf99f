//! An entry bundle that is accepted is written again byte for byte.

#![no_main]

use chaos_log::{bundle_from_bytes, bundle_to_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(leaves) = bundle_from_bytes(bytes) {
        assert_eq!(bundle_to_bytes(&leaves).as_deref(), Ok(bytes));
    }
});
