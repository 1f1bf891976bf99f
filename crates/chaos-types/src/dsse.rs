//! [DSSE 1.0.2](https://github.com/secure-systems-lab/dsse) envelopes with Ed25519 signatures.
//!
//! The payload bytes are signed as they are and never re-serialised, so verification does not
//! depend on anybody's JSON writer. Envelopes of this project are themselves canonical JSON in
//! one spelling, standard base64 with padding, so that an envelope has exactly one digest.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{AgentKey, Check, Did, Digest, Fault, Rejection, Verified, canonical};

/// The payload type of an in-toto statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// An envelope carries at most this many signatures.
pub const SIGNATURES_MAX: usize = 8;

/// A payload is at most this long: 4 MiB.
pub const PAYLOAD_BYTES_MAX: usize = 4 << 20;

/// A signed payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The signed bytes in standard base64 with padding.
    pub payload: String,
    /// What the bytes are; always [`PAYLOAD_TYPE`] here.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// Signatures by distinct keys, the agent's own first.
    pub signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The key that signed.
    pub keyid: Did,
    /// The signature in standard base64 with padding.
    pub sig: String,
}

/// What a checked envelope contained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The signed bytes.
    pub payload: Vec<u8>,
    /// The keys that signed them, in the envelope's order.
    pub signers: Vec<Did>,
    /// The digest of the envelope's canonical bytes: the receipt's id.
    pub digest: Digest,
}

/// The bytes that are signed: `DSSEv1 <len> <type> <len> <payload>`.
#[must_use]
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Envelope {
    /// Signs `payload` with each of `keys`, in order.
    #[must_use]
    pub fn sign(payload: &[u8], keys: &[&AgentKey]) -> Self {
        let message = pre_authentication_encoding(PAYLOAD_TYPE, payload);
        let signatures = keys
            .iter()
            .map(|key| Signature { keyid: key.did(), sig: STANDARD.encode(key.sign(&message)) })
            .collect();
        Self {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures,
        }
    }

    /// The canonical bytes of the envelope; their SHA-256 is the receipt's id.
    ///
    /// # Errors
    /// If the envelope cannot be written as canonical JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }

    /// The length of [`Envelope::spelled`] in bytes.
    fn spelled_length(&self) -> usize {
        let frame = r#"{"payload":"","payloadType":"","signatures":[]}"#.len();
        let each = r#"{"keyid":"","sig":""},"#.len();
        let signatures = self
            .signatures
            .iter()
            .map(|signature| each + signature.keyid.as_str().len() + signature.sig.len())
            .sum::<usize>();
        // The last signature has no comma after it; there is at least one.
        frame + self.payload.len() + self.payload_type.len() + signatures - 1
    }

    /// The canonical bytes of an envelope whose fields were checked: base64, `did:key`s and the
    /// payload type need no escapes, so they can be put together directly.
    fn spelled(&self) -> Vec<u8> {
        let mut text =
            String::with_capacity(self.payload.len() + 256 * self.signatures.len() + 128);
        text.push_str("{\"payload\":\"");
        text.push_str(&self.payload);
        text.push_str("\",\"payloadType\":\"");
        text.push_str(&self.payload_type);
        text.push_str("\",\"signatures\":[");
        for (index, Signature { keyid, sig }) in self.signatures.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            text.push_str(&format!("{comma}{{\"keyid\":\"{keyid}\",\"sig\":\"{sig}\"}}"));
        }
        text.push_str("]}");
        text.into_bytes()
    }

    /// Checks every signature. All must be valid and by distinct keys; an envelope with one bad
    /// signature is refused as a whole.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *envelope*.
    pub fn verify(&self) -> Result<Verified<Opened>, Rejection> {
        let (payload, signers) = self.check()?;
        let digest = Digest::of(&self.spelled());
        Ok(Verified::new(Opened { payload, signers, digest }))
    }

    /// Reads an envelope's canonical bytes and checks every signature.
    ///
    /// # Errors
    /// A [`Rejection`] by the check *format* if the bytes are not a canonical envelope, else as
    /// [`Envelope::verify`].
    pub fn verify_bytes(bytes: &[u8]) -> Result<Verified<Opened>, Rejection> {
        let format = |error: canonical::Error| {
            Rejection::caused(Check::Format, Fault::DocumentMalformed, &error)
        };
        let envelope: Self = canonical::read(bytes).map_err(format)?;
        let (payload, signers) = envelope.check()?;
        // Checked fields need no escapes, so the length of the one spelling is a sum.
        canonical::ensure_whole(envelope.spelled_length(), bytes.len()).map_err(format)?;
        Ok(Verified::new(Opened { payload, signers, digest: Digest::of(bytes) }))
    }

    fn check(&self) -> Result<(Vec<u8>, Vec<Did>), Rejection> {
        let reject = |fault, reason| Rejection::new(Check::Envelope, fault, reason);
        if self.payload_type != PAYLOAD_TYPE {
            return Err(reject(
                Fault::PayloadTypeUnknown,
                format!("expected payloadType `{PAYLOAD_TYPE}`, found `{}`", self.payload_type),
            ));
        }
        if self.signatures.is_empty() || self.signatures.len() > SIGNATURES_MAX {
            return Err(reject(
                Fault::SignatureCount,
                format!(
                    "expected 1 to {SIGNATURES_MAX} signatures, found {}",
                    self.signatures.len()
                ),
            ));
        }
        let payload = STANDARD.decode(&self.payload).map_err(|error| {
            reject(Fault::PayloadMalformed, format!("payload is not standard base64: {error}"))
        })?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(reject(
                Fault::PayloadTooLarge,
                format!("payload has {} bytes, the limit is {PAYLOAD_BYTES_MAX}", payload.len()),
            ));
        }
        let message = pre_authentication_encoding(&self.payload_type, &payload);
        let mut signers = Vec::with_capacity(self.signatures.len());
        for signature in &self.signatures {
            let keyid = signature.keyid;
            if signers.contains(&keyid) {
                return Err(reject(Fault::SignerRepeated, format!("key {keyid} signed twice")));
            }
            let bytes: [u8; 64] = STANDARD
                .decode(&signature.sig)
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| {
                    reject(
                        Fault::SignatureMalformed,
                        format!("signature by {keyid} is not 64 bytes of base64"),
                    )
                })?;
            if !keyid.verifies(&message, &bytes) {
                return Err(reject(
                    Fault::SignatureMismatch,
                    format!("signature by {keyid} does not match the payload"),
                ));
            }
            signers.push(keyid);
        }
        Ok((payload, signers))
    }
}

#[cfg(test)]
mod tests;
