//! Positions and ticks in integers.

use chaos_parameters::fixed;

/// Maps values to pixels; `from` may be greater than `to` on the pixel side, as on a y axis.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    low: i128,
    high: i128,
    from: i64,
    to: i64,
}

impl Linear {
    /// `low` lands on pixel `from` and `high` on pixel `to`.
    #[must_use]
    pub fn new((low, high): (i128, i128), (from, to): (i64, i64)) -> Self {
        Self { low, high: high.max(low.saturating_add(1)), from, to }
    }

    /// Nearest pixel; values outside the range stay at its ends.
    #[must_use]
    pub fn at(&self, value: i128) -> i64 {
        let (span, offset) = (self.high - self.low, value.clamp(self.low, self.high) - self.low);
        let pixels = i128::from(self.to - self.from);
        let moved = (offset.saturating_mul(pixels) * 2 + span).div_euclid(span * 2);
        self.from + i64::try_from(moved).unwrap_or(0)
    }
}

/// Maps positive values to pixels by their logarithm.
#[derive(Debug, Clone, Copy)]
pub struct Logarithmic(Linear);

impl Logarithmic {
    /// `low` lands on pixel `from` and `high` on pixel `to`; both positive.
    #[must_use]
    pub fn new((low, high): (i128, i128), pixels: (i64, i64)) -> Self {
        Self(Linear::new((log2(low), log2(high)), pixels))
    }

    /// Nearest pixel; values outside the range stay at its ends.
    #[must_use]
    pub fn at(&self, value: i128) -> i64 {
        self.0.at(log2(value))
    }
}

fn log2(value: i128) -> i128 {
    fixed::log2_q32(u128::try_from(value).unwrap_or(1)).into()
}

/// Multiples of 1, 2 or 5 times a power of ten in `low..=high`, at most `count_max` of them.
#[must_use]
pub fn ticks(low: i128, high: i128, count_max: i128) -> Vec<i128> {
    let mut step = 1_i128;
    let mut factors = [2, 5, 10].iter().cycle();
    let mut decade = 1_i128;
    while (high - low) / step >= count_max {
        let factor = factors.next().copied().unwrap_or(10);
        step = decade.saturating_mul(factor);
        if factor == 10 {
            decade = decade.saturating_mul(10);
        }
    }
    let first = low.div_euclid(step) * step + if low.rem_euclid(step) == 0 { 0 } else { step };
    std::iter::successors(Some(first), |tick| tick.checked_add(step))
        .take_while(|tick| *tick <= high)
        .collect()
}

/// Ticks of a logarithmic axis: 1, 2 and 5 in each decade, or the decades alone if many.
#[must_use]
pub fn log_ticks(low: i128, high: i128) -> Vec<i128> {
    let fine = decade_ticks(low, high, &[1, 2, 5]);
    if fine.len() <= 7 { fine } else { decade_ticks(low, high, &[1]) }
}

fn decade_ticks(low: i128, high: i128, factors: &[i128]) -> Vec<i128> {
    std::iter::successors(Some(1_i128), |decade| decade.checked_mul(10))
        .take_while(|decade| *decade <= high)
        .flat_map(|decade| factors.iter().map(move |factor| decade.saturating_mul(*factor)))
        .filter(|tick| (low..=high).contains(tick))
        .collect()
}

#[cfg(test)]
mod tests;
