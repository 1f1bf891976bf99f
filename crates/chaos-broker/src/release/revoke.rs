//! What the operator revokes, and the signed list of it.

use std::collections::BTreeSet;

use chaos_attestation::WorkloadId;
use chaos_types::AgentKey;

use super::{
    Broker, Current, Event, JobChanged, Known, Lease, LeaseRevoked, Operation, Purpose, Refused,
    Revocations,
};
use crate::{Answered, Fault, JobId, Name, Refusal, Signed, exchange::LeaseId};

/// A broker remembers at most this many denials.
const DENIALS_MAX: usize = 16_384;

/// A job that gets no secrets any more, altogether or in one role of one workload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial {
    /// The job.
    pub job: JobId,
    /// The role and the workload of a lease that was revoked; without them, the whole job is denied.
    pub environment: Option<(Name, WorkloadId)>,
}

impl Denial {
    pub(super) fn job(job: &JobId) -> Self {
        Self { job: job.clone(), environment: None }
    }

    pub(super) fn of(lease: &Lease) -> Self {
        Self { job: lease.job.clone(), environment: Some((lease.role.clone(), lease.workload)) }
    }
}

impl Broker {
    /// Revokes a lease, and denies the lease's job to its role and workload until that is lifted:
    /// neither a new lease nor the renewal of another is given.
    pub fn revoke_lease(&mut self, lease: &LeaseId, at_s: u64) -> Answered<(), Event> {
        let live = self.state().leases.find(lease).and_then(|found| {
            found.ensure_live(at_s)?;
            self.ensure_room(&Denial::of(found))
        });
        let event = self
            .folded
            .ensure_time(at_s)
            .and(live)
            .map(|()| Event::LeaseRevoked(LeaseRevoked { at_s, lease: *lease }));
        self.conclude(event, |code| Refused {
            lease: Some(*lease),
            ..Refused::new(code, Operation::RevokeLease, at_s)
        })
    }

    /// Revokes every lease and open exchange of a job, and denies it to everyone until that is
    /// lifted.
    pub fn revoke_job(&mut self, job: &JobId, at_s: u64) -> Answered<(), Event> {
        let event = self
            .folded
            .ensure_time(at_s)
            .and_then(|()| self.ensure_room(&Denial::job(job)))
            .map(|()| Event::JobRevoked(JobChanged { at_s, job: job.clone() }));
        self.conclude(event, |code| Refused {
            job: Some(job.clone()),
            ..Refused::new(code, Operation::RevokeJob, at_s)
        })
    }

    /// Lifts the revocation of a job and of its leases: it may have secrets again, on new leases.
    ///
    /// The answer is [`Fault::JobNotRevoked`] if nothing is denied to it.
    pub fn lift_job(&mut self, job: &JobId, at_s: u64) -> Answered<(), Event> {
        let denied = self.state().denials.iter().any(|denial| denial.job == *job);
        let unknown = || Refusal::new(Fault::JobNotRevoked, job.to_string());
        let event = self
            .folded
            .ensure_time(at_s)
            .and(denied.then_some(()).ok_or_else(unknown))
            .map(|()| Event::JobLifted(JobChanged { at_s, job: job.clone() }));
        self.conclude(event, |code| Refused {
            job: Some(job.clone()),
            ..Refused::new(code, Operation::LiftJob, at_s)
        })
    }

    /// What is denied until it is lifted.
    #[must_use]
    pub const fn denials(&self) -> &BTreeSet<Denial> {
        &self.folded.state.denials
    }

    /// Whether another denial fits in.
    fn ensure_room(&self, denial: &Denial) -> Result<(), Refusal> {
        if self.state().denials.len() < DENIALS_MAX || self.state().denials.contains(denial) {
            return Ok(());
        }
        let detail =
            format!("there are {DENIALS_MAX} denials, the limit: lift those that are over");
        Err(Refusal::new(Fault::TableFull, detail))
    }

    /// Whether the job may have secrets at all.
    pub(super) fn ensure_job(&self, job: &JobId) -> Result<(), Refusal> {
        if self.state().denials.contains(&Denial::job(job)) {
            return Err(Refusal::new(Fault::JobRevoked, job.to_string()));
        }
        Ok(())
    }

    /// Whether no lease of the job was revoked that was for this role and workload.
    pub(super) fn ensure_not_denied(
        &self,
        purpose: &Purpose,
        workload: WorkloadId,
    ) -> Result<(), Refusal> {
        let environment = Some((purpose.role.clone(), workload));
        if self.state().denials.contains(&Denial { job: purpose.job.clone(), environment }) {
            let detail = format!("one of job {} as {} by {workload}", purpose.job, purpose.role);
            return Err(Refusal::new(Fault::LeaseRevoked, detail));
        }
        Ok(())
    }

    /// The revocation list as of now, signed.
    ///
    /// # Errors
    /// `ReasonCode::ClockSetBack`, or [`Fault::SignatureInvalid`] if the key is not the
    /// broker's.
    pub fn revocations(&self, key: &AgentKey, at_s: u64) -> Result<Signed<Revocations>, Refusal> {
        self.folded.ensure_time(at_s)?;
        self.ensure_key(key)?;
        let running = self.state().leases.iter().filter(|lease| lease.expires_at_s > at_s);
        let rotated =
            self.state().secrets.iter().filter(|(_, known)| known.version > 1 || known.revoked);
        let list = Revocations {
            broker: self.folded.identity,
            expires_at_s: at_s.saturating_add(self.state().config.list_life_s),
            issued_at_s: at_s,
            leases: running.filter(|lease| lease.revoked).map(|lease| lease.id).collect(),
            secrets: rotated
                .map(|(secret, Known { version, revoked })| Current {
                    revoked: *revoked,
                    secret: secret.clone(),
                    version: *version,
                })
                .collect(),
            sequence: self.state().revocations,
        };
        Signed::sign(list, key)
    }
}
