mod pool;

use chaos_parameters::{
    Parameters, fixed,
    pricing::{BlockUse, FeeState},
};
use chaos_types::Digest;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use self::pool::{Patient, Pool};
use super::{Assumptions, Demand};

/// Price response stays between a twentieth and twenty times the demand at the anchor: log2 20.
const RESPONSE_LOG2_MAX_Q32: i64 = 18_562_539_823;

/// Demand of one block is held below this; noise cannot be trusted to mean anything beyond: 2^50.
const ARRIVAL_GAS_MAX: u128 = 1 << 50;

/// Nobody waits to save less than this per gas: 1,000 wei.
const WAIT_WEI_MIN: u128 = 1_000;

/// Separates the random stream of a path from every other use of the same seed.
const STREAM_DOMAIN: &[u8] = b"chaos-simulation/fee-market/path/1";

/// The stream of block intervals and empty blocks, apart from the one of demand.
const INTERVAL_DOMAIN: &[u8] = b"chaos-simulation/fee-market/intervals/1";

/// Patient users look at recent base fees: each block moves the mean that they look at by this share
/// of the way to its logarithm, 3/10.
const RECENT_WEIGHT_PPM: i64 = 300_000;

/// They also know the going price, which moves by 1/100 of the way, and offer the higher of the two:
/// nobody asks for less because a fee is low by accident.
const GOING_WEIGHT_PPM: i64 = 10_000;

/// The random part of a path, drawn once and given to both arms of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shocks {
    /// log2 of demand over its level for each block, in Q32.
    exponents_q32: Vec<i64>,
    /// Whether the proposer leaves the block empty, whatever waits.
    empty: Vec<bool>,
}

/// A known beginning of slow noise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlowStart {
    /// Its value as a natural logarithm in Q32.
    pub(crate) state_q32: i64,
    /// It stays there for so many blocks.
    pub(crate) held_blocks: u32,
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
        Self::draw_with(stream, blocks, (demand, assumptions), None)
    }

    /// The same with slow noise at a known state in the beginning.
    pub(crate) fn draw_from(
        stream: (u64, u32),
        blocks: u32,
        demand: &Demand,
        assumptions: &Assumptions,
        start: SlowStart,
    ) -> Self {
        Self::draw_with(stream, blocks, (demand, assumptions), Some(start))
    }

    fn draw_with(
        (seed, path): (u64, u32),
        blocks: u32,
        (demand, assumptions): (&Demand, &Assumptions),
        start: Option<SlowStart>,
    ) -> Self {
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
        let mut empty = Vec::with_capacity(blocks as usize);
        let mut state = fixed::mul_q32(slow, fixed::normal_q32(|| generator.next_u32()));
        let mut intervals = ChaCha8Rng::from_seed(
            *Digest::of_parts(&[INTERVAL_DOMAIN, &seed.to_be_bytes(), &path.to_be_bytes()])
                .as_bytes(),
        );
        let variation = fixed::ppm_to_q32(demand.interval_variation_ppm.into());
        if let Some(start) = start {
            state = start.state_q32;
        }
        let held_blocks = start.map_or(0, |start| start.held_blocks);
        let exponents_q32 = (0..blocks)
            .map(|height| {
                let step = fixed::normal_q32(|| generator.next_u32());
                if height >= held_blocks {
                    state = fixed::mul_q32(persistence, state) + fixed::mul_q32(innovation, step);
                }
                let fresh = fixed::mul_q32(fast, fixed::normal_q32(|| generator.next_u32()));
                let draw = generator.next_u32();
                let starts = chance(draw, assumptions.burst_probability_ppm);
                if burst_left > 0 {
                    burst_left -= 1;
                } else if starts {
                    burst_left = burst_blocks(draw, assumptions);
                }
                let shift = if burst_left > 0 { burst + calm } else { calm };
                let interval = interval_log2_q32(intervals.next_u32(), variation);
                empty.push(chance(intervals.next_u32(), demand.empty_ppm));
                fixed::ln_to_log2_q32(state + fresh - drift) + shift + interval
            })
            .collect();
        Self { exponents_q32, empty }
    }

    /// No randomness at all: demand equals its level in every block.
    #[must_use]
    pub fn none(blocks: u32) -> Self {
        Self { exponents_q32: vec![0; blocks as usize], empty: vec![false; blocks as usize] }
    }

    /// The same with all demand scaled by this factor, log2 in Q32.
    pub(crate) fn scaled(mut self, log2_q32: i64) -> Self {
        self.exponents_q32.iter_mut().for_each(|exponent| *exponent += log2_q32);
        self
    }
}

