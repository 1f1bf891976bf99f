use std::collections::VecDeque;

use chaos_types::Digest;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{Assumptions, Demand, next_base_fee};
use crate::{Parameters, fixed};

/// Price response stays between a twentieth and twenty times the demand at the anchor: log2 20.
const RESPONSE_LOG2_MAX_Q32: i64 = 18_562_539_823;

/// Demand of one block is held below this; noise cannot be trusted to mean anything beyond: 2^50.
const ARRIVAL_GAS_MAX: u128 = 1 << 50;

/// Separates the random stream of a path from every other use of the same seed.
const STREAM_DOMAIN: &[u8] = b"chaos-simulation/fee-market/path/1";

/// The random part of a path, drawn once and given to both arms of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shocks {
    /// log2 of demand over its level for each block, in Q32.
    exponents_q32: Vec<i64>,
}

impl Shocks {
    /// Draws the shocks of path `path` under `seed`: ChaCha8 keyed by the digest of both.
    #[must_use]
    pub fn draw(
        stream: (u64, u32),
        blocks: u32,
        demand: &Demand,
        assumptions: &Assumptions,
    ) -> Self {
        let (seed, path) = stream;
        let key = Digest::of_parts(&[STREAM_DOMAIN, &seed.to_be_bytes(), &path.to_be_bytes()]);
        let mut generator = ChaCha8Rng::from_seed(*key.as_bytes());
        let fast = fixed::ppm_to_q32(demand.fast_sigma_ppm);
        let slow = fixed::ppm_to_q32(demand.slow_sigma_ppm);
        let persistence = fixed::ppm_to_q32(demand.persistence_ppm);
        // Innovations are scaled so that the slow noise keeps its deviation.
        let rest = fixed::ONE_Q32 - fixed::mul_q32(persistence, persistence);
        let innovation = fixed::mul_q32(slow, fixed::sqrt_q32(rest));
        // exp(noise) has mean exp(variance / 2); taking that off keeps the mean at the level.
        let drift = (fixed::mul_q32(fast, fast) + fixed::mul_q32(slow, slow)) / 2;
        let burst = burst_log2_q32(assumptions);
        let calm = calm_log2_q32(assumptions);

        let mut burst_left = 0u32;
        let mut state = fixed::mul_q32(slow, fixed::normal_q32(|| generator.next_u32()));
        let exponents_q32 = (0..blocks)
            .map(|_| {
                let step = fixed::normal_q32(|| generator.next_u32());
                state = fixed::mul_q32(persistence, state) + fixed::mul_q32(innovation, step);
                let fresh = fixed::mul_q32(fast, fixed::normal_q32(|| generator.next_u32()));
                let starts = chance(generator.next_u32(), assumptions.burst_probability_ppm);
                if burst_left > 0 {
                    burst_left -= 1;
                } else if starts {
                    burst_left = assumptions.burst_blocks;
                }
                let shift = if burst_left > 0 { burst + calm } else { calm };
                fixed::ln_to_log2_q32(state + fresh - drift) + shift
            })
            .collect();
        Self { exponents_q32 }
    }

    /// No randomness at all: demand equals its level in every block.
    #[must_use]
    pub fn none(blocks: u32) -> Self {
        Self { exponents_q32: vec![0; blocks as usize] }
    }
}

fn chance(draw: u32, probability_ppm: u32) -> bool {
    u64::from(draw) * 1_000_000 < u64::from(probability_ppm) << 32
}

fn burst_log2_q32(assumptions: &Assumptions) -> i64 {
    fixed::log2_q32(assumptions.burst_factor_ppm.into()) - fixed::log2_q32(1_000_000)
}

/// What demand outside bursts is lowered by, so that the mean with bursts stays at the level.
fn calm_log2_q32(assumptions: &Assumptions) -> i64 {
    let weight =
        u128::from(assumptions.burst_probability_ppm) * u128::from(assumptions.burst_blocks);
    let share_ppm = weight * 1_000_000 / (weight + 1_000_000);
    let factor = u128::from(assumptions.burst_factor_ppm);
    let mean_ppm = (share_ppm * factor + (1_000_000 - share_ppm) * 1_000_000) / 1_000_000;
    fixed::log2_q32(1_000_000) - fixed::log2_q32(mean_ppm)
}

/// What the two arms of a comparison share.
#[derive(Debug, Clone, Copy)]
pub struct PathSpec<'a> {
    /// Calibrated demand.
    pub demand: &'a Demand,
    /// Elasticity, patience, pool and bursts.
    pub assumptions: &'a Assumptions,
    /// Parameters during the warm-up, in both arms.
    pub baseline: &'a Parameters,
    /// Blocks before the measured ones; they fill the pool and settle the fee.
    pub warmup_blocks: u32,
}

/// One simulated block of the measured part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockOutcome {
    /// Base fee in wei.
    pub base_fee_wei: u128,
    /// Gas served.
    pub gas_used: u64,
    /// Gas of demand that arrived.
    pub gas_arrived: u64,
    /// Gas of demand that gave up or found the pool full.
    pub gas_dropped: u64,
    /// Whether the price response was held at its bound.
    pub response_clamped: bool,
}

