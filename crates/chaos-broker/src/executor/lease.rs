//! Secrets on a lease: received, renewed, and overwritten when it is over.

use super::{Due, Error, Event, Executor, HeldSecret, Timer, other_answer};
use crate::{
    Fault, Reason, Refusal, Signed,
    exchange::Challenge,
    release::{Client, Grant, Held, LeaseId, Message, Pending, Purpose},
    service::{Answer, Question},
    system::source,
};

/// What is held, and when to do something about it.
pub(super) struct HeldLease {
    held: Held,
    renew_at_ms: u64,
    list_at_ms: u64,
}

impl HeldLease {
    pub(super) fn timers(&self) -> [Timer; 3] {
        [
            Timer { at_ms: self.held.expires_at_s().saturating_mul(1000), due: Due::Expiry },
            Timer { at_ms: self.renew_at_ms, due: Due::Renewal },
            Timer { at_ms: self.list_at_ms, due: Due::List },
        ]
    }
}

/// Half-way to the end, from now.
fn midway(now_ms: u64, held: &Held) -> u64 {
    let left_ms = held.expires_at_s().saturating_mul(1000).saturating_sub(now_ms);
    now_ms.saturating_add((left_ms / 2).max(100))
}

impl Executor<'_> {
    /// Gets the secrets under a new lease, or renews one.
    pub(super) async fn provide(&mut self, renews: Option<LeaseId>) -> Result<(), Error> {
        let (broker, job) = (self.plan.broker, self.plan.job.clone());
        let (role, secrets) = (self.plan.role.clone(), self.plan.secrets.clone());
        let client = Client::new(broker, job, role, secrets)?;
        let purpose = client.ask(renews);
        let asked = Message::ChallengeRequest(purpose.clone());
        let Message::Challenge(challenge) = self.ask_release(asked).await? else {
            return Err(other_answer().into());
        };
        let (pending, grant) = self.prove(&client, purpose, &challenge).await?;
        let (at_s, now_ms, list_at_ms) = (self.now_s(), self.now_ms(), self.next_list_ms());
        let lease = match &mut self.lease {
            // What was seen of the clock and of revocation lists goes on.
            Some(lease) if renews.is_some() => {
                lease.held.renew(pending, &grant, at_s)?;
                lease.renew_at_ms = midway(now_ms, &lease.held);
                lease
            }
            lease => {
                let held = pending.open(&grant, at_s)?;
                let renew_at_ms = midway(now_ms, &held);
                lease.insert(HeldLease { held, renew_at_ms, list_at_ms })
            }
        };
        let (id, expires_at_s) = (lease.held.lease(), lease.held.expires_at_s());
        let secrets = held_secrets(&mut lease.held, at_s);
        self.tell(&if renews.is_some() {
            Event::LeaseRenewed { lease: id, expires_at_s, secrets }
        } else {
            Event::SecretsReceived { lease: id, expires_at_s, secrets }
        })
    }

    fn next_list_ms(&self) -> u64 {
        self.now_ms().saturating_add(self.plan.poll_s.saturating_mul(1000))
    }

    async fn prove(
        &mut self,
        client: &Client,
        purpose: Purpose,
        challenge: &Challenge,
    ) -> Result<(Pending, Box<Signed<Grant>>), Error> {
        let (provider, at_s) = (self.environment.provider, self.now_s());
        let mut random = source(self.environment.system);
        let (pending, request) = client.prove(purpose, challenge, provider, &mut random, at_s)?;
        let asked = Message::ReleaseRequest(Box::new(request));
        let Message::Grant(grant) = self.ask_release(asked).await? else {
            return Err(other_answer().into());
        };
        Ok((pending, grant))
    }

    pub(super) async fn renew(&mut self) -> Result<(), Error> {
        let now_ms = self.now_ms();
        let Some(lease) = &mut self.lease else { return Ok(()) };
        lease.renew_at_ms = midway(now_ms, &lease.held);
        let id = lease.held.lease();
        self.provide(Some(id)).await
    }

    /// Asks for the revocation list and drops what it names. What was only rotated is renewed.
    pub(super) async fn observe(&mut self) -> Result<(), Error> {
        let list_at_ms = self.next_list_ms();
        let Some(lease) = &mut self.lease else { return Ok(()) };
        lease.list_at_ms = list_at_ms;
        let Message::Revocations(list) = self.ask_release(Message::RevocationsRequest).await?
        else {
            return Err(other_answer().into());
        };
        let at_s = self.now_s();
        let Some(lease) = &mut self.lease else { return Ok(()) };
        match lease.held.observe(&list, at_s) {
            Err(refusal) if refusal.code == Fault::LeaseStale => {
                let left = lease.held.secrets().map(|(id, _)| id.clone()).collect();
                let lease = lease.held.lease();
                self.tell(&Event::SecretsStale { lease, left })?;
                self.renew().await
            }
            done => Ok(done?),
        }
    }

    /// Whether the lease still lives, if there is one.
    pub(super) fn ensure_live(&mut self) -> Result<(), Error> {
        let at_s = self.now_s();
        let Some(lease) = &mut self.lease else { return Ok(()) };
        match lease.held.ensure_live(at_s) {
            Ok(()) => Ok(()),
            Err(refusal) => self.end(refusal),
        }
    }

    /// Tells of a refusal. A lease that was ended is over at once; after any other refusal it runs
    /// out.
    pub(super) fn after_refusal(&mut self, due: Due, refusal: &Refusal) -> Result<(), Error> {
        if due == Due::Heartbeat {
            return self.after_refused_heartbeat(refusal);
        }
        let lease = self.lease.as_ref().map(|lease| lease.held.lease());
        let (code, detail) = (refusal.code, refusal.detail.clone());
        self.tell(&Event::RenewalRefused { lease, code, detail })?;
        let ended = matches!(
            refusal.code,
            Reason::Broker(Fault::LeaseRevoked | Fault::LeaseExpired | Fault::SecretRevoked)
        );
        if ended { self.end(refusal.clone()) } else { self.ensure_live() }
    }

    fn end(&mut self, refusal: Refusal) -> Result<(), Error> {
        self.drop_secrets(refusal.code.as_str())?;
        Err(Error::LeaseEnded(refusal))
    }

    /// Overwrites what is held, if anything.
    pub(super) fn drop_secrets(&mut self, why: &str) -> Result<(), Error> {
        let Some(lease) = self.lease.take() else { return Ok(()) };
        let id = lease.held.lease();
        drop(lease);
        self.tell(&Event::SecretsDropped { lease: id, why: why.to_owned() })
    }

    async fn ask_release(&mut self, message: Message) -> Result<Message, Error> {
        match self.ask(&Question::Release(Box::new(message))).await? {
            Answer::Release(answer) => Ok(*answer),
            Answer::Directory(_) | Answer::Report(_) => Err(other_answer().into()),
        }
    }
}

/// What can be told of the secrets.
fn held_secrets(held: &mut Held, at_s: u64) -> Vec<HeldSecret> {
    let ids: Vec<_> = held.secrets().map(|(id, version)| (id.clone(), version)).collect();
    ids.into_iter()
        .map(|(secret, version)| {
            let bytes = held.secret(&secret, at_s).map_or(0, |secret| secret.expose().len());
            HeldSecret { secret, version, bytes }
        })
        .collect()
}
