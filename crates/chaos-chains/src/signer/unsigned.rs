//! Why something was not signed.

use alloy_primitives::Address;

/// Why a key did not sign, or why what a remote signer answered is not what was asked for. Nothing that it
/// answered is kept or sent.
#[derive(Debug, thiserror::Error)]
pub enum Unsigned {
    /// The key at hand could not sign.
    #[error("it could not be signed")]
    Key(#[from] alloy_signer::Error),
    /// The remote signer does not answer. It may have signed nevertheless, and kept that to itself.
    #[error("the signer at {signer} says nothing of use: {reason}")]
    Unanswered {
        /// Scheme, host and port.
        signer: String,
        /// What came instead.
        reason: String,
    },
    /// The remote signer refuses.
    #[error("the signer at {signer} does not sign for {account}: {reason} (code {code})")]
    Refused {
        /// Scheme, host and port.
        signer: String,
        /// The account.
        account: Address,
        /// The signer's code.
        code: i64,
        /// The signer's words, shortened.
        reason: String,
    },
    /// The remote signer has other accounts.
    #[error("the signer at {signer} has {count} accounts, and {account} is none of them")]
    NoAccount {
        /// Scheme, host and port.
        signer: String,
        /// The account.
        account: Address,
        /// How many it has.
        count: usize,
    },
    /// What came back is nothing that was signed.
    #[error("the signer at {signer} answered something else than {expected}: {reason}")]
    Malformed {
        /// Scheme, host and port.
        signer: String,
        /// What was asked for.
        expected: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The remote signer signed another transaction.
    #[error(
        "the signer at {signer} signed another transaction: expected {field} {expected}, found {found}"
    )]
    Other {
        /// Scheme, host and port.
        signer: String,
        /// The first field that differs.
        field: &'static str,
        /// What was asked for.
        expected: String,
        /// What was signed.
        found: String,
    },
    /// Another key signed, or this key signed another message.
    #[error(
        "the signer at {signer} signed with another key, or another message: expected the signature of \
         {expected}, found that of {found}"
    )]
    OtherKey {
        /// Scheme, host and port.
        signer: String,
        /// Whose signature was asked for.
        expected: Address,
        /// Whose it would be.
        found: Address,
    },
}

impl Unsigned {
    /// Whether something was signed that was not asked for.
    pub(crate) const fn is_a_lie(&self) -> bool {
        matches!(self, Self::Other { .. } | Self::OtherKey { .. })
    }
}
