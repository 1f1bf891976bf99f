//! Decay by whole days, exact.

/// One day in milliseconds.
pub const DAY_MS: u64 = 86_400_000;

/// Evidence older than this many days weighs nothing.
pub const DAYS_MAX: u64 = 1_024;

/// `D[i] = floor(2^32 * 2^(-i / half_life))` for every age in days, by exact integer comparison.
///
/// D is the largest integer whose `half_life`-th power is at most `2^(32 * half_life - i)`; no
/// logarithm and no float is involved, so every machine has the same table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecayTable {
    half_life_days: u32,
    /// The first half-life; a later entry is one of these shifted right.
    first: Vec<u64>,
}

impl DecayTable {
    /// The table for a half-life in days, from 1 to 1,024; values outside are brought inside.
    #[must_use]
    pub fn new(half_life_days: u32) -> Self {
        let half_life_days = half_life_days.clamp(1, 1_024);
        let mut first = vec![1u64 << 32];
        for age in 1..half_life_days {
            // Neighbours differ by nearly the same factor, so the search starts next to its end.
            let guess = match first[..] {
                [_, step, .., last] => shift_product(last, step),
                [.., last] => last,
                [] => 1 << 32,
            };
            first.push(largest_root(guess, half_life_days, age));
        }
        Self { half_life_days, first }
    }

    /// The factor at this age in Q32: 2^32 at age 0, 0 beyond [`DAYS_MAX`].
    #[must_use]
    pub fn factor_q32(&self, age_days: u64) -> u64 {
        if age_days > DAYS_MAX {
            return 0;
        }
        let half_life = u64::from(self.half_life_days);
        let index = usize::try_from(age_days % half_life).unwrap_or(0);
        // floor(floor(x) / 2^k) = floor(x / 2^k), so whole half-lives are shifts.
        self.first[index]
            .checked_shr(u32::try_from(age_days / half_life).unwrap_or(64))
            .unwrap_or(0)
    }
}

fn shift_product(a: u64, b: u64) -> u64 {
    u64::try_from((u128::from(a) * u128::from(b)) >> 32).unwrap_or(u64::MAX)
}

/// The largest D with `D^degree <= 2^(32 * degree - age)`, searched from `guess`.
fn largest_root(guess: u64, degree: u32, age: u32) -> u64 {
    let fits = |root: u64| power_is_at_most(root, degree, 32 * degree - age);
    // Gallop to a bracket [low, high) with fits(low) and not fits(high), then halve it.
    let (mut low, mut high, mut step) = (guess, guess + 1, 1);
    while !fits(low) {
        high = low;
        low = low.saturating_sub(step);
        step *= 2;
    }
    while fits(high) {
        low = high;
        high += step;
        step *= 2;
    }
    while high - low > 1 {
        let middle = low.midpoint(high);
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// Whether `base^degree <= 2^exponent`, with as many digits as it takes.
fn power_is_at_most(base: u64, degree: u32, exponent: u32) -> bool {
    // Little-endian digits of 64 bits.
    let mut power = vec![1u64];
    for _ in 0..degree {
        let mut carry = 0u128;
        for digit in &mut power {
            let product = u128::from(*digit) * u128::from(base) + carry;
            (*digit, carry) = (low_half(product), product >> 64);
        }
        if carry > 0 {
            power.push(low_half(carry));
        }
    }
    let top = power.last().copied().unwrap_or(0);
    let bits = 64 * u32::try_from(power.len()).unwrap_or(u32::MAX) - top.leading_zeros();
    let is_power_of_two = power.iter().map(|digit| digit.count_ones()).sum::<u32>() == 1;
    // 2^exponent itself has exponent + 1 bits; anything with fewer is smaller.
    bits <= exponent || (bits == exponent + 1 && is_power_of_two)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn low_half(value: u128) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests;
