//! Dates inside documents and revocation lists. The verifying library checks the documents; these
//! readers only take the dates out, from the very bytes that it verifies.

use super::Window;

const SECONDS_PER_DAY: u64 = 86_400;

/// Unix seconds of `YYYY-MM-DDTHH:MM:SSZ`, the one form in which Intel writes dates.
pub(crate) fn rfc3339_s(text: &str) -> Option<u64> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if separators.iter().any(|(at, separator)| bytes[*at] != *separator) {
        return None;
    }
    let digits = |from: usize, to: usize| number(&bytes[from..to]);
    unix_s([
        digits(0, 4)?,
        digits(5, 7)?,
        digits(8, 10)?,
        digits(11, 13)?,
        digits(14, 16)?,
        digits(17, 19)?,
    ])
}

/// `thisUpdate` and `nextUpdate` of a certificate revocation list, RFC 5280 section 5.1.
pub(super) fn crl_window(der: &[u8]) -> Option<Window> {
    const SEQUENCE: u8 = 0x30;
    let (SEQUENCE, list, []) = element(der)? else { return None };
    let (SEQUENCE, mut rest, _) = element(list)? else { return None };
    let mut times = [0; 2];
    let mut found = 0;
    while found < 2 {
        let (tag, content, after) = element(rest)?;
        match (tag, found) {
            (0x17 | 0x18, _) => {
                times[found] = der_time_s(tag, content)?;
                found += 1;
            }
            // version, signature algorithm and issuer come first; nothing comes between the dates
            (0x02 | SEQUENCE, 0) => {}
            _ => return None,
        }
        rest = after;
    }
    Some(Window { issued_at_s: times[0], next_update_s: times[1] })
}

/// One DER element: its tag, its content, and what follows.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (len, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            (len.iter().fold(0, |len, byte| (len << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

/// `UTCTime` (two digits of the year, 1950 to 2049) or `GeneralizedTime`, both in UTC.
fn der_time_s(tag: u8, content: &[u8]) -> Option<u64> {
    let (year, rest) = content.split_at_checked(if tag == 0x17 { 2 } else { 4 })?;
    let year = match (tag, number(year)?) {
        (0x17, year @ 50..) => 1900 + year,
        (0x17, year) => 2000 + year,
        (_, year) => year,
    };
    let rest: &[u8; 11] = rest.try_into().ok()?;
    if rest[10] != b'Z' {
        return None;
    }
    let pair = |at: usize| number(&rest[at..at + 2]);
    unix_s([year, pair(0)?, pair(2)?, pair(4)?, pair(6)?, pair(8)?])
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'))
    })
}

/// Unix seconds of a moment of the Gregorian calendar from 1970 to 9999.
fn unix_s([year, month, day, hour, minute, second]: [u64; 6]) -> Option<u64> {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let month_days = |month: u64| match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let valid = year >= 1970
        && (1..=12).contains(&month)
        && (1..=month_days(month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !valid {
        return None;
    }
    let before = year - 1;
    let leap_days =
        (before / 4 - before / 100 + before / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
    let days = (year - 1970) * 365 + leap_days + (1..month).map(month_days).sum::<u64>() + day - 1;
    Some(days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second)
}
