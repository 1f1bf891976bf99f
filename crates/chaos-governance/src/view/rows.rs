use chaos_types::{ChainId, Did, Digest, decimal};
use serde::{Deserialize, Serialize};

use crate::receipts::{Decision, ParameterChange, VoteState};

/// A proposal from draft to vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalRow {
    /// Its title.
    pub title: String,
    /// Who drafted it.
    pub author: Did,
    /// The chain whose parameters are concerned.
    pub chain: ChainId,
    /// What would change.
    pub changes: Vec<ParameterChange>,
    /// How drafting ended.
    pub decision: Decision,
    /// The receipt of its submission and the id the chain gave it.
    pub submission: Option<SubmissionRow>,
    /// How the vote ended.
    pub vote: Option<VoteRow>,
}

/// Where a proposal was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionRow {
    /// The submission's receipt.
    pub receipt: Digest,
    /// The chain.
    pub chain: ChainId,
    /// The endpoint contract.
    pub contract: String,
    /// The id the contract gave it.
    pub proposal_id: String,
}

/// How a vote ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteRow {
    /// The outcome's receipt.
    pub receipt: Digest,
    /// The state read from the chain.
    pub state: VoteState,
    /// Weight for.
    #[serde(with = "decimal")]
    pub votes_for: u128,
    /// Weight against.
    #[serde(with = "decimal")]
    pub votes_against: u128,
    /// Weight abstaining.
    #[serde(with = "decimal")]
    pub votes_abstain: u128,
}
