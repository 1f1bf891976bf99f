//! Secrets at rest.
//!
//! Each secret is encrypted with XChaCha20-Poly1305
//! ([draft-irtf-cfrg-xchacha](https://datatracker.ietf.org/doc/draft-irtf-cfrg-xchacha/)) under a
//! data key, and that key under one from a [`KeySource`]. A record is bound to its vault, name,
//! version and purpose, so records cannot be swapped; the whole file bears a tag under the data
//! key, so none can be added, dropped or un-revoked. A whole older file can be put back: what was
//! recorded outside shows that ([`crate::release::Broker::learn`]).

mod file;
mod secret;
mod source;

use std::{collections::BTreeMap, fmt};

use chaos_attestation::Hex;
pub(crate) use file::VAULT_BYTES_MAX;
use file::{Record, Sealed};
pub use secret::{SECRET_BYTES_MAX, Secret};
pub use source::{DataKey, KeyFile, KeySource, Passphrase};

use crate::{Fault, Name, Random, Refusal, SecretId, bytes::join};

/// A vault holds at most this many secrets, revoked ones included.
pub(crate) const SECRETS_MAX: usize = 1024;

/// Secrets, encrypted, with the key that opens them. `Debug` shows how many there are.
pub struct Vault {
    id: Hex<16>,
    key: DataKey,
    wrapped: file::Wrapped,
    records: BTreeMap<SecretId, Record>,
}

/// What can be said of a secret without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Its name.
    pub secret: &'a SecretId,
    /// What it is for.
    pub purpose: &'a Name,
    /// How often it was stored, from 1.
    pub version: u64,
    /// Whether it is gone.
    pub revoked: bool,
}

impl Vault {
    /// An empty vault under a fresh data key.
    ///
    /// # Errors
    /// If the source cannot wrap the key.
    pub fn create(source: &dyn KeySource, random: Random<'_>) -> Result<Self, Refusal> {
        let mut id = [0; 16];
        random(&mut id);
        let key = DataKey::draw(random);
        let wrapped = file::Wrapped::seal(source, &Hex(id), &key, random)?;
        Ok(Self { id: Hex(id), key, wrapped, records: BTreeMap::new() })
    }

    /// Stores a new secret and gives its version, 1.
    ///
    /// # Errors
    /// [`Fault::SecretExists`], [`Fault::SecretRevoked`] or [`Fault::TableFull`].
    pub fn store(
        &mut self,
        id: SecretId,
        purpose: Name,
        secret: &Secret,
        random: Random<'_>,
    ) -> Result<u64, Refusal> {
        if let Some(record) = self.records.get(&id) {
            let revoked = record.sealed.is_none();
            let code = if revoked { Fault::SecretRevoked } else { Fault::SecretExists };
            return Err(Refusal::new(code, id.to_string()));
        }
        if self.records.len() >= SECRETS_MAX {
            let detail = format!("the vault holds {SECRETS_MAX} secrets, its limit");
            return Err(Refusal::new(Fault::TableFull, detail));
        }
        let sealed = self.seal(&id, &purpose, 1, secret, random)?;
        self.records.insert(id, Record { purpose, version: 1, sealed: Some(sealed) });
        Ok(1)
    }

    /// Replaces a secret and gives its new version. The old one is gone from the vault, but not
    /// from where it was released to: rotate it at its source as well.
    ///
    /// # Errors
    /// [`Fault::SecretUnknown`] or [`Fault::SecretRevoked`].
    pub fn rotate(
        &mut self,
        id: &SecretId,
        secret: &Secret,
        random: Random<'_>,
    ) -> Result<u64, Refusal> {
        let (record, _) = self.live(id)?;
        let (purpose, version) = (record.purpose.clone(), record.version + 1);
        let sealed = self.seal(id, &purpose, version, secret, random)?;
        self.records.insert(id.clone(), Record { purpose, version, sealed: Some(sealed) });
        Ok(version)
    }

    /// Drops a secret for ever; its name stays taken.
    ///
    /// # Errors
    /// [`Fault::SecretUnknown`] or [`Fault::SecretRevoked`].
    pub fn revoke(&mut self, id: &SecretId) -> Result<(), Refusal> {
        self.live(id)?;
        let record = self.records.get_mut(id).expect("it was found above");
        record.sealed = None;
        Ok(())
    }

    /// Decrypts a secret and gives it with its version.
    ///
    /// # Errors
    /// [`Fault::SecretUnknown`], [`Fault::SecretRevoked`] or
    /// [`Fault::VaultInvalid`].
    pub fn open(&self, id: &SecretId) -> Result<(u64, Secret), Refusal> {
        let (record, sealed) = self.live(id)?;
        let aad = self.aad(id, &record.purpose, record.version);
        Ok((record.version, Secret::from_zeroizing(sealed.open(&self.key, &aad)?)?))
    }

    /// Every secret, in the order of the names.
    pub fn index(&self) -> impl Iterator<Item = Listed<'_>> {
        self.records.iter().map(|(secret, record)| Listed {
            secret,
            purpose: &record.purpose,
            version: record.version,
            revoked: record.sealed.is_none(),
        })
    }

    fn live(&self, id: &SecretId) -> Result<(&Record, &Sealed), Refusal> {
        let refuse = |code: Fault| Refusal::new(code, id.to_string());
        let record = self.records.get(id).ok_or_else(|| refuse(Fault::SecretUnknown))?;
        let sealed = record.sealed.as_ref().ok_or_else(|| refuse(Fault::SecretRevoked))?;
        Ok((record, sealed))
    }

    fn seal(
        &self,
        id: &SecretId,
        purpose: &Name,
        version: u64,
        secret: &Secret,
        random: Random<'_>,
    ) -> Result<Sealed, Refusal> {
        Sealed::seal(&self.key, secret.expose(), &self.aad(id, purpose, version), random)
    }

    /// What a record is bound to.
    fn aad(&self, id: &SecretId, purpose: &Name, version: u64) -> Vec<u8> {
        join(&[
            b"chaoschain/vault-record/v1",
            &self.id.0,
            id.to_string().as_bytes(),
            &version.to_be_bytes(),
            purpose.as_str().as_bytes(),
        ])
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({} secrets)", self.records.len())
    }
}

#[cfg(test)]
mod tests;
