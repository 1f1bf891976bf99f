use chaos_attestation::Provider;
use chaos_types::{AgentKey, Did};

use super::{Endpoint, Heartbeat, Registration, Subject, Tags, Withdrawal, message::report_data};
use crate::{EvidenceDocument, Fault, Refusal, ServiceId, Signed, exchange::Challenge};

/// Who signs a request, and when.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The owner's key.
    pub key: &'a AgentKey,
    /// The time by the owner's clock, in Unix seconds.
    pub at_s: u64,
}

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
    /// [`Fault::NotOwner`] if the key is not the owner's, [`Fault::NonceExpired`] or
    /// [`Fault::ClockSkewed`] by our clock, or what the provider refuses.
    pub fn register(
        &mut self,
        challenge: &Challenge,
        provider: &dyn Provider,
        capacity: u32,
        signer: Signer<'_>,
    ) -> Result<Signed<Registration>, Refusal> {
        let evidence = self.prove(challenge, provider, signer)?;
        let registration = Registration {
            capacity,
            directory: self.directory,
            endpoints: self.endpoints.clone(),
            evidence,
            nonce: challenge.nonce.clone(),
            sequence: self.next(signer.at_s),
            session: challenge.session,
            subject: self.subject.clone(),
            tags: self.tags.clone(),
        };
        Signed::sign(registration, signer.key)
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
        signer: Signer<'_>,
    ) -> Result<Signed<Heartbeat>, Refusal> {
        let evidence = self.prove(challenge, provider, signer)?;
        let heartbeat = Heartbeat {
            capacity,
            directory: self.directory,
            evidence,
            nonce: challenge.nonce.clone(),
            sequence: self.next(signer.at_s),
            session: challenge.session,
            subject: self.subject.clone(),
        };
        Signed::sign(heartbeat, signer.key)
    }

    /// A withdrawal over a nonce.
    ///
    /// # Errors
    /// [`Fault::NotOwner`], [`Fault::NonceExpired`] or [`Fault::ClockSkewed`].
    pub fn withdraw(
        &mut self,
        challenge: &Challenge,
        signer: Signer<'_>,
    ) -> Result<Signed<Withdrawal>, Refusal> {
        self.ensure(challenge, signer)?;
        let withdrawal = Withdrawal {
            directory: self.directory,
            nonce: challenge.nonce.clone(),
            sequence: self.next(signer.at_s),
            session: challenge.session,
            subject: self.subject.clone(),
        };
        Signed::sign(withdrawal, signer.key)
    }

    fn prove(
        &self,
        challenge: &Challenge,
        provider: &dyn Provider,
        signer: Signer<'_>,
    ) -> Result<EvidenceDocument, Refusal> {
        self.ensure(challenge, signer)?;
        let bound = report_data(&self.subject, &self.endpoints, &self.tags, &challenge.nonce);
        Ok(provider.quote(&bound)?.into())
    }

    fn ensure(&self, challenge: &Challenge, signer: Signer<'_>) -> Result<(), Refusal> {
        if signer.key.did() != self.subject.owner {
            let detail = format!("the key is {}", signer.key.did());
            return Err(Refusal::new(Fault::NotOwner, detail));
        }
        challenge.ensure_live(signer.at_s)
    }

    /// The time, or one more than last: a service that restarts need not remember its last number.
    fn next(&mut self, at_s: u64) -> u64 {
        self.sequence = at_s.max(self.sequence + 1);
        self.sequence
    }
}
