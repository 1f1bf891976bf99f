use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chaos_attestation::{EvidenceId, Provider, Quote, ReasonCode};
use chaos_types::Did;

use super::{
    Grant, Purpose, ReleaseKey, ReleaseRequest, Revocations,
    message::report_data,
    seal::{Bound, PrivateKey},
};
use crate::{
    Fault, JobId, Name, Random, Refusal, SecretId, Signed,
    answered::Clock,
    exchange::{Challenge, LeaseId, SessionId, ensure_clock},
    vault::Secret,
};

/// Code inside that wants secrets from a broker for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    broker: Did,
    job: JobId,
    role: Name,
    secrets: BTreeSet<SecretId>,
}

impl Client {
    /// `broker` is the key that must have signed every answer: it must come from the measured
    /// configuration, not from the host.
    ///
    /// # Errors
    /// [`ReasonCode::MessageMalformed`] if there are no secrets or too many.
    pub fn new(
        broker: Did,
        job: JobId,
        role: Name,
        secrets: BTreeSet<SecretId>,
    ) -> Result<Self, Refusal> {
        let client = Self { broker, job, role, secrets };
        client.ask(None).ensure_valid()?;
        Ok(client)
    }

    /// What to ask a nonce for: a new lease, or the renewal of one.
    #[must_use]
    pub fn ask(&self, renews: Option<LeaseId>) -> Purpose {
        Purpose {
            job: self.job.clone(),
            renews,
            role: self.role.clone(),
            secrets: self.secrets.iter().cloned().collect(),
        }
    }

    /// Makes a key for this release alone and has it attested together with the nonce.
    ///
    /// # Errors
    /// [`Fault::NonceExpired`] or [`Fault::ClockSkewed`] by our clock, or what the provider
    /// refuses.
    pub fn prove(
        &self,
        purpose: Purpose,
        challenge: &Challenge,
        provider: &dyn Provider,
        random: Random<'_>,
        at_s: u64,
    ) -> Result<(Pending, ReleaseRequest), Refusal> {
        challenge.ensure_live(at_s)?;
        let (private, key) = PrivateKey::draw(random);
        let evidence = provider.quote(&report_data(&challenge.nonce, &key, &purpose))?;
        let pending = Pending {
            broker: self.broker,
            evidence: Quote::parse(&evidence.quote)?.id(),
            key,
            private,
            purpose: purpose.clone(),
            session: challenge.session,
        };
        let request = ReleaseRequest {
            evidence: evidence.into(),
            key,
            nonce: challenge.nonce.clone(),
            purpose,
            session: challenge.session,
        };
        Ok((pending, request))
    }
}

/// A request that is under way, with the private half of its key.
pub struct Pending {
    broker: Did,
    evidence: EvidenceId,
    key: ReleaseKey,
    private: PrivateKey,
    purpose: Purpose,
    session: SessionId,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Pending {
    /// Checks the answer and decrypts the secrets. The key is used up. What renews a lease that is
    /// held goes to [`Held::renew`].
    ///
    /// # Errors
    /// [`Fault::SignatureInvalid`] if the broker did not sign it,
    /// [`ReasonCode::BindingMismatch`] if it answers another request, [`Fault::ClockSkewed`]
    /// or [`Fault::LeaseExpired`] by our clock, or [`Fault::CiphertextInvalid`].
    pub fn open(self, grant: &Signed<Grant>, at_s: u64) -> Result<Held, Refusal> {
        let grant = grant.verify(&self.broker)?;
        let ours = grant.session == self.session
            && grant.key == self.key
            && grant.evidence == self.evidence
            && grant.purpose == self.purpose
            && self.purpose.renews.is_none_or(|lease| lease == grant.lease)
            && grant.sealed.iter().map(|sealed| &sealed.secret).eq(&self.purpose.secrets);
        if !ours {
            let detail = format!("the grant does not answer session {}", self.session);
            return Err(Refusal::new(ReasonCode::BindingMismatch, detail));
        }
        ensure_clock(grant.issued_at_s, at_s)?;
        let bound = Bound {
            evidence: &grant.evidence,
            policy: &grant.policy,
            lease: &grant.lease,
            expires_at_s: grant.expires_at_s,
        };
        let mut secrets = BTreeMap::new();
        for sealed in &grant.sealed {
            let secret = bound.open(sealed, &self.private)?;
            secrets.insert(sealed.secret.clone(), (sealed.version, secret));
        }
        let mut held = Held {
            broker: self.broker,
            lease: grant.lease,
            // A clock that is behind the broker's makes no lease longer.
            expires_at_s: at_s
                .saturating_add(grant.expires_at_s.saturating_sub(grant.issued_at_s))
                .min(grant.expires_at_s),
            secrets,
            clock: Clock::default(),
            list: Clock::default(),
            sequence: 0,
        };
        held.ensure_live(at_s)?;
        Ok(held)
    }
}

/// Secrets on a lease, no longer than it was given for, whatever the clock showed at the beginning.
/// They are overwritten when the lease is over, revoked or stale, as soon as
/// anything is asked of it; drop it, or call [`Held::ensure_live`], when its time comes.
pub struct Held {
    broker: Did,
    lease: LeaseId,
    expires_at_s: u64,
    secrets: BTreeMap<SecretId, (u64, Secret)>,
    clock: Clock,
    /// When the newest revocation list that was seen was written.
    list: Clock,
    sequence: u64,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("lease", &self.lease)
            .field("expires_at_s", &self.expires_at_s)
            .field("secrets", &self.secrets.keys())
            .finish_non_exhaustive()
    }
}

