use chaos_parameters::{Family, ParameterName as P, Parameters};

use super::Error;

/// Where the base fee stops rising: 2^60 wei, about one ether per unit of gas.
///
/// The consensus rule has no such bound. It keeps sums of fees exact when a simulated market has no
/// clearing price.
pub const BASE_FEE_WEI_MAX: u64 = 1 << 60;

/// Blob gas of one blob: 2^17 ([EIP-4844](https://eips.ethereum.org/EIPS/eip-4844)).
pub const GAS_PER_BLOB: u64 = 1 << 17;

/// The divisor that bounds a gas limit's change from block to block: 1,024.
const GAS_LIMIT_BOUND_DIVISOR: u64 = 1_024;

/// How a gas limit gets from the parent's to the proposed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GasLimitPath {
    /// From the first measured block, as by a configuration call on an L2.
    AtOnce,
    /// By less than 1/1024 of the parent's limit per block, as Ethereum's proposers vote.
    Gradual,
}

/// The blob market's rules.
///
/// Sources: [EIP-4844](https://eips.ethereum.org/EIPS/eip-4844),
/// [EIP-7691](https://eips.ethereum.org/EIPS/eip-7691),
/// [EIP-7892](https://eips.ethereum.org/EIPS/eip-7892),
/// [EIP-7918](https://eips.ethereum.org/EIPS/eip-7918).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRules {
    /// Blobs per block at which the price stands still.
    pub target: u64,
    /// Most blobs in a block.
    pub max: u64,
    /// Most blobs in a transaction.
    pub max_per_transaction: u64,
    /// The excess blob gas that multiplies the price by e.
    pub update_fraction: u64,
    /// Execution gas whose price is the reserve price of a blob (EIP-7918); 0 turns it off.
    pub base_cost: u64,
    /// The smallest price of a unit of blob gas, in wei.
    pub min_fee_wei: u64,
}

impl BlobRules {
    /// The schedule of Cancun: 3 of 6.
    #[must_use]
    pub const fn cancun() -> Self {
        Self {
            target: 3,
            max: 6,
            max_per_transaction: 6,
            update_fraction: 3_338_477,
            base_cost: 0,
            min_fee_wei: 1,
        }
    }

    /// The schedule of Prague: 6 of 9.
    #[must_use]
    pub const fn prague() -> Self {
        let base = Self::cancun();
        Self { target: 6, max: 9, max_per_transaction: 9, update_fraction: 5_007_716, ..base }
    }

    /// Prague's schedule with Osaka's reserve price and six blobs per transaction.
    #[must_use]
    pub const fn osaka() -> Self {
        Self { max_per_transaction: 6, base_cost: 8_192, ..Self::prague() }
    }

    /// The first blob-parameter fork: 10 of 15.
    #[must_use]
    pub const fn bpo1() -> Self {
        Self { target: 10, max: 15, update_fraction: 8_346_193, ..Self::osaka() }
    }

    /// The second blob-parameter fork: 14 of 21.
    #[must_use]
    pub const fn bpo2() -> Self {
        Self { target: 14, max: 21, update_fraction: 11_684_671, ..Self::osaka() }
    }

    /// The price of a unit of blob gas in wei: `min_fee * e^(excess / update_fraction)`, exactly by
    /// EIP-4844's `fake_exponential`; held at `u64::MAX`.
    #[must_use]
    pub fn fee_wei(&self, excess_blob_gas: u64) -> u64 {
        let (numerator, denominator) =
            (u128::from(excess_blob_gas), u128::from(self.update_fraction.max(1)));
        let mut term = u128::from(self.min_fee_wei) * denominator;
        let (mut sum, mut index) = (0u128, 1u128);
        while term > 0 {
            let (Some(next_sum), Some(product)) =
                (sum.checked_add(term), term.checked_mul(numerator))
            else {
                // Beyond 2^128 the price is far above what 64 bits hold.
                return u64::MAX;
            };
            sum = next_sum;
            term = product / (denominator * index);
            index += 1;
        }
        u64::try_from(sum / denominator).unwrap_or(u64::MAX)
    }

    /// Whether the reserve price of EIP-7918 holds the blob price at this base fee.
    #[must_use]
    pub fn reserve_price_active(&self, base_fee_wei: u64, blob_fee_wei: u64) -> bool {
        u128::from(self.base_cost) * u128::from(base_fee_wei)
            > u128::from(GAS_PER_BLOB) * u128::from(blob_fee_wei)
    }

