//! Draws the users of each block, the same for every arm.

use chaos_parameters::fixed;
use chaos_types::Digest;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{
    arrivals::{
        ARRIVALS_MAX, Arrivals, BlobDemand, Bursts, Cycle, Intervals, Level, REACH_LOG2_MAX, Shock,
        VALUE_ABOVE_LOG2, VALUE_BELOW_LOG2_MAX,
    },
    scale::Scale,
};

/// Points of the quantile table of transaction sizes.
const GAS_POINTS: usize = 4_096;

/// Bytes of randomness in a user.
const USER_BYTES: usize = 16;

/// Mean above which a Poisson number is drawn as a rounded normal one: 32.
const POISSON_EXACT_MAX: u64 = 32;

/// Separates the random streams of a path from each other and from every other use of the seed.
const DOMAIN: &[u8] = b"chaos-simulation/market/1";

/// The generator of one purpose on one path.
pub(super) fn generator(stream: (u64, u32), purpose: &[u8]) -> ChaCha8Rng {
    let (seed, path) = stream;
    let parts = [DOMAIN, purpose, &seed.to_be_bytes(), &path.to_be_bytes()];
    ChaCha8Rng::from_seed(*Digest::of_parts(&parts).as_bytes())
}

/// A potential user as drawn; what it does with this is decided in each arm.
#[derive(Debug, Clone, Copy)]
pub(super) struct User {
    /// What a unit of gas is worth, in wei.
    pub(super) value_wei: u64,
    /// What a unit of blob gas is worth, in wei.
    pub(super) blob_value_wei: u64,
    /// Randomness for its habits, see [`super::users`].
    pub(super) bits: u64,
    /// Gas it uses.
    pub(super) gas: u32,
    /// Randomness for its kind.
    pub(super) kind_bits: u16,
    /// Blobs it carries.
    pub(super) blobs: u8,
}

/// Draws values from a cut Pareto distribution.
#[derive(Debug, Clone)]
struct Values {
    low_wei: u64,
    high_wei: u64,
    /// One over the elasticity in Q16; `None` for no elasticity at all.
    inverse_q16: Option<u64>,
    /// Potential demand over demand at the anchor, in Q32 as a logarithm.
    reach_log2_q32: i64,
}

impl Values {
    fn new(anchor_wei: u64, elasticity_ppm: u32) -> Self {
        let high_wei = anchor_wei.saturating_mul(1 << VALUE_ABOVE_LOG2);
        let elasticity = i64::from(elasticity_ppm);
        if elasticity == 0 {
            return Self { low_wei: high_wei, high_wei, inverse_q16: None, reach_log2_q32: 0 };
        }
        let wanted = (i128::from(REACH_LOG2_MAX) << 32) * 1_000_000 / i128::from(elasticity);
        let below = fixed::saturate(wanted)
            .min(VALUE_BELOW_LOG2_MAX << 32)
            .min(fixed::log2_q32(anchor_wei.into()));
        let low = fixed::scale_exp2(anchor_wei, -below).max(1);
        let low_wei = u64::try_from(low).unwrap_or(anchor_wei);
        // Flooring moved the lower cut; the reach must be that of the cut in use.
        let below = fixed::log2_q32(anchor_wei.into()) - fixed::log2_q32(low_wei.into());
        Self {
            low_wei,
            high_wei,
            inverse_q16: Some((1_000_000 << 16) / u64::from(elasticity_ppm)),
            reach_log2_q32: fixed::mul_q32(fixed::ppm_to_q32(elasticity), below),
        }
    }

    #[inline]
    fn draw(&self, scale: &Scale, uniform: u32) -> u64 {
        let Some(inverse) = self.inverse_q16 else { return self.high_wei };
        // -log2 of the uniform number (each draw the upper end of its cell), from 0 to 32.
        let exponent = (32i64 << 32) - scale.log2(u64::from(uniform) + 1);
        let octaves = (u128::from(exponent.cast_unsigned()) * u128::from(inverse)) >> 16;
        if octaves >= 64 << 32 {
            return self.high_wei;
        }
        let octaves = i64::try_from(octaves).unwrap_or(i64::MAX);
        scale.exp2(self.low_wei, octaves).min(self.high_wei)
    }
}

