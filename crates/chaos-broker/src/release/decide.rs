//! The broker's two answers to code that wants secrets: a nonce, and the secrets.

use chaos_attestation::{Appraiser, Finding, ReasonCode};
use chaos_types::{AgentKey, Did};

use super::{
    Broker, ChallengeGiven, Event, Given, Grant, Lease, Operation, Purpose, Refused,
    ReleaseRequest, Released, Sealed, message::report_data, seal::Bound,
};
use crate::{
    Answered, Fault, Random, Refusal, Signed,
    exchange::{Challenge, LeaseId},
    folded::Progress,
    vault::Vault,
};

/// What the broker decides with: none of it is part of its state.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Judges evidence, by the policy and allowlist of this moment.
    pub appraiser: &'a dyn Appraiser,
    /// Signs the answer; the broker's identity.
    pub key: &'a AgentKey,
    /// Holds the secrets.
    pub vault: &'a Vault,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("key", self.key).field("vault", self.vault).finish()
    }
}

impl Broker {
    /// Gives a nonce for one release to the holder of a key, as the channel showed it.
    ///
    /// The answer is refused with [`ReasonCode::ClockSetBack`], [`ReasonCode::MessageMalformed`],
    /// [`Fault::TableFull`], [`Fault::JobRevoked`], or if the lease to be renewed cannot be: [`Fault::LeaseUnknown`],
    /// [`Fault::LeaseRevoked`], [`Fault::LeaseExpired`] or [`Fault::LeaseMismatch`].
    pub fn challenge(
        &mut self,
        caller: &Did,
        purpose: &Purpose,
        random: Random<'_>,
        at_s: u64,
    ) -> Answered<Challenge, Event> {
        let drawn = self
            .folded
            .ensure_time(at_s)
            .and_then(|()| purpose.ensure_valid())
            .and_then(|()| self.ensure_renewable(purpose, at_s).map(drop))
            .and_then(|()| self.ensure_job(&purpose.job))
            .and_then(|()| self.folded.draw(caller, random, at_s));
        let decided = drawn.map(|challenge| {
            let given = ChallengeGiven {
                at_s,
                caller: *caller,
                expires_at_s: challenge.expires_at_s,
                nonce: challenge.nonce.digest(),
                purpose: purpose.clone(),
                session: challenge.session,
            };
            (Event::ChallengeGiven(given), challenge)
        });
        self.folded.conclude(decided, |code| {
            Event::Refused(Refused {
                job: Some(purpose.job.clone()),
                lease: purpose.renews,
                ..Refused::new(code, Operation::Challenge, at_s)
            })
        })
    }

    /// Releases secrets on a new or renewed lease.
    ///
    /// The checks, in order: clock, key of the broker, nonce (known, unspent, not over); from here
    /// on the nonce is used up whatever the answer; purpose as when the nonce was given, evidence by
    /// the appraiser, report data, lease to be renewed, revocations,
    /// rules, and each secret in the vault.
    pub fn release(
        &mut self,
        request: &ReleaseRequest,
        context: &Context<'_>,
        random: Random<'_>,
        at_s: u64,
    ) -> Answered<Signed<Grant>, Event> {
        let mut progress = Progress::default();
        let decided = self.decide(request, context, random, at_s, &mut progress);
        let decided = decided.map(|(released, grant)| (Event::Released(released), grant));
        self.folded.conclude(decided, |code| {
            Event::Refused(Refused {
                evidence: progress.evidence,
                job: Some(request.purpose.job.clone()),
                lease: request.purpose.renews,
                session: Some(request.session),
                spent: progress.spent,
                ..Refused::new(code, Operation::Release, at_s)
            })
        })
    }

