//! How far recorded windows scatter around the model, beyond what the model expects.
//!
//! The model is fitted to a stretch as a whole; shorter windows inside it show whether its intervals
//! are wide enough. Where they are not, the interval of that figure is widened on that side, as
//! overdispersion is allowed for in regression (McCullagh and Nelder 1989, section 4.5). It is
//! never narrowed.

use std::collections::BTreeMap;

use super::Quantiles;
use crate::flow::{Metric, ObservedBlock, PathMetrics, observed_metrics};

/// Windows overlap: each begins a quarter of its length after the last.
const STRIDE_DIVISOR: usize = 4;

/// p90 of the normal distribution, 1.281552, in millionths.
const Z_P90_PPM: i128 = 1_281_552;

/// No widening.
pub(super) const NONE_PPM: u32 = 1_000_000;

/// An interval is widened by at most this factor: five.
const WIDENING_PPM_MAX: i128 = 5_000_000;

/// How much wider an interval is made below and above its median, in ppm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Widening {
    pub(super) low_ppm: u32,
    pub(super) high_ppm: u32,
}

impl Widening {
    pub(super) const NONE: Self = Self { low_ppm: NONE_PPM, high_ppm: NONE_PPM };

    /// The root of twice the mean square of standardised distances, on either side: one in
    /// expectation if the percentiles are true.
    fn of(expected: &Quantiles, observed: &[i128]) -> Self {
        let side = |width: i128, distance: &dyn Fn(i128) -> i128| -> u32 {
            let width = width.max(1);
            let squares: i128 = observed
                .iter()
                .map(|value| distance(*value).max(0))
                .map(|distance| distance.saturating_mul(Z_P90_PPM) / width)
                .map(|z| z.min(100 * 1_000_000).pow(2))
                .sum();
            let mean = 2 * squares / (observed.len().max(1) as i128);
            u32::try_from(mean.isqrt().clamp(NONE_PPM.into(), WIDENING_PPM_MAX)).unwrap_or(NONE_PPM)
        };
        let middle = expected.p50;
        Self {
            low_ppm: side(middle.saturating_sub(expected.p10), &|value| {
                middle.saturating_sub(value)
            }),
            high_ppm: side(expected.p90.saturating_sub(middle), &|value| {
                value.saturating_sub(middle)
            }),
        }
    }

    /// The percentiles moved away from the median; what cannot be negative or above one stays so.
    pub(super) fn apply(self, quantiles: Quantiles, metric: Metric) -> Quantiles {
        let middle = quantiles.p50;
        let (least, most) = metric.range();
        let moved = |value: i128, ppm: u32| {
            let apart = value.saturating_sub(middle).saturating_mul(ppm.into()) / 1_000_000;
            middle.saturating_add(apart).clamp(least, most)
        };
        Quantiles {
            p2_5: moved(quantiles.p2_5, self.low_ppm),
            p10: moved(quantiles.p10, self.low_ppm),
            p50: middle,
            p90: moved(quantiles.p90, self.high_ppm),
            p97_5: moved(quantiles.p97_5, self.high_ppm),
        }
    }
}

/// Widenings by metric, and the number of windows they rest on.
pub(super) fn widenings(
    fit: &[ObservedBlock],
    window_blocks: usize,
    elasticity_multiplier: u64,
    paths: &[PathMetrics],
) -> (BTreeMap<Metric, Widening>, u64) {
    let windows: Vec<PathMetrics> = fit
        .windows(window_blocks)
        .step_by((window_blocks / STRIDE_DIVISOR).max(1))
        .map(|window| observed_metrics(window, elasticity_multiplier))
        .collect();
    let of = |paths: &[PathMetrics], metric: Metric| -> Vec<i128> {
        paths.iter().filter_map(|path| path.get(&metric).copied()).collect()
    };
    let widenings = Metric::ALL
        .into_iter()
        .filter(|_| !windows.is_empty())
        .map(|metric| {
            let expected = Quantiles::of(of(paths, metric));
            (metric, Widening::of(&expected, &of(&windows, metric)))
        })
        .collect();
    (widenings, windows.len() as u64)
}

#[cfg(test)]
mod tests;
