use chaos_attestation::{Policy, PolicyAppraiser, Verifier, allowlist};

/// What evidence is appraised by at this moment: verifier, policy and allowlist.
pub(super) struct InForce {
    pub(super) verifier: Verifier,
    pub(super) policy: Policy,
    pub(super) allowlist: allowlist::State,
}

impl InForce {
    /// Appraises by what is in force now.
    pub(super) fn appraiser(&self) -> PolicyAppraiser<'_> {
        PolicyAppraiser {
            verifier: &self.verifier,
            policy: &self.policy,
            workloads: &self.allowlist,
            collateral: None,
        }
    }
}
