//! A step of demand that does not fall with patience, only with price.

use chaos_parameters::{
    Parameters,
    pricing::{BASE_FEE_WEI_MAX, FeeState},
};

use super::{
    Case,
    result::{Figures, figure},
    rules::{after, blocks_in},
};

/// Levels of user value per doubling.
const LEVELS_PER_DOUBLING: u32 = 32;
/// Doublings of value above the old base fee that are told apart.
const DOUBLINGS: u32 = 24;
/// Bounds that keep every product below 2^127.
const START_WEI_MAX: u128 = 1 << 50;
const MULTIPLE_MAX: u64 = 1 << 10;
/// Simulated time after the step, in milliseconds: six hours.
const HORIZON_MS: u64 = 6 * 3_600_000;
/// Most blocks simulated, for chains with very short blocks.
const BLOCKS_MAX: u64 = 50_000;
/// The base fee has settled when it stays within this many per cent of the new clearing price.
const SETTLED_PERCENT: u128 = 10;
/// A waiting user leaves with this chance per minute, as its reciprocal.
const LEAVES_ONE_IN_PER_MINUTE: u64 = 5;

/// What a step of demand did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shock {
    /// The price at which the new demand equals the target.
    pub(super) settled_wei: u128,
    /// Full blocks in a row from the step on.
    pub(super) blocks_full: u64,
    /// First block after which the base fee stays near `settled_wei`; the horizon if it never does.
    pub(super) blocks_to_settle: u64,
    /// Blocks simulated.
    pub(super) horizon_blocks: u64,
    /// The highest base fee.
    pub(super) peak_wei: u128,
    /// Paid above the settled price, base fee and auction tips together.
    pub(super) overpaid_wei: u128,
    /// Tips above the ordinary one.
    pub(super) auction_tips_wei: u128,
    /// Paid by everybody until the base fee has settled, base fee and tips.
    pub(super) paid_wei: u128,
    /// Gas that left unserved although its users would have paid the settled price.
    pub(super) lost_gas: u128,
}

/// Users whose value lies on a ladder above the old base fee.
struct Level {
    value_wei: u128,
    /// Gas arriving per block, after the step.
    arrivals: u128,
    waiting: u128,
}

/// Demand of `multiple` targets at the old base fee `b`, and `multiple * target * sqrt(b / p)` at a
/// price `p`: an elasticity of one half, so that the new clearing price is `multiple^2 * b` under
/// any rules.
fn ladder(parameters: &Parameters, start: u128, multiple: u64) -> Vec<Level> {
    let demand = u128::from(multiple) * u128::from(parameters.gas_target());
    // The root with 24 fractional bits; prices below 2^76 wei leave room for the shift.
    let at_price = |price: u128| (demand * ((start << 48) / price.max(1)).isqrt()) >> 24;
    let steps = LEVELS_PER_DOUBLING * DOUBLINGS;
    let value = |step: u32| {
        let whole = start << (step / LEVELS_PER_DOUBLING);
        whole + whole * u128::from(step % LEVELS_PER_DOUBLING) / u128::from(LEVELS_PER_DOUBLING)
    };
    (0..steps)
        .map(|step| {
            let above = if step + 1 == steps { 0 } else { at_price(value(step + 1)) };
            let arrivals = at_price(value(step)).saturating_sub(above);
            Level { value_wei: value(step), arrivals, waiting: 0 }
        })
        .rev()
        .collect()
}

/// Whether the base fee reaches the rule's bound.
pub(super) fn reaches_bound(parameters: &Parameters, case: &Case) -> bool {
    shock(parameters, case).peak_wei >= u128::from(BASE_FEE_WEI_MAX)
}