    /// Excess blob gas of the next block (EIP-4844, EIP-7918).
    #[must_use]
    pub fn next_excess(
        &self,
        excess_blob_gas: u64,
        blobs: u64,
        base_fee_wei: u64,
        blob_fee_wei: u64,
    ) -> u64 {
        let used = blobs.saturating_mul(GAS_PER_BLOB);
        let target = self.target.saturating_mul(GAS_PER_BLOB);
        let sum = excess_blob_gas.saturating_add(used);
        if sum < target {
            return 0;
        }
        if self.reserve_price_active(base_fee_wei, blob_fee_wei) {
            excess_blob_gas
                .saturating_add(used.saturating_mul(self.max - self.target) / self.max.max(1))
        } else {
            sum - target
        }
    }
}

/// The rules under which blocks are made and paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Most gas in a block.
    pub gas_limit: u64,
    /// Gas at which the base fee stands still.
    pub gas_target: u64,
    /// Reciprocal of the base fee's relative change when use exceeds the target by the target.
    pub base_fee_change_denominator: u64,
    /// The base fee never falls below this, in wei; 0 is Ethereum's rule.
    pub min_base_fee_wei: u64,
    /// The smallest effective tip a builder includes, in wei per gas.
    pub priority_fee_floor_wei: u64,
    /// Most gas in one transaction ([EIP-7825](https://eips.ethereum.org/EIPS/eip-7825)).
    pub transaction_gas_cap: Option<u64>,
    /// The blob market; `None` where there is none.
    pub blobs: Option<BlobRules>,
    /// Mean time between blocks in milliseconds.
    pub block_time_ms: u64,
    /// How the gas limit gets from the baseline's to this one.
    pub gas_limit_path: GasLimitPath,
    /// Parameters of a chain that prices by backlog (Arbitrum), whose
    /// [`FeeState`](chaos_parameters::pricing::FeeState) then moves the base fee; `None` is EIP-1559.
    pub backlog_pricing: Option<Parameters>,
}

impl Rules {
    /// Ethereum since London with this gas limit: target at half, denominator 8, 12 seconds, no
    /// blobs, the limit in force at once.
    #[must_use]
    pub const fn ethereum(gas_limit: u64) -> Self {
        Self {
            gas_limit,
            gas_target: gas_limit / 2,
            base_fee_change_denominator: 8,
            min_base_fee_wei: 0,
            priority_fee_floor_wei: 0,
            transaction_gas_cap: None,
            blobs: None,
            block_time_ms: 12_000,
            gas_limit_path: GasLimitPath::AtOnce,
            backlog_pricing: None,
        }
    }

    /// The rules that these parameters state, for every family of chains.
    ///
    /// A transaction carries six blobs at most (EIP-7594) where the block's maximum allows it. On
    /// Arbitrum the base fee follows its backlog rule; its first-come-first-served order is not
    /// modelled, blocks are packed by tip. A bound on the gas limit's change counts as 1/1024.
    #[must_use]
    pub fn of(parameters: &Parameters) -> Self {
        let get = |name| parameters.get(name);
        let blobs = (get(P::BlobMax) > 0).then(|| BlobRules {
            target: get(P::BlobTarget),
            max: get(P::BlobMax),
            max_per_transaction: get(P::BlobMax).min(6),
            update_fraction: get(P::BlobUpdateFraction),
            base_cost: get(P::BlobBaseCost),
            min_fee_wei: get(P::BlobMinFee),
        });
        let arbitrum = match parameters.family() {
            Family::Ethereum | Family::OpStack => false,
            Family::Arbitrum => true,
        };
        Self {
            gas_limit: parameters.gas_limit(),
            gas_target: parameters.gas_target(),
            base_fee_change_denominator: parameters.base_fee_change_denominator().max(1),
            min_base_fee_wei: parameters.min_base_fee_wei(),
            priority_fee_floor_wei: get(P::PriorityFeeFloor),
            transaction_gas_cap: Some(get(P::TransactionGasCap)).filter(|cap| *cap > 0),
            blobs,
            block_time_ms: parameters.block_time_ms(),
            gas_limit_path: if get(P::GasLimitBoundDivisor) == 0 {
                GasLimitPath::AtOnce
            } else {
                GasLimitPath::Gradual
            },
            backlog_pricing: arbitrum.then_some(*parameters),
        }
    }

