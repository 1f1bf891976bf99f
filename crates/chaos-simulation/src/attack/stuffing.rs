//! Buying all gas of consecutive blocks.

use super::{
    Rules, Setting,
    result::{Figures, figure},
};

/// Windows that are reported: name and milliseconds.
const WINDOWS: [(&str, u64); 3] =
    [("1_minute", 60_000), ("10_minutes", 600_000), ("1_hour", 3_600_000)];
/// Budgets that are reported, in ether.
const BUDGETS_ETHER: [u128; 3] = [100, 1_000, 100_000];
const ETHER_WEI: u128 = 1_000_000_000_000_000_000;
/// Blocks after which a budget or a recovery is no longer followed.
const BLOCKS_MAX: u64 = 1_000_000;

/// What stuffing some blocks costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stuffing {
    /// Blocks bought.
    pub(super) blocks: u64,
    /// Base fees, burnt.
    pub(super) burnt_wei: u128,
    /// Tips, to the proposers.
    pub(super) tips_wei: u128,
    /// The base fee of the block after the last.
    pub(super) base_fee_wei: u128,
}

impl Stuffing {
    fn start(setting: &Setting) -> Self {
        Self { blocks: 0, burnt_wei: 0, tips_wei: 0, base_fee_wei: setting.base_fee_wei }
    }

    /// Buys one more block, outbidding the ordinary tip.
    fn buy(&mut self, rules: &Rules, setting: &Setting) {
        let limit = u128::from(rules.gas_limit());
        let tip = setting.tip_wei.max(u128::from(rules.priority_fee_min_wei));
        self.burnt_wei = self.burnt_wei.saturating_add(limit.saturating_mul(self.base_fee_wei));
        self.tips_wei = self.tips_wei.saturating_add(limit.saturating_mul(tip));
        self.base_fee_wei = rules.next_base_fee(self.base_fee_wei, rules.gas_limit());
        self.blocks += 1;
    }

    /// Everything the attacker pays.
    pub(super) fn cost_wei(&self) -> u128 {
        self.burnt_wei.saturating_add(self.tips_wei)
    }
}

/// Buys `blocks` blocks in a row.
pub(super) fn stuff(rules: &Rules, setting: &Setting, blocks: u64) -> Stuffing {
    let mut stuffing = Stuffing::start(setting);
    for _ in 0..blocks {
        stuffing.buy(rules, setting);
    }
    stuffing
}

/// Blocks that `budget_wei` buys from the starting base fee on.
pub(super) fn affordable(rules: &Rules, setting: &Setting, budget_wei: u128) -> u64 {
    let mut stuffing = Stuffing::start(setting);
    while stuffing.blocks < BLOCKS_MAX {
        let bought = stuffing.blocks;
        stuffing.buy(rules, setting);
        if stuffing.cost_wei() > budget_wei {
            return bought;
        }
    }
    BLOCKS_MAX
}

/// Empty blocks until the base fee is back at its start.
fn recovery(rules: &Rules, setting: &Setting, mut base_fee: u128) -> u64 {
    let mut blocks = 0;
    while base_fee > setting.base_fee_wei && blocks < BLOCKS_MAX {
        let next = rules.next_base_fee(base_fee, 0);
        if next == base_fee {
            return BLOCKS_MAX;
        }
        base_fee = next;
        blocks += 1;
    }
    blocks
}

pub(super) fn figures(rules: &Rules, setting: &Setting) -> Figures {
    let first = stuff(rules, setting, rules.blocks_in(WINDOWS[0].1));
    let mut figures = vec![figure("cost_1_minute", "wei", first.cost_wei())];
    for (name, milliseconds) in WINDOWS {
        let run = stuff(rules, setting, rules.blocks_in(milliseconds));
        let minutes = u128::from(milliseconds / 60_000);
        if name != WINDOWS[0].0 {
            figures.push(figure(format!("cost_{name}"), "wei", run.cost_wei()));
        }
        let delayed = u128::from(run.blocks) * u128::from(rules.gas_target());
        figures.extend([
            figure(format!("cost_per_minute_{name}"), "wei", run.cost_wei() / minutes),
            figure(format!("burnt_{name}"), "wei", run.burnt_wei),
            figure(format!("base_fee_after_{name}"), "wei", run.base_fee_wei),
            figure(format!("delayed_gas_{name}"), "gas", delayed),
            figure(
                format!("recovery_{name}"),
                "blocks",
                recovery(rules, setting, run.base_fee_wei),
            ),
        ]);
    }
    figures.extend(BUDGETS_ETHER.map(|ether| {
        let blocks = affordable(rules, setting, ether * ETHER_WEI);
        let milliseconds = u128::from(blocks) * u128::from(rules.block_time_ms);
        figure(format!("delay_bought_by_{ether}_ether"), "ms", milliseconds)
    }));
    figures
}

pub(super) const NOTE: &str = "others would have used one target of gas per block; the base fee of the \
    model stops at 2^72 wei, where every cost is far beyond any supply; recovery counts empty blocks \
    until the base fee is back, 1000000 if it never is";
