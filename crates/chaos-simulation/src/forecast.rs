//! Forecasts that can be wrong: dated, kept, and scored against what happened.
//!
//! A [`Forecast`] says what the fee-market model expects of the blocks after a parameter change,
//! with intervals, before anybody can know. [`score`] holds it against the blocks that came.
//! [`validate`] does both over a recorded history, window after window, and so shows how often the
//! intervals hold and whether the model beats "the next window will be like the last one".
//! [`backtest`] does both for one change in the past.
//!
//! Intervals carry four sources of error: the paths' own randomness, the error with which the level
//! of demand is known from so few blocks, that of the size of its slow swings, and how much further
//! than the model expects recorded windows lie apart. They do not carry the error of the assumptions, above all the elasticity: read a forecast of a change at
//! several values.

mod backtest;
mod dispersion;
mod document;
mod launch;
mod make;
mod rolling;
mod score;
pub(crate) mod statistics;

use std::num::NonZeroUsize;

pub use backtest::{Backtest, backtest};
use chaos_parameters::Family;
use chaos_types::canonical;
pub use document::{
    Basis, FORECAST_FORMAT, Forecast, ForecastRow, Quantiles, Request, Target, Window,
};
pub use make::{FIT_BLOCKS_MIN, HORIZON_BLOCKS_MAX, HORIZON_BLOCKS_MIN, Options, forecast};
pub use rolling::{RollingOptions, Validation, ValidationRow, ValidationWindow, validate};
pub use score::{Score, ScoreRow, Verdict, score};
pub use statistics::Coverage;

use crate::flow::CalibrationError;

/// Why a forecast was not made or not scored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Blocks must ascend.
    #[error("block {number} does not come after block {previous}")]
    Order {
        /// The block out of place.
        number: u64,
        /// The one before it.
        previous: u64,
    },
    /// A number is outside its bounds.
    #[error("{field} must be from {min} to {max}, found {found}")]
    OutOfBounds {
        /// Which number.
        field: &'static str,
        /// The smallest value accepted.
        min: u64,
        /// The largest value accepted.
        max: u64,
        /// The value found.
        found: u64,
    },
    /// There is no history at all.
    #[error("no block with a base fee")]
    Empty,
    /// The activation is not among the blocks.
    #[error("activation block {activation} is outside the history, blocks {first} to {last}")]
    ActivationOutside {
        /// The activation block.
        activation: u64,
        /// First block of the history.
        first: u64,
        /// Last block of the history.
        last: u64,
    },
    /// Too few consecutive blocks to fit a demand to.
    #[error("{what}: the longest run without a gap has {found} blocks, at least {min} are needed")]
    TooShort {
        /// Which blocks.
        what: &'static str,
        /// Consecutive blocks found.
        found: usize,
        /// The least accepted.
        min: usize,
    },
    /// The history is too short for the windows asked for.
    #[error("{blocks} blocks do not hold {fit_blocks} to fit and {horizon_blocks} to predict")]
    NoWindow {
        /// Blocks of the history.
        blocks: usize,
        /// Blocks to fit on.
        fit_blocks: u32,
        /// Blocks to predict.
        horizon_blocks: u32,
    },
    /// The fee rule of this family is not the model's.
    #[error("the fee-market model follows EIP-1559; {family} chains have another rule")]
    Family {
        /// The family of the parameters.
        family: Family,
    },
    /// The document names another layout.
    #[error("format: expected `{FORECAST_FORMAT}`, found `{found}`")]
    Format {
        /// The format found.
        found: String,
    },
    /// The observed blocks do not determine a demand.
    #[error("demand cannot be calibrated")]
    Calibration(#[source] CalibrationError),
    /// The worker threads could not be started.
    #[error("cannot start {threads} worker threads")]
    Threads {
        /// Threads asked for.
        threads: NonZeroUsize,
        /// The operating system's answer.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
    /// The document has no canonical form.
    #[error("not a canonical document")]
    Canonical(#[source] canonical::Error),
}
