//! A checkpoint that is accepted, signed or not, is written again byte for byte.

#![no_main]

use chaos_log::{Checkpoint, SignedCheckpoint};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(checkpoint) = SignedCheckpoint::parse(bytes) {
        assert_eq!(checkpoint.to_string().as_bytes(), bytes);
    }
    if let Some(checkpoint) =
        std::str::from_utf8(bytes).ok().and_then(|t| Checkpoint::parse(t).ok())
    {
        assert_eq!(checkpoint.to_string().as_bytes(), bytes);
    }
});
