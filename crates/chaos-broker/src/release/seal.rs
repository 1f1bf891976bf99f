//! Encryption of a secret to the key that the evidence binds.

use std::convert::Infallible;

use chaos_attestation::{EvidenceId, Hex, ReasonCode};
use chaos_types::Digest;
use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::X25519HkdfSha256, rand_core,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Given;
use crate::{
    Fault, Random, Refusal, SecretId,
    bytes::{Base64, join},
    exchange::LeaseId,
    vault::Secret,
};

type Kem = X25519HkdfSha256;

/// The public half of a key that code inside made for one release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseKey(Hex<32>);

impl ReleaseKey {
    /// The 32 bytes of the X25519 key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }
}

/// The private half; overwritten when dropped.
pub(super) struct PrivateKey(<Kem as hpke::Kem>::PrivateKey);

impl PrivateKey {
    pub(super) fn draw(random: Random<'_>) -> (Self, ReleaseKey) {
        let mut seed = Zeroizing::new([0; 32]);
        random(seed.as_mut_slice());
        let (private, public) = Kem::derive_keypair(seed.as_slice());
        (Self(private), ReleaseKey(Hex(public.to_bytes().into())))
    }
}

/// A secret encrypted to a [`ReleaseKey`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    ciphertext: Base64,
    encapsulated: Hex<32>,
    pub(super) secret: SecretId,
    pub(super) version: u64,
}

/// What a ciphertext is bound to beside its key, so that it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound<'a> {
    pub(super) evidence: &'a EvidenceId,
    pub(super) policy: &'a Digest,
    pub(super) lease: &'a LeaseId,
    pub(super) expires_at_s: u64,
}

impl Bound<'_> {
    fn info(&self) -> Vec<u8> {
        let (evidence, policy) = (self.evidence.digest(), self.policy);
        join(&[b"chaoschain/release/v1", evidence.as_bytes(), policy.as_bytes()])
    }

    fn aad(&self, secret: &SecretId, version: u64) -> Vec<u8> {
        join(&[
            b"chaoschain/secret/v1",
            secret.to_string().as_bytes(),
            &version.to_be_bytes(),
            self.lease.as_bytes(),
            &self.expires_at_s.to_be_bytes(),
        ])
    }

    /// Encrypts a version of a secret to a key.
    pub(super) fn seal(
        &self,
        to: &ReleaseKey,
        given: Given,
        secret: &Secret,
        random: Random<'_>,
    ) -> Result<Sealed, Refusal> {
        let bad_key = |_| Refusal::new(ReasonCode::MessageMalformed, "not a key to encrypt to");
        let to = <Kem as hpke::Kem>::PublicKey::from_bytes(to.as_bytes()).map_err(bad_key)?;
        let (encapsulated, ciphertext) =
            hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
                &OpModeS::Base,
                &to,
                &self.info(),
                secret.expose(),
                &self.aad(&given.secret, given.version),
                &mut Source(random),
            )
            .map_err(bad_key)?;
        Ok(Sealed {
            ciphertext: Base64(ciphertext),
            encapsulated: Hex(encapsulated.to_bytes().into()),
            secret: given.secret,
            version: given.version,
        })
    }

    /// Decrypts with the private half.
    pub(super) fn open(&self, sealed: &Sealed, with: &PrivateKey) -> Result<Secret, Refusal> {
        let invalid = |_| Refusal::new(Fault::CiphertextInvalid, sealed.secret.to_string());
        let encapsulated =
            <Kem as hpke::Kem>::EncappedKey::from_bytes(&sealed.encapsulated.0).map_err(invalid)?;
        let plaintext = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeR::Base,
            &with.0,
            &encapsulated,
            &self.info(),
            &sealed.ciphertext.0,
            &self.aad(&sealed.secret, sealed.version),
        )
        .map_err(invalid)?;
        Secret::new(plaintext)
    }
}

/// The caller's randomness as HPKE wants it.
struct Source<'a>(Random<'a>);

impl rand_core::TryRng for Source<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        (self.0)(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        (self.0)(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        (self.0)(bytes);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Source<'_> {}

#[cfg(test)]
mod tests;
