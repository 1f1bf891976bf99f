//! Do we accept that? The rules by which claims are appraised, as a document that is its own
//! manual.

mod document;
mod rules;

use std::collections::BTreeSet;

use chaos_types::{Digest, canonical};

pub use document::{Acceptance, PolicyError};
use document::{Class, Document};

use crate::{AnchorClass, Appraisal, Claims, ReasonCode, Refusal, WorkloadId};

/// A policy document is at most this long, in bytes.
pub const POLICY_BYTES_MAX: usize = 64 << 10;

/// The rules for evidence that ends in Intel's root. Evidence of a development root is refused,
/// and no key of the document can change that: the class is this type.
#[derive(Debug, Clone)]
pub struct ProductionPolicy {
    document: Document,
    id: Digest,
}

/// The rules for evidence of a development root: demonstrations and tests.
#[derive(Debug, Clone)]
pub struct DevelopmentPolicy {
    document: Document,
    id: Digest,
}

/// A policy of either class. What takes secrets or money takes a [`ProductionPolicy`].
#[derive(Debug, Clone)]
pub enum Policy {
    /// For evidence of Intel's root.
    Production(ProductionPolicy),
    /// For evidence of a development root.
    Development(DevelopmentPolicy),
}

/// The workloads that are allowed now.
///
/// A call has no effect, and a list that cannot tell, because it is over or was never had,
/// refuses.
pub trait Workloads {
    /// Whether the workload may be used at this time, in Unix seconds.
    ///
    /// # Errors
    /// [`ReasonCode::WorkloadNotAllowed`] or the reason why the list itself does not hold.
    fn ensure_active(&self, workload: &WorkloadId, at_s: u64) -> Result<(), Refusal>;

    /// Which list it is, for people: its number and digest.
    fn about(&self) -> String;
}

/// Workloads that were chosen by hand.
impl Workloads for BTreeSet<WorkloadId> {
    fn ensure_active(&self, workload: &WorkloadId, _: u64) -> Result<(), Refusal> {
        if self.contains(workload) {
            return Ok(());
        }
        Err(Refusal::new(ReasonCode::WorkloadNotAllowed, format!("{workload} is not pinned")))
    }

    fn about(&self) -> String {
        format!("{} pinned by hand", self.len())
    }
}

/// The policy for production that this crate recommends, with comments that explain every key.
pub const PRODUCTION_TOML: &str = include_str!("../policies/production.toml");

/// The policy for development roots.
pub const DEVELOPMENT_TOML: &str = include_str!("../policies/development.toml");

impl ProductionPolicy {
    /// The recommended policy, [`PRODUCTION_TOML`].
    #[must_use]
    pub fn recommended() -> Self {
        match Policy::parse(PRODUCTION_TOML).expect("a test reads it") {
            Policy::Production(policy) => policy,
            Policy::Development(_) => unreachable!("a test reads it"),
        }
    }

    /// What names it: the digest of its canonical form.
    #[must_use]
    pub const fn id(&self) -> Digest {
        self.id
    }

    /// Appraises claims; see [`Policy::appraise`].
    #[must_use]
    pub fn appraise(
        &self,
        claims: Claims,
        workloads: Option<&dyn Workloads>,
        at_s: u64,
    ) -> Appraisal {
        rules::appraise(
            (AnchorClass::IntelProduction, &self.document, self.id),
            claims,
            workloads,
            at_s,
        )
    }
}

impl DevelopmentPolicy {
    /// The policy of [`DEVELOPMENT_TOML`].
    #[must_use]
    pub fn recommended() -> Self {
        match Policy::parse(DEVELOPMENT_TOML).expect("a test reads it") {
            Policy::Development(policy) => policy,
            Policy::Production(_) => unreachable!("a test reads it"),
        }
    }

    /// What names it: the digest of its canonical form.
    #[must_use]
    pub const fn id(&self) -> Digest {
        self.id
    }

    /// Appraises claims; see [`Policy::appraise`].
    #[must_use]
    pub fn appraise(
        &self,
        claims: Claims,
        workloads: Option<&dyn Workloads>,
        at_s: u64,
    ) -> Appraisal {
        rules::appraise(
            (AnchorClass::Development, &self.document, self.id),
            claims,
            workloads,
            at_s,
        )
    }
}

impl Policy {
    /// Reads a policy document.
    ///
    /// # Errors
    /// If it is too long, lacks a key, has one that is not known, or a value out of its range.
    pub fn parse(toml: &str) -> Result<Self, PolicyError> {
        let document = Document::parse(toml)?;
        let canonical = canonical::to_vec(&document).map_err(PolicyError::Canonical)?;
        let id = Digest::of_parts(&[b"chaoschain/policy/v1", &canonical]);
        Ok(match document.class {
            Class::Production => Self::Production(ProductionPolicy { document, id }),
            Class::Development => Self::Development(DevelopmentPolicy { document, id }),
        })
    }

    /// The recommended policy for production.
    #[must_use]
    pub fn production() -> Self {
        Self::Production(ProductionPolicy::recommended())
    }

    /// The policy for development.
    #[must_use]
    pub fn development() -> Self {
        Self::Development(DevelopmentPolicy::recommended())
    }

    /// What names it: the digest of its canonical form, which comments do not change.
    #[must_use]
    pub const fn id(&self) -> Digest {
        match self {
            Self::Production(policy) => policy.id,
            Self::Development(policy) => policy.id,
        }
    }

    /// The one class of trust anchor that it accepts.
    #[must_use]
    pub const fn anchor_class(&self) -> AnchorClass {
        match self {
            Self::Production(_) => AnchorClass::IntelProduction,
            Self::Development(_) => AnchorClass::Development,
        }
    }

    /// Appraises claims at a time, in Unix seconds: every rule is tried and leaves a decision.
    ///
    /// The claims must come from [`crate::verify()`]; the report data is bound by
    /// [`Appraisal::with_binding`].
    #[must_use]
    pub fn appraise(
        &self,
        claims: Claims,
        workloads: Option<&dyn Workloads>,
        at_s: u64,
    ) -> Appraisal {
        match self {
            Self::Production(policy) => policy.appraise(claims, workloads, at_s),
            Self::Development(policy) => policy.appraise(claims, workloads, at_s),
        }
    }
}

#[cfg(test)]
mod tests;
