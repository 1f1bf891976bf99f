//! The attested channel over sockets: TLS 1.3, frames, deadlines. What the two sides say to each
//! other first, and what it is bound to, is in [`crate::channel`].

mod frame;
mod tls;

use std::{fmt, io, sync::Arc, time::Duration};

use chaos_attestation::Provider;
use chaos_ledger::System;
use chaos_types::{AgentKey, Did};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, TlsStream, rustls};
use zeroize::Zeroizing;

pub(crate) use self::tls::Acceptor;
use crate::{
    Refusal,
    channel::{self, Challenge, Exporter, Greeting, Hello, Peer},
};

/// How long a side waits for the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// For TLS, greeting and hello together.
    pub(crate) handshake: Duration,
    /// For the next question, before the connection is closed.
    pub(crate) idle: Duration,
    /// For an answer, or for one to be taken.
    pub(crate) answer: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(120),
            answer: Duration::from_secs(30),
        }
    }
}

/// Why a channel could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket failed, or the other side went away.
    #[error("the connection to {peer} failed")]
    Socket {
        /// The other side's address.
        peer: String,
        /// Why.
        source: io::Error,
    },
    /// The other side said nothing in time.
    #[error("{peer} did not answer within {} ms", wait.as_millis())]
    Deadline {
        /// The other side's address.
        peer: String,
        /// How long it was waited for.
        wait: Duration,
    },
    /// TLS could not be set up on this side.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// This side's certificate could not be made.
    #[error("no certificate can be made for TLS")]
    Certificate(#[source] rcgen::Error),
    /// No random bytes for the challenge.
    #[error("the system gives no random bytes")]
    Random(#[source] io::Error),
    /// One side refused what the other said.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// How a question ends: the answer, or why there is none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "body", rename_all = "snake_case", deny_unknown_fields)]
enum Reply<T> {
    Done(T),
    Refused(Refusal),
}

/// The answer to a hello that was accepted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Welcome {}

/// A connection on which both sides have spoken.
pub struct Channel {
    stream: TlsStream<TcpStream>,
    peer: String,
    waits: Waits,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// The broker's end, before the peer's hello was appraised.
pub(crate) struct Arrival {
    channel: Channel,
    /// Who spoke; an executor's evidence is not yet verified.
    pub(crate) peer: Peer,
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Arrival {
    /// Shakes hands with whoever connected: TLS, this side's greeting, their hello.
    ///
    /// # Errors
    /// If the peer does not speak the protocol in time; a refusal is told to it.
    pub(crate) async fn accept(
        stream: TcpStream,
        acceptor: &Acceptor,
        key: &AgentKey,
    ) -> Result<Self, Error> {
        let (peer, waits) = (peer_name(&stream), acceptor.waits);
        within(&peer, waits.handshake, async {
            let stream = TlsStream::Server(acceptor.accept(stream, &peer).await?);
            let mut channel = Channel { stream, peer: peer.clone(), waits };
            match channel.greet(key, acceptor.system).await {
                Ok(peer) => Ok(Self { channel, peer }),
                Err(Error::Refused(refusal)) => Err(channel.refuse(refusal).await),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Lets the peer ask.
    ///
    /// # Errors
    /// If the peer went away.
    pub(crate) async fn welcome(mut self) -> Result<Channel, Error> {
        self.channel.answer(Ok(Welcome {})).await?;
        Ok(self.channel)
    }

    /// Tells the peer why not, and closes.
    pub(crate) async fn refuse(mut self, refusal: Refusal) -> Error {
        self.channel.refuse(refusal).await
    }
}

/// The other end, before it has said who it is.
pub(crate) struct Session {
    channel: Channel,
    exporter: Exporter,
    challenge: Challenge,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("peer", &self.channel.peer).finish_non_exhaustive()
    }
}

impl Session {
    /// Connects to the broker with this key.
    ///
    /// # Errors
    /// If nobody answers there in time, or another broker does.
    pub(crate) async fn open(address: &str, broker: &Did) -> Result<Self, Error> {
        let socket = |source| Error::Socket { peer: address.to_owned(), source };
        let waits = Waits::default();
        within(address, waits.handshake, async {
            let stream = TcpStream::connect(address).await.map_err(socket)?;
            let connector = TlsConnector::from(Arc::new(tls::client_config()?));
            let stream = connector.connect(tls::server_name(), stream).await.map_err(socket)?;
            let stream = TlsStream::Client(stream);
            let mut channel = Channel { stream, peer: address.to_owned(), waits };
            tls::ensure_protocol(&channel.stream)?;
            let exporter = channel.exporter()?;
            let greeting: Greeting = channel.receive().await?;
            let challenge = greeting.ensure(&exporter, broker)?;
            Ok(Self { channel, exporter, challenge })
        })
        .await
    }

    /// Goes on as attested code that holds `key`.
    ///
    /// # Errors
    /// [`Error::Refused`] by the provider or the broker, or the connection fails.
    pub(crate) async fn attest(
        self,
        key: &AgentKey,
        provider: &dyn Provider,
    ) -> Result<Channel, Error> {
        let bound = channel::report_data(&self.exporter, &self.challenge, &key.did());
        let evidence = provider.quote(&bound).map_err(Refusal::from)?;
        let hello = Hello::executor(key, &self.exporter, &self.challenge, evidence);
        self.speak(hello).await
    }

    /// Goes on as the operator of the broker's log.
    ///
    /// # Errors
    /// As [`Self::attest`].
    pub(crate) async fn operate(self, key: &AgentKey) -> Result<Channel, Error> {
        let hello = Hello::operator(key, &self.exporter, &self.challenge);
        self.speak(hello).await
    }

    /// Goes on as an anonymous peer.
    ///
    /// # Errors
    /// As [`Self::attest`].
    pub(crate) async fn look(self) -> Result<Channel, Error> {
        self.speak(Hello::anonymous()).await
    }

    async fn speak(mut self, hello: Hello) -> Result<Channel, Error> {
        let Welcome {} = self.channel.ask(&hello).await?;
        Ok(self.channel)
    }
}

impl Channel {
    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// [`Error::Refused`] by the broker, or the connection fails.
    pub async fn ask<A: DeserializeOwned + Serialize>(
        &mut self,
        question: &impl Serialize,
    ) -> Result<A, Error> {
        self.ask_with(question, None).await
    }

    /// As [`Channel::ask`]; the bytes of a secret follow the question in a frame that is no JSON, so
    /// that no copies are made of them.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) async fn ask_with<A: DeserializeOwned + Serialize>(
        &mut self,
        question: &impl Serialize,
        secret: Option<&Zeroizing<Vec<u8>>>,
    ) -> Result<A, Error> {
        let peer = self.peer.clone();
        within(&peer, self.waits.answer, async {
            self.send(question).await?;
            if let Some(bytes) = secret {
                frame::write(&mut self.stream, bytes).await.map_err(|error| self.fail(error))?;
            }
            match self.receive().await? {
                Reply::Done(answer) => Ok(answer),
                Reply::Refused(refusal) => Err(refusal.into()),
            }
        })
        .await
    }

    /// The next question, or `None` when the peer went away or was silent for too long.
    ///
    /// # Errors
    /// [`Error::Refused`] if what came is no question; the peer is told.
    pub(crate) async fn question<Q: DeserializeOwned + Serialize>(
        &mut self,
    ) -> Result<Option<Q>, Error> {
        match tokio::time::timeout(self.waits.idle, self.receive()).await {
            Ok(Ok(question)) => Ok(Some(question)),
            Ok(Err(Error::Refused(refusal))) => Err(self.refuse(refusal).await),
            Ok(Err(Error::Socket { .. })) | Err(_) => Ok(None),
            Ok(Err(error)) => Err(error),
        }
    }

    /// Answers a question.
    ///
    /// # Errors
    /// If the answer is not taken in time.
    pub(crate) async fn answer<A: Serialize>(
        &mut self,
        answer: Result<A, Refusal>,
    ) -> Result<(), Error> {
        let peer = self.peer.clone();
        let reply = match answer {
            Ok(answer) => Reply::Done(answer),
            Err(refusal) => Reply::Refused(refusal),
        };
        within(&peer, self.waits.answer, self.send(&reply)).await
    }

    /// Receives secret bytes.
    ///
    /// # Errors
    /// If none comes in time, or one that is too long.
    pub(crate) async fn receive_secret(&mut self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let peer = self.peer.clone();
        within(&peer, self.waits.answer, async {
            frame::read(&mut self.stream).await.map_err(|error| self.fail(error))
        })
        .await
    }

    async fn greet(&mut self, key: &AgentKey, system: System) -> Result<Peer, Error> {
        let exporter = self.exporter()?;
        let mut drawn = [0; 32];
        (system.random)(&mut drawn).map_err(Error::Random)?;
        let challenge = Challenge::new(drawn);
        self.send(&Greeting::new(key, &exporter, challenge)).await?;
        let hello: Hello = self.receive().await?;
        Ok(hello.ensure(&exporter, &challenge)?)
    }

    /// Tells the peer why not; the caller closes.
    pub(crate) async fn refuse(&mut self, refusal: Refusal) -> Error {
        // The peer may be gone, or may be the one that misbehaves.
        let _gone = self.answer::<Welcome>(Err(refusal.clone())).await;
        Error::Refused(refusal)
    }

    fn exporter(&self) -> Result<Exporter, Error> {
        tls::exporter(&self.stream).map(Exporter::new).map_err(Error::Tls)
    }

    async fn send(&mut self, message: &impl Serialize) -> Result<(), Error> {
        let bytes = frame::encode(message)?;
        frame::write(&mut self.stream, &bytes).await.map_err(|error| self.fail(error))
    }

    async fn receive<T: DeserializeOwned + Serialize>(&mut self) -> Result<T, Error> {
        let bytes = frame::read(&mut self.stream).await.map_err(|error| self.fail(error))?;
        Ok(frame::decode(&bytes)?)
    }

    fn fail(&self, error: frame::Error) -> Error {
        match error {
            frame::Error::Socket(source) => Error::Socket { peer: self.peer.clone(), source },
            frame::Error::Refused(refusal) => Error::Refused(refusal),
        }
    }
}

/// Gives up on `work` after `wait`.
async fn within<T>(
    peer: &str,
    wait: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(wait, work).await {
        Ok(done) => done,
        Err(_) => Err(Error::Deadline { peer: peer.to_owned(), wait }),
    }
}

fn peer_name(stream: &TcpStream) -> String {
    stream.peer_addr().map_or_else(|_| "a closed connection".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests;
