//! The executor's side: it shows where it runs, keeps its service listed, and holds secrets in
//! memory for as long as their lease lives.

mod event;
mod lease;
mod service;

use std::{collections::BTreeSet, fmt, io, time::Duration};

use chaos_attestation::{Provider, ReasonCode};
use chaos_ledger::System;
use chaos_types::{AgentKey, Did};

pub use self::event::{Event, HeldSecret};
use self::{lease::HeldLease, service::Registration};
use crate::{
    JobId, Name, Refusal, SecretId, ServiceId,
    directory::{Endpoint, Tags},
    service::{Answer, Question},
    transport::{self, Channel, Session},
};

/// An executor that lost its broker waits this long before it connects again.
const RECONNECT_PAUSE_MS: u64 = 500;

/// What an executor is to do.
#[derive(Debug)]
pub struct Plan {
    /// Where the broker listens.
    pub address: String,
    /// The broker's key. An executor leaves a broker that shows another.
    pub broker: Did,
    /// The service that it keeps listed.
    pub service: ServiceId,
    /// Where the service listens.
    pub endpoints: Vec<Endpoint>,
    /// The service's tags.
    pub tags: Tags,
    /// How many jobs it can take.
    pub capacity: u32,
    /// The secrets that it needs; may be empty.
    pub secrets: BTreeSet<SecretId>,
    /// The job that needs them.
    pub job: JobId,
    /// What this code does in the job.
    pub role: Name,
    /// How often the service shows that it is alive, in seconds.
    pub heartbeat_s: u64,
    /// How often the revocation list is asked for, in seconds.
    pub poll_s: u64,
    /// Whether to end once registered and provided.
    pub once: bool,
}

/// What an executor works with.
pub struct Environment<'a> {
    /// Quotes what runs here.
    pub provider: &'a dyn Provider,
    /// The key that owns the service. A name stays with the key that took it first.
    pub owner: AgentKey,
    /// The clock and the system's randomness.
    pub system: System,
    /// Is told what happens. Its failure ends the work.
    pub events: &'a mut dyn FnMut(&Event) -> io::Result<()>,
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// Why an executor ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker refused, or the connection to it failed, before the work began.
    #[error(transparent)]
    Channel(transport::Error),
    /// The lease is over; the secrets were overwritten before this was returned.
    #[error("the secrets were dropped")]
    LeaseEnded(#[source] Refusal),
    /// There is no key for the channel.
    #[error(transparent)]
    Key(#[from] chaos_ledger::Error),
    /// Nobody could be told what happened.
    #[error("cannot tell what happened")]
    Events(#[from] io::Error),
}

impl From<transport::Error> for Error {
    fn from(error: transport::Error) -> Self {
        Self::Channel(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Channel(transport::Error::Refused(refusal))
    }
}

/// A running executor.
struct Executor<'a> {
    plan: Plan,
    environment: Environment<'a>,
    /// Made inside, for the channel.
    key: AgentKey,
    channel: Option<Channel>,
    registration: Registration,
    lease: Option<HeldLease>,
    /// The broker is not tried again before this time.
    retry_at_ms: u64,
}

/// What is due next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Expiry,
    Renewal,
    List,
    Heartbeat,
}

/// Something that is due, and when, in Unix milliseconds. What is due first orders first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    at_ms: u64,
    due: Due,
}

/// Works until `stop` is done, or until it may hold its secrets no longer.
///
/// # Errors
/// If the broker refuses at the beginning, and when the lease is over.
pub async fn run(
    plan: Plan,
    environment: Environment<'_>,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let executor = Executor {
        registration: Registration::new(&plan, environment.owner.did()),
        key: environment.system.random_key()?,
        plan,
        environment,
        channel: None,
        lease: None,
        retry_at_ms: 0,
    };
    // A connection's buffers make the future large.
    Box::pin(executor.work(stop)).await
}

