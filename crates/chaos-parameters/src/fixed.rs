//! Fixed-point logarithm and power, the same bits on every machine.
//!
//! Numbers marked `q32` are signed with 32 fractional bits. There is no floating point, so a
//! simulation repeats to the last digit on any processor and compiler. Largest errors, checked
//! against 64-bit floats in the tests: [`log2_q32`] and [`ln_q32`] 2^-30 absolute,
//! [`scale_exp2`] 2^-48 relative plus one unit of flooring.

/// One in Q32.
pub const ONE_Q32: i64 = 1 << 32;

/// ln 2 with 62 fractional bits, rounded to nearest.
const LN_2_Q62: i128 = 3_196_577_161_300_663_915;

/// log2 e with 62 fractional bits, rounded to nearest.
const LOG2_E_Q62: i128 = 6_653_256_548_922_161_246;

/// 2^(2^-i) for i = 1..=32 with 62 fractional bits, by repeated integer square roots.
const EXP2_Q62: [u64; 32] = exp2_table();

#[expect(clippy::cast_possible_truncation, reason = "a root of a number below 2^126 fits 63 bits")]
const fn exp2_table() -> [u64; 32] {
    let mut table = [0; 32];
    let mut power: u128 = 2 << 62;
    let mut index = 0;
    while index < 32 {
        power = (power << 62).isqrt();
        table[index] = power as u64;
        index += 1;
    }
    table
}

/// log2 of a positive integer in Q32; zero is treated as one.
#[must_use]
pub fn log2_q32(value: u128) -> i64 {
    let value = value.max(1);
    let exponent = value.ilog2();
    // The mantissa in [1, 2) with 63 fractional bits; each squaring yields one bit of the log.
    let mut mantissa =
        if exponent >= 63 { value >> (exponent - 63) } else { value << (63 - exponent) };
    let mut fraction = 0i64;
    for _ in 0..32 {
        mantissa = (mantissa * mantissa) >> 63;
        fraction <<= 1;
        if mantissa >= 1 << 64 {
            mantissa >>= 1;
            fraction |= 1;
        }
    }
    (i64::from(exponent) << 32) | fraction
}

/// Natural logarithm of a positive integer in Q32; zero is treated as one.
#[must_use]
pub fn ln_q32(value: u128) -> i64 {
    log2_to_ln_q32(log2_q32(value))
}

/// Converts a base-2 logarithm to a natural one, both in Q32.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "ln 2 is below one, so the product shrinks")]
pub const fn log2_to_ln_q32(log2: i64) -> i64 {
    ((log2 as i128 * LN_2_Q62) >> 62) as i64
}

/// Converts a natural logarithm to base 2, both in Q32; saturates.
#[must_use]
pub fn ln_to_log2_q32(ln: i64) -> i64 {
    saturate((i128::from(ln) * LOG2_E_Q62) >> 62)
}

/// `value * 2^exponent` with the exponent in Q32, floored; saturates at `u128::MAX >> 1`.
#[must_use]
pub fn scale_exp2(value: u64, exponent_q32: i64) -> u128 {
    let whole = exponent_q32 >> 32;
    let fraction = exponent_q32 & (ONE_Q32 - 1);
    let mut mantissa: u128 = 1 << 62;
    for (index, factor) in EXP2_Q62.iter().enumerate() {
        if fraction >> (31 - index) & 1 == 1 {
            mantissa = (mantissa * u128::from(*factor)) >> 62;
        }
    }
    // Below 2^64 * 2^63, so there is no overflow here.
    let product = u128::from(value) * mantissa;
    let shift = 62 - whole;
    match u32::try_from(shift) {
        Ok(right) => product.checked_shr(right).unwrap_or(0),
        Err(_) => {
            let left = u32::try_from(-shift).unwrap_or(u32::MAX);
            if left < product.leading_zeros() { product << left } else { u128::MAX >> 1 }
        }
    }
}

/// Product of two Q32 numbers, floored; saturates.
#[must_use]
pub fn mul_q32(a: i64, b: i64) -> i64 {
    saturate((i128::from(a) * i128::from(b)) >> 32)
}

/// Square root of a Q32 number, floored; negative numbers give zero.
#[must_use]
pub fn sqrt_q32(value: i64) -> i64 {
    let value = u128::try_from(value).unwrap_or(0);
    saturate(i128::try_from((value << 32).isqrt()).unwrap_or(i128::MAX))
}

/// Parts per million as Q32, floored.
#[must_use]
pub fn ppm_to_q32(ppm: i64) -> i64 {
    saturate((i128::from(ppm) << 32).div_euclid(1_000_000))
}

/// Q32 as parts per million, rounded to nearest.
#[must_use]
pub fn q32_to_ppm(value: i64) -> i64 {
    saturate((i128::from(value) * 1_000_000 + (1 << 31)) >> 32)
}

/// A number of mean 0 and standard deviation 1 in Q32: the sum of twelve uniform numbers less six.
///
/// The Irwin–Hall sum is close to normal between -3 and 3 and ends at ±6.
#[must_use]
pub fn normal_q32(mut uniform: impl FnMut() -> u32) -> i64 {
    // Each 32-bit draw stands for the middle of its cell; twelve halves are the six added below.
    let sum: i64 = (0..12).map(|_| i64::from(uniform())).sum();
    sum + 6 - 6 * ONE_Q32
}

/// Clamps to the range of `i64`.
#[must_use]
pub fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests;
