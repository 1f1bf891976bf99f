//! The view of payments: what each agent was paid, and that an outcome is paid for once.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use chaos_incentives::Distribution;
use chaos_types::{Check, Did, Digest, Rejection, Verified, decimal};
use serde::{Deserialize, Serialize};

use super::{Record, Rows, rows::rows};
use crate::{
    Action, Fault, Outcome, Receipt, Registry, View,
    action::{Pay, Payment},
};

/// What an agent was paid in one token of one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewardRow {
    /// In the token's smallest unit.
    #[serde(with = "decimal")]
    pub total: u128,
    /// The receipts that paid it.
    pub receipts: Vec<Digest>,
}

/// Agent, chain and token.
type RewardKey = (Did, String, String);

/// Rewards by agent, chain and token.
#[derive(Debug, Default)]
pub struct Rewards {
    rewards: BTreeMap<RewardKey, RewardRow>,
    paid: BTreeSet<Digest>,
}

impl View for Rewards {
    fn admit(
        &self,
        receipt: &Verified<Receipt>,
        record: &Record,
    ) -> Result<Option<Outcome>, Rejection> {
        if let Action::Pay(pay) = &receipt.action {
            self.ensure_payment(pay, record)?;
        }
        Ok(None)
    }

    fn apply(&mut self, receipt: &Verified<Receipt>) {
        if let Action::Pay(pay) = &receipt.action {
            self.take(receipt, pay);
        }
    }

    fn rows(&self, _: &Record) -> Result<Rows, chaos_reputation::Error> {
        Ok(rows(
            self.rewards
                .iter()
                .map(|((agent, chain, token), row)| (format!("{agent}|{chain}|{token}"), row)),
        ))
    }
}

impl Rewards {
    /// By agent, chain and token.
    pub fn iter(&self) -> impl Iterator<Item = (&(Did, String, String), &RewardRow)> {
        self.rewards.iter()
    }

    fn ensure_payment(&self, pay: &Pay, record: &Record) -> Result<(), Rejection> {
        let reject = |fault: Fault, reason| Err(Rejection::new(Check::Statement, fault, reason));
        if !record.is_outcome(&pay.outcome) {
            return reject(
                Fault::OutcomeUnknown,
                format!("no outcome {} is in the log", pay.outcome),
            );
        }
        if self.paid.contains(&pay.outcome) {
            return reject(
                Fault::OutcomePaid,
                format!("outcome {} was already paid for", pay.outcome),
            );
        }
        let mut accounts = BTreeMap::new();
        let mut sum = pay.returned;
        for payment in &pay.payments {
            let account = ensure_payee(payment, record.registry())?;
            if accounts.insert(account, U256::from(payment.amount)).is_some() {
                return reject(
                    Fault::AccountRepeated,
                    format!("account {} is paid twice", payment.account),
                );
            }
            sum = sum.saturating_add(payment.amount);
            let key = (payment.agent, pay.chain.to_string(), pay.token.clone());
            let before = self.rewards.get(&key).map_or(0, |row| row.total);
            if before.checked_add(payment.amount).is_none() {
                return reject(
                    Fault::RewardsTooLarge,
                    format!("the rewards of {} exceed 128 bits", payment.agent),
                );
            }
        }
        if sum != pay.pool {
            return reject(
                Fault::PoolNotDivided,
                format!("payments and the returned part are not the pool {}", pay.pool),
            );
        }
        let root = Distribution::new(accounts)
            .map(|distribution| format!("{:#x}", distribution.root()))
            .map_err(|error| {
                Rejection::caused(Check::Statement, Fault::DistributionInvalid, &error)
            })?;
        if root != pay.merkle_root {
            return reject(
                Fault::RootMismatch,
                format!(
                    "the payments have the Merkle root {root}, not {}",
                    pay.merkle_root.escape_debug()
                ),
            );
        }
        Ok(())
    }

    fn take(&mut self, receipt: &Receipt, pay: &Pay) {
        self.paid.insert(pay.outcome);
        for payment in &pay.payments {
            let key = (payment.agent, pay.chain.to_string(), pay.token.clone());
            let row = self
                .rewards
                .entry(key)
                .or_insert_with(|| RewardRow { total: 0, receipts: Vec::new() });
            row.total += payment.amount;
            row.receipts.push(receipt.id);
        }
    }
}

/// The payee is an agent of this log, and its account is in its one spelling.
fn ensure_payee(payment: &Payment, registry: &Registry) -> Result<Address, Rejection> {
    let reject = |fault: Fault, reason| Rejection::new(Check::Statement, fault, reason);
    if registry.agent(&payment.agent).is_none() {
        return Err(reject(
            Fault::PayeeUnknown,
            format!("payee {} is not registered", payment.agent),
        ));
    }
    account(&payment.account).ok_or_else(|| {
        reject(
            Fault::AccountMalformed,
            format!(
                "account `{}` is not 0x and 40 lower-case hexadecimal digits",
                payment.account.escape_debug()
            ),
        )
    })
}

/// An account in its one spelling.
fn account(text: &str) -> Option<Address> {
    let account: Address = text.parse().ok()?;
    (format!("{account:#x}") == text).then_some(account)
}
