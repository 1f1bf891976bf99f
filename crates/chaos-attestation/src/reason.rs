use std::fmt;

use chaos_types::Code;
use serde::{Deserialize, Serialize};

/// Declares a closed list of reasons: an enum whose every variant has a stable code, a sentence
/// that says what it means, and one that says what who meets it can do.
///
/// Serde writes the code. A code never changes its meaning; `docs/reason-codes.md` lists them all.
///
/// ```
/// chaos_attestation::reasons! {
///     /// Why a door stays shut.
///     pub enum Shut {
///         Late = "late", "The door was shut at night.", "Come back in the morning.";
///     }
/// }
/// assert_eq!(Shut::ALL[0].as_str(), "late");
/// assert_eq!(Shut::named("late"), Some(Shut::Late));
/// ```
#[macro_export]
macro_rules! reasons {
    ($(#[$about:meta])* $vis:vis enum $name:ident {
        $($variant:ident = $code:literal, $meaning:literal, $remedy:literal;)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(::serde::Serialize, ::serde::Deserialize)]
        $vis enum $name {
            $(#[doc = $meaning] #[serde(rename = $code)] $variant,)*
        }

        impl $name {
            /// Every code, in the order of the checks.
            $vis const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as written on the wire.
            #[must_use]
            $vis const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The reason that is written so.
            #[must_use]
            $vis fn named(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// What it means, one sentence.
            #[must_use]
            $vis const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What who meets it can do, one sentence.
            #[must_use]
            $vis const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

reasons! {
    /// Why evidence was refused: a stable code that programs can match on.
    ///
    /// The codes never change their meaning; `docs/reason-codes.md` lists them.
    pub enum ReasonCode {
        QuoteTooLarge = "quote-too-large", "The quote is longer than a quote can be; it was not parsed.",
            "Send the quote as the environment gave it: SGX version 3, TDX version 4 or 5, binary.";
        QuoteMalformed = "quote-malformed", "The bytes are not a quote of a known version and body.",
            "Send the quote as the environment gave it: SGX version 3, TDX version 4 or 5, binary.";
        CollateralTooLarge = "collateral-too-large", "The collateral is longer than collateral can be; it was not parsed.",
            "Fetch the collateral anew and store it as it came.";
        CollateralMalformed = "collateral-malformed", "The collateral is not the JSON document that was expected.",
            "Fetch the collateral anew and store it as it came.";
        AnchorUnknown = "anchor-unknown", "The evidence does not lead to a trust anchor that the verifier was given.",
            "Give the root that the evidence belongs to, or do not trust the evidence.";
        CollateralInvalid = "collateral-invalid", "A signature or chain of the collateral does not hold.",
            "Fetch the collateral anew; if it stays so, its source cannot be trusted.";
        CollateralNotYetValid = "collateral-not-yet-valid", "A part of the collateral is dated after the time of verification.",
            "Check the clock; if it is right, the collateral or its source is wrong.";
        CollateralExpired = "collateral-expired", "A part of the collateral was no longer valid at the time of verification.",
            "Fetch all of the collateral anew, at one time.";
        CertificateRevoked = "certificate-revoked", "A certificate of the chain was revoked.",
            "Use another machine: what this one says is not to be believed any more.";
        CertificateInvalid = "certificate-invalid", "A certificate chain does not hold, or a certificate lacks what it must say.",
            "Let the machine be provisioned anew, so that its quotes carry a valid chain.";
        CertificateNotYetValid = "certificate-not-yet-valid", "A certificate is dated after the time of verification.",
            "Check the clock; if it is right, the collateral or its source is wrong.";
        CertificateExpired = "certificate-expired", "A certificate was no longer valid at the time of verification.",
            "Let the machine be provisioned anew, so that its quotes carry a valid chain.";
        QuoteSignatureInvalid = "quote-signature-invalid", "A signature in the quote does not hold.",
            "Get a new quote; this one was changed or made up.";
        CollateralMismatch = "collateral-mismatch", "The collateral is of another platform or kind of environment than the quote.",
            "Fetch the collateral for this quote's FMSPC and kind of environment.";
        QeIdentityMismatch = "qe-identity-mismatch", "The quoting enclave is not the one that the collateral describes.",
            "Update the machine's quoting enclave and TDX module, or do not trust it.";
        TdxModuleMismatch = "tdx-module-mismatch", "The TDX module is not the one that the collateral describes.",
            "Update the machine's quoting enclave and TDX module, or do not trust it.";
        TcbNoMatch = "tcb-no-match", "The platform is below every published TCB level.",
            "Update the machine's firmware and microcode, or choose another; widening the policy accepts a known weakness.";
        TcbRevoked = "tcb-revoked", "The platform's TCB level is revoked.",
            "Use another machine: what this one says is not to be believed any more.";
        AttributesRefused = "attributes-refused", "An attribute bit is set that must not be, or missing that must be set.",
            "Start the environment anew without the attribute, or list the service TD in the policy.";
        VerificationFailed = "verification-failed", "The quote did not verify, for a reason without a code of its own.",
            "Read the detail; please report it, for it deserves a code of its own.";
        AnchorClassRefused = "anchor-class-refused", "The class of the trust anchor is not accepted by the policy.",
            "Use a policy of the class that the evidence is of; development never passes for production.";
        TcbStatusRefused = "tcb-status-refused", "The TCB status is not accepted by the policy.",
            "Update the machine's firmware and microcode, or choose another; widening the policy accepts a known weakness.";
        AdvisoryRefused = "advisory-refused", "A security advisory applies that the policy refuses.",
            "Update the machine's firmware and microcode, or choose another; widening the policy accepts a known weakness.";
        SmtRefused = "smt-refused", "Simultaneous multithreading is on, or unknown, and the policy refuses that.",
            "Use a platform configured otherwise, or decide in the policy to accept it.";
        DynamicPlatformRefused = "dynamic-platform-refused", "The platform can be extended, or may be, and the policy refuses that.",
            "Use a platform configured otherwise, or decide in the policy to accept it.";
        CachedKeysRefused = "cached-keys-refused", "Platform keys are cached by the registration service, or may be, and the policy refuses that.",
            "Use a platform configured otherwise, or decide in the policy to accept it.";
        DebugRefused = "debug-refused", "The environment can be debugged from outside.",
            "Start the environment anew without the attribute, or list the service TD in the policy.";
        ServiceTdRefused = "service-td-refused", "A service TD is bound to the environment that the policy does not list.",
            "Start the environment anew without the attribute, or list the service TD in the policy.";
        EvaluationNumberTooLow = "evaluation-number-too-low", "The collateral's TCB evaluation data number is below the policy's minimum.",
            "Fetch the collateral anew, of the evaluation that the policy asks for.";
        CollateralTooOld = "collateral-too-old", "The collateral was issued longer ago than the policy allows.",
            "Fetch all of the collateral anew, at one time.";
        CrlFromFuture = "crl-from-future", "A revocation list is dated after the time of verification.",
            "Check the clock; if it is right, the collateral or its source is wrong.";
        CollateralMixedAge = "collateral-mixed-age", "Parts of the collateral were issued further apart than the policy allows.",
            "Fetch all of the collateral anew, at one time.";
        TeeTypeRefused = "tee-type-refused", "The kind of trusted execution environment is not accepted by the policy.",
            "Use an environment of a kind that the policy lists.";
        WorkloadNotAllowed = "workload-not-allowed", "The workload is not on the active allowlist.",
            "Run a workload of the active allowlist, or have this one reviewed and listed.";
        AllowlistInvalid = "allowlist-invalid", "The allowlist's signature or form does not hold.",
            "Get the newest allowlist from its issuer.";
        AllowlistRollback = "allowlist-rollback", "The allowlist is older than one that was already accepted.",
            "Get the newest allowlist from its issuer.";
        AllowlistExpired = "allowlist-expired", "The allowlist does not hold at the time: it has not begun or is over.",
            "Have its issuer sign a list for the present time.";
        BindingMismatch = "binding-mismatch", "The report data does not bind what is claimed.",
            "Ask for evidence about the very key, channel or message at hand; this may be a replay.";
        EventLogMismatch = "event-log-mismatch", "The event log does not replay to the quoted registers.",
            "Send the event log of the same start as the quote.";
        PeriodOver = "period-over", "The attested key is used outside the period that its quote names.",
            "Get a new quote for the key and the present period.";
        ClockSetBack = "clock-set-back", "The clock shows a time before one that was already recorded.",
            "Set the clock right; nothing is decided while it runs behind.";
        MessageMalformed = "message-malformed", "A message is not the document that was expected.",
            "Use a client of the same protocol version.";
        MessageTooLarge = "message-too-large", "A message is longer than messages may be.",
            "Use a client of the same protocol version.";
        ProviderUnavailable = "provider-unavailable", "No quote could be had from the environment.",
            "Run inside a trusted execution environment, or choose the development provider.";
    }
}

impl From<ReasonCode> for Code {
    fn from(code: ReasonCode) -> Self {
        Self::named(code.as_str())
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal: its code, and for people what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {detail}")]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Which rule refused.
    pub code: ReasonCode,
    /// What was expected and what was found; holds no secret and no nonce.
    pub detail: String,
}

impl Refusal {
    /// A refusal by `code`.
    #[must_use]
    pub fn new(code: ReasonCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
