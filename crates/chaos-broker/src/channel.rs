//! The attested channel: what two sides say first on a TLS 1.3 connection.
//!
//! TLS with a certificate that nobody signed keeps listeners out and says nothing about who is at
//! the other end. So each side speaks once, in the connection, about the connection: it binds what
//! it is to the *exporter*, 32 bytes that both ends of one TLS session derive and that no two
//! sessions share (RFC 8446 §7.5, RFC 9266). Whoever carries the messages of a genuine attester
//! into a session of its own carries a binding to another exporter, and is refused as
//! [`Fault::ChannelMismatch`].
//!
//! 1. The broker sends a [`Greeting`]: its key, a fresh challenge, and its signature over both and
//!    the exporter. The other side expects one key, known beforehand.
//! 2. The other side sends a [`Hello`]: a quote whose report data binds role, exporter, challenge
//!    and the key it will use ([`report_data`]), with that key's signature; or the operator's
//!    signature; or nothing, to look for services.
//!
//! Verifying the quote and judging it are the caller's next steps, before anything else is
//! answered. This module opens no socket: see [`Greeting::ensure`] and [`Hello::ensure`].

use std::fmt;

use chaos_attestation::{Evidence, ReasonCode, ReportData};
use chaos_types::{AgentKey, Did};
use serde::{Deserialize, Serialize};

use crate::{Fault, Refusal};

mod encoding;
#[cfg(test)]
mod tests;

/// The label under which both ends derive the exporter, without a context.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-chaoschain-attestation-v1";

/// The exporter's length in bytes.
pub const EXPORTER_BYTES: usize = 32;

/// What the TLS handshake negotiates (ALPN), so that no other protocol is taken for this one.
pub const PROTOCOL: &[u8] = b"chaoschain/1";

/// A message is at most this long, in bytes. The longest is a [`Hello`], with a quote, collateral
/// and an event log in Base64.
pub const MESSAGE_BYTES_MAX: usize = 2 << 20;

/// What bindings and signatures of this protocol are tagged with.
const TAG: &str = "chaoschain/channel/v1";

/// The version of the messages.
const VERSION: u8 = 1;

/// Who speaks. It is part of what is bound, so that no side's message can be given back to it as
/// the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The side that listens, keeps the directory and releases secrets.
    Broker,
    /// The side that attests.
    Executor,
    /// Whoever holds the key of the broker's log.
    Operator,
}

impl Role {
    /// The role as it is bound.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Executor => "executor",
            Self::Operator => "operator",
        }
    }
}

/// The value that both ends of one TLS session derive under `EXPORTER_LABEL`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Exporter([u8; EXPORTER_BYTES]);

impl Exporter {
    /// Takes the bytes that the TLS library exported after the handshake.
    #[must_use]
    pub const fn new(bytes: [u8; EXPORTER_BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter(..)")
    }
}

/// 32 random bytes that the broker chooses for one session.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(#[serde(with = "encoding::array")] [u8; 32]);

impl Challenge {
    /// Takes bytes that must come from a cryptographic random source and be used once.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(..)")
    }
}

/// An Ed25519 signature over a role, an exporter, a challenge and the signer's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Signature(#[serde(with = "encoding::array")] [u8; 64]);

impl Signature {
    fn new(key: &AgentKey, role: Role, session: &Session<'_>) -> Self {
        Self(key.sign(session.bind(role, &key.did()).as_bytes()))
    }

    fn ensure(&self, key: &Did, role: Role, session: &Session<'_>) -> Result<(), Refusal> {
        if key.verifies(session.bind(role, key).as_bytes(), &self.0) {
            return Ok(());
        }
        Err(Refusal::new(
            Fault::ChannelMismatch,
            format!("the {}'s signature is not about this session", role.as_str()),
        ))
    }
}

/// One session, as both ends see it.
struct Session<'a> {
    exporter: &'a Exporter,
    challenge: &'a Challenge,
}

impl Session<'_> {
    fn bind(&self, role: Role, key: &Did) -> ReportData {
        ReportData::bind(
            TAG,
            &[role.as_str().as_bytes(), &self.exporter.0, &self.challenge.0, key.as_bytes()],
        )
    }
}

/// What an executor's quote must hold to be about this session and this key.
#[must_use]
pub fn report_data(exporter: &Exporter, challenge: &Challenge, key: &Did) -> ReportData {
    Session { exporter, challenge }.bind(Role::Executor, key)
}

/// The broker's first message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Greeting {
    version: u8,
    broker: Did,
    challenge: Challenge,
    signature: Signature,
}

impl Greeting {
    /// The greeting of the broker with `key`. The challenge is fresh in every session.
    #[must_use]
    pub fn new(key: &AgentKey, exporter: &Exporter, challenge: Challenge) -> Self {
        let session = Session { exporter, challenge: &challenge };
        let signature = Signature::new(key, Role::Broker, &session);
        Self { version: VERSION, broker: key.did(), challenge, signature }
    }

