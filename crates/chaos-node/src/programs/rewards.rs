//! How a reward pool is divided.

use std::collections::BTreeMap;

use chaos_agency::action::Pay;
use chaos_chains::{Address, U256};
use chaos_incentives::{Distribution, QUALITY_PPM_MAX, Slot, reward_task};
use chaos_types::{Digest, Rejection, canonical};
use chaos_verify::Fault;
use serde::{Deserialize, Serialize};

use super::{REWARDS, ensure_claim, reject, shown, work::Work};

/// What a payment is computed from: every task accepted at full quality.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RewardDocument {
    /// In the token's smallest unit.
    #[serde(with = "chaos_types::decimal")]
    pub(crate) pool: u128,
    /// Task, its weight in the studio, and the account that fulfilled it.
    pub(crate) slots: Vec<(String, u64, String)>,
}

/// How a pool is divided.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shares {
    /// Account and amount, both as text, by account.
    pub(crate) shares: BTreeMap<String, String>,
    /// The unearned part.
    #[serde(with = "chaos_types::decimal")]
    pub(crate) returned: u128,
}

impl RewardDocument {
    /// Divides the pool by the tasks' weights.
    pub(crate) fn divide(&self) -> anyhow::Result<Shares> {
        let slots = self
            .slots
            .iter()
            .map(|(name, weight, account)| {
                let accepted = Some((account.parse::<Address>()?, QUALITY_PPM_MAX));
                Ok(Slot { name: name.clone(), weight: *weight, accepted })
            })
            .collect::<anyhow::Result<Vec<Slot>>>()?;
        let reward = reward_task(U256::from(self.pool), &slots)?;
        let shares = reward
            .payouts
            .iter()
            .map(|(account, amount)| (format!("{account:#x}"), amount.to_string()))
            .collect();
        Ok(Shares { shares, returned: u128::try_from(reward.returned)? })
    }
}

impl Shares {
    /// The Merkle distribution of the shares.
    pub(crate) fn distribution(&self) -> anyhow::Result<Distribution> {
        let claims = self
            .shares
            .iter()
            .map(|(account, amount)| Ok((account.parse()?, amount.parse()?)))
            .collect::<anyhow::Result<BTreeMap<Address, U256>>>()?;
        Ok(Distribution::new(claims)?)
    }
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
