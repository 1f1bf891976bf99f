//! The file of a payment.

use chaos_chains::{Address, B256};
use chaos_types::{ChainId, Did, Digest};
use serde::{Deserialize, Serialize};

use super::PayPlan;
use crate::program::RewardDocument;

/// Longest payment file that is read, in bytes.
pub const PAYMENT_BYTES_MAX: usize = 4 << 20;

const FORMAT: &str = "chaoschain-payment/1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: String,
    chain: ChainId,
    genesis: B256,
    token: Address,
    distributor: Address,
    outcome: Digest,
    refund_after_s: Option<u32>,
    funder: Option<Address>,
    document: RewardDocument,
    payees: Vec<WirePayee>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePayee {
    agent: Did,
    account: Address,
}

/// Why a text is no payment.
#[derive(Debug, thiserror::Error)]
pub enum PaymentFileError {
    /// The text is longer than [`PAYMENT_BYTES_MAX`].
    #[error("{bytes} bytes, at most {PAYMENT_BYTES_MAX} are read")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
    },
    /// The text is not JSON of this shape.
    #[error("not a payment")]
    Json(#[source] serde_json::Error),
    /// The format is another.
    #[error("expected format {FORMAT}")]
    Format,
    /// Who is named is not who is paid.
    #[error("its payees are not the accounts of its tasks")]
    Payees,
}

impl PayPlan {
    /// Reads a payment file.
    ///
    /// # Errors
    /// If it is not of this form, or names other payees than its tasks do.
    pub fn parse(text: &[u8]) -> Result<Self, PaymentFileError> {
        if text.len() > PAYMENT_BYTES_MAX {
            return Err(PaymentFileError::TooLarge { bytes: text.len() });
        }
        let wire: Wire = serde_json::from_slice(text).map_err(PaymentFileError::Json)?;
        if wire.format != FORMAT {
            return Err(PaymentFileError::Format);
        }
        let payees: Vec<(Did, Address)> =
            wire.payees.iter().map(|payee| (payee.agent, payee.account)).collect();
        let accounts = |account: &str| {
            payees.iter().filter(|(_, payee)| format!("{payee:#x}") == account).count()
        };
        let is_paid = |payee: &Address| {
            wire.document.slots.iter().any(|(_, _, account)| *account == format!("{payee:#x}"))
        };
        if !wire.document.slots.iter().all(|(_, _, account)| accounts(account) == 1)
            || !payees.iter().all(|(_, payee)| is_paid(payee))
        {
            return Err(PaymentFileError::Payees);
        }
        Ok(Self {
            chain: wire.chain,
            genesis: wire.genesis.0,
            token: wire.token,
            distributor: wire.distributor,
            outcome: wire.outcome,
            refund_after_s: wire.refund_after_s,
            funder: wire.funder,
            document: wire.document,
            payees,
        })
    }

    /// The file's text.
    ///
    /// # Panics
    /// Never: what it holds is JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let payees = self.payees.iter();
        let payees =
            payees.map(|&(agent, account)| WirePayee { agent, account }).collect::<Vec<_>>();
        let RewardDocument { pool, slots } = &self.document;
        let wire = Wire {
            format: FORMAT.to_owned(),
            chain: self.chain.clone(),
            genesis: B256::from(self.genesis),
            token: self.token,
            distributor: self.distributor,
            outcome: self.outcome,
            refund_after_s: self.refund_after_s,
            funder: self.funder,
            document: RewardDocument { pool: *pool, slots: slots.clone() },
            payees,
        };
        serde_json::to_string_pretty(&wire).expect("a payment is JSON") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> PayPlan {
        let key = |seed: u8| chaos_types::AgentKey::from_seed(&[seed; 32]).did();
        let account = |byte| Address::repeat_byte(byte);
        let slot =
            |task: &str, weight, byte| (task.to_owned(), weight, format!("{:#x}", account(byte)));
        PayPlan {
            chain: ChainId::evm(1337),
            genesis: [1; 32],
            token: account(2),
            distributor: account(3),
            outcome: Digest::of(b"outcome"),
            refund_after_s: Some(31_536_000),
            funder: None,
            document: RewardDocument {
                pool: 1_000,
                slots: vec![slot("measure", 3, 8), slot("draft", 2, 9), slot("simulate", 4, 8)],
            },
            payees: vec![(key(1), account(8)), (key(2), account(9))],
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_divides_the_whole_pool() {
        let text = plan().to_json();
        let read = PayPlan::parse(text.as_bytes()).unwrap();
        assert_eq!(read.to_json(), text);
        let due = read.due().unwrap();
        let sum: u64 = due.iter().map(|due| due.amount.to::<u64>()).sum();
        assert_eq!((due.len(), u128::from(sum)), (2, read.funding().unwrap().total));
        assert_eq!(due[0].account, Address::repeat_byte(8));
    }

    #[test]
    fn a_file_whose_payees_are_not_those_of_its_tasks_is_refused() {
        let mut plan = plan();
        plan.payees[1].1 = Address::repeat_byte(7);
        let refused = PayPlan::parse(plan.to_json().as_bytes());
        assert!(matches!(refused, Err(PaymentFileError::Payees)), "{refused:?}");
        for (from, to) in [("payment/1", "payment/2"), ("\"outcome\"", "\"result\"")] {
            let text = self::plan().to_json().replace(from, to);
            PayPlan::parse(text.as_bytes()).unwrap_err();
        }
    }
}
