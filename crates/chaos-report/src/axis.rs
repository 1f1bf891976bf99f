//! Units and ticks of an axis.

use crate::{
    quantity::{self, Unit},
    scale,
};

impl Unit {
    /// Round values in `low..=high` with their labels; at most `count_max`.
    #[must_use]
    pub fn ticks(&self, low: i128, high: i128, count_max: i128) -> Vec<(i128, String)> {
        const FINE: i128 = 1_000_000;
        let fine = |value: i128| value.saturating_mul(FINE) / self.raw_units();
        scale::ticks(fine(low), fine(high), count_max)
            .into_iter()
            .map(|tick| {
                (tick.saturating_mul(self.raw_units()) / FINE, quantity::three_digits(tick, 6))
            })
            .collect()
    }

    /// One value without the unit's name, as it stands at a tick.
    #[must_use]
    pub fn label(&self, value: i128) -> String {
        quantity::three_digits(value.saturating_mul(1_000_000) / self.raw_units(), 6)
    }

    /// A quantity's name with the unit behind it, as an axis is labelled.
    #[must_use]
    pub fn after(&self, label: &str) -> String {
        if self.name().is_empty() { label.to_owned() } else { format!("{label}, {}", self.name()) }
    }
}

/// The first letter large, as a title begins.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// A text cut to `characters`, with an ellipsis where something is missing.
#[must_use]
pub fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    format!("{}\u{2026}", kept.trim_end())
}

/// The middle of some values; zero if there are none.
#[must_use]
pub fn median(values: &[i128]) -> i128 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// A number of rows or columns in the drawing's own type.
#[must_use]
pub fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX / 4_096)
}
