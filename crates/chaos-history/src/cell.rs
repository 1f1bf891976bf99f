//! Numbers and times as tables write them.

use chaos_chain_config::HeaderFees;

/// Why a cell was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellError {
    /// No whole number.
    Whole,
    /// Separators between thousands.
    Separators,
    /// A fraction, as fees in gwei have.
    Fraction,
    /// No time.
    Time,
    /// A time between two seconds.
    Subsecond,
    /// Nothing, where every row has something.
    Empty,
}

impl CellError {
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Self::Whole => "a whole number below 2^64 (or one in hexadecimal after 0x)",
            Self::Separators => "a whole number without separators between thousands",
            Self::Fraction => "a whole number (fees are in wei, not in gwei)",
            Self::Time => "Unix seconds or a time such as 2021-08-05 12:33:42 UTC",
            Self::Subsecond => "a time without a fraction of a second",
            Self::Empty => "a value in every row",
        }
    }
}

/// The value of a cell, `None` if it is not known: empty, or a word for nothing.
pub(crate) fn number(text: &str) -> Result<Option<u64>, CellError> {
    let text = text.trim();
    if let Some(value) = plain(text) {
        return Ok(Some(value));
    }
    if is_nothing(text) {
        return Ok(None);
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let digits_only = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return match u64::from_str_radix(digits, 16) {
            Ok(value) if digits_only => Ok(Some(value)),
            _ => Err(CellError::Whole),
        };
    }
    if let Some((whole, fraction)) = text.split_once('.') {
        // A column with gaps becomes one of floats in pandas. A whole float below 2^53 is exact.
        let exact = plain(whole).filter(|value| *value < 1 << 53);
        let zeros = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
        return match exact {
            Some(value) if zeros => Ok(Some(value)),
            Some(_) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(CellError::Fraction)
            }
            _ => Err(CellError::Whole),
        };
    }
    let separator = |byte: u8| b",_ '".contains(&byte);
    let grouped = text.bytes().any(separator)
        && text.bytes().all(|byte| byte.is_ascii_digit() || separator(byte));
    Err(if grouped { CellError::Separators } else { CellError::Whole })
}

/// A time in Unix seconds. A text without a zone is UTC, as in every documented source.
pub(crate) fn time(text: &str) -> Result<Option<u64>, CellError> {
    let text = text.trim();
    match number(text) {
        Ok(value) => Ok(value),
        Err(_) => iso(text).map(Some),
    }
}

/// What extra data says of the fee rule, `None` if the cell is empty. Most chains keep any text there, which
/// says nothing, however it is written.
pub(crate) fn extra_data(text: &str) -> Option<Extra> {
    let text = text.trim();
    if is_nothing(text) {
        return None;
    }
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("\\x")).unwrap_or(text);
    let is_hex = digits.len().is_multiple_of(2) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    // The forms that say something are short; proof of authority signs in hundreds of bytes.
    if !is_hex || digits.len() > 64 {
        return Some(Extra::Other);
    }
    let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(pair).collect();
    Some(bytes.map_or(Extra::Other, |bytes| Extra::of(&bytes)))
}

/// What a block's extra data says of its fee rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    /// The numbers of the rule.
    Fees(HeaderFees),
    /// Something else.
    Other,
}

impl Extra {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        HeaderFees::decode(bytes).map_or(Self::Other, Self::Fees)
    }
}

fn plain(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn is_nothing(text: &str) -> bool {
    text.is_empty()
        || ["null", "none", "nan", "\\n"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// `YYYY-MM-DD`, a `T` or a space, `HH:MM:SS`, a fraction of zeros, and a zone.
fn iso(text: &str) -> Result<u64, CellError> {
    let (date, rest) = text.split_at_checked(10).ok_or(CellError::Time)?;
    let (clock, rest) = rest
        .strip_prefix(['T', ' '])
        .and_then(|rest| rest.split_at_checked(8))
        .ok_or(CellError::Time)?;
    let [year, month, day] = parts(date, '-', [4, 2, 2]).ok_or(CellError::Time)?;
    let [hour, minute, second] = parts(clock, ':', [2, 2, 2]).ok_or(CellError::Time)?;
    let in_month = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !in_month || hour > 23 || minute > 59 || second > 59 {
        return Err(CellError::Time);
    }
    let rest = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return Err(CellError::Time);
            }
            if fraction[..digits].bytes().any(|byte| byte != b'0') {
                return Err(CellError::Subsecond);
            }
            &fraction[digits..]
        }
    };
    let offset = zone(rest.trim_start()).ok_or(CellError::Time)?;
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    u64::try_from(seconds - offset).map_err(|_| CellError::Time)
}

