//! The audit trail: what is recorded, and the line of it that people read.

use chaos_agency::{Action, Receipt};
use chaos_attestation::EvidenceId;
use chaos_types::{Digest, canonical};
use serde::{Deserialize, Serialize};

use super::Settings;
use crate::{
    Reason, directory,
    receipts::{Oversee, OverseeEvent},
    release,
};

/// The subject of an `oversee` receipt under which the event's document is named.
pub(super) const SUBJECT: &str = "event";

/// An event as its document holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", content = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Event {
    Directory(directory::Event),
    Release(release::Event),
    Allowlist(AllowlistEvent),
    Settings(Settings),
}

/// A signed allowlist was put in force, or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowlistEvent {
    pub(super) at_s: u64,
    pub(super) envelope: Digest,
    pub(super) outcome: AllowlistOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "body", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum AllowlistOutcome {
    /// The envelope is kept as a blob.
    Accepted {
        sequence: u64,
    },
    Refused {
        code: Reason,
    },
}

impl Event {
    /// The document.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }

    /// The action that is logged for it.
    pub(super) fn to_action(&self) -> Action {
        let line = match self {
            Self::Directory(event) => of_directory(event),
            Self::Release(event) => of_release(event),
            Self::Allowlist(event) => of_allowlist(event),
            Self::Settings(settings) => of_settings(settings),
        };
        Action::of(&Oversee {
            event: line.event,
            subject: line.subject,
            evidence_id: line.evidence.map(|id| id.digest()),
            refused: line.refused.map(|code| code.as_str().to_owned()),
            detail: line.detail,
        })
    }
}

struct Line {
    event: OverseeEvent,
    subject: String,
    evidence: Option<EvidenceId>,
    refused: Option<Reason>,
    detail: String,
}

impl Line {
    fn new(event: OverseeEvent, subject: impl ToString, detail: impl Into<String>) -> Self {
        let (subject, detail) = (subject.to_string(), detail.into());
        Self { event, subject, evidence: None, refused: None, detail }
    }

    fn on(self, evidence: EvidenceId) -> Self {
        Self { evidence: Some(evidence), ..self }
    }

    fn refused(code: Reason, subject: impl ToString, what: &str) -> Self {
        let detail = format!("{what}: {}", code.meaning());
        Self { refused: Some(code), ..Self::new(OverseeEvent::Refused, subject, detail) }
    }
}

/// The wire word of a unit variant.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

fn of_directory(event: &directory::Event) -> Line {
    use directory::Event as E;
    match event {
        E::ChallengeGiven(given) => Line::new(
            OverseeEvent::NonceGiven,
            &given.subject.service,
            format!("for {} of {}", given.session, given.subject.owner),
        ),
        E::Registered(body) => Line::new(
            OverseeEvent::ServiceRegistered,
            &body.service,
            format!("{} anchor, {}, until {} s", body.anchor, body.workload, body.expires_at_s),
        )
        .on(body.evidence),
        E::Renewed(body) => Line::new(
            OverseeEvent::ServiceRenewed,
            &body.service,
            format!("{} anchor, until {} s", body.anchor, body.expires_at_s),
        )
        .on(body.evidence),
        E::Withdrawn(body) => {
            Line::new(OverseeEvent::ServiceWithdrawn, &body.service, "by its owner")
        }
        E::Revoked(body) => {
            Line::new(OverseeEvent::ServiceRevoked, &body.service, "by the operator")
        }
        E::Lifted(body) => {
            Line::new(OverseeEvent::ServiceRestored, &body.service, "by the operator")
        }
        E::Refused(body) => Line {
            evidence: body.evidence,
            ..Line::refused(body.code, &body.service, &word(&body.operation))
        },
    }
}

fn of_release(event: &release::Event) -> Line {
    use release::Event as E;
    match event {
        E::ChallengeGiven(given) => Line::new(
            OverseeEvent::NonceGiven,
            &given.purpose.job,
            format!("for {} as {}", given.session, given.purpose.role),
        ),
        E::Released(body) => {
            let secrets: Vec<_> =
                body.secrets.iter().map(|s| format!("{} v{}", s.secret, s.version)).collect();
            let event = if body.renewed {
                OverseeEvent::LeaseRenewed
            } else {
                OverseeEvent::SecretReleased
            };
            let detail = format!(
                "{} to {} for {}, {} anchor, until {} s",
                secrets.join(", "),
                body.workload,
                body.job,
                body.anchor,
                body.expires_at_s
            );
            Line::new(event, body.lease, detail).on(body.evidence)
        }
        E::Refused(body) => {
            let subject = match (&body.lease, &body.job) {
                (Some(lease), _) => lease.to_string(),
                (None, Some(job)) => job.to_string(),
                (None, None) => "secrets".to_owned(),
            };
            let line = Line::refused(body.code, subject, &word(&body.operation));
            Line { evidence: body.evidence, ..line }
        }
        E::RuleAdded(body) => rule(OverseeEvent::AccessGranted, &body.rule),
        E::RuleRemoved(body) => rule(OverseeEvent::AccessWithdrawn, &body.rule),
        E::SecretStored(body) => secret(OverseeEvent::SecretStored, body),
        E::SecretRotated(body) => secret(OverseeEvent::SecretRotated, body),
        E::SecretRevoked(body) => secret(OverseeEvent::SecretRevoked, body),
        E::LeaseRevoked(body) => {
            Line::new(OverseeEvent::LeaseRevoked, body.lease, "by the operator")
        }
        E::JobRevoked(body) => {
            Line::new(OverseeEvent::LeaseRevoked, &body.job, "every lease of the job")
        }
        E::JobLifted(body) => Line::new(OverseeEvent::JobRestored, &body.job, "by the operator"),
    }
}

fn rule(event: OverseeEvent, rule: &release::Rule) -> Line {
    let job = rule.job.as_ref().map_or("any job of the tenant".to_owned(), ToString::to_string);
    Line::new(event, &rule.secret, format!("{} as {} in {job}", rule.workload, rule.role))
}

fn secret(event: OverseeEvent, body: &release::SecretChanged) -> Line {
    Line::new(event, &body.secret, format!("version {}", body.version))
}

fn of_allowlist(event: &AllowlistEvent) -> Line {
    match &event.outcome {
        AllowlistOutcome::Accepted { sequence } => {
            Line::new(OverseeEvent::AllowlistAccepted, event.envelope, format!("number {sequence}"))
        }
        AllowlistOutcome::Refused { code } => Line::refused(*code, event.envelope, "publish"),
    }
}

fn of_settings(settings: &Settings) -> Line {
    let Settings { policy, trust, lives, .. } = settings;
    let detail = format!(
        "allowlists by {}, {} rebuilds by {} builders; nonce {} s, lease {} s, service {} s",
        trust.issuer,
        trust.rebuilds_min,
        trust.builders.len(),
        lives.nonce_s,
        lives.lease_s,
        lives.service_s
    );
    Line::new(OverseeEvent::PolicyAccepted, policy, detail)
}

/// One line of the audit trail.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// Its place in the log.
    pub index: u64,
    /// When the log took it in, in Unix milliseconds.
    pub integrated_at_ms: u64,
    /// The receipt.
    pub receipt: Digest,
    /// What it says.
    pub oversee: Oversee,
}

/// The event's document of an `oversee` receipt, and what people read of it.
pub(super) fn of_receipt(receipt: &Receipt) -> Option<(Digest, Oversee)> {
    let oversee = receipt.action.read()?;
    let event = receipt.subjects.iter().find(|subject| subject.name == SUBJECT)?;
    Some((event.digest, oversee))
}
