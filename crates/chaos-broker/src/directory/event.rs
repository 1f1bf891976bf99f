use chaos_attestation::{AnchorClass, EvidenceId, WorkloadId};
use chaos_types::{Did, Digest};
use serde::{Deserialize, Serialize};

use super::{Endpoint, Subject, Tags};
use crate::{Reason, ServiceId, exchange::SessionId};

/// Something that the directory decided; the wire form is `{"body":{…},"kind":"…"}`. Times are
/// Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// A nonce was given out.
    ChallengeGiven(ChallengeGiven),
    /// A service was registered, or registered anew by its owner; the nonce is spent.
    Registered(Registered),
    /// A service came back with new evidence; the nonce is spent.
    Renewed(Renewed),
    /// A service was taken off the list by its owner; the nonce is spent.
    Withdrawn(Withdrawn),
    /// A service was revoked by the directory's operator.
    Revoked(StandingChanged),
    /// A revocation was lifted by the operator: the service may register again.
    Lifted(StandingChanged),
    /// A request was refused.
    Refused(Refused),
}

impl Event {
    /// When it happened, by the directory's clock.
    #[must_use]
    pub const fn at_s(&self) -> u64 {
        match self {
            Self::ChallengeGiven(body) => body.at_s,
            Self::Registered(body) => body.at_s,
            Self::Renewed(body) => body.at_s,
            Self::Withdrawn(body) => body.at_s,
            Self::Revoked(body) | Self::Lifted(body) => body.at_s,
            Self::Refused(body) => body.at_s,
        }
    }
}

/// Body of [`Event::ChallengeGiven`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeGiven {
    /// When.
    pub at_s: u64,
    /// The key that asked.
    pub caller: Did,
    /// When it expires.
    pub expires_at_s: u64,
    /// A tagged digest of the nonce.
    pub nonce: Digest,
    /// The exchange that it opened.
    pub session: SessionId,
    /// For whom.
    pub subject: Subject,
}

/// Body of [`Event::Registered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registered {
    /// What the chain of trust ended in.
    pub anchor: AnchorClass,
    /// When.
    pub at_s: u64,
    /// How many jobs it can take.
    pub capacity: u32,
    /// Where it listens.
    pub endpoints: Vec<Endpoint>,
    /// The evidence that the decision rests on.
    pub evidence: EvidenceId,
    /// When it is off the list without a heartbeat.
    pub expires_at_s: u64,
    /// The key that owns it.
    pub owner: Did,
    /// The digest of the policy that accepted the evidence.
    pub policy: Digest,
    /// The owner's sequence number.
    pub sequence: u64,
    /// Which service.
    pub service: ServiceId,
    /// The exchange.
    pub session: SessionId,
    /// Its tags.
    pub tags: Tags,
    /// What runs there.
    pub workload: WorkloadId,
}

/// Body of [`Event::Renewed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewed {
    /// What the chain of trust ended in.
    pub anchor: AnchorClass,
    /// When.
    pub at_s: u64,
    /// How many jobs it can take.
    pub capacity: u32,
    /// The evidence that the decision rests on.
    pub evidence: EvidenceId,
    /// When it is off the list without another heartbeat.
    pub expires_at_s: u64,
    /// The digest of the policy that accepted the evidence.
    pub policy: Digest,
    /// The owner's sequence number.
    pub sequence: u64,
    /// Which service.
    pub service: ServiceId,
    /// The exchange.
    pub session: SessionId,
    /// What runs there.
    pub workload: WorkloadId,
}

/// Body of [`Event::Withdrawn`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawn {
    /// When.
    pub at_s: u64,
    /// Which service.
    pub service: ServiceId,
    /// The exchange.
    pub session: SessionId,
}

/// Body of [`Event::Revoked`] and [`Event::Lifted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingChanged {
    /// When.
    pub at_s: u64,
    /// Which service.
    pub service: ServiceId,
}

/// Body of [`Event::Refused`]. It holds what is known of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// When.
    pub at_s: u64,
    /// Which rule refused.
    pub code: Reason,
    /// The name of the evidence that was shown, if it could be read; it may be forged.
    pub evidence: Option<EvidenceId>,
    /// What was asked for.
    pub operation: Operation,
    /// The key that asked, as it said.
    pub owner: Option<Did>,
    /// Which service.
    pub service: ServiceId,
    /// The exchange.
    pub session: Option<SessionId>,
    /// Whether the exchange's nonce is used up by this.
    pub spent: bool,
}

impl Refused {
    /// A refusal of which nothing else is known.
    pub(super) fn new(code: Reason, operation: Operation, service: &ServiceId, at_s: u64) -> Self {
        Self {
            at_s,
            code,
            evidence: None,
            operation,
            owner: None,
            service: service.clone(),
            session: None,
            spent: false,
        }
    }
}

/// What can be asked of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// A nonce.
    Challenge,
    /// To list a service.
    Register,
    /// To keep it listed.
    Heartbeat,
    /// To take it off the list.
    Withdraw,
    /// To revoke it, by the operator.
    Revoke,
    /// To lift a revocation, by the operator.
    Lift,
}
