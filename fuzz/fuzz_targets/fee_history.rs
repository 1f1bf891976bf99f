//! A fee history that is read holds ascending, consecutive blocks within their limits.

#![no_main]

use chaos_simulation::flow::FeeHistory;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(history) = FeeHistory::decode(bytes) {
        assert!(history.blocks().is_sorted_by(|a, b| a.number < b.number));
    }
});
