use chaos_attestation::{AnchorClass, EvidenceId, WorkloadId};
use chaos_types::{Did, Digest};
use serde::{Deserialize, Serialize};

use super::{Given, Purpose, Rule};
use crate::{
    JobId, Name, Reason, SecretId,
    exchange::{LeaseId, SessionId},
};

/// Something that the broker decided or learnt; the wire form is
/// `{"body":{…},"kind":"…"}`. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// A nonce was given out.
    ChallengeGiven(ChallengeGiven),
    /// Secrets were released under a new or renewed lease; the nonce is spent.
    Released(Released),
    /// A request was refused.
    Refused(Refused),
    /// A workload may read a secret from now on.
    RuleAdded(RuleChanged),
    /// A workload may no longer read a secret; its leases end at their next renewal.
    RuleRemoved(RuleChanged),
    /// The vault has a new secret.
    SecretStored(SecretChanged),
    /// The vault has a new version of a secret; leases of older versions are stale.
    SecretRotated(SecretChanged),
    /// The vault dropped a secret.
    SecretRevoked(SecretChanged),
    /// A lease was revoked; its job is denied to its role and workload until it is lifted.
    LeaseRevoked(LeaseRevoked),
    /// Every lease and open exchange of a job was revoked; the job is denied until it is lifted.
    JobRevoked(JobChanged),
    /// What was revoked of a job was lifted; its old leases stay revoked.
    JobLifted(JobChanged),
}

impl Event {
    /// When it happened, by the broker's clock.
    #[must_use]
    pub const fn at_s(&self) -> u64 {
        match self {
            Self::ChallengeGiven(body) => body.at_s,
            Self::Released(body) => body.at_s,
            Self::Refused(body) => body.at_s,
            Self::RuleAdded(body) | Self::RuleRemoved(body) => body.at_s,
            Self::SecretStored(body) | Self::SecretRotated(body) | Self::SecretRevoked(body) => {
                body.at_s
            }
            Self::LeaseRevoked(body) => body.at_s,
            Self::JobRevoked(body) | Self::JobLifted(body) => body.at_s,
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
    /// What it was given for.
    pub purpose: Purpose,
    /// The exchange that it opened.
    pub session: SessionId,
}

/// Body of [`Event::Released`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// What the chain of trust ended in.
    pub anchor: AnchorClass,
    /// When.
    pub at_s: u64,
    /// The evidence that the decision rests on.
    pub evidence: EvidenceId,
    /// When the lease expires.
    pub expires_at_s: u64,
    /// The job.
    pub job: JobId,
    /// The lease.
    pub lease: LeaseId,
    /// The digest of the policy that accepted the evidence.
    pub policy: Digest,
    /// Whether the lease was there before.
    pub renewed: bool,
    /// The role in the job.
    pub role: Name,
    /// Which secrets, in which versions.
    pub secrets: Vec<Given>,
    /// The exchange.
    pub session: SessionId,
    /// What ran there.
    pub workload: WorkloadId,
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
    /// The job that was named.
    pub job: Option<JobId>,
    /// The lease that was named.
    pub lease: Option<LeaseId>,
    /// What was asked for.
    pub operation: Operation,
    /// The exchange.
    pub session: Option<SessionId>,
    /// Whether the exchange's nonce is used up by this.
    pub spent: bool,
}

impl Refused {
    /// A refusal of which nothing else is known.
    pub(super) const fn new(code: Reason, operation: Operation, at_s: u64) -> Self {
        Self {
            at_s,
            code,
            evidence: None,
            job: None,
            lease: None,
            operation,
            session: None,
            spent: false,
        }
    }
}

/// What can be asked of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// A nonce.
    Challenge,
    /// Secrets, on a new or renewed lease.
    Release,
    /// To record what changed in the vault.
    Learn,
    /// To add a rule.
    Allow,
    /// To remove a rule.
    Forbid,
    /// To revoke a lease.
    RevokeLease,
    /// To revoke a job's leases.
    RevokeJob,
    /// To lift what was revoked of a job.
    LiftJob,
}

/// Body of [`Event::RuleAdded`] and [`Event::RuleRemoved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleChanged {
    /// When.
    pub at_s: u64,
    /// The rule.
    pub rule: Rule,
}

/// Body of [`Event::SecretStored`], [`Event::SecretRotated`] and [`Event::SecretRevoked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretChanged {
    /// When the broker learnt of it.
    pub at_s: u64,
    /// Which.
    pub secret: SecretId,
    /// Its version after that, from 1.
    pub version: u64,
}

/// Body of [`Event::LeaseRevoked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseRevoked {
    /// When.
    pub at_s: u64,
    /// Which.
    pub lease: LeaseId,
}

/// Body of [`Event::JobRevoked`] and [`Event::JobLifted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobChanged {
    /// When.
    pub at_s: u64,
    /// Which.
    pub job: JobId,
}
