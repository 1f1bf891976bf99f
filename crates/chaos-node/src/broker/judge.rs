//! What evidence is judged by at this moment.

use chaos_attestation::{Judge, Policy, Verifier, allowlist};

/// The verifier, the policy and the allowlist in force.
pub(super) struct Bench {
    pub(super) verifier: Verifier,
    pub(super) policy: Policy,
    pub(super) allowlist: allowlist::State,
}

impl Bench {
    /// Judges by what is in force now.
    pub(super) fn judge(&self) -> Judge<'_> {
        Judge {
            verifier: &self.verifier,
            policy: &self.policy,
            workloads: &self.allowlist,
            collateral: None,
        }
    }
}
