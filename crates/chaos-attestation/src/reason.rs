use std::fmt;

use chaos_types::Code;
use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $meaning:literal, $remedy:literal;)*) => {
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

            /// What who meets it can do, one sentence.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

reasons! {
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
    NonceUnknown = "nonce-unknown", "The nonce was never given out.",
        "Ask for a new nonce and answer it once, in time.";
    NonceSpent = "nonce-spent", "The nonce was already used.",
        "Ask for a new nonce and answer it once, in time.";
    NonceExpired = "nonce-expired", "The nonce is older than its lifetime.",
        "Ask for a new nonce and answer it once, in time.";
    ClockSetBack = "clock-set-back", "The clock shows a time before one that was already recorded.",
        "Set the clock right; nothing is decided while it runs behind.";
    ClockSkewed = "clock-skewed", "The clocks of the two sides are too far apart.",
        "Set the clocks of both machines right; if the host keeps the clock wrong, leave the host.";
    SecretUnknown = "secret-unknown", "There is no secret of this name.",
        "Check the name, or have the secret stored first.";
    SecretForbidden = "secret-forbidden", "The workload may not read this secret.",
        "Have the secret's rule list the workload.";
    LeaseUnknown = "lease-unknown", "There is no lease of this id.",
        "Attest anew and ask for a new lease.";
    LeaseExpired = "lease-expired", "The lease is over.",
        "Attest anew and ask for a new lease.";
    LeaseRevoked = "lease-revoked", "The lease was revoked.",
        "Ask the operator: the job is not served until the revocation is lifted.";
    JobRevoked = "job-revoked", "The job was revoked.",
        "Ask the operator: the job is not served until the revocation is lifted.";
    JobNotRevoked = "job-not-revoked", "Nothing is revoked of the job.",
        "Nothing is to be lifted; nothing was changed.";
    LeaseStale = "lease-stale", "The secret was rotated after the lease was given.",
        "Ask for the secret's new value with fresh evidence.";
    LeaseMismatch = "lease-mismatch", "The lease is of another job, role, workload or list of secrets.",
        "Renew a lease from the same job, role and workload.";
    RuleExists = "rule-exists", "There is such a rule already.",
        "List the rules; nothing was changed.";
    RuleUnknown = "rule-unknown", "There is no such rule.",
        "List the rules; nothing was changed.";
    SecretExists = "secret-exists", "There is a secret of this name already; it can be rotated.",
        "Rotate the secret, or choose another name.";
    SecretRevoked = "secret-revoked", "The secret was revoked.",
        "Ask its owner; a revoked secret stays revoked.";
    SecretInvalid = "secret-invalid", "The secret is empty or longer than secrets may be.",
        "Give between one byte and the limit.";
    VaultInvalid = "vault-invalid", "The vault is damaged, was changed, or the key is not its own.",
        "Restore the newest vault file, and use its own key.";
    VaultRollback = "vault-rollback", "The vault is older than one that was already recorded.",
        "Restore the newest vault file, and use its own key.";
    RevocationListRollback = "revocation-list-rollback", "The revocation list is older than one that was already accepted.",
        "Ask the broker for its current list.";
    RevocationListExpired = "revocation-list-expired", "The revocation list is older than its lifetime.",
        "Ask the broker for its current list.";
    CiphertextInvalid = "ciphertext-invalid", "A sealed secret does not open: it was made for another key, lease or secret, or was changed.",
        "Ask for the secret again; what came was not sealed for this use.";
    MessageMalformed = "message-malformed", "A message is not the document that was expected.",
        "Use a client of the same protocol version.";
    MessageTooLarge = "message-too-large", "A message is longer than messages may be.",
        "Use a client of the same protocol version.";
    SignatureInvalid = "signature-invalid", "A signature does not match the document and the key that it must be by.",
        "Sign a new request for this recipient with the next number.";
    RequestReplayed = "request-replayed", "The sequence number is not above the last one, or the document is for another recipient.",
        "Sign a new request for this recipient with the next number.";
    TableFull = "table-full", "A bounded table is full; it has room again when entries expire.",
        "Try again when entries have expired.";
    NameInvalid = "name-invalid", "A name is not written as names are.",
        "Write the name as the detail says.";
    EventInvalid = "event-invalid", "An event does not follow from the ones before it.",
        "Do not use this log: check where it was changed.";
    ServiceUnknown = "service-unknown", "There is no service of this name.",
        "Check the name, or register the service.";
    ServiceRevoked = "service-revoked", "The service was revoked.",
        "Ask the operator; a revoked service stays revoked.";
    ServiceNotRevoked = "service-not-revoked", "The service is not revoked.",
        "Nothing is to be lifted; nothing was changed.";
    ServiceExpired = "service-expired", "The service did not renew its registration in time.",
        "Register anew with fresh evidence, and renew in time.";
    NotOwner = "not-owner", "The key is not the one that owns the registration.",
        "Sign with the key that registered the service.";
    ServiceInvalid = "service-invalid", "The registration breaks a rule: a name, tag, endpoint or count.",
        "Correct what the detail names.";
    NoServiceFits = "no-service-fits", "No service with fresh, allowlisted evidence fits the query.",
        "Loosen the query, or wait for a service with fresh evidence.";
    ChannelMismatch = "channel-mismatch", "The evidence is bound to another channel than the one it came through.",
        "Ask for evidence about the very key, channel or message at hand; this may be a replay.";
    CallerRefused = "caller-refused", "The side that asks has not shown on its channel that it may.",
        "Speak as who may: attested code, or the operator of the log.";
    BrokerClosing = "broker-closing", "The broker is about to stop.",
        "Ask again when the broker runs.";
    ProviderUnavailable = "provider-unavailable", "No quote could be had from the environment.",
        "Run inside a trusted execution environment, or choose the development provider.";
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
