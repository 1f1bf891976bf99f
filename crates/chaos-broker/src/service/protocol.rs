//! What is asked and answered once a channel is open.

use chaos_attestation::{
    AnchorClass, EvidenceId, WorkloadId,
    allowlist::{Allowlist, Trust},
};
use chaos_types::{Did, Digest};
use serde::{Deserialize, Serialize};

use super::AuditEntry;
use crate::{
    JobId, Name, SecretId, ServiceId,
    directory::{self, Endpoint},
    release::{self, LeaseId, Rule},
};

/// A question to the broker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "topic", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// About services.
    Directory(Box<directory::Message>),
    /// About secrets, by those who want them.
    Release(Box<release::Message>),
    /// By the operator.
    #[serde(rename = "order")]
    Command(Command),
}

/// What the operator can command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Stores a secret; its bytes follow in a frame of their own.
    StoreSecret {
        /// Its name.
        secret: SecretId,
        /// What it is for.
        purpose: Name,
    },
    /// Replaces a secret; its bytes follow in a frame of their own.
    RotateSecret {
        /// Its name.
        secret: SecretId,
    },
    /// Drops a secret.
    RevokeSecret {
        /// Its name.
        secret: SecretId,
    },
    /// Lets a workload read a secret.
    Allow(Rule),
    /// Takes that back.
    Forbid(Rule),
    /// Ends a lease.
    RevokeLease {
        /// Which.
        lease: LeaseId,
    },
    /// Ends all leases of a job.
    RevokeJob {
        /// Which.
        job: JobId,
    },
    /// Lets a job have secrets again, whose leases or which itself was revoked.
    RestoreJob {
        /// Which.
        job: JobId,
    },
    /// Takes a service out.
    RevokeService {
        /// Which.
        service: ServiceId,
    },
    /// Lets a service that was taken out register again.
    RestoreService {
        /// Which.
        service: ServiceId,
    },
    /// Puts a signed allowlist in force.
    PublishAllowlist {
        /// The list in its signed envelope.
        envelope: String,
    },
    /// The allowlist in force.
    ShowAllowlist,
    /// All secrets.
    ListSecrets,
    /// All leases that are remembered.
    ListLeases,
    /// All services that are remembered.
    ListServices,
    /// The latest lines of the audit trail, oldest first.
    Trail,
}

impl Question {
    /// Whether the bytes of a secret follow.
    pub(crate) const fn carries_secret(&self) -> bool {
        matches!(self, Self::Command(Command::StoreSecret { .. } | Command::RotateSecret { .. }))
    }
}

/// The answer to a [`Question`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "topic", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// About services.
    Directory(Box<directory::Message>),
    /// About secrets, to those who want them.
    Release(Box<release::Message>),
    /// To the operator.
    Report(Report),
}

/// What the operator is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "report", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Report {
    /// It was done, under these receipts.
    Done {
        /// What was logged.
        receipts: Vec<Digest>,
    },
    /// The allowlist in force, and by whom it must be signed.
    Allowlist {
        /// The list, if one was ever accepted.
        list: Option<Box<Allowlist>>,
        /// Whose lists count.
        trust: Box<Trust>,
    },
    /// All secrets.
    Secrets(Vec<SecretRow>),
    /// All leases that are remembered.
    Leases(Vec<LeaseRow>),
    /// All services that are remembered.
    Services(Vec<ServiceRow>),
    /// The latest lines of the audit trail, oldest first.
    Trail(Vec<AuditEntry>),
}

/// A secret, without its content.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRow {
    /// Its name.
    pub secret: SecretId,
    /// Its version in the vault, from 1.
    pub version: u64,
    /// Whether it is gone.
    pub revoked: bool,
    /// The rules by which it may be read.
    pub readers: Vec<Rule>,
}

/// A lease.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseRow {
    /// Its name.
    pub lease: LeaseId,
    /// `live`, `expired`, `revoked` or `stale`.
    pub state: String,
    /// The job that it is for.
    pub job: JobId,
    /// The role in the job.
    pub role: Name,
    /// What runs there.
    pub workload: WorkloadId,
    /// The evidence that it was last given on.
    pub evidence: EvidenceId,
    /// Which secrets, each with its version.
    pub secrets: Vec<String>,
    /// When it expires, in Unix seconds.
    pub expires_at_s: u64,
}

/// A service.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceRow {
    /// Its name.
    pub service: ServiceId,
    /// `live`, `expired` or `revoked`.
    pub state: String,
    /// The key that owns it.
    pub owner: Did,
    /// Where it listens.
    pub endpoints: Vec<Endpoint>,
    /// Its tags.
    pub tags: directory::Tags,
    /// What runs there.
    pub workload: WorkloadId,
    /// What the chain of trust ended in.
    pub anchor: AnchorClass,
    /// When it expires, in Unix seconds.
    pub expires_at_s: u64,
}
