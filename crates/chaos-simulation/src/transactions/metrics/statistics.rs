//! Figures of a series of integers.

use std::collections::VecDeque;

use chaos_parameters::fixed;

/// Quotient rounded to nearest, ties away from zero; zero when there is nothing to divide by.
pub(super) fn ratio(numerator: u128, denominator: u128) -> i128 {
    let Some(quotient) = numerator.checked_div(denominator) else { return 0 };
    let up = u128::from(numerator % denominator >= denominator.div_ceil(2));
    i128::try_from(quotient + up).unwrap_or(i128::MAX)
}

/// A part of a whole in ppm; zero when there is no whole.
pub(super) fn share_ppm(part: u128, whole: u128) -> i128 {
    match part.checked_mul(1_000_000) {
        Some(scaled) => ratio(scaled, whole),
        // Both are sums of money; a millionth of the whole is still far above one wei.
        None => ratio(part, whole / 1_000_000),
    }
}

/// Nearest-rank percentile of ascending values; zero when there are none.
pub(super) fn percentile<T: Copy + Default>(ascending: &[T], percent: usize) -> T {
    let rank = (ascending.len() * percent).div_ceil(100).max(1);
    ascending.get(rank - 1).copied().unwrap_or_default()
}

/// The longest run of true values.
pub(super) fn longest_run(values: impl Iterator<Item = bool>) -> i128 {
    let (mut longest, mut run) = (0, 0);
    for value in values {
        run = if value { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Standard deviation of the change of the natural logarithm, in ppm.
pub(super) fn volatility_ppm(values: &[u64]) -> i128 {
    let logs: Vec<i64> = values.iter().map(|value| fixed::ln_q32((*value).into())).collect();
    let changes = || logs.windows(2).map(|pair| i128::from(pair[1]) - i128::from(pair[0]));
    let count = logs.len().saturating_sub(1).max(1) as i128;
    let mean = changes().sum::<i128>() / count;
    let variance = changes().map(|change| (change - mean).pow(2)).sum::<i128>() / count;
    fixed::q32_to_ppm(fixed::saturate(variance.max(0).isqrt())).into()
}

/// Lag-1 autocorrelation in ppm; zero for a constant series.
pub(super) fn autocorrelation_ppm(values: &[u32]) -> i128 {
    let count = values.len().max(1) as i128;
    let mean = values.iter().map(|value| i128::from(*value)).sum::<i128>() / count;
    let away = |value: &u32| i128::from(*value) - mean;
    let variance: i128 = values.iter().map(|value| away(value).pow(2)).sum();
    let covariance: i128 = values.windows(2).map(|pair| away(&pair[0]) * away(&pair[1])).sum();
    (covariance * 1_000_000).checked_div(variance).unwrap_or(0)
}

/// The largest rise and the largest fall between two values at most `window` places apart, in ppm
/// of the earlier one.
pub(super) fn run_up_and_drawdown_ppm(values: &[u64], window: usize) -> (i128, i128) {
    let (mut lowest, mut highest) = (VecDeque::new(), VecDeque::new());
    let (mut up, mut down) = (0, 0);
    for (place, value) in values.iter().enumerate() {
        slide(&mut lowest, place, window, |earlier| values[earlier] >= *value);
        slide(&mut highest, place, window, |earlier| values[earlier] <= *value);
        let least = u128::from(values[lowest[0]]);
        let most = u128::from(values[highest[0]]);
        let now = u128::from(*value);
        up = up.max(share_ppm(now - least, least.max(1)));
        down = down.max(share_ppm(most - now, most.max(1)));
    }
    (up, down)
}

/// Keeps the places of a window whose values ascend (or descend), best in front.
fn slide(queue: &mut VecDeque<usize>, place: usize, window: usize, beaten: impl Fn(usize) -> bool) {
    while queue.front().is_some_and(|front| front + window < place) {
        queue.pop_front();
    }
    while queue.back().is_some_and(|back| beaten(*back)) {
        queue.pop_back();
    }
    queue.push_back(place);
}

#[cfg(test)]
mod tests;
