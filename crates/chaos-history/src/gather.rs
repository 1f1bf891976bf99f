//! Rows as they come, held against the ones before.

use chaos_simulation::flow::ObservedBlock;

use crate::{
    BlobBlock, FeeHistory, Field, HistoryError,
    cell::{CellError, Extra},
    history::Extras,
};

/// No chain's gas limit is below this (EIP-1559, block validity).
const GAS_LIMIT_MIN: u64 = 5_000;

/// Unix seconds beyond the year 5000 are milliseconds.
const TIMESTAMP_MAX: u64 = 95_617_584_000;

/// So many blocks in a row have no chain's fastest blocks within a second.
const SAME_TIME_MAX: u32 = 100;

/// Lines are counted in 32 bits.
const ROWS_MAX: u32 = u32::MAX - 1;

/// One row; what is not known is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) number: u64,
    pub(crate) timestamp: u64,
    /// Gas used and gas limit.
    pub(crate) gas: Option<(u64, u64)>,
    pub(crate) base_fee_wei: Option<u64>,
    /// Excess blob gas and blob gas used.
    pub(crate) blobs: Option<(u64, u64)>,
    pub(crate) chain: Option<u64>,
    /// What the extra data says, if it is known.
    pub(crate) extra: Option<Extra>,
}

impl Row {
    /// A row of these values, in the order of [`Field::ALL`].
    pub(crate) fn new(
        values: [Option<u64>; Field::COUNT],
        extra: Option<Extra>,
        line: u64,
    ) -> Result<Self, HistoryError> {
        let value = |field: Field| values[field as usize];
        let needed = |field| {
            let empty = || HistoryError::Cell {
                line,
                field,
                problem: CellError::Empty,
                found: String::new(),
            };
            value(field).ok_or_else(empty)
        };
        let pair = |first: Field, second: Field| match (value(first), value(second)) {
            (Some(a), Some(b)) => Ok(Some((a, b))),
            (None, None) => Ok(None),
            (Some(_), None) => {
                Err(HistoryError::Incomplete { line, present: first, absent: second })
            }
            (None, Some(_)) => {
                Err(HistoryError::Incomplete { line, present: second, absent: first })
            }
        };
        let row = Self {
            number: needed(Field::Number)?,
            timestamp: needed(Field::Timestamp)?,
            gas: pair(Field::GasUsed, Field::GasLimit)?,
            base_fee_wei: value(Field::BaseFee),
            blobs: pair(Field::ExcessBlobGas, Field::BlobGasUsed)?,
            chain: value(Field::ChainId),
            extra,
        };
        if row.base_fee_wei.is_some() && row.gas.is_none() {
            let (present, absent) = (Field::BaseFee, Field::GasUsed);
            return Err(HistoryError::Incomplete { line, present, absent });
        }
        Ok(row)
    }
}

/// Which way the numbers go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// The rows so far.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    blocks: Vec<ObservedBlock>,
    lines: Vec<u32>,
    blobs: Vec<BlobBlock>,
    blob_lines: Vec<u32>,
    extras: Extras,
    /// The last row and its line.
    last: Option<(Row, u64)>,
    way: Option<Way>,
    chain: Option<u64>,
    rows: u64,
    bare: u64,
    same_time: u32,
}