/// log2 of a block's interval over the mean one: a fixed part and an exponential part, which is
/// `variation` of the whole and its coefficient of variation.
fn interval_log2_q32(draw: u32, variation_q32: i64) -> i64 {
    if variation_q32 == 0 {
        return 0;
    }
    // The middle of the draw's cell, so that the logarithm exists: -ln((2 draw + 1) / 2^33).
    let exponential = fixed::ln_q32(1 << 33) - fixed::ln_q32(2 * u128::from(draw) + 1);
    let interval = fixed::ONE_Q32 - variation_q32 + fixed::mul_q32(variation_q32, exponential);
    fixed::log2_q32(u128::try_from(interval).unwrap_or(1)) - (32 << 32)
}

fn chance(draw: u32, probability_ppm: u32) -> bool {
    u64::from(draw) * 1_000_000 < u64::from(probability_ppm) << 32
}

/// The length of a burst that this draw began, evenly from one block to twice the mean: a draw that
/// is below the chance is even up to it.
fn burst_blocks(draw: u32, assumptions: &Assumptions) -> u32 {
    let below = u64::from(assumptions.burst_probability_ppm) << 32;
    let lengths = 2 * u64::from(assumptions.burst_blocks);
    let length = u128::from(draw) * 1_000_000 * u128::from(lengths) / u128::from(below.max(1));
    u32::try_from(length.min(lengths.saturating_sub(1).into())).unwrap_or(0).saturating_add(1)
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
    /// Base fee of the first block in wei, if not the demand's anchor.
    pub start_wei: Option<u128>,
    /// Blocks after the change before waits are counted.
    pub settle_blocks: u32,
}

/// One simulated block of the measured part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockOutcome {
    /// Base fee in wei.
    pub base_fee_wei: u128,
    /// Gas limit; it may still be on its way to the parameters' limit.
    pub gas_limit: u64,
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
    /// The highest base fee of any block in wei, the warm-up included.
    pub base_fee_max_wei: u128,
}

impl Path {
    /// The path without its first measured blocks.
    #[must_use]
    pub fn after(mut self, blocks: u32) -> Self {
        self.blocks.drain(..self.blocks.len().min(blocks as usize));
        self
    }
}

/// Runs the warm-up under the baseline, then the rest of the shocks under `parameters`.
///
/// Each block: demand arrives at the current base fee, in proportion to the block's interval. The
/// urgent share joins a queue served first come first served; the patient share waits, each user at
/// a reservation price around the going one, and is served when the base fee is at or
/// below it, the highest first. What waited longer than the patience gives up, and the base fee
/// moves.
#[must_use]
pub fn simulate(spec: &PathSpec<'_>, shocks: &Shocks, parameters: &Parameters) -> Path {
    let warmup = spec.warmup_blocks as usize;
    let patience = spec.assumptions.patience_blocks;
    let mut market = Market {
        fees: FeeState::settled(spec.baseline, spec.start_wei.unwrap_or(spec.demand.anchor_wei)),
        recent_log2_q32: fixed::log2_q32(spec.start_wei.unwrap_or(spec.demand.anchor_wei)),
        going_log2_q32: fixed::log2_q32(spec.demand.anchor_wei),
        pool: Pool::new(spec.demand.patient_share_ppm > 0),
        gas_by_delay: vec![0; patience as usize + 1],
    };
    let response = Response::new(spec);
    let mut blocks = Vec::with_capacity(shocks.exponents_q32.len().saturating_sub(warmup));
    let mut base_fee_max_wei = 0;
    for (height, (exponent, empty)) in shocks.exponents_q32.iter().zip(&shocks.empty).enumerate() {
        if height == warmup {
            market.fees = market.fees.enact(parameters);
        }
        if height == warmup + spec.settle_blocks as usize {
            market.gas_by_delay.fill(0);
        }
        let current = if height < warmup { spec.baseline } else { parameters };
        let shock = Shock { height, exponent_q32: *exponent, empty: *empty };
        let block = market.step(shock, &response, current);
        base_fee_max_wei = base_fee_max_wei.max(block.base_fee_wei);
        if height >= warmup {
            blocks.push(block);
        }
    }
    Path { blocks, gas_by_delay: market.gas_by_delay, base_fee_max_wei }
}

/// The random part of one block.
#[derive(Clone, Copy)]
struct Shock {
    height: usize,
    exponent_q32: i64,
    empty: bool,
}

/// The price response with everything constant computed once.
struct Response {
    level_gas: u64,
    /// The block time that the level refers to.
    block_time_ms: u64,
    anchor_log2_q32: i64,
    elasticity_q32: i64,
    patience_blocks: usize,
    pool_blocks: u64,
    patient_share_ppm: u64,
    spread_log2_q32: i64,
    recent_weight_q32: i64,
    going_weight_q32: i64,
}

