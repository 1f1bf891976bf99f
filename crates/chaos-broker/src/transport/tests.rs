use std::{future::Future, sync::Arc, time::Duration};

use chaos_attestation::{Evidence, Provider, ReasonCode, ReportData};
use chaos_types::{AgentKey, Did};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, TlsStream, client, rustls::version::TLS12};

use super::{Acceptor, Arrival, Channel, Error, Session, Waits, frame, tls};
use crate::{
    Fault, Reason,
    channel::{Challenge, Exporter, Greeting, MESSAGE_BYTES_MAX, PROTOCOL, Peer},
    tests::SYSTEM,
};

const BROKER: [u8; 32] = [1; 32];
const EXECUTOR: [u8; 32] = [2; 32];
const RELAY: [u8; 32] = [3; 32];

/// A quote that is its report data, as nobody verifies it here.
struct Plain;

impl Provider for Plain {
    fn quote(&self, report_data: &ReportData) -> Result<Evidence, chaos_attestation::Refusal> {
        let quote = report_data.as_bytes().to_vec();
        Ok(Evidence { quote, collateral: None, event_log: None })
    }

    fn about(&self) -> String {
        "nothing".to_owned()
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

async fn accept_one(listener: &TcpListener, waits: Waits) -> Result<Arrival, Error> {
    let acceptor = Acceptor::new(waits, SYSTEM).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    Arrival::accept(stream, &acceptor, &AgentKey::from_seed(&BROKER)).await
}

fn broker() -> Did {
    AgentKey::from_seed(&BROKER).did()
}

#[track_caller]
fn refused<T>(result: Result<T, Error>) -> Reason {
    match result.err().expect("it was accepted") {
        Error::Refused(refusal) => refusal.code,
        error => panic!("{error}"),
    }
}

async fn attest(address: &str, broker: &Did) -> Result<Channel, Error> {
    let session = Session::open(address, broker).await?;
    session.attest(&AgentKey::from_seed(&EXECUTOR), &Plain).await
}

#[test]
fn executor_that_speaks_about_its_session_is_heard() {
    run(async {
        let expected = broker();
        let (listener, address) = listen().await;
        let serve = async {
            let arrival = accept_one(&listener, Waits::default()).await.unwrap();
            let Peer::Executor(claimed) = &arrival.peer else { panic!("{:?}", arrival.peer) };
            assert_eq!(claimed.key, AgentKey::from_seed(&EXECUTOR).did());
            let quoted: [u8; 64] = claimed.evidence.quote.clone().try_into().unwrap();
            claimed.ensure_bound(&quoted).unwrap();
            let mut channel = arrival.welcome().await.unwrap();
            let question: String = channel.question().await.unwrap().unwrap();
            channel.answer(Ok(format!("{question}, and you?"))).await.unwrap();
            assert!(channel.question::<String>().await.unwrap().is_none(), "the peer went away");
        };
        let ask = async {
            let mut channel = attest(&address, &expected).await.unwrap();
            let answer: String = channel.ask(&"who are you").await.unwrap();
            assert_eq!(answer, "who are you, and you?");
        };
        tokio::join!(serve, ask);
    });
}

#[test]
fn broker_with_another_key_is_left_before_anything_is_said() {
    run(async {
        let (listener, address) = listen().await;
        let other = AgentKey::from_seed(&RELAY).did();
        let (served, asked) =
            tokio::join!(accept_one(&listener, Waits::default()), attest(&address, &other));
        assert_eq!(refused(asked), Fault::ChannelMismatch);
        assert!(matches!(served, Err(Error::Socket { .. })), "no hello came");
    });
}

/// The middle of a relay: TLS ends here on both sides.
struct Middle {
    victim: TlsStream<TcpStream>,
    broker: TlsStream<TcpStream>,
}

impl Middle {
    async fn between(listener: &TcpListener, broker: &str) -> Self {
        let acceptor = Acceptor::new(Waits::default(), SYSTEM).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let victim = TlsStream::Server(acceptor.accept(stream, "victim").await.unwrap());
        Self { victim, broker: TlsStream::Client(connect_tls(broker).await.unwrap()) }
    }

    async fn forward(from: &mut TlsStream<TcpStream>, to: &mut TlsStream<TcpStream>) {
        if let Ok(bytes) = frame::read(from).await {
            let _closed = frame::write(to, &bytes).await;
        }
    }
}

async fn connect_tls(address: &str) -> std::io::Result<client::TlsStream<TcpStream>> {
    let connector = TlsConnector::from(Arc::new(tls::client_config().unwrap()));
    connector.connect(tls::server_name(), TcpStream::connect(address).await?).await
}

#[test]
fn relay_cannot_pass_the_brokers_greeting_on() {
    run(async {
        let expected = broker();
        let ((genuine, broker_address), (listener, address)) = (listen().await, listen().await);
        let relay = async {
            let mut middle = Middle::between(&listener, &broker_address).await;
            Middle::forward(&mut middle.broker, &mut middle.victim).await;
            Middle::forward(&mut middle.victim, &mut middle.broker).await;
        };
        let (_, served, asked) = tokio::join!(
            relay,
            accept_one(&genuine, Waits::default()),
            attest(&address, &expected)
        );
        assert_eq!(refused(asked), Fault::ChannelMismatch);
        assert!(served.is_err());
    });
}

#[test]
fn relay_that_an_executor_trusts_cannot_pass_its_genuine_quote_on() {
    run(async {
        let ((genuine, broker_address), (listener, address)) = (listen().await, listen().await);
        let relay = async {
            let key = AgentKey::from_seed(&RELAY);
            let mut middle = Middle::between(&listener, &broker_address).await;
            // The victim gets the genuine broker's challenge under the relay's own key.
            let greeting: Greeting =
                frame::decode(&frame::read(&mut middle.broker).await.unwrap()).unwrap();
            let upstream = Exporter::new(tls::exporter(&middle.broker).unwrap());
            let challenge: Challenge = greeting.ensure(&upstream, &broker()).unwrap();
            let downstream = Exporter::new(tls::exporter(&middle.victim).unwrap());
            let own = frame::encode(&Greeting::new(&key, &downstream, challenge)).unwrap();
            frame::write(&mut middle.victim, &own).await.unwrap();
            Middle::forward(&mut middle.victim, &mut middle.broker).await;
            Middle::forward(&mut middle.broker, &mut middle.victim).await;
        };
        let trusted = AgentKey::from_seed(&RELAY).did();
        let (_, served, asked) =
            tokio::join!(relay, accept_one(&genuine, Waits::default()), attest(&address, &trusted));
        assert_eq!(refused(served), Fault::ChannelMismatch);
        assert_eq!(refused(asked), Fault::ChannelMismatch, "the refusal came back");
    });
}

#[test]
fn silent_peer_is_left_at_the_deadline() {
    run(async {
        let (listener, address) = listen().await;
        let short = Duration::from_millis(50);
        let waits = Waits { handshake: short, idle: short, answer: short };
        let (served, mute) =
            tokio::join!(accept_one(&listener, waits), TcpStream::connect(&address));
        assert!(matches!(served, Err(Error::Deadline { .. })));
        drop(mute);
    });
}

#[test]
fn frame_over_the_limit_is_refused_before_it_is_sent() {
    run(async {
        let (listener, address) = listen().await;
        let shout = async {
            let mut stream = connect_tls(&address).await.unwrap();
            let _greeting = frame::read(&mut stream).await.unwrap();
            let length = u32::try_from(MESSAGE_BYTES_MAX + 1).unwrap();
            stream.write_all(&length.to_be_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            let answer = frame::read(&mut stream).await.unwrap();
            assert!(String::from_utf8_lossy(&answer).contains("message-too-large"));
        };
        let (served, ()) = tokio::join!(accept_one(&listener, Waits::default()), shout);
        assert_eq!(refused(served), ReasonCode::MessageTooLarge);
    });
}

#[test]
fn hello_that_is_not_canonical_is_refused() {
    run(async {
        let (listener, address) = listen().await;
        let speak = async {
            let mut stream = connect_tls(&address).await.unwrap();
            let _greeting = frame::read(&mut stream).await.unwrap();
            let hello = br#"{"version":1,"speaker":{"role":"anonymous"}}"#;
            frame::write(&mut stream, hello).await.unwrap();
            let answer = frame::read(&mut stream).await.unwrap();
            assert!(String::from_utf8_lossy(&answer).contains("message-malformed"));
        };
        let (served, ()) = tokio::join!(accept_one(&listener, Waits::default()), speak);
        assert_eq!(refused(served), ReasonCode::MessageMalformed);
    });
}

#[test]
fn tls_1_2_and_other_protocols_are_refused() {
    run(async {
        let mut older = tls::client_config().unwrap();
        let provider = older.crypto_provider().clone();
        older = tokio_rustls::rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS12])
            .unwrap()
            .with_root_certificates(tokio_rustls::rustls::RootCertStore::empty())
            .with_no_client_auth();
        older.alpn_protocols = vec![PROTOCOL.to_vec()];
        let mut foreign = tls::client_config().unwrap();
        foreign.alpn_protocols = vec![b"h2".to_vec()];
        for config in [older, foreign] {
            let (listener, address) = listen().await;
            let connect = async {
                let stream = TcpStream::connect(&address).await.unwrap();
                let connector = TlsConnector::from(Arc::new(config));
                connector.connect(tls::server_name(), stream).await
            };
            let (served, connected) =
                tokio::join!(accept_one(&listener, Waits::default()), connect);
            assert!(matches!(served, Err(Error::Socket { .. })));
            assert!(connected.is_err());
        }
        let mut unnamed = tls::client_config().unwrap();
        unnamed.alpn_protocols = vec![];
        let (listener, address) = listen().await;
        let connect = async {
            let stream = TcpStream::connect(&address).await.unwrap();
            let connector = TlsConnector::from(Arc::new(unnamed));
            let mut stream = connector.connect(tls::server_name(), stream).await.unwrap();
            let mut rest = vec![];
            let _closed = stream.read_to_end(&mut rest).await;
            assert!(rest.is_empty(), "nothing was said");
        };
        let (served, ()) = tokio::join!(accept_one(&listener, Waits::default()), connect);
        assert_eq!(refused(served), ReasonCode::MessageMalformed);
    });
}