/// The measured part of one simulated path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Block after block.
    pub blocks: Vec<BlockOutcome>,
    /// Gas served after waiting this many blocks; index 0 is the first block it could enter.
    pub gas_by_delay: Vec<u128>,
}

/// Runs the warm-up under the baseline, then the rest of the shocks under `parameters`.
///
/// Each block: demand arrives at the current base fee, joins the pool, the pool is served first
/// come first served up to the gas limit, what waited longer than the patience gives up, and the
/// base fee moves.
#[must_use]
pub fn simulate(spec: &PathSpec<'_>, shocks: &Shocks, parameters: &Parameters) -> Path {
    let warmup = spec.warmup_blocks as usize;
    let patience = spec.assumptions.patience_blocks;
    let mut market = Market {
        base_fee_wei: spec.demand.anchor_wei,
        pool: VecDeque::new(),
        pool_gas: 0,
        gas_by_delay: vec![0; patience as usize + 1],
    };
    let response = Response::new(spec);
    let mut blocks = Vec::with_capacity(shocks.exponents_q32.len().saturating_sub(warmup));
    for (height, exponent) in shocks.exponents_q32.iter().enumerate() {
        if height == warmup {
            market.gas_by_delay.fill(0);
        }
        let current = if height < warmup { spec.baseline } else { parameters };
        let block = market.step(height, *exponent, &response, current);
        if height >= warmup {
            blocks.push(block);
        }
    }
    Path { blocks, gas_by_delay: market.gas_by_delay }
}

/// The price response with everything constant computed once.
struct Response {
    level_gas: u64,
    anchor_log2_q32: i64,
    elasticity_q32: i64,
    patience_blocks: usize,
    pool_blocks: u64,
}

impl Response {
    fn new(spec: &PathSpec<'_>) -> Self {
        Self {
            level_gas: spec.demand.level_gas,
            anchor_log2_q32: fixed::log2_q32(spec.demand.anchor_wei),
            elasticity_q32: fixed::ppm_to_q32(spec.assumptions.elasticity_ppm.into()),
            patience_blocks: spec.assumptions.patience_blocks as usize,
            pool_blocks: spec.assumptions.pool_blocks.into(),
        }
    }

    /// Gas that arrives at this price, and whether the response was clamped.
    fn arrivals(&self, base_fee_wei: u128, shock_q32: i64) -> (u64, bool) {
        let price = fixed::log2_q32(base_fee_wei) - self.anchor_log2_q32;
        let wanted = -fixed::mul_q32(self.elasticity_q32, price);
        let held = wanted.clamp(-RESPONSE_LOG2_MAX_Q32, RESPONSE_LOG2_MAX_Q32);
        let gas = fixed::scale_exp2(self.level_gas, held + shock_q32).min(ARRIVAL_GAS_MAX);
        (u64::try_from(gas).unwrap_or(u64::MAX), held != wanted)
    }
}

struct Market {
    base_fee_wei: u128,
    /// Waiting demand as (height of arrival, gas), oldest first.
    pool: VecDeque<(usize, u64)>,
    pool_gas: u64,
    gas_by_delay: Vec<u128>,
}

impl Market {
    fn step(
        &mut self,
        height: usize,
        shock_q32: i64,
        response: &Response,
        parameters: &Parameters,
    ) -> BlockOutcome {
        let base_fee_wei = self.base_fee_wei;
        let (gas_arrived, response_clamped) = response.arrivals(base_fee_wei, shock_q32);
        let room =
            (parameters.gas_limit() * (response.pool_blocks + 1)).saturating_sub(self.pool_gas);
        let admitted = gas_arrived.min(room);
        if admitted > 0 {
            self.pool.push_back((height, admitted));
            self.pool_gas += admitted;
        }
        let gas_used = self.serve(height, parameters.gas_limit());
        let expired = self.expire(height, response.patience_blocks);
        self.base_fee_wei = next_base_fee(base_fee_wei, gas_used, parameters);
        BlockOutcome {
            base_fee_wei,
            gas_used,
            gas_arrived,
            gas_dropped: gas_arrived - admitted + expired,
            response_clamped,
        }
    }

    fn serve(&mut self, height: usize, gas_limit: u64) -> u64 {
        let mut left = gas_limit;
        while left > 0
            && let Some((arrived, gas)) = self.pool.front_mut()
        {
            let served = left.min(*gas);
            self.gas_by_delay[height - *arrived] += u128::from(served);
            left -= served;
            *gas -= served;
            if *gas == 0 {
                self.pool.pop_front();
            }
        }
        self.pool_gas -= gas_limit - left;
        gas_limit - left
    }

    fn expire(&mut self, height: usize, patience_blocks: usize) -> u64 {
        let mut expired = 0;
        while let Some((arrived, gas)) = self.pool.front()
            && height - arrived >= patience_blocks
        {
            expired += gas;
            self.pool.pop_front();
        }
        self.pool_gas -= expired;
        expired
    }
}

#[cfg(test)]
mod tests;
