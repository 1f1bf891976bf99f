//! The steps in one call, and what was verified before remembered.

mod platforms;

use std::sync::{Mutex, MutexGuard, PoisonError};

use platforms::{Platform, Platforms};

use crate::{
    Anchor, Appraisal, Claims, Collateral, Policy, Quote, Refusal, ReportData, Workloads, verify,
};

/// Verifies quotes against a set of anchors, with the same answers as [`crate::verify()`] and at a
/// fraction of the cost for a platform whose collateral and quoting enclave it has seen.
///
/// It remembers platforms, not quotes: everything in a quote and its collateral that the library
/// looks at, except the signature over the quote, under one digest. A quote with the same digest,
/// at a time in which all of that is valid, needs only its signature checked. Whatever differs
/// goes to the library, and so does every quote that is not accepted: a refusal is always the
/// library's, and nothing of its judgement is written a second time here.
#[derive(Debug)]
pub struct Verifier {
    anchors: Vec<Anchor>,
    platforms: Mutex<Platforms>,
}

/// Evidence and what it must be about.
#[derive(Debug, Clone, Copy)]
pub struct EvidenceInput<'a> {
    /// The quote as it came, perhaps with padding.
    pub quote: &'a [u8],
    /// The collateral of its platform.
    pub collateral: &'a Collateral,
    /// What the report data must be.
    pub report_data: &'a ReportData,
    /// The time, in Unix seconds.
    pub at_s: u64,
}

/// Claims that verified, that a policy accepts and whose report data binds what it must. There is
/// no other way to one than [`Verifier::attest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    appraisal: Appraisal,
}

impl Attested {
    /// What the evidence says.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        self.appraisal.claims()
    }

    /// What was decided about it.
    #[must_use]
    pub const fn appraisal(&self) -> &Appraisal {
        &self.appraisal
    }
}

impl Verifier {
    /// A verifier that remembers nothing yet.
    #[must_use]
    pub fn new(anchors: Vec<Anchor>) -> Self {
        Self { anchors, platforms: Mutex::default() }
    }

    /// The anchors that evidence may lead to.
    #[must_use]
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// How many platforms it remembers now.
    #[must_use]
    pub fn platforms_len(&self) -> usize {
        self.platforms().len()
    }

    /// Verifies a quote as [`crate::verify()`] does.
    ///
    /// # Errors
    /// As [`crate::verify()`].
    pub fn verify(
        &self,
        quote: &Quote,
        collateral: &Collateral,
        at_s: u64,
    ) -> Result<Claims, Refusal> {
        let key = platforms::key(quote, collateral);
        let known = self.platforms().get(&key, at_s);
        if let Some(known) = known
            && known.signed(quote)
        {
            return known.claims(quote, collateral, at_s);
        }
        let (anchor, verified) =
            verify::verify_with_library(quote, collateral, &self.anchors, at_s)?;
        let claims = Claims::new(quote, collateral, anchor.class(), at_s, &verified)?;
        self.platforms().insert(key, Platform::new(anchor.class(), verified));
        Ok(claims)
    }

    /// Everything in one call: parses and trims the quote, verifies it, appraises its claims and
    /// holds its report data against what it must be.
    ///
    /// # Errors
    /// The first refusal: of the quote's form, of its verification, of the policy in the order of
    /// its rules, or [`crate::ReasonCode::BindingMismatch`].
    pub fn attest(
        &self,
        policy: &Policy,
        workloads: Option<&dyn Workloads>,
        evidence: &EvidenceInput<'_>,
    ) -> Result<Attested, Refusal> {
        let quote = Quote::parse(evidence.quote)?;
        let claims = self.verify(&quote, evidence.collateral, evidence.at_s)?;
        let appraisal =
            policy.appraise(claims, workloads, evidence.at_s).with_binding(evidence.report_data);
        appraisal.ensure_accepted()?;
        Ok(Attested { appraisal })
    }

    /// What is remembered is whole at every moment, so a panic elsewhere does not spoil it.
    fn platforms(&self) -> MutexGuard<'_, Platforms> {
        self.platforms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
