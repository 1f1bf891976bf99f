use chaos_attestation::{EvidenceId, ReportData, WorkloadId};
use chaos_types::{Did, Digest};
use serde::{Deserialize, Serialize};

use super::{ENDPOINTS_MAX, Endpoint, Query, Tags};
use crate::{
    Document, EvidenceDocument, Fault, Refusal, ServiceId, Signed,
    bytes::join,
    exchange::{Challenge, Nonce, SessionId},
    wire,
};

/// An answer names at most this many services.
pub(crate) const ROUTES_MAX: usize = 64;

/// A service and its owner, whom a request is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The key that owns it, or wants to.
    pub owner: Did,
    /// Which service.
    pub service: ServiceId,
}

/// What the evidence for a registration or heartbeat must bind: service, owner, endpoints (each
/// preceded by its length), the digest of the tags' canonical JSON, and the nonce, under the tag
/// `chaoschain/service/v1`.
///
/// # Panics
/// Never: tags are plain text.
#[must_use]
pub fn report_data(
    subject: &Subject,
    endpoints: &[Endpoint],
    tags: &Tags,
    nonce: &Nonce,
) -> ReportData {
    let endpoints: Vec<&[u8]> = endpoints.iter().map(|e| e.as_str().as_bytes()).collect();
    let tags = Digest::of(&wire::to_bytes(tags).expect("tags are plain text"));
    ReportData::bind(
        "chaoschain/service/v1",
        &[
            subject.service.to_string().as_bytes(),
            subject.owner.as_bytes(),
            &join(&endpoints),
            tags.as_bytes(),
            nonce.as_bytes(),
        ],
    )
}

/// An owner's wish to list a service, or to list it anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// How many jobs it can take.
    pub capacity: u32,
    /// For which directory this is.
    pub directory: Did,
    /// Where it listens: 1 to `ENDPOINTS_MAX`.
    pub endpoints: Vec<Endpoint>,
    /// The evidence; its report data is [`report_data`].
    pub evidence: EvidenceDocument,
    /// The directory's nonce.
    pub nonce: Nonce,
    /// Higher than in any earlier request for this service.
    pub sequence: u64,
    /// The exchange.
    pub session: SessionId,
    /// Which service, and by whom.
    pub subject: Subject,
    /// Its tags.
    pub tags: Tags,
}

impl Document for Registration {
    const TAG: &str = "chaoschain/registration/v1";
}

impl Registration {
    pub(super) fn ensure_valid(&self) -> Result<(), Refusal> {
        if (1..=ENDPOINTS_MAX).contains(&self.endpoints.len()) {
            return Ok(());
        }
        let detail = format!("{} endpoints, expected 1 to {ENDPOINTS_MAX}", self.endpoints.len());
        Err(Refusal::new(Fault::ServiceInvalid, detail))
    }
}

/// A sign of life with new evidence, bound like that of the registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// How many jobs it can take now.
    pub capacity: u32,
    /// For which directory this is.
    pub directory: Did,
    /// The evidence.
    pub evidence: EvidenceDocument,
    /// The directory's nonce.
    pub nonce: Nonce,
    /// Higher than in any earlier request for this service.
    pub sequence: u64,
    /// The exchange.
    pub session: SessionId,
    /// Which service, and by whom.
    pub subject: Subject,
}

impl Document for Heartbeat {
    const TAG: &str = "chaoschain/heartbeat/v1";
}

/// An owner's wish to take a service off the list; it needs no evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// For which directory this is.
    pub directory: Did,
    /// The directory's nonce.
    pub nonce: Nonce,
    /// Higher than in any earlier request for this service.
    pub sequence: u64,
    /// The exchange.
    pub session: SessionId,
    /// Which service, and by whom.
    pub subject: Subject,
}

impl Document for Withdrawal {
    const TAG: &str = "chaoschain/withdrawal/v1";
}

/// How to reach a service. This is only the directory's word: the channel to the service shows the
/// service's own evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// How many jobs it said that it can take.
    pub capacity: u32,
    /// Where it listens.
    pub endpoints: Vec<Endpoint>,
    /// The evidence that the directory accepted last.
    pub evidence: EvidenceId,
    /// Until when the directory takes it for alive, in Unix seconds.
    pub expires_at_s: u64,
    /// The key that owns it.
    pub owner: Did,
    /// Which service.
    pub service: ServiceId,
    /// What runs there.
    pub workload: WorkloadId,
}

/// Everything that is said to and by a directory: canonical JSON
/// `{"message":{"body":…,"kind":"…"},"version":1}` of at most [`crate::MESSAGE_BYTES_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::large_enum_variant, reason = "a few hundred bytes that live for one exchange")]
pub enum Message {
    /// An owner wants a nonce.
    ChallengeRequest(Subject),
    /// The directory gives one.
    Challenge(Challenge),
    /// An owner lists a service.
    Register(Box<Signed<Registration>>),
    /// A service shows that it is alive.
    Heartbeat(Box<Signed<Heartbeat>>),
    /// An owner takes a service off the list.
    Withdraw(Signed<Withdrawal>),
    /// A request for services.
    Discover(Query),
    /// The directory names up to `ROUTES_MAX`.
    Found(Vec<Route>),
    /// The directory did as asked.
    Done,
    /// The directory refuses.
    Refused(Refusal),
}

impl Message {
    /// The message as it is sent.
    ///
    /// # Errors
    /// `ReasonCode::MessageTooLarge`, or `ReasonCode::MessageMalformed` for a number that
    /// canonical JSON cannot write.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Refusal> {
        wire::message_to_bytes(self)
    }

    /// Reads a message; its parts are not believed yet.
    ///
    /// # Errors
    /// `ReasonCode::MessageTooLarge` before anything is parsed, or
    /// `ReasonCode::MessageMalformed` for every byte that [`Message::to_bytes`] would not write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        wire::message_from_bytes(bytes)
    }
}
