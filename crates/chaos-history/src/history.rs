use std::io::BufRead;

use chaos_chain_config::HeaderFees;
use chaos_simulation::flow::ObservedBlock;
use chaos_types::Digest;
use sha2::{Digest as _, Sha256};

use crate::{Columns, HistoryError, bytes, cell::Extra};

/// The decompressed file may have this many bytes: 1 GiB, about twenty million blocks.
pub const HISTORY_BYTES_MAX: u64 = 1 << 30;

/// Blocks of one chain as a table gave them: ascending, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeeHistory {
    pub(crate) blocks: Vec<ObservedBlock>,
    pub(crate) lines: Vec<u32>,
    pub(crate) blobs: Vec<BlobBlock>,
    pub(crate) blob_lines: Vec<u32>,
    pub(crate) extras: Extras,
    pub(crate) rows: u64,
    pub(crate) bare: u64,
    pub(crate) chain: Option<u64>,
}

/// The blob figures of one real block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobBlock {
    /// Block number.
    pub number: u64,
    /// Unix time in seconds.
    pub timestamp: u64,
    /// Excess blob gas that the block begins with (EIP-4844).
    pub excess_blob_gas: u64,
    /// Blob gas of the block's blobs.
    pub blob_gas_used: u64,
}

/// What the blocks' extra data say, in runs: a rule stands for months.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Extras {
    /// How many blocks there are up to the end of the run, and what they say.
    runs: Vec<(usize, Option<Extra>)>,
}

impl Extras {
    pub(crate) fn push(&mut self, extra: Option<Extra>) {
        let count = self.count();
        match self.runs.last_mut() {
            Some((end, said)) if *said == extra => *end += 1,
            _ => self.runs.push((count + 1, extra)),
        }
    }

    fn count(&self) -> usize {
        self.runs.last().map_or(0, |(end, _)| *end)
    }

    pub(crate) fn reverse(&mut self) {
        let count = self.count();
        let starts: Vec<usize> =
            std::iter::once(0).chain(self.runs.iter().map(|(end, _)| *end)).collect();
        for ((end, _), start) in self.runs.iter_mut().zip(starts) {
            *end = count - start;
        }
        self.runs.reverse();
    }

    pub(crate) fn get(&self, place: usize) -> Option<Extra> {
        let run = self.runs.partition_point(|(end, _)| *end <= place);
        self.runs.get(run).and_then(|(_, said)| *said)
    }

    fn any_fees(&self) -> bool {
        self.runs.iter().any(|(_, said)| matches!(said, Some(Extra::Fees(_))))
    }
}

/// Blocks that are missing between the first and the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gaps {
    /// How many stretches are missing.
    pub count: u64,
    /// How many blocks.
    pub blocks: u64,
    /// The block after which the first is missing.
    pub first_after: Option<u64>,
}

impl FeeHistory {
    /// As [`Self::read`], from bytes, with the columns by their names.
    ///
    /// # Errors
    /// If the bytes are no such table.
    pub fn decode(bytes: &[u8]) -> Result<Self, HistoryError> {
        Self::read(bytes, &Columns::default())
    }

    /// Reads a table of blocks: CSV, plain or gzip (all members), or Parquet.
    ///
    /// Columns come in any order, by the names of [`Field`](crate::Field) or those of public sources;
    /// others are named by `columns`. Rows ascend or descend. Numbers are decimal or hexadecimal
    /// after `0x`; times are Unix seconds or ISO 8601. An empty cell is not known.
    ///
    /// # Errors
    /// If it is no such table, or a row contradicts the ones before; the error names the line.
    pub fn read(reader: impl BufRead, columns: &Columns) -> Result<Self, HistoryError> {
        bytes::read(reader, columns)
    }

    /// The blocks whose gas is known, ascending.
    #[must_use]
    pub fn blocks(&self) -> &[ObservedBlock] {
        &self.blocks
    }

    /// The same, without the rest.
    #[must_use]
    pub fn into_blocks(self) -> Vec<ObservedBlock> {
        self.blocks
    }

    /// The numbers of the fee rule in the extra data of the block at this place of
    /// [`Self::blocks`], if the table gives them.
    #[must_use]
    pub fn header_fees(&self, place: usize) -> Option<HeaderFees> {
        match self.extras.get(place)? {
            Extra::Fees(fees) => Some(fees),
            Extra::Other => None,
        }
    }

    /// Whether the extra data of the block at this place is given and holds no fee rule.
    pub(crate) fn has_other_extra(&self, place: usize) -> bool {
        self.extras.get(place) == Some(Extra::Other)
    }

    /// The blocks whose blob figures are known, ascending.
    #[must_use]
    pub fn blobs(&self) -> &[BlobBlock] {
        &self.blobs
    }

    /// Rows of the table.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows that give a number and a time, and nothing else.
    #[must_use]
    pub const fn bare_rows(&self) -> u64 {
        self.bare
    }

    /// Blocks with gas and without a base fee: before London, or not known.
    #[must_use]
    pub fn unpriced(&self) -> u64 {
        self.blocks.iter().filter(|block| block.base_fee_wei.is_none()).count() as u64
    }

