//! The attested channel spoken by hand, for what the program itself would never do.

use std::sync::Arc;

use chaos_attestation::{
    Provider as _,
    provide::{
        Development,
        development::{Identity, Scenario, Seed, Window},
    },
};
use chaos_broker::channel::{
    self, Challenge, EXPORTER_BYTES, EXPORTER_LABEL, Exporter, Greeting, Hello, PROTOCOL,
};
use chaos_types::{AgentKey, Did, canonical};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsAcceptor, TlsConnector, TlsStream,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
        version::TLS13,
    },
};

/// Takes any certificate for any signature: this side checks nothing.
#[derive(Debug)]
struct Careless;

impl ServerCertVerifier for Careless {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}

/// One end of a channel.
pub(crate) struct Wire(pub(crate) TlsStream<TcpStream>);

impl Wire {
    pub(crate) async fn connect(address: &str) -> Self {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Careless))
            .with_no_client_auth();
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("relay.invalid").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        Self(TlsStream::Client(stream))
    }

    pub(crate) async fn accept(stream: TcpStream) -> Self {
        let made = rcgen::generate_simple_self_signed(["relay.invalid".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.into()], PrivateKeyDer::Pkcs8(key))
            .unwrap();
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
        Self(TlsStream::Server(stream))
    }

    pub(crate) fn exporter(&self) -> Exporter {
        let out = [0; EXPORTER_BYTES];
        Exporter::new(match &self.0 {
            TlsStream::Client(stream) => {
                stream.get_ref().1.export_keying_material(out, EXPORTER_LABEL, None).unwrap()
            }
            TlsStream::Server(stream) => {
                stream.get_ref().1.export_keying_material(out, EXPORTER_LABEL, None).unwrap()
            }
        })
    }

    pub(crate) async fn send(&mut self, message: &impl Serialize) {
        self.send_bytes(&canonical::to_vec(message).unwrap()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.0.write_all(&u32::try_from(bytes.len()).unwrap().to_be_bytes()).await.unwrap();
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The next frame, or `None` at the end.
    pub(crate) async fn receive(&mut self) -> Option<Vec<u8>> {
        let length = self.0.read_u32().await.ok()?;
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut bytes).await.ok()?;
        Some(bytes)
    }

    /// The broker's challenge in this session.
    pub(crate) async fn greeted(&mut self, broker: &Did) -> Challenge {
        let greeting: Greeting = canonical::from_slice(&self.receive().await.unwrap()).unwrap();
        greeting.ensure(&self.exporter(), broker).unwrap()
    }

    /// Connects and attests as `machine` with this key.
    pub(crate) async fn attested(
        address: &str,
        broker: &Did,
        key: &AgentKey,
        provider: &Development,
    ) -> Self {
        let mut wire = Self::connect(address).await;
        let challenge = wire.greeted(broker).await;
        let exporter = wire.exporter();
        let bound = channel::report_data(&exporter, &challenge, &key.did());
        let evidence = provider.quote(&bound).unwrap();
        wire.send(&Hello::executor(key, &exporter, &challenge, evidence)).await;
        let welcome: Value = serde_json::from_slice(&wire.receive().await.unwrap()).unwrap();
        assert_eq!(welcome["verdict"], "done", "{welcome}");
        wire
    }

    /// Asks about a topic; the answer's message, or the code of the refusal.
    pub(crate) async fn ask(
        &mut self,
        topic: &str,
        message: &impl Serialize,
    ) -> Result<Value, String> {
        self.send(&json!({"topic": topic, "body": message})).await;
        let reply: Value = serde_json::from_slice(&self.receive().await.unwrap()).unwrap();
        match reply["verdict"].as_str().unwrap() {
            "done" => Ok(reply["body"]["body"].clone()),
            _ => Err(reply["body"]["code"].as_str().unwrap().to_owned()),
        }
    }
}

/// The simulated machine that `--machine NAME` names.
pub(crate) fn machine(name: &str) -> Development {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let scenario = Scenario::new(Window::of_day(now)).identity(Identity::named(name));
    Development::simulating(&Seed::well_known(), scenario)
}
