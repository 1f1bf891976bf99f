//! Who wants gas, how much, and when.
//!
//! Users arrive in continuous time at a rate that does not depend on the price; the price decides
//! which of them bid. Their values per unit of gas follow a Pareto distribution, which is what
//! demand of constant elasticity means for single users: if potential users arrive at rate `R` and
//! value `v` exceeds `p` with probability `(low / p)^e`, then those who would pay `p` arrive at
//! `R (low / p)^e`, a demand with elasticity `e` at every price above `low`. With
//! `R = level (anchor / low)^e` demand at the anchor price is the level:
//! `D(p) = level (p / anchor)^-e`, the demand of
//! [`flow::Demand`](crate::flow::Demand).
//!
//! A computer draws finitely many users, so the distribution is cut: below, where demand reaches
//! [`REACH_LOG2_MAX`] octaves over the level or the price [`VALUE_BELOW_LOG2_MAX`] octaves under
//! the anchor; above, [`VALUE_ABOVE_LOG2`] octaves over the anchor, where all higher values are
//! counted as that one. A Pareto distribution with `e <= 1` has no mean, so welfare depends on the
//! upper cut and is comparable only between arms.

use chaos_parameters::fixed;

use super::{Error, rules::bound};
use crate::flow::ObservedBlock;

/// Demand is cut where it exceeds the level by this many octaves: 2, four times.
pub const REACH_LOG2_MAX: i64 = 2;

/// Values are cut at the latest this many octaves below the anchor: 16.
pub const VALUE_BELOW_LOG2_MAX: i64 = 16;

/// Values are held at this many octaves above the anchor: 10, about a thousand times.
pub const VALUE_ABOVE_LOG2: u32 = 10;

/// Most potential users in one block; what exceeds it is not drawn and counted as a flag.
pub const ARRIVALS_MAX: u64 = 1 << 16;

/// Largest level of demand in gas per block.
const LEVEL_GAS_MAX: u64 = 1 << 40;

/// The level of demand over time, before cycles, noise and shocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    /// [`Arrivals::level_gas`] in every block.
    Stationary,
    /// Gas demanded at the anchor price in each block, such as observed use with the price effect
    /// taken out; begins with the warm-up and repeats when it ends.
    Replayed(Vec<u64>),
}

/// A sine of demand, such as the day's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycle {
    /// Blocks in a full turn.
    pub period_blocks: u32,
    /// Height over the level in ppm; below one million.
    pub amplitude_ppm: u32,
    /// Blocks into the turn at the first block.
    pub phase_blocks: u32,
}

/// Log-normal noise that persists: an autoregressive process whose mean factor is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// Deviation of the natural logarithm in ppm.
    pub sigma_ppm: u32,
    /// Correlation from one block to the next in ppm; one million is refused.
    pub persistence_ppm: u32,
}

/// Spells of higher demand that begin at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bursts {
    /// Chance that one begins in a block, in ppm.
    pub probability_ppm: u32,
    /// Demand during one over demand without, in ppm.
    pub factor_ppm: u32,
    /// Its length in blocks.
    pub blocks: u32,
}

/// A step or a jump of demand at a known block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shock {
    /// The measured block it begins with.
    pub from_block: u32,
    /// Its length; `None` lasts to the end.
    pub blocks: Option<u32>,
    /// Demand during it over demand without, in ppm.
    pub factor_ppm: u32,
}

/// Time between blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intervals {
    /// The same for every block, as with slots.
    Fixed,
    /// Exponential with the same mean, as under proof of work.
    Exponential,
}

/// Transactions of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasClass {
    /// Share of transactions in ppm.
    pub share_ppm: u32,
    /// The smallest.
    pub low_gas: u32,
    /// The largest; sizes are log-uniform between.
    pub high_gas: u32,
}

/// The sizes of transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GasMix {
    /// Classes whose shares sum to one million.
    pub classes: Vec<GasClass>,
}

impl Level {
    /// The level that observed blocks show: gas used times (base fee / anchor)^elasticity, averaged
    /// over windows of `window_blocks`. Blocks without a base fee are left out.
    ///
    /// A single block's use is mostly the answer to the price of the moment, so a window of fifty
    /// blocks or more is advised; full blocks hide what they turned away.
    #[must_use]
    pub fn observed(
        blocks: &[ObservedBlock],
        anchor_wei: u64,
        elasticity_ppm: u32,
        window_blocks: usize,
    ) -> Self {
        let elasticity = fixed::ppm_to_q32(elasticity_ppm.into());
        let anchor = fixed::log2_q32(anchor_wei.into());
        let demand = |block: &ObservedBlock| {
            let price = fixed::log2_q32(block.base_fee_wei?) - anchor;
            Some(fixed::scale_exp2(block.gas_used, fixed::mul_q32(elasticity, price)))
        };
        let demands: Vec<u128> = blocks.iter().filter_map(demand).collect();
        let levels = demands.chunks(window_blocks.max(1)).flat_map(|window| {
            let total = window.iter().fold(0u128, |sum, gas| sum.saturating_add(*gas));
            let mean = u64::try_from(total / window.len() as u128).unwrap_or(u64::MAX);
            std::iter::repeat_n(mean.min(LEVEL_GAS_MAX), window.len())
        });
        Self::Replayed(levels.collect())
    }
}

impl GasMix {
    /// The mix of the recorded Ethereum blocks from London to April 2025.
    ///
    /// Shares of transactions by gas used after re-execution, averaged over the 25 blocks with ten
    /// transactions or more, each block with equal weight; a test measures them again. Their mean
    /// is 83,317 gas; the mix has the same within one per cent.
    #[must_use]
    pub fn recorded() -> Self {
        let class = |share_ppm, low_gas, high_gas| GasClass { share_ppm, low_gas, high_gas };
        Self {
            classes: vec![
                class(482_000, 21_000, 21_000),
                class(117_000, 21_001, 45_000),
                class(162_000, 45_000, 70_000),
                class(93_000, 70_000, 130_000),
                class(124_000, 130_000, 300_000),
                class(18_000, 300_000, 1_000_000),
                class(4_000, 1_000_000, 10_000_000),
            ],
        }
    }

