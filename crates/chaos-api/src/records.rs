//! The records of up to 256 entries in one body: what a mirror needs beside the leaves.

/// A longer body is neither written nor read, in bytes (16 MiB). The records of a longer one are
/// asked for one by one.
pub(crate) const RECORDS_BYTES_MAX: usize = 16 << 20;

/// Records in one body at most.
const COUNT_MAX: usize = chaos_log::TILE_WIDTH as usize;

/// Bytes of the length before each record.
const LENGTH_BYTES: usize = 4;

/// Why records cannot be written as one body, or bytes cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// The body is longer than 16 MiB.
    #[error("records take {bytes} bytes, the limit is {RECORDS_BYTES_MAX}")]
    TooLong {
        /// Length of the body in bytes.
        bytes: usize,
    },
    /// There are no records, or more than 256.
    #[error("expected 1 to 256 records, found {found}")]
    Count {
        /// Records found; 257 stands for any larger number.
        found: usize,
    },
    /// The bytes end within a length or a record.
    #[error("body ends within record {position}: expected {expected} more bytes, found {found}")]
    Truncated {
        /// Position of the cut record, from 0.
        position: usize,
        /// Bytes that should follow.
        expected: usize,
        /// Bytes that do follow.
        found: usize,
    },
}

/// Writes 1 to 256 records, each behind its length as four big-endian bytes.
///
/// # Errors
/// If their number or the length of all of them is out of range.
pub fn records_to_bytes<R: AsRef<[u8]>>(records: &[R]) -> Result<Vec<u8>, RecordsError> {
    ensure_count(records.len())?;
    let bytes = records.iter().map(|record| LENGTH_BYTES + record.as_ref().len()).sum();
    let mut body = Vec::with_capacity(ensure_length(bytes)?);
    for record in records {
        let record = record.as_ref();
        let length = u32::try_from(record.len()).expect("within the length of the body");
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(record);
    }
    Ok(body)
}

/// Reads the records of a body.
///
/// # Errors
/// If the bytes are too many, end within a record, or do not hold 1 to 256 of them.
pub fn records_from_bytes(bytes: &[u8]) -> Result<Vec<&[u8]>, RecordsError> {
    ensure_length(bytes.len())?;
    let (mut rest, mut records) = (bytes, Vec::new());
    while !rest.is_empty() {
        let position = records.len();
        ensure_count(position + 1)?;
        let cut = |expected, found| RecordsError::Truncated { position, expected, found };
        let (length, after) = rest
            .split_first_chunk::<LENGTH_BYTES>()
            .ok_or_else(|| cut(LENGTH_BYTES, rest.len()))?;
        // A length that memory cannot hold is longer than what follows.
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (record, after) =
            after.split_at_checked(length).ok_or_else(|| cut(length, after.len()))?;
        records.push(record);
        rest = after;
    }
    ensure_count(records.len())?;
    Ok(records)
}

const fn ensure_length(bytes: usize) -> Result<usize, RecordsError> {
    if bytes <= RECORDS_BYTES_MAX { Ok(bytes) } else { Err(RecordsError::TooLong { bytes }) }
}

const fn ensure_count(found: usize) -> Result<(), RecordsError> {
    if found >= 1 && found <= COUNT_MAX { Ok(()) } else { Err(RecordsError::Count { found }) }
}

#[cfg(test)]
mod tests;
