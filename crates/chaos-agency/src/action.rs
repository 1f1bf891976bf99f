//! What agents do: the platform's own actions, each with a typed body, and those of others.

use std::fmt;

use chaos_log::Hash;
use chaos_types::{ChainId, Check, Did, Digest, decimal};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::{
    Ground, Source, ground,
    kind::{Body, Kind, Signer},
};

/// An action with its body; the wire form is `{"kind": "...", "body": {...}}`.
///
/// The platform's own actions are listed here. Others bring theirs as a [`Body`], which is checked
/// against the set of [`Kinds`](crate::Kinds) that a log knows: a receipt of a kind that nobody
/// there owns is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// An agent enters the registry, signed by its root key.
    Register(Profile),
    /// An agent replaces its profile.
    Update(Profile),
    /// An agent moves to a new key; the envelope is signed by the old key and then by the new.
    RotateKey(RotateKey),
    /// An agent leaves, by its own key or the log operator's.
    Revoke(Revoke),
    /// The log's root key hands one of its roles to another key.
    Delegate(Delegate),
    /// An agent says at which account of a chain it is paid; the account agrees by its signature.
    BindAccount(BindAccount),
    /// Another receipt was verified: a verdict.
    Verify(Verdict),
    /// A checkpoint of the log was written to a chain.
    Anchor(Anchor),
    /// Where the log is anchored from here on, and by whom.
    DeclareAnchoring(DeclareAnchoring),
    /// A component was run in the sandbox.
    Run(Run),
    /// Reputation was recomputed.
    Score(Score),
    /// A reward pool was divided and distributed.
    Pay(Pay),
    /// The log's clock was wrong: entries before this one are dated too late.
    CorrectTime(CorrectTime),
    /// Some log forked: a proof that needs nobody's word.
    ReportFork(ReportFork),
    /// An action of a kind that is not the platform's own.
    Other(Other),
}

/// An action whose kind and body belong to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    pub(crate) kind: Kind,
    pub(crate) body: Value,
}

impl Other {
    pub(crate) const fn signer(&self) -> Signer {
        self.kind.signer()
    }

    pub(crate) fn sentence(&self) -> String {
        self.kind.sentence(&self.body)
    }
}

impl Action {
    /// An action of a kind that is not the platform's own.
    ///
    /// # Panics
    /// If the body has no JSON form, which structs of texts, numbers and lists have.
    #[must_use]
    pub fn of<B: Body>(body: &B) -> Self {
        let body = serde_json::to_value(body).expect("a body is a struct of plain data");
        Self::Other(Other { kind: Kind::of::<B>(), body })
    }

    /// The body, if the action is of its kind.
    #[must_use]
    pub fn read<B: Body>(&self) -> Option<B> {
        match self {
            Self::Other(other) if other.kind.name() == B::KIND => B::deserialize(&other.body).ok(),
            _ => None,
        }
    }

