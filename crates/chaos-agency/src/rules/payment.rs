//! What is paid: only for an outcome, once, to agents of the log.

use std::collections::BTreeMap;

use chaos_types::{ChainId, Did, Digest, canonical, decimal};
use serde::{Deserialize, Serialize};

use super::reject;
use crate::{
    Action, Fault, Key, Receipt, State, Stop, Writes, account,
    action::{Pay, Payment},
    state::Once,
};

/// `reward/agent/chain/token`: what an agent was paid in one token of one chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RewardTotal {
    /// How many payments those were.
    pub(crate) payments: u64,
    /// In the token's smallest unit.
    #[serde(with = "decimal")]
    pub(crate) total: u128,
}

/// `payment/agent/chain/token/n`: one of the payments behind a total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentRow {
    pub(crate) index: u64,
    pub(crate) receipt: Digest,
}

/// What an agent was paid in one token of one chain, with the receipts that paid it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewardRow {
    /// The chain.
    pub chain: String,
    /// The token contract.
    pub token: String,
    /// In the token's smallest unit.
    pub total: u128,
    /// The receipts that paid it, in log order.
    pub receipts: Vec<Digest>,
}

impl RewardRow {
    /// What an agent was paid, by chain and token.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn of(agent: &Did, state: &dyn State) -> Result<Vec<Self>, Stop> {
        let first = Key::new("reward", &[agent]);
        let totals: Vec<(Key, RewardTotal)> = state.rows(&first..&first.end())?;
        let mut rows = Vec::with_capacity(totals.len());
        for (key, RewardTotal { payments, total }) in totals {
            let parts: Vec<String> = key.parts().skip(2).map(str::to_owned).collect();
            let [chain, token] = parts.as_slice() else {
                return Err(Stop::Unreadable { key });
            };
            let mut receipts = Vec::new();
            for number in 0..payments {
                let key = Key::new("payment", &[agent, chain, token, &number]);
                let row: PaymentRow = state.read(&key)?.ok_or(Stop::Unreadable { key })?;
                if receipts.last() != Some(&row.receipt) {
                    receipts.push(row.receipt);
                }
            }
            let (chain, token) = (chain.clone(), token.clone());
            rows.push(Self { chain, token, total, receipts });
        }
        Ok(rows)
    }
}

/// What payments add up to, by the keys of the totals: what the rows of rewards are held against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewards(BTreeMap<Key, RewardTotal>);

impl Rewards {
    /// Takes in what a receipt pays that counts; nothing if it is no payment.
    pub fn take(&mut self, receipt: &Receipt) {
        let Action::Pay(pay) = &receipt.action else { return };
        for Payment { agent, amount, .. } in &pay.payments {
            let total = self.0.entry(reward_key(agent, pay)).or_default();
            total.payments += 1;
            // A payment that counts does not exceed it.
            total.total = total.total.saturating_add(*amount);
        }
    }

    /// The row under a key, if something was paid that it counts.
    ///
    /// # Panics
    /// Never: numbers have a canonical form.
    #[must_use]
    pub fn row(&self, key: &Key) -> Option<Vec<u8>> {
        let total = self.0.get(key)?;
        Some(canonical::to_vec(total).expect("a decimal text and a count"))
    }
}

fn reward_key(agent: &Did, pay: &Pay) -> Key {
    Key::new("reward", &[agent, &pay.chain, &pay.token])
}

/// A payee is paid at the account that it had registered before the outcome if it had one: what it earned
/// is not led elsewhere, nor does a key that was stolen since lead it.
fn ensure_account(
    payment: &Payment,
    chain: &ChainId,
    judged_at: u64,
    state: &dyn State,
) -> Result<(), Stop> {
    let Payment { agent, account, .. } = payment;
    match account::at_place(state, agent, chain, judged_at)? {
        Some(registered) if registered != *account => Err(reject(
            Fault::PayeeAccountOther,
            format!(
                "payee {agent} had registered account {registered} of {chain} before the outcome, it \
                 is paid at {account}"
            ),
        )),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn admit(
    pay: &Pay,
    by: &PaymentRow,
    state: &dyn State,
    writes: &mut Writes,
) -> Result<(), Stop> {
    let Some(judged_at) = account::outcome_of(pay, state)? else {
        return Err(reject(
            Fault::OutcomeUnknown,
            format!("no outcome {} is in the log", pay.outcome),
        ));
    };
    if state.has(&Key::paid(&pay.outcome))? {
        return Err(reject(
            Fault::OutcomePaid,
            format!("outcome {} was already paid for", pay.outcome),
        ));
    }
    for Payment { agent, .. } in &pay.payments {
        if !state.has(&Key::agent(agent))? {
            return Err(reject(Fault::PayeeUnknown, format!("payee {agent} is not registered")));
        }
    }
    for payment in &pay.payments {
        ensure_account(payment, &pay.chain, judged_at, state)?;
    }
    let mut totals: BTreeMap<Did, RewardTotal> = BTreeMap::new();
    for payment in &pay.payments {
        let agent = payment.agent;
        let mut row = match totals.get(&agent) {
            Some(row) => *row,
            None => state.read(&reward_key(&agent, pay))?.unwrap_or_default(),
        };
        row.total = row.total.checked_add(payment.amount).ok_or_else(|| {
            reject(Fault::RewardsTooLarge, format!("the rewards of {agent} exceed 128 bits"))
        })?;
        let key = Key::new("payment", &[&agent, &pay.chain, &pay.token, &row.payments]);
        writes.put(key, by);
        row.payments += 1;
        totals.insert(agent, row);
    }
    for (agent, row) in totals {
        writes.put(reward_key(&agent, pay), &row);
    }
    writes.put(Key::paid(&pay.outcome), &Once { index: by.index });
    Ok(())
}
