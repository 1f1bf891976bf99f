use std::fmt;

use chaos_store::{Records as _, Store, StoreError};

/// How far the entries of a copy were judged, and what was told of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Told {
    /// How many entries were judged.
    pub(crate) size: u64,
    /// The latest time among them, milliseconds since 1970.
    pub(crate) latest_ms: u64,
    /// How many findings were told.
    pub(crate) findings: u64,
}

impl Told {
    /// What is recorded under a key. A record that cannot be read has everything judged again.
    pub(crate) fn read(store: &Store, key: &str) -> Result<Self, StoreError> {
        let recorded = store.meta(key)?;
        let recorded = recorded.map(|text| Self::parse(&String::from_utf8_lossy(&text)));
        Ok(recorded.flatten().unwrap_or_default())
    }

    fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<u64> = text.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        match numbers[..] {
            [size, latest_ms, findings] => Some(Self { size, latest_ms, findings }),
            _ => None,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, latest_ms, findings } = self;
        write!(f, "{size} {latest_ms} {findings}")
    }
}
