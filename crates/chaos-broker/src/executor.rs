//! The executor's side: shows where it runs, keeps its service listed, and holds secrets in memory
//! for as long as their lease lives.

mod lease;
mod service;

use std::{collections::BTreeSet, time::Duration};

use chaos_attestation::{Provider, Refusal};
use chaos_broker::{
    JobId, Name, SecretId, ServiceId,
    directory::{Endpoint, Tags},
};
use chaos_types::{AgentKey, Did};
use serde_json::json;

use self::{lease::Lease, service::Service};
use crate::{
    broker::{Answer, Question, Stop},
    channel::{Channel, Error, Session},
    clock,
    exit::{Failure, Kind},
    output,
};

/// An executor that lost its broker tries again after this time.
const RECONNECT_PAUSE_MS: u64 = 500;

/// What an executor is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Where the broker listens.
    pub(crate) address: String,
    /// The broker's key: whoever has another is not talked to.
    pub(crate) broker: Did,
    pub(crate) service: ServiceId,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) tags: Tags,
    pub(crate) capacity: u32,
    /// What it needs; may be empty.
    pub(crate) secrets: BTreeSet<SecretId>,
    pub(crate) job: JobId,
    pub(crate) role: Name,
    pub(crate) heartbeat_s: u64,
    /// How often the revocation list is asked for.
    pub(crate) poll_s: u64,
    /// Whether to end once registered and provided.
    pub(crate) once: bool,
}

/// A running executor.
struct Executor<'a> {
    plan: Plan,
    provider: &'a dyn Provider,
    /// Made inside, for the channel.
    key: AgentKey,
    /// Owns the service.
    owner: AgentKey,
    channel: Option<Channel>,
    service: Service,
    lease: Option<Lease>,
    /// Not before this time is the broker tried again.
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

/// Works until it is told to stop, or until it may hold its secrets no longer.
pub(crate) async fn run(
    plan: Plan,
    provider: &dyn Provider,
    owner: AgentKey,
) -> Result<(), Failure> {
    let mut stop = Stop::new()?;
    let mut executor = Executor {
        service: Service::new(&plan, owner.did()),
        key: clock::SYSTEM.random_key()?,
        plan,
        provider,
        owner,
        channel: None,
        lease: None,
        retry_at_ms: 0,
    };
    tokio::select! {
        begun = executor.begin() => begun?,
        () = stop.asked() => return Ok(()),
    }
    if executor.plan.once {
        executor.drop_secrets("done")?;
        return Ok(());
    }
    loop {
        let (due, at_ms) = executor.next();
        let wait = Duration::from_millis(at_ms.saturating_sub(clock::now_ms()));
        tokio::select! {
            () = tokio::time::sleep(wait) => executor.act(due).await?,
            () = stop.asked() => return executor.leave().await,
        }
    }
}

impl Executor<'_> {
    /// Connects, registers, and gets the secrets. Here every refusal ends the work.
    async fn begin(&mut self) -> Result<(), Failure> {
        self.connect().await.map_err(refused)?;
        self.register().await.map_err(refused)?;
        if !self.plan.secrets.is_empty() {
            self.provide(None).await.map_err(refused)?;
        }
        Ok(())
    }

    fn next(&self) -> (Due, u64) {
        let heartbeat = (Due::Heartbeat, self.service.due_at_ms());
        let lease = self.lease.as_ref().map(Lease::next).into_iter().flatten();
        let held_back = |(due, at_ms): (Due, u64)| match due {
            Due::Expiry => (due, at_ms),
            Due::Renewal | Due::List | Due::Heartbeat => (due, at_ms.max(self.retry_at_ms)),
        };
        lease
            .chain([heartbeat])
            .map(held_back)
            .min_by_key(|(due, at_ms)| (*at_ms, *due))
            .unwrap_or(heartbeat)
    }

    /// Does what is due. A lost connection is made anew the next time; a refusal is told, and what
    /// it means for the secrets is the lease's affair.
    async fn act(&mut self, due: Due) -> Result<(), Failure> {
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
            Err(Error::Refused(refusal)) => self.after_refusal(due, &refusal),
            Err(error) => {
                self.channel = None;
                self.retry_at_ms = clock::now_ms() + RECONNECT_PAUSE_MS;
                output::json(&json!({"event": "disconnected", "detail": error.to_string()}))?;
                self.ensure_live()
            }
        }
    }

    async fn connect(&mut self) -> Result<(), Error> {
        if self.channel.is_none() {
            let session = Session::open(&self.plan.address, &self.plan.broker).await?;
            self.channel = Some(session.attest(&self.key, self.provider).await?);
            let attested = json!({
                "event": "attested", "broker": self.plan.broker, "key": self.key.did(),
                "provider": self.provider.about(),
            });
            // The output is this process's own; it cannot be that its values have no JSON form.
            let _shown = output::json(&attested);
        }
        Ok(())
    }

    async fn ask(&mut self, question: &Question) -> Result<Answer, Error> {
        let asked = match &mut self.channel {
            Some(channel) => channel.ask(question).await,
            None => Err(Error::Refused(unasked())),
        };
        if !matches!(asked, Ok(_) | Err(Error::Refused(_))) {
            self.channel = None;
        }
        asked
    }

    /// Withdraws the service and overwrites the secrets, as well as that can be done now.
    async fn leave(mut self) -> Result<(), Failure> {
        let withdrawn = match self.connect().await {
            Ok(()) => self.withdraw().await,
            Err(error) => Err(error),
        };
        self.drop_secrets("stopped")?;
        let detail = withdrawn.err().map(|error| error.to_string());
        output::json(&json!({
            "event": "stopped", "service": self.plan.service, "withdrawn": detail.is_none(),
            "detail": detail,
        }))
    }
}

fn unasked() -> Refusal {
    Refusal::new(
        chaos_attestation::ReasonCode::MessageMalformed,
        "the broker gave an answer to another question",
    )
}

/// A refusal says that a check failed; the rest is outside.
fn refused(error: Error) -> Failure {
    match error {
        Error::Refused(refusal) => Failure::new(Kind::Check, refusal),
        error => Failure::new(Kind::Outside, error),
    }
}
