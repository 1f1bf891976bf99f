//! Keeping the service listed.

use chaos_attestation::{ReasonCode, Refusal};
use chaos_broker::{
    directory::{Message, Registrar, Signer},
    exchange::Challenge,
};
use chaos_types::Did;
use serde_json::json;

use super::{Executor, Plan, unasked};
use crate::{
    broker::{Answer, Question},
    channel::Error,
    clock,
    exit::Failure,
    output,
};

/// The registration and when it must be renewed.
pub(super) struct Service {
    registrar: Registrar,
    heartbeat_ms: u64,
    due_at_ms: u64,
}

impl Service {
    pub(super) fn new(plan: &Plan, owner: Did) -> Self {
        let registrar = Registrar::new(
            plan.broker,
            owner,
            plan.service.clone(),
            plan.endpoints.clone(),
            plan.tags.clone(),
        );
        Self { registrar, heartbeat_ms: plan.heartbeat_s.saturating_mul(1000), due_at_ms: 0 }
    }

    pub(super) const fn due_at_ms(&self) -> u64 {
        self.due_at_ms
    }

    fn put_off(&mut self) {
        self.due_at_ms = clock::now_ms().saturating_add(self.heartbeat_ms);
    }
}

impl Executor<'_> {
    pub(super) async fn register(&mut self) -> Result<(), Error> {
        let challenge = self.directory_challenge().await?;
        let with = Signer { key: &self.owner, at_s: clock::now_s() };
        let capacity = self.plan.capacity;
        let request = self.service.registrar.register(&challenge, self.provider, capacity, with)?;
        self.done(Message::Register(Box::new(request))).await?;
        self.service.put_off();
        self.tell("registered")
    }

    pub(super) async fn heartbeat(&mut self) -> Result<(), Error> {
        self.service.put_off();
        let challenge = self.directory_challenge().await?;
        let with = Signer { key: &self.owner, at_s: clock::now_s() };
        let capacity = self.plan.capacity;
        let request =
            self.service.registrar.heartbeat(&challenge, self.provider, capacity, with)?;
        self.done(Message::Heartbeat(Box::new(request))).await?;
        self.tell("heartbeat")
    }

    pub(super) async fn withdraw(&mut self) -> Result<(), Error> {
        let challenge = self.directory_challenge().await?;
        let with = Signer { key: &self.owner, at_s: clock::now_s() };
        let request = self.service.registrar.withdraw(&challenge, with)?;
        self.done(Message::Withdraw(request)).await
    }

    /// A service that is no longer listed is registered anew at the next heartbeat's time.
    pub(super) fn after_refused_heartbeat(&mut self, refusal: &Refusal) -> Result<(), Failure> {
        output::json(&json!({
            "event": "heartbeat-refused", "service": self.plan.service, "code": refusal.code,
            "detail": refusal.detail,
        }))
    }

    async fn directory_challenge(&mut self) -> Result<Challenge, Error> {
        let subject = self.service.registrar.ask().clone();
        match self.ask_directory(Message::ChallengeRequest(subject)).await? {
            Message::Challenge(challenge) => Ok(challenge),
            Message::ChallengeRequest(_)
            | Message::Register(_)
            | Message::Heartbeat(_)
            | Message::Withdraw(_)
            | Message::Discover(_)
            | Message::Found(_)
            | Message::Done
            | Message::Refused(_) => Err(unasked().into()),
        }
    }

    async fn done(&mut self, message: Message) -> Result<(), Error> {
        match self.ask_directory(message).await? {
            Message::Done => Ok(()),
            Message::Challenge(_)
            | Message::ChallengeRequest(_)
            | Message::Register(_)
            | Message::Heartbeat(_)
            | Message::Withdraw(_)
            | Message::Discover(_)
            | Message::Found(_)
            | Message::Refused(_) => Err(unasked().into()),
        }
    }

    async fn ask_directory(&mut self, message: Message) -> Result<Message, Error> {
        match self.ask(&Question::Directory(Box::new(message))).await? {
            Answer::Directory(answer) => Ok(*answer),
            Answer::Release(_) | Answer::Report(_) => Err(unasked().into()),
        }
    }

    fn tell(&self, event: &str) -> Result<(), Error> {
        let told = json!({"event": event, "service": self.plan.service, "owner": self.owner.did()});
        output::json(&told).map_err(|_| {
            Refusal::new(ReasonCode::MessageMalformed, "an event has no JSON form").into()
        })
    }
}
