use std::fmt;

use serde::{Deserialize, Serialize};

/// The stable name of what is wrong, in lower case with hyphens.
///
/// A code never changes its meaning, so programs can match on it; `docs/reason-codes.md` lists
/// them. Each crate that refuses something declares its own in a closed list, with
/// [`faults!`](crate::faults).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Code(&'static str);

impl Code {
    /// A code by its name.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Declares the closed list of what a crate finds wrong: an enum whose every variant has a stable
/// [`Code`] and a sentence that says what it means.
///
/// ```
/// use chaos_types::Code;
///
/// chaos_types::faults! {
///     /// What is wrong with a parcel.
///     pub enum Fault {
///         Late = "late", "The parcel came after its date.";
///     }
/// }
/// assert_eq!(Code::from(Fault::Late).as_str(), "late");
/// assert_eq!(Fault::ALL.len(), 1);
/// ```
#[macro_export]
macro_rules! faults {
    ($(#[$about:meta])* $vis:vis enum $name:ident {
        $($variant:ident = $code:literal, $meaning:literal;)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $(#[doc = $meaning] $variant,)*
        }

        impl $name {
            /// All of them, in the order of the checks.
            $vis const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable code.
            #[must_use]
            $vis const fn code(self) -> $crate::Code {
                $crate::Code::named(match self { $(Self::$variant => $code,)* })
            }

            /// What it means, one sentence.
            #[must_use]
            $vis const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }

        impl From<$name> for $crate::Code {
            fn from(fault: $name) -> Self {
                fault.code()
            }
        }
    };
}

faults! {
    /// What is wrong with an envelope or a statement.
    pub enum Fault {
        DocumentMalformed = "document-malformed",
            "The bytes are not one canonical JSON document of the expected shape.";
        PayloadTypeUnknown = "payload-type-unknown",
            "The envelope's payload is of another type than an in-toto statement.";
        SignatureCount = "signature-count",
            "The envelope carries no signature or more than the limit.";
        PayloadMalformed = "payload-malformed", "The envelope's payload is not standard base64.";
        PayloadTooLarge = "payload-too-large", "The envelope's payload is longer than the limit.";
        SignerRepeated = "signer-repeated", "One key signed the envelope twice.";
        SignatureMalformed = "signature-malformed",
            "A signature of the envelope is not 64 bytes of standard base64.";
        SignatureMismatch = "signature-mismatch",
            "A signature of the envelope is not by the key it names over this payload.";
        StatementTypeUnknown = "statement-type-unknown",
            "The payload is not an in-toto statement of version 1.";
        PredicateTypeUnknown = "predicate-type-unknown",
            "The statement's predicate is of another type than a receipt.";
        SubjectMissing = "subject-missing", "The statement names no subject.";
        SubjectMalformed = "subject-malformed", "A subject of the statement has no SHA-256 digest.";
    }
}

/// The checks of a verification, in the order they are made: what costs less comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The file is one canonical document of the expected shape.
    Format,
    /// The DSSE envelope carries valid signatures by the keys it names.
    Envelope,
    /// The payload is an in-toto statement with our predicate, and its parts agree.
    Statement,
    /// The receipt's leaf is under the checkpoint's root.
    Inclusion,
    /// The log signed the checkpoint.
    Checkpoint,
    /// The signing key belongs to the agent and was valid at the receipt's place in the log.
    Agent,
    /// The checkpoint was written to a chain.
    Anchor,
    /// The quote behind attested evidence verifies, is accepted by the policy, and binds the key
    /// that signed.
    Attestation,
    /// The evidence that the receipt claims is complete, and repeats if it was re-executed.
    Evidence,
}

impl Check {
    /// All checks in order.
    pub const ALL: [Self; 9] = [
        Self::Format,
        Self::Envelope,
        Self::Statement,
        Self::Inclusion,
        Self::Checkpoint,
        Self::Agent,
        Self::Anchor,
        Self::Attestation,
        Self::Evidence,
    ];
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "format",
            Self::Envelope => "envelope",
            Self::Statement => "statement",
            Self::Inclusion => "inclusion",
            Self::Checkpoint => "checkpoint",
            Self::Agent => "agent",
            Self::Anchor => "anchor",
            Self::Attestation => "attestation",
            Self::Evidence => "evidence",
        })
    }
}

/// A failed check: which one, the stable code of what is wrong, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{check}: {reason} ({code})")]
pub struct Rejection {
    /// The first check that failed.
    pub check: Check,
    /// What is wrong, for programs.
    pub code: Code,
    /// What was expected and what was found, for people.
    pub reason: String,
}

impl Rejection {
    /// A rejection by `check` for an error and its causes.
    #[must_use]
    pub fn caused(check: Check, code: impl Into<Code>, error: &dyn std::error::Error) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            reason.push_str(": ");
            reason.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::new(check, code, reason)
    }

    /// A rejection by `check` for `reason`.
    #[must_use]
    pub fn new(check: Check, code: impl Into<Code>, reason: impl Into<String>) -> Self {
        Self { check, code: code.into(), reason: reason.into() }
    }
}
