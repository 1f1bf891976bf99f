//! How a reward pool is divided.

use std::collections::BTreeMap;

use chaos_agency::action::Pay;
use chaos_types::{Digest, Rejection};
use chaos_verify::Fault;

use super::{REWARDS, hold, reject, work::Work};
use crate::program::{Divide, Paid, RewardDocument};

/// Divides the pool again.
pub(super) fn divide(work: &Work<'_>, claimed: &Pay) -> Result<Digest, Rejection> {
    work.named.ensure_inputs(|name| name == REWARDS)?;
    let document: RewardDocument = work.named.document(REWARDS)?;
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
    let claimed = Paid {
        pool: claimed.pool,
        payments,
        returned: claimed.returned,
        merkle_root: claimed.merkle_root.clone(),
    };
    hold(Divide { document: &document }, &claimed)
}
