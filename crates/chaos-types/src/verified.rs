use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};

/// A value that passed the checks of whoever returned it.
///
/// It begins with [`crate::dsse::Envelope::verify`], which checks signatures, and later checks
/// narrow it with [`Verified::and_then`]; the function that returns it says which checks those were.
/// A guard against forgetting to look, not against code that wants to lie: `and_then` takes any
/// closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    /// Applies a further check; its success keeps the mark, its failure loses the value.
    ///
    /// # Errors
    /// Whatever the check returns.
    pub fn and_then<U, E>(self, check: impl FnOnce(T) -> Result<U, E>) -> Result<Verified<U>, E> {
        check(self.0).map(Verified)
    }

    /// Gives up the mark.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The checks of the verification pipeline, in the order they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The file is one canonical document of the expected shape.
    Format,
    /// The DSSE envelope carries valid signatures by the keys it names.
    Envelope,
    /// The payload is an in-toto statement with our predicate, and its parts agree.
    Statement,
    /// The signing key belongs to the agent and was valid at the receipt's place in the log.
    Agent,
    /// The evidence that the receipt claims is complete, and repeats if it was re-executed.
    Evidence,
    /// The quote behind attested evidence verifies, is accepted by the policy, and binds the key
    /// that signed.
    Attestation,
    /// The receipt's leaf is in the log.
    Inclusion,
    /// The log signed the checkpoint.
    Checkpoint,
    /// The checkpoint was written to a chain.
    Anchor,
}

impl Check {
    /// All checks in order.
    pub const ALL: [Self; 9] = [
        Self::Format,
        Self::Envelope,
        Self::Statement,
        Self::Agent,
        Self::Evidence,
        Self::Attestation,
        Self::Inclusion,
        Self::Checkpoint,
        Self::Anchor,
    ];
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "format",
            Self::Envelope => "envelope",
            Self::Statement => "statement",
            Self::Agent => "agent",
            Self::Evidence => "evidence",
            Self::Attestation => "attestation",
            Self::Inclusion => "inclusion",
            Self::Checkpoint => "checkpoint",
            Self::Anchor => "anchor",
        })
    }
}

/// A failed check: which one, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{check}: {reason}")]
pub struct Rejection {
    /// The first check that failed.
    pub check: Check,
    /// What was expected and what was found.
    pub reason: String,
}

impl Rejection {
    /// A rejection by `check` for an error and its causes.
    #[must_use]
    pub fn caused(check: Check, error: &dyn std::error::Error) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            reason.push_str(": ");
            reason.push_str(&cause.to_string());
            source = cause.source();
        }
        Self { check, reason }
    }

    /// A rejection by `check` for `reason`.
    #[must_use]
    pub fn new(check: Check, reason: impl Into<String>) -> Self {
        Self { check, reason: reason.into() }
    }
}
