//! Scoring rules and intervals in integers.

use serde::{Deserialize, Serialize};

use super::Quantiles;

/// The square of the normal quantile of 97.5 %, 1.959964^2, in millionths.
const Z_SQUARED_PPM: u128 = 3_841_459;

/// How often an interval held, with its binomial uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Figures inside the interval.
    pub inside: u64,
    /// Figures scored.
    pub of: u64,
    /// Share inside in ppm.
    pub share_ppm: u64,
    /// Lower end of the 95 % interval of the true share in ppm.
    pub low_ppm: u64,
    /// Upper end of the same.
    pub high_ppm: u64,
}

impl Coverage {
    /// The share and the interval of Wilson (1927) as if `independent` figures had been scored.
    ///
    /// Figures of one window move together, so the interval counts windows, not figures.
    pub(crate) fn new(inside: u64, of: u64, independent: u64) -> Self {
        let share_ppm = inside * 1_000_000 / of.max(1);
        let count = u128::from(independent.max(1));
        let share = u128::from(share_ppm);
        // Wilson: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), times n, in millionths.
        let centre = share * count + Z_SQUARED_PPM / 2;
        let spread =
            Z_SQUARED_PPM * (share * (1_000_000 - share) / 1_000_000 * count + Z_SQUARED_PPM / 4);
        let (half, whole) = (spread.isqrt(), count * 1_000_000 + Z_SQUARED_PPM);
        let end = |numerator: u128| {
            u64::try_from((numerator * 1_000_000 / whole).min(1_000_000)).unwrap_or(1_000_000)
        };
        Self {
            inside,
            of,
            share_ppm,
            low_ppm: end(centre.saturating_sub(half)),
            high_ppm: end(centre + half),
        }
    }
}

/// Nearest-rank percentile of ascending values, in tenths of a per cent.
pub(super) fn quantile(ascending: &[i128], permille: usize) -> i128 {
    let rank = (ascending.len() * permille).div_ceil(1_000).max(1);
    ascending.get(rank - 1).copied().unwrap_or_default()
}

impl Quantiles {
    /// The percentiles of these values.
    pub(crate) fn of(mut values: Vec<i128>) -> Self {
        values.sort_unstable();
        let [p2_5, p10, p50, p90, p97_5] =
            [25, 100, 500, 900, 975].map(|permille| quantile(&values, permille));
        Self { p2_5, p10, p50, p90, p97_5 }
    }

    /// Everybody's percentile is the same value: a forecast without doubt.
    pub(crate) const fn point(value: i128) -> Self {
        Self { p2_5: value, p10: value, p50: value, p90: value, p97_5: value }
    }

    /// Mean over the five percentiles of the pinball loss, in the unit of the value, times 1,000.
    ///
    /// It is least in expectation when the percentiles are true (Gneiting and Raftery 2007).
    pub(crate) fn pinball_milli(&self, observed: i128) -> i128 {
        let losses =
            [(25, self.p2_5), (100, self.p10), (500, self.p50), (900, self.p90), (975, self.p97_5)]
                .map(|(permille, predicted)| {
                    let apart = observed.saturating_sub(predicted);
                    if apart >= 0 {
                        apart.saturating_mul(permille)
                    } else {
                        apart.saturating_neg().saturating_mul(1_000 - permille)
                    }
                });
        losses.iter().fold(0i128, |sum, loss| sum.saturating_add(*loss)) / 5
    }

    /// Winkler's score of the interval p10 to p90: its width, plus ten times the distance by which
    /// the observed value lies outside.
    pub(super) const fn winkler(&self, observed: i128) -> i128 {
        let below = self.p10.saturating_sub(observed);
        let above = observed.saturating_sub(self.p90);
        let outside = if below > 0 {
            below
        } else if above > 0 {
            above
        } else {
            0
        };
        self.p90.saturating_sub(self.p10).saturating_add(outside.saturating_mul(10))
    }
}

/// Relative distance of `value` from `reference` in ppm; `None` if there is nothing to relate to.
pub(super) fn relative_ppm(value: i128, reference: i128) -> Option<i128> {
    let apart = value.saturating_sub(reference).saturating_mul(1_000_000);
    apart.checked_div(reference.checked_abs()?)
}

/// One less loss over naive loss in ppm; `None` if the naive forecast lost nothing.
pub(crate) fn skill_ppm(loss: i128, naive: i128) -> Option<i128> {
    let ratio = loss.saturating_mul(1_000_000).checked_div(naive)?;
    Some(1_000_000i128.saturating_sub(ratio))
}

#[cfg(test)]
mod tests;