    fn decide(
        &self,
        request: &ReleaseRequest,
        context: &Context<'_>,
        random: Random<'_>,
        at_s: u64,
        progress: &mut Progress,
    ) -> Result<(Released, Signed<Grant>), Refusal> {
        self.folded.ensure_time(at_s)?;
        self.ensure_key(context.key)?;
        let asked = self.folded.challenges().ensure(&request.session, &request.nonce, at_s)?;
        progress.spent = true;
        if *asked != request.purpose {
            let detail = "the nonce was given for another job, role, lease or list of secrets";
            return Err(Refusal::new(ReasonCode::BindingMismatch, detail));
        }
        let bound = report_data(&request.nonce, &request.key, &request.purpose);
        let finding = progress.appraise(&request.evidence, &bound, context.appraiser, at_s)?;
        let lease = self.lease_for(request, &finding, random, at_s)?;
        let expires_at_s =
            at_s.saturating_add(self.state().config.lease_life_s).min(finding.fresh_until_s);
        if expires_at_s <= at_s {
            let detail = "the collateral ends before the lease could begin";
            return Err(Refusal::new(ReasonCode::CollateralExpired, detail));
        }
        let bound = Bound {
            evidence: &finding.evidence,
            policy: &finding.policy,
            lease: &lease,
            expires_at_s,
        };
        let sealed = self.seal(request, &finding, context.vault, &bound, random)?;
        let grant = Grant {
            evidence: finding.evidence,
            expires_at_s,
            issued_at_s: at_s,
            key: request.key,
            lease,
            policy: finding.policy,
            purpose: request.purpose.clone(),
            sealed,
            session: request.session,
        };
        let released = released(&grant, &finding, at_s);
        Ok((released, Signed::sign(grant, context.key)?))
    }

    /// The lease that the purpose would renew.
    fn ensure_renewable(&self, purpose: &Purpose, at_s: u64) -> Result<Option<&Lease>, Refusal> {
        let Some(id) = &purpose.renews else {
            return Ok(None);
        };
        let lease = self.state().leases.find(id)?;
        let same = lease.job == purpose.job
            && lease.role == purpose.role
            && lease.secrets.keys().eq(&purpose.secrets);
        if !same {
            return Err(Refusal::new(Fault::LeaseMismatch, format!("lease {id}")));
        }
        lease.ensure_live(at_s)?;
        Ok(Some(lease))
    }

    fn lease_for(
        &self,
        request: &ReleaseRequest,
        finding: &Finding,
        random: Random<'_>,
        at_s: u64,
    ) -> Result<LeaseId, Refusal> {
        let purpose = &request.purpose;
        let renewed = self.ensure_renewable(purpose, at_s)?;
        self.ensure_not_denied(purpose, finding.workload)?;
        match renewed {
            Some(lease) if lease.workload == finding.workload => Ok(lease.id),
            Some(lease) => {
                let detail = format!("lease {} is of another workload", lease.id);
                Err(Refusal::new(Fault::LeaseMismatch, detail))
            }
            None => {
                let caller = self.folded.challenges().caller(&request.session);
                let caller = caller.expect("the nonce was found before");
                self.state().leases.ensure_room(&caller, at_s)?;
                let id = LeaseId::draw(random);
                match self.state().leases.find(&id) {
                    Ok(_) => {
                        let detail = "the random source repeated a lease id";
                        Err(Refusal::new(Fault::EventInvalid, detail))
                    }
                    Err(_) => Ok(id),
                }
            }
        }
    }

    /// Encrypts each secret that is wanted, if the rules let the workload read all of them.
    fn seal(
        &self,
        request: &ReleaseRequest,
        finding: &Finding,
        vault: &Vault,
        bound: &Bound<'_>,
        random: Random<'_>,
    ) -> Result<Vec<Sealed>, Refusal> {
        for secret in &request.purpose.secrets {
            self.ensure_allowed(&request.purpose, secret, finding)?;
        }
        let mut sealed = Vec::with_capacity(request.purpose.secrets.len());
        for id in &request.purpose.secrets {
            let recorded = self.ensure_secret(id)?;
            let (version, secret) = vault.open(id)?;
            if version != recorded {
                let newer = version > recorded;
                let code = if newer { Fault::EventInvalid } else { Fault::VaultRollback };
                let detail = format!("{id} has version {version}, {recorded} was recorded");
                return Err(Refusal::new(code, detail));
            }
            let given = Given { secret: id.clone(), version };
            sealed.push(bound.seal(&request.key, given, &secret, random)?);
        }
        Ok(sealed)
    }
}

fn released(grant: &Grant, finding: &Finding, at_s: u64) -> Released {
    let given = |sealed: &Sealed| Given { secret: sealed.secret.clone(), version: sealed.version };
    Released {
        anchor: finding.anchor,
        at_s,
        evidence: grant.evidence,
        expires_at_s: grant.expires_at_s,
        job: grant.purpose.job.clone(),
        lease: grant.lease,
        policy: grant.policy,
        renewed: grant.purpose.renews.is_some(),
        role: grant.purpose.role.clone(),
        secrets: grant.sealed.iter().map(given).collect(),
        session: grant.session,
        workload: finding.workload,
    }
}
