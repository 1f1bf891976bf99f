//! How a reward pool is divided.

use std::collections::BTreeMap;

use chaos_agency::action::Pay;
use chaos_chains::{Address, U256};
use chaos_incentives::{Distribution, QUALITY_PPM_MAX, Slot, reward_task};
use chaos_types::{Digest, Rejection, canonical};
use chaos_verify::Fault;
use serde::{Deserialize, Serialize};

use crate::Error;

use super::{REWARDS, ensure_claim, reject, shown, work::Work};

/// What a payment is computed from: every task accepted at full quality.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardDocument {
    /// In the token's smallest unit.
    #[serde(with = "chaos_types::decimal")]
    pub pool: u128,
    /// Task, its weight in the studio, and the account that fulfilled it.
    pub slots: Vec<(String, u64, String)>,
}

/// How a pool is divided.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shares {
    /// Account and amount, both as text, by account.
    pub shares: BTreeMap<String, String>,
    /// The unearned part.
    #[serde(with = "chaos_types::decimal")]
    pub returned: u128,
}

impl RewardDocument {
    /// Divides the pool by the tasks' weights.
    ///
    /// # Errors
    /// If an account is none, or the pool cannot be divided.
    pub fn divide(&self) -> Result<Shares, Error> {
        let slots = self
            .slots
            .iter()
            .map(|(name, weight, account)| {
                let accepted = Some((account_of(account)?, QUALITY_PPM_MAX));
                Ok(Slot { name: name.clone(), weight: *weight, accepted })
            })
            .collect::<Result<Vec<Slot>, Error>>()?;
        let reward = reward_task(U256::from(self.pool), &slots).map_err(Error::Reward)?;
        let shares = reward
            .payouts
            .iter()
            .map(|(account, amount)| (format!("{account:#x}"), amount.to_string()))
            .collect();
        Ok(Shares { shares, returned: returned_of(reward.returned)? })
    }
}

impl Shares {
    /// The Merkle distribution of the shares.
    ///
    /// # Errors
    /// If an account or an amount is none, or there are no shares.
    pub fn distribution(&self) -> Result<Distribution, Error> {
        let claims = self
            .shares
            .iter()
            .map(|(account, amount)| Ok((account_of(account)?, amount_of(amount)?)))
            .collect::<Result<BTreeMap<Address, U256>, Error>>()?;
        Distribution::new(claims).map_err(Error::Distribution)
    }
}

fn account_of(text: &str) -> Result<Address, Error> {
    text.parse().map_err(|_| Error::Account { account: text.to_owned() })
}

fn amount_of(text: &str) -> Result<U256, Error> {
    text.parse().map_err(|_| Error::Amount { amount: text.to_owned() })
}

/// What comes back of a pool is no more than the pool.
fn returned_of(amount: U256) -> Result<u128, Error> {
    u128::try_from(amount).map_err(|_| Error::Amount { amount: amount.to_string() })
}

/// Divides the pool again.
pub(super) fn divide(work: &Work<'_>, claimed: &Pay) -> Result<Digest, Rejection> {
    work.ensure_inputs(|name| name == REWARDS)?;
    let document: RewardDocument = work.document(REWARDS)?;
    let shares = document.divide().map_err(shown)?;
    let root = shares.distribution().map_err(shown)?.root();
    let mut payments = BTreeMap::new();
    for payment in &claimed.payments {
        let amount = payment.amount.to_string();
        if payments.insert(payment.account.clone(), amount).is_some() {
            return Err(reject(
                Fault::ClaimNotRepeated,
                format!("the receipt pays the account {} twice", payment.account),
            ));
        }
    }
    ensure_claim("pool", &claimed.pool.to_string(), &document.pool.to_string())?;
    ensure_claim("payments", &payments, &shares.shares)?;
    ensure_claim("returned", &claimed.returned.to_string(), &shares.returned.to_string())?;
    ensure_claim("merkle_root", &claimed.merkle_root, &format!("{root:#x}"))?;
    canonical::to_vec(&shares).map(|bytes| Digest::of(&bytes)).map_err(shown)
}