    /// Every transaction of one size.
    #[must_use]
    pub fn uniform(gas: u32) -> Self {
        Self { classes: vec![GasClass { share_ppm: 1_000_000, low_gas: gas, high_gas: gas }] }
    }
}

/// Demand for blobs: transactions with one to six, valued per unit of blob gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobDemand {
    /// Blobs demanded per block at the anchor price, in thousandths.
    pub level_milli: u64,
    /// Price of a unit of blob gas that the level refers to, in wei.
    pub anchor_wei: u64,
    /// Price elasticity of demand for blobs in ppm; rollups answer little to price.
    pub elasticity_ppm: u32,
    /// Weights of transactions with one to six blobs.
    pub weights: [u32; 6],
    /// Execution gas of a blob transaction.
    pub gas: u32,
}

/// Everything about arrivals. The factors of cycle, walk, bursts and shocks multiply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrivals {
    /// The reference price of gas in wei.
    pub anchor_wei: u64,
    /// Gas demanded per block at the anchor price.
    pub level_gas: u64,
    /// Price elasticity of demand in ppm.
    pub elasticity_ppm: u32,
    /// The level over time.
    pub level: Level,
    /// A regular cycle.
    pub cycle: Option<Cycle>,
    /// Noise that persists.
    pub walk: Option<Walk>,
    /// Random spells.
    pub bursts: Option<Bursts>,
    /// Known steps and jumps.
    pub shocks: Vec<Shock>,
    /// Time between blocks.
    pub intervals: Intervals,
    /// Sizes of transactions.
    pub mix: GasMix,
    /// Demand for blobs; `None` without a blob market.
    pub blobs: Option<BlobDemand>,
}

impl Arrivals {
    /// Stationary demand for this much gas per block at this price, elasticity 0.2, the recorded
    /// mix of sizes, fixed intervals, no noise but that of single arrivals.
    #[must_use]
    pub fn stationary(anchor_wei: u64, level_gas: u64) -> Self {
        Self {
            anchor_wei,
            level_gas,
            elasticity_ppm: 200_000,
            level: Level::Stationary,
            cycle: None,
            walk: None,
            bursts: None,
            shocks: Vec::new(),
            intervals: Intervals::Fixed,
            mix: GasMix::recorded(),
            blobs: None,
        }
    }

    /// Refuses what has no meaning.
    pub(super) fn ensure(&self) -> Result<(), Error> {
        bound("arrivals.anchor_wei", self.anchor_wei, 1, 1 << 48)?;
        bound("arrivals.level_gas", self.level_gas, 1, LEVEL_GAS_MAX)?;
        bound("arrivals.elasticity_ppm", self.elasticity_ppm.into(), 0, 5_000_000)?;
        if let Level::Replayed(gas) = &self.level {
            bound("arrivals.level (blocks)", gas.len() as u64, 1, 1 << 26)?;
            bound(
                "arrivals.level (gas)",
                gas.iter().copied().max().unwrap_or(0),
                0,
                LEVEL_GAS_MAX,
            )?;
        }
        if let Some(cycle) = self.cycle {
            bound("arrivals.cycle.period_blocks", cycle.period_blocks.into(), 2, 1 << 30)?;
            bound("arrivals.cycle.amplitude_ppm", cycle.amplitude_ppm.into(), 0, 999_999)?;
        }
        if let Some(walk) = self.walk {
            bound("arrivals.walk.sigma_ppm", walk.sigma_ppm.into(), 0, 3_000_000)?;
            bound("arrivals.walk.persistence_ppm", walk.persistence_ppm.into(), 0, 999_999)?;
        }
        if let Some(bursts) = self.bursts {
            bound("arrivals.bursts.probability_ppm", bursts.probability_ppm.into(), 0, 1_000_000)?;
            bound("arrivals.bursts.factor_ppm", bursts.factor_ppm.into(), 1, 100_000_000)?;
        }
        for shock in &self.shocks {
            bound("arrivals.shocks.factor_ppm", shock.factor_ppm.into(), 1, 1_000_000_000)?;
        }
        self.ensure_mix()?;
        if let Some(blobs) = self.blobs {
            bound("arrivals.blobs.level_milli", blobs.level_milli, 0, 1_000_000)?;
            bound("arrivals.blobs.anchor_wei", blobs.anchor_wei, 1, 1 << 48)?;
            bound("arrivals.blobs.elasticity_ppm", blobs.elasticity_ppm.into(), 0, 5_000_000)?;
            bound("arrivals.blobs.gas", blobs.gas.into(), 21_000, 1 << 30)?;
            let weights: u64 = blobs.weights.iter().map(|weight| u64::from(*weight)).sum();
            bound("arrivals.blobs.weights (sum)", weights, 1, 1 << 32)?;
        }
        Ok(())
    }

    fn ensure_mix(&self) -> Result<(), Error> {
        let classes = &self.mix.classes;
        let total: u64 = classes.iter().map(|class| u64::from(class.share_ppm)).sum();
        bound("arrivals.mix (sum of shares)", total, 1_000_000, 1_000_000)?;
        for class in classes {
            bound("arrivals.mix.low_gas", class.low_gas.into(), 21_000, 1 << 28)?;
            let low = u64::from(class.low_gas);
            bound("arrivals.mix.high_gas", class.high_gas.into(), low, 1 << 28)?;
        }
        Ok(())
    }
}
