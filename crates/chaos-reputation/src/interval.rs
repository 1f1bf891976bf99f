use alloy_primitives::U512;
use serde::{Deserialize, Serialize};

/// One million parts.
const PPM: u64 = 1_000_000;

/// What the evidence says at least, how much it leaves open, and what it allows at most, in ppm.
///
/// The bracket from `lower` to `upper` is ignorance, not sampling error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opinion {
    /// `floor(1e6 * r / (r + s + A))`.
    pub lower_ppm: u32,
    /// `ceil(1e6 * A / (r + s + A))`.
    pub uncertainty_ppm: u32,
    /// `lower + uncertainty`, never above 1,000,000.
    pub upper_ppm: u32,
}

/// The opinion of subjective logic from success and failure mass and prior mass `A`, all in the
/// same unit. No mass at all means complete uncertainty.
#[must_use]
pub fn opinion(success: u128, failure: u128, prior: u128) -> Opinion {
    let [success, failure, prior] = [success, failure, prior].map(U512::from);
    let total = success + failure + prior;
    if total.is_zero() {
        return Opinion { lower_ppm: 0, uncertainty_ppm: 1_000_000, upper_ppm: 1_000_000 };
    }
    let ppm = U512::from(PPM);
    let lower_ppm = to_ppm(ppm * success / total);
    let uncertainty_ppm = to_ppm((ppm * prior).div_ceil(total));
    Opinion { lower_ppm, uncertainty_ppm, upper_ppm: lower_ppm + uncertainty_ppm }
}

/// A 95 % interval for the success rate of weighted trials, in ppm, and the sample size behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wilson {
    /// Lower end, floored.
    pub low_ppm: u32,
    /// Upper end, ceiled.
    pub high_ppm: u32,
    /// Kish's effective number of trials, `(sum m)^2 / sum m^2`, in thousandths, floored.
    pub trials_milli: u64,
}

/// Wilson's score interval (1927) at `z = 1.96` with Kish's effective sample size (1965).
///
/// `success` is the weight of the trials that succeeded, `total` of all trials, and `squares` the
/// sum of the squared weights. With S = total, K = success, Q = squares, n = S^2 / Q and p = K / S
/// the ends are
/// `(2KS + z^2 Q -+ z sqrt(z^2 Q^2 + 4 K (S - K) Q)) / (2 (S^2 + z^2 Q))`,
/// computed in 512-bit integers with the root rounded outward. No trials give 0 to 1,000,000.
/// The largest intermediate is below 2^456, so no argument overflows.
#[must_use]
pub fn wilson(success: u128, total: u128, squares: u128) -> Wilson {
    if total == 0 || squares == 0 {
        return Wilson { low_ppm: 0, high_ppm: 1_000_000, trials_milli: 0 };
    }
    let [hits, all, squares] = [success.min(total), total, squares].map(U512::from);
    let n = |value: u64| U512::from(value);
    // Everything times 10^4, since z^2 = 3.8416; the root also times 10^6, to round it in ppm.
    let middle = n(20_000) * hits * all + n(38_416) * squares;
    let radicand = n(38_416) * squares * squares + n(40_000) * hits * (all - hits) * squares;
    let scaled = n(196) * n(196) * n(PPM) * n(PPM) * radicand;
    let root = floor_root(scaled);
    let root_up = if root * root == scaled { root } else { root + n(1) };
    let denominator = n(20_000) * all * all + n(2 * 38_416) * squares;
    let low = (n(PPM) * middle).saturating_sub(root_up) / denominator;
    let high = (n(PPM) * middle + root_up).div_ceil(denominator);
    let trials_milli = n(1_000) * all * all / squares;
    Wilson {
        low_ppm: to_ppm(low),
        high_ppm: to_ppm(high.min(n(PPM))),
        trials_milli: u64::try_from(trials_milli).unwrap_or(u64::MAX),
    }
}

/// Largest integer whose square is at most `value`: Newton's method from above.
fn floor_root(value: U512) -> U512 {
    if value.is_zero() {
        return value;
    }
    let mut root = U512::from(1) << value.bit_len().div_ceil(2);
    loop {
        let next = (root + value / root) >> 1;
        if next >= root {
            return root;
        }
        root = next;
    }
}

fn to_ppm(value: U512) -> u32 {
    u32::try_from(value).unwrap_or(1_000_000).min(1_000_000)
}

#[cfg(test)]
mod tests;