fn parts(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut values = [0; 3];
    for (value, width) in values.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width {
            return None;
        }
        *value = i64::try_from(plain(part)?).ok()?;
    }
    parts.next().is_none().then_some(values)
}

/// Seconds that a zone is ahead of UTC.
fn zone(text: &str) -> Option<i64> {
    if ["", "Z", "z", "UTC", "GMT"].contains(&text) {
        return Some(0);
    }
    let (sign, text) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match text.len() {
        2 => (text, "00"),
        4 => text.split_at_checked(2)?,
        5 => text.split_once(':')?,
        _ => return None,
    };
    let (hours, minutes) = (plain(hours)?, plain(minutes)?);
    let seconds = i64::try_from(hours * 3_600 + minutes * 60).ok()?;
    (hours < 24 && minutes < 60).then_some(sign * seconds)
}

const fn days_in(year: i64, month: i64) -> i64 {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, whose years begin in March here, so that the leap
/// day is their last.
const fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Unix seconds of a day (`2025-05-07`, its start) or a time (ISO 8601); `None` if it is neither.
#[must_use]
pub fn parse_time(text: &str) -> Option<u64> {
    let found = time(text).or_else(|_| time(&format!("{text} 00:00:00")));
    found.ok().flatten()
}

/// The day of a Unix time in seconds as `2025-05-07`.
#[must_use]
pub fn day_of(time: u64) -> String {
    let days = i64::try_from(time / 86_400).unwrap_or(0);
    // Within a year of the wanted one; the search is short.
    let mut year = 1970 + days / 366;
    while days_since_epoch(year + 1, 1, 1) <= days {
        year += 1;
    }
    let month = (1..=12).rev().find(|month| days_since_epoch(year, *month, 1) <= days).unwrap_or(1);
    format!("{year:04}-{month:02}-{:02}", days - days_since_epoch(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_and_nothing_is_not_zero() {
        for (text, value) in [
            ("0", Some(0)),
            ("007", Some(7)),
            (" 12 ", Some(12)),
            ("0x1c9c380", Some(30_000_000)),
            ("20000000000.0", Some(20_000_000_000)),
            ("", None),
            ("NaN", None),
            ("null", None),
            ("18446744073709551615", Some(u64::MAX)),
        ] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        for (text, error) in [
            ("12.5", CellError::Fraction),
            ("1,000", CellError::Separators),
            ("1_000", CellError::Separators),
            ("-3", CellError::Whole),
            ("+3", CellError::Whole),
            ("2e10", CellError::Whole),
            ("0x", CellError::Whole),
            ("0x+5", CellError::Whole),
            ("9007199254740993.0", CellError::Whole),
            ("18446744073709551616", CellError::Whole),
        ] {
            assert_eq!(number(text), Err(error), "{text}");
        }
    }

    #[test]
    fn times_are_seconds_or_iso_8601() {
        for (text, seconds) in [
            ("1628166822", 1_628_166_822),
            ("2021-08-05 12:33:42 UTC", 1_628_166_822),
            ("2021-08-05T12:33:42Z", 1_628_166_822),
            ("2021-08-05 12:33:42.000 UTC", 1_628_166_822),
            ("2021-08-05 14:33:42+02:00", 1_628_166_822),
            ("2021-08-05 12:33:42+00", 1_628_166_822),
            ("2021-08-05T09:03:42-0330", 1_628_166_822),
            ("1970-01-01 00:00:00", 0),
            ("2024-02-29 00:00:00", 1_709_164_800),
            ("2000-03-01 00:00:00", 951_868_800),
        ] {
            assert_eq!(time(text), Ok(Some(seconds)), "{text}");
        }
        for text in [
            "2023-02-29 00:00:00",
            "2021-13-01 00:00:00",
            "2021-08-05",
            "yesterday",
            "2021-08-05 24:00:00",
            "2021-08-05 12:33:42 CET",
        ] {
            assert_eq!(time(text), Err(CellError::Time), "{text}");
        }
        assert_eq!(time("2021-08-05 12:33:42.5 UTC"), Err(CellError::Subsecond));
    }

    #[test]
    fn a_day_is_written_as_it_is_read() {
        for text in ["1970-01-01", "2000-02-29", "2024-12-31", "2025-01-01", "2399-03-01"] {
            assert_eq!(day_of(parse_time(text).unwrap() + 86_399), text);
        }
    }
}
