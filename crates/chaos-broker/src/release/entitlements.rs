//! What is released and what may be: the projection of the broker's events.

use std::collections::{BTreeMap, BTreeSet};

use chaos_types::Did;

use super::{
    ChallengeGiven, Config, Denial, Event, JobChanged, Lease, LeaseRevoked, Purpose, Released,
    Rule, RuleChanged, SecretChanged, lease::Leases,
};
use crate::{
    Fault, JobId, Refusal, SecretId,
    exchange::{Challenges, LeaseId, Opened},
    folded::{Effect, Projection},
};

/// What the broker knows of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its version in the vault.
    pub version: u64,
    /// Whether it is gone.
    pub revoked: bool,
}

/// What was released, and what may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entitlements {
    pub(super) config: Config,
    pub(super) leases: Leases,
    pub(super) rules: BTreeSet<Rule>,
    pub(super) secrets: BTreeMap<SecretId, Known>,
    pub(super) denials: BTreeSet<Denial>,
    /// How many revocations there were; the sequence number of the list.
    pub(super) revocations: u64,
}

impl Projection for Entitlements {
    type Event = Event;
    type Purpose = Purpose;

    fn at_s(event: &Event) -> u64 {
        event.at_s()
    }

    fn effect(event: &Event) -> Effect<Purpose> {
        match event {
            Event::ChallengeGiven(given) => Effect::Opens(Opened::from(given)),
            Event::Released(released) => Effect::Spends(released.session),
            Event::Refused(refused) => Effect::Refuses {
                code: refused.code,
                spent: refused.session.filter(|_| refused.spent),
            },
            Event::RuleAdded(_)
            | Event::RuleRemoved(_)
            | Event::SecretStored(_)
            | Event::SecretRotated(_)
            | Event::SecretRevoked(_)
            | Event::LeaseRevoked(_)
            | Event::JobRevoked(_)
            | Event::JobLifted(_) => Effect::None,
        }
    }

    fn apply(
        &mut self,
        event: &Event,
        challenges: &mut Challenges<Purpose>,
    ) -> Result<(), Refusal> {
        match event {
            Event::ChallengeGiven(_) | Event::Refused(_) => Ok(()),
            Event::Released(released) => {
                self.apply_released(released, challenges.caller(&released.session))
            }
            Event::RuleAdded(RuleChanged { rule, .. }) => {
                ensure(self.rules.insert(rule.clone()), "the rule is there already")
            }
            Event::RuleRemoved(RuleChanged { rule, .. }) => {
                ensure(self.rules.remove(rule), "there is no such rule")
            }
            Event::SecretStored(SecretChanged { secret, version, .. }) => {
                let known = Known { version: *version, revoked: false };
                let new = self.secrets.insert(secret.clone(), known).is_none();
                ensure(new, "the secret is there already")
            }
            Event::SecretRotated(changed) => self.apply_changed(changed, false),
            Event::SecretRevoked(changed) => self.apply_changed(changed, true),
            Event::LeaseRevoked(LeaseRevoked { lease, .. }) => self.apply_lease_revoked(lease),
            Event::JobRevoked(JobChanged { job, .. }) => {
                self.apply_job_revoked(job);
                challenges.spend_all(|purpose| purpose.job == *job);
                Ok(())
            }
            Event::JobLifted(JobChanged { job, .. }) => {
                ensure(self.lift_denials(job), "nothing is denied to the job")
            }
        }
    }
}

impl Entitlements {
    /// Before the first event.
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            leases: Leases::default(),
            rules: BTreeSet::new(),
            secrets: BTreeMap::new(),
            denials: BTreeSet::new(),
            revocations: 0,
        }
    }

    fn apply_released(&mut self, released: &Released, caller: Option<Did>) -> Result<(), Refusal> {
        let known = self.leases.find(&released.lease).is_ok();
        ensure(known == released.renewed, "a lease is either new or renewed")?;
        let secrets = released.secrets.iter();
        let lease = Lease {
            id: released.lease,
            caller: caller.expect("a nonce that was spent is remembered"),
            job: released.job.clone(),
            role: released.role.clone(),
            workload: released.workload,
            evidence: released.evidence,
            secrets: secrets.map(|given| (given.secret.clone(), given.version)).collect(),
            expires_at_s: released.expires_at_s,
            revoked: false,
        };
        self.leases.enter(lease, released.at_s);
        Ok(())
    }

    fn apply_changed(&mut self, changed: &SecretChanged, revoked: bool) -> Result<(), Refusal> {
        let known = self.secrets.get_mut(&changed.secret).filter(|known| {
            let next = if revoked { known.version } else { known.version + 1 };
            !known.revoked && changed.version >= next
        });
        let Some(known) = known else {
            return ensure(false, "the secret is not there, gone, or newer already");
        };
        *known = Known { version: changed.version, revoked };
        self.revocations += 1;
        Ok(())
    }

    fn apply_lease_revoked(&mut self, lease: &LeaseId) -> Result<(), Refusal> {
        let denial = Denial::of(self.leases.find(lease)?);
        self.denials.insert(denial);
        self.leases.revoke(|found| found.id == *lease);
        self.revocations += 1;
        Ok(())
    }

    fn apply_job_revoked(&mut self, job: &JobId) {
        self.denials.insert(Denial::job(job));
        self.leases.revoke(|lease| lease.job == *job);
        self.revocations += 1;
    }

    /// Forgets what is denied to a job; false if nothing is.
    fn lift_denials(&mut self, job: &JobId) -> bool {
        let count = self.denials.len();
        self.denials.retain(|denial| denial.job != *job);
        self.denials.len() < count
    }
}

impl From<&ChallengeGiven> for Opened<Purpose> {
    fn from(given: &ChallengeGiven) -> Self {
        Self {
            caller: given.caller,
            expires_at_s: given.expires_at_s,
            nonce: given.nonce,
            purpose: given.purpose.clone(),
            session: given.session,
        }
    }
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::new(Fault::EventInvalid, otherwise)) }
}
