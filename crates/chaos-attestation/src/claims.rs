//! What a verified quote says, in the field's names.

mod measurements;
mod tcb;

pub use measurements::{Measurements, SgxMeasurements, TdxMeasurements};
pub use tcb::{TcbClaims, TcbLevel, TcbStatus};

use chaos_types::{Digest, canonical};
use dcap_qvl::{PckCertFlag, QuoteClaims, quote::Report};
use serde::{Deserialize, Serialize};

use crate::{AnchorClass, Collateral, EvidenceId, Hex, Quote, Refusal, TeeType, WorkloadId};
use crate::{ReasonCode, collateral::Dates};

/// The version of this set of claims.
const CLAIMS_VERSION: u16 = 1;

/// Everything that a quote says once it has verified. Only [`crate::verify()`] and
/// [`crate::Verifier`] make it from evidence; one that was read from a document is what somebody
/// wrote there.
///
/// Names are those of Intel Trust Authority's tokens and of RFC 9711 where they have one:
/// `tdx_mrtd`, `attester_tcb_status`, `dbgstat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// `CLAIMS_VERSION`.
    pub claims_version: u16,
    /// The name of the quote: the digest of the bytes that the hardware signed.
    pub evidence_id: EvidenceId,
    /// The quote format's version: 3, 4 or 5.
    pub quote_version: u16,
    /// The kind of environment.
    pub tee_type: TeeType,
    /// What the chain of trust ends in.
    pub anchor_class: AnchorClass,
    /// SHA-384 of the root's public key.
    pub root_key_id: Hex<48>,
    /// The time at which it verified, in Unix seconds.
    pub verified_at_s: u64,
    /// What runs inside, as one digest.
    pub workload_id: WorkloadId,
    /// The 64 bytes of the code inside.
    pub report_data: Hex<64>,
    /// Whether the environment can be debugged from outside.
    pub dbgstat: DebugStatus,
    /// The registers.
    pub measurements: Measurements,
    /// How the platform compares with the published levels.
    pub tcb: TcbClaims,
    /// The machine.
    pub platform: PlatformClaims,
    /// The collateral that was used.
    pub collateral: CollateralClaims,
}

/// Whether an environment can be debugged, by the names of RFC 9711 section 4.2.9. The choice is
/// fixed when an environment is built, hence *since boot*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DebugStatus {
    /// Its memory can be read or its execution observed from outside.
    Enabled,
    /// It cannot.
    DisabledSinceBoot,
}

/// The machine that made the quote, from its certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformClaims {
    /// Family, model, stepping, platform type and custom SKU.
    pub fmspc: Hex<6>,
    /// The provisioning certification enclave's id, in hexadecimal digits.
    pub pce_id: String,
    /// The provisioning certification enclave's security version.
    pub pce_svn: u16,
    /// The processor's security versions.
    pub cpu_svn: Hex<16>,
    /// SHA-256 of the platform provisioning id: pins a machine without naming it to others.
    pub ppid_hash: Digest,
    /// The platform instance's id; certificates of single-package machines have none.
    pub platform_instance_id: Option<Hex<16>>,
    /// Simultaneous multithreading.
    pub smt_enabled: Flag,
    /// Whether packages can be added to the platform.
    pub dynamic_platform: Flag,
    /// Whether the registration service keeps the platform's keys.
    pub cached_keys: Flag,
}

/// A flag of a platform certificate; those of single-package machines state none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// Stated as true.
    True,
    /// Stated as false.
    False,
    /// Not stated.
    Undefined,
}

/// Which collateral the quote was verified with, and how long that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollateralClaims {
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// The smaller of the two TCB evaluation data numbers.
    pub tcb_evaluation_data_number: u32,
    /// The latest date of issue over all parts and certificates, in Unix seconds.
    pub latest_issue_s: u64,
    /// The earliest expiry over all parts and certificates, in Unix seconds.
    pub earliest_expiration_s: u64,
    /// The dates of its parts.
    pub dates: Dates,
    /// The number of the root's revocation list.
    pub root_ca_crl_number: u32,
    /// The number of the platform certificates' revocation list.
    pub pck_crl_number: u32,
}

impl Claims {
    /// The claims of a quote that the library verified with this collateral under this class.
    pub(crate) fn new(
        quote: &Quote,
        collateral: &Collateral,
        class: AnchorClass,
        at_s: u64,
        verified: &QuoteClaims,
    ) -> Result<Self, Refusal> {
        Self::of_report(quote, collateral, class, at_s, (verified, &verified.report))
    }

    /// The claims of a report for which everything but the report is as the library found it.
    pub(crate) fn of_report(
        quote: &Quote,
        collateral: &Collateral,
        class: AnchorClass,
        at_s: u64,
        (verified, report): (&QuoteClaims, &Report),
    ) -> Result<Self, Refusal> {
        let root_key_id = <[u8; 48]>::try_from(verified.platform.root_key_id.as_slice())
            .map_err(|_| Refusal::new(ReasonCode::VerificationFailed, "no id of the root key"))?;
        Ok(Self {
            claims_version: CLAIMS_VERSION,
            evidence_id: quote.id(),
            quote_version: quote.version(),
            tee_type: quote.tee_type(),
            anchor_class: class,
            root_key_id: Hex(root_key_id),
            verified_at_s: at_s,
            workload_id: WorkloadId::of_report(report),
            report_data: Hex(*quote.report_data()),
            dbgstat: measurements::debug_status(report),
            measurements: Measurements::of(report),
            tcb: TcbClaims::new(verified),
            platform: PlatformClaims::new(verified),
            collateral: CollateralClaims {
                digest: collateral.digest(),
                tcb_evaluation_data_number: verified.tcb.eval_data_number,
                latest_issue_s: verified.latest_issue_date,
                earliest_expiration_s: verified.earliest_expiration_date,
                dates: *collateral.dates(),
                root_ca_crl_number: verified.platform.root_ca_crl_num,
                pck_crl_number: verified.platform.pck_crl_num,
            },
        })
    }

    /// The claims in canonical JSON, for hashing and for other programs.
    ///
    /// # Errors
    /// If a time lies beyond 2^53 seconds, which no verified quote's does.
    pub fn to_canonical(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(self)
    }
}

impl PlatformClaims {
    fn new(verified: &QuoteClaims) -> Self {
        let pck = &verified.platform.pck;
        Self {
            fmspc: Hex(pck.fmspc),
            pce_id: hex::encode(&pck.pce_id),
            pce_svn: pck.pce_svn,
            cpu_svn: Hex(pck.cpu_svn),
            ppid_hash: Digest::of(&pck.ppid),
            platform_instance_id: pck.platform_instance_id.map(Hex),
            smt_enabled: pck.smt_enabled.into(),
            dynamic_platform: pck.dynamic_platform.into(),
            cached_keys: pck.cached_keys.into(),
        }
    }
}

impl From<PckCertFlag> for Flag {
    fn from(flag: PckCertFlag) -> Self {
        match flag {
            PckCertFlag::True => Self::True,
            PckCertFlag::False => Self::False,
            PckCertFlag::Undefined => Self::Undefined,
        }
    }
}

impl Flag {
    /// The flag as written in claims.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Undefined => "undefined",
        }
    }
}

impl DebugStatus {
    /// The status as written in claims.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::DisabledSinceBoot => "disabled-since-boot",
        }
    }
}
