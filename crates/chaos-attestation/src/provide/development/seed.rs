use std::fmt;

use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use rcgen::{PublicKeyData, SignatureAlgorithm};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The 32 bytes that every key of a development PKI derives from.
///
/// Whoever knows them can make any quote of that PKI, so a seed that guards anything is a secret.
/// Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// A PKI of one's own.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The seed that everybody knows: for demonstrations and tests.
    #[must_use]
    pub fn well_known() -> Self {
        Self::new(*b"chaoschain development seed, v1!")
    }

    /// 32 bytes for a purpose: SHA-256 over tag, seed, purpose and a counter, each with its length.
    fn derive(&self, purpose: &str, counter: u8) -> Zeroizing<[u8; 32]> {
        let mut hasher = Sha256::new();
        let parts: [&[u8]; 4] =
            [b"chaoschain/development-pki/v1", &*self.0, purpose.as_bytes(), &[counter]];
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Zeroizing::new(hasher.finalize().into())
    }

    /// Sixteen public bytes for a purpose, such as the platform's id.
    pub(super) fn label(&self, purpose: &str) -> [u8; 16] {
        let bytes = self.derive(purpose, 0);
        std::array::from_fn(|index| bytes[index])
    }

    /// The P-256 key for a purpose.
    pub(super) fn key(&self, purpose: &str) -> Key {
        // A digest is a valid scalar but for one chance in 2^32; then the next counter is taken.
        (0..=u8::MAX)
            .find_map(|counter| SigningKey::from_slice(&*self.derive(purpose, counter)).ok())
            .map(Key::new)
            .expect("256 digests in a row beyond the group order: once in 2^8192")
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// A P-256 key that signs by RFC 6979, so that the same message has the same signature everywhere.
#[derive(Clone)]
pub(super) struct Key {
    signing: SigningKey,
    /// The public point, uncompressed: 0x04, x, y.
    point: [u8; 65],
}

impl Key {
    fn new(signing: SigningKey) -> Self {
        let sec1 = signing.verifying_key().to_sec1_point(false);
        let point = sec1.as_bytes().try_into().expect("an uncompressed P-256 point has 65 bytes");
        Self { signing, point }
    }

    /// The public point as quotes hold it: x and y.
    pub(super) fn coordinates(&self) -> [u8; 64] {
        std::array::from_fn(|index| self.point[index + 1])
    }

    /// A signature over `message` as quotes and collateral hold it: r and s.
    pub(super) fn sign_raw(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.signing.sign(message);
        signature.to_bytes().into()
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: Signature = self.signing.sign(message);
        Ok(signature.to_der().as_bytes().to_vec())
    }
}
