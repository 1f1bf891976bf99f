//! Secrets on a lease: got, renewed, and overwritten when it is over.

use chaos_attestation::{ReasonCode, Refusal};
use chaos_broker::{
    Signed,
    exchange::Challenge,
    release::{Client, Grant, Held, LeaseId, Message, Pending, Purpose},
};
use serde_json::{Value, json};

use super::{Due, Executor, unasked};
use crate::{
    broker::{Answer, Question},
    channel::Error,
    clock,
    exit::{Failure, Kind},
    output,
};

/// What is held, and when to do something about it.
pub(super) struct Lease {
    held: Held,
    renew_at_ms: u64,
    list_at_ms: u64,
}

impl Lease {
    fn new(held: Held, poll_s: u64) -> Self {
        let now = clock::now_ms();
        let renew_at_ms = midway(now, &held);
        Self { held, renew_at_ms, list_at_ms: now.saturating_add(poll_s.saturating_mul(1000)) }
    }

    pub(super) fn next(&self) -> [(Due, u64); 3] {
        [
            (Due::Expiry, self.held.expires_at_s().saturating_mul(1000)),
            (Due::Renewal, self.renew_at_ms),
            (Due::List, self.list_at_ms),
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
            return Err(unasked().into());
        };
        let (pending, grant) = self.prove(&client, purpose, &challenge).await?;
        let (at_s, poll_s) = (clock::now_s(), self.plan.poll_s);
        let lease = match &mut self.lease {
            // What was seen of the clock and of revocation lists goes on.
            Some(lease) if renews.is_some() => {
                lease.held.renew(pending, &grant, at_s)?;
                lease.renew_at_ms = midway(clock::now_ms(), &lease.held);
                lease
            }
            lease => lease.insert(Lease::new(pending.open(&grant, at_s)?, poll_s)),
        };
        let event = if renews.is_some() { "lease-renewed" } else { "secrets-received" };
        let told = json!({
            "event": event, "lease": lease.held.lease(), "expires_at_s": lease.held.expires_at_s(),
            "secrets": shown(&mut lease.held, clock::now_s()),
        });
        // The output is this process's own; it cannot be that its values have no JSON form.
        let _shown = output::json(&told);
        Ok(())
    }

    async fn prove(
        &mut self,
        client: &Client,
        purpose: Purpose,
        challenge: &Challenge,
    ) -> Result<(Pending, Box<Signed<Grant>>), Error> {
        let (pending, request) =
            client.prove(purpose, challenge, self.provider, &mut clock::fill, clock::now_s())?;
        let asked = Message::ReleaseRequest(Box::new(request));
        let Message::Grant(grant) = self.ask_release(asked).await? else {
            return Err(unasked().into());
        };
        Ok((pending, grant))
    }

    pub(super) async fn renew(&mut self) -> Result<(), Error> {
        let Some(lease) = &mut self.lease else { return Ok(()) };
        lease.renew_at_ms = midway(clock::now_ms(), &lease.held);
        let id = lease.held.lease();
        self.provide(Some(id)).await
    }

    /// Asks for the revocation list and drops what it names. What was only rotated is renewed.
    pub(super) async fn observe(&mut self) -> Result<(), Error> {
        let Some(lease) = &mut self.lease else { return Ok(()) };
        lease.list_at_ms = clock::now_ms().saturating_add(self.plan.poll_s.saturating_mul(1000));
        let Message::Revocations(list) = self.ask_release(Message::RevocationsRequest).await?
        else {
            return Err(unasked().into());
        };
        let Some(lease) = &mut self.lease else { return Ok(()) };
        match lease.held.observe(&list, clock::now_s()) {
            Err(refusal) if refusal.code == ReasonCode::LeaseStale => {
                let left: Vec<_> = lease.held.secrets().map(|(id, _)| id.clone()).collect();
                let told = json!({
                    "event": "secrets-stale", "lease": lease.held.lease(), "left": left,
                });
                let _shown = output::json(&told);
                self.renew().await
            }
            done => Ok(done?),
        }
    }

    /// Whether the lease still lives, if there is one.
    pub(super) fn ensure_live(&mut self) -> Result<(), Failure> {
        let Some(lease) = &mut self.lease else { return Ok(()) };
        match lease.held.ensure_live(clock::now_s()) {
            Ok(()) => Ok(()),
            Err(refusal) => self.end(&refusal),
        }
    }

    /// What a refusal means for what is held: a lease that was ended is over at once, any other
    /// refusal leaves it to run out.
    pub(super) fn after_refusal(&mut self, due: Due, refusal: &Refusal) -> Result<(), Failure> {
        if due == Due::Heartbeat {
            return self.after_refused_heartbeat(refusal);
        }
        let lease = self.lease.as_ref().map(|lease| lease.held.lease());
        output::json(&json!({
            "event": "renewal-refused", "lease": lease, "code": refusal.code,
            "detail": refusal.detail,
        }))?;
        let ended = matches!(
            refusal.code,
            ReasonCode::LeaseRevoked | ReasonCode::LeaseExpired | ReasonCode::SecretRevoked
        );
        if ended { self.end(refusal) } else { self.ensure_live() }
    }

    fn end(&mut self, refusal: &Refusal) -> Result<(), Failure> {
        self.drop_secrets(refusal.code.as_str())?;
        Err(Failure::new(Kind::Check, refusal.clone())
            .context("the secrets were dropped")
            .hint("`chaoschain secret audit` at the broker tells what happened to the lease"))
    }

    /// Overwrites what is held, if anything.
    pub(super) fn drop_secrets(&mut self, why: &str) -> Result<(), Failure> {
        let Some(lease) = self.lease.take() else { return Ok(()) };
        let id = lease.held.lease();
        drop(lease);
        output::json(&json!({"event": "secrets-dropped", "lease": id, "why": why}))
    }

    async fn ask_release(&mut self, message: Message) -> Result<Message, Error> {
        match self.ask(&Question::Release(Box::new(message))).await? {
            Answer::Release(answer) => Ok(*answer),
            Answer::Directory(_) | Answer::Report(_) => Err(unasked().into()),
        }
    }
}

/// What can be said of the secrets: id, version and length in bytes.
fn shown(held: &mut Held, at_s: u64) -> Vec<Value> {
    let ids: Vec<_> = held.secrets().map(|(id, version)| (id.clone(), version)).collect();
    ids.into_iter()
        .map(|(id, version)| {
            let bytes = held.secret(&id, at_s).map_or(0, |secret| secret.expose().len());
            json!({"secret": id, "version": version, "bytes": bytes})
        })
        .collect()
}