pub(super) fn shock(parameters: &Parameters, case: &Case) -> Shock {
    let start = case.base_fee_wei.clamp(64, START_WEI_MAX);
    let mut fees = FeeState::settled(parameters, start);
    let start = fees.base_fee_wei;
    let multiple = case.shock_multiple.clamp(1, MULTIPLE_MAX);
    let settled = start * u128::from(multiple) * u128::from(multiple);
    let mut levels = ladder(parameters, start, multiple);
    let horizon = blocks_in(parameters, HORIZON_MS).min(BLOCKS_MAX);
    let leave = LEAVES_ONE_IN_PER_MINUTE * blocks_in(parameters, 60_000);
    let mut result = Shock {
        settled_wei: settled,
        horizon_blocks: horizon,
        peak_wei: start,
        ..Shock::default()
    };
    let (mut last_unsettled, mut paid_wei) = (0, 0u128);
    for block in 0..horizon {
        let base_fee = fees.base_fee_wei;
        let sold = sell(&mut levels, parameters, base_fee);
        let full = sold.gas == parameters.gas_limit();
        if full && result.blocks_full == block {
            result.blocks_full += 1;
        }
        let tip = if full { sold.marginal_wei - base_fee } else { 0 };
        let gas = u128::from(sold.gas);
        result.auction_tips_wei = result.auction_tips_wei.saturating_add(tip * gas);
        let price = base_fee + tip;
        let above = price.saturating_sub(settled);
        result.overpaid_wei = result.overpaid_wei.saturating_add(above * gas);
        result.lost_gas += impatient(&mut levels, settled, leave);
        fees = after(fees, parameters, sold.gas);
        let base_fee = fees.base_fee_wei;
        result.peak_wei = result.peak_wei.max(base_fee);
        paid_wei = paid_wei.saturating_add(price * gas);
        if base_fee.abs_diff(settled) * 100 > settled * SETTLED_PERCENT {
            last_unsettled = block + 1;
            result.paid_wei = paid_wei;
        }
    }
    result.blocks_to_settle = last_unsettled;
    result
}

struct Sold {
    gas: u64,
    marginal_wei: u128,
}

/// Serves the highest values first, down to the base fee, until the block is full.
fn sell(levels: &mut [Level], parameters: &Parameters, base_fee: u128) -> Sold {
    let mut room = parameters.gas_limit();
    let mut marginal_wei = base_fee;
    for level in levels {
        level.waiting += level.arrivals;
        if level.value_wei >= base_fee && room > 0 {
            let taken = u64::try_from(level.waiting).unwrap_or(u64::MAX).min(room);
            level.waiting -= u128::from(taken);
            room -= taken;
            marginal_wei = level.value_wei;
        }
    }
    Sold { gas: parameters.gas_limit() - room, marginal_wei }
}

/// Lets some of the waiting go; returns the gas of those who would have paid the settled price.
fn impatient(levels: &mut [Level], settled: u128, one_in: u64) -> u128 {
    let mut lost = 0;
    for level in levels {
        let gone = level.waiting.div_ceil(u128::from(one_in));
        level.waiting -= gone;
        if level.value_wei >= settled {
            lost += gone;
        }
    }
    lost
}

pub(super) fn figures(parameters: &Parameters, case: &Case) -> Figures {
    let shock = shock(parameters, case);
    let over = shock.peak_wei.saturating_sub(shock.settled_wei);
    let seconds = |blocks: u64| u128::from(blocks) * u128::from(parameters.block_time_ms()) / 1_000;
    vec![
        figure("paid_until_settled", "wei", shock.paid_wei),
        figure("overpaid", "wei", shock.overpaid_wei),
        figure("clearing_price", "wei", shock.settled_wei),
        figure("blocks_full", "blocks", shock.blocks_full),
        figure("time_full", "s", seconds(shock.blocks_full)),
        figure("blocks_to_settle", "blocks", shock.blocks_to_settle),
        figure("time_to_settle", "s", seconds(shock.blocks_to_settle)),
        figure("peak_base_fee", "wei", shock.peak_wei),
        figure("overshoot", "ppm", over * 1_000_000 / shock.settled_wei),
        figure("auction_tips", "wei", shock.auction_tips_wei),
        figure("lost_gas", "gas", shock.lost_gas),
        figure("horizon_blocks", "blocks", shock.horizon_blocks),
    ]
}

pub(super) const NOTE: &str = "the cost row is what everybody pays until the base fee has settled, within ten per cent of \
    the new clearing price; overpaid counts only what was paid above that price; demand has an \
    elasticity of one half above the old base fee, so the clearing price is multiple^2 of it under any \
    rules; one in five of the waiting leaves per minute; a time to settle equal to the horizon means \
    that it does not settle";

#[cfg(test)]
mod tests;
