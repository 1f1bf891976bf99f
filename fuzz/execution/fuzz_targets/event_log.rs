//! An event log that is accepted is written so that it reads back, and replays to the same registers.

#![no_main]

use chaos_attestation::EventLog;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(log) = EventLog::parse(bytes) {
        assert_eq!(log.ensure_replays(&log.replay()), Ok(()));
        // Digests that were left out are written, so a log near the limit can outgrow it.
        if let Ok(read) = EventLog::parse(&log.to_json()) {
            assert_eq!(read, log);
        }
    }
});
