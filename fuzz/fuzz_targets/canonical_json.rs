//! A document that is accepted as canonical is what the writer makes of its value.

#![no_main]

use chaos_types::canonical;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = canonical::value_from_slice(bytes) {
        let written = canonical::to_vec(&value).expect("a canonical value can be written");
        assert_eq!(written, bytes);
    }
});
