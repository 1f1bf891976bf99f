use crate::Parameters;

/// The base fee of the first block under EIP-1559, in wei.
pub const INITIAL_BASE_FEE_WEI: u128 = 1_000_000_000;

/// Where the base fee stops rising: 2^72 wei, four thousand ether per unit of gas.
///
/// The consensus rule has no such bound. It keeps every sum of fees below 2^127 when a simulated
/// market has no clearing price; no chain comes near it.
pub const BASE_FEE_WEI_MAX: u128 = 1 << 72;

/// The base fee of the block after one with this base fee (wei) and use (gas).
///
/// The integer rule of [EIP-1559](https://eips.ethereum.org/EIPS/eip-1559), section
/// "Specification", for any elasticity and denominator, and never below `min-base-fee`. Use above
/// the limit counts as the limit; a base fee above [`BASE_FEE_WEI_MAX`] counts as that.
#[must_use]
pub fn next_base_fee(base_fee_wei: u128, gas_used: u64, parameters: &Parameters) -> u128 {
    let base_fee = base_fee_wei.min(BASE_FEE_WEI_MAX);
    let target = u128::from(parameters.gas_target());
    let used = u128::from(gas_used.min(parameters.gas_limit()));
    let denominator = u128::from(parameters.base_fee_change_denominator()).max(1);
    let target = target.max(1);
    let next = if used > target {
        let change = (base_fee * (used - target) / target / denominator).max(1);
        (base_fee + change).min(BASE_FEE_WEI_MAX)
    } else {
        base_fee - base_fee * (target - used) / target / denominator
    };
    next.max(parameters.min_base_fee_wei().into())
}

#[cfg(test)]
mod tests;
