use std::collections::BTreeMap;

use chaos_chains::{Address, U256};
use chaos_incentives::{Distribution, QUALITY_PPM_MAX, Slot, reward_task};
use chaos_types::{canonical, decimal};
use serde::{Deserialize, Serialize};

use super::{Program, Ran};
use crate::Error;

/// A pool and tasks in, shares out.
#[derive(Debug, Clone, Copy)]
pub struct Divide<'a> {
    /// What is divided, and among whom.
    pub document: &'a RewardDocument,
}

/// What a payment's receipt says that follows from its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Paid {
    /// In the token's smallest unit.
    #[serde(with = "decimal")]
    pub pool: u128,
    /// Amount by account.
    pub payments: BTreeMap<String, String>,
    /// The unearned part.
    #[serde(with = "decimal")]
    pub returned: u128,
    /// The root of the distribution's tree.
    pub merkle_root: String,
}

impl Program for Divide<'_> {
    const NAME: &'static str = "chaos-incentives";
    type Output = (Shares, Distribution);
    type Body = Paid;

    fn run(self) -> Result<Ran<Self::Output, Paid>, Error> {
        let shares = self.document.divide()?;
        let distribution = shares.distribution()?;
        let body = Paid {
            pool: self.document.pool,
            payments: shares.shares.clone(),
            returned: shares.returned,
            merkle_root: format!("{:#x}", distribution.root()),
        };
        let document = canonical::to_vec(&shares)?;
        Ok(Ran { output: (shares, distribution), document, body })
    }
}

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
    fn divide(&self) -> Result<Shares, Error> {
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
    fn distribution(&self) -> Result<Distribution, Error> {
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
