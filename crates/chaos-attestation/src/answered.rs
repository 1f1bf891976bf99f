//! What directory and broker have in common: time that only goes on, and answers with events.

use crate::{AnchorClass, Evidence, EvidenceId, ReasonCode, Refusal, WorkloadId};
use chaos_types::Digest;
use serde::{Deserialize, Serialize};

/// Fills a buffer with bytes from a cryptographic random source.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]);

/// The answer to a request together with the event that records it.
///
/// The state has changed already. Record the event before the answer goes out: an answer that is
/// in no log could be given twice.
#[derive(Debug)]
#[must_use = "the event must be recorded"]
pub struct Answered<T, E> {
    /// What happened, refusals included; holds no nonce and no secret.
    pub event: E,
    /// The answer.
    pub answer: Result<T, Refusal>,
}

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

/// Verifies and appraises evidence: with which anchors, policy and allowlist is its own affair.
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

/// The latest time that was recorded. A clock that shows less was set back, and everything that
/// expires would live again: that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Clock(u64);

impl Clock {
    pub(crate) fn ensure(self, at_s: u64) -> Result<(), Refusal> {
        if at_s >= self.0 {
            return Ok(());
        }
        let detail = format!("{at_s} s, {} s was recorded already", self.0);
        Err(Refusal::new(ReasonCode::ClockSetBack, detail))
    }

    pub(crate) fn advance(&mut self, at_s: u64) -> Result<(), Refusal> {
        self.ensure(at_s)?;
        self.0 = at_s;
        Ok(())
    }
}