/// The stream of arrivals of one path.
#[derive(Debug)]
pub(super) struct Draw<'a> {
    arrivals: &'a Arrivals,
    scale: Scale,
    values: Values,
    blob_values: Option<Values>,
    gas_quantiles: Vec<u32>,
    /// Mean size of a transaction in 2^-16 gas.
    mean_gas_q16: u128,
    warmup_blocks: u32,
    people: ChaCha8Rng,
    weather: ChaCha8Rng,
    walk_q32: i64,
    burst_left: u32,
    /// Time to the current block over the mean time, in Q24.
    interval_q24: u64,
    bytes: Vec<u8>,
    /// The users of the current block.
    pub(super) users: Vec<User>,
    /// Blocks whose users were cut at [`ARRIVALS_MAX`].
    pub(super) blocks_cut: u32,
}

impl<'a> Draw<'a> {
    pub(super) fn new(arrivals: &'a Arrivals, warmup_blocks: u32, stream: (u64, u32)) -> Self {
        let scale = Scale::new();
        let gas_quantiles = gas_quantiles(arrivals, &scale);
        let total: u128 = gas_quantiles.iter().map(|gas| u128::from(*gas)).sum();
        let mut weather = generator(stream, b"weather");
        let sigma = arrivals.walk.map_or(0, |walk| fixed::ppm_to_q32(walk.sigma_ppm.into()));
        let walk_q32 = fixed::mul_q32(sigma, fixed::normal_q32(|| weather.next_u32()));
        Self {
            values: Values::new(arrivals.anchor_wei, arrivals.elasticity_ppm),
            blob_values: arrivals.blobs.map(|b| Values::new(b.anchor_wei, b.elasticity_ppm)),
            arrivals,
            scale,
            mean_gas_q16: (total << 16) / GAS_POINTS as u128,
            gas_quantiles,
            warmup_blocks,
            people: generator(stream, b"people"),
            weather,
            walk_q32,
            burst_left: 0,
            interval_q24: 1 << 24,
            bytes: Vec::new(),
            users: Vec::new(),
            blocks_cut: 0,
        }
    }

    pub(super) const fn scale(&self) -> &Scale {
        &self.scale
    }

    /// Milliseconds to the current block if they are this many on average.
    pub(super) fn elapsed_ms(&self, block_time_ms: u64) -> u64 {
        let elapsed = (u128::from(block_time_ms) * u128::from(self.interval_q24)) >> 24;
        u64::try_from(elapsed).unwrap_or(u64::MAX)
    }

    /// Replaces `users` by those who arrive before block `height`, counted from the warm-up.
    pub(super) fn next_block(&mut self, height: u32) {
        self.users.clear();
        let factor = self.factor_log2_q32(height);
        let interval_q24 = self.draw_interval_q24();
        self.interval_q24 = interval_q24;
        let level_gas = match &self.arrivals.level {
            Level::Stationary => self.arrivals.level_gas,
            Level::Replayed(gas) => gas[height as usize % gas.len()],
        };
        let per_block = (u128::from(level_gas) << 40) / self.mean_gas_q16.max(1);
        let per_block = u64::try_from(per_block).unwrap_or(u64::MAX);
        let mean = self.scale.exp2(per_block, factor + self.values.reach_log2_q32);
        let count = self.count(mean, interval_q24);
        self.draw_users(count);
        if let Some(blobs) = self.arrivals.blobs {
            self.draw_blobs(&blobs, interval_q24);
        }
    }

    /// A Poisson number with this mean (Q24) times the interval (Q24), cut at [`ARRIVALS_MAX`].
    fn count(&mut self, mean_q24: u64, interval_q24: u64) -> usize {
        let mean = (u128::from(mean_q24) * u128::from(interval_q24)) >> 24;
        let most = ARRIVALS_MAX << 24;
        self.blocks_cut += u32::from(mean > u128::from(most));
        let mean = u64::try_from(mean).unwrap_or(most).min(most);
        let count = poisson(mean, &self.scale, &mut self.weather).min(2 * ARRIVALS_MAX);
        usize::try_from(count).unwrap_or(0)
    }

    fn draw_users(&mut self, count: usize) {
        self.bytes.resize(count * USER_BYTES, 0);
        self.people.fill_bytes(&mut self.bytes);
        let (scale, values, sizes) = (&self.scale, &self.values, &self.gas_quantiles);
        self.users.extend(self.bytes.chunks_exact(USER_BYTES).map(|chunk| {
            let (first, second) = words(chunk);
            User {
                value_wei: values.draw(scale, low_half(first)),
                blob_value_wei: 0,
                bits: second,
                gas: sizes[bits_at(first, 48, GAS_POINTS)],
                kind_bits: low_quarter(first >> 32),
                blobs: 0,
            }
        }));
    }

