//! The one place that reads the clock and the system's randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use chaos_types::AgentKey;

use crate::exit::{Failure, Kind, OrFail as _};

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("no system randomness: {error}"))
        .or_fail(Kind::Outside)?;
    Ok(bytes)
}

/// A fresh key.
pub(crate) fn random_key() -> Result<AgentKey, Failure> {
    Ok(AgentKey::from_seed(&random()?))
}
