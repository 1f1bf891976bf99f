use std::fmt;

use chaos_attestation::Hex;
use pkcs8::pkcs5::scrypt;
use zeroize::Zeroizing;

use super::{Secret, file::Sealed};
use crate::{Fault, Random, Refusal, bytes::join};

/// The key that a vault's records are encrypted under. `Debug` shows nothing.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    pub(crate) fn draw(random: Random<'_>) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        random(key.as_mut_slice());
        Self(key)
    }

    /// Takes the 32 bytes over.
    #[must_use]
    pub const fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// The bytes, for a source that wraps them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// Where the key that protects a vault's data key comes from: a passphrase, a file, or a key
/// management service.
///
/// `wrap` and `unwrap` may take a second (a passphrase is stretched, a service is asked) and block.
/// What one source wrapped only the same source unwraps, and only for the same context, which names
/// the vault. The wrapped form stands in the vault's file and is not secret.
pub trait KeySource {
    /// What the source is, as the vault's file says it, such as `passphrase`.
    fn kind(&self) -> &'static str;

    /// Wraps a data key.
    ///
    /// # Errors
    /// If the source is not to be had.
    fn wrap(&self, key: &DataKey, context: &[u8], random: Random<'_>) -> Result<Vec<u8>, Refusal>;

    /// Unwraps a data key.
    ///
    /// # Errors
    /// [`Fault::VaultInvalid`] if this source did not wrap it, or not for this context.
    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<DataKey, Refusal>;
}

/// A passphrase, stretched by scrypt ([RFC 7914](https://www.rfc-editor.org/rfc/rfc7914)) as the
/// project's key files are.
#[derive(Debug)]
pub struct Passphrase(Secret);

/// scrypt cost 2^15 with r = 8 takes about 0.1 s and 32 MiB, OWASP's floor for stored passwords.
const SCRYPT_LOG_N: u8 = 15;

const SALT_BYTES: usize = 16;

impl Passphrase {
    /// Takes the passphrase over.
    #[must_use]
    pub const fn new(passphrase: Secret) -> Self {
        Self(passphrase)
    }

    fn stretch(&self, salt: &[u8]) -> DataKey {
        let params = scrypt::Params::new(SCRYPT_LOG_N, 8, 1).expect("the parameters are in range");
        let mut key = Zeroizing::new([0; 32]);
        scrypt::scrypt(self.0.expose(), salt, &params, key.as_mut_slice())
            .expect("32 bytes can be had");
        DataKey(key)
    }
}

impl KeySource for Passphrase {
    fn kind(&self) -> &'static str {
        "passphrase-scrypt-15-8-1"
    }

    fn wrap(&self, key: &DataKey, context: &[u8], random: Random<'_>) -> Result<Vec<u8>, Refusal> {
        let mut wrapped = vec![0; SALT_BYTES];
        random(&mut wrapped);
        let outer = self.stretch(&wrapped);
        wrapped.extend(wrap_under(&outer, self.kind(), key, context, random)?);
        Ok(wrapped)
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<DataKey, Refusal> {
        let (salt, wrapped) = wrapped.split_at_checked(SALT_BYTES).ok_or_else(not_ours)?;
        unwrap_under(&self.stretch(salt), self.kind(), wrapped, context)
    }
}

/// 32 bytes from a file that only the broker can read.
#[derive(Debug)]
pub struct KeyFile(DataKey);

impl KeyFile {
    /// Takes the file's bytes over, exactly 32 from a cryptographic random source.
    ///
    /// # Errors
    /// [`Fault::VaultInvalid`] if they are not 32.
    pub fn new(bytes: &Secret) -> Result<Self, Refusal> {
        let mut key = Zeroizing::new([0; 32]);
        if bytes.expose().len() != key.len() {
            let detail = format!("the key file has {} bytes, expected 32", bytes.expose().len());
            return Err(Refusal::new(Fault::VaultInvalid, detail));
        }
        key.copy_from_slice(bytes.expose());
        Ok(Self(DataKey(key)))
    }
}

impl KeySource for KeyFile {
    fn kind(&self) -> &'static str {
        "key-file"
    }

    fn wrap(&self, key: &DataKey, context: &[u8], random: Random<'_>) -> Result<Vec<u8>, Refusal> {
        wrap_under(&self.0, self.kind(), key, context, random)
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<DataKey, Refusal> {
        unwrap_under(&self.0, self.kind(), wrapped, context)
    }
}

const NONCE_BYTES: usize = 24;

fn aad(kind: &str, context: &[u8]) -> Vec<u8> {
    join(&[b"chaoschain/vault-key/v1", kind.as_bytes(), context])
}

fn wrap_under(
    outer: &DataKey,
    kind: &str,
    key: &DataKey,
    context: &[u8],
    random: Random<'_>,
) -> Result<Vec<u8>, Refusal> {
    let sealed = Sealed::seal(outer, key.expose(), &aad(kind, context), random)?;
    Ok([sealed.nonce.0.as_slice(), &sealed.ciphertext.0].concat())
}

fn unwrap_under(
    outer: &DataKey,
    kind: &str,
    wrapped: &[u8],
    context: &[u8],
) -> Result<DataKey, Refusal> {
    let (nonce, ciphertext) = wrapped.split_first_chunk::<NONCE_BYTES>().ok_or_else(not_ours)?;
    let sealed =
        Sealed { nonce: Hex(*nonce), ciphertext: crate::bytes::Base64(ciphertext.to_vec()) };
    let opened = sealed.open(outer, &aad(kind, context)).map_err(|_| not_ours())?;
    let mut key = Zeroizing::new([0; 32]);
    if opened.len() != key.len() {
        return Err(not_ours());
    }
    key.copy_from_slice(&opened);
    Ok(DataKey(key))
}

fn not_ours() -> Refusal {
    let detail = "the passphrase or key is not the vault's, or the file was changed";
    Refusal::new(Fault::VaultInvalid, detail)
}
