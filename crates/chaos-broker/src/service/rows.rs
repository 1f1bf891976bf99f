//! What people read of the broker's lists: a line for each thing.

use chaos_attestation::WorkloadId;
use chaos_types::Digest;
use serde::Serialize;

use super::{AuditEntry, LeaseRow, SecretRow, ServiceRow};
use crate::directory::{Endpoint, Route};

/// Something that a list shows, as a line of a table.
pub trait Row: Serialize {
    /// The columns' names.
    const HEADER: &'static [&'static str];

    /// As many cells.
    fn cells(&self) -> Vec<String>;
}

impl Row for SecretRow {
    const HEADER: &'static [&'static str] = &["secret", "version", "state", "readers"];

    fn cells(&self) -> Vec<String> {
        let state = if self.revoked { "revoked" } else { "live" };
        let readers = self.readers.iter();
        let readers: Vec<_> =
            readers.map(|rule| format!("{} as {}", short(&rule.workload), rule.role)).collect();
        vec![
            self.secret.to_string(),
            self.version.to_string(),
            state.to_owned(),
            readers.join(", "),
        ]
    }
}

impl Row for LeaseRow {
    const HEADER: &'static [&'static str] =
        &["lease", "state", "job", "secrets", "expires", "workload"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.lease.to_string(),
            self.state.clone(),
            self.job.to_string(),
            self.secrets.join(", "),
            self.expires_at_s.to_string(),
            short(&self.workload),
        ]
    }
}

impl Row for ServiceRow {
    const HEADER: &'static [&'static str] =
        &["service", "state", "anchor", "expires", "endpoints", "owner"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.service.to_string(),
            self.state.clone(),
            self.anchor.to_string(),
            self.expires_at_s.to_string(),
            all(&self.endpoints),
            self.owner.to_string(),
        ]
    }
}

impl Row for AuditEntry {
    const HEADER: &'static [&'static str] =
        &["entry", "event", "subject", "refused", "detail", "receipt"];

    fn cells(&self) -> Vec<String> {
        let event = serde_json::to_value(self.oversee.event).unwrap_or_default();
        vec![
            self.index.to_string(),
            event.as_str().unwrap_or_default().to_owned(),
            self.oversee.subject.clone(),
            self.oversee.refused.clone().unwrap_or_default(),
            self.oversee.detail.clone(),
            self.receipt.short(),
        ]
    }
}

impl Row for Route {
    const HEADER: &'static [&'static str] =
        &["service", "endpoints", "capacity", "expires", "workload"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.service.to_string(),
            all(&self.endpoints),
            self.capacity.to_string(),
            self.expires_at_s.to_string(),
            short(&self.workload),
        ]
    }
}

/// The head of a workload's id.
fn short(workload: &WorkloadId) -> String {
    let id = workload.to_string();
    id.parse::<Digest>().map_or(id, |digest| digest.short())
}

fn all(endpoints: &[Endpoint]) -> String {
    endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
