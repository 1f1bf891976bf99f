//! The unit that people use for a value.

/// From a thousandth of an ether on, an amount reads better in ether than in gwei; no base fee per
/// gas has come near it.
const WEI_SHOWN_AS_ETHER: u128 = 1_000_000_000_000_000;

/// Below this many wei, an amount reads better in wei than in gwei.
const WEI_SHOWN_AS_GWEI: u128 = 100_000;

/// Below this much gas, an amount reads better in gas than in millions of it.
const GAS_SHOWN_AS_MILLIONS: u128 = 100_000;

/// The shown unit, and how much of the raw unit it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    name: String,
    per: Per,
}

/// Raw units in a shown one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Per {
    /// A power of ten.
    Ten(u32),
    /// A power of two.
    Two(u32),
}

impl Unit {
    /// The unit people use for values of `unit` as large as `largest`.
    #[must_use]
    pub fn of(unit: &str, largest: i128) -> Self {
        let large = largest.unsigned_abs();
        let (name, digits) = match unit {
            "ppm" => ("%", 4),
            "wei" if large < WEI_SHOWN_AS_GWEI => ("wei", 0),
            "wei" if large < WEI_SHOWN_AS_ETHER => ("gwei", 9),
            "wei" => ("ETH", 18),
            "wei_per_day" => ("ETH/day", 18),
            "wei_per_block" => ("ETH/block", 18),
            "gas" | "gas_per_block" if large >= GAS_SHOWN_AS_MILLIONS => ("Mgas", 6),
            "gas" | "gas_per_block" => ("gas", 0),
            "gas_per_second" | "gas/s" => ("Mgas/s", 6),
            "nanoseconds" => ("ms", 6),
            "microseconds" => ("ms", 3),
            "milliseconds" => ("ms", 0),
            "seconds" => ("s", 0),
            "milli_blocks" => ("blocks", 3),
            "milli_count" => ("", 3),
            "count" | "ratio" => ("", 0),
            "bytes" | "bytes_per_block" | "bytes_per_month" => return Self::bytes(unit, large),
            other => (other, 0),
        };
        Self { name: name.to_owned(), per: Per::Ten(digits) }
    }

    /// The raw unit itself, for figures that need every digit.
    pub(crate) fn raw(unit: &str) -> Self {
        match unit {
            "bytes" | "bytes_per_block" | "bytes_per_month" => Self::bytes(unit, 0),
            other => Self { name: other.replace('_', " "), per: Per::Ten(0) },
        }
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
        let per = if power == 0 { Per::Ten(0) } else { Per::Two(power) };
        Self { name: format!("{name}{rate}"), per }
    }

    /// Its name, such as `gwei`; empty for a plain number.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many raw units are one of it.
    #[must_use]
    pub const fn raw_units(&self) -> i128 {
        match self.per {
            Per::Ten(digits) => 10_i128.pow(digits),
            Per::Two(power) => 1 << power,
        }
    }

    pub(crate) const fn per(&self) -> Per {
        self.per
    }

    /// A number with the unit behind it.
    pub(crate) fn behind(&self, number: &str) -> String {
        if self.name.is_empty() { number.to_owned() } else { format!("{number} {}", self.name) }
    }
}
