//! The running broker: connections on one side, the desk on the other.

mod clerk;

use std::{path::Path, sync::Arc, time::Duration};

use chaos_attestation::{ReasonCode, Refusal};
use chaos_broker::channel::Peer;
use chaos_types::AgentKey;
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use self::clerk::Clerk;
use super::{Caller, Question, Settings, access::Notice, desk::Desk, safe::secret_of};
use crate::{
    channel::{Acceptor, Arrival, Channel, Error, Waits},
    exit::{Failure, Kind, OrFail as _},
    output,
};
use chaos_ledger::Ledger;

/// At most this many connections are shaking hands at a time; further ones are closed unheard.
const DOORS: usize = 512;

/// At most this many attested peers are connected at a time.
const SEATS: usize = 256;

/// At most this many connections of the operator are open at a time.
const SEATS_OF_OPERATOR: usize = 8;

/// At most this many anonymous peers are connected at a time, each for [`VISIT`].
const SEATS_OF_VISITORS: usize = 32;

/// How long an anonymous peer may stay.
const VISIT: Duration = Duration::from_secs(20);

/// A listener that cannot accept waits this long before it tries again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves a data directory until the process is told to stop.
///
/// `change` gives the settings, from those of the last time; an allowlist is put in force first.
pub(crate) fn serve(
    dir: &Path,
    listen: &str,
    change: impl FnOnce(&Ledger, Option<&Settings>) -> Result<Settings, Failure>,
    allowlist: Option<&[u8]>,
) -> Result<(), Failure> {
    let mut changed = None;
    let mut desk = Desk::open(dir, |ledger, recorded| {
        let settings = change(ledger, recorded)?;
        changed = recorded.map(|recorded| settings.changed_from(recorded));
        Ok(settings)
    })?;
    if let Some(envelope) = allowlist {
        desk.publish(envelope)?.or_fail(Kind::Input)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .or_fail(Kind::Outside)?;
    let served = runtime.block_on(run(dir, listen, desk, changed));
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn run(
    dir: &Path,
    listen: &str,
    desk: Desk,
    changed: Option<Vec<&'static str>>,
) -> Result<(), Failure> {
    let key = desk.key().clone();
    let listener = TcpListener::bind(listen)
        .await
        .or_fail(Kind::Outside)
        .map_err(|failure| failure.context(format!("cannot listen on {listen}")))?;
    let address = listener.local_addr().or_fail(Kind::Outside)?.to_string();
    let mut stop = Stop::new()?;
    let acceptor = Arc::new(Acceptor::new(Waits::default()).or_fail(Kind::Outside)?);
    let notice = Notice::post(dir, &address, &key.did())?;
    output::json(&json!({
        "event": "ready", "address": address, "broker": key.did(), "data": dir,
        "settings": desk.settings(), "changed": changed,
    }))?;
    let (clerk, mut work) = Clerk::employ(desk);
    let hall = Arc::new(Hall {
        acceptor,
        key,
        clerk,
        seats: Semaphore::new(SEATS),
        operator: Semaphore::new(SEATS_OF_OPERATOR),
        visitors: Semaphore::new(SEATS_OF_VISITORS),
    });
    let doors = Arc::new(Semaphore::new(DOORS));
    let mut visits = JoinSet::new();
    loop {
        tokio::select! {
            arrived = listener.accept() => match arrived {
                Ok((stream, _)) => {
                    let Ok(door) = doors.clone().try_acquire_owned() else { continue };
                    let hall = hall.clone();
                    visits.spawn(async move { hall.receive(stream, door).await });
                }
                Err(error) => {
                    output::say(format_args!("warning: cannot accept: {error}"));
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = visits.join_next() => {}
            () = stop.asked() => break,
            () = work.ended() => break,
        }
    }
    drop(listener);
    visits.shutdown().await;
    drop(hall);
    let ended = work.end().await;
    notice.take_down();
    ended
}

/// The signals that ask a process to stop.
pub(crate) struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).or_fail(Kind::Outside)?,
            interrupt: signal(SignalKind::interrupt()).or_fail(Kind::Outside)?,
        })
    }

    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What every connection needs. Strangers, attested peers and the operator wait for seats of their
/// own, so that none of them can shut another out.
struct Hall {
    acceptor: Arc<Acceptor>,
    key: AgentKey,
    clerk: Clerk,
    seats: Semaphore,
    operator: Semaphore,
    visitors: Semaphore,
}

impl Hall {
    /// One connection from its first byte to its last. What goes wrong is said and ends it.
    async fn receive(&self, stream: TcpStream, door: OwnedSemaphorePermit) {
        let peer = stream.peer_addr().map_or_else(|_| String::new(), |at| at.to_string());
        if let Err(error) = self.attend(stream, door).await {
            // The address and the code; nothing that the peer sent.
            let said = match error {
                Error::Refused(refusal) => format!("refused {peer}: {}", refusal.code),
                error => format!("lost {peer}: {error}"),
            };
            output::say(said);
        }
    }

    async fn attend(&self, stream: TcpStream, door: OwnedSemaphorePermit) -> Result<(), Error> {
        let arrival = Arrival::accept(stream, &self.acceptor, &self.key).await?;
        let caller = match self.identify(&arrival.peer).await {
            Ok(caller) => caller,
            Err(refusal) => return Err(arrival.refuse(refusal).await),
        };
        let seats = match caller {
            Caller::Executor(_) => &self.seats,
            Caller::Operator => &self.operator,
            Caller::Anyone => &self.visitors,
        };
        let Ok(_seat) = seats.try_acquire() else {
            let detail = "no seat is free; try again later";
            return Err(arrival.refuse(Refusal::new(ReasonCode::TableFull, detail)).await);
        };
        drop(door);
        let channel = arrival.welcome().await?;
        match caller {
            Caller::Executor(_) | Caller::Operator => self.converse(channel, caller).await,
            Caller::Anyone => {
                let visit = tokio::time::timeout(VISIT, self.converse(channel, caller));
                visit.await.unwrap_or(Ok(()))
            }
        }
    }

    async fn converse(&self, mut channel: Channel, caller: Caller) -> Result<(), Error> {
        while let Some(question) = channel.question::<Question>().await? {
            let secret = match (question.carries_secret(), caller) {
                (true, Caller::Operator) => Some(channel.receive_secret().await?),
                (true, Caller::Executor(_) | Caller::Anyone) => {
                    return Err(channel.refuse(not_operator()).await);
                }
                (false, _) => None,
            };
            let answer = match secret.map(secret_of).transpose() {
                Ok(secret) => self.clerk.ask(caller, question, secret).await,
                Err(refusal) => Err(refusal),
            };
            channel.answer(answer).await?;
        }
        Ok(())
    }

    async fn identify(&self, peer: &Peer) -> Result<Caller, Refusal> {
        match peer {
            Peer::Executor(claimed) => {
                self.clerk.admit(claimed.clone()).await?;
                Ok(Caller::Executor(claimed.key))
            }
            Peer::Operator(key) if *key == self.key.did() => Ok(Caller::Operator),
            Peer::Operator(_) => Err(not_operator()),
            Peer::Anonymous => Ok(Caller::Anyone),
        }
    }
}

fn not_operator() -> Refusal {
    Refusal::new(ReasonCode::CallerRefused, "expected the operator of the log")
}