impl Held {
    /// The lease.
    #[must_use]
    pub const fn lease(&self) -> LeaseId {
        self.lease
    }

    /// When it is over by our clock, in Unix seconds.
    #[must_use]
    pub const fn expires_at_s(&self) -> u64 {
        self.expires_at_s
    }

    /// Takes the secrets of a renewed lease in the place of these, which are overwritten. What was
    /// seen of the clock and of revocation lists goes on. A refusal changes nothing.
    ///
    /// # Errors
    /// As [`Pending::open`], [`ReasonCode::ClockSetBack`], or [`Fault::LeaseMismatch`] if this
    /// is not the lease that was to be renewed.
    pub fn renew(
        &mut self,
        pending: Pending,
        grant: &Signed<Grant>,
        at_s: u64,
    ) -> Result<(), Refusal> {
        self.clock.ensure(at_s)?;
        if pending.purpose.renews != Some(self.lease) || pending.broker != self.broker {
            let detail = format!("expected the renewal of lease {}", self.lease);
            return Err(Refusal::new(Fault::LeaseMismatch, detail));
        }
        let renewed = pending.open(grant, at_s)?;
        *self = Self { list: self.list, sequence: self.sequence, ..renewed };
        Ok(())
    }

    /// The secrets that can still be used, with their versions.
    pub fn secrets(&self) -> impl Iterator<Item = (&SecretId, u64)> {
        self.secrets.iter().map(|(id, (version, _))| (id, *version))
    }

    /// Whether the lease still runs; overwrites the secrets if not.
    ///
    /// # Errors
    /// [`ReasonCode::ClockSetBack`] or [`Fault::LeaseExpired`].
    pub fn ensure_live(&mut self, at_s: u64) -> Result<(), Refusal> {
        self.clock.advance(at_s)?;
        if at_s < self.expires_at_s {
            return Ok(());
        }
        self.secrets.clear();
        Err(Refusal::new(Fault::LeaseExpired, format!("lease {}", self.lease)))
    }

    /// A secret.
    ///
    /// # Errors
    /// As [`Held::ensure_live`], or [`Fault::SecretUnknown`] if it is not among the lease's or
    /// was dropped after a revocation.
    pub fn secret(&mut self, id: &SecretId, at_s: u64) -> Result<&Secret, Refusal> {
        self.ensure_live(at_s)?;
        self.secrets
            .get(id)
            .map(|(_, secret)| secret)
            .ok_or_else(|| Refusal::new(Fault::SecretUnknown, id.to_string()))
    }

    /// Overwrites what the broker's revocation list names.
    ///
    /// # Errors
    /// As [`Held::ensure_live`], [`Fault::SignatureInvalid`],
    /// [`Fault::RevocationListRollback`] or [`Fault::RevocationListExpired`] if the list
    /// is no good, [`Fault::LeaseRevoked`] if it names the lease, and
    /// [`Fault::LeaseStale`] if it names one of the secrets: it was dropped, and a renewal
    /// gives its new version.
    pub fn observe(&mut self, list: &Signed<Revocations>, at_s: u64) -> Result<(), Refusal> {
        self.ensure_live(at_s)?;
        let list = list.verify(&self.broker)?;
        if list.broker != self.broker
            || list.sequence < self.sequence
            || self.list.advance(list.issued_at_s).is_err()
        {
            let detail = format!("sequence {}, {} was accepted", list.sequence, self.sequence);
            return Err(Refusal::new(Fault::RevocationListRollback, detail));
        }
        self.sequence = list.sequence;
        if list.leases.binary_search(&self.lease).is_ok() {
            self.secrets.clear();
            let detail = format!("lease {}", self.lease);
            return Err(Refusal::new(Fault::LeaseRevoked, detail));
        }
        let count = self.secrets.len();
        for current in &list.secrets {
            let stale =
                |(version, _): &(u64, Secret)| current.revoked || *version < current.version;
            if self.secrets.get(&current.secret).is_some_and(stale) {
                self.secrets.remove(&current.secret);
            }
        }
        if self.secrets.len() < count {
            let detail = format!("lease {}", self.lease);
            return Err(Refusal::new(Fault::LeaseStale, detail));
        }
        if list.expires_at_s <= at_s {
            let detail = format!("it was good until {} s, it is {at_s} s", list.expires_at_s);
            return Err(Refusal::new(Fault::RevocationListExpired, detail));
        }
        Ok(())
    }
}
