//! What agents do: one closed list of actions, each with a typed body.

use chaos_types::{ChainId, Check, Did, Digest, decimal};
use serde::{Deserialize, Serialize};

/// An action with its body; the wire form is `{"kind": "...", "body": {...}}`.
///
/// The list is closed: a receipt of an unknown kind is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// An agent enters the registry, signed by its root key.
    Register(Profile),
    /// An agent replaces its profile.
    Update(Profile),
    /// An agent moves to a new key; the envelope is signed by the old key and then by the new.
    RotateKey(RotateKey),
    /// An agent leaves, by its own key or the log operator's.
    Revoke(Revoke),
    /// Facts were read from a chain and opportunities were named.
    Analyse(Analyse),
    /// A parameter change was simulated against the baseline.
    Simulate(Simulate),
    /// A proposal was drafted, refined and finalised, or given up.
    Draft(Draft),
    /// A proposal was submitted on a chain.
    Submit(Submit),
    /// The outcome of a vote was read from a chain.
    ObserveVote(ObserveVote),
    /// Reputation was recomputed.
    Score(Score),
    /// A reward pool was divided and distributed.
    Pay(Pay),
    /// Another receipt was verified: a verdict.
    Verify(Verdict),
    /// A checkpoint of the log was written to a chain.
    Anchor(Anchor),
    /// A component was run in the sandbox.
    Run(Run),
    /// Something changed about attested services, the workloads they may run, or the secrets they
    /// may read: the audit trail of secure execution.
    Oversee(Oversee),
}

impl Action {
    /// The kind as written on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Update(_) => "update",
            Self::RotateKey(_) => "rotate_key",
            Self::Revoke(_) => "revoke",
            Self::Analyse(_) => "analyse",
            Self::Simulate(_) => "simulate",
            Self::Draft(_) => "draft",
            Self::Submit(_) => "submit",
            Self::ObserveVote(_) => "observe_vote",
            Self::Score(_) => "score",
            Self::Pay(_) => "pay",
            Self::Verify(_) => "verify",
            Self::Anchor(_) => "anchor",
            Self::Run(_) => "run",
            Self::Oversee(_) => "oversee",
        }
    }
}

impl Action {
    /// Whether the action is about the agent's own registry entry.
    #[must_use]
    pub const fn manages_registry(&self) -> bool {
        match self {
            Self::Register(_) | Self::Update(_) | Self::RotateKey(_) | Self::Revoke(_) => true,
            Self::Analyse(_)
            | Self::Simulate(_)
            | Self::Draft(_)
            | Self::Submit(_)
            | Self::ObserveVote(_)
            | Self::Score(_)
            | Self::Pay(_)
            | Self::Verify(_)
            | Self::Anchor(_)
            | Self::Run(_)
            | Self::Oversee(_) => false,
        }
    }

    /// Whether an outcome can count the action for or against its agent.
    #[must_use]
    pub(crate) const fn is_work(&self) -> bool {
        match self {
            Self::Analyse(_) | Self::Simulate(_) | Self::Draft(_) | Self::Submit(_) => true,
            Self::Register(_)
            | Self::Update(_)
            | Self::RotateKey(_)
            | Self::Revoke(_)
            | Self::ObserveVote(_)
            | Self::Score(_)
            | Self::Pay(_)
            | Self::Verify(_)
            | Self::Anchor(_)
            | Self::Run(_)
            | Self::Oversee(_) => false,
        }
    }
}

/// Who an agent says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// A name unique in the log for ever; 1 to 64 of `a-z`, `0-9`, `-` and `_`.
    pub name: String,
    /// The role in its studio, such as `researcher`.
    pub role: String,
    /// The action kinds it offers, sorted and without repetition.
    pub capabilities: Vec<String>,
    /// The studio it works in.
    pub studio: String,
}

/// Body of [`Action::RotateKey`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// The key that signs from the next log entry on.
    pub new_key: Did,
}

/// Body of [`Action::Revoke`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The agent that leaves.
    pub agent: Did,
    /// Why, for people.
    pub reason: String,
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

/// Body of [`Action::Analyse`].
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

/// Body of [`Action::Simulate`].
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

/// Body of [`Action::Draft`].
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

/// Body of [`Action::Submit`].
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

/// A receipt that the vote's outcome counts for or against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// The contributing receipt.
    pub receipt: Digest,
    /// The studio task it fulfilled; tasks of one name are one class of difficulty.
    pub task: String,
}

/// Body of [`Action::ObserveVote`].
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
}