impl Gather {
    pub(crate) fn push(&mut self, row: &Row, line: u64) -> Result<(), HistoryError> {
        self.ensure_plausible(row, line)?;
        self.ensure_after(row, line)?;
        let place = u32::try_from(line).ok().filter(|line| *line <= ROWS_MAX);
        let place = place.ok_or(HistoryError::TooManyRows { rows: ROWS_MAX })?;
        let Row { number, timestamp, .. } = *row;
        if let Some((gas_used, gas_limit)) = row.gas {
            let base_fee_wei = row.base_fee_wei.map(u128::from);
            self.blocks.push(ObservedBlock {
                number,
                timestamp,
                gas_used,
                gas_limit,
                base_fee_wei,
            });
            self.lines.push(place);
            self.extras.push(row.extra);
        }
        if let Some((excess_blob_gas, blob_gas_used)) = row.blobs {
            self.blobs.push(BlobBlock { number, timestamp, excess_blob_gas, blob_gas_used });
            self.blob_lines.push(place);
        }
        self.bare += u64::from(row.gas.is_none() && row.blobs.is_none());
        self.rows += 1;
        self.last = Some((*row, line));
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<FeeHistory, HistoryError> {
        let Self { mut blocks, mut lines, mut blobs, mut blob_lines, mut extras, .. } = self;
        if self.way == Some(Way::Down) {
            blocks.reverse();
            lines.reverse();
            blobs.reverse();
            blob_lines.reverse();
            extras.reverse();
        }
        Ok(FeeHistory {
            blocks,
            lines,
            blobs,
            blob_lines,
            extras,
            rows: self.rows,
            bare: self.bare,
            chain: self.chain,
        })
    }

    fn ensure_plausible(&mut self, row: &Row, line: u64) -> Result<(), HistoryError> {
        if row.timestamp > TIMESTAMP_MAX {
            return Err(HistoryError::Milliseconds { line, timestamp: row.timestamp });
        }
        if let Some((gas_used, gas_limit)) = row.gas {
            if gas_limit < GAS_LIMIT_MIN {
                return Err(HistoryError::Limit { line, gas_limit });
            }
            if gas_used > gas_limit {
                let swapped = self.rows == 0;
                return Err(HistoryError::AboveLimit { line, gas_used, gas_limit, swapped });
            }
        }
        match (self.chain, row.chain) {
            (Some(expected), Some(found)) if expected != found => {
                Err(HistoryError::TwoChains { line, expected, found })
            }
            (_, found) => {
                self.chain = self.chain.or(found);
                Ok(())
            }
        }
    }

    /// The row follows the last one in number and time.
    fn ensure_after(&mut self, row: &Row, line: u64) -> Result<(), HistoryError> {
        let Some((last, last_line)) = self.last else { return Ok(()) };
        let goes = if row.number > last.number { Way::Up } else { Way::Down };
        let way = self.way.unwrap_or(goes);
        if row.number == last.number || goes != way {
            return Err(self.out_of_order(row, line, way, (&last, last_line)));
        }
        self.way = Some(way);
        let (earlier, later) = if way == Way::Up { (&last, row) } else { (row, &last) };
        if later.timestamp < earlier.timestamp {
            return Err(HistoryError::TimeFalls {
                line,
                number: later.number,
                timestamp: later.timestamp,
                other: earlier.timestamp,
            });
        }
        self.same_time = if row.timestamp == last.timestamp { self.same_time + 1 } else { 0 };
        if self.same_time >= SAME_TIME_MAX {
            let (rows, timestamp) = (self.same_time + 1, row.timestamp);
            return Err(HistoryError::TimeStands { line, rows, timestamp });
        }
        Ok(())
    }

    /// A row that does not go on: a block for the second time, or no order at all.
    fn out_of_order(&self, row: &Row, line: u64, way: Way, last: (&Row, u64)) -> HistoryError {
        let number = row.number;
        let same = |first: u64, same: bool| match same {
            true => HistoryError::Repeated { line, number, first },
            false => HistoryError::Conflicting { line, number, first },
        };
        if number == last.0.number {
            return same(last.1, row == last.0);
        }
        let found = match way {
            Way::Up => self.blocks.binary_search_by_key(&number, |block| block.number),
            Way::Down => self.blocks.binary_search_by(|block| number.cmp(&block.number)),
        };
        if let Ok(place) = found {
            let block = &self.blocks[place];
            let gas = (block.gas_used, block.gas_limit);
            let equal = block.timestamp == row.timestamp
                && row.gas == Some(gas)
                && block.base_fee_wei == row.base_fee_wei.map(u128::from);
            return same(self.lines[place].into(), equal);
        }
        let way = if way == Way::Up { "after" } else { "before" };
        HistoryError::Order { line, number, way, previous: last.0.number }
    }
}
