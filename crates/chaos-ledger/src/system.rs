use std::io;

use chaos_agency::Kinds;
use chaos_types::AgentKey;

use crate::Error;

/// What a ledger is given besides its folder: what the operating system has, and what it may record.
#[derive(Debug, Clone, Copy)]
pub struct System {
    /// Milliseconds since 1970.
    pub now_ms: fn() -> u64,
    /// Fills a buffer with fresh random bytes, or says why it cannot.
    pub random: fn(&mut [u8]) -> io::Result<()>,
    /// The kinds of receipts that the log knows.
    pub kinds: Kinds,
}

impl System {
    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        (self.now_ms)()
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn now_s(&self) -> u64 {
        self.now_ms() / 1_000
    }

    /// Fresh random bytes.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        (self.random)(&mut bytes).map_err(Error::Randomness)?;
        Ok(bytes)
    }

    /// A fresh key.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn random_key(&self) -> Result<AgentKey, Error> {
        Ok(AgentKey::from_seed(&self.random()?))
    }
}
