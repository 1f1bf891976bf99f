//! How messages and documents are read and written: canonical JSON, capped, one version.

use chaos_attestation::{
    Evidence, ReasonCode, event_log::EVENT_LOG_BYTES_MAX, quote::QUOTE_BYTES_MAX,
};
use chaos_types::canonical;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Refusal, bytes::Base64};

/// A message is at most this long, in bytes: 1 MiB.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// The version of every message, beside its kind.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame<M> {
    message: M,
    version: u8,
}

/// Writes a message with its version.
pub(crate) fn message_to_bytes<M: Serialize>(message: &M) -> Result<Vec<u8>, Refusal> {
    let bytes = to_bytes(&Frame { message, version: VERSION })?;
    ensure_size(&bytes, MESSAGE_BYTES_MAX)?;
    Ok(bytes)
}

/// Reads a message of this version.
pub(crate) fn message_from_bytes<M>(bytes: &[u8]) -> Result<M, Refusal>
where
    M: Serialize + DeserializeOwned,
{
    let frame: Frame<M> = from_bytes(bytes, MESSAGE_BYTES_MAX)?;
    if frame.version != VERSION {
        return Err(Refusal::new(
            ReasonCode::MessageMalformed,
            format!("version {}, expected {VERSION}", frame.version),
        ));
    }
    Ok(frame.message)
}

/// Writes canonical JSON.
pub(crate) fn to_bytes<T: Serialize>(document: &T) -> Result<Vec<u8>, Refusal> {
    canonical::to_vec(document).map_err(|error| malformed(&error))
}

/// Reads canonical JSON of at most `max` bytes.
pub(crate) fn from_bytes<T>(bytes: &[u8], max: usize) -> Result<T, Refusal>
where
    T: Serialize + DeserializeOwned,
{
    ensure_size(bytes, max)?;
    canonical::from_slice(bytes).map_err(|error| malformed(&error))
}

fn ensure_size(bytes: &[u8], max: usize) -> Result<(), Refusal> {
    if bytes.len() <= max {
        return Ok(());
    }
    let detail = format!("{} bytes, the limit is {max}", bytes.len());
    Err(Refusal::new(ReasonCode::MessageTooLarge, detail))
}

/// What is wrong with a document, in words that quote nothing of it: serde's own message may hold
/// a value, and values may be secret.
fn malformed(error: &canonical::Error) -> Refusal {
    let place =
        |error: &serde_json::Error| format!("at line {} column {}", error.line(), error.column());
    let detail = match error {
        canonical::Error::TooLarge { .. }
        | canonical::Error::NotCanonical { .. }
        | canonical::Error::Spelling { .. } => error.to_string(),
        canonical::Error::Number { .. } => "a number is not an integer within 2^53".to_owned(),
        canonical::Error::Parse(error) => format!("not strict JSON, {}", place(error)),
        canonical::Error::Write(_) => "cannot be written as JSON".to_owned(),
        canonical::Error::Shape(error) => {
            format!("not the document that was expected, {}", place(error))
        }
    };
    Refusal::new(ReasonCode::MessageMalformed, detail)
}

/// Collateral in a message is at most this long, in bytes: 512 KiB.
const COLLATERAL_BYTES_MAX: usize = 512 << 10;

/// [`Evidence`] as messages carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceDocument {
    collateral: Option<Base64>,
    event_log: Option<Base64>,
    quote: Base64,
}

impl From<Evidence> for EvidenceDocument {
    fn from(evidence: Evidence) -> Self {
        Self {
            collateral: evidence.collateral.map(Base64),
            event_log: evidence.event_log.map(Base64),
            quote: Base64(evidence.quote),
        }
    }
}

impl EvidenceDocument {
    /// The evidence, if its parts are not too long.
    ///
    /// # Errors
    /// [`ReasonCode::QuoteTooLarge`], [`ReasonCode::CollateralTooLarge`] or
    /// [`ReasonCode::MessageTooLarge`] for the event log.
    pub fn to_evidence(&self) -> Result<Evidence, Refusal> {
        let within = |part: &Base64, max: usize, code: ReasonCode| {
            let detail = || format!("{} bytes, the limit is {max}", part.0.len());
            if part.0.len() > max { Err(Refusal::new(code, detail())) } else { Ok(part.0.clone()) }
        };
        let optional = |part: &Option<Base64>, max: usize, code: ReasonCode| {
            part.as_ref().map(|part| within(part, max, code)).transpose()
        };
        let (collateral, log) = (ReasonCode::CollateralTooLarge, ReasonCode::MessageTooLarge);
        Ok(Evidence {
            quote: within(&self.quote, QUOTE_BYTES_MAX, ReasonCode::QuoteTooLarge)?,
            collateral: optional(&self.collateral, COLLATERAL_BYTES_MAX, collateral)?,
            event_log: optional(&self.event_log, EVENT_LOG_BYTES_MAX, log)?,
        })
    }
}
