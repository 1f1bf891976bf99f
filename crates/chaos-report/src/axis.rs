//! Units and ticks of an axis.

use crate::{quantity, scale};

/// The unit that an axis is labelled in, and how much of the raw unit it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its name, such as `gwei`; empty for a plain number.
    pub name: String,
    per: i128,
}

impl Unit {
    /// The unit people use for values of `unit` as large as `largest`.
    #[must_use]
    pub fn of(unit: &str, largest: i128) -> Self {
        let large = largest.unsigned_abs();
        let (name, per) = match unit {
            "ppm" => ("%", 10_000),
            "wei" if large < 100_000 => ("wei", 1),
            "wei" if large < 1_000_000_000_000_000 => ("gwei", 1_000_000_000),
            "wei" => ("ETH", 1_000_000_000_000_000_000),
            "wei_per_day" => ("ETH/day", 1_000_000_000_000_000_000),
            "wei_per_block" => ("ETH/block", 1_000_000_000_000_000_000),
            "gas" | "gas_per_block" if large >= 100_000 => ("Mgas", 1_000_000),
            "gas" | "gas_per_block" => ("gas", 1),
            "gas_per_second" | "gas/s" => ("Mgas/s", 1_000_000),
            "nanoseconds" => ("ms", 1_000_000),
            "microseconds" => ("ms", 1_000),
            "milliseconds" => ("ms", 1),
            "seconds" => ("s", 1),
            "milli_blocks" => ("blocks", 1_000),
            "milli_count" => ("", 1_000),
            "count" | "ratio" => ("", 1),
            "bytes" | "bytes_per_block" | "bytes_per_month" => return Self::bytes(unit, large),
            other => (other, 1),
        };
        Self { name: name.to_owned(), per }
    }

    fn bytes(unit: &str, large: u128) -> Self {
        let (name, power) = match large {
            0..1_024 => ("B", 0),
            1_024..1_048_576 => ("KiB", 10),
            1_048_576..1_073_741_824 => ("MiB", 20),
            _ => ("GiB", 30),
        };
        let rate =
            unit.strip_prefix("bytes_per_").map_or_else(String::new, |per| format!("/{per}"));
        Self { name: format!("{name}{rate}"), per: 1 << power }
    }

    /// Round values in `low..=high` with their labels; at most `count_max`.
    #[must_use]
    pub fn ticks(&self, low: i128, high: i128, count_max: i128) -> Vec<(i128, String)> {
        const FINE: i128 = 1_000_000;
        let fine = |value: i128| value.saturating_mul(FINE) / self.per;
        scale::ticks(fine(low), fine(high), count_max)
            .into_iter()
            .map(|tick| (tick.saturating_mul(self.per) / FINE, quantity::three_digits(tick, 6)))
            .collect()
    }

    /// One value without the unit's name.
    #[must_use]
    pub fn label(&self, value: i128) -> String {
        quantity::three_digits(value.saturating_mul(1_000_000) / self.per, 6)
    }

    /// A quantity's name with the unit behind it, as an axis is labelled.
    #[must_use]
    pub fn after(&self, label: &str) -> String {
        if self.name.is_empty() { label.to_owned() } else { format!("{label}, {}", self.name) }
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