    fn draw_blobs(&mut self, demand: &BlobDemand, interval_q24: u64) {
        let Some(values) = self.blob_values.clone() else { return };
        let total: u64 = demand.weights.iter().map(|weight| u64::from(*weight)).sum();
        let carried: u64 = demand
            .weights
            .iter()
            .zip(1u64..)
            .map(|(weight, count)| u64::from(*weight) * count)
            .sum();
        let per_block = (u128::from(demand.level_milli) << 24) * u128::from(total)
            / (u128::from(carried.max(1)) * 1_000);
        let per_block = u64::try_from(per_block).unwrap_or(u64::MAX);
        let mean = self.scale.exp2(per_block, values.reach_log2_q32);
        for _ in 0..self.count(mean, interval_q24) {
            let (first, second, third) =
                (self.people.next_u64(), self.people.next_u64(), self.people.next_u64());
            let mut place = ((third >> 32) * total) >> 32;
            let mut blobs = 1u8;
            for weight in demand.weights {
                if place < weight.into() {
                    break;
                }
                place -= u64::from(weight);
                blobs += 1;
            }
            self.users.push(User {
                // A rollup pays for execution what it must: gas is a small part of its cost.
                value_wei: self.values.high_wei,
                blob_value_wei: values.draw(&self.scale, low_half(third)),
                bits: second,
                gas: demand.gas,
                kind_bits: low_quarter(first >> 32),
                blobs,
            });
        }
    }

    /// log2 of demand over its level in Q32.
    fn factor_log2_q32(&mut self, height: u32) -> i64 {
        let mut factor = self.arrivals.cycle.map_or(0, |cycle| cycle_log2_q32(&cycle, height));
        if let Some(walk) = self.arrivals.walk {
            let sigma = fixed::ppm_to_q32(walk.sigma_ppm.into());
            let keep = fixed::ppm_to_q32(walk.persistence_ppm.into());
            let rest = fixed::sqrt_q32(fixed::ONE_Q32 - fixed::mul_q32(keep, keep));
            let step = fixed::normal_q32(|| self.weather.next_u32());
            self.walk_q32 = fixed::mul_q32(keep, self.walk_q32)
                + fixed::mul_q32(fixed::mul_q32(sigma, rest), step);
            // exp(noise) has mean exp(variance / 2); taking that off keeps the mean at the level.
            factor += fixed::ln_to_log2_q32(self.walk_q32 - fixed::mul_q32(sigma, sigma) / 2);
        }
        if let Some(bursts) = self.arrivals.bursts {
            factor += self.burst_log2_q32(&bursts);
        }
        let measured = height.checked_sub(self.warmup_blocks);
        let running = |shock: &&Shock| {
            measured
                .and_then(|block| block.checked_sub(shock.from_block))
                .is_some_and(|since| shock.blocks.is_none_or(|blocks| since < blocks))
        };
        let shocks = self.arrivals.shocks.iter().filter(running);
        factor + shocks.map(|shock| ppm_log2_q32(shock.factor_ppm)).sum::<i64>()
    }

    fn burst_log2_q32(&mut self, bursts: &Bursts) -> i64 {
        let draw = u64::from(self.weather.next_u32());
        let starts = draw * 1_000_000 < u64::from(bursts.probability_ppm) << 32;
        if self.burst_left > 0 {
            self.burst_left -= 1;
        } else if starts {
            self.burst_left = bursts.blocks;
        }
        // Calm demand is lowered so that the mean with bursts stays at the level.
        let weight = u128::from(bursts.probability_ppm) * u128::from(bursts.blocks);
        let share = weight * 1_000_000 / (weight + 1_000_000);
        let mean_ppm =
            (share * u128::from(bursts.factor_ppm) + (1_000_000 - share) * 1_000_000) / 1_000_000;
        let calm = fixed::log2_q32(1_000_000) - fixed::log2_q32(mean_ppm);
        if self.burst_left > 0 { calm + ppm_log2_q32(bursts.factor_ppm) } else { calm }
    }

    /// The time to this block over the mean time, in Q24.
    fn draw_interval_q24(&mut self) -> u64 {
        match self.arrivals.intervals {
            Intervals::Fixed => 1 << 24,
            Intervals::Exponential => {
                let uniform = u64::from(self.weather.next_u32()) + 1;
                let nats = fixed::log2_to_ln_q32((32 << 32) - self.scale.log2(uniform));
                u64::try_from(nats >> 8).unwrap_or(0)
            }
        }
    }
}

