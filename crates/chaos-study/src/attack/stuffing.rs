//! Buying all gas of consecutive blocks.

use chaos_parameters::{
    ParameterName as P, Parameters,
    pricing::{FeeState, cost_of},
};

use super::{
    Case,
    result::{Figures, figure},
    rules::{after, blocks_in},
};

/// Windows that are reported: name and milliseconds.
const WINDOWS: [(&str, u64); 3] =
    [("1_minute", 60_000), ("10_minutes", 600_000), ("1_hour", 3_600_000)];
/// Budgets that are reported, in ether.
const BUDGETS_ETHER: [u128; 3] = [100, 1_000, 100_000];
const ETHER_WEI: u128 = 1_000_000_000_000_000_000;
/// Blocks after which a budget or a recovery is no longer followed.
const BLOCKS_MAX: u64 = 100_000;

/// What stuffing some blocks costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stuffing {
    /// Blocks bought.
    pub(super) blocks: u64,
    /// Base fees, burnt.
    pub(super) burnt_wei: u128,
    /// Tips, to the proposers.
    pub(super) tips_wei: u128,
    /// The fees of the block after the last.
    pub(super) fees: FeeState,
}

impl Stuffing {
    fn start(parameters: &Parameters, case: &Case) -> Self {
        let fees = FeeState::settled(parameters, case.base_fee_wei);
        Self { blocks: 0, burnt_wei: 0, tips_wei: 0, fees }
    }

    /// Buys one more block, outbidding the ordinary tip.
    fn buy(&mut self, parameters: &Parameters, case: &Case) {
        let limit = u128::from(parameters.gas_limit());
        let tip = case.tip_wei.max(u128::from(parameters.get(P::PriorityFeeFloor)));
        self.burnt_wei =
            self.burnt_wei.saturating_add(cost_of(parameters.gas_limit(), self.fees.base_fee_wei));
        self.tips_wei = self.tips_wei.saturating_add(limit.saturating_mul(tip));
        self.fees = after(self.fees, parameters, parameters.gas_limit());
        self.blocks += 1;
    }

    /// Everything the attacker pays.
    pub(super) fn cost_wei(&self) -> u128 {
        self.burnt_wei.saturating_add(self.tips_wei)
    }
}

/// Buys `blocks` blocks in a row.
pub(super) fn stuff(parameters: &Parameters, case: &Case, blocks: u64) -> Stuffing {
    let mut stuffing = Stuffing::start(parameters, case);
    for _ in 0..blocks {
        stuffing.buy(parameters, case);
    }
    stuffing
}

/// Blocks that `budget_wei` buys from the starting base fee on.
pub(super) fn affordable(parameters: &Parameters, case: &Case, budget_wei: u128) -> u64 {
    let mut stuffing = Stuffing::start(parameters, case);
    while stuffing.blocks < BLOCKS_MAX {
        let bought = stuffing.blocks;
        stuffing.buy(parameters, case);
        if stuffing.cost_wei() > budget_wei {
            return bought;
        }
    }
    BLOCKS_MAX
}

/// Empty blocks until the base fee is back at its start.
fn recovery(parameters: &Parameters, case: &Case, mut fees: FeeState) -> u64 {
    let start = FeeState::settled(parameters, case.base_fee_wei).base_fee_wei;
    let mut blocks = 0;
    while fees.base_fee_wei > start && blocks < BLOCKS_MAX {
        let next = after(fees, parameters, 0);
        if next == fees {
            return BLOCKS_MAX;
        }
        fees = next;
        blocks += 1;
    }
    blocks
}

pub(super) fn figures(parameters: &Parameters, case: &Case) -> Figures {
    let first = stuff(parameters, case, blocks_in(parameters, WINDOWS[0].1));
    let mut figures = vec![figure("cost_1_minute", "wei", first.cost_wei())];
    for (name, milliseconds) in WINDOWS {
        let run = stuff(parameters, case, blocks_in(parameters, milliseconds));
        let minutes = u128::from(milliseconds / 60_000);
        if name != WINDOWS[0].0 {
            figures.push(figure(format!("cost_{name}"), "wei", run.cost_wei()));
        }
        let delayed = u128::from(run.blocks) * u128::from(parameters.gas_target());
        figures.extend([
            figure(format!("cost_per_minute_{name}"), "wei", run.cost_wei() / minutes),
            figure(format!("burnt_{name}"), "wei", run.burnt_wei),
            figure(format!("base_fee_after_{name}"), "wei", run.fees.base_fee_wei),
            figure(format!("delayed_gas_{name}"), "gas", delayed),
            figure(format!("recovery_{name}"), "blocks", recovery(parameters, case, run.fees)),
        ]);
    }
    figures.extend(BUDGETS_ETHER.map(|ether| {
        let blocks = affordable(parameters, case, ether * ETHER_WEI);
        let milliseconds = u128::from(blocks) * u128::from(parameters.block_time_ms());
        figure(format!("delay_bought_by_{ether}_ether"), "ms", milliseconds)
    }));
    figures
}

pub(super) const NOTE: &str = "others would have used one target of gas per block; the base fee of the \
    model stops at 2^63 wei, where every cost is far beyond any supply; recovery counts empty blocks \
    until the base fee is back, 100000 if that takes longer or never happens";

#[cfg(test)]
mod tests;
