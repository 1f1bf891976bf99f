//! Results as Parquet files, for the notebooks of those who want to look further.
//!
//! Amounts are decimals of 38 digits, never floats. The same rows give the same bytes, so the
//! digest that each writer returns can stand in a study's manifest.

mod file;

use std::path::{Path, PathBuf};

use chaos_types::Digest;
use parquet::errors::ParquetError;

use self::file::{Column, Values};

/// A metric of one cell and scenario: its values and the interval of the paired difference.
#[derive(Debug, Clone, Copy)]
pub struct MetricLine<'a> {
    /// The cell of the experiment's grid.
    pub cell: &'a str,
    /// The scenario.
    pub scenario: &'a str,
    /// The model that gave the figure, such as `flow`, `agents` or `evm`.
    pub model: &'a str,
    /// The metric's name.
    pub metric: &'a str,
    /// The unit of all five values.
    pub unit: &'a str,
    /// The layer that the figure comes from.
    pub layer: &'a str,
    /// The value under the baseline.
    pub baseline: i128,
    /// The value under the proposal.
    pub proposal: i128,
    /// The paired difference.
    pub difference: i128,
    /// The 10th percentile, nearest rank, of the paired difference over paths.
    pub low: i128,
    /// The 90th percentile, nearest rank, of the paired difference over paths.
    pub high: i128,
}

/// A metric on one simulated path.
#[derive(Debug, Clone, Copy)]
pub struct PathLine<'a> {
    /// The cell of the experiment's grid.
    pub cell: &'a str,
    /// The scenario.
    pub scenario: &'a str,
    /// The model.
    pub model: &'a str,
    /// The path's number; both arms of a path see the same random numbers.
    pub path: u32,
    /// The metric's name.
    pub metric: &'a str,
    /// The value under the baseline.
    pub baseline: i128,
    /// The value under the proposal.
    pub proposal: i128,
}

/// A quantity at one block, in percentiles over paths.
#[derive(Debug, Clone, Copy)]
pub struct SeriesLine<'a> {
    /// The cell of the experiment's grid.
    pub cell: &'a str,
    /// The scenario.
    pub scenario: &'a str,
    /// The model.
    pub model: &'a str,
    /// The quantity with its unit, such as `base_fee_wei`.
    pub quantity: &'a str,
    /// Whose rules held.
    pub arm: Arm,
    /// The block, counted from the first measured one.
    pub block: u32,
    /// The 10th percentile over paths.
    pub p10: i128,
    /// The median over paths.
    pub p50: i128,
    /// The 90th percentile over paths.
    pub p90: i128,
}

/// Whose rules held in a simulated block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    /// The chain as it is.
    Baseline,
    /// The chain as proposed.
    Proposal,
}

impl Arm {
    const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Proposal => "proposal",
        }
    }
}

/// Why a table was not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value has more digits than the column.
    #[error("column `{column}`, row {row}: expected at most 38 decimal digits, found {value}")]
    Decimal {
        /// The column.
        column: &'static str,
        /// The row, from zero.
        row: usize,
        /// What was found.
        value: i128,
    },
    /// A path's or block's number is beyond the column's range.
    #[error("column `{column}`, row {row}: expected at most {max}, found {value}", max = i32::MAX)]
    Index {
        /// The column.
        column: &'static str,
        /// The row, from zero.
        row: usize,
        /// What was found.
        value: u32,
    },
    /// The table could not be encoded.
    #[error("cannot encode {}", .path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// The file could not be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Writes `metrics.parquet` and returns the digest of its bytes.
///
/// # Errors
/// If a value has more than 38 digits, or the file cannot be written.
pub fn write_metrics(path: &Path, lines: &[MetricLine<'_>]) -> Result<Digest, Error> {
    file::write(path, lines, metric_columns)
}

/// Writes `paths.parquet` and returns the digest of its bytes.
///
/// # Errors
/// If a value has more than 38 digits, a path's number more than 31 bits, or the file cannot be
/// written.
pub fn write_paths(path: &Path, lines: &[PathLine<'_>]) -> Result<Digest, Error> {
    file::write(path, lines, path_columns)
}

/// Writes `series.parquet` and returns the digest of its bytes.
///
/// # Errors
/// If a value has more than 38 digits, a block's number more than 31 bits, or the file cannot be
/// written.
pub fn write_series(path: &Path, lines: &[SeriesLine<'_>]) -> Result<Digest, Error> {
    file::write(path, lines, series_columns)
}

fn metric_columns<'a>(lines: &[MetricLine<'a>]) -> Vec<Column<'a>> {
    vec![
        texts("cell", lines, |line| line.cell),
        texts("scenario", lines, |line| line.scenario),
        texts("model", lines, |line| line.model),
        texts("metric", lines, |line| line.metric),
        texts("unit", lines, |line| line.unit),
        texts("layer", lines, |line| line.layer),
        decimals("baseline", lines, |line| line.baseline),
        decimals("proposal", lines, |line| line.proposal),
        decimals("difference", lines, |line| line.difference),
        decimals("low", lines, |line| line.low),
        decimals("high", lines, |line| line.high),
    ]
}

fn path_columns<'a>(lines: &[PathLine<'a>]) -> Vec<Column<'a>> {
    vec![
        texts("cell", lines, |line| line.cell),
        texts("scenario", lines, |line| line.scenario),
        texts("model", lines, |line| line.model),
        indices("path", lines, |line| line.path),
        texts("metric", lines, |line| line.metric),
        decimals("baseline", lines, |line| line.baseline),
        decimals("proposal", lines, |line| line.proposal),
    ]
}

fn series_columns<'a>(lines: &[SeriesLine<'a>]) -> Vec<Column<'a>> {
    vec![
        texts("cell", lines, |line| line.cell),
        texts("scenario", lines, |line| line.scenario),
        texts("model", lines, |line| line.model),
        texts("quantity", lines, |line| line.quantity),
        texts("arm", lines, |line| line.arm.name()),
        indices("block", lines, |line| line.block),
        decimals("p10", lines, |line| line.p10),
        decimals("p50", lines, |line| line.p50),
        decimals("p90", lines, |line| line.p90),
    ]
}

fn texts<'a, L>(name: &'static str, lines: &[L], value: impl Fn(&L) -> &'a str) -> Column<'a> {
    Column { name, values: Values::Texts(lines.iter().map(value).collect()) }
}

fn indices<L>(name: &'static str, lines: &[L], value: impl Fn(&L) -> u32) -> Column<'static> {
    Column { name, values: Values::Indices(lines.iter().map(value).collect()) }
}

fn decimals<L>(name: &'static str, lines: &[L], value: impl Fn(&L) -> i128) -> Column<'static> {
    Column { name, values: Values::Decimals(lines.iter().map(value).collect()) }
}

#[cfg(test)]
mod tests;
