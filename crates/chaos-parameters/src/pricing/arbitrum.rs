//! Arbitrum's rule: the price is the floor times about e^(backlog / (target x window)).
//!
//! Stated from the public documentation: with one target a backlog within the tolerance is free;
//! with several targets the exponents add up and there is no tolerance. The exponential is a
//! polynomial of degree four in basis points with integer division after each step, so that it
//! falls short of e^x for large backlogs, as the chain's own does.

use super::{BASE_FEE_WEI_MAX, BlockUse, FeeState};
use crate::{ParameterName as P, Parameters};

/// One in basis points.
const ONE_BIPS: u128 = 10_000;

/// Exponents are held below e^1000; the polynomial is 4 x 10^10 there.
const EXPONENT_BIPS_MAX: u128 = 1_000 * ONE_BIPS;

/// `1 + x + x^2/2 + x^3/6 + x^4/24` in basis points, innermost term first.
fn exp_bips(exponent_bips: u128) -> u128 {
    let x = exponent_bips.min(EXPONENT_BIPS_MAX);
    let mut value = ONE_BIPS + x / 4;
    for divisor in [3, 2, 1] {
        value = ONE_BIPS + value * x / (divisor * ONE_BIPS);
    }
    value
}

/// The exponent of the price at these backlogs, in basis points.
fn exponent_bips(parameters: &Parameters, backlog_gas: &[u128]) -> u128 {
    let several: u128 = parameters
        .gas_targets()
        .zip(backlog_gas)
        .map(|(target, backlog)| {
            let gas = u128::from(target.gas_per_second) * u128::from(target.window_seconds);
            (backlog * ONE_BIPS).checked_div(gas).unwrap_or(EXPONENT_BIPS_MAX)
        })
        .sum();
    if parameters.gas_targets().next().is_some() {
        return several;
    }
    let speed = u128::from(parameters.get(P::SpeedLimit));
    let free = speed * u128::from(parameters.get(P::BacklogTolerance));
    let beyond = backlog_gas.first().map_or(0, |backlog| backlog.saturating_sub(free));
    beyond * ONE_BIPS / (speed * u128::from(parameters.get(P::PricingInertia)))
}

fn price_wei(parameters: &Parameters, backlog_gas: &[u128]) -> u128 {
    let floor = u128::from(parameters.min_base_fee_wei());
    let price = floor.saturating_mul(exp_bips(exponent_bips(parameters, backlog_gas))) / ONE_BIPS;
    price.min(BASE_FEE_WEI_MAX.into())
}

/// Adds the block's gas to every backlog, pays off the seconds that passed, and prices the rest.
pub(super) fn advance(state: &mut FeeState, parameters: &Parameters, used: BlockUse) {
    let elapsed_ms = state.pending_ms.saturating_add(used.elapsed_ms);
    let seconds = u128::from(elapsed_ms / 1_000);
    state.pending_ms = elapsed_ms % 1_000;
    let mut speeds = [0; Parameters::GAS_TARGETS_MAX];
    speeds[0] = parameters.get(P::SpeedLimit);
    for (speed, target) in speeds.iter_mut().zip(parameters.gas_targets()) {
        *speed = target.gas_per_second;
    }
    let count = parameters.gas_targets().count().max(1);
    for (index, (backlog, speed)) in state.backlog_gas.iter_mut().zip(speeds).enumerate() {
        // 2^100 gas is far above what any window could use up; it keeps the exponent exact.
        let grown = (*backlog + u128::from(used.gas)).min(1 << 100);
        let paid = grown.saturating_sub(u128::from(speed) * seconds);
        *backlog = if index < count { paid } else { 0 };
    }
    state.base_fee_wei = price_wei(parameters, &state.backlog_gas);
}

/// Backlogs at which the price is about `base_fee_wei`: the same exponent on every target.
pub(super) fn backlogs_at(
    parameters: &Parameters,
    base_fee_wei: u128,
) -> [u128; Parameters::GAS_TARGETS_MAX] {
    let count = parameters.gas_targets().count();
    let price_at = |exponent: u128| {
        let floor = u128::from(parameters.min_base_fee_wei());
        floor.saturating_mul(exp_bips(exponent)) / ONE_BIPS
    };
    let (mut low, mut high) = (0, EXPONENT_BIPS_MAX);
    while low < high {
        let middle = low.midpoint(high);
        if price_at(middle) < base_fee_wei { low = middle + 1 } else { high = middle }
    }
    let mut backlogs = [0; Parameters::GAS_TARGETS_MAX];
    if count == 0 {
        let speed = u128::from(parameters.get(P::SpeedLimit));
        let inertia = u128::from(parameters.get(P::PricingInertia));
        let free = speed * u128::from(parameters.get(P::BacklogTolerance));
        backlogs[0] = if low == 0 { 0 } else { free + (speed * inertia * low).div_ceil(ONE_BIPS) };
        return backlogs;
    }
    for (backlog, target) in backlogs.iter_mut().zip(parameters.gas_targets()) {
        let gas = u128::from(target.gas_per_second) * u128::from(target.window_seconds);
        *backlog = (gas * low).div_ceil(ONE_BIPS * count as u128);
    }
    backlogs
}

#[cfg(test)]
mod tests;
