//! Why the broker refuses: its own reasons, and those of the evidence that it was shown.

use std::fmt;

use chaos_attestation::ReasonCode;
use chaos_types::Code;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

chaos_attestation::reasons! {
    /// What the broker itself finds wrong: with a request, a lease, a secret or a registration.
    pub enum Fault {
        NonceUnknown = "nonce-unknown", "The nonce was never given out.",
            "Ask for a new nonce and answer it once, in time.";
        NonceSpent = "nonce-spent", "The nonce was already used.",
            "Ask for a new nonce and answer it once, in time.";
        NonceExpired = "nonce-expired", "The nonce is older than its lifetime.",
            "Ask for a new nonce and answer it once, in time.";
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
    }
}

/// Why something was refused: what is wrong with the evidence or the document that carries it, or
/// what the broker itself finds wrong.
///
/// Written as the code alone: no code is in both lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// What is wrong with evidence, with the form of a message, or with a clock.
    Evidence(ReasonCode),
    /// What the broker finds wrong.
    Broker(Fault),
}

impl Reason {
    /// The code as written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evidence(code) => code.as_str(),
            Self::Broker(fault) => fault.as_str(),
        }
    }

    /// What it means, one sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Evidence(code) => code.meaning(),
            Self::Broker(fault) => fault.meaning(),
        }
    }
}

impl From<ReasonCode> for Reason {
    fn from(code: ReasonCode) -> Self {
        Self::Evidence(code)
    }
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        Self::Broker(fault)
    }
}

impl From<Fault> for Code {
    fn from(fault: Fault) -> Self {
        Self::named(fault.as_str())
    }
}

impl PartialEq<ReasonCode> for Reason {
    fn eq(&self, other: &ReasonCode) -> bool {
        *self == Self::Evidence(*other)
    }
}

impl PartialEq<Fault> for Reason {
    fn eq(&self, other: &Fault) -> bool {
        *self == Self::Broker(*other)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        let own = Fault::named(&code).map(Self::Broker);
        own.or_else(|| ReasonCode::named(&code).map(Self::Evidence))
            .ok_or_else(|| de::Error::custom("not a reason code"))
    }
}

/// A refusal: its code, and for people what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {detail}")]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Which rule refused.
    pub code: Reason,
    /// What was expected and what was found; holds no secret and no nonce.
    pub detail: String,
}

impl Refusal {
    /// A refusal by `code`.
    #[must_use]
    pub fn new(code: impl Into<Reason>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into() }
    }
}

impl From<chaos_attestation::Refusal> for Refusal {
    fn from(refusal: chaos_attestation::Refusal) -> Self {
        Self { code: refusal.code.into(), detail: refusal.detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_written_as_its_code_alone_and_read_again() {
        let own = Fault::ALL.iter().copied().map(Reason::from);
        for reason in own.chain(ReasonCode::ALL.iter().copied().map(Reason::from)) {
            let written = serde_json::to_string(&reason).unwrap();
            assert_eq!(written, format!("\"{reason}\""));
            assert_eq!(serde_json::from_str::<Reason>(&written).unwrap(), reason);
        }
        assert!(serde_json::from_str::<Reason>("\"no-such-reason\"").is_err());
    }
}
