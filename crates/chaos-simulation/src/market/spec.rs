use super::{
    PoolRules, Rules,
    arrivals::{Arrivals, Bursts, Intervals, Walk},
    rules::bound,
    users::Users,
};
use crate::fee_market::{Assumptions, Demand};

/// What a proposer does with its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proposer {
    /// Packs every block by effective tip.
    Honest,
    /// A coalition with this share of blocks, drawn block by block, leaves all of its own empty.
    EmptyShare {
        /// Share of blocks in ppm.
        share_ppm: u32,
    },
    /// A coalition with this share empties a block when the next one is also its own, and packs
    /// that one at the lower base fee (base-fee suppression,
    /// [arXiv 2304.11478](https://arxiv.org/abs/2304.11478)).
    Suppression {
        /// Share of blocks in ppm.
        share_ppm: u32,
    },
    /// Every second measured block is left empty, the first one being packed.
    Alternate,
    /// From this measured block on somebody buys all gas, outbidding every user, for so many
    /// blocks or until the next one would exceed the budget.
    Stuffing {
        /// First measured block.
        from_block: u32,
        /// Blocks at most.
        blocks: u32,
        /// Most wei spent, base fees and tips.
        budget_wei: u128,
    },
}

/// One arm of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arm {
    /// Rules from the first measured block on.
    pub rules: Rules,
    /// What proposers do from then on; before it they are honest.
    pub proposer: Proposer,
}

impl Arm {
    /// These rules with honest proposers.
    #[must_use]
    pub const fn honest(rules: Rules) -> Self {
        Self { rules, proposer: Proposer::Honest }
    }
}

/// What all arms share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Who wants gas and when.
    pub arrivals: Arrivals,
    /// What they bid.
    pub users: Users,
    /// Where transactions wait.
    pub pool: PoolRules,
    /// Rules of the warm-up, in every arm.
    pub baseline: Rules,
    /// Base fee of the first block of the warm-up, in wei.
    pub start_base_fee_wei: u64,
    /// Blocks before the measured ones.
    pub warmup_blocks: u32,
    /// Measured blocks.
    pub blocks: u32,
}

/// Why a market was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A number is outside its bounds.
    #[error("market: {field} must be from {min} to {max}, found {found}")]
    OutOfBounds {
        /// The field.
        field: &'static str,
        /// The smallest value accepted.
        min: u64,
        /// The largest value accepted.
        max: u64,
        /// The value found.
        found: u64,
    },
    /// Arms of one run make blocks at different paces, so that they cannot share arrivals.
    #[error("market: blocks take {found_ms} ms in one arm and {expected_ms} ms in the baseline")]
    BlockTime {
        /// The baseline's block time.
        expected_ms: u64,
        /// The arm's block time.
        found_ms: u64,
    },
}

impl Spec {
    /// Stated demand at the baseline's target for 20 gwei, with the stated users: 1,800 blocks
    /// after 300.
    #[must_use]
    pub fn stated(baseline: Rules) -> Self {
        let anchor_wei = 20_000_000_000;
        Self {
            arrivals: Arrivals::stationary(anchor_wei, baseline.gas_target),
            users: Users::stated(),
            pool: PoolRules::geth(),
            baseline,
            start_base_fee_wei: anchor_wei,
            warmup_blocks: 300,
            blocks: 1_800,
        }
    }

    /// The market of a calibrated flow demand.
    ///
    /// Anchor, level and elasticity carry over, as do the slow noise (as the walk), bursts and
    /// patience (as the pool's lifetime). Fast noise does not: with single users it arises from
    /// their number and sizes and from the time between blocks, so `intervals` states the latter.
    #[must_use]
    pub fn calibrated(
        demand: &Demand,
        assumptions: &Assumptions,
        baseline: Rules,
        intervals: Intervals,
    ) -> Self {
        let anchor_wei = u64::try_from(demand.anchor_wei).unwrap_or(u64::MAX).min(1 << 48);
        let clamp = |ppm: i64| u32::try_from(ppm.max(0)).unwrap_or(u32::MAX);
        let arrivals = Arrivals {
            elasticity_ppm: assumptions.elasticity_ppm,
            walk: Some(Walk {
                sigma_ppm: clamp(demand.slow_sigma_ppm),
                persistence_ppm: clamp(demand.persistence_ppm),
            }),
            bursts: (assumptions.burst_probability_ppm > 0).then_some(Bursts {
                probability_ppm: assumptions.burst_probability_ppm,
                factor_ppm: assumptions.burst_factor_ppm,
                blocks: assumptions.burst_blocks,
            }),
            intervals,
            ..Arrivals::stationary(anchor_wei, demand.level_gas)
        };
        let pool =
            PoolRules { lifetime_blocks: assumptions.patience_blocks.max(1), ..PoolRules::geth() };
        Self { arrivals, pool, start_base_fee_wei: anchor_wei, ..Self::stated(baseline) }
    }

    /// Refuses what has no meaning or would overflow.
    pub(super) fn ensure(&self, arms: &[Arm]) -> Result<(), Error> {
        self.arrivals.ensure()?;
        self.users.ensure()?;
        self.pool.ensure()?;
        self.baseline.ensure()?;
        bound("start_base_fee_wei", self.start_base_fee_wei, 0, 1 << 60)?;
        bound("blocks", self.blocks.into(), 2, 1 << 24)?;
        bound("warmup_blocks", self.warmup_blocks.into(), 0, 1 << 24)?;
        for arm in arms {
            arm.rules.ensure()?;
            match arm.proposer {
                Proposer::Honest | Proposer::Alternate | Proposer::Stuffing { .. } => {}
                Proposer::EmptyShare { share_ppm } | Proposer::Suppression { share_ppm } => {
                    bound("proposer.share_ppm", share_ppm.into(), 0, 1_000_000)?;
                }
            }
            let (expected_ms, found_ms) = (self.baseline.block_time_ms, arm.rules.block_time_ms);
            if expected_ms != found_ms {
                return Err(Error::BlockTime { expected_ms, found_ms });
            }
        }
        Ok(())
    }
}
