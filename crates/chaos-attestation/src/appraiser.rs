//! What who decides by evidence asks about it.

use std::fmt;

use chaos_types::Digest;

use crate::{
    AnchorClass, Collateral, Evidence, EvidenceId, Policy, Quote, ReasonCode, Refusal, Verifier,
    WorkloadId, Workloads,
};

/// What an appraisal found about evidence that it accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the evidence.
    pub evidence: EvidenceId,
    /// What runs there.
    pub workload: WorkloadId,
    /// What the chain of trust ends in.
    pub anchor: AnchorClass,
    /// What the code there chose to bind.
    pub report_data: [u8; 64],
    /// The digest of the policy that accepted the evidence.
    pub policy: Digest,
    /// When the collateral ends, in Unix seconds: nothing that follows from the evidence outlives
    /// it.
    pub fresh_until_s: u64,
}

/// Verifies and appraises evidence. The implementation holds the anchors, policy and allowlist.
///
/// Both calls are pure in the time that they are given, and answer for the allowlist as it is now,
/// not as it was when the evidence was first seen.
pub trait Appraiser {
    /// What the evidence shows, if it is genuine, accepted by the policy, and of a workload on the
    /// current allowlist.
    ///
    /// # Errors
    /// The code of the first rule that refuses.
    fn appraise(&self, evidence: &Evidence, at_s: u64) -> Result<Finding, Refusal>;

    /// Whether the workload is on the current allowlist.
    ///
    /// # Errors
    /// [`ReasonCode::WorkloadNotAllowed`], or why the allowlist itself is no good.
    fn ensure_allowed(&self, workload: &WorkloadId, at_s: u64) -> Result<(), Refusal>;
}

/// Appraises evidence by a verifier, a policy and a list of workloads.
///
/// The workload must be on the list even if the policy would accept any: secrets and jobs do not
/// go to whatever happens to run in an enclave.
#[derive(Clone, Copy)]
pub struct PolicyAppraiser<'a> {
    /// Verifies, against its anchors.
    pub verifier: &'a Verifier,
    /// What is accepted of what verified.
    pub policy: &'a Policy,
    /// What may run there, now.
    pub workloads: &'a dyn Workloads,
    /// The collateral for evidence that brings none.
    pub collateral: Option<&'a Collateral>,
}

impl fmt::Debug for PolicyAppraiser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (policy, workloads) = (self.policy.id(), self.workloads.about());
        f.debug_struct("PolicyAppraiser")
            .field("policy", &policy)
            .field("workloads", &workloads)
            .finish_non_exhaustive()
    }
}

impl Appraiser for PolicyAppraiser<'_> {
    fn appraise(&self, evidence: &Evidence, at_s: u64) -> Result<Finding, Refusal> {
        let quote = Quote::parse(&evidence.quote)?;
        let parsed;
        let collateral = match (&evidence.collateral, self.collateral) {
            (Some(json), _) => {
                parsed = Collateral::parse(json)?;
                &parsed
            }
            (None, Some(collateral)) => collateral,
            (None, None) => {
                let detail = "the evidence brings none, and none is at hand";
                return Err(Refusal::new(ReasonCode::CollateralMalformed, detail));
            }
        };
        let claims = self.verifier.verify(&quote, collateral, at_s)?;
        let appraisal = self.policy.appraise(claims, Some(self.workloads), at_s);
        appraisal.ensure_accepted()?;
        let claims = appraisal.claims();
        self.ensure_allowed(&claims.workload_id, at_s)?;
        Ok(Finding {
            evidence: claims.evidence_id,
            workload: claims.workload_id,
            anchor: claims.anchor_class,
            report_data: claims.report_data.0,
            policy: appraisal.policy_id(),
            fresh_until_s: claims.collateral.earliest_expiration_s,
        })
    }

    fn ensure_allowed(&self, workload: &WorkloadId, at_s: u64) -> Result<(), Refusal> {
        self.workloads.ensure_active(workload, at_s)
    }
}
