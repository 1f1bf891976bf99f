//! Tables of days: what a chain used and paid in each.
//!
//! Such tables are not held to a fee rule, since no rule binds means of days; what is read from them is
//! use against limits. Columns are `timestamp` (Unix seconds of the day's start) or `date`
//! (`2025-02-04`), `gas_limit_avg`, `gas_used_total`, and if known `avg_gas_price_wei`; names by which
//! Etherscan's charts are commonly joined are recognised. Others in the table are left alone.

use std::io::BufRead;

use chaos_simulation::change::days::Day;
use chaos_types::Digest;
use sha2::{Digest as _, Sha256};

use crate::{
    HistoryError,
    bytes::{self, Limited},
    cell, csv,
};

/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// Most days of a table: two centuries.
const DAYS_MAX: usize = 73_000;

/// Days of a chain, ascending, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayTable {
    days: Vec<Day>,
}

/// Why a table of days was not read. Lines are counted from one.
#[derive(Debug, thiserror::Error)]
pub enum DaysError {
    /// The file is no table at all.
    #[error(transparent)]
    Table(#[from] HistoryError),
    /// A column is missing.
    #[error("table of days, line 1: no column for {missing} ({names}); found the columns {found}")]
    Header {
        /// What is missing.
        missing: &'static str,
        /// The names that are known for it.
        names: String,
        /// The columns found.
        found: String,
    },
    /// A row has too few or too many columns.
    #[error("table of days, line {line}: expected {expected} columns, found {found}")]
    Width {
        /// The line.
        line: u64,
        /// Columns of the header.
        expected: usize,
        /// Columns of the row.
        found: usize,
    },
    /// A cell does not hold what it should.
    #[error("table of days, line {line}: {column} expects {expected}, found `{found}`")]
    Cell {
        /// The line.
        line: u64,
        /// The column's name here.
        column: &'static str,
        /// What it should hold.
        expected: &'static str,
        /// What it holds, at most 80 characters of it.
        found: String,
    },
    /// `date` and `timestamp` of a row are different days.
    #[error(
        "table of days, line {line}: the date and the timestamp {timestamp} are different days"
    )]
    TwoDays {
        /// The line.
        line: u64,
        /// The time.
        timestamp: u64,
    },
    /// A day does not come after the one before it.
    #[error(
        "table of days, line {line}: the day of {timestamp} does not come after that of {previous}"
    )]
    Order {
        /// The line.
        line: u64,
        /// Its time.
        timestamp: u64,
        /// The time of the row before.
        previous: u64,
    },
    /// There is no row.
    #[error("table of days: no day")]
    Empty,
    /// There are too many rows.
    #[error("table of days: more than {DAYS_MAX} days")]
    TooMany,
}

/// The columns, by the names that they have elsewhere.
const COLUMNS: [(&str, &[&str]); 5] = [
    ("timestamp", &["timestamp", "unixtimestamp", "time"]),
    ("date", &["date", "day"]),
    ("gas_limit_avg", &["gas_limit_avg", "avg_gas_limit", "gas_limit", "gaslimit"]),
    ("gas_used_total", &["gas_used_total", "total_gas_used", "gas_used", "gasused"]),
    ("avg_gas_price_wei", &["avg_gas_price_wei", "gas_price_wei", "avg_gas_price"]),
];

impl DayTable {
    /// Reads a table of days: CSV, plain or gzip.
    ///
    /// # Errors
    /// If it is no such table; the error names the line.
    pub fn read(reader: impl BufRead) -> Result<Self, DaysError> {
        bytes::read_days(reader)
    }

    /// The days, ascending. Days may be missing between them.
    #[must_use]
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// SHA-256 of the rows in one spelling: `timestamp,gas_limit_avg,gas_used_total,avg_gas_price_wei` and
    /// a line per day, each ended by one line feed, an empty cell for a price that is not known.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = Sha256::new();
        hasher.update(b"timestamp,gas_limit_avg,gas_used_total,avg_gas_price_wei\n");
        for day in &self.days {
            let price = day.price_wei.map(|price| price.to_string()).unwrap_or_default();
            let Day { timestamp, gas_limit, gas_used, .. } = day;
            hasher.update(format!("{timestamp},{gas_limit},{gas_used},{price}\n"));
        }
        Digest::from_bytes(hasher.finalize().into())
    }
}

/// Where the columns stand.
struct Layout {
    places: [Option<usize>; 5],
    width: usize,
}

impl Layout {
    fn of(header: &str) -> Result<Self, DaysError> {
        let mut names = Vec::new();
        csv::split(header, 1, |_, name| names.push(name.trim().to_lowercase()))?;
        let places =
            COLUMNS.map(|(_, known)| names.iter().position(|name| known.contains(&name.as_str())));
        let missing = match places {
            [None, None, ..] => Some(0),
            [_, _, None, ..] => Some(2),
            [_, _, _, None, _] => Some(3),
            [..] => None,
        };
        match missing {
            None => Ok(Self { places, width: names.len() }),
            Some(place) => Err(DaysError::Header {
                missing: COLUMNS[place].0,
                names: COLUMNS[place].1.join(", "),
                found: names.join(", ").chars().take(200).collect(),
            }),
        }
    }