impl Executor<'_> {
    async fn work(mut self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        tokio::pin!(stop);
        tokio::select! {
            begun = self.begin() => begun?,
            () = &mut stop => return Ok(()),
        }
        if self.plan.once {
            return self.drop_secrets("done");
        }
        loop {
            let Timer { at_ms, due } = self.next();
            let wait = Duration::from_millis(at_ms.saturating_sub(self.now_ms()));
            tokio::select! {
                () = tokio::time::sleep(wait) => self.act(due).await?,
                () = &mut stop => return self.leave().await,
            }
        }
    }

    /// Connects, registers, and gets the secrets. Here every refusal ends the work.
    async fn begin(&mut self) -> Result<(), Error> {
        self.connect().await?;
        self.register().await?;
        if !self.plan.secrets.is_empty() {
            self.provide(None).await?;
        }
        Ok(())
    }

    fn now_ms(&self) -> u64 {
        self.environment.system.now_ms()
    }

    fn now_s(&self) -> u64 {
        self.environment.system.now_s()
    }

    fn tell(&mut self, event: &Event) -> Result<(), Error> {
        Ok((self.environment.events)(event)?)
    }

    fn next(&self) -> Timer {
        let heartbeat = Timer { at_ms: self.registration.due_at_ms(), due: Due::Heartbeat };
        let lease = self.lease.as_ref().map(HeldLease::timers).into_iter().flatten();
        let held_back = |timer: Timer| match timer.due {
            Due::Expiry => timer,
            Due::Renewal | Due::List | Due::Heartbeat => {
                Timer { at_ms: timer.at_ms.max(self.retry_at_ms), ..timer }
            }
        };
        lease.chain([heartbeat]).map(held_back).min().unwrap_or(heartbeat)
    }

    /// Does what is due. A lost connection is opened again the next time. A refusal is told; the
    /// lease decides what follows for the secrets.
    async fn act(&mut self, due: Due) -> Result<(), Error> {
        // Whatever else is due, nothing is used or renewed after its end.
        self.ensure_live()?;
        let done = match (due, self.connect().await) {
            (Due::Expiry, _) => return Ok(()),
            (_, Err(error)) => Err(error),
            (Due::Heartbeat, Ok(())) => self.heartbeat().await,
            (Due::List, Ok(())) => self.observe().await,
            (Due::Renewal, Ok(())) => self.renew().await,
        };
        match done {
            Ok(()) => self.ensure_live(),
            Err(Error::Channel(transport::Error::Refused(refusal))) => {
                self.after_refusal(due, &refusal)
            }
            Err(Error::Channel(error)) => {
                self.channel = None;
                self.retry_at_ms = self.now_ms() + RECONNECT_PAUSE_MS;
                self.tell(&Event::Disconnected { detail: error.to_string() })?;
                self.ensure_live()
            }
            Err(error) => Err(error),
        }
    }

    async fn connect(&mut self) -> Result<(), Error> {
        if self.channel.is_none() {
            let session = Session::open(&self.plan.address, &self.plan.broker).await?;
            let provider = self.environment.provider;
            self.channel = Some(session.attest(&self.key, provider).await?);
            let (broker, key) = (self.plan.broker, self.key.did());
            self.tell(&Event::Attested { broker, key, provider: provider.about() })?;
        }
        Ok(())
    }

    async fn ask(&mut self, question: &Question) -> Result<Answer, Error> {
        let asked = match &mut self.channel {
            Some(channel) => channel.ask(question).await,
            None => Err(transport::Error::Refused(other_answer())),
        };
        if !matches!(asked, Ok(_) | Err(transport::Error::Refused(_))) {
            self.channel = None;
        }
        Ok(asked?)
    }

    /// Withdraws the service and overwrites the secrets, as well as that can be done now.
    async fn leave(mut self) -> Result<(), Error> {
        let withdrawn = match self.connect().await {
            Ok(()) => self.withdraw().await,
            Err(error) => Err(error),
        };
        self.drop_secrets("stopped")?;
        let detail = withdrawn.err().map(|error| error.to_string());
        let service = self.plan.service.clone();
        self.tell(&Event::Stopped { service, withdrawn: detail.is_none(), detail })
    }
}

fn other_answer() -> Refusal {
    Refusal::new(ReasonCode::MessageMalformed, "the broker gave an answer to another question")
}
