//! TLS 1.3 and nothing older, with a certificate made for one run of the program.
//!
//! The certificate is signed by nobody: who is at the other end is decided afterwards, in the
//! connection. So any certificate is taken, but the handshake's signature must be by its key.

use std::{fmt, sync::Arc};

use chaos_attestation::ReasonCode;
use chaos_ledger::System;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor, TlsStream,
    rustls::{
        self, ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme,
        client::{
            Resumption,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        },
        crypto::{CryptoProvider, ring, verify_tls13_signature},
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
        server::NoServerSessionStorage,
        version::TLS13,
    },
    server,
};

use super::{Error, Waits};
use crate::{
    Refusal,
    channel::{EXPORTER_BYTES, EXPORTER_LABEL, PROTOCOL},
};

/// The name in the certificate, which nobody checks.
const NAME: &str = "chaoschain.invalid";

/// The listening end of TLS.
pub(crate) struct Acceptor {
    tls: TlsAcceptor,
    pub(super) waits: Waits,
    pub(super) system: System,
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("waits", &self.waits).finish_non_exhaustive()
    }
}

impl Acceptor {
    /// With a fresh key and certificate; challenges are drawn from the system.
    ///
    /// # Errors
    /// If no key or certificate can be made.
    pub(crate) fn new(waits: Waits, system: System) -> Result<Self, Error> {
        let made =
            rcgen::generate_simple_self_signed([NAME.to_owned()]).map_err(Error::Certificate)?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .and_then(|config| {
                config
                    .with_no_client_auth()
                    .with_single_cert(vec![made.cert.into()], PrivateKeyDer::Pkcs8(key))
            })
            .map_err(Error::Tls)?;
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        // No session is resumed: every connection attests anew.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { tls: TlsAcceptor::from(Arc::new(config)), waits, system })
    }

    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        peer: &str,
    ) -> Result<server::TlsStream<TcpStream>, Error> {
        let stream = self
            .tls
            .accept(stream)
            .await
            .map_err(|source| Error::Socket { peer: peer.to_owned(), source })?;
        ensure_alpn(stream.get_ref().1.alpn_protocol())?;
        Ok(stream)
    }
}

pub(super) fn client_config() -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])
        .map_err(Error::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(config)
}

pub(super) fn server_name() -> ServerName<'static> {
    ServerName::try_from(NAME).expect("a DNS name")
}

/// Whether the other side speaks this protocol; a TLS peer may also negotiate none.
pub(super) fn ensure_protocol(stream: &TlsStream<TcpStream>) -> Result<(), Refusal> {
    match stream {
        TlsStream::Client(stream) => ensure_alpn(stream.get_ref().1.alpn_protocol()),
        TlsStream::Server(stream) => ensure_alpn(stream.get_ref().1.alpn_protocol()),
    }
}

fn ensure_alpn(found: Option<&[u8]>) -> Result<(), Refusal> {
    if found == Some(PROTOCOL) {
        return Ok(());
    }
    Err(Refusal::new(ReasonCode::MessageMalformed, "the peer does not speak `chaoschain/1`"))
}

/// What both ends derive from this session and from no other.
pub(super) fn exporter(
    stream: &TlsStream<TcpStream>,
) -> Result<[u8; EXPORTER_BYTES], rustls::Error> {
    let out = [0; EXPORTER_BYTES];
    match stream {
        TlsStream::Client(stream) => {
            stream.get_ref().1.export_keying_material(out, EXPORTER_LABEL, None)
        }
        TlsStream::Server(stream) => {
            stream.get_ref().1.export_keying_material(out, EXPORTER_LABEL, None)
        }
    }
}

/// Takes any certificate whose key signed the handshake.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
