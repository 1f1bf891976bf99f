use std::collections::{BTreeMap, BTreeSet};

use chaos_attestation::{EvidenceId, WorkloadId};
use chaos_types::Did;

use crate::{Fault, JobId, Name, Refusal, SecretId, exchange::LeaseId};

/// At most this many leases are remembered at a time, those that are over included.
const LEASES_MAX: usize = 16_384;

/// One caller has at most this many leases that run.
pub(crate) const LEASES_PER_CALLER_MAX: usize = 64;

/// A lease that has ended is remembered this long, in seconds, so that its holder learns why: a day.
pub(crate) const LEASE_MEMORY_S: u64 = 86_400;

/// The right to use secrets for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Its name.
    pub id: LeaseId,
    /// The key that it was given to, or that renewed it last.
    pub caller: Did,
    /// The job that it is for.
    pub job: JobId,
    /// The role in the job.
    pub role: Name,
    /// What ran where the secrets went.
    pub workload: WorkloadId,
    /// The evidence that it was last given on.
    pub evidence: EvidenceId,
    /// Which secrets, in which versions.
    pub secrets: BTreeMap<SecretId, u64>,
    /// When it expires, in Unix seconds.
    pub expires_at_s: u64,
    /// Whether it was revoked.
    pub revoked: bool,
}

impl Lease {
    pub(super) fn ensure_live(&self, at_s: u64) -> Result<(), Refusal> {
        let refuse = |code: Fault| Err(Refusal::new(code, format!("lease {}", self.id)));
        if self.revoked {
            return refuse(Fault::LeaseRevoked);
        }
        if self.expires_at_s <= at_s {
            return refuse(Fault::LeaseExpired);
        }
        Ok(())
    }
}

/// The leases, by name and by when they end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Leases {
    by_id: BTreeMap<LeaseId, Lease>,
    by_end: BTreeSet<(u64, LeaseId)>,
}

impl Leases {
    pub(super) fn find(&self, id: &LeaseId) -> Result<&Lease, Refusal> {
        self.by_id.get(id).ok_or_else(|| Refusal::new(Fault::LeaseUnknown, format!("lease {id}")))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.by_id.values()
    }

    /// Whether another lease of this caller fits in.
    pub(super) fn ensure_room(&self, caller: &Did, at_s: u64) -> Result<(), Refusal> {
        let live = |lease: &&Lease| lease.caller == *caller && lease.ensure_live(at_s).is_ok();
        if self.iter().filter(live).count() >= LEASES_PER_CALLER_MAX {
            let detail = format!("{caller} has {LEASES_PER_CALLER_MAX} leases, the limit");
            return Err(Refusal::new(Fault::TableFull, detail));
        }
        let over = self.by_end.first().is_some_and(|(end, _)| *end <= at_s);
        if self.by_id.len() < LEASES_MAX || over {
            return Ok(());
        }
        let detail = format!("{LEASES_MAX} leases run, the limit");
        Err(Refusal::new(Fault::TableFull, detail))
    }

    /// Enters a lease in the place of the one of the same name, and forgets what has long been
    /// over.
    pub(super) fn enter(&mut self, lease: Lease, at_s: u64) {
        if let Some(old) = self.by_id.remove(&lease.id) {
            self.by_end.remove(&(old.expires_at_s, old.id));
        }
        while let Some((end, id)) = self.by_end.first().copied() {
            let long_over = end.saturating_add(LEASE_MEMORY_S) <= at_s;
            if !(long_over || self.by_id.len() >= LEASES_MAX && end <= at_s) {
                break;
            }
            self.by_end.pop_first();
            self.by_id.remove(&id);
        }
        self.by_end.insert((lease.expires_at_s, lease.id));
        self.by_id.insert(lease.id, lease);
    }

    /// Revokes the leases that `of` picks.
    pub(super) fn revoke(&mut self, of: impl Fn(&Lease) -> bool) {
        for lease in self.by_id.values_mut() {
            lease.revoked |= of(lease);
        }
    }
}
