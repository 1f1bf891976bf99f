//! Keeping the service listed.

use chaos_types::Did;

use super::{Error, Event, Executor, Plan, other_answer};
use crate::{
    Refusal,
    directory::{Message, Registrar, Signer},
    exchange::Challenge,
    service::{Answer, Question},
};

/// The registration and when it must be renewed.
pub(super) struct Registration {
    registrar: Registrar,
    heartbeat_ms: u64,
    due_at_ms: u64,
}

impl Registration {
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

    const fn put_off(&mut self, now_ms: u64) {
        self.due_at_ms = now_ms.saturating_add(self.heartbeat_ms);
    }
}

impl Executor<'_> {
    pub(super) async fn register(&mut self) -> Result<(), Error> {
        let challenge = self.directory_challenge().await?;
        let (provider, at_s) = (self.environment.provider, self.now_s());
        let signer = Signer { key: &self.environment.owner, at_s };
        let registrar = &mut self.registration.registrar;
        let request = registrar.register(&challenge, provider, self.plan.capacity, signer)?;
        self.done(Message::Register(Box::new(request))).await?;
        self.registration.put_off(self.now_ms());
        let (service, owner) = self.service();
        self.tell(&Event::Registered { service, owner })
    }

    pub(super) async fn heartbeat(&mut self) -> Result<(), Error> {
        self.registration.put_off(self.now_ms());
        let challenge = self.directory_challenge().await?;
        let (provider, at_s) = (self.environment.provider, self.now_s());
        let signer = Signer { key: &self.environment.owner, at_s };
        let registrar = &mut self.registration.registrar;
        let request = registrar.heartbeat(&challenge, provider, self.plan.capacity, signer)?;
        self.done(Message::Heartbeat(Box::new(request))).await?;
        let (service, owner) = self.service();
        self.tell(&Event::Heartbeat { service, owner })
    }

    pub(super) async fn withdraw(&mut self) -> Result<(), Error> {
        let challenge = self.directory_challenge().await?;
        let signer = Signer { key: &self.environment.owner, at_s: self.now_s() };
        let request = self.registration.registrar.withdraw(&challenge, signer)?;
        self.done(Message::Withdraw(request)).await
    }

    /// A service that is no longer listed is registered anew at the next heartbeat's time.
    pub(super) fn after_refused_heartbeat(&mut self, refusal: &Refusal) -> Result<(), Error> {
        let (service, code, detail) =
            (self.plan.service.clone(), refusal.code, refusal.detail.clone());
        self.tell(&Event::HeartbeatRefused { service, code, detail })
    }

    fn service(&self) -> (crate::ServiceId, Did) {
        (self.plan.service.clone(), self.environment.owner.did())
    }

    async fn directory_challenge(&mut self) -> Result<Challenge, Error> {
        let subject = self.registration.registrar.ask().clone();
        match self.ask_directory(Message::ChallengeRequest(subject)).await? {
            Message::Challenge(challenge) => Ok(challenge),
            Message::ChallengeRequest(_)
            | Message::Register(_)
            | Message::Heartbeat(_)
            | Message::Withdraw(_)
            | Message::Discover(_)
            | Message::Found(_)
            | Message::Done
            | Message::Refused(_) => Err(other_answer().into()),
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
            | Message::Refused(_) => Err(other_answer().into()),
        }
    }

    async fn ask_directory(&mut self, message: Message) -> Result<Message, Error> {
        match self.ask(&Question::Directory(Box::new(message))).await? {
            Answer::Directory(answer) => Ok(*answer),
            Answer::Release(_) | Answer::Report(_) => Err(other_answer().into()),
        }
    }
}
