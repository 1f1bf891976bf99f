//! The values of the rows. Each carries the log index that wrote it.

use chaos_log::Hash;
use chaos_reputation::Model;
use chaos_types::{ChainId, Check, Did, Digest, decimal};
use serde::{Deserialize, Serialize};

/// `agent/did`: that there is such an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentRow {
    pub(crate) from: u64,
    pub(crate) spans: u64,
    pub(crate) revoked: Option<Revoked>,
}

/// When, by whom and why an agent was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revoked {
    pub(crate) at: u64,
    pub(crate) by: Did,
    pub(crate) reason: String,
}

/// `span/did/n`: the key and the profile of an agent from a log index (inclusive) to another
/// (exclusive). The spans of one agent follow each other without a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpanRow {
    pub(crate) from: u64,
    pub(crate) until: Option<u64>,
    pub(crate) key: Did,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) studio: String,
    pub(crate) capabilities: Vec<String>,
}

impl SpanRow {
    pub(crate) fn covers(&self, index: u64) -> bool {
        self.from <= index && self.until.is_none_or(|until| index < until)
    }
}

/// `key/did`: whose a key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRow {
    pub(crate) from: u64,
    pub(crate) owner: Did,
    /// The number of the span that it signs; of a key for checkpoints, that of its delegation.
    pub(crate) n: u64,
}

/// `delegation/role/n`: the n-th key, from 1, that the log's root key handed a role to. Until the first
/// the root key has it. `root` is that of the tree before the entry, which the root key has signed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DelegationRow {
    pub(crate) index: u64,
    pub(crate) key: Did,
    pub(crate) replaces: Did,
    pub(crate) lost: bool,
    #[serde(with = "crate::tree")]
    pub(crate) root: Hash,
}

/// `name/name`: whose a name is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NameRow {
    pub(crate) from: u64,
    pub(crate) owner: Did,
}

/// `account/did/chain`: the accounts at which an agent is paid on a chain, in log order. Each is in force
/// from the entry after its own, until the one of the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountsRow {
    pub(crate) bindings: Vec<BoundRow>,
}

/// One account of an agent's, and the entry that registered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BoundRow {
    pub(crate) account: String,
    pub(crate) index: u64,
    /// Whether the account agreed to be the one of its number.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) numbered: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_false(is: &bool) -> bool {
    !*is
}

impl AccountsRow {
    /// The number of the account that comes next.
    pub(crate) const fn next_number(&self) -> u64 {
        self.bindings.len() as u64 + 1
    }

    /// The account in force at an index.
    pub(crate) fn at(&self, index: u64) -> Option<&BoundRow> {
        self.bindings.iter().rev().find(|bound| bound.index < index)
    }
}

/// That something happened which happens once, such as `paid/outcome`, and which entry it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Once {
    /// The entry.
    pub index: u64,
}

/// `time/n`: the n-th correction of the log's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorrectionRow {
    /// The correction's entry.
    pub(crate) index: u64,
    /// The first entry that was dated wrongly.
    pub(crate) first: u64,
    /// No entry from `first` up to `index` is later, milliseconds since 1970.
    #[serde(with = "decimal")]
    pub(crate) true_ms: u64,
}

/// `anchoring/n`: the n-th place, from 0, where the log declares to be anchored from the entry on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnchoringRow {
    /// The entry.
    pub(crate) index: u64,
    pub(crate) chain: ChainId,
    pub(crate) contract: String,
    pub(crate) publisher: String,
}

/// `forked/did/size/size`: that an entry reports two heads by a key, of these sizes, the smaller first, of which no
/// log can have both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForkedRow {
    /// The entry.
    pub(crate) index: u64,
}

/// `refused/index`: that an entry counts for nothing, by the stable code of the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefusalRow {
    pub(crate) code: String,
}

/// `refusal/index`: why an entry counts for nothing, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedRow {
    /// The check it failed.
    pub check: Check,
    /// What was found.
    pub reason: String,
}

/// `action/index`: what an entry did, and what an outcome needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryRow {
    pub(crate) action: ActionRow,
    /// Whether anyone can run it again.
    pub(crate) replayable: bool,
    /// Whether an outcome can count it for or against its agent.
    pub(crate) work: bool,
}

/// One node of the causal graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// `evidence/index/n`: what an outcome says of one agent's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidenceRow {
    pub(crate) receipt: Digest,
    pub(crate) agent: Did,
    pub(crate) domain: String,
    pub(crate) role: String,
    /// Who signed the outcome: the payer of `belief/1`.
    pub(crate) payer: Did,
    /// What the signer called the task: the class of `belief/1`.
    pub(crate) task_class: String,
    /// The outcome.
    pub(crate) judged_by: Digest,
    /// For whom the work was, as the studio's view says: the payer of `belief/2`.
    pub(crate) client: String,
    /// The kind of the work's receipt: the class of `belief/2`. Kinds are the studio's, so nobody makes
    /// up a class.
    pub(crate) kind: String,
    #[serde(with = "decimal")]
    pub(crate) at_ms: u64,
    pub(crate) success: bool,
    pub(crate) replayable: bool,
}

impl EvidenceRow {
    /// The fact as a model counts it.
    pub(crate) fn under(self, model: Model) -> chaos_reputation::Evidence {
        let row = self;
        let (payer, task_class) = match model {
            Model::Belief1 => (row.payer.to_string(), row.task_class),
            Model::Belief2 => (row.client, row.kind),
        };
        chaos_reputation::Evidence {
            receipt: row.receipt,
            judged_by: row.judged_by,
            agent: row.agent.to_string(),
            domain: row.domain,
            role: row.role,
            payer,
            task_class,
            at_ms: row.at_ms,
            outcome: if row.success {
                chaos_reputation::Outcome::Success
            } else {
                chaos_reputation::Outcome::Failure
            },
            class: if row.replayable {
                chaos_reputation::EvidenceClass::Replayable
            } else {
                chaos_reputation::EvidenceClass::None
            },
            units_micro: chaos_reputation::TASK_UNIT_MICRO,
        }
    }
}
