use super::ReasonCode;

impl ReasonCode {
    /// What who meets it can do, one sentence.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::QuoteTooLarge | Self::QuoteMalformed => {
                "Send the quote as the environment gave it: SGX version 3, TDX version 4 or 5, binary."
            }
            Self::CollateralTooLarge | Self::CollateralMalformed => {
                "Fetch the collateral anew and store it as it came."
            }
            Self::AnchorUnknown => {
                "Give the root that the evidence belongs to, or do not trust the evidence."
            }
            Self::CollateralInvalid => {
                "Fetch the collateral anew; if it stays so, its source cannot be trusted."
            }
            Self::CollateralNotYetValid | Self::CertificateNotYetValid | Self::CrlFromFuture => {
                "Check the clock; if it is right, the collateral or its source is wrong."
            }
            Self::CollateralExpired | Self::CollateralTooOld | Self::CollateralMixedAge => {
                "Fetch all of the collateral anew, at one time."
            }
            Self::EvaluationNumberTooLow => {
                "Fetch the collateral anew, of the evaluation that the policy asks for."
            }
            Self::CertificateRevoked | Self::TcbRevoked => {
                "Use another machine: what this one says is not to be believed any more."
            }
            Self::CertificateInvalid | Self::CertificateExpired => {
                "Let the machine be provisioned anew, so that its quotes carry a valid chain."
            }
            Self::QuoteSignatureInvalid => "Get a new quote; this one was changed or made up.",
            Self::CollateralMismatch => {
                "Fetch the collateral for this quote's FMSPC and kind of environment."
            }
            Self::QeIdentityMismatch | Self::TdxModuleMismatch => {
                "Update the machine's quoting enclave and TDX module, or do not trust it."
            }
            Self::TcbNoMatch | Self::TcbStatusRefused | Self::AdvisoryRefused => {
                "Update the machine's firmware and microcode, or choose another; widening the policy accepts a known weakness."
            }
            Self::AttributesRefused | Self::DebugRefused | Self::ServiceTdRefused => {
                "Start the environment anew without the attribute, or list the service TD in the policy."
            }
            Self::VerificationFailed => {
                "Read the detail; please report it, for it deserves a code of its own."
            }
            Self::AnchorClassRefused => {
                "Use a policy of the class that the evidence is of; development never passes for production."
            }
            Self::SmtRefused | Self::DynamicPlatformRefused | Self::CachedKeysRefused => {
                "Use a platform configured otherwise, or decide in the policy to accept it."
            }
            Self::TeeTypeRefused => "Use an environment of a kind that the policy lists.",
            Self::WorkloadNotAllowed => {
                "Run a workload of the active allowlist, or have this one reviewed and listed."
            }
            Self::AllowlistInvalid | Self::AllowlistRollback => {
                "Get the newest allowlist from its issuer."
            }
            Self::BindingMismatch | Self::ChannelMismatch => {
                "Ask for evidence about the very key, channel or message at hand; this may be a replay."
            }
            Self::EventLogMismatch => "Send the event log of the same start as the quote.",
            Self::PeriodOver => "Get a new quote for the key and the present period.",
            Self::NonceUnknown | Self::NonceSpent | Self::NonceExpired => {
                "Ask for a new nonce and answer it once, in time."
            }
            Self::ClockSetBack => "Set the clock right; nothing is decided while it runs behind.",
            Self::SecretUnknown => "Check the name, or have the secret stored first.",
            Self::SecretForbidden => "Have the secret's rule list the workload.",
            Self::LeaseUnknown | Self::LeaseExpired | Self::LeaseRevoked => {
                "Attest anew and ask for a new lease."
            }
            Self::CiphertextInvalid => {
                "Ask for the secret again; what came was not sealed for this use."
            }
            Self::MessageMalformed | Self::MessageTooLarge => {
                "Use a client of the same protocol version."
            }
            Self::ServiceUnknown => "Check the name, or register the service.",
            Self::ServiceRevoked => "Ask the operator; a revoked service stays revoked.",
            Self::ServiceExpired => "Register anew with fresh evidence, and renew in time.",
            Self::NotOwner => "Sign with the key that registered the service.",
            Self::ServiceInvalid => "Correct what the detail names.",
            Self::NoServiceFits => "Loosen the query, or wait for a service with fresh evidence.",
            Self::AllowlistExpired => "Have its issuer sign a list for the present time.",
            Self::LeaseStale => "Ask for the secret's new value with fresh evidence.",
            Self::LeaseMismatch => "Renew a lease from the same job, role and workload.",
            Self::RuleExists | Self::RuleUnknown => "List the rules; nothing was changed.",
            Self::SecretExists => "Rotate the secret, or choose another name.",
            Self::SecretRevoked => "Ask its owner; a revoked secret stays revoked.",
            Self::SecretInvalid => "Give between one byte and the limit.",
            Self::VaultInvalid | Self::VaultRollback => {
                "Restore the newest vault file, and use its own key."
            }
            Self::RevocationListRollback | Self::RevocationListExpired => {
                "Ask the broker for its current list."
            }
            Self::SignatureInvalid | Self::RequestReplayed => {
                "Sign a new request for this recipient with the next number."
            }
            Self::TableFull => "Try again when entries have expired.",
            Self::NameInvalid => "Write the name as the detail says.",
            Self::EventInvalid => "Do not use this log: check where it was changed.",
            Self::ServiceNotRevoked => "Nothing is to be lifted; nothing was changed.",
            Self::ProviderUnavailable => {
                "Run inside a trusted execution environment, or choose the development provider."
            }
        }
    }
}