    /// The chain that the table's own column names, by its EIP-155 number.
    #[must_use]
    pub const fn chain_number(&self) -> Option<u64> {
        self.chain
    }

    /// Number and time of the first and of the last block, if there is one.
    #[must_use]
    pub fn span(&self) -> Option<[(u64, u64); 2]> {
        let blocks = [self.blocks.first(), self.blocks.last()].into_iter().flatten();
        let blobs = [self.blobs.first(), self.blobs.last()].into_iter().flatten();
        let ends: Vec<(u64, u64)> = blocks
            .map(|block| (block.number, block.timestamp))
            .chain(blobs.map(|block| (block.number, block.timestamp)))
            .collect();
        Some([*ends.iter().min()?, *ends.iter().max()?])
    }

    /// What is missing between the rows with gas, or with blob figures if none has gas.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        if self.blocks.is_empty() {
            return gaps(self.blobs.iter().map(|block| block.number));
        }
        gaps(self.blocks.iter().map(|block| block.number))
    }

    /// SHA-256 of the rows in their canonical form: the header and one line per row with gas or blob
    /// figures, ascending, in decimal, each ended by one line feed, an empty cell for what is not
    /// known; the two columns of blobs only if any row has them, and after them `extra_data` only if
    /// that of any row holds the numbers of a fee rule, and only of those rows.
    ///
    /// It is the digest of the bytes of a plain file that `chaoschain export` writes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = Sha256::new();
        self.each_line(|line| hasher.update(line));
        Digest::from_bytes(hasher.finalize().into())
    }

    /// The rows in their canonical form, whose digest is [`Self::digest`]: the plain file that
    /// `chaoschain export` would write of them.
    #[must_use]
    pub fn to_csv(&self) -> Vec<u8> {
        let mut csv = Vec::with_capacity(self.blocks.len().saturating_mul(64));
        self.each_line(|line| csv.extend_from_slice(line));
        csv
    }

    fn each_line(&self, mut line_of: impl FnMut(&[u8])) {
        let with_blobs = !self.blobs.is_empty();
        line_of(b"number,timestamp,gas_used,gas_limit,base_fee_wei");
        line_of(if with_blobs { &b",excess_blob_gas,blob_gas_used"[..] } else { b"" });
        let with_fees = self.extras.any_fees();
        line_of(if with_fees { &b",extra_data\n"[..] } else { b"\n" });
        let mut place = 0;
        let (mut blocks, mut blobs) = (self.blocks.iter().peekable(), self.blobs.iter().peekable());
        let mut line = String::with_capacity(128);
        loop {
            let block = blocks.peek().map(|block| block.number);
            let blob = blobs.peek().map(|block| block.number);
            let Some(number) = [block, blob].into_iter().flatten().min() else { break };
            let fees = (block == Some(number)).then(|| self.header_fees(place)).flatten();
            let block = if block == Some(number) { blocks.next() } else { None };
            place += usize::from(block.is_some());
            let blob = if blob == Some(number) { blobs.next() } else { None };
            line.clear();
            write_row(&mut line, block, blob, with_blobs);
            if with_fees {
                line.push(',');
                line.push_str(&fees.map(|fees| hex(&fees.encode())).unwrap_or_default());
            }
            line.push('\n');
            line_of(line.as_bytes());
        }
    }

    /// The line of the block at this place of [`Self::blocks`].
    pub(crate) fn line(&self, place: usize) -> u64 {
        self.lines.get(place).copied().unwrap_or(0).into()
    }

    /// The line of the block at this place of [`Self::blobs`].
    pub(crate) fn blob_line(&self, place: usize) -> u64 {
        self.blob_lines.get(place).copied().unwrap_or(0).into()
    }
}

fn write_row(
    line: &mut String,
    block: Option<&ObservedBlock>,
    blob: Option<&BlobBlock>,
    with_blobs: bool,
) {
    use std::fmt::Write as _;
    let number = block.map(|b| b.number).or(blob.map(|b| b.number)).unwrap_or(0);
    let timestamp = block.map(|b| b.timestamp).or(blob.map(|b| b.timestamp)).unwrap_or(0);
    // Writing to a string does not fail.
    let _ok = write!(line, "{number},{timestamp},");
    let _ok = match block {
        Some(block) => write!(line, "{},{},", block.gas_used, block.gas_limit),
        None => write!(line, ",,"),
    };
    if let Some(fee) = block.and_then(|block| block.base_fee_wei) {
        let _ok = write!(line, "{fee}");
    }
    if with_blobs {
        let _ok = match blob {
            Some(blob) => write!(line, ",{},{}", blob.excess_blob_gas, blob.blob_gas_used),
            None => write!(line, ",,"),
        };
    }
}

/// Bytes as a table writes them.
fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// What is missing between ascending numbers.
pub(crate) fn gaps(numbers: impl Iterator<Item = u64>) -> Gaps {
    let mut found = Gaps::default();
    let mut previous: Option<u64> = None;
    for number in numbers {
        if let Some(previous) = previous
            && number - previous > 1
        {
            found.count += 1;
            found.blocks += number - previous - 1;
            found.first_after = found.first_after.or(Some(previous));
        }
        previous = Some(number);
    }
    found
}
