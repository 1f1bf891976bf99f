use std::{fmt, str::FromStr};

use chaos_types::{Digest, DigestError};
use dcap_qvl::quote::{Report, TDReport10};
use serde::{Deserialize, Serialize};

/// The name of what an environment holds: SHA-256 over every measurement that decides what runs.
///
/// One register does not do: on most clouds MRTD is the firmware, the same for every customer. So
/// the id of a TDX workload covers MRTD, RTMR0 to RTMR3, MRCONFIGID, XFAM and the TD attributes, and
/// that of an SGX enclave MRENCLAVE, MRSIGNER, the product id and the attributes. Security version
/// numbers are not part of it: they say how new the platform is, which a policy judges.
///
/// The encoding is that of [`Digest::of_parts`]: a tag by the kind of environment, then the fields in
/// that order as the report holds them, each preceded by its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkloadId(Digest);

const TDX_TAG: &[u8] = b"chaoschain/workload/tdx/v1";
const SGX_TAG: &[u8] = b"chaoschain/workload/sgx/v1";

impl WorkloadId {
    /// The id of what a report describes. It is worth what the report is worth: that of an
    /// unverified quote is a claim by whoever sent it.
    #[must_use]
    pub(crate) fn of_report(report: &Report) -> Self {
        match report {
            Report::SgxEnclave(report) => Self(Digest::of_parts(&[
                SGX_TAG,
                &report.mr_enclave,
                &report.mr_signer,
                &report.isv_prod_id.to_le_bytes(),
                &report.attributes,
            ])),
            Report::TD10(report) => Self::of_td(report),
            Report::TD15(report) => Self::of_td(&report.base),
            Report::TD15Ex(report) => Self::of_td(&report.base.base),
        }
    }

    fn of_td(report: &TDReport10) -> Self {
        Self(Digest::of_parts(&[
            TDX_TAG,
            &report.mr_td,
            &report.rt_mr0,
            &report.rt_mr1,
            &report.rt_mr2,
            &report.rt_mr3,
            &report.mr_config_id,
            &report.xfam,
            &report.td_attributes,
        ]))
    }

    /// The digest.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.0
    }
}

impl From<Digest> for WorkloadId {
    fn from(digest: Digest) -> Self {
        Self(digest)
    }
}

impl fmt::Display for WorkloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for WorkloadId {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests;