    /// The base fee after a block with this base fee (wei) and use (gas).
    ///
    /// The integer rule of [EIP-1559](https://eips.ethereum.org/EIPS/eip-1559), section
    /// "Specification", then held between `min_base_fee_wei` and [`BASE_FEE_WEI_MAX`]. Use above
    /// the limit counts as the limit.
    #[must_use]
    #[inline]
    pub fn next_base_fee(&self, base_fee_wei: u64, gas_used: u64) -> u64 {
        let used = gas_used.min(self.gas_limit);
        let target = self.gas_target;
        let next = if used > target {
            let change = self.change(base_fee_wei, used - target).max(1);
            base_fee_wei.saturating_add(change)
        } else {
            base_fee_wei.saturating_sub(self.change(base_fee_wei, target - used))
        };
        next.min(BASE_FEE_WEI_MAX).max(self.min_base_fee_wei)
    }

    /// `base fee * distance / target / denominator`, floored; saturates.
    #[inline]
    fn change(&self, base_fee_wei: u64, distance: u64) -> u64 {
        let divisor = self.gas_target.checked_mul(self.base_fee_change_denominator);
        match (base_fee_wei.checked_mul(distance), divisor) {
            (Some(product), Some(divisor)) => product / divisor.max(1),
            _ => {
                let product = u128::from(base_fee_wei) * u128::from(distance);
                let divisor =
                    u128::from(self.gas_target) * u128::from(self.base_fee_change_denominator);
                u64::try_from(product / divisor.max(1)).unwrap_or(u64::MAX)
            }
        }
    }

    /// The same with the gas limit one block nearer to this one, coming from `parent_gas_limit`.
    ///
    /// The target keeps its share of the limit.
    #[must_use]
    pub(super) fn step_from(&self, parent_gas_limit: u64) -> Self {
        let step = match self.gas_limit_path {
            GasLimitPath::AtOnce => return *self,
            GasLimitPath::Gradual => (parent_gas_limit / GAS_LIMIT_BOUND_DIVISOR).max(2) - 1,
        };
        let low = parent_gas_limit.saturating_sub(step);
        let high = parent_gas_limit.saturating_add(step);
        let gas_limit = self.gas_limit.clamp(low, high);
        let target =
            u128::from(gas_limit) * u128::from(self.gas_target) / u128::from(self.gas_limit.max(1));
        let gas_target = u64::try_from(target).unwrap_or(u64::MAX).max(1);
        Self { gas_limit, gas_target, ..*self }
    }

    /// Refuses rules without meaning.
    ///
    /// # Errors
    /// If a limit, target, denominator, fraction or time is zero or out of order; the error names
    /// it.
    pub fn ensure(&self) -> Result<(), Error> {
        bound("gas_limit", self.gas_limit, 5_000, 1_000_000_000_000)?;
        bound("gas_target", self.gas_target, 1, self.gas_limit)?;
        bound("base_fee_change_denominator", self.base_fee_change_denominator, 1, 100_000)?;
        bound("min_base_fee_wei", self.min_base_fee_wei, 0, BASE_FEE_WEI_MAX)?;
        bound("priority_fee_floor_wei", self.priority_fee_floor_wei, 0, BASE_FEE_WEI_MAX)?;
        bound("block_time_ms", self.block_time_ms, 1, 3_600_000)?;
        if let Some(cap) = self.transaction_gas_cap {
            bound("transaction_gas_cap", cap, 21_000, u64::MAX)?;
        }
        if self.backlog_pricing.is_some_and(|parameters| parameters.family() != Family::Arbitrum) {
            return Err(Error::BacklogPricing);
        }
        if let Some(blobs) = self.blobs {
            bound("blobs.max", blobs.max, 1, 4_096)?;
            bound("blobs.target", blobs.target, 0, blobs.max)?;
            bound("blobs.max_per_transaction", blobs.max_per_transaction, 1, blobs.max)?;
            bound("blobs.update_fraction", blobs.update_fraction, 1, 1 << 40)?;
            bound("blobs.base_cost", blobs.base_cost, 0, 1 << 40)?;
            bound("blobs.min_fee_wei", blobs.min_fee_wei, 1, 1 << 60)?;
        }
        Ok(())
    }
}

/// Refuses a number outside its bounds.
pub(super) const fn bound(
    field: &'static str,
    found: u64,
    min: u64,
    max: u64,
) -> Result<(), Error> {
    if found < min || found > max {
        return Err(Error::OutOfBounds { field, min, max, found });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
