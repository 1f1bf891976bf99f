//! An intent held against the bytes that were signed for it: what is written beside them decides nothing.

use alloy_consensus::TxEnvelope;
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::{Bytes, TxKind, U256, keccak256};

use super::{Attempt, Intent, Purpose};

/// Why the signed bytes are not those of the intent that they are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    /// The bytes are no transaction of the kind that is signed here.
    #[error("its bytes are no signed transaction with a fee cap and a tip")]
    Undecodable,
    /// The bytes say something else than what is written beside them.
    #[error("its signed bytes have another {field} than what is written beside them")]
    Differs {
        /// What differs.
        field: &'static str,
    },
    /// What nobody signed, what it is for or where, is not what its file is named after.
    #[error("what it is for, or on which chain, is not what its file is named after")]
    Misnamed,
}

impl Intent {
    /// Checks that every attempt's bytes are what the intent says: account, chain, nonce, fees, and what
    /// they do.
    ///
    /// # Errors
    /// The first difference.
    pub(crate) fn ensure_signed(&self) -> Result<(), SignedError> {
        self.attempts.iter().try_for_each(|attempt| self.ensure_attempt(attempt))
    }

    fn ensure_attempt(&self, attempt: &Attempt) -> Result<(), SignedError> {
        let Ok(TxEnvelope::Eip1559(signed)) = TxEnvelope::decode_2718_exact(&attempt.raw) else {
            return Err(SignedError::Undecodable);
        };
        let by = signed.recover_signer().map_err(|_| SignedError::Undecodable)?;
        let tx = signed.tx();
        let to = self.to.map_or(TxKind::Create, TxKind::Call);
        let does_what_is_said = match attempt.purpose {
            Purpose::Act => tx.to == to && tx.value == self.value && tx.input == self.input,
            Purpose::Cancel => {
                tx.to == TxKind::Call(self.account) && tx.value == U256::ZERO && tx.input.is_empty()
            }
        };
        let checks = [
            ("hash", keccak256(&attempt.raw) == attempt.hash),
            ("account", by == self.account),
            ("chain", self.chain.evm_number() == Some(tx.chain_id)),
            ("nonce", tx.nonce == self.nonce),
            ("gas limit", tx.gas_limit == self.gas_limit),
            ("fee", tx.max_fee_per_gas == attempt.fees.max_fee_per_gas),
            ("tip", tx.max_priority_fee_per_gas == attempt.fees.max_priority_fee_per_gas),
            ("purpose", does_what_is_said),
        ];
        match checks.into_iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(SignedError::Differs { field }),
            None => Ok(()),
        }
    }
}

impl Attempt {
    /// The call data that was signed.
    pub(super) fn input(&self) -> Option<Bytes> {
        match TxEnvelope::decode_2718_exact(&self.raw) {
            Ok(TxEnvelope::Eip1559(signed)) => Some(signed.tx().input.clone()),
            Ok(_) | Err(_) => None,
        }
    }
}
