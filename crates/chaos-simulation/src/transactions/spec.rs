use chaos_parameters::{Parameters, fixed, pricing::BASE_FEE_WEI_MAX};

use super::{
    Highest, PoolRules,
    arrivals::{Arrivals, Bursts, Intervals, Level, Walk},
    engine::run,
    rules::bound,
    scale::Scale,
    users::Users,
};
use crate::flow::{Assumptions, Demand};

/// Paths on which a level is matched: 4.
pub const MATCH_PATHS: u32 = 4;

/// Their length, and what comes before it.
const MATCH_BLOCKS: u32 = 2_000;
const MATCH_WARMUP_BLOCKS: u32 = 400;

/// Steps towards the level.
const MATCH_STEPS: u32 = 4;

/// Least elasticity that a step is taken with, in ppm.
const MATCH_ELASTICITY_PPM_MIN: u32 = 20_000;

/// Bound of the factor as a logarithm in Q32: two octaves either way.
const MATCH_LOG2_MAX: i64 = 2 << 32;

/// Seed of the matching paths; a run's own seed must not move its calibration.
const MATCH_SEED: u64 = u64::from_be_bytes(*b"market/1");

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
    /// Parameters from the first measured block on.
    pub parameters: Parameters,
    /// What proposers do from then on; before it they are honest.
    pub proposer: Proposer,
}

impl Arm {
    /// These parameters with honest proposers.
    #[must_use]
    pub const fn honest(parameters: Parameters) -> Self {
        Self { parameters, proposer: Proposer::Honest }
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
    /// Parameters of the warm-up, in every arm.
    pub baseline: Parameters,
    /// Base fee of the first block of the warm-up, in wei.
    pub start_base_fee_wei: u64,
    /// Blocks before the measured ones.
    pub warmup_blocks: u32,
    /// Measured blocks.
    pub blocks: u32,
}

/// Why a market was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// Parameters contradict each other.
    #[error("market: {0}")]
    Parameters(chaos_parameters::Error),
    /// Arms of one run make blocks at different paces, so that they cannot share arrivals.
    #[error("market: blocks take {found_ms} ms in one arm and {expected_ms} ms in the baseline")]
    BlockTime {
        /// The baseline's block time.
        expected_ms: u64,
        /// The arm's block time.
        found_ms: u64,
    },
}

/// A spec with what the model did while its level was matched.
#[derive(Debug, Clone)]
pub struct Matched {
    /// The spec.
    pub spec: Spec,
    /// The highest fees of any block of any trial.
    pub highest: Highest,
}

impl Spec {
    /// Stated demand at the baseline's target for 20 gwei, with the stated users: 1,800 blocks
    /// after 300.
    #[must_use]
    pub fn stated(baseline: Parameters) -> Self {
        let anchor_wei = 20_000_000_000;
        Self {
            arrivals: Arrivals::stationary(anchor_wei, baseline.gas_target()),
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
        baseline: Parameters,
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

    /// The same with the level scaled so that the median base fee under the baseline is this.
    ///
    /// A level calibrated on served gas is too low for users of whom some give up, pay tips or wait
    /// for a lower price. The factor, between a quarter and four, is found in four steps that each
    /// take the elasticity for the slope, on [`MATCH_PATHS`] paths with their own seed, without
    /// walk, bursts, cycle and shocks. On a sample of that size the median base fee itself deviates
    /// by several per cent if demand is inelastic; the match is no better.
    ///
    /// # Errors
    /// If a number of the spec is out of bounds.
    pub fn matched_to(&self, median_wei: u64) -> Result<Matched, Error> {
        let plain = Self {
            arrivals: Arrivals {
                walk: None,
                bursts: None,
                cycle: None,
                shocks: Vec::new(),
                level: Level::Stationary,
                ..self.arrivals.clone()
            },
            start_base_fee_wei: median_wei,
            warmup_blocks: MATCH_WARMUP_BLOCKS,
            blocks: MATCH_BLOCKS,
            ..self.clone()
        };
        let scale = Scale::new();
        let elasticity = i64::from(self.arrivals.elasticity_ppm.max(MATCH_ELASTICITY_PPM_MIN));
        let elasticity = fixed::ppm_to_q32(elasticity);
        let mut factor = 0;
        let mut highest = Highest::default();
        for _ in 0..MATCH_STEPS {
            let mut trial = plain.clone();
            trial.arrivals.level_gas = scale.exp2(self.arrivals.level_gas, factor).max(1);
            let mut fees = Vec::new();
            for path in 0..MATCH_PATHS {
                let outcome = run(&trial, &Arm::honest(self.baseline), (MATCH_SEED, path))?;
                fees.extend(outcome.series.base_fee_wei);
                highest = highest.max(outcome.highest);
            }
            fees.sort_unstable();
            let apart = scale.log2(median_wei) - scale.log2(fees[fees.len() / 2]);
            factor =
                (factor + fixed::mul_q32(elasticity, apart)).clamp(-MATCH_LOG2_MAX, MATCH_LOG2_MAX);
        }
        let mut matched = self.clone();
        matched.arrivals.level_gas = scale.exp2(self.arrivals.level_gas, factor).max(1);
        if let Level::Replayed(gas) = &mut matched.arrivals.level {
            gas.iter_mut().for_each(|gas| *gas = scale.exp2(*gas, factor));
        }
        matched.start_base_fee_wei = median_wei;
        Ok(Matched { spec: matched, highest })
    }

    /// Refuses what has no meaning or would overflow.
    pub(super) fn ensure(&self, arms: &[Arm]) -> Result<(), Error> {
        self.arrivals.ensure()?;
        self.users.ensure()?;
        self.pool.ensure()?;
        self.baseline.ensure_consistent().map_err(Error::Parameters)?;
        bound("start_base_fee_wei", self.start_base_fee_wei, 0, BASE_FEE_WEI_MAX)?;
        bound("blocks", self.blocks.into(), 2, 1 << 24)?;
        bound("warmup_blocks", self.warmup_blocks.into(), 0, 1 << 24)?;
        for arm in arms {
            arm.parameters.ensure_consistent().map_err(Error::Parameters)?;
            match arm.proposer {
                Proposer::Honest | Proposer::Alternate | Proposer::Stuffing { .. } => {}
                Proposer::EmptyShare { share_ppm } | Proposer::Suppression { share_ppm } => {
                    bound("proposer.share_ppm", share_ppm.into(), 0, 1_000_000)?;
                }
            }
            let (expected_ms, found_ms) =
                (self.baseline.block_time_ms(), arm.parameters.block_time_ms());
            if expected_ms != found_ms {
                return Err(Error::BlockTime { expected_ms, found_ms });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
