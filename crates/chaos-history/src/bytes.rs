//! From bytes to the form that they are in: gzip, Parquet, or text.

use std::io::{BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::{
    Columns, DayTable, DaysError, FeeHistory, HISTORY_BYTES_MAX, HistoryError, csv, days, parquet,
};

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads a history in any of the forms.
pub(crate) fn read(
    mut reader: impl BufRead,
    columns: &Columns,
) -> Result<FeeHistory, HistoryError> {
    let start = reader.fill_buf().map_err(HistoryError::Read)?;
    if start.starts_with(&GZIP) {
        // Every member counts, and bytes after the last one are an error of the decoder's.
        let plain = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader));
        return plain_or_parquet(Limited::new(plain), columns).map_err(|error| match error {
            HistoryError::Read(source) => HistoryError::Gzip(source),
            error => error,
        });
    }
    plain_or_parquet(Limited::new(reader), columns)
}

/// Reads a table of days, plain or gzip.
pub(crate) fn read_days(mut reader: impl BufRead) -> Result<DayTable, DaysError> {
    let start = reader.fill_buf().map_err(HistoryError::Read)?;
    if start.starts_with(&GZIP) {
        let plain = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader));
        return days::read(&mut Limited::new(plain)).map_err(|error| match error {
            DaysError::Table(HistoryError::Read(source)) => HistoryError::Gzip(source).into(),
            error => error,
        });
    }
    days::read(&mut Limited::new(reader))
}

fn plain_or_parquet(
    mut reader: Limited<impl BufRead>,
    columns: &Columns,
) -> Result<FeeHistory, HistoryError> {
    let start = reader.inner.fill_buf().map_err(HistoryError::Read)?;
    if start.starts_with(parquet::MAGIC) {
        let mut bytes = Vec::new();
        reader
            .inner
            .take(HISTORY_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(HistoryError::Read)?;
        if bytes.len() as u64 > HISTORY_BYTES_MAX {
            return Err(HistoryError::TooLarge);
        }
        return parquet::read(bytes, columns);
    }
    csv::read(&mut reader, columns)
}

/// Lines up to a limit of bytes in all.
pub(crate) struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: BufRead> Limited<R> {
    const fn new(inner: R) -> Self {
        Self { inner, left: HISTORY_BYTES_MAX }
    }

    /// Puts the next line into `line` without its end; false at the end of the file.
    pub(crate) fn next(&mut self, line: &mut Vec<u8>) -> Result<bool, HistoryError> {
        line.clear();
        let read = (&mut self.inner)
            .take(self.left + 1)
            .read_until(b'\n', line)
            .map_err(HistoryError::Read)? as u64;
        self.left = self.left.checked_sub(read).ok_or(HistoryError::TooLarge)?;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(read > 0)
    }
}