fn ppm_log2_q32(ppm: u32) -> i64 {
    fixed::log2_q32(ppm.into()) - fixed::log2_q32(1_000_000)
}

/// log2 of one plus the sine, which follows Bhaskara's rational formula (error below 0.002).
fn cycle_log2_q32(cycle: &Cycle, height: u32) -> i64 {
    let period = i64::from(cycle.period_blocks);
    let place = (i64::from(height) + i64::from(cycle.phase_blocks)) % period;
    // Half a turn is a million; the second half repeats the first with the other sign.
    let angle = place * 2_000_000 / period;
    let (angle, sign) = if angle < 1_000_000 { (angle, 1) } else { (angle - 1_000_000, -1) };
    let product = angle * (1_000_000 - angle) / 1_000;
    let sine_ppm = 16 * product * 1_000 / (5_000_000 - 4 * product / 1_000);
    let factor = 1_000_000 + sign * sine_ppm * i64::from(cycle.amplitude_ppm) / 1_000_000;
    let factor = u128::try_from(factor.max(1)).unwrap_or(1);
    fixed::log2_q32(factor) - fixed::log2_q32(1_000_000)
}

/// The sizes at equally likely points, classes in order, log-uniform within a class.
fn gas_quantiles(arrivals: &Arrivals, scale: &Scale) -> Vec<u32> {
    let mut sizes = Vec::with_capacity(GAS_POINTS);
    let mut shares = 0usize;
    for class in &arrivals.mix.classes {
        shares += class.share_ppm as usize;
        let end = (shares * GAS_POINTS).div_ceil(1_000_000).min(GAS_POINTS);
        let count = end.saturating_sub(sizes.len());
        let width = scale.log2(class.high_gas.into()) - scale.log2(class.low_gas.into());
        for place in 0..count {
            let middle = i128::from(width) * (2 * place as i128 + 1) / (2 * count as i128);
            let gas = scale.exp2(class.low_gas.into(), fixed::saturate(middle));
            let gas = u32::try_from(gas).unwrap_or(class.high_gas);
            sizes.push(gas.clamp(class.low_gas, class.high_gas));
        }
    }
    sizes
}

/// A Poisson number with this mean (Q24): by products of uniform numbers up to
/// [`POISSON_EXACT_MAX`], above it a normal number rounded to nearest and held at zero.
fn poisson(mean_q24: u64, scale: &Scale, generator: &mut ChaCha8Rng) -> u64 {
    if mean_q24 <= POISSON_EXACT_MAX << 24 {
        let mean_q32 = i64::try_from(mean_q24 << 8).unwrap_or(0);
        let end = scale.exp2(1 << 62, -fixed::ln_to_log2_q32(mean_q32));
        let (mut product, mut count) = (1u64 << 62, 0);
        loop {
            let uniform = u128::from(generator.next_u64()) + 1;
            product = u64::try_from((u128::from(product) * uniform) >> 64).unwrap_or(0);
            if product <= end {
                return count;
            }
            count += 1;
        }
    }
    let mean = i128::from(mean_q24) << 8;
    let deviation = (u128::from(mean_q24) << 40).isqrt().cast_signed();
    let normal = i128::from(fixed::normal_q32(|| generator.next_u32()));
    let value = mean + ((deviation * normal) >> 32) + (1 << 31);
    u64::try_from((value >> 32).max(0)).unwrap_or(0)
}

fn words(chunk: &[u8]) -> (u64, u64) {
    let word = |range: std::ops::Range<usize>| {
        let bytes: [u8; 8] = chunk[range].try_into().expect("the range has eight bytes");
        u64::from_le_bytes(bytes)
    };
    (word(0..8), word(8..16))
}

#[inline]
fn low_half(word: u64) -> u32 {
    u32::try_from(word & 0xffff_ffff).expect("32 bits are masked")
}

#[inline]
fn low_quarter(word: u64) -> u16 {
    u16::try_from(word & 0xffff).expect("16 bits are masked")
}

/// The top bits of the 16 at `shift` as an index below `points`, a power of two up to 2^16.
#[inline]
fn bits_at(word: u64, shift: u32, points: usize) -> usize {
    (usize::from(low_quarter(word >> shift)) * points) >> 16
}

#[cfg(test)]
mod tests;
