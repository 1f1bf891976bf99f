//! The one place that reads the clock and the system's randomness.

use std::{
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use chaos_ledger::System;

use crate::kinds::KINDS;

/// What the libraries are handed instead of reading it themselves.
pub(crate) const SYSTEM: System = System {
    kinds: KINDS,
    now_ms,
    random: |bytes| getrandom::fill(bytes).map_err(std::io::Error::other),
};

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// The time since the first call, which never goes back.
pub(crate) fn elapsed() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Seconds since 1970.
pub(crate) fn now_s() -> u64 {
    now_ms() / 1000
}
