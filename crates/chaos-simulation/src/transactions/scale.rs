//! Fast logarithm and power for drawing users: two small tables in place of 32 squarings.

use chaos_parameters::fixed;

/// Q32 bits used as an index of each table.
const INDEX_BITS: u32 = 8;
const INDEX_COUNT: usize = 1 << INDEX_BITS;

/// Tables of 2^x and log2 x. Errors, checked in the tests: powers 2^-30 relative and one unit of
/// flooring, logarithms 2^-18 absolute.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    /// 2^(i/2^8) with 62 fractional bits.
    coarse: [u64; INDEX_COUNT],
    /// 2^(i/2^16) with 62 fractional bits.
    fine: [u64; INDEX_COUNT],
    /// log2(1 + i/2^8) in Q32, with one entry beyond the end to interpolate to.
    logs: [u64; INDEX_COUNT + 1],
}

/// ln 2 with 32 fractional bits.
const LN_2_Q32: u64 = 2_977_044_472;

impl Scale {
    pub(super) fn new() -> Self {
        let power = |exponent_q32: usize| {
            let exponent = i64::try_from(exponent_q32).expect("an index of 32 bits at most");
            u64::try_from(fixed::scale_exp2(1 << 62, exponent)).expect("below 2^63")
        };
        let log = |index: usize| {
            let mantissa = (INDEX_COUNT + index) as u128;
            u64::try_from(fixed::log2_q32(mantissa) - (i64::from(INDEX_BITS) << 32))
                .expect("the mantissa is one or more")
        };
        Self {
            coarse: std::array::from_fn(|index| power(index << 24)),
            fine: std::array::from_fn(|index| power(index << 16)),
            logs: std::array::from_fn(log),
        }
    }

    /// `value * 2^exponent` with the exponent in Q32, floored; saturates at `u64::MAX`.
    #[inline]
    pub(super) fn exp2(&self, value: u64, exponent_q32: i64) -> u64 {
        let whole = exponent_q32 >> 32;
        let fraction = exponent_q32.cast_unsigned() & 0xffff_ffff;
        let coarse = self.coarse[index(fraction >> 24)];
        let fine = self.fine[index(fraction >> 16)];
        let mantissa = high(coarse, fine) << 2;
        // 2^x is 1 + x ln 2 for the last 16 bits, below 2^-16.
        let rest = ((fraction & 0xffff) * LN_2_Q32) >> 32;
        let mantissa = mantissa + (high(mantissa, rest << 32));
        // The mantissa has 62 fractional bits and lies between 2^62 and 2^63.
        let product = u128::from(value) * u128::from(mantissa);
        let shift = 62 - whole;
        match u32::try_from(shift) {
            Ok(right) if right < 128 => u64::try_from(product >> right).unwrap_or(u64::MAX),
            Ok(_) => 0,
            Err(_) => {
                let left = u32::try_from(-shift).unwrap_or(u32::MAX);
                if left < product.leading_zeros() {
                    u64::try_from(product << left).unwrap_or(u64::MAX)
                } else if product == 0 {
                    0
                } else {
                    u64::MAX
                }
            }
        }
    }

    /// log2 of a positive number in Q32; zero is treated as one.
    #[inline]
    pub(super) fn log2(&self, value: u64) -> i64 {
        let value = value.max(1);
        let zeros = value.leading_zeros();
        // The leading bit goes to the top, so that what follows is the fraction of the mantissa.
        let fraction = (value << zeros) << 1;
        let place = index(fraction >> 56);
        let (low, above) = (self.logs[place], self.logs[place + 1]);
        let between = (fraction << 8) >> 32;
        let log = low + (((above - low) * between) >> 32);
        (i64::from(63 - zeros) << 32) + log.cast_signed()
    }
}

/// The low eight bits as an index.
#[inline]
fn index(bits: u64) -> usize {
    usize::from((bits & 0xff).to_le_bytes()[0])
}

/// The high half of a 64-bit product.
#[inline]
fn high(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    u64::try_from(product >> 64).expect("the high half of a 128-bit product has 64 bits")
}

#[cfg(test)]
mod tests;
