use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256, U512};

use crate::{Share, SplitError, split};

/// A perfect result: 1,000,000 ppm.
pub const QUALITY_PPM_MAX: u32 = 1_000_000;

/// One slot of a task: a budget weight fixed before the work, and who filled it how well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Name of the slot in the task graph, unique in the task.
    pub name: String,
    /// Budget weight, relative to the other slots.
    pub weight: u64,
    /// The account paid for the accepted result and its quality in ppm; `None` if there is none.
    pub accepted: Option<(Address, u32)>,
}

/// What the accounts of a task earned, and what goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskReward {
    /// Amount per account, ascending by account; an account with several slots appears once.
    pub payouts: BTreeMap<Address, U256>,
    /// The unearned part, for the sponsor.
    pub returned: U256,
}

/// Why a task was not rewarded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// A quality is above [`QUALITY_PPM_MAX`].
    #[error("slot `{slot}`: quality {quality_ppm} ppm is above {QUALITY_PPM_MAX}")]
    Quality {
        /// The slot.
        slot: String,
        /// The quality found.
        quality_ppm: u32,
    },
    /// Two slots have one name.
    #[error("slot `{slot}` appears twice")]
    DuplicateSlot {
        /// The name.
        slot: String,
    },
    /// The pool could not be divided.
    #[error("the work pool cannot be divided")]
    Split(#[source] SplitError),
}

/// Divides the work pool over the slots: entitlement = budget weight x quality.
///
/// The earned part is `work * sum(weight_i * quality_i) div sum(weight_i * 1,000,000)` and is split
/// by largest remainder over the entitlements of the accounts; everything else, less than one unit
/// of rounding included, returns to the sponsor. As the weights are fixed beforehand, dividing a
/// contribution between identities gains nothing but rounding.
///
/// # Errors
/// If a quality is above one or a slot appears twice.
pub fn reward_task(work: U256, slots: &[Slot]) -> Result<TaskReward, TaskError> {
    let mut names = BTreeSet::new();
    let mut budget = U256::ZERO;
    let mut earned = U256::ZERO;
    let mut entitlements: BTreeMap<Address, U256> = BTreeMap::new();
    for slot in slots {
        if !names.insert(slot.name.as_str()) {
            return Err(TaskError::DuplicateSlot { slot: slot.name.clone() });
        }
        let weight = U256::from(slot.weight);
        budget += weight * U256::from(QUALITY_PPM_MAX);
        let Some((account, quality_ppm)) = slot.accepted else { continue };
        if quality_ppm > QUALITY_PPM_MAX {
            return Err(TaskError::Quality { slot: slot.name.clone(), quality_ppm });
        }
        let entitlement = weight * U256::from(quality_ppm);
        earned += entitlement;
        *entitlements.entry(account).or_default() += entitlement;
    }
    if earned.is_zero() {
        return Ok(TaskReward { payouts: BTreeMap::new(), returned: work });
    }
    let pool = mul_div(work, earned, budget);
    let shares: Vec<Share<Address>> =
        entitlements.into_iter().map(|(account, weight)| Share { account, weight }).collect();
    let amounts = split(pool, &shares).map_err(TaskError::Split)?;
    let payouts = shares
        .iter()
        .map(|share| share.account)
        .zip(amounts)
        .filter(|(_, amount)| !amount.is_zero())
        .collect();
    Ok(TaskReward { payouts, returned: work - pool })
}

/// `a * b / c`, floored, where `b <= c` so that the result fits.
fn mul_div(a: U256, b: U256, c: U256) -> U256 {
    let product: U512 = a.widening_mul(b);
    U256::from(product / U512::from(c))
}

#[cfg(test)]
mod tests;
