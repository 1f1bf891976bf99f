//! The kind of receipts that the key broker writes: its audit trail.

use chaos_agency::{Body, Extension, Ground, Kind, Signer, Source, receipt::Form};
use chaos_types::{Digest, Rejection};
use serde::{Deserialize, Serialize};

/// The broker's kind of receipts.
pub const EXTENSION: Extension =
    Extension { name: "broker", version: 1, kinds: &[Kind::of::<Oversee>()], view: None };

impl Body for Oversee {
    const KIND: &'static str = "oversee";
    const SIGNER: Signer = Signer::Operator;
    /// They say which workload may read which secret.
    const DISCLOSED: bool = false;
    const GROUNDS: &'static [Ground] = &[
        Ground::new("the events before it", Source::Log),
        Ground::new("the quote that it was decided on, if there was one", Source::Hardware),
        Ground::new("what was asked, when, and that nothing is left out", Source::Signer),
    ];

    fn ensure(&self, form: &Form<'_>) -> Result<(), Rejection> {
        form.ensure_word()
    }

    fn sentence(&self) -> String {
        let Self { event, subject, evidence_id, refused, detail } = self;
        let event = serde_json::to_value(event).ok();
        let event = event.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
        let by = evidence_id.map_or_else(String::new, |id| format!(" on evidence {id}"));
        let why = refused.as_ref().map_or_else(String::new, |code| format!(" ({code})"));
        format!("recorded {} of {subject}{by}{why}: {detail}", event.replace('_', " "))
    }
}

/// Something changed about attested services, the workloads they may run, or the secrets they may
/// read: one event of the control plane. It names secrets, nonces and leases
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

#[cfg(test)]
mod tests {
    use super::OverseeEvent;

    /// The one event that no recorded receipt holds; a name is signed, so it does not change.
    #[test]
    fn a_withdrawn_service_keeps_its_signed_name() {
        let name = serde_json::to_string(&OverseeEvent::ServiceWithdrawn).unwrap();
        assert_eq!(name, "\"service_withdrawn\"");
    }
}