    /// The kind as written on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Update(_) => "update",
            Self::RotateKey(_) => "rotate_key",
            Self::Revoke(_) => "revoke",
            Self::Delegate(_) => Delegate::KIND,
            Self::BindAccount(_) => BindAccount::KIND,
            Self::Verify(_) => Verdict::KIND,
            Self::Anchor(_) => Anchor::KIND,
            Self::DeclareAnchoring(_) => DeclareAnchoring::KIND,
            Self::Run(_) => Run::KIND,
            Self::Score(_) => Score::KIND,
            Self::Pay(_) => Pay::KIND,
            Self::CorrectTime(_) => CorrectTime::KIND,
            Self::ReportFork(_) => ReportFork::KIND,
            Self::Other(other) => other.kind.name(),
        }
    }

    /// What receipts of the kind rest on.
    #[must_use]
    pub const fn grounds(&self) -> &'static [Ground] {
        match self {
            Self::Register(_) => ground::REGISTER,
            Self::Update(_) => ground::UPDATE,
            Self::RotateKey(_) => ground::ROTATE_KEY,
            Self::Revoke(_) => ground::REVOKE,
            Self::Delegate(_) => ground::DELEGATE,
            Self::BindAccount(_) => ground::BIND_ACCOUNT,
            Self::Verify(_) => ground::VERIFY,
            Self::Anchor(_) => ground::ANCHOR,
            Self::DeclareAnchoring(_) => ground::DECLARE_ANCHORING,
            Self::Run(_) => ground::RUN,
            Self::Score(_) => ground::SCORE,
            Self::Pay(_) => ground::PAY,
            Self::CorrectTime(_) => ground::CORRECT_TIME,
            Self::ReportFork(_) => ground::REPORT_FORK,
            Self::Other(other) => other.kind.grounds(),
        }
    }

    /// Whether the program of such a receipt reads what its signer wrote about the log. Then repeating
    /// it on that document shows nothing: what it sums up must come from the log.
    #[must_use]
    pub fn sums_up_the_log(&self) -> bool {
        let sums_up = |ground: &Ground| ground.source == Source::Log && ground.input.is_some();
        self.grounds().iter().any(sums_up)
    }

    /// What shows what the receipt says of a chain, by digest, if that was kept.
    #[must_use]
    pub fn shown_by(&self) -> Option<Digest> {
        match self {
            Self::Anchor(anchor) => anchor.shown_by,
            Self::Pay(pay) => pay.shown_by,
            Self::Other(other) => other.kind.shown_by(&other.body),
            Self::Register(_)
            | Self::Update(_)
            | Self::RotateKey(_)
            | Self::Revoke(_)
            | Self::Delegate(_)
            | Self::BindAccount(_)
            | Self::Verify(_)
            | Self::DeclareAnchoring(_)
            | Self::Run(_)
            | Self::Score(_)
            | Self::CorrectTime(_)
            | Self::ReportFork(_) => None,
        }
    }

    /// Whether the action is about the agent's own registry entry.
    #[must_use]
    pub const fn manages_registry(&self) -> bool {
        match self {
            Self::Register(_)
            | Self::Update(_)
            | Self::RotateKey(_)
            | Self::Revoke(_)
            | Self::Delegate(_) => true,
            Self::BindAccount(_)
            | Self::Verify(_)
            | Self::Anchor(_)
            | Self::DeclareAnchoring(_)
            | Self::Run(_)
            | Self::Score(_)
            | Self::Pay(_)
            | Self::CorrectTime(_)
            | Self::ReportFork(_)
            | Self::Other(_) => false,
        }
    }

    /// Whether it corrects the log's clock, so that the log's time may go back at it.
    #[must_use]
    pub const fn corrects_time(&self) -> bool {
        matches!(self, Self::CorrectTime(_))
    }

    /// Whether an outcome can count the action for or against its agent.
    #[must_use]
    pub(crate) const fn is_work(&self) -> bool {
        match self {
            Self::Other(other) => other.kind.is_work(),
            Self::Register(_)
            | Self::Update(_)
            | Self::RotateKey(_)
            | Self::Revoke(_)
            | Self::Delegate(_)
            | Self::BindAccount(_)
            | Self::Verify(_)
            | Self::Anchor(_)
            | Self::DeclareAnchoring(_)
            | Self::Run(_)
            | Self::Score(_)
            | Self::Pay(_)
            | Self::CorrectTime(_)
            | Self::ReportFork(_) => false,
        }
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a, B> {
            kind: &'static str,
            body: &'a B,
        }
        let kind = self.kind();
        match self {
            Self::Register(body) | Self::Update(body) => Wire { kind, body }.serialize(serializer),
            Self::RotateKey(body) => Wire { kind, body }.serialize(serializer),
            Self::Revoke(body) => Wire { kind, body }.serialize(serializer),
            Self::Delegate(body) => Wire { kind, body }.serialize(serializer),
            Self::BindAccount(body) => Wire { kind, body }.serialize(serializer),
            Self::Verify(body) => Wire { kind, body }.serialize(serializer),
            Self::Anchor(body) => Wire { kind, body }.serialize(serializer),
            Self::DeclareAnchoring(body) => Wire { kind, body }.serialize(serializer),
            Self::Run(body) => Wire { kind, body }.serialize(serializer),
            Self::Score(body) => Wire { kind, body }.serialize(serializer),
            Self::Pay(body) => Wire { kind, body }.serialize(serializer),
            Self::CorrectTime(body) => Wire { kind, body }.serialize(serializer),
            Self::ReportFork(body) => Wire { kind, body }.serialize(serializer),
            Self::Other(other) => Wire { kind, body: &other.body }.serialize(serializer),
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

/// What the log's root key hands to another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Signing the log's checkpoints.
    Checkpoints,
    /// Signing the operator's receipts.
    Operator,
}

impl Role {
    /// Both roles.
    pub const ALL: [Self; 2] = [Self::Checkpoints, Self::Operator];

    /// The role as written on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Checkpoints => "checkpoints",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Body of [`Action::Delegate`]. The root key signs it, then the new key, and after both the key that is
/// replaced, unless that is the root or lost.
///
/// It counts at one place of one history: behind the `size` entries whose tree has the root `root`. The
/// statement is public, and whoever holds a key that it retired could lay it elsewhere otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegate {
    /// Which role is handed over.
    pub role: Role,
    /// The how-manieth delegation of this role it is, from 1.
    #[serde(with = "decimal")]
    pub number: u64,
    /// The key that has the role from the next log entry on.
    pub key: Did,
    /// The key that had it.
    pub replaces: Did,
    /// Whether the replaced key is lost or stolen, so that it does not agree.
    pub lost: bool,
    /// How many entries the log has before this one, so that it is the one of this index.
    #[serde(with = "decimal")]
    pub size: u64,
    /// The root of the tree of those entries, as a checkpoint of them has it.
    #[serde(with = "crate::tree")]
    pub root: Hash,
}

impl Delegate {
    /// The kind as written on the wire.
    pub const KIND: &'static str = "delegate";

    /// Who signs it, in order, in the log with this root key.
    #[must_use]
    pub fn signers(&self, root: Did) -> Vec<Did> {
        let mut signers = vec![root, self.key];
        if !self.lost && self.replaces != root {
            signers.push(self.replaces);
        }
        signers
    }
}

/// Body of [`Action::BindAccount`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindAccount {
    /// The chain, of the EVM's family.
    pub chain: ChainId,
    /// The account, lower-case hexadecimal with `0x`. It has a key: a contract can sign nothing.
    pub account: String,
    /// The how-manieth account of the agent's on the chain it is, from 1. Receipts of before there were such
    /// numbers have none.
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// By that key, over [`Agreement::text`](crate::account::Agreement::text) as EIP-191 says: `0x` and 65
    /// bytes in lower-case hexadecimal, the last of them 27 or 28.
    pub signature: String,
}

