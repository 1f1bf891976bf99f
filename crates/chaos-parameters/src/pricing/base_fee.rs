use crate::{ParameterName as P, Parameters};

/// The base fee of the first block under EIP-1559, in wei.
pub const INITIAL_BASE_FEE_WEI: u128 = 1_000_000_000;

/// Where the base fee stops rising: 2^63 wei, nine ether per unit of gas.
///
/// The consensus rule has no such bound. It keeps a base fee within 64 bits, and sums of fees within
/// 127, when a simulated market has no clearing price; no chain comes near it.
pub const BASE_FEE_WEI_MAX: u64 = 1 << 63;

/// The integer rule of [EIP-1559](https://eips.ethereum.org/EIPS/eip-1559), section
/// "Specification", for any elasticity and denominator, with a floor
/// ([Jovian](https://specs.optimism.io/protocol/jovian/exec-engine.html)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseFeeRule {
    /// Gas limit over gas target; zero counts as one.
    pub elasticity_multiplier: u64,
    /// Reciprocal of the base fee's relative change when use exceeds the target by the target; zero
    /// counts as one.
    pub change_denominator: u64,
    /// The base fee is never below this, in wei.
    pub floor_wei: u64,
}

impl BaseFeeRule {
    /// The rule of these parameters.
    #[must_use]
    pub const fn of(parameters: &Parameters) -> Self {
        Self {
            elasticity_multiplier: parameters.get(P::ElasticityMultiplier),
            change_denominator: parameters.get(P::BaseFeeChangeDenominator),
            floor_wei: parameters.get(P::MinBaseFee),
        }
    }

    /// Gas at which a block with this limit leaves the base fee where it is.
    #[must_use]
    #[inline]
    pub fn target(&self, gas_limit: u64) -> u64 {
        (gas_limit / self.elasticity_multiplier.max(1)).max(1)
    }

    /// This base fee between the floor and [`BASE_FEE_WEI_MAX`]; a floor above the bound wins.
    #[must_use]
    #[inline]
    pub fn hold(&self, base_fee_wei: u128) -> u128 {
        base_fee_wei.min(BASE_FEE_WEI_MAX.into()).max(self.floor_wei.into())
    }

    /// The base fee of the block after one with this base fee (wei), use and limit (gas).
    ///
    /// Use above the limit counts as the limit; a base fee above [`BASE_FEE_WEI_MAX`] counts as
    /// that.
    #[must_use]
    pub fn next(&self, base_fee_wei: u128, gas_used: u64, gas_limit: u64) -> u128 {
        let base_fee = base_fee_wei.min(BASE_FEE_WEI_MAX.into());
        let target = u128::from(self.target(gas_limit));
        let used = u128::from(gas_used.min(gas_limit));
        let denominator = u128::from(self.change_denominator.max(1));
        self.hold(if used > target {
            base_fee + (base_fee * (used - target) / target / denominator).max(1)
        } else {
            base_fee - base_fee * (target - used) / target / denominator
        })
    }
}

/// The base fee of the block after one at the parameters' limit with this base fee (wei) and use
/// (gas); see [`BaseFeeRule::next`].
#[must_use]
pub fn next_base_fee(base_fee_wei: u128, gas_used: u64, parameters: &Parameters) -> u128 {
    BaseFeeRule::of(parameters).next(base_fee_wei, gas_used, parameters.gas_limit())
}

#[cfg(test)]
mod tests;
