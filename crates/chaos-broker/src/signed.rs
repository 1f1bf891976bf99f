use chaos_attestation::Hex;
use chaos_types::{AgentKey, Did};
use serde::{Deserialize, Serialize};

use crate::{Fault, Refusal, bytes::join, wire};

/// A document that is signed; its tag keeps a signature for one kind from being one for another.
pub trait Document: Serialize {
    /// What the document is, such as `chaoschain/grant/v1`.
    const TAG: &str;
}

/// A document with an Ed25519 signature over `len(tag) || tag || len(json) || json`, the lengths
/// eight big-endian bytes and the JSON canonical.
///
/// Nothing in it is to be believed before [`Signed::verify`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed<T> {
    body: T,
    signature: Hex<64>,
}

impl<T: Document> Signed<T> {
    /// Signs a document.
    ///
    /// # Errors
    /// `ReasonCode::MessageMalformed` if it holds a number that canonical JSON cannot write.
    pub fn sign(body: T, key: &AgentKey) -> Result<Self, Refusal> {
        let signature = Hex(key.sign(&message(&body)?));
        Ok(Self { body, signature })
    }

    /// The document, if this key signed it.
    ///
    /// # Errors
    /// [`Fault::SignatureInvalid`].
    pub fn verify(&self, by: &Did) -> Result<&T, Refusal> {
        if by.verifies(&message(&self.body)?, &self.signature.0) {
            return Ok(&self.body);
        }
        Err(Refusal::new(Fault::SignatureInvalid, format!("{} is not signed by {by}", T::TAG)))
    }

    /// What the document claims, signature unchecked: to find out whose signature it must bear.
    #[must_use]
    pub const fn claimed(&self) -> &T {
        &self.body
    }
}

fn message<T: Document>(body: &T) -> Result<Vec<u8>, Refusal> {
    Ok(join(&[T::TAG.as_bytes(), &wire::to_bytes(body)?]))
}
