//! The result of an appraisal: every rule's decision, and their sum in the form of the field.

mod ear;

use std::fmt;

use chaos_types::Digest;
pub use ear::{Ear, EarSubmodule, Status, TrustVector, VerifierId};
use serde::{Deserialize, Serialize};

use crate::{Claims, ReasonCode, Refusal, ReportData};

macro_rules! rules {
    ($($variant:ident = $name:literal, $meaning:literal;)*) => {
        /// A rule that claims are held against.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Rule {
            $(#[doc = $meaning] $variant,)*
        }

        impl Rule {
            /// Every rule, in the order in which they are tried.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The rule's name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it demands, one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

rules! {
    Clock = "clock", "The appraisal is not before the verification.";
    AnchorClass = "anchor-class", "The chain of trust ends in a root of the policy's class.";
    TeeType = "tee-type", "The kind of environment is listed.";
    Debug = "debug", "The environment cannot be observed from outside, unless the policy accepts that.";
    ServiceTd = "service-td", "Every service TD that is bound to the domain is listed.";
    TcbStatus = "tcb-status", "The TCB status is listed, or out of date by no more than the days of grace.";
    Advisories = "advisories", "No advisory applies that the policy refuses.";
    EvaluationNumber = "evaluation-number", "The collateral's TCB evaluation data number is high enough.";
    Smt = "smt", "Simultaneous multithreading is off, unless the policy accepts it.";
    DynamicPlatform = "dynamic-platform", "No packages can be added, unless the policy accepts that.";
    CachedKeys = "cached-keys", "Platform keys are not cached, unless the policy accepts that.";
    CrlDates = "crl-dates", "No revocation list is dated after the appraisal.";
    CollateralWindow = "collateral-window", "The appraisal is not after the first expiry in the collateral.";
    CollateralAge = "collateral-age", "TCB information, QE identity and PCK CRL were issued recently enough.";
    RootCrlAge = "root-crl-age", "The root's CRL was issued recently enough.";
    CollateralSpread = "collateral-spread", "TCB information, QE identity and PCK CRL were issued close together.";
    Workload = "workload", "The workload is on the active allowlist, unless the policy accepts any.";
    Binding = "binding", "The report data binds what is claimed.";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not hold.
    Refused,
    /// It is about something that this evidence has not.
    NotApplicable,
}

impl Verdict {
    /// The verdict as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Refused => "refused",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// What one rule says of one piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The rule.
    pub rule: Rule,
    /// What it says.
    pub verdict: Verdict,
    /// Why it refuses; none if it does not.
    pub code: Option<ReasonCode>,
    /// What the policy demands.
    pub expected: String,
    /// What the claims say.
    pub found: String,
}

/// An appraisal of claims by a policy: a decision for every rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appraisal {
    pub(crate) claims: Claims,
    pub(crate) policy: Digest,
    pub(crate) at_s: u64,
    pub(crate) accepts_any_workload: bool,
    pub(crate) decisions: Vec<Decision>,
}

impl Appraisal {
    /// What was appraised.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Every rule's decision, in the order of [`Rule::ALL`].
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The digest of the policy that was applied.
    #[must_use]
    pub(crate) const fn policy_id(&self) -> Digest {
        self.policy
    }

    /// When it was made, in Unix seconds.
    #[must_use]
    pub const fn at_s(&self) -> u64 {
        self.at_s
    }

    /// Whether every rule that applies holds.
    ///
    /// # Errors
    /// The first refusal, by the order of [`Rule::ALL`].
    pub fn ensure_accepted(&self) -> Result<(), Refusal> {
        let refused = self.decisions.iter().find(|decision| decision.verdict == Verdict::Refused);
        refused.map_or(Ok(()), |decision| {
            Err(Refusal::new(
                decision.code.unwrap_or(ReasonCode::VerificationFailed),
                format!("expected {}, found {}", decision.expected, decision.found),
            ))
        })
    }

    /// Adds the decision whether the report data is what it must be.
    #[must_use]
    pub fn with_binding(mut self, expected: &ReportData) -> Self {
        let result = expected.ensure(&self.claims.report_data.0);
        self.decisions.push(Decision {
            rule: Rule::Binding,
            verdict: if result.is_ok() { Verdict::Passed } else { Verdict::Refused },
            code: result.err().map(|refusal| refusal.code),
            expected: short(expected.as_bytes()),
            found: short(&self.claims.report_data.0),
        });
        self
    }

    /// The sum in the form of an EAT attestation result.
    #[must_use]
    pub fn ear(&self) -> Ear {
        Ear::of(self)
    }
}

/// The first eight bytes, for people.
fn short(bytes: &[u8; 64]) -> String {
    format!("{}…", hex::encode(&bytes[..8]))
}
