//! Signature lines that are accepted, as a witness answers them, are written again byte for byte.

#![no_main]

use chaos_log::Signature;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(lines) = Signature::parse_lines(bytes) {
        let written: String = lines.iter().map(ToString::to_string).collect();
        assert_eq!(written.as_bytes(), bytes);
    }
});