    /// The challenge, if the broker with the key `expected` spoke in this session.
    ///
    /// # Errors
    /// [`ReasonCode::MessageMalformed`] for another version, [`Fault::ChannelMismatch`] for
    /// another broker or another session.
    pub fn ensure(&self, exporter: &Exporter, expected: &Did) -> Result<Challenge, Refusal> {
        ensure_version(self.version)?;
        if self.broker != *expected {
            return Err(Refusal::new(
                Fault::ChannelMismatch,
                format!("the broker is {}, expected {expected}", self.broker),
            ));
        }
        let session = Session { exporter, challenge: &self.challenge };
        self.signature.ensure(expected, Role::Broker, &session)?;
        Ok(self.challenge)
    }
}

/// The answer to a [`Greeting`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    version: u8,
    speaker: Speaker,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case", deny_unknown_fields)]
enum Speaker {
    Executor {
        key: Did,
        #[serde(with = "encoding::bytes")]
        quote: Vec<u8>,
        #[serde(with = "encoding::optional")]
        collateral: Option<Vec<u8>>,
        #[serde(with = "encoding::optional")]
        event_log: Option<Vec<u8>>,
        signature: Signature,
    },
    Operator {
        key: Did,
        signature: Signature,
    },
    Anonymous {},
}

impl Hello {
    /// An executor's: evidence over [`report_data`] and a signature by the key bound in it.
    #[must_use]
    pub fn executor(
        key: &AgentKey,
        exporter: &Exporter,
        challenge: &Challenge,
        evidence: Evidence,
    ) -> Self {
        let signature = Signature::new(key, Role::Executor, &Session { exporter, challenge });
        let Evidence { quote, collateral, event_log } = evidence;
        let speaker = Speaker::Executor { key: key.did(), quote, collateral, event_log, signature };
        Self { version: VERSION, speaker }
    }

    /// The operator's.
    #[must_use]
    pub fn operator(key: &AgentKey, exporter: &Exporter, challenge: &Challenge) -> Self {
        let signature = Signature::new(key, Role::Operator, &Session { exporter, challenge });
        Self { version: VERSION, speaker: Speaker::Operator { key: key.did(), signature } }
    }

    /// Of someone who only looks for services.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self { version: VERSION, speaker: Speaker::Anonymous {} }
    }

    /// Who speaks, if what they signed is about this session. An executor's evidence is not yet
    /// verified: see [`Claimed`].
    ///
    /// # Errors
    /// [`ReasonCode::MessageMalformed`] for another version, [`Fault::ChannelMismatch`] for a
    /// signature about another session.
    pub fn ensure(self, exporter: &Exporter, challenge: &Challenge) -> Result<Peer, Refusal> {
        ensure_version(self.version)?;
        let session = Session { exporter, challenge };
        match self.speaker {
            Speaker::Executor { key, quote, collateral, event_log, signature } => {
                signature.ensure(&key, Role::Executor, &session)?;
                Ok(Peer::Executor(Claimed {
                    key,
                    evidence: Evidence { quote, collateral, event_log },
                    report_data: session.bind(Role::Executor, &key),
                }))
            }
            Speaker::Operator { key, signature } => {
                signature.ensure(&key, Role::Operator, &session)?;
                Ok(Peer::Operator(key))
            }
            Speaker::Anonymous {} => Ok(Peer::Anonymous),
        }
    }
}

/// Who is at the other end.
#[derive(Debug, Clone)]
pub enum Peer {
    /// Someone who holds a key and says that it is held by attested code.
    Executor(Claimed),
    /// Someone who holds this key. The caller knows the operator's.
    Operator(Did),
    /// Anybody.
    Anonymous,
}

/// An executor whose evidence is still to be verified.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The key that signed in this session.
    pub key: Did,
    /// What is to be verified and appraised.
    pub evidence: Evidence,
    /// What the verified quote must hold.
    pub report_data: ReportData,
}

impl Claimed {
    /// Whether a verified quote with this report data was made for this session and key.
    ///
    /// # Errors
    /// [`Fault::ChannelMismatch`].
    pub fn ensure_bound(&self, found: &[u8; 64]) -> Result<(), Refusal> {
        self.report_data
            .ensure(found)
            .map_err(|refusal| Refusal::new(Fault::ChannelMismatch, refusal.detail))
    }
}

fn ensure_version(found: u8) -> Result<(), Refusal> {
    if found == VERSION {
        return Ok(());
    }
    Err(Refusal::new(
        ReasonCode::MessageMalformed,
        format!("channel messages of version {found}, expected {VERSION}"),
    ))
}
