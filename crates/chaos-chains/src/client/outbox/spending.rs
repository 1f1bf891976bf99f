//! What an account spent within a day, by its journal, and when it last did something.

use std::collections::HashSet;

use alloy_primitives::{Address, U256};

use super::Sending;
use crate::{
    Error,
    client::EvmChain,
    sending::{FeeError, Intent, Stage},
};

/// A day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

impl EvmChain {
    /// What an account signs now stays within what it may spend in a day, with what else the journal has of that
    /// day. Everything that was signed counts with its worst case, whatever became of it: how much gas it used, and that
    /// another took its nonce, a node says.
    ///
    /// The day is the machine's: a clock that was put back forgets nothing, one that was put a day forward does.
    pub(super) fn ensure_within_day(
        &self,
        outbox: &Sending,
        account: Address,
        nonce: u64,
        worst: U256,
    ) -> Result<(), Error> {
        let Some(cap) = outbox.day_max else { return Ok(()) };
        let now_ms = (outbox.now_ms)();
        let spent = self
            .intents_of(outbox, account)?
            .into_iter()
            .filter(|intent| intent.nonce != nonce)
            .filter(|intent| signed_ms(intent).saturating_add(DAY_MS) > now_ms)
            .fold(U256::ZERO, |sum, intent| sum.saturating_add(cost(&intent)));
        if spent.saturating_add(worst) <= cap {
            return Ok(());
        }
        Err(FeeError::DayAboveCap { spent, worst, cap }.into())
    }

    /// When this account last signed something for a contract that is in a block by now, milliseconds since 1970 by
    /// the clock of that time.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn last_signed_ms(&self, contract: Address, from: Address) -> Result<Option<u64>, Error> {
        let mut intents = self.intents_of(self.outbox()?, from)?;
        intents.retain(|intent| {
            intent.to == Some(contract)
                && intent.included().is_some_and(|inclusion| inclusion.succeeded)
        });
        Ok(intents.iter().map(signed_ms).max())
    }

    /// Whether the account sent something on this chain that the journal does not have: from another folder, by another
    /// program, or from one that was lost.
    pub(in crate::client) async fn has_sent_elsewhere(
        &self,
        account: Address,
    ) -> Result<bool, Error> {
        Ok(self.nonces_of_others(account).await?.next().is_some())
    }

    /// The nonces that the account used on this chain for what the journal does not have, the newest first.
    pub(in crate::client) async fn nonces_of_others(
        &self,
        account: Address,
    ) -> Result<impl Iterator<Item = u64> + use<>, Error> {
        let own: HashSet<u64> = self
            .intents_of(self.outbox()?, account)?
            .into_iter()
            .filter(|intent| intent.stage != Stage::Replaced)
            .map(|intent| intent.nonce)
            .collect();
        let next = self.transactions_of(account).await?;
        Ok((0..next).rev().filter(move |nonce| !own.contains(nonce)))
    }

    /// Everything that the journal has of an account on this very chain.
    pub(super) fn intents_of(
        &self,
        outbox: &Sending,
        account: Address,
    ) -> Result<Vec<Intent>, Error> {
        let mut intents = outbox.journal.open()?;
        intents.extend(outbox.journal.done()?);
        intents.retain(|intent| self.is_of(outbox, intent) && intent.account == account);
        Ok(intents)
    }
}

/// When something was last signed for an intent.
fn signed_ms(intent: &Intent) -> u64 {
    intent.attempts.iter().map(|attempt| attempt.signed_at_ms).max().unwrap_or_default()
}

/// What an intent can have cost at most: one of its attempts lands.
fn cost(intent: &Intent) -> U256 {
    let offered = intent.attempts.iter().map(|attempt| &attempt.fees);
    offered.map(|fees| fees.worst_cost(intent.gas_limit, intent.value)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, Bytes};
    use chaos_types::ChainId;

    use super::*;
    use crate::sending::{Attempt, Fees, Inclusion, Purpose};

    fn intent(stage: Stage) -> Intent {
        let attempt = |number: u8, fee: u128| Attempt {
            raw: Bytes::new(),
            hash: B256::repeat_byte(number),
            purpose: Purpose::Act,
            fees: Fees { max_fee_per_gas: fee, max_priority_fee_per_gas: 1 },
            signed_at_ms: u64::from(number),
        };
        Intent {
            key: "anchor".to_owned(),
            what: "anchor".to_owned(),
            chain: ChainId::evm(1),
            genesis: B256::ZERO,
            account: Address::ZERO,
            nonce: 0,
            to: None,
            value: U256::from(5),
            input: Bytes::new(),
            gas_limit: 100,
            attempts: vec![attempt(1, 2), attempt(2, 3)],
            stage,
        }
    }

    /// A node that says that next to no gas was used, or that another transaction took the nonce, changes nothing.
    #[test]
    fn what_was_signed_counts_at_its_worst_whatever_a_node_says_of_it() {
        let landed = Inclusion {
            hash: B256::repeat_byte(1),
            block_number: 1,
            block_hash: B256::ZERO,
            gas_used: 1,
            succeeded: true,
        };
        for stage in [
            Stage::Prepared,
            Stage::Sent,
            Stage::Included(landed),
            Stage::Final(landed),
            Stage::Dropped(landed),
            Stage::Replaced,
            Stage::Abandoned,
        ] {
            assert_eq!(cost(&intent(stage)), U256::from(100 * 3 + 5), "{stage:?}");
        }
        assert_eq!(signed_ms(&intent(Stage::Sent)), 2, "the newest of its signatures");
    }
}
