//! Numbers as people read them: grouping, decimals, the unit that people use.
//!
//! Only integers: rounding is half away from zero, so a document is the same on every machine. A value by
//! itself is written by [`of`], values of one row by a [`Comparison`], which decides their unit and digits
//! once for the table, the sentence, the post and the terminal. Both give about three significant digits, and
//! a value too small for its row has its own: only nothing is written as `0`. [`sealed`] keeps the words of
//! the first version, where digests cover them.

mod comparison;
pub mod sealed;
mod unit;

pub use comparison::Comparison;
pub use unit::Unit;

/// Groups digits by thousands with commas.
#[must_use]
pub fn grouped(value: i128) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    if value < 0 {
        text.push('\u{2212}');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `value / 10^scale` with `places` decimals.
#[must_use]
pub fn decimal(value: i128, scale: u32, places: u32) -> String {
    let magnitude = value.unsigned_abs();
    let unit = 10_u128.pow(scale.saturating_sub(places));
    let scaled = (magnitude / unit)
        .saturating_add(u128::from(magnitude % unit >= unit.div_ceil(2) && scale > places));
    let base = 10_u128.pow(places.min(scale));
    let whole = i128::try_from(scaled / base).unwrap_or(i128::MAX);
    let sign = if value < 0 && scaled > 0 { "\u{2212}" } else { "" };
    if places == 0 || scale == 0 {
        return format!("{sign}{}", grouped(whole));
    }
    let width = places.min(scale) as usize;
    format!("{sign}{}.{:0width$}", grouped(whole), scaled % base)
}

/// `value / 10^scale` with about three significant digits.
#[must_use]
pub fn three_digits(value: i128, scale: u32) -> String {
    let magnitude = value.unsigned_abs();
    let mut places = 0;
    while places < scale && places < 9 && magnitude / 10_u128.pow(scale - places) < 100 {
        places += 1;
    }
    let text = decimal(value, scale, places);
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Parts per million as a percentage.
#[must_use]
pub fn percent(ppm: i128) -> String {
    of(ppm, "ppm")
}

/// A value with its unit, in the unit people use for it.
#[must_use]
pub fn of(value: i128, unit: &str) -> String {
    Comparison::among(unit, &[value]).value(value)
}

/// A difference with its sign and unit; shares differ by percentage points.
#[must_use]
pub fn difference(value: i128, unit: &str) -> String {
    Comparison::among(unit, &[value]).difference(value)
}

/// `difference / baseline` as a signed percentage, if the baseline is not zero.
#[must_use]
pub fn relative(difference: i128, baseline: i128) -> Option<String> {
    let ppm = relative_ppm(difference, baseline)?;
    let sign = if ppm > 0 { "+" } else { "" };
    Some(format!("{sign}{}", percent(ppm)))
}

/// `difference / |baseline|` in parts per million, rounded half away from zero.
#[must_use]
pub fn relative_ppm(difference: i128, baseline: i128) -> Option<i128> {
    let base = i128::try_from(baseline.unsigned_abs()).ok().filter(|base| *base > 0)?;
    let scaled = difference.checked_mul(1_000_000)?;
    let half = base / 2;
    Some(if scaled < 0 { (scaled - half) / base } else { (scaled + half) / base })
}

#[cfg(test)]
mod tests;
