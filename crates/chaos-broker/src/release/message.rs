use chaos_attestation::{EvidenceId, ReasonCode, ReportData};
use chaos_types::{Did, Digest};
use serde::{Deserialize, Serialize};

use super::{ReleaseKey, Sealed};
use crate::{
    Document, EvidenceDocument, JobId, Name, Refusal, SecretId, Signed,
    exchange::{Challenge, LeaseId, Nonce, SessionId},
    wire,
};

/// A release is of at most this many secrets.
const SECRETS_PER_RELEASE_MAX: usize = 16;

/// What secrets are wanted for. It is the same from the first message to the lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// The job.
    pub job: JobId,
    /// The lease to be renewed; without one, a new lease is wanted.
    pub renews: Option<LeaseId>,
    /// What the asking code does in the job.
    pub role: Name,
    /// Which secrets: 1 to `SECRETS_PER_RELEASE_MAX`, ascending, none twice.
    pub secrets: Vec<SecretId>,
}

impl Purpose {
    pub(super) fn ensure_valid(&self) -> Result<(), Refusal> {
        let count = (1..=SECRETS_PER_RELEASE_MAX).contains(&self.secrets.len());
        if count && self.secrets.is_sorted_by(|a, b| a < b) {
            return Ok(());
        }
        let detail = format!("expected 1 to {SECRETS_PER_RELEASE_MAX} secrets, ascending");
        Err(Refusal::new(ReasonCode::MessageMalformed, detail))
    }
}

/// What the evidence for a release must bind: nonce, key, job, role, lease to be renewed (empty if
/// none), and each secret, under the tag `chaoschain/release/v1`.
#[must_use]
pub fn report_data(nonce: &Nonce, key: &ReleaseKey, purpose: &Purpose) -> ReportData {
    let (job, role) = (purpose.job.to_string(), purpose.role.as_str());
    let renews = purpose.renews.as_ref().map_or(&[][..], |lease| lease.as_bytes());
    let secrets: Vec<String> = purpose.secrets.iter().map(SecretId::to_string).collect();
    let head: [&[u8]; 5] =
        [nonce.as_bytes(), key.as_bytes(), job.as_bytes(), role.as_bytes(), renews];
    let parts: Vec<&[u8]> = head.into_iter().chain(secrets.iter().map(String::as_bytes)).collect();
    ReportData::bind("chaoschain/release/v1", &parts)
}

/// A request for secrets with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The evidence; its report data is [`report_data`].
    pub evidence: EvidenceDocument,
    /// The key to encrypt to, made inside for this request alone.
    pub key: ReleaseKey,
    /// The broker's nonce.
    pub nonce: Nonce,
    /// What for; the same as when the nonce was asked for.
    pub purpose: Purpose,
    /// The exchange.
    pub session: SessionId,
}

/// A secret and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Which.
    pub secret: SecretId,
    /// Its version, from 1.
    pub version: u64,
}

/// The broker's answer: the lease, and the secrets encrypted to the request's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The evidence that it rests on.
    pub evidence: EvidenceId,
    /// When the lease expires, in Unix seconds.
    pub expires_at_s: u64,
    /// When this was signed, in Unix seconds: the lease lasts from here.
    pub issued_at_s: u64,
    /// The key that the secrets are encrypted to.
    pub key: ReleaseKey,
    /// The lease.
    pub lease: LeaseId,
    /// The digest of the policy that accepted the evidence.
    pub policy: Digest,
    /// What for.
    pub purpose: Purpose,
    /// The secrets in the order of the purpose.
    pub sealed: Vec<Sealed>,
    /// The exchange.
    pub session: SessionId,
}

impl Document for Grant {
    const TAG: &str = "chaoschain/grant/v1";
}

/// What is revoked or rotated, signed by the broker: who holds a lease drops what the list names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocations {
    /// Whose list it is.
    pub broker: Did,
    /// When it is too old to go by, in Unix seconds.
    pub expires_at_s: u64,
    /// When it was written, in Unix seconds.
    pub issued_at_s: u64,
    /// Revoked leases that would still run, ascending.
    pub leases: Vec<LeaseId>,
    /// Secrets that were rotated or revoked, ascending.
    pub secrets: Vec<Current>,
    /// How many revocations there were ever; never falls.
    pub sequence: u64,
}

impl Document for Revocations {
    const TAG: &str = "chaoschain/revocations/v1";
}

/// Where a secret stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Current {
    /// Whether no version is good any more.
    pub revoked: bool,
    /// Which.
    pub secret: SecretId,
    /// The version that is good; older ones are stale.
    pub version: u64,
}

/// The messages between client and broker: canonical JSON
/// `{"message":{"body":…,"kind":"…"},"version":1}` of at most [`crate::MESSAGE_BYTES_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Message {
    /// The client wants a nonce.
    ChallengeRequest(Purpose),
    /// The broker gives one.
    Challenge(Challenge),
    /// The client shows evidence and wants secrets.
    ReleaseRequest(Box<ReleaseRequest>),
    /// The broker releases them.
    Grant(Box<Signed<Grant>>),
    /// A request for the revocation list.
    RevocationsRequest,
    /// The broker gives it.
    Revocations(Signed<Revocations>),
    /// The broker refuses.
    Refused(Refusal),
}

impl Message {
    /// The message as it is sent.
    ///
    /// # Errors
    /// [`ReasonCode::MessageTooLarge`], or [`ReasonCode::MessageMalformed`] for a number that
    /// canonical JSON cannot write.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Refusal> {
        wire::message_to_bytes(self)
    }

    /// Reads a message; its parts are not believed yet.
    ///
    /// # Errors
    /// [`ReasonCode::MessageTooLarge`] before anything is parsed, or
    /// [`ReasonCode::MessageMalformed`] for every byte that [`Message::to_bytes`] would not write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        wire::message_from_bytes(bytes)
    }
}
