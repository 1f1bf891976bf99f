use crate::{cell::CellError, columns::Field, history::HISTORY_BYTES_MAX};

/// Why a fee history was not read. Lines are counted from one; a row of a Parquet file counts as if
/// the table stood in a file of lines below its header.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The system fails in the midst of the file.
    #[error("fee history: cannot read on")]
    Read(#[source] std::io::Error),
    /// A gzip stream is damaged or cut short, or something that is none follows it.
    #[error("fee history: the gzip stream is damaged, cut short, or followed by other bytes")]
    Gzip(#[source] std::io::Error),
    /// The file has more than [`HISTORY_BYTES_MAX`], decompressed.
    #[error("fee history: more than {HISTORY_BYTES_MAX} bytes")]
    TooLarge,
    /// A byte is not UTF-8.
    #[error("fee history, line {line}: not UTF-8 text")]
    NotText {
        /// The line.
        line: u64,
    },
    /// The file is JSON.
    #[error(
        "fee history: this is JSON, not a table; an answer to eth_feeHistory holds ratios of gas use and neither gas \
         limits nor times, so no fee rule can be checked on it"
    )]
    Json,
    /// The Parquet file cannot be read.
    #[error(
        "fee history: the Parquet file is not readable; gzip, LZ4 and Zstandard pages are not, Snappy and plain ones are"
    )]
    Parquet(#[source] ::parquet::errors::ParquetError),
    /// The columns do not give what is needed.
    #[error("fee history, line 1: {missing} missing; found the columns {found}")]
    Header {
        /// What is missing, by the names of this crate.
        missing: String,
        /// The columns found.
        found: String,
    },
    /// The table is one of days.
    #[error(
        "fee history, line 1: a table of days (column `date`, no block numbers), not of blocks; found the columns {found}"
    )]
    Days {
        /// The columns found.
        found: String,
    },
    /// Two columns give the same.
    #[error(
        "fee history, line 1: `{first}` and `{second}` both give {field}; name one with --columns {field}=COLUMN"
    )]
    Ambiguous {
        /// What they give.
        field: Field,
        /// A column.
        first: String,
        /// Another.
        second: String,
    },
    /// A column that the caller named is not there.
    #[error("fee history, line 1: no column `{column}` for {field}; found the columns {found}")]
    NoColumn {
        /// What it should give.
        field: Field,
        /// The column as named.
        column: String,
        /// The columns found.
        found: String,
    },
    /// A row has too few or too many columns.
    #[error("fee history, line {line}: expected {expected} columns, found {found}")]
    Width {
        /// The line.
        line: u64,
        /// Columns of the header.
        expected: usize,
        /// Columns of the row.
        found: usize,
    },
    /// A quote is not closed within its line, or stands where none may.
    #[error("fee history, line {line}: a quote is not closed, or stands within a field")]
    Quote {
        /// The line.
        line: u64,
    },
    /// A line in the midst of the table is empty.
    #[error("fee history, line {line}: empty, but rows follow")]
    Blank {
        /// The line.
        line: u64,
    },
    /// A field does not hold what it should.
    #[error("fee history, line {line}: {field} expects {expected}, found `{found}`", expected = problem.expected())]
    Cell {
        /// The line.
        line: u64,
        /// What the field gives.
        field: Field,
        /// What is wrong.
        problem: CellError,
        /// The field as found, at most 80 characters of it.
        found: String,
    },
    /// A row gives one of two that go together.
    #[error("fee history, line {line}: {present} without {absent}")]
    Incomplete {
        /// The line.
        line: u64,
        /// What is there.
        present: Field,
        /// What is not.
        absent: Field,
    },
    /// A block used more gas than its limit.
    #[error(
        "fee history, line {line}: gas used {gas_used} is above the limit {gas_limit}{swapped}",
        swapped = if *swapped { "; in every row so far: the two columns are swapped" } else { "" }
    )]
    AboveLimit {
        /// The line.
        line: u64,
        /// Gas used.
        gas_used: u64,
        /// Gas limit.
        gas_limit: u64,
        /// Whether this is the first row, as if the columns were swapped.
        swapped: bool,
    },
    /// No chain has such a gas limit.
    #[error("fee history, line {line}: gas limit {gas_limit}; no chain's is below 5000")]
    Limit {
        /// The line.
        line: u64,
        /// Gas limit.
        gas_limit: u64,
    },
    /// The time of a block is no Unix time in seconds.
    #[error(
        "fee history, line {line}: timestamp {timestamp} is beyond the year 5000: milliseconds in the place of seconds"
    )]
    Milliseconds {
        /// The line.
        line: u64,
        /// The time.
        timestamp: u64,
    },
    /// A block is earlier than the one before it.
    #[error(
        "fee history, line {line}: block {number} is earlier ({timestamp}) than the block before it ({other})"
    )]
    TimeFalls {
        /// The line.
        line: u64,
        /// The block.
        number: u64,
        /// Its time.
        timestamp: u64,
        /// The time of the block before.
        other: u64,
    },
    /// Time stands still.
    #[error("fee history, line {line}: {rows} blocks in a row have the time {timestamp}")]
    TimeStands {
        /// The line.
        line: u64,
        /// How many blocks.
        rows: u32,
        /// Their time.
        timestamp: u64,
    },
    /// Block numbers are in no order.
    #[error("fee history, line {line}: block {number} does not come {way} block {previous}")]
    Order {
        /// The line.
        line: u64,
        /// The block of this row.
        number: u64,
        /// `after` in an ascending table, `before` in a descending one.
        way: &'static str,
        /// The block of the row before.
        previous: u64,
    },
    /// A block is there twice with the same figures.
    #[error(
        "fee history, line {line}: block {number} is there twice, with the same figures as in line {first}"
    )]
    Repeated {
        /// The line.
        line: u64,
        /// The block.
        number: u64,
        /// Where it was first.
        first: u64,
    },
    /// A block is there twice with other figures.
    #[error(
        "fee history, line {line}: block {number} is there twice, with other figures than in line {first}: two chains, \
         or a reorganisation"
    )]
    Conflicting {
        /// The line.
        line: u64,
        /// The block.
        number: u64,
        /// Where it was first.
        first: u64,
    },
    /// Rows of two chains.
    #[error("fee history, line {line}: chain {found}, in a table of chain {expected}")]
    TwoChains {
        /// The line.
        line: u64,
        /// The chain of the rows before.
        expected: u64,
        /// The chain of this row.
        found: u64,
    },
    /// There are more rows than lines can be counted.
    #[error("fee history: more than {rows} rows")]
    TooManyRows {
        /// The most.
        rows: u32,
    },
}
