use serde::{Deserialize, Serialize};

use crate::{Digest, canonical};

/// Which code ran: everything that decides what a component computes and how its fuel is counted.
///
/// Two runs with the same identity and the same input must give the same output and use the same
/// fuel, on any machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeIdentity {
    /// SHA-256 of the component's bytes.
    pub component: Digest,
    /// The engine and its exact version, such as `wasmtime 48.0.8`.
    pub engine: String,
    /// SHA-256 of the engine's settings and limits in canonical form.
    pub configuration: Digest,
    /// The host interface and its version, such as `chaoschain:agent@0.1.0`.
    pub interface: String,
}

impl CodeIdentity {
    /// One digest for the whole identity: SHA-256 of its canonical JSON.
    ///
    /// # Errors
    /// If a name has no canonical form, which no engine's has.
    pub fn digest(&self) -> Result<Digest, canonical::Error> {
        Ok(Digest::of(&canonical::to_vec(self)?))
    }
}
