//! The kinds of receipts that the governance studio writes.
//!
//! A new kind is a struct here with its [`Body`] and a row in [`EXTENSION`]; what it changes in the
//! studio's rows is said in [`Proposals`].

mod rules;
mod sentence;
mod study;

use chaos_agency::{
    Body, Extension, Ground, Kind, Signer, Source, action::Contribution, receipt::Form,
};
use chaos_types::{ChainId, Digest, Rejection, decimal};
use serde::{Deserialize, Deserializer, Serialize};

pub use self::study::{Headline, MakeForecast, RunStudy, undated};
use crate::view::{NAME, Proposals};

/// The studio's kinds of receipts and the view over them.
pub const EXTENSION: Extension = Extension {
    name: NAME,
    version: 2,
    kinds: &[
        Kind::of::<Analyse>(),
        Kind::of::<CheckProposal>(),
        Kind::of::<Simulate>(),
        Kind::of::<RunStudy>(),
        Kind::of::<MakeForecast>(),
        Kind::of::<Draft>(),
        Kind::of::<Submit>(),
        Kind::of::<ObserveVote>(),
    ],
    view: Some(&Proposals),
};

impl Body for Analyse {
    const KIND: &'static str = "analyse";
    const SIGNER: Signer = Signer::Agent;
    const IS_WORK: bool = true;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[
        Ground::read("the blocks", Source::Chain, "blocks"),
        Ground::read("which studio's policy is asked", Source::Signer, "studio"),
        Ground::new("which blocks are read", Source::Signer),
    ];

    fn ensure(&self, _: &Form<'_>) -> Result<(), Rejection> {
        rules::ensure_range(&self.blocks)
    }

    fn sentence(&self) -> String {
        sentence::analysed(self)
    }
}

impl Body for CheckProposal {
    const KIND: &'static str = "check_proposal";
    const SIGNER: Signer = Signer::Agent;
    const IS_WORK: bool = true;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[
        Ground::read("the values that the calls read", Source::Chain, "recording"),
        Ground::read("which calls and which text are looked at", Source::Signer, "recording"),
    ];

    fn ensure(&self, _: &Form<'_>) -> Result<(), Rejection> {
        rules::ensure_check(self)
    }

    fn sentence(&self) -> String {
        sentence::checked(self)
    }
}

impl Body for Simulate {
    const KIND: &'static str = "simulate";
    const SIGNER: Signer = Signer::Agent;
    const IS_WORK: bool = true;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[
        Ground::read("the blocks and the state before them", Source::Chain, "blocks"),
        Ground::read("what is changed, under which demand and seed", Source::Signer, "experiment"),
        Ground::new("which round of refinement it was", Source::Signer),
        Ground::new("where it ran, if it is attested", Source::Hardware),
    ];

    fn ensure(&self, _: &Form<'_>) -> Result<(), Rejection> {
        Ok(())
    }

    fn sentence(&self) -> String {
        sentence::simulated(self)
    }
}

impl Body for Draft {
    const KIND: &'static str = "draft";
    const SIGNER: Signer = Signer::Agent;
    const IS_WORK: bool = true;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[
        Ground::read("the blocks", Source::Chain, "blocks"),
        Ground::read("which opportunity is taken up, and the experiment", Source::Signer, "brief"),
        Ground::read("which studio's policy is asked", Source::Signer, "studio"),
        Ground::new("the rounds that it builds on", Source::Log),
    ];

    fn ensure(&self, _: &Form<'_>) -> Result<(), Rejection> {
        Ok(())
    }

    fn sentence(&self) -> String {
        sentence::drafted(self)
    }
}

impl Body for Submit {
    const KIND: &'static str = "submit";
    const SIGNER: Signer = Signer::Agent;
    const IS_WORK: bool = true;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[
        Ground::new("that its text is the one that was drafted", Source::Receipt),
        Ground::new("the draft, its author, and that it was not submitted before", Source::Log),
        Ground::new("the submission in its block", Source::Chain),
    ];

    fn ensure(&self, form: &Form<'_>) -> Result<(), Rejection> {
        rules::ensure_submission(self, form)
    }

    fn sentence(&self) -> String {
        sentence::submitted(self)
    }

    fn shown_by(&self) -> Option<Digest> {
        self.shown_by
    }
}

impl Body for ObserveVote {
    const KIND: &'static str = "observe_vote";
    const SIGNER: Signer = Signer::Operator;
    const DISCLOSED: bool = true;
    const GROUNDS: &'static [Ground] = &[
        Ground::new("that the state follows from the weights", Source::Receipt),
        Ground::new("the submission, and that each contribution led to it", Source::Log),
        Ground::new("state and weights of the vote in its block", Source::Chain),
        Ground::new("which contributions are counted, and for which task", Source::Signer),
    ];

    fn ensure(&self, form: &Form<'_>) -> Result<(), Rejection> {
        rules::ensure_vote(self, form)
    }

    fn sentence(&self) -> String {
        sentence::saw(self)
    }

    fn shown_by(&self) -> Option<Digest> {
        self.shown_by
    }
}

