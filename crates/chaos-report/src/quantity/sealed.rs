//! The first way to write a number by itself, which digests cover.
//!
//! A proposal's title, ask and reasons are sentences with numbers in them, and its id is the digest
//! of those sentences: a different digit would be a different proposal. What is only shown is
//! written by [`quantity`](super) instead, which gives small values digits that tell them.

use super::{
    decimal, grouped, relative_ppm, three_digits,
    unit::{Per, Unit},
};

/// Parts per million as a percentage.
#[must_use]
pub fn percent(ppm: i128) -> String {
    let places = if ppm != 0 && ppm.unsigned_abs() < 1_000 { 3 } else { 1 };
    format!("{} %", decimal(ppm, 4, places))
}

/// A value with its unit, in the unit people use for it.
#[must_use]
pub fn of(value: i128, unit: &str) -> String {
    match unit {
        "ppm" => percent(value),
        "bytes" => bytes(value),
        "bytes_per_block" => format!("{}/block", bytes(value)),
        "bytes_per_month" => format!("{}/month", bytes(value)),
        unit => {
            let shown = Unit::of(unit, value);
            let number = match shown.per() {
                Per::Ten(0) | Per::Two(_) => grouped(value),
                Per::Ten(digits) => three_digits(value, digits),
            };
            shown.behind(&number)
        }
    }
}

/// Bytes in the largest binary unit of which there is at least one.
fn bytes(value: i128) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (name, power) in units {
        if value.unsigned_abs() >= 1 << power {
            // Thousandths keep the rounding exact; nothing near the limit of the type is a size.
            let milli = value.saturating_mul(1_000);
            let half = if milli < 0 { -(1 << (power - 1)) } else { 1 << (power - 1) };
            return format!("{} {name}", three_digits((milli + half) / (1 << power), 3));
        }
    }
    format!("{} B", grouped(value))
}

/// A difference with its sign and unit; shares differ by percentage points.
#[must_use]
pub fn difference(value: i128, unit: &str) -> String {
    let text = match unit {
        "ppm" => percent(value).replace('%', "pp"),
        _ => of(value, unit),
    };
    if value > 0 { format!("+{text}") } else { text }
}

/// `difference / baseline` as a signed percentage, if the baseline is not zero.
#[must_use]
pub fn relative(difference: i128, baseline: i128) -> Option<String> {
    let ppm = relative_ppm(difference, baseline)?;
    let sign = if ppm > 0 { "+" } else { "" };
    Some(format!("{sign}{}", percent(ppm)))
}

#[cfg(test)]
mod tests;
