use alloy_primitives::{U256, U512};

/// Most shares in one division: one million.
const SHARES_MAX: usize = 1_000_000;

/// One account's claim on a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share<A> {
    /// Who; its bytes break ties, so they must be the same everywhere.
    pub account: A,
    /// How much, relative to the others.
    pub weight: U256,
}

/// Why a pool was not divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// There is something to divide, but every weight is zero.
    #[error("no share has weight, {pool} units would go nowhere")]
    NoWeight {
        /// The pool in base units.
        pool: U256,
    },
    /// The weights sum to 2^256 or more.
    #[error("the weights sum to 2^256 or more")]
    WeightOverflow,
    /// More than `SHARES_MAX` shares.
    #[error("{shares} shares, the limit is {SHARES_MAX}")]
    TooMany {
        /// Shares given.
        shares: usize,
    },
    /// Two shares name the same account, so ties between them would depend on input order.
    #[error("share {index} names the same account as share {first}")]
    DuplicateAccount {
        /// Position of the later share.
        index: usize,
        /// Position of the earlier share.
        first: usize,
    },
}

/// Divides `pool` by weight with the largest-remainder rule; the amounts are in input order.
///
/// Account i gets `pool * w_i div W`; the units left over go one each to the largest
/// `pool * w_i mod W`, ties to the lower account bytes. The amounts sum to the pool exactly, each
/// is within one unit of its exact quota, and the order of the input does not matter.
///
/// # Errors
/// If the weights are all zero while the pool is not, overflow, or an account appears twice.
pub fn split<A: AsRef<[u8]>>(pool: U256, shares: &[Share<A>]) -> Result<Vec<U256>, SplitError> {
    if shares.len() > SHARES_MAX {
        return Err(SplitError::TooMany { shares: shares.len() });
    }
    ensure_unique(shares)?;
    let mut total = U256::ZERO;
    for share in shares {
        total = total.checked_add(share.weight).ok_or(SplitError::WeightOverflow)?;
    }
    if pool.is_zero() {
        return Ok(vec![U256::ZERO; shares.len()]);
    }
    if total.is_zero() {
        return Err(SplitError::NoWeight { pool });
    }
    let mut amounts = Vec::with_capacity(shares.len());
    let mut remainders = Vec::with_capacity(shares.len());
    let mut left = pool;
    for (index, share) in shares.iter().enumerate() {
        let product: U512 = pool.widening_mul(share.weight);
        let (quotient, remainder) = product.div_rem(U512::from(total));
        // A weight is at most the total, so the quotient is at most the pool.
        let amount = U256::from(quotient);
        left -= amount;
        amounts.push(amount);
        remainders.push((remainder, index));
    }
    // The remainders sum to (units left) x total, so there are fewer units left than remainders
    // above zero, and no zero weight ever gets one.
    remainders.sort_unstable_by(|(a, i), (b, j)| {
        b.cmp(a).then_with(|| shares[*i].account.as_ref().cmp(shares[*j].account.as_ref()))
    });
    for (_, index) in remainders {
        if left.is_zero() {
            break;
        }
        amounts[index] += U256::ONE;
        left -= U256::ONE;
    }
    Ok(amounts)
}

fn ensure_unique<A: AsRef<[u8]>>(shares: &[Share<A>]) -> Result<(), SplitError> {
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|i, j| shares[*i].account.as_ref().cmp(shares[*j].account.as_ref()));
    for pair in order.windows(2) {
        if shares[pair[0]].account.as_ref() == shares[pair[1]].account.as_ref() {
            return Err(SplitError::DuplicateAccount { index: pair[1], first: pair[0] });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
