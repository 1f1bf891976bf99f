//! Quotes: their shape, their name, their limits.

use std::fmt;

use chaos_types::Digest;
use dcap_qvl::quote as wire;
use parity_scale_codec::Encode as _;
use serde::{Deserialize, Serialize};

use crate::{ReasonCode, Refusal, WorkloadId};

/// A quote is at most this long, in bytes, with the padding that some platforms append.
pub const QUOTE_BYTES_MAX: usize = 16 << 10;

/// The kind of trusted execution environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TeeType {
    /// An Intel SGX enclave.
    Sgx,
    /// An Intel TDX trust domain.
    Tdx,
}

impl TeeType {
    /// The kind as written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sgx => "sgx",
            Self::Tdx => "tdx",
        }
    }
}

/// The name of a piece of evidence: SHA-256 of the bytes that the hardware signed, header and body.
///
/// Everything after them can be changed without the quote failing (padding, line breaks in the
/// certificates, a certification type that nobody reads), so the hash of the file names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvidenceId(Digest);

impl EvidenceId {
    /// The digest.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.0
    }
}

impl From<Digest> for EvidenceId {
    fn from(digest: Digest) -> Self {
        Self(digest)
    }
}

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A parsed quote in canonical form. Parsing shows its shape only: nothing in it is to be believed
/// before [`crate::verify()`].
#[derive(Debug, Clone)]
pub struct Quote {
    bytes: Vec<u8>,
    id: EvidenceId,
    parsed: wire::Quote,
}

impl Quote {
    /// Parses a quote and drops what follows it: SGX version 3, TDX versions 4 and 5.
    ///
    /// # Errors
    /// [`ReasonCode::QuoteTooLarge`] before anything is read, or [`ReasonCode::QuoteMalformed`].
    pub fn parse(raw: &[u8]) -> Result<Self, Refusal> {
        if raw.len() > QUOTE_BYTES_MAX {
            return Err(Refusal::new(
                ReasonCode::QuoteTooLarge,
                format!("{} bytes, the limit is {QUOTE_BYTES_MAX}", raw.len()),
            ));
        }
        let malformed = |detail: String| Refusal::new(ReasonCode::QuoteMalformed, detail);
        let parsed = wire::Quote::parse(raw)
            .map_err(|error| malformed(format!("cannot be decoded: {error}")))?;
        let version = parsed.header.version;
        if matches!(parsed.report, wire::Report::SgxEnclave(_)) && version != 3 {
            return Err(malformed(format!(
                "an SGX quote of version {version}; version 3 is the one that can be verified"
            )));
        }
        let bytes = parsed.encode();
        if !raw.starts_with(&bytes) {
            return Err(malformed("does not read back as it was written".to_owned()));
        }
        let signed = bytes
            .get(..parsed.signed_length())
            .ok_or_else(|| malformed("ends before its signed part does".to_owned()))?;
        let id = EvidenceId(Digest::of(signed));
        Ok(Self { id, bytes, parsed })
    }

    /// The canonical bytes: the quote without anything after it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What names it.
    #[must_use]
    pub const fn id(&self) -> EvidenceId {
        self.id
    }

    /// The bytes that the attestation key signed: header and body.
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        &self.bytes[..self.parsed.signed_length()]
    }

    /// The quote's parts as the verifying library reads them.
    pub(crate) const fn parsed(&self) -> &wire::Quote {
        &self.parsed
    }

    /// The format's version: 3, 4 or 5.
    #[must_use]
    pub const fn version(&self) -> u16 {
        self.parsed.header.version
    }

    /// The kind of environment that it says it is of.
    #[must_use]
    pub const fn tee_type(&self) -> TeeType {
        match self.parsed.report {
            wire::Report::SgxEnclave(_) => TeeType::Sgx,
            wire::Report::TD10(_) | wire::Report::TD15(_) | wire::Report::TD15Ex(_) => TeeType::Tdx,
        }
    }

    /// The id of the workload that it describes. Unverified.
    #[must_use]
    pub fn workload(&self) -> WorkloadId {
        WorkloadId::of_report(&self.parsed.report)
    }

    /// The 64 bytes of the code inside. Unverified.
    #[must_use]
    pub const fn report_data(&self) -> &[u8; 64] {
        match &self.parsed.report {
            wire::Report::SgxEnclave(report) => &report.report_data,
            wire::Report::TD10(report) => &report.report_data,
            wire::Report::TD15(report) => &report.base.report_data,
            wire::Report::TD15Ex(report) => &report.base.base.report_data,
        }
    }
}
