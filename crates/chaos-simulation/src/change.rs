//! What a past change of rules did, predicted from the days before it and scored on the days after.
//!
//! A forecast in windows without a change says little about a model of demand: there the last window
//! is hard to beat. A change of capacity moves the market to where it has not been, and the answer
//! depends on what demand does there. [`blobs`] forecasts the market of blobs block by block under the
//! exact rule of the fork, [`days`] the gas used after a raise of the gas limit from a table of days.
//! Both are scored by the same rows ([`Row`]), each beside three naive forecasts: the last window as a
//! point, the same with the errors it made before (the *fair* one), and the last window in proportion
//! to the capacity.
//!
//! Nothing at or after the activation is read by a forecast. Figures that the file cannot score are
//! rows with a reason ([`Standing::Refused`]), and prices whose model has not won before are shown and
//! not counted.

pub mod blobs;
pub mod days;
mod past;
mod row;
mod spread;

pub use row::{Row, Scale, Standing, Summary, Tally, Widening, summary};

/// Why a change was not forecast or not scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too few rows before or after the activation.
    #[error("{what}: {found} {unit} found, at least {min} are needed")]
    TooFew {
        /// Which rows.
        what: &'static str,
        /// `blocks` or `days`.
        unit: &'static str,
        /// How many there are.
        found: u64,
        /// The least accepted.
        min: u64,
    },
    /// Rows are missing where consecutive ones are needed.
    #[error(
        "{what}: {missing} {unit} are missing after {after}; a forecast needs consecutive ones"
    )]
    Gap {
        /// Which rows.
        what: &'static str,
        /// `blocks` or `days`.
        unit: &'static str,
        /// How many are missing there.
        missing: u64,
        /// The number of the block, or the Unix time of the day, before the gap.
        after: u64,
    },
    /// A number is outside of what is accepted.
    #[error("{field} must be from {min} to {max}, found {found}")]
    OutOfBounds {
        /// Which number.
        field: &'static str,
        /// The smallest accepted.
        min: u64,
        /// The largest accepted.
        max: u64,
        /// The number.
        found: u64,
    },
}

/// Refuses a number outside of its bounds.
const fn ensure(field: &'static str, min: u64, max: u64, found: u64) -> Result<(), Error> {
    if found < min || found > max {
        return Err(Error::OutOfBounds { field, min, max, found });
    }
    Ok(())
}
