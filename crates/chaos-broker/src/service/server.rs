//! The server: connections on one side, the thread that owns the state on the other.

use std::{fmt, io, sync::Arc, time::Duration};

use chaos_types::{AgentKey, Did};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use super::{
    Caller, Error, Question, State,
    address_file::{Address, AddressFile},
    handle::{self, Handle},
    vault_file::secret_of,
};
use crate::{
    Fault, Reason, Refusal,
    channel::Peer,
    transport::{self, Acceptor, Arrival, Channel, Waits},
};

/// At most this many connections shake hands at a time; further ones are closed at once.
const HANDSHAKES_MAX: usize = 512;

/// At most this many attested peers are connected at a time.
const ATTESTED_MAX: usize = 256;

/// At most this many connections of the operator are open at a time.
const OPERATOR_MAX: usize = 8;

/// At most this many anonymous peers are connected at a time, each for [`ANONYMOUS_TIME_MAX`].
const ANONYMOUS_MAX: usize = 32;

/// How long an anonymous peer may stay.
const ANONYMOUS_TIME_MAX: Duration = Duration::from_secs(20);

/// A listener that cannot accept waits this long before it tries again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What goes wrong with a connection; none of it ends the server.
#[derive(Debug)]
pub enum Incident {
    /// A peer was refused. Address and code; nothing that the peer sent.
    Refused {
        /// The peer's address.
        peer: String,
        /// Why.
        code: Reason,
    },
    /// A connection was lost.
    Lost {
        /// The peer's address.
        peer: String,
        /// Why.
        error: transport::Error,
    },
    /// The listener does not accept at this moment.
    Accept(io::Error),
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { peer, code } => write!(f, "refused {peer}: {code}"),
            Self::Lost { peer, error } => write!(f, "lost {peer}: {error}"),
            Self::Accept(error) => write!(f, "warning: cannot accept: {error}"),
        }
    }
}

/// Is told of incidents, from any thread.
type Incidents = Arc<dyn Fn(&Incident) + Send + Sync>;

/// A broker that listens. It answers once it runs.
pub struct Server {
    address: String,
    listener: TcpListener,
    file: AddressFile,
    acceptor: Acceptor,
    state: State,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Listens at an address, such as `127.0.0.1:7300`, for the state's broker.
    ///
    /// # Errors
    /// If nobody can listen there.
    pub async fn bind(listen: &str, state: State) -> Result<Self, Error> {
        let cannot = |source| Error::Listen { address: listen.to_owned(), source };
        let listener = TcpListener::bind(listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(Error::System)?.to_string();
        let acceptor = Acceptor::new(Waits::default(), state.system())?;
        let file = AddressFile::write(
            state.dir(),
            &Address { address: address.clone(), broker: state.key().did() },
        )?;
        Ok(Self { address, listener, file, acceptor, state })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The key that it shows to those who connect.
    #[must_use]
    pub fn broker(&self) -> Did {
        self.state.key().did()
    }

    /// The state that answers.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Serves until `stop` is done, or until something could not be recorded.
    ///
    /// # Errors
    /// What could not be recorded.
    pub async fn run(
        self,
        stop: impl Future<Output = ()>,
        incidents: impl Fn(&Incident) + Send + Sync + 'static,
    ) -> Result<(), Error> {
        let Self { listener, file, acceptor, state, .. } = self;
        let key = state.key().clone();
        let incidents: Incidents = Arc::new(incidents);
        let (handle, mut worker) = handle::spawn(state);
        let shared = Arc::new(Shared {
            acceptor,
            key,
            handle,
            incidents: incidents.clone(),
            attested: Semaphore::new(ATTESTED_MAX),
            operator: Semaphore::new(OPERATOR_MAX),
            anonymous: Semaphore::new(ANONYMOUS_MAX),
        });
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                arrived = listener.accept() => match arrived {
                    Ok((stream, _)) => {
                        let Ok(permit) = handshakes.clone().try_acquire_owned() else { continue };
                        let shared = shared.clone();
                        connections.spawn(async move { shared.connection(stream, permit).await });
                    }
                    Err(error) => {
                        incidents(&Incident::Accept(error));
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = &mut stop => break,
                () = worker.ended() => break,
            }
        }
        drop(listener);
        connections.shutdown().await;
        drop(shared);
        let ended = worker.join().await;
        file.remove();
        ended
    }
}

/// What every connection needs. Strangers, attested peers and the operator have permits of their
/// own, so that none of them can shut another out.
struct Shared {
    acceptor: Acceptor,
    key: AgentKey,
    handle: Handle,
    incidents: Incidents,
    attested: Semaphore,
    operator: Semaphore,
    anonymous: Semaphore,
}

impl Shared {
    /// One connection from its first byte to its last. What goes wrong is told and ends it.
    async fn connection(&self, stream: TcpStream, handshake: OwnedSemaphorePermit) {
        let peer = stream.peer_addr().map_or_else(|_| String::new(), |at| at.to_string());
        if let Err(error) = self.serve(stream, handshake).await {
            (self.incidents)(&match error {
                transport::Error::Refused(refusal) => {
                    Incident::Refused { peer, code: refusal.code }
                }
                error => Incident::Lost { peer, error },
            });
        }
    }

    async fn serve(
        &self,
        stream: TcpStream,
        handshake: OwnedSemaphorePermit,
    ) -> Result<(), transport::Error> {
        let arrival = Arrival::accept(stream, &self.acceptor, &self.key).await?;
        let caller = match self.identify(&arrival.peer).await {
            Ok(caller) => caller,
            Err(refusal) => return Err(arrival.refuse(refusal).await),
        };
        let permits = match caller {
            Caller::Executor(_) => &self.attested,
            Caller::Operator => &self.operator,
            Caller::Anyone => &self.anonymous,
        };
        let Ok(_permit) = permits.try_acquire() else {
            let detail = "every connection permit is taken; try again later";
            return Err(arrival.refuse(Refusal::new(Fault::TableFull, detail)).await);
        };
        drop(handshake);
        let channel = arrival.welcome().await?;
        match caller {
            Caller::Executor(_) | Caller::Operator => self.converse(channel, caller).await,
            Caller::Anyone => {
                let time = tokio::time::timeout(ANONYMOUS_TIME_MAX, self.converse(channel, caller));
                time.await.unwrap_or(Ok(()))
            }
        }
    }

    async fn converse(&self, mut channel: Channel, caller: Caller) -> Result<(), transport::Error> {
        while let Some(question) = channel.question::<Question>().await? {
            let secret = match (question.carries_secret(), caller) {
                (true, Caller::Operator) => Some(channel.receive_secret().await?),
                (true, Caller::Executor(_) | Caller::Anyone) => {
                    return Err(channel.refuse(not_operator()).await);
                }
                (false, _) => None,
            };
            let answer = match secret.map(secret_of).transpose() {
                Ok(secret) => self.handle.ask(caller, question, secret).await,
                Err(refusal) => Err(refusal),
            };
            channel.answer(answer).await?;
        }
        Ok(())
    }

    async fn identify(&self, peer: &Peer) -> Result<Caller, Refusal> {
        match peer {
            Peer::Executor(claimed) => {
                self.handle.admit(claimed.clone()).await?;
                Ok(Caller::Executor(claimed.key))
            }
            Peer::Operator(key) if *key == self.key.did() => Ok(Caller::Operator),
            Peer::Operator(_) => Err(not_operator()),
            Peer::Anonymous => Ok(Caller::Anyone),
        }
    }
}

fn not_operator() -> Refusal {
    Refusal::new(Fault::CallerRefused, "expected the operator of the log")
}