    fn day(&self, text: &str, line: u64) -> Result<Day, DaysError> {
        let mut cells: [Option<String>; 5] = [const { None }; 5];
        let found = csv::split(text, line, |place, cell| {
            for (column, cells) in self.places.iter().zip(&mut cells) {
                if *column == Some(place) {
                    *cells = Some(cell.trim().to_owned());
                }
            }
        })?;
        if found != self.width {
            return Err(DaysError::Width { line, expected: self.width, found });
        }
        let bad = |place: usize, expected: &'static str| DaysError::Cell {
            line,
            column: COLUMNS[place].0,
            expected,
            found: cells[place].clone().unwrap_or_default().chars().take(80).collect(),
        };
        let number = |place: usize| match cells[place].as_deref().map(cell::number) {
            None | Some(Ok(None)) => Ok(None),
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(bad(place, error.expected())),
        };
        let needed = |place: usize| number(place)?.ok_or_else(|| bad(place, "a whole number"));
        let date = match cells[1].as_deref().filter(|date| !date.is_empty()) {
            Some(date) => {
                let time = cell::time(&format!("{date} 00:00:00")).or_else(|_| cell::time(date));
                Some(time.ok().flatten().ok_or_else(|| bad(1, "a day such as 2025-02-04"))?)
            }
            None => None,
        };
        let timestamp = match (number(0)?, date) {
            (Some(stamp), Some(date)) if stamp / DAY_S != date / DAY_S => {
                return Err(DaysError::TwoDays { line, timestamp: stamp });
            }
            (Some(time), _) | (None, Some(time)) => time / DAY_S * DAY_S,
            (None, None) => return Err(bad(0, "a Unix time in seconds")),
        };
        let gas_limit = needed(2)?;
        if gas_limit < 5_000 {
            return Err(bad(2, "a gas limit of a block, 5000 or more"));
        }
        Ok(Day {
            timestamp,
            gas_limit,
            gas_used: needed(3)?,
            price_wei: number(4)?.map(u128::from),
        })
    }
}

pub(crate) fn read(lines: &mut Limited<impl BufRead>) -> Result<DayTable, DaysError> {
    let mut bytes = Vec::new();
    lines.next(&mut bytes)?;
    let header = csv::text(csv::without_mark(&bytes), 1)?;
    let layout = Layout::of(header)?;
    let mut days: Vec<Day> = Vec::new();
    let (mut line, mut blank) = (1, None);
    while lines.next(&mut bytes)? {
        line += 1;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            blank = blank.or(Some(line));
            continue;
        }
        if let Some(line) = blank {
            return Err(HistoryError::Blank { line }.into());
        }
        let day = layout.day(csv::text(&bytes, line)?, line)?;
        if let Some(last) = days.last()
            && day.timestamp <= last.timestamp
        {
            let (timestamp, previous) = (day.timestamp, last.timestamp);
            return Err(DaysError::Order { line, timestamp, previous });
        }
        if days.len() == DAYS_MAX {
            return Err(DaysError::TooMany);
        }
        days.push(day);
    }
    if days.is_empty() { Err(DaysError::Empty) } else { Ok(DayTable { days }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DayTable, DaysError> {
        DayTable::read(text.as_bytes())
    }

    #[test]
    fn days_are_read_by_date_or_time_and_unknown_prices_stay_unknown() {
        let by_date = read("date,gas_limit_avg,gas_used_total\n2025-02-04,34966921,126121006227\n");
        let by_time = read(
            "\u{feff}UnixTimeStamp,total_gas_used,gaslimit,avg_gas_price\r\n\
             1738627200,126121006227,34966921,\r\n",
        );
        let (by_date, by_time) = (by_date.unwrap(), by_time.unwrap());
        assert_eq!(by_date, by_time);
        assert_eq!(by_date.digest(), by_time.digest());
        assert_eq!(by_date.days()[0].timestamp, 1_738_627_200);
        assert_eq!(by_date.days()[0].price_wei, None);
    }

    #[test]
    fn what_is_no_table_of_days_is_refused_with_its_line() {
        let head = "date,timestamp,gas_limit_avg,gas_used_total\n";
        for (text, part) in [
            ("date,gas_used_total\n".to_owned(), "gas_limit_avg"),
            (format!("{head}2025-02-04,1738713600,30000000,1\n"), "line 2: the date and"),
            (format!("{head}2025-02-04,,30000000,1\n2025-02-04,,30000000,1\n"), "line 3"),
            (format!("{head}4.2.2025,,30000000,1\n"), "2025-02-04"),
            (format!("{head}2025-02-04,,30000000.5,1\n"), "gas_limit_avg expects"),
            (format!("{head}2025-02-04,,30,1\n"), "5000"),
            (format!("{head}2025-02-04,,30000000\n"), "expected 4 columns"),
            (head.to_owned(), "no day"),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
