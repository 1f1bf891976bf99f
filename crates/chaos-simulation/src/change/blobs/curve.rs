//! Demand for blobs at a price, bounded at a free one.
//!
//! `c - b ln(1 + p / ps)` blobs per block and at least [`FLOOR_Q32`]: `c` at a free price, `b` fewer per
//! e-fold of the price above `ps`, where price begins to matter. A constant elasticity has no bound and
//! said before Pectra that six blobs would be filled at any price above zero; 3.6 came.

use chaos_parameters::fixed;

use super::super::spread::exp_q32;

/// A twentieth of a blob: demand never ends, so that a path never freezes at a price.
pub(super) const FLOOR_Q32: i64 = fixed::ONE_Q32 / 20;

/// Steps of the table per unit of logarithm.
const STEPS_LOG2: u32 = 5;

/// The table spans so much on both sides of zero; beyond, one term is below a ten-millionth.
const SPAN: i64 = 16;

/// ln(1 + e^z) by a table with linear steps; off by at most 2^-13 (a 64th squared, over eight).
#[derive(Debug)]
pub(super) struct SoftKink(Vec<i64>);

impl SoftKink {
    pub(super) fn new() -> Self {
        let count = (2 * SPAN) << STEPS_LOG2;
        let value = |place: i64| {
            let z = (place << (32 - STEPS_LOG2)) - (SPAN << 32);
            // 2^32 (1 + e^z): its logarithm less that of 2^32.
            let sum = fixed::ONE_Q32.saturating_add(exp_q32(z));
            let sum = u128::try_from(sum).unwrap_or(1);
            fixed::log2_to_ln_q32(fixed::log2_q32(sum) - (32 << 32))
        };
        Self((0..=count).map(value).collect())
    }

    /// ln(1 + e^z), all in Q32.
    pub(super) fn of(&self, z_q32: i64) -> i64 {
        let span = SPAN << 32;
        if z_q32 <= -span {
            return 0;
        }
        if z_q32 >= span {
            return z_q32;
        }
        let along = z_q32 + span;
        let place = usize::try_from(along >> (32 - STEPS_LOG2)).unwrap_or(0);
        let rest = along & ((1 << (32 - STEPS_LOG2)) - 1);
        let (low, high) = (self.0[place], self.0[(place + 1).min(self.0.len() - 1)]);
        low + fixed::saturate((i128::from(high - low) * i128::from(rest)) >> (32 - STEPS_LOG2))
    }
}

/// The parameters of the curve; everything in Q32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Curve {
    /// Blobs per block at a free price.
    pub(super) free_q32: i64,
    /// Blobs fewer per e-fold of the price, far above `kink`.
    pub(super) slope_q32: i64,
    /// ln of the price in wei at which price begins to matter.
    pub(super) kink_ln_q32: i64,
}

impl Curve {
    /// Blobs per block at a price (its logarithm in Q32), with the level moved by `level_q32` blobs.
    pub(super) fn demand(&self, soft: &SoftKink, price_ln_q32: i64, level_q32: i64) -> i64 {
        let free = self.free_q32.max(1);
        let response = fixed::mul_q32(self.slope_q32, soft.of(price_ln_q32 - self.kink_ln_q32));
        // Slow noise moves the whole curve in proportion, as growth of demand does.
        let moved = i128::from(free.saturating_add(level_q32));
        let left = i128::from(free.saturating_sub(response).max(0));
        fixed::saturate(moved * left / i128::from(free)).max(FLOOR_Q32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kink_is_within_a_ten_thousandth_of_the_function() {
        let soft = SoftKink::new();
        for tenths in -200..200 {
            let z = f64::from(tenths) / 10.0;
            #[expect(clippy::cast_possible_truncation, reason = "a test compares with floats")]
            let found = soft.of((z * 4_294_967_296.0) as i64);
            let expected = z.exp().ln_1p();
            #[expect(clippy::cast_precision_loss, reason = "a test compares with floats")]
            let apart = (found as f64 / 4_294_967_296.0 - expected).abs();
            assert!(apart < 1.5e-4, "{z}: {apart}");
        }
    }

    #[test]
    fn demand_is_bounded_at_a_free_price_and_never_ends() {
        let curve = Curve { free_q32: 4 << 32, slope_q32: 1 << 31, kink_ln_q32: 20 << 32 };
        let soft = SoftKink::new();
        assert_eq!(curve.demand(&soft, 0, 0), 4 << 32);
        assert_eq!(curve.demand(&soft, 60 << 32, 0), FLOOR_Q32);
        let (near, far) = (curve.demand(&soft, 21 << 32, 0), curve.demand(&soft, 24 << 32, 0));
        assert!(FLOOR_Q32 < far && far < near && near < 4 << 32);
    }
}
