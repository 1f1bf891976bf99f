//! One path of the market of blobs, block by block.

use chaos_parameters::{
    fixed,
    pricing::{BlobRule, GAS_PER_BLOB},
};
use chaos_types::Digest;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{
    curve::{Curve, SoftKink},
    window::price_ln_q32,
};

/// Blocks in a period: the level of demand moves from one to the next.
pub(super) const PERIOD_BLOCKS: usize = 25;

/// How much of the base fee's distance from its level is left after a period: half is gone after 30
/// minutes of 12-second blocks.
const BASE_FEE_PERSISTENCE_PPM: i64 = 893_000;

/// Deviation of ln of the base fee around its level.
const BASE_FEE_SD_PPM: i64 = 250_000;

/// Separates these paths from every other use of a seed.
const DOMAIN: &[u8] = b"chaos-simulation/change/blobs/1";

/// Slow noise of the level: an autoregression from period to period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slow {
    /// What is left of it after a period, in Q32.
    pub(super) persistence_q32: i64,
    /// Deviation of what is new in a period, in blobs and Q32.
    pub(super) sd_q32: i64,
    /// Where it stands at the start, in blobs and Q32.
    pub(super) start_q32: i64,
}

/// What a path is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Market<'a> {
    pub(super) rule: &'a BlobRule,
    pub(super) curve: Curve,
    pub(super) slow: Slow,
    /// Blobs of recorded blocks, drawn from for the scatter within a period.
    pub(super) draws: &'a [u8],
    /// Excess blob gas of the first block.
    pub(super) excess_blob_gas: u64,
    /// ln of the level of the execution base fee in wei, in Q32; `None` without a reserve price.
    pub(super) base_fee_ln_q32: Option<i64>,
}

/// A block of a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) price_ln_q32: i64,
    pub(super) blobs: u64,
    pub(super) reserved: bool,
}

/// The generator of a path for one purpose.
pub(super) fn generator(seed: u64, path: u32, purpose: &[u8]) -> ChaCha8Rng {
    let parts = [DOMAIN, purpose, &seed.to_be_bytes(), &path.to_be_bytes()];
    ChaCha8Rng::from_seed(*Digest::of_parts(&parts).as_bytes())
}

impl Market<'_> {
    /// Runs `blocks` blocks and hands each to `each`.
    pub(super) fn run(
        &self,
        soft: &SoftKink,
        blocks: usize,
        random: &mut ChaCha8Rng,
        mut each: impl FnMut(Step),
    ) {
        let scatter = Scatter::new(self.draws);
        let mut excess = self.excess_blob_gas;
        let mut slow = self.slow.start_q32;
        let mut fee = BaseFee::new(self.base_fee_ln_q32, self.rule, random);
        for index in 0..blocks {
            if index % PERIOD_BLOCKS == 0 && index > 0 {
                let new = fixed::mul_q32(self.slow.sd_q32, fixed::normal_q32(|| random.next_u32()));
                slow = fixed::mul_q32(self.slow.persistence_q32, slow).saturating_add(new);
                fee.advance(random);
            }
            let price_ln_q32 = price_ln_q32(self.rule, excess);
            let demand = self.curve.demand(soft, price_ln_q32, slow);
            let blobs = scatter.draw(demand, random).min(self.rule.max);
            let reserved = fee.reserves(price_ln_q32);
            each(Step { price_ln_q32, blobs, reserved });
            excess = self.rule.next_excess(excess, blobs * GAS_PER_BLOB, reserved);
        }
    }
}

/// Scatter of single blocks: recorded blobs over their mean.
struct Scatter<'a> {
    draws: &'a [u8],
    sum: u64,
}

impl<'a> Scatter<'a> {
    fn new(draws: &'a [u8]) -> Self {
        Self { draws, sum: draws.iter().map(|blobs| u64::from(*blobs)).sum() }
    }

    /// Blobs that want into a block at this demand: a whole number whose mean is right.
    fn draw(&self, demand_q32: i64, random: &mut ChaCha8Rng) -> u64 {
        let chance = random.next_u32();
        let wanted = match usize::try_from(random.next_u32()) {
            Ok(place) if self.sum > 0 => {
                let drawn = u128::from(self.draws[place % self.draws.len()]);
                let demand = u128::from(demand_q32.unsigned_abs());
                demand * drawn * self.draws.len() as u128 / u128::from(self.sum)
            }
            _ => demand_q32.unsigned_abs().into(),
        };
        let whole = u64::try_from(wanted >> 32).unwrap_or(u64::MAX);
        // The fraction is the chance of one more.
        whole + u64::from(u128::from(chance) < wanted & u128::from(u32::MAX))
    }
}

/// The execution base fee, as far as the reserve price needs it.
struct BaseFee {
    /// ln of the level times the share of it that a blob must pay; `None` without a reserve price.
    reserve_ln_q32: Option<i64>,
    away_q32: i64,
}

impl BaseFee {
    fn new(level_ln_q32: Option<i64>, rule: &BlobRule, random: &mut ChaCha8Rng) -> Self {
        let reserve_ln_q32 = level_ln_q32
            .filter(|_| rule.base_cost > 0)
            .map(|level| level.saturating_add(reserve_share_ln_q32(rule)));
        let sd = fixed::ppm_to_q32(BASE_FEE_SD_PPM);
        Self {
            reserve_ln_q32,
            away_q32: fixed::mul_q32(sd, fixed::normal_q32(|| random.next_u32())),
        }
    }

    fn advance(&mut self, random: &mut ChaCha8Rng) {
        let left = fixed::ppm_to_q32(BASE_FEE_PERSISTENCE_PPM);
        let new = fixed::sqrt_q32(fixed::ONE_Q32 - fixed::mul_q32(left, left));
        let sd = fixed::mul_q32(new, fixed::ppm_to_q32(BASE_FEE_SD_PPM));
        let shock = fixed::mul_q32(sd, fixed::normal_q32(|| random.next_u32()));
        self.away_q32 = fixed::mul_q32(left, self.away_q32).saturating_add(shock);
    }

    fn reserves(&self, price_ln_q32: i64) -> bool {
        self.reserve_ln_q32.is_some_and(|level| price_ln_q32 < level.saturating_add(self.away_q32))
    }
}

/// ln of the reserve price over the base fee: base cost over the gas of a blob.
pub(super) fn reserve_share_ln_q32(rule: &BlobRule) -> i64 {
    fixed::ln_q32(rule.base_cost.into()) - fixed::ln_q32(GAS_PER_BLOB.into())
}
