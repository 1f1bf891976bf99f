//! A transcript that is read is written again byte for byte.

#![no_main]

use chaos_sandbox::Transcript;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(transcript) = Transcript::from_bytes(bytes) {
        assert_eq!(transcript.to_bytes(), bytes);
    }
});
