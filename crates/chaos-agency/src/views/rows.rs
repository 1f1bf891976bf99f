//! What the views hold, row by row.

use std::collections::BTreeMap;

use chaos_types::{ChainId, Check, Did, Digest, canonical, decimal};
use serde::{Deserialize, Serialize};

use crate::action::{Decision, ParameterChange, VoteState};

/// One node of the causal graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRow {
    /// The receipt.
    pub receipt: Digest,
    /// Who acted.
    pub agent: Did,
    /// Its studio then.
    pub studio: String,
    /// Its role then.
    pub role: String,
    /// What was done.
    pub kind: String,
    /// The evidence class.
    pub evidence: String,
    /// The receipts it built on, all earlier in the log.
    pub parents: Vec<Digest>,
    /// When the log took it in, milliseconds since 1970.
    #[serde(with = "decimal")]
    pub integrated_at_ms: u64,
}

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

/// Agent, chain and token.
pub(super) type RewardKey = (Did, String, String);

/// What an agent was paid in one token of one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewardRow {
    /// In the token's smallest unit.
    #[serde(with = "decimal")]
    pub total: u128,
    /// The receipts that paid it.
    pub receipts: Vec<Digest>,
}

/// An entry that counts for nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// The check it failed.
    pub check: Check,
    /// What was found.
    pub reason: String,
}

/// The rows of one view.
pub type Rows = BTreeMap<String, Vec<u8>>;

/// Twenty digits, so that rows sort as numbers do.
pub(super) fn index_key(index: u64) -> String {
    format!("{index:020}")
}

pub(super) fn rows<'a, T: Serialize + 'a>(items: impl Iterator<Item = (String, &'a T)>) -> Rows {
    items
        .map(|(key, row)| {
            let bytes = canonical::to_vec(row).expect("rows hold strings, digests and indices");
            (key, bytes)
        })
        .collect()
}
