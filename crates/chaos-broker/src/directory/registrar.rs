use chaos_attestation::{Provider, ReasonCode, Refusal};
use chaos_types::{AgentKey, Did};

use super::{Endpoint, Heartbeat, Registration, Subject, Tags, Withdrawal, message::report_data};
use crate::{EvidenceDocument, ServiceId, Signed, exchange::Challenge};

/// The owner's side: keeps one service listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registrar {
    directory: Did,
    subject: Subject,
    endpoints: Vec<Endpoint>,
    tags: Tags,
    sequence: u64,
}

impl Registrar {
    /// For a service of `owner` in the directory of this key.
    #[must_use]
    pub const fn new(
        directory: Did,
        owner: Did,
        service: ServiceId,
        endpoints: Vec<Endpoint>,
        tags: Tags,
    ) -> Self {
        Self { directory, subject: Subject { owner, service }, endpoints, tags, sequence: 0 }
    }

    /// What to ask a nonce for.
    #[must_use]
    pub const fn ask(&self) -> &Subject {
        &self.subject
    }

    /// A registration over a nonce.
    ///
    /// # Errors
    /// [`ReasonCode::NotOwner`] if the key is not the owner's, [`ReasonCode::NonceExpired`] or
    /// [`ReasonCode::ClockSkewed`] by our clock, or what the provider refuses.
    pub fn register(
        &mut self,
        challenge: &Challenge,
        provider: &dyn Provider,
        capacity: u32,
        (key, at_s): (&AgentKey, u64),
    ) -> Result<Signed<Registration>, Refusal> {
        let evidence = self.prove(challenge, provider, key, at_s)?;
        let registration = Registration {
            capacity,
            directory: self.directory,
            endpoints: self.endpoints.clone(),
            evidence,
            nonce: challenge.nonce.clone(),
            sequence: self.next(at_s),
            session: challenge.session,
            subject: self.subject.clone(),
            tags: self.tags.clone(),
        };
        Signed::sign(registration, key)
    }

    /// A heartbeat over a nonce.
    ///
    /// # Errors
    /// As [`Registrar::register`].
    pub fn heartbeat(
        &mut self,
        challenge: &Challenge,
        provider: &dyn Provider,
        capacity: u32,
        (key, at_s): (&AgentKey, u64),
    ) -> Result<Signed<Heartbeat>, Refusal> {
        let evidence = self.prove(challenge, provider, key, at_s)?;
        let heartbeat = Heartbeat {
            capacity,
            directory: self.directory,
            evidence,
            nonce: challenge.nonce.clone(),
            sequence: self.next(at_s),
            session: challenge.session,
            subject: self.subject.clone(),
        };
        Signed::sign(heartbeat, key)
    }

    /// A withdrawal over a nonce.
    ///
    /// # Errors
    /// [`ReasonCode::NotOwner`], [`ReasonCode::NonceExpired`] or [`ReasonCode::ClockSkewed`].
    pub fn withdraw(
        &mut self,
        challenge: &Challenge,
        (key, at_s): (&AgentKey, u64),
    ) -> Result<Signed<Withdrawal>, Refusal> {
        self.ensure(challenge, key, at_s)?;
        let withdrawal = Withdrawal {
            directory: self.directory,
            nonce: challenge.nonce.clone(),
            sequence: self.next(at_s),
            session: challenge.session,
            subject: self.subject.clone(),
        };
        Signed::sign(withdrawal, key)
    }

    fn prove(
        &self,
        challenge: &Challenge,
        provider: &dyn Provider,
        key: &AgentKey,
        at_s: u64,
    ) -> Result<EvidenceDocument, Refusal> {
        self.ensure(challenge, key, at_s)?;
        let bound = report_data(&self.subject, &self.endpoints, &self.tags, &challenge.nonce);
        Ok(provider.quote(&bound)?.into())
    }

    fn ensure(&self, challenge: &Challenge, key: &AgentKey, at_s: u64) -> Result<(), Refusal> {
        if key.did() != self.subject.owner {
            let detail = format!("the key is {}", key.did());
            return Err(Refusal::new(ReasonCode::NotOwner, detail));
        }
        challenge.ensure_live(at_s)
    }

    /// The time, or one more than last: a service that restarts need not remember its last number.
    fn next(&mut self, at_s: u64) -> u64 {
        self.sequence = at_s.max(self.sequence + 1);
        self.sequence
    }
}
