use chaos_types::Did;
use serde::Serialize;

use crate::{Reason, SecretId, ServiceId, release::LeaseId};

/// What happens to an executor; no secret is in it. The wire form names the kind as `event`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The broker accepted the evidence that the channel began with.
    Attested {
        /// The broker's key.
        broker: Did,
        /// The key that the evidence binds.
        key: Did,
        /// Where the quote came from, for people.
        provider: String,
    },
    /// The service is listed.
    Registered {
        /// Which service.
        service: ServiceId,
        /// The key that owns it.
        owner: Did,
    },
    /// The service stays listed.
    Heartbeat {
        /// Which service.
        service: ServiceId,
        /// The key that owns it.
        owner: Did,
    },
    /// The service was not kept listed.
    HeartbeatRefused {
        /// Which service.
        service: ServiceId,
        /// Why.
        code: Reason,
        /// What was found.
        detail: String,
    },
    /// Secrets came under a new lease.
    SecretsReceived {
        /// The lease.
        lease: LeaseId,
        /// When it expires, in Unix seconds.
        expires_at_s: u64,
        /// Which.
        secrets: Vec<HeldSecret>,
    },
    /// The lease was renewed.
    LeaseRenewed {
        /// The lease.
        lease: LeaseId,
        /// When it expires, in Unix seconds.
        expires_at_s: u64,
        /// Which secrets it covers now.
        secrets: Vec<HeldSecret>,
    },
    /// Some of the secrets have newer versions; those that do were dropped.
    SecretsStale {
        /// The lease.
        lease: LeaseId,
        /// Which secrets are left.
        left: Vec<SecretId>,
    },
    /// A renewal or a revocation list was refused.
    RenewalRefused {
        /// The lease, if there is one.
        lease: Option<LeaseId>,
        /// Why.
        code: Reason,
        /// What was found.
        detail: String,
    },
    /// The secrets were overwritten.
    SecretsDropped {
        /// The lease that they were held on.
        lease: LeaseId,
        /// A reason code, `done` or `stopped`.
        why: String,
    },
    /// The connection was lost.
    Disconnected {
        /// What was found.
        detail: String,
    },
    /// The executor ends because it was told to.
    Stopped {
        /// Which service.
        service: ServiceId,
        /// Whether the directory took it off its list.
        withdrawn: bool,
        /// Why not.
        detail: Option<String>,
    },
}

/// What can be told of a secret that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldSecret {
    /// Its name.
    pub secret: SecretId,
    /// Its version.
    pub version: u64,
    /// Its length in bytes.
    pub bytes: usize,
}