/// A range of blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    /// Lowest block number.
    #[serde(with = "decimal")]
    pub first: u64,
    /// Highest block number.
    #[serde(with = "decimal")]
    pub last: u64,
    /// How many blocks of the range were read.
    pub count: u32,
}

/// Facts were read from a chain and opportunities were named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Analyse {
    /// The chain that was read.
    pub chain: ChainId,
    /// Which blocks.
    pub blocks: Blocks,
    /// What could be improved, one sentence each, most pressing first.
    pub opportunities: Vec<String>,
}

/// Somebody's proposal was run on the state that a block left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckProposal {
    /// The chain.
    pub chain: ChainId,
    /// The block after which the calls are made.
    #[serde(with = "decimal")]
    pub block_number: u64,
    /// Its hash, which is to be compared with the chain.
    pub block_hash: String,
    /// The account that makes the calls.
    pub sender: String,
    /// The governor that has the proposal, if the calls were shown to be those of one, and its executor makes them.
    pub governor: Option<String>,
    /// Its number there.
    pub proposal_id: Option<String>,
    /// How many calls it has.
    pub calls: u32,
    /// Whether all of them succeed.
    pub succeeded: bool,
}

/// A change of one named parameter, in the parameter's own unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterChange {
    /// The parameter's name, such as `gas-limit`.
    pub parameter: String,
    /// Its value today.
    #[serde(with = "decimal")]
    pub current: u128,
    /// The value asked for.
    #[serde(with = "decimal")]
    pub proposed: u128,
}

/// A parameter change was simulated against the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulate {
    /// The chain whose rules were changed.
    pub chain: ChainId,
    /// What was changed.
    pub changes: Vec<ParameterChange>,
    /// Which round of refinement this was, from 1.
    pub round: u32,
}

/// How drafting ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// The change meets the policy and goes to the vote.
    Finalised {},
    /// No change within the policy met the objective.
    GivenUp {
        /// Which objective was missed, and by how much.
        reason: String,
    },
}

/// A proposal was drafted, refined and finalised, or given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The proposal's title.
    pub title: String,
    /// The chain whose parameters are concerned.
    pub chain: ChainId,
    /// The final changes.
    pub changes: Vec<ParameterChange>,
    /// How many rounds of simulation it took.
    pub rounds: u32,
    /// Finalised or given up.
    pub decision: Decision,
}

/// A proposal was submitted on a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// The chain it was submitted on.
    pub chain: ChainId,
    /// The endpoint contract.
    pub contract: String,
    /// The id the contract gave it.
    pub proposal_id: String,
    /// Where the proposal's text is found.
    pub metadata_uri: String,
    /// The transaction that submitted it.
    pub transaction: String,
    /// The block that holds the transaction.
    #[serde(with = "decimal")]
    pub block_number: u64,
    /// What shows it after a block, by digest. Receipts of before there were such proofs have none.
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    pub shown_by: Option<Digest>,
}

/// What is written is there: `null` is no second spelling of what is left out.
fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Digest>, D::Error> {
    Digest::deserialize(deserializer).map(Some)
}

/// A final state of a vote, named as OpenZeppelin's Governor names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoteState {
    /// More votes against than for, or no quorum.
    Defeated,
    /// Passed, not yet executed.
    Succeeded,
    /// Passed and executed.
    Executed,
    /// Withdrawn.
    Canceled,
    /// Passed but not executed in time.
    Expired,
}

impl VoteState {
    /// Whether the proposal passed.
    #[must_use]
    pub const fn passed(self) -> bool {
        match self {
            Self::Succeeded | Self::Executed => true,
            Self::Defeated | Self::Canceled | Self::Expired => false,
        }
    }
}

/// The outcome of a vote was read from a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObserveVote {
    /// The chain the vote was held on.
    pub chain: ChainId,
    /// The Governor contract.
    pub governor: String,
    /// The Governor's proposal id, decimal.
    pub proposal_id: String,
    /// How it ended.
    pub state: VoteState,
    /// Weight for, in the vote token's smallest unit.
    #[serde(with = "decimal")]
    pub votes_for: u128,
    /// Weight against.
    #[serde(with = "decimal")]
    pub votes_against: u128,
    /// Weight abstaining.
    #[serde(with = "decimal")]
    pub votes_abstain: u128,
    /// The block the state was read at.
    #[serde(with = "decimal")]
    pub block_number: u64,
    /// The receipt of the submission that was voted on.
    pub submission: Digest,
    /// What led to it.
    pub contributions: Vec<Contribution>,
    /// What shows the votes after that block, by digest. Receipts of before there were such proofs have none.
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    pub shown_by: Option<Digest>,
}
