//! The result as an EAT attestation result: `draft-ietf-rats-ear-04` with the trustworthiness
//! vector of `draft-ietf-rats-ar4si`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Appraisal, Decision, Rule, Verdict};
use crate::{
    AnchorClass, Claims, TeeType,
    claims::{DebugStatus, TcbStatus},
};

/// The profile of the claims below.
const PROFILE: &str = "tag:ietf.org,2026:rats/ear#04";

/// An attestation result: an unsigned set of claims in the form of an EAR. Whoever
/// is to be believed about it signs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ear {
    /// The profile, `tag:ietf.org,2026:rats/ear#04`.
    pub eat_profile: &'static str,
    /// When the appraisal was made, in Unix seconds.
    pub iat: u64,
    /// What made it.
    pub ear_verifier_id: VerifierId,
    /// The sum over all submodules.
    pub ear_status: Status,
    /// One entry, named after the kind of environment.
    pub submods: BTreeMap<&'static str, EarSubmodule>,
}

/// The program that made a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifierId {
    /// Who made the program.
    pub developer: &'static str,
    /// The program and its version.
    pub build: &'static str,
}

/// The result for one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EarSubmodule {
    /// The tier: never above the worst entry of the vector.
    pub ear_status: Status,
    /// What was found, by kind.
    pub ear_trustworthiness_vector: TrustVector,
    /// The policy that was applied, by its digest.
    pub ear_appraisal_policy_ids: Vec<String>,
    /// What the evidence says.
    pub ear_attester_claims: Claims,
    /// What was decided about it.
    pub ear_verifier_claims: VerifierClaims,
}

/// What the verifier decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifierClaims {
    /// Every rule's decision.
    pub decisions: Vec<Decision>,
}

/// A tier of trust, the names of AR4SI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Accepted, but not all of it affirmed: a development root has no hardware behind it, and a
    /// policy that takes any workload has appraised none.
    None,
    /// Accepted.
    Affirming,
    /// Accepted, with a known weakness that the policy accepts.
    Warning,
    /// Refused.
    Contraindicated,
}

impl Status {
    /// The status as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Affirming => "affirming",
            Self::Warning => "warning",
            Self::Contraindicated => "contraindicated",
        }
    }
}

/// Entries of AR4SI's vector: 0 no claim, 2 to 31 affirming, 32 to 95 warning, 96 and above
/// contraindicated. What is not appraised is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TrustVector {
    /// Whether the environment is the one that is asked about; absent without a binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_identity: Option<i8>,
    /// Whether its configuration exposes it.
    pub configuration: i8,
    /// Whether what runs inside is allowed.
    pub executables: i8,
    /// Whether the hardware is genuine and up to date.
    pub hardware: i8,
    /// Whether its memory is shut to the outside.
    pub runtime_opaque: i8,
}

const NO_CLAIM: i8 = 0;
const AFFIRMED: i8 = 2;
const WEAKNESS: i8 = 32;
const REFUSED: i8 = 96;

impl Ear {
    pub(super) fn of(appraisal: &Appraisal) -> Self {
        let vector = TrustVector::of(appraisal);
        let status = if appraisal.ensure_accepted().is_err() {
            Status::Contraindicated
        } else if appraisal.claims.anchor_class == AnchorClass::Development {
            Status::None
        } else {
            vector.worst()
        };
        let name = match appraisal.claims.tee_type {
            TeeType::Sgx => "sgx",
            TeeType::Tdx => "tdx",
        };
        let submodule = EarSubmodule {
            ear_status: status,
            ear_trustworthiness_vector: vector,
            ear_appraisal_policy_ids: vec![appraisal.policy.to_string()],
            ear_attester_claims: appraisal.claims.clone(),
            ear_verifier_claims: VerifierClaims { decisions: appraisal.decisions.clone() },
        };
        Self {
            eat_profile: PROFILE,
            iat: appraisal.at_s,
            ear_verifier_id: VerifierId {
                developer: "https://chaoschain.org",
                build: concat!("chaos-attestation ", env!("CARGO_PKG_VERSION")),
            },
            ear_status: status,
            submods: BTreeMap::from([(name, submodule)]),
        }
    }
}

impl TrustVector {
    fn of(appraisal: &Appraisal) -> Self {
        let refused = |rules: &[Rule]| {
            appraisal.decisions.iter().any(|decision| {
                rules.contains(&decision.rule) && decision.verdict == Verdict::Refused
            })
        };
        let claims = &appraisal.claims;
        let debuggable = claims.dbgstat == DebugStatus::Enabled;
        let binding = appraisal.decisions.iter().find(|decision| decision.rule == Rule::Binding);
        Self {
            instance_identity: binding.map(|binding| match binding.verdict {
                Verdict::Passed => AFFIRMED,
                Verdict::Refused | Verdict::NotApplicable => REFUSED,
            }),
            configuration: if refused(&[Rule::Debug, Rule::ServiceTd]) {
                REFUSED
            } else if debuggable {
                WEAKNESS
            } else {
                AFFIRMED
            },
            executables: if refused(&[Rule::Workload]) {
                REFUSED
            } else if appraisal.accepts_any_workload {
                NO_CLAIM
            } else {
                AFFIRMED
            },
            hardware: if refused(HARDWARE) {
                REFUSED
            } else if claims.anchor_class == AnchorClass::Development {
                NO_CLAIM
            } else if claims.tcb.attester_tcb_status == TcbStatus::UpToDate {
                AFFIRMED
            } else {
                WEAKNESS
            },
            runtime_opaque: if debuggable { REFUSED } else { AFFIRMED },
        }
    }

    fn worst(&self) -> Status {
        let entries = [self.configuration, self.executables, self.hardware, self.runtime_opaque];
        let entries = entries.into_iter().chain(self.instance_identity);
        let silent = entries.clone().any(|entry| entry == NO_CLAIM);
        match entries.max() {
            Some(REFUSED..) | None => Status::Contraindicated,
            Some(WEAKNESS..REFUSED) => Status::Warning,
            // what was not appraised is not affirmed, however good the rest is
            Some(_) if silent => Status::None,
            Some(_) => Status::Affirming,
        }
    }
}

/// The rules about the machine and what is published about it.
const HARDWARE: &[Rule] = &[
    Rule::AnchorClass,
    Rule::TeeType,
    Rule::TcbStatus,
    Rule::Advisories,
    Rule::EvaluationNumber,
    Rule::Smt,
    Rule::DynamicPlatform,
    Rule::CachedKeys,
    Rule::CrlDates,
    Rule::CollateralWindow,
    Rule::CollateralAge,
    Rule::RootCrlAge,
    Rule::CollateralSpread,
];
