mod remedy;

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $meaning:literal;)*) => {
        /// Why something was refused: a stable code that programs can match on.
        ///
        /// The codes never change their meaning; `docs/reason-codes.md` lists them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ReasonCode {
            $($(#[$doc])* #[doc = $meaning] #[serde(rename = $code)] $variant,)*
        }

        impl ReasonCode {
            /// Every code, in the order of the checks.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as written on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means, one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

reasons! {
    QuoteTooLarge = "quote-too-large", "The quote is longer than a quote can be; it was not parsed.";
    QuoteMalformed = "quote-malformed", "The bytes are not a quote of a known version and body.";
    CollateralTooLarge = "collateral-too-large", "The collateral is longer than collateral can be; it was not parsed.";
    CollateralMalformed = "collateral-malformed", "The collateral is not the JSON document that was expected.";
    AnchorUnknown = "anchor-unknown", "The evidence does not lead to a trust anchor that the verifier was given.";
    CollateralInvalid = "collateral-invalid", "A signature or chain of the collateral does not hold.";
    CollateralNotYetValid = "collateral-not-yet-valid", "A part of the collateral is dated after the time of verification.";
    CollateralExpired = "collateral-expired", "A part of the collateral was no longer valid at the time of verification.";
    CertificateRevoked = "certificate-revoked", "A certificate of the chain was revoked.";
    CertificateInvalid = "certificate-invalid", "A certificate chain does not hold, or a certificate lacks what it must say.";
    CertificateNotYetValid = "certificate-not-yet-valid", "A certificate is dated after the time of verification.";
    CertificateExpired = "certificate-expired", "A certificate was no longer valid at the time of verification.";
    QuoteSignatureInvalid = "quote-signature-invalid", "A signature in the quote does not hold.";
    CollateralMismatch = "collateral-mismatch", "The collateral is of another platform or kind of environment than the quote.";
    QeIdentityMismatch = "qe-identity-mismatch", "The quoting enclave is not the one that the collateral describes.";
    TdxModuleMismatch = "tdx-module-mismatch", "The TDX module is not the one that the collateral describes.";
    TcbNoMatch = "tcb-no-match", "The platform is below every published TCB level.";
    TcbRevoked = "tcb-revoked", "The platform's TCB level is revoked.";
    AttributesRefused = "attributes-refused", "An attribute bit is set that must not be, or missing that must be set.";
    VerificationFailed = "verification-failed", "The quote did not verify, for a reason without a code of its own.";
    AnchorClassRefused = "anchor-class-refused", "The class of the trust anchor is not accepted by the policy.";
    TcbStatusRefused = "tcb-status-refused", "The TCB status is not accepted by the policy.";
    AdvisoryRefused = "advisory-refused", "A security advisory applies that the policy refuses.";
    SmtRefused = "smt-refused", "Simultaneous multithreading is on, or unknown, and the policy refuses that.";
    DynamicPlatformRefused = "dynamic-platform-refused", "The platform can be extended, or may be, and the policy refuses that.";
    CachedKeysRefused = "cached-keys-refused", "Platform keys are cached by the registration service, or may be, and the policy refuses that.";
    DebugRefused = "debug-refused", "The environment can be debugged from outside.";
    ServiceTdRefused = "service-td-refused", "A service TD is bound to the environment that the policy does not list.";
    EvaluationNumberTooLow = "evaluation-number-too-low", "The collateral's TCB evaluation data number is below the policy's minimum.";
    CollateralTooOld = "collateral-too-old", "The collateral was issued longer ago than the policy allows.";
    CrlFromFuture = "crl-from-future", "A revocation list is dated after the time of verification.";
    CollateralMixedAge = "collateral-mixed-age", "Parts of the collateral were issued further apart than the policy allows.";
    TeeTypeRefused = "tee-type-refused", "The kind of trusted execution environment is not accepted by the policy.";
    WorkloadNotAllowed = "workload-not-allowed", "The workload is not on the active allowlist.";
    AllowlistInvalid = "allowlist-invalid", "The allowlist's signature or form does not hold.";
    AllowlistRollback = "allowlist-rollback", "The allowlist is older than one that was already accepted.";
    AllowlistExpired = "allowlist-expired", "The allowlist does not hold at the time: it has not begun or is over.";
    BindingMismatch = "binding-mismatch", "The report data does not bind what is claimed.";
    EventLogMismatch = "event-log-mismatch", "The event log does not replay to the quoted registers.";
    PeriodOver = "period-over", "The attested key is used outside the period that its quote names.";
    NonceUnknown = "nonce-unknown", "The nonce was never given out.";
    NonceSpent = "nonce-spent", "The nonce was already used.";
    NonceExpired = "nonce-expired", "The nonce is older than its lifetime.";
    ClockSetBack = "clock-set-back", "The clock shows a time before one that was already recorded.";
    SecretUnknown = "secret-unknown", "There is no secret of this name.";
    SecretForbidden = "secret-forbidden", "The workload may not read this secret.";
    LeaseUnknown = "lease-unknown", "There is no lease of this id.";
    LeaseExpired = "lease-expired", "The lease is over.";
    LeaseRevoked = "lease-revoked", "The lease was revoked.";
    LeaseStale = "lease-stale", "The secret was rotated after the lease was given.";
    LeaseMismatch = "lease-mismatch", "The lease is of another job, role, workload or list of secrets.";
    RuleExists = "rule-exists", "There is such a rule already.";
    RuleUnknown = "rule-unknown", "There is no such rule.";
    SecretExists = "secret-exists", "There is a secret of this name already; it can be rotated.";
    SecretRevoked = "secret-revoked", "The secret was revoked.";
    SecretInvalid = "secret-invalid", "The secret is empty or longer than secrets may be.";
    VaultInvalid = "vault-invalid", "The vault is damaged, was changed, or the key is not its own.";
    VaultRollback = "vault-rollback", "The vault is older than one that was already recorded.";
    RevocationListRollback = "revocation-list-rollback", "The revocation list is older than one that was already accepted.";
    RevocationListExpired = "revocation-list-expired", "The revocation list is older than its lifetime.";
    CiphertextInvalid = "ciphertext-invalid", "A sealed secret does not open: it was made for another key, lease or secret, or was changed.";
    MessageMalformed = "message-malformed", "A message is not the document that was expected.";
    MessageTooLarge = "message-too-large", "A message is longer than messages may be.";
    SignatureInvalid = "signature-invalid", "A signature does not match the document and the key that it must be by.";
    RequestReplayed = "request-replayed", "The sequence number is not above the last one, or the document is for another recipient.";
    TableFull = "table-full", "A bounded table is full; it has room again when entries expire.";
    NameInvalid = "name-invalid", "A name is not written as names are.";
    EventInvalid = "event-invalid", "An event does not follow from the ones before it.";
    ServiceUnknown = "service-unknown", "There is no service of this name.";
    ServiceRevoked = "service-revoked", "The service was revoked.";
    ServiceNotRevoked = "service-not-revoked", "The service is not revoked.";
    ServiceExpired = "service-expired", "The service did not renew its registration in time.";
    NotOwner = "not-owner", "The key is not the one that owns the registration.";
    ServiceInvalid = "service-invalid", "The registration breaks a rule: a name, tag, endpoint or count.";
    NoServiceFits = "no-service-fits", "No service with fresh, allowlisted evidence fits the query.";
    ChannelMismatch = "channel-mismatch", "The evidence is bound to another channel than the one it came through.";
    ProviderUnavailable = "provider-unavailable", "No quote could be had from the environment.";
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