/// Body of [`Action::Score`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Digest of the model's parameter file.
    pub model: Digest,
    /// The time that scores are computed for, milliseconds since 1970.
    #[serde(with = "decimal")]
    pub as_of_ms: u64,
    /// How many log entries were counted.
    #[serde(with = "decimal")]
    pub log_size: u64,
    /// Digest of the score table.
    pub table: Digest,
}

/// One payee of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// The agent that earned it.
    pub agent: Did,
    /// The account that it is paid to, lower-case hexadecimal with `0x`.
    pub account: String,
    /// In the token's smallest unit.
    #[serde(with = "decimal")]
    pub amount: u128,
}

/// Body of [`Action::Pay`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pay {
    /// The chain it was paid on.
    pub chain: ChainId,
    /// The token contract.
    pub token: String,
    /// The distributor contract.
    pub distributor: String,
    /// The id of the distribution in that contract.
    pub distribution_id: String,
    /// The OpenZeppelin standard Merkle root over (account, amount), hexadecimal.
    pub merkle_root: String,
    /// The whole pool.
    #[serde(with = "decimal")]
    pub pool: u128,
    /// What each agent gets; with `returned` it adds up to the pool.
    pub payments: Vec<Payment>,
    /// The unearned part that the sponsor keeps.
    #[serde(with = "decimal")]
    pub returned: u128,
    /// The receipt of the outcome that is paid for.
    pub outcome: Digest,
    /// The transactions: the distribution's first, then the claims in the order of `payments`.
    pub transactions: Vec<String>,
}

/// Body of [`Action::Verify`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The receipt that was verified.
    pub receipt: Digest,
    /// The first check that failed, if one did.
    pub failed: Option<Check>,
    /// Whether the claimed computation was run again.
    pub reexecuted: bool,
}

/// Body of [`Action::Anchor`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The chain it was written to.
    pub chain: ChainId,
    /// The anchor contract.
    pub contract: String,
    /// The number of entries under the checkpoint.
    #[serde(with = "decimal")]
    pub log_size: u64,
    /// The RFC 6962 root, hexadecimal.
    pub root: String,
    /// The transaction.
    pub transaction: String,
    /// The block that holds it.
    #[serde(with = "decimal")]
    pub block_number: u64,
    /// That block's hash.
    pub block_hash: String,
}

/// Body of [`Action::Run`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What ran and what it used.
    pub execution: crate::receipt::Execution,
    /// Whether the task gave an output, or said why it has none; the run's output is either.
    pub answered: bool,
}

/// Body of [`Action::Oversee`]: one event of the control plane. It names secrets, nonces and leases
/// by their ids and never holds their content.
///
/// This is the line that people read. The receipt's subject `event` is the digest of the event's own
/// canonical document, which the node keeps as a blob: folding those documents in log order gives the
/// control plane's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oversee {
    /// What happened.
    pub event: OverseeEvent,
    /// The service, secret, workload list or lease that it happened to.
    pub subject: String,
    /// The evidence that it was decided on, if there was any.
    pub evidence_id: Option<Digest>,
    /// The reason code of a refusal.
    pub refused: Option<String>,
    /// For people: what was expected and found, or what was done. Never a secret.
    pub detail: String,
}

/// What can happen in the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverseeEvent {
    /// A policy was put in force, with whose allowlists count and how long things live.
    PolicyAccepted,
    /// A workload allowlist was put in force.
    AllowlistAccepted,
    /// A nonce was given out, to be bound by evidence.
    NonceGiven,
    /// A service entered the directory, or its owner replaced its registration.
    ServiceRegistered,
    /// A service renewed its registration with fresh evidence.
    ServiceRenewed,
    /// A service was taken off the list by its owner.
    ServiceWithdrawn,
    /// A service was taken out.
    ServiceRevoked,
    /// A service that was taken out may come back.
    ServiceRestored,
    /// A secret was stored.
    SecretStored,
    /// A secret got a new value at its source.
    SecretRotated,
    /// A secret was taken out.
    SecretRevoked,
    /// A workload may read a secret from now on.
    AccessGranted,
    /// A workload may no longer read a secret.
    AccessWithdrawn,
    /// Secrets were sealed to an attested key under a lease.
    SecretReleased,
    /// A lease was renewed after re-attestation.
    LeaseRenewed,
    /// A lease was ended before its time.
    LeaseRevoked,
    /// A job whose leases were ended may have secrets again.
    JobRestored,
    /// A request was refused.
    Refused,
}
