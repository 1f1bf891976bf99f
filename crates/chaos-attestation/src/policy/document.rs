//! The policy document. No key has a default: what is not written is not decided.

use chaos_types::canonical;
use serde::{Deserialize, Serialize};

use super::POLICY_BYTES_MAX;
use crate::{Hex, TcbStatus, TeeType};

/// The version of policy documents that this crate reads.
const VERSION: u16 = 1;

/// Lists in a policy are at most this long, in entries.
const LIST_LEN_MAX: usize = 1024;

/// Ages in a policy are at most this long, in days: ten years.
const DAYS_MAX: u32 = 3653;

/// Why a text is not a policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is longer than policies may be.
    #[error("policy has {bytes} bytes, the limit is {POLICY_BYTES_MAX}")]
    TooLarge {
        /// Its length in bytes.
        bytes: usize,
    },
    /// It is not TOML, lacks a key, or has one that is not known.
    #[error("policy cannot be read")]
    Toml(#[source] Box<toml::de::Error>),
    /// It is written for another version of this crate.
    #[error("policy has version {found}, expected {VERSION}")]
    Version {
        /// The version found.
        found: u16,
    },
    /// A list is empty that must not be, is too long, or names an entry twice.
    #[error("`{key}` has {len} entries, expected {expected}")]
    List {
        /// The key.
        key: &'static str,
        /// Its length.
        len: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// A number of days is out of its range.
    #[error("`{key}` is {found} days, expected at most {DAYS_MAX}")]
    Days {
        /// The key.
        key: &'static str,
        /// Its value.
        found: u32,
    },
    /// A status that no policy can accept.
    #[error("`tcb.statuses` lists {status}, which verification refuses")]
    Status {
        /// The status.
        status: TcbStatus,
    },
    /// It has no canonical form.
    #[error("policy has no canonical form")]
    Canonical(#[source] canonical::Error),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Class {
    Production,
    Development,
}

/// Whether something that may be a weakness is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Choice {
    Accept,
    Refuse,
}

/// Which workloads a policy accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acceptance {
    /// Those on the active allowlist.
    Allowlist,
    /// Every one: the evidence then says where code runs, not which.
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) version: u16,
    pub(super) class: Class,
    pub(super) tee_types: Vec<TeeType>,
    pub(super) tcb: Tcb,
    pub(super) platform: Platform,
    pub(super) environment: Environment,
    pub(super) collateral: CollateralRules,
    pub(super) workloads: WorkloadRules,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tcb {
    pub(super) statuses: Vec<TcbStatus>,
    pub(super) grace_days: u32,
    pub(super) refused_advisories: Vec<String>,
    pub(super) evaluation_number_min: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Platform {
    pub(super) smt: Choice,
    pub(super) dynamic_platform: Choice,
    pub(super) cached_keys: Choice,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Environment {
    pub(super) debug: Choice,
    pub(super) service_tds: Vec<Hex<48>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CollateralRules {
    pub(super) age_days_max: u32,
    pub(super) root_crl_age_days_max: u32,
    pub(super) spread_days_max: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadRules {
    pub(super) accept: Acceptance,
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLarge { bytes: text.len() });
        }
        let document: Self =
            toml::from_str(text).map_err(|error| PolicyError::Toml(Box::new(error)))?;
        document.ensure_sound()?;
        Ok(document)
    }

    fn ensure_sound(&self) -> Result<(), PolicyError> {
        if self.version != VERSION {
            return Err(PolicyError::Version { found: self.version });
        }
        ensure_list("tee_types", &self.tee_types, true)?;
        ensure_list("tcb.statuses", &self.tcb.statuses, true)?;
        ensure_list("tcb.refused_advisories", &self.tcb.refused_advisories, false)?;
        ensure_list("environment.service_tds", &self.environment.service_tds, false)?;
        if let Some(status) =
            self.tcb.statuses.iter().find(|status| !TcbStatus::ACCEPTABLE.contains(status))
        {
            return Err(PolicyError::Status { status: *status });
        }
        for (key, found) in [
            ("tcb.grace_days", self.tcb.grace_days),
            ("collateral.age_days_max", self.collateral.age_days_max),
            ("collateral.root_crl_age_days_max", self.collateral.root_crl_age_days_max),
            ("collateral.spread_days_max", self.collateral.spread_days_max),
        ] {
            if found > DAYS_MAX {
                return Err(PolicyError::Days { key, found });
            }
        }
        Ok(())
    }
}

fn ensure_list<T: PartialEq>(
    key: &'static str,
    list: &[T],
    filled: bool,
) -> Result<(), PolicyError> {
    let twice = list.iter().enumerate().any(|(at, entry)| list[..at].contains(entry));
    let expected = if filled && list.is_empty() {
        "at least one"
    } else if list.len() > LIST_LEN_MAX {
        "at most 1024"
    } else if twice {
        "each of them once"
    } else {
        return Ok(());
    };
    Err(PolicyError::List { key, len: list.len(), expected })
}
