//! A body of records that is accepted is written again byte for byte, and so is the path of anything
//! that a log publishes.

#![no_main]

use chaos_api::{Resource, records_from_bytes, records_to_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(records) = records_from_bytes(bytes) {
        assert_eq!(records_to_bytes(&records).as_deref(), Ok(bytes));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(resource) = text.parse::<Resource>()
    {
        assert_eq!(resource.to_string(), text);
    }
});
