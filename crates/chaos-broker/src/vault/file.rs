//! The vault's file.

use std::collections::BTreeMap;

use chacha20poly1305::{
    Key, KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use chaos_attestation::Hex;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{DataKey, KeySource, SECRETS_MAX, Vault};
use crate::{
    Fault, Name, Random, Refusal, SecretId,
    bytes::{Base64, join},
    wire,
};

/// A vault's file is at most this long, in bytes: 32 MiB.
pub(crate) const VAULT_BYTES_MAX: usize = 32 << 20;

/// A wrapped data key is at most this long, in bytes.
const WRAPPED_BYTES_MAX: usize = 4096;

const VERSION: u8 = 1;

/// Ciphertext with the nonce that it was made under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    pub(super) ciphertext: Base64,
    pub(super) nonce: Hex<24>,
}

impl Sealed {
    /// Encrypts under a fresh nonce; 192 random bits do not repeat.
    pub(super) fn seal(
        key: &DataKey,
        plaintext: &[u8],
        aad: &[u8],
        random: Random<'_>,
    ) -> Result<Self, Refusal> {
        let mut nonce = [0; 24];
        random(&mut nonce);
        let ciphertext = cipher(key)
            .encrypt(&XNonce::from(nonce), Payload { msg: plaintext, aad })
            .map_err(|_| Refusal::new(Fault::VaultInvalid, "cannot be encrypted"))?;
        Ok(Self { ciphertext: Base64(ciphertext), nonce: Hex(nonce) })
    }

    pub(super) fn open(&self, key: &DataKey, aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        cipher(key)
            .decrypt(&XNonce::from(self.nonce.0), Payload { msg: &self.ciphertext.0, aad })
            .map(Zeroizing::new)
            .map_err(|_| Refusal::new(Fault::VaultInvalid, "a record does not open"))
    }
}

fn cipher(key: &DataKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(<&Key>::from(key.expose()))
}

/// One secret. Without ciphertext it was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) purpose: Name,
    pub(super) version: u64,
    pub(super) sealed: Option<Sealed>,
}

/// The data key as the source wrapped it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wrapped {
    blob: Base64,
    source: Name,
}

impl Wrapped {
    pub(super) fn seal(
        source: &dyn KeySource,
        vault: &Hex<16>,
        key: &DataKey,
        random: Random<'_>,
    ) -> Result<Self, Refusal> {
        let blob = source.wrap(key, &vault.0, random)?;
        Ok(Self { blob: Base64(blob), source: source.kind().parse()? })
    }

    fn open(&self, source: &dyn KeySource, vault: &Hex<16>) -> Result<DataKey, Refusal> {
        if self.source.as_str() != source.kind() || self.blob.0.len() > WRAPPED_BYTES_MAX {
            let detail =
                format!("the vault's key is from `{}`, found `{}`", self.source, source.kind());
            return Err(Refusal::new(Fault::VaultInvalid, detail));
        }
        source.unwrap(&self.blob.0, &vault.0)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    purpose: Name,
    sealed: Option<Sealed>,
    secret: SecretId,
    version: u64,
}

/// Everything but the tag.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    records: Vec<Row>,
    vault: Hex<16>,
    version: u8,
    wrapped: Wrapped,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    body: Body,
    /// An encryption of nothing, bound to the body: the file's tag.
    tag: Sealed,
}

impl Vault {
    /// The file, canonical JSON.
    ///
    /// # Errors
    /// [`Fault::VaultInvalid`] if it is longer than `VAULT_BYTES_MAX`.
    pub fn to_bytes(&self, random: Random<'_>) -> Result<Vec<u8>, Refusal> {
        let row = |(secret, record): (&SecretId, &Record)| Row {
            purpose: record.purpose.clone(),
            sealed: record.sealed.clone(),
            secret: secret.clone(),
            version: record.version,
        };
        let body = Body {
            records: self.records.iter().map(row).collect(),
            vault: self.id,
            version: VERSION,
            wrapped: self.wrapped.clone(),
        };
        let tag = Sealed::seal(&self.key, &[], &aad(&body)?, random)?;
        let bytes = wire::to_bytes(&File { body, tag })?;
        if bytes.len() > VAULT_BYTES_MAX {
            return Err(invalid(format!("{} bytes, the limit is {VAULT_BYTES_MAX}", bytes.len())));
        }
        Ok(bytes)
    }

    /// Reads a file and checks its tag with the key from the source.
    ///
    /// # Errors
    /// `ReasonCode::MessageTooLarge`, `ReasonCode::MessageMalformed` or
    /// [`Fault::VaultInvalid`].
    pub fn from_bytes(bytes: &[u8], source: &dyn KeySource) -> Result<Self, Refusal> {
        let File { body, tag } = wire::from_bytes(bytes, VAULT_BYTES_MAX)?;
        if body.version != VERSION || body.records.len() > SECRETS_MAX {
            return Err(invalid(format!(
                "version {} with {} secrets, expected version {VERSION} with up to {SECRETS_MAX}",
                body.version,
                body.records.len()
            )));
        }
        let key = body.wrapped.open(source, &body.vault)?;
        tag.open(&key, &aad(&body)?)?;
        let mut records = BTreeMap::new();
        for Row { purpose, sealed, secret, version } in body.records {
            if records.last_key_value().is_some_and(|(last, _)| *last >= secret) || version == 0 {
                return Err(invalid(format!("{secret} is out of order or has no version")));
            }
            records.insert(secret, Record { purpose, version, sealed });
        }
        Ok(Self { id: body.vault, key, wrapped: body.wrapped, records })
    }
}

fn aad(body: &Body) -> Result<Vec<u8>, Refusal> {
    Ok(join(&[b"chaoschain/vault/v1", &wire::to_bytes(body)?]))
}

fn invalid(detail: String) -> Refusal {
    Refusal::new(Fault::VaultInvalid, detail)
}
