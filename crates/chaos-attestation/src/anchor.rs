use std::fmt;

use serde::{Deserialize, Serialize};

/// What a chain of trust ends in. Part of every claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnchorClass {
    /// Intel's root key: the quote was made by hardware that Intel provisioned.
    IntelProduction,
    /// Any other root: whoever holds its key can make any quote. It shows that the machinery works
    /// and nothing about hardware.
    Development,
}

impl AnchorClass {
    /// Every class.
    pub const ALL: [Self; 2] = [Self::IntelProduction, Self::Development];

    /// The class as written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IntelProduction => "intel-production",
            Self::Development => "development",
        }
    }
}

impl fmt::Display for AnchorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A root certificate with its class. The class follows from the certificate: Intel's own is
/// *intel-production*, every other is *development*, so no configuration can confuse them.
#[derive(Clone, PartialEq, Eq)]
pub struct Anchor {
    class: AnchorClass,
    root_der: Vec<u8>,
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anchor").field("class", &self.class).finish_non_exhaustive()
    }
}

/// Why bytes are not a root certificate.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected a DER certificate of at most {max} bytes that begins with a SEQUENCE, found {found} bytes"
)]
pub struct AnchorError {
    found: usize,
    max: usize,
}

/// Intel's SGX Root CA as Intel publishes it with its provisioning certification service, valid from
/// 2018 to 2049.
const INTEL_ROOT_DER: &[u8] = include_bytes!("anchor/intel_sgx_root_ca.der");

/// A root certificate is at most this long, in bytes.
const ROOT_BYTES_MAX: usize = 4096;

impl Anchor {
    /// Intel's SGX and TDX root.
    #[must_use]
    pub fn intel() -> Self {
        Self { class: AnchorClass::IntelProduction, root_der: INTEL_ROOT_DER.to_vec() }
    }

    /// The anchor with this root certificate, DER.
    ///
    /// # Errors
    /// If it cannot be a certificate.
    pub fn from_root(der: &[u8]) -> Result<Self, AnchorError> {
        if der.len() > ROOT_BYTES_MAX || der.first() != Some(&0x30) {
            return Err(AnchorError { found: der.len(), max: ROOT_BYTES_MAX });
        }
        let intel = Self::intel();
        if der == intel.root_der {
            return Ok(intel);
        }
        Ok(Self { class: AnchorClass::Development, root_der: der.to_vec() })
    }

    /// Its class.
    #[must_use]
    pub const fn class(&self) -> AnchorClass {
        self.class
    }

    /// The certificate, DER.
    #[must_use]
    pub fn root_der(&self) -> &[u8] {
        &self.root_der
    }
}