impl Response {
    fn new(spec: &PathSpec<'_>) -> Self {
        let spread = fixed::ppm_to_q32(spec.assumptions.reservation_spread_ppm.into());
        Self {
            level_gas: spec.demand.level_gas,
            block_time_ms: spec.baseline.block_time_ms().max(1),
            anchor_log2_q32: fixed::log2_q32(spec.demand.anchor_wei),
            elasticity_q32: fixed::ppm_to_q32(spec.assumptions.elasticity_ppm.into()),
            patience_blocks: spec.assumptions.patience_blocks as usize,
            pool_blocks: spec.assumptions.pool_blocks.into(),
            patient_share_ppm: spec.demand.patient_share_ppm.min(1_000_000).into(),
            spread_log2_q32: fixed::ln_to_log2_q32(spread),
            recent_weight_q32: fixed::ppm_to_q32(RECENT_WEIGHT_PPM),
            going_weight_q32: fixed::ppm_to_q32(GOING_WEIGHT_PPM),
        }
    }

    /// Gas that arrives at this price, and whether the response was clamped.
    fn arrivals(&self, price_log2_q32: i64, shock_q32: i64, block_time_ms: u64) -> (u64, bool) {
        let price = price_log2_q32 - self.anchor_log2_q32;
        let wanted = -fixed::mul_q32(self.elasticity_q32, price);
        let held = wanted.clamp(-RESPONSE_LOG2_MAX_Q32, RESPONSE_LOG2_MAX_Q32);
        let gas = fixed::scale_exp2(self.level_gas, held + shock_q32).min(ARRIVAL_GAS_MAX);
        // Demand arrives per second: a chain with shorter blocks meets less of it in each.
        let gas = if block_time_ms == self.block_time_ms {
            gas
        } else {
            (gas * u128::from(block_time_ms) / u128::from(self.block_time_ms)).min(ARRIVAL_GAS_MAX)
        };
        (u64::try_from(gas).unwrap_or(u64::MAX), held != wanted)
    }
}

struct Market {
    fees: FeeState,
    /// A mean of the last few base fees, log2 in Q32.
    recent_log2_q32: i64,
    /// A mean of the last hundred or so.
    going_log2_q32: i64,
    pool: Pool,
    gas_by_delay: Vec<u128>,
}

impl Market {
    fn step(&mut self, shock: Shock, response: &Response, parameters: &Parameters) -> BlockOutcome {
        let FeeState { base_fee_wei, gas_limit, .. } = self.fees;
        let price = fixed::log2_q32(base_fee_wei);
        let block_time_ms = parameters.block_time_ms();
        let (gas_arrived, response_clamped) =
            response.arrivals(price, shock.exponent_q32, block_time_ms);
        let room = (gas_limit * (response.pool_blocks + 1)).saturating_sub(self.pool.gas());
        let admitted = gas_arrived.min(room);
        self.admit(shock.height, admitted, response, parameters.min_base_fee_wei().into());
        let gas_by_delay = &mut self.gas_by_delay;
        let capacity = if shock.empty { 0 } else { gas_limit };
        let gas_used = self.pool.serve(capacity, pool::bin(price), |arrived, gas| {
            gas_by_delay[shock.height - arrived] += u128::from(gas);
        });
        let expired = match shock.height.checked_sub(response.patience_blocks) {
            Some(last_height) => self.pool.expire(last_height),
            None => 0,
        };
        let evicted = self.pool.evict_above(gas_limit * response.pool_blocks);
        let used = BlockUse { gas: gas_used, blob_gas: 0, elapsed_ms: block_time_ms };
        self.fees = self.fees.advance(parameters, used);
        let (recent, going) = (price - self.recent_log2_q32, price - self.going_log2_q32);
        self.recent_log2_q32 += fixed::mul_q32(response.recent_weight_q32, recent);
        self.going_log2_q32 += fixed::mul_q32(response.going_weight_q32, going);
        BlockOutcome {
            base_fee_wei,
            gas_limit,
            gas_used,
            gas_arrived,
            gas_dropped: gas_arrived - admitted + expired + evicted,
            response_clamped,
        }
    }

    fn admit(&mut self, height: usize, gas: u64, response: &Response, floor_wei: u128) {
        // At prices this low the integer rule moves in steps that no user waits for.
        let share =
            if self.fees.base_fee_wei < WAIT_WEI_MIN { 0 } else { response.patient_share_ppm };
        let patient = u128::from(gas) * u128::from(share) / 1_000_000;
        let patient = u64::try_from(patient).unwrap_or(gas);
        self.pool.push_urgent(height, gas - patient);
        let reference = self.recent_log2_q32.max(self.going_log2_q32);
        // Nobody waits for a price that the rule cannot reach.
        let floor = fixed::log2_q32(floor_wei.max(WAIT_WEI_MIN));
        let low = pool::bin((reference - response.spread_log2_q32).max(floor));
        let high = pool::bin((reference + response.spread_log2_q32).max(floor));
        self.pool.push_patient(height, Patient { gas: patient, low, high });
    }
}

#[cfg(test)]
mod tests;
