//! What who decides by evidence asks about it.

use chaos_types::Digest;

use crate::{AnchorClass, Evidence, EvidenceId, Refusal, WorkloadId};

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
    /// [`crate::ReasonCode::WorkloadNotAllowed`], or why the allowlist itself is no good.
    fn ensure_allowed(&self, workload: &WorkloadId, at_s: u64) -> Result<(), Refusal>;
}
