use std::fmt;

use zeroize::Zeroizing;

use crate::{Fault, Refusal};

/// A secret is at most this long, in bytes: 16 KiB.
pub const SECRET_BYTES_MAX: usize = 16 << 10;

/// Bytes that nobody else may see. They are overwritten when dropped; the type can be neither
/// copied nor shown nor written, and its `Debug` does not tell even their number.
///
/// ```compile_fail
/// let secret = chaos_attestation::vault::Secret::new(vec![1]).unwrap();
/// let _ = secret.clone();
/// ```
///
/// ```compile_fail
/// let secret = chaos_attestation::vault::Secret::new(vec![1]).unwrap();
/// let _ = secret.to_string();
/// ```
///
/// ```compile_fail
/// let secret = chaos_attestation::vault::Secret::new(vec![1]).unwrap();
/// let _ = serde_json::to_vec(&secret);
/// ```
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over, 1 byte to [`SECRET_BYTES_MAX`].
    ///
    /// # Errors
    /// [`Fault::SecretInvalid`]; the bytes are overwritten.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Refusal> {
        Self::from_zeroizing(Zeroizing::new(bytes))
    }

    pub(crate) fn from_zeroizing(bytes: Zeroizing<Vec<u8>>) -> Result<Self, Refusal> {
        if bytes.is_empty() || bytes.len() > SECRET_BYTES_MAX {
            let detail = format!("{} bytes, expected 1 to {SECRET_BYTES_MAX}", bytes.len());
            return Err(Refusal::new(Fault::SecretInvalid, detail));
        }
        Ok(Self(bytes))
    }

    /// The bytes: hand them to what needs them and keep no copy.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