/// What is written is there: `null` is no second spelling of what is left out.
fn written<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A receipt that an outcome counts for or against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// The contributing receipt.
    pub receipt: Digest,
    /// The studio task it fulfilled; tasks of one name are one class of difficulty.
    pub task: String,
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
    /// The account that funded it. The distribution's number in the contract follows from this and the outcome, so that
    /// one distribution pays for one outcome. Receipts of before there were proofs have none.
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    pub funder: Option<String>,
    /// What shows distribution and claims after a block, by digest. Receipts of before there were such proofs have
    /// none.
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    pub shown_by: Option<Digest>,
}

/// Body of [`Action::CorrectTime`]: the entries from `first` up to this one were dated by a wrong clock,
/// and are at most as late as `true_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectTime {
    /// The first entry that was dated wrongly.
    #[serde(with = "decimal")]
    pub first: u64,
    /// What time it is, milliseconds since 1970.
    #[serde(with = "decimal")]
    pub true_ms: u64,
}

/// Body of [`Action::ReportFork`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportFork {
    /// The fork proof as its file has it, of the kinds that [`ForkProof`](chaos_log::ForkProof) reads and
    /// of no more bytes than [`FORK_BYTES_MAX`](chaos_log::FORK_BYTES_MAX).
    pub proof: String,
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
///
/// There are two forms. With a `publisher` the checkpoint is in a registry, and a proof of the registry's storage after
/// the block shows it. Without, the `transaction` wrote it to a contract of the log's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The chain it was written to.
    pub chain: ChainId,
    /// The registry, or the log's own anchor contract.
    pub contract: String,
    /// The account whose checkpoints of this log the registry holds.
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// What shows it, by digest, if that was kept: the checkpoint with the chain's proof.
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    pub shown_by: Option<Digest>,
    /// The number of entries under the checkpoint.
    #[serde(with = "decimal")]
    pub log_size: u64,
    /// The RFC 6962 root, hexadecimal.
    pub root: String,
    /// The transaction; with a publisher the signer's word, and none where another sender was faster.
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// The block that holds it, or after which the registry does.
    #[serde(with = "decimal")]
    pub block_number: u64,
    /// That block's hash.
    pub block_hash: String,
}

/// Body of [`Action::DeclareAnchoring`]: heads of the log that hold this entry are anchored there alone, until another
/// such entry names another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclareAnchoring {
    /// The chain.
    pub chain: ChainId,
    /// The registry of checkpoints on it.
    pub contract: String,
    /// The account whose checkpoints of this log count there.
    pub publisher: String,
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

impl BindAccount {
    /// The kind as written on the wire.
    pub const KIND: &'static str = "bind_account";
}

impl Verdict {
    /// The kind as written on the wire.
    pub const KIND: &'static str = "verify";
}

impl Anchor {
    /// The kind as written on the wire.
    pub const KIND: &'static str = "anchor";
}

impl DeclareAnchoring {
    /// The kind as written on the wire.
    pub const KIND: &'static str = "declare_anchoring";
}

impl Run {
    /// The kind as written on the wire.
    pub const KIND: &'static str = "run";
}

impl Score {
    /// The kind as written on the wire.
    pub const KIND: &'static str = "score";
}

impl Pay {
    /// The kind as written on the wire.
    pub const KIND: &'static str = "pay";
}

impl ReportFork {
    /// The kind as written on the wire.
    pub const KIND: &'static str = "report_fork";
}

impl CorrectTime {
    /// The kind as written on the wire.
    pub const KIND: &'static str = "correct_time";
}
