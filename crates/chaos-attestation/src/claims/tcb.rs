use std::fmt;

use dcap_qvl::QuoteClaims;
use serde::{Deserialize, Serialize};

/// How a platform compares with the levels that Intel publishes, by Intel's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TcbStatus {
    /// Every update is applied.
    UpToDate,
    /// Applied, but software must work around a vulnerability.
    SWHardeningNeeded,
    /// Applied, but the platform's configuration leaves a vulnerability open.
    ConfigurationNeeded,
    /// Both of the above.
    ConfigurationAndSWHardeningNeeded,
    /// An update is missing.
    OutOfDate,
    /// An update is missing and the configuration leaves a vulnerability open.
    OutOfDateConfigurationNeeded,
    /// The domain was started under an older module than runs now.
    TDRelaunchAdvised,
    /// The domain was started under an older module, and the configuration needs attention.
    TDRelaunchAdvisedConfigurationNeeded,
    /// The platform's keys are not trusted any more. Verification refuses it.
    Revoked,
}

impl TcbStatus {
    /// Every status that a policy can accept, the best first.
    pub(crate) const ACCEPTABLE: &[Self] = &[
        Self::UpToDate,
        Self::SWHardeningNeeded,
        Self::ConfigurationNeeded,
        Self::ConfigurationAndSWHardeningNeeded,
        Self::OutOfDate,
        Self::OutOfDateConfigurationNeeded,
        Self::TDRelaunchAdvised,
        Self::TDRelaunchAdvisedConfigurationNeeded,
    ];

    /// Intel's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::SWHardeningNeeded => "SWHardeningNeeded",
            Self::ConfigurationNeeded => "ConfigurationNeeded",
            Self::ConfigurationAndSWHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            Self::OutOfDate => "OutOfDate",
            Self::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
            Self::TDRelaunchAdvised => "TDRelaunchAdvised",
            Self::TDRelaunchAdvisedConfigurationNeeded => "TDRelaunchAdvisedConfigurationNeeded",
            Self::Revoked => "Revoked",
        }
    }

    /// Whether an update is missing now, so that a grace period can apply.
    pub(crate) const fn is_out_of_date(self) -> bool {
        matches!(self, Self::OutOfDate | Self::OutOfDateConfigurationNeeded)
    }
}

impl fmt::Display for TcbStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<dcap_qvl::TcbStatus> for TcbStatus {
    fn from(status: dcap_qvl::TcbStatus) -> Self {
        use dcap_qvl::TcbStatus as Wire;
        match status {
            Wire::UpToDate => Self::UpToDate,
            Wire::SWHardeningNeeded => Self::SWHardeningNeeded,
            Wire::ConfigurationNeeded => Self::ConfigurationNeeded,
            Wire::ConfigurationAndSWHardeningNeeded => Self::ConfigurationAndSWHardeningNeeded,
            Wire::OutOfDate => Self::OutOfDate,
            Wire::OutOfDateConfigurationNeeded => Self::OutOfDateConfigurationNeeded,
            Wire::TDRelaunchAdvised => Self::TDRelaunchAdvised,
            Wire::TDRelaunchAdvisedConfigurationNeeded => {
                Self::TDRelaunchAdvisedConfigurationNeeded
            }
            Wire::Revoked => Self::Revoked,
        }
    }
}

/// The platform's level and that of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcbClaims {
    /// The verdict over all parts, converged by Intel's rules.
    pub attester_tcb_status: TcbStatus,
    /// The security advisories that apply to any part, sorted.
    pub attester_advisory_ids: Vec<String>,
    /// The platform, with the TDX module that the domain was started under.
    pub platform: TcbLevel,
    /// The platform, with the TDX module that runs now; bodies of TDX 1.0 do not tell.
    pub platform_current: Option<TcbLevel>,
    /// The quoting enclave.
    pub qe: TcbLevel,
}

/// A published level that a part meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcbLevel {
    /// Its status.
    pub status: TcbStatus,
    /// The date that the level stands for, in Unix seconds.
    pub date_s: u64,
    /// The security advisories that apply to it.
    pub advisory_ids: Vec<String>,
}

impl TcbClaims {
    pub(super) fn new(verified: &QuoteClaims) -> Self {
        let platform = &verified.platform;
        let level = |level: &dcap_qvl::TcbLevel| TcbLevel {
            status: level.tcb_status.into(),
            date_s: date_s(&level.tcb_date),
            advisory_ids: level.advisory_ids.clone(),
        };
        let platform_level = level(&platform.tcb_level);
        let platform_current = platform.current_tcb_level.as_ref().map(level);
        let qe = TcbLevel {
            status: verified.qe.tcb_level.tcb_status.into(),
            date_s: date_s(&verified.qe.tcb_level.tcb_date),
            advisory_ids: verified.qe.tcb_level.advisory_ids.clone(),
        };
        let mut advisories: Vec<String> =
            [Some(&platform_level), platform_current.as_ref(), Some(&qe)]
                .into_iter()
                .flatten()
                .flat_map(|level| level.advisory_ids.iter().cloned())
                .collect();
        advisories.sort_unstable();
        advisories.dedup();
        Self {
            attester_tcb_status: verified.tcb.status.into(),
            attester_advisory_ids: advisories,
            platform: platform_level,
            platform_current,
            qe,
        }
    }
}

/// A date that cannot be read counts as the oldest, which no grace period reaches.
fn date_s(text: &str) -> u64 {
    crate::collateral::rfc3339_s(text).unwrap_or(0)
}
