//! Base-fee suppression by a coalition of proposers.

use chaos_parameters::{Parameters, pricing::FeeState};

use super::{
    Case,
    result::{Figures, figure},
    rules::{after, full_block_reaches_bound},
};

/// Most consecutive blocks the coalition leaves empty; proposers know their slots an epoch ahead.
const EMPTY_BLOCKS_MAX: u64 = 32;
/// Blocks within which the backlog must have cleared; a full block always takes some of it.
const RECOVERY_BLOCKS_MAX: u64 = 100_000;
/// Shares of the slots that are reported, in per cent.
const SHARES_PERCENT: [u32; 10] = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50];

/// Whether the base fee reaches the rule's bound: no block is filled above what users would pay.
pub(super) fn reaches_bound(parameters: &Parameters, case: &Case) -> bool {
    full_block_reaches_bound(parameters, case.base_fee_wei.saturating_add(case.tip_wei))
}

/// What follows when the coalition leaves `empty_blocks` of its own blocks in a row empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Episode {
    /// Tips that the coalition would have collected in its emptied blocks.
    pub(super) forgone_wei: u128,
    /// Tips of all recovery blocks, whoever proposes them.
    pub(super) recovery_tips_wei: u128,
    /// Tips of the same blocks had nobody attacked.
    pub(super) honest_tips_wei: u128,
    /// The base fee after the last empty block.
    pub(super) trough_wei: u128,
    /// Blocks until the backlog is gone.
    pub(super) recovery_blocks: u64,
    /// Gas times blocks that users waited.
    pub(super) waited_gas_blocks: u128,
    /// The least base fee's worth of burn that did not happen, over the episode.
    pub(super) burn_avoided_wei: u128,
}

/// Demand is one target's worth of gas per block at any price up to the old base fee plus tip.
/// Whoever waits stays. While a block is full, competition raises the tip to all that users would
/// pay; otherwise they pay the ordinary tip.
pub(super) fn episode(parameters: &Parameters, case: &Case, empty_blocks: u64) -> Episode {
    let mut fees = FeeState::settled(parameters, case.base_fee_wei);
    let (start, tip) = (fees.base_fee_wei, case.tip_wei);
    let (target, limit) = (fees.gas_target(parameters), parameters.gas_limit());
    let worth = start.saturating_add(tip);
    let honest_block_wei = tip.saturating_mul(u128::from(target));
    let mut backlog = 0u128;
    let mut waited = 0u128;
    let mut burn = 0u128;
    for _ in 0..empty_blocks {
        fees = after(fees, parameters, 0);
        backlog += u128::from(target);
        waited += backlog;
    }
    let trough_wei = fees.base_fee_wei;
    let (mut tips, mut blocks) = (0u128, 0u64);
    while backlog > 0 && blocks < RECOVERY_BLOCKS_MAX {
        let base_fee = fees.base_fee_wei;
        // Above their worth users keep waiting, and the block stays empty.
        let wanted = if base_fee <= worth { backlog + u128::from(target) } else { 0 };
        let used = u64::try_from(wanted).unwrap_or(u64::MAX).min(limit);
        let full = used == limit;
        let paid = if full { worth.saturating_sub(base_fee) } else { tip };
        tips = tips.saturating_add(paid.saturating_mul(u128::from(used)));
        burn = burn.saturating_add(base_fee.saturating_mul(u128::from(used)));
        backlog = backlog + u128::from(target) - u128::from(used);
        waited += backlog;
        fees = after(fees, parameters, used);
        blocks += 1;
        if limit <= target {
            break;
        }
    }
    let honest_blocks = u128::from(empty_blocks + blocks);
    let honest_burn = start.saturating_mul(u128::from(target)).saturating_mul(honest_blocks);
    Episode {
        forgone_wei: honest_block_wei.saturating_mul(u128::from(empty_blocks)),
        recovery_tips_wei: tips,
        honest_tips_wei: honest_block_wei.saturating_mul(u128::from(blocks)),
        trough_wei,
        recovery_blocks: blocks,
        waited_gas_blocks: waited,
        burn_avoided_wei: honest_burn.saturating_sub(burn),
    }
}

impl Episode {
    /// What a coalition with this share (parts per million) of the recovery blocks gains.
    pub(super) fn gain_wei(&self, share_ppm: u32) -> i128 {
        let more = signed(self.recovery_tips_wei) - signed(self.honest_tips_wei);
        more.saturating_mul(i128::from(share_ppm)) / 1_000_000 - signed(self.forgone_wei)
    }

    /// The least share, in parts per million and rounded up, at which the coalition does not lose;
    /// `None` if no share up to the whole is enough.
    pub(super) fn break_even_ppm(&self) -> Option<u128> {
        if self.forgone_wei == 0 {
            return Some(0);
        }
        let more = self.recovery_tips_wei.checked_sub(self.honest_tips_wei)?;
        let share = self.forgone_wei.saturating_mul(1_000_000).div_ceil(more.max(1));
        (share <= 1_000_000).then_some(share)
    }
}

fn signed(amount: u128) -> i128 {
    i128::try_from(amount).unwrap_or(i128::MAX)
}

pub(super) fn figures(parameters: &Parameters, case: &Case) -> Figures {
    let one = episode(parameters, case, 1);
    let best = (1..=EMPTY_BLOCKS_MAX)
        .min_by_key(|blocks| {
            (episode(parameters, case, *blocks).break_even_ppm().unwrap_or(u128::MAX), *blocks)
        })
        .expect("the range is not empty");
    let best_episode = episode(parameters, case, best);
    // A coalition of everybody is the bound where no smaller one breaks even.
    let break_even = |episode: &Episode| episode.break_even_ppm().unwrap_or(1_000_001);
    let mut figures = vec![
        figure("forgone_tips_one_block", "wei", one.forgone_wei),
        figure("break_even_share_one_block", "ppm", break_even(&one)),
        figure("best_consecutive_empty_blocks", "blocks", best),
        figure("break_even_share_best", "ppm", break_even(&best_episode)),
        figure("base_fee_after_one_empty_block", "wei", one.trough_wei),
        figure("recovery_blocks", "blocks", one.recovery_blocks),
        figure("delayed_gas", "gas*blocks", one.waited_gas_blocks),
        figure("burn_avoided", "wei", one.burn_avoided_wei),
    ];
    figures.extend(SHARES_PERCENT.map(|percent| {
        figure(format!("gain_share_{percent:02}_percent"), "wei", one.gain_wei(percent * 10_000))
    }));
    figures
}

pub(super) const NOTE: &str = "demand is one target of gas per block, inelastic up to the old base \
    fee plus tip; full blocks are auctioned to that price; a break-even share of 1000001 ppm means \
    that no share breaks even; slots after the emptied block are proposed by the coalition in \
    proportion to its share";

#[cfg(test)]
mod tests;
