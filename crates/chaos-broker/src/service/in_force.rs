//! What evidence is judged by at this moment.

use chaos_attestation::{Policy, PolicyAppraiser, Verifier, allowlist};

/// The verifier, the policy and the allowlist in force.
pub(super) struct Bench {
    pub(super) verifier: Verifier,
    pub(super) policy: Policy,
    pub(super) allowlist: allowlist::State,
}

impl Bench {
    /// PolicyAppraisers by what is in force now.
    pub(super) fn judge(&self) -> PolicyAppraiser<'_> {
        PolicyAppraiser {
            verifier: &self.verifier,
            policy: &self.policy,
            workloads: &self.allowlist,
            collateral: None,
        }
    }
}
