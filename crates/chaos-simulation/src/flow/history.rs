use std::io::Read;

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};

/// The decompressed file may have this many bytes: 256 MiB, about five million blocks.
pub const HISTORY_BYTES_MAX: u64 = 256 << 20;

/// The first line of a fee-history file.
const HEADER: &str = "number,timestamp,gas_used,gas_limit,base_fee_wei";

/// The fee figures of one real block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservedBlock {
    /// Block number.
    #[serde(with = "chaos_types::decimal")]
    pub number: u64,
    /// Unix time in seconds.
    #[serde(with = "chaos_types::decimal")]
    pub timestamp: u64,
    /// Gas that the block's transactions used.
    #[serde(with = "chaos_types::decimal")]
    pub gas_used: u64,
    /// Gas limit of the block.
    #[serde(with = "chaos_types::decimal")]
    pub gas_limit: u64,
    /// Base fee in wei; `None` before London.
    #[serde(with = "chaos_types::decimal::optional")]
    pub base_fee_wei: Option<u128>,
}

impl ObservedBlock {
    /// Whether at least 99 % of the limit was used.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        is_saturated(self.gas_used, self.gas_limit)
    }
}

/// At least 99 % of the limit, without rounding.
pub(super) fn is_saturated(gas_used: u64, gas_limit: u64) -> bool {
    u128::from(gas_used) * 100 >= u128::from(gas_limit) * 99
}

/// Fee figures of blocks in ascending order of number, gaps allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeHistory {
    blocks: Vec<ObservedBlock>,
}

/// Why a fee-history file was refused.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The gzip stream is damaged or cut short.
    #[error("fee history: gzip stream is damaged")]
    Gzip(#[source] std::io::Error),
    /// The file decompresses to more than [`HISTORY_BYTES_MAX`].
    #[error("fee history: more than {HISTORY_BYTES_MAX} bytes")]
    TooLarge,
    /// A byte is not UTF-8.
    #[error("fee history: byte {offset} is not UTF-8 text")]
    NotText {
        /// Offset of the byte in the decompressed file.
        offset: usize,
    },
    /// The first line names other columns.
    #[error("fee history, line 1: expected `{HEADER}`, found `{found}`")]
    Header {
        /// The line as found, at most 80 characters of it.
        found: String,
    },
    /// A row has too few or too many columns.
    #[error("fee history, line {line}: expected 5 columns, found {columns}")]
    Columns {
        /// Line number from one.
        line: usize,
        /// Columns found.
        columns: usize,
    },
    /// A field is not a whole number.
    #[error("fee history, line {line}: {column} expects a whole number, found `{found}`")]
    Field {
        /// Line number from one.
        line: usize,
        /// Name of the column.
        column: &'static str,
        /// The field as found.
        found: String,
    },
    /// A block used more gas than its limit.
    #[error("fee history, line {line}: gas used {gas_used} is above the limit {gas_limit}")]
    AboveLimit {
        /// Line number from one.
        line: usize,
        /// Gas used.
        gas_used: u64,
        /// Gas limit.
        gas_limit: u64,
    },
    /// Block numbers do not ascend.
    #[error("fee history, line {line}: block {number} does not come after block {previous}")]
    Order {
        /// Line number from one.
        line: usize,
        /// Number of this row.
        number: u64,
        /// Number of the row before.
        previous: u64,
    },
}

impl FeeHistory {
    /// Reads `number,timestamp,gas_used,gas_limit,base_fee_wei`, plain or gzip.
    ///
    /// An empty base fee means a block before London.
    ///
    /// # Errors
    /// If the bytes are not such a table; the error names the line.
    pub fn decode(bytes: &[u8]) -> Result<Self, HistoryError> {
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            if bytes.len() as u64 > HISTORY_BYTES_MAX {
                return Err(HistoryError::TooLarge);
            }
            return Self::from_csv(bytes);
        }
        let mut plain = Vec::new();
        GzDecoder::new(bytes)
            .take(HISTORY_BYTES_MAX + 1)
            .read_to_end(&mut plain)
            .map_err(HistoryError::Gzip)?;
        if plain.len() as u64 > HISTORY_BYTES_MAX {
            return Err(HistoryError::TooLarge);
        }
        Self::from_csv(&plain)
    }

    /// The blocks, ascending.
    #[must_use]
    pub fn blocks(&self) -> &[ObservedBlock] {
        &self.blocks
    }

    fn from_csv(bytes: &[u8]) -> Result<Self, HistoryError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| HistoryError::NotText { offset: error.valid_up_to() })?;
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        if header != HEADER {
            return Err(HistoryError::Header { found: header.chars().take(80).collect() });
        }
        let mut blocks: Vec<ObservedBlock> = Vec::new();
        for (index, row) in lines.enumerate() {
            let line = index + 2;
            let block = parse_row(row, line)?;
            if let Some(previous) = blocks.last().map(|block| block.number)
                && block.number <= previous
            {
                return Err(HistoryError::Order { line, number: block.number, previous });
            }
            blocks.push(block);
        }
        Ok(Self { blocks })
    }
}

fn parse_row(row: &str, line: usize) -> Result<ObservedBlock, HistoryError> {
    let fields: Vec<&str> = row.split(',').collect();
    let [number, timestamp, gas_used, gas_limit, base_fee_wei] = fields[..] else {
        return Err(HistoryError::Columns { line, columns: fields.len() });
    };
    let block = ObservedBlock {
        number: parse_field(number, line, "number")?,
        timestamp: parse_field(timestamp, line, "timestamp")?,
        gas_used: parse_field(gas_used, line, "gas_used")?,
        gas_limit: parse_field(gas_limit, line, "gas_limit")?,
        base_fee_wei: match base_fee_wei {
            "" => None,
            // Real base fees fit 64 bits by far; a longer number is damage.
            fee => Some(parse_field(fee, line, "base_fee_wei")?.into()),
        },
    };
    let ObservedBlock { gas_used, gas_limit, .. } = block;
    if gas_used > gas_limit {
        return Err(HistoryError::AboveLimit { line, gas_used, gas_limit });
    }
    Ok(block)
}

fn parse_field(field: &str, line: usize, column: &'static str) -> Result<u64, HistoryError> {
    let error = || HistoryError::Field { line, column, found: field.chars().take(80).collect() };
    if !field.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error());
    }
    field.parse().map_err(|_| error())
}

#[cfg(test)]
mod tests;
