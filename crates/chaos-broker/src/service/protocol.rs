//! What is asked and answered once a channel stands.

use chaos_attestation::{
    AnchorClass, EvidenceId, WorkloadId,
    allowlist::{Allowlist, Trust},
};
use chaos_broker::{
    JobId, Name, SecretId, ServiceId,
    directory::{self, Endpoint},
    release::{self, LeaseId, Rule},
};
use chaos_types::{Did, Digest};
use serde::{Deserialize, Serialize};

use super::Passage;

/// A question to the broker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "topic", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Question {
    /// About services.
    Directory(Box<directory::Message>),
    /// About secrets, by those who want them.
    Release(Box<release::Message>),
    /// By the operator.
    Order(Order),
}

/// What the operator can ask for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Order {
    /// Stores a secret; its bytes follow in a frame of their own.
    StoreSecret { secret: SecretId, purpose: Name },
    /// Replaces a secret; its bytes follow in a frame of their own.
    RotateSecret { secret: SecretId },
    /// Drops a secret.
    RevokeSecret { secret: SecretId },
    /// Lets a workload read a secret.
    Allow(Rule),
    /// Takes that back.
    Forbid(Rule),
    /// Ends a lease.
    RevokeLease { lease: LeaseId },
    /// Ends all leases of a job.
    RevokeJob { job: JobId },
    /// Lets a job have secrets again, whose leases or which itself was revoked.
    RestoreJob { job: JobId },
    /// Takes a service out.
    RevokeService { service: ServiceId },
    /// Lets a service that was taken out register again.
    RestoreService { service: ServiceId },
    /// Puts a signed allowlist in force.
    PublishAllowlist { envelope: String },
    /// The allowlist in force.
    ShowAllowlist,
    /// All secrets.
    ListSecrets,
    /// All leases that are remembered.
    ListLeases,
    /// All services that are remembered.
    ListServices,
    /// What happened, oldest first.
    Trail,
}

impl Question {
    /// Whether the bytes of a secret follow.
    pub(crate) const fn carries_secret(&self) -> bool {
        matches!(self, Self::Order(Order::StoreSecret { .. } | Order::RotateSecret { .. }))
    }
}

/// The answer to a [`Question`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "topic", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Answer {
    Directory(Box<directory::Message>),
    Release(Box<release::Message>),
    Report(Report),
}

/// What the operator is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "report", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Report {
    /// It was done, under these receipts.
    Done {
        receipts: Vec<Digest>,
    },
    /// The allowlist in force, and by whom it must be signed.
    Allowlist {
        list: Option<Box<Allowlist>>,
        trust: Box<Trust>,
    },
    Secrets(Vec<SecretRow>),
    Leases(Vec<LeaseRow>),
    Services(Vec<ServiceRow>),
    Trail(Vec<Passage>),
}

/// A secret, without its content.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretRow {
    pub(crate) secret: SecretId,
    pub(crate) version: u64,
    pub(crate) revoked: bool,
    pub(crate) readers: Vec<Rule>,
}

/// A lease.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaseRow {
    pub(crate) lease: LeaseId,
    /// `live`, `expired`, `revoked` or `stale`.
    pub(crate) state: String,
    pub(crate) job: JobId,
    pub(crate) role: Name,
    pub(crate) workload: WorkloadId,
    pub(crate) evidence: EvidenceId,
    pub(crate) secrets: Vec<String>,
    pub(crate) expires_at_s: u64,
}

/// A service.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceRow {
    pub(crate) service: ServiceId,
    /// `live`, `expired` or `revoked`.
    pub(crate) state: String,
    pub(crate) owner: Did,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) tags: directory::Tags,
    pub(crate) workload: WorkloadId,
    pub(crate) anchor: AnchorClass,
    pub(crate) expires_at_s: u64,
}
