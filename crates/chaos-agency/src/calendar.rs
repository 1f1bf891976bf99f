//! Times as people read them, in UTC.

/// The day in UTC of a time in Unix seconds, `YYYY-MM-DD`.
#[must_use]
pub fn date(unix_s: u64) -> String {
    let (year, month, day) = civil(unix_s / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time in milliseconds since 1970, `YYYY-MM-DD HH:MM:SS UTC`.
#[must_use]
pub fn moment(unix_ms: u64) -> String {
    let unix_s = unix_ms / 1_000;
    let second = unix_s % 86_400;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{} {hour:02}:{minute:02}:{second:02} UTC", date(unix_s))
}

/// The proleptic Gregorian date of a day counted from 1970-01-01, by eras of 400 years that begin
/// in March (<https://howardhinnant.github.io/date_algorithms.html>).
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::{civil, moment};

    #[test]
    fn milliseconds_become_a_time_of_day() {
        // date -u -d @...
        assert_eq!(moment(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(moment(1_790_000_000_999), "2026-09-21 14:13:20 UTC");
        assert_eq!(moment(86_399_000), "1970-01-01 23:59:59 UTC");
    }

    #[test]
    fn days_become_the_dates_of_the_calendar() {
        // Leap days of 2000 and 2024, and the first and last days of years (date -u -d @...).
        for (days, date) in [
            (0, (1970, 1, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (19_782, (2024, 2, 29)),
            (20_088, (2024, 12, 31)),
            (20_778, (2026, 11, 21)),
        ] {
            assert_eq!(civil(days), date);
        }
    }
}
