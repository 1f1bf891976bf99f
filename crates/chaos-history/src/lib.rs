//! Fee histories of other people: read, named by their content, and held to their chain's fee rule.
//!
//! What a chain's demand was is read from a table of blocks that somebody else made. Such a table may
//! be of another chain, in another unit, with rows that are missing or there twice, and every figure
//! that follows from it looks just as good. Headers can be checked against each other: EIP-1559
//! gives the base fee of each block from the one before. [`FeeHistory`] is a table that was read,
//! [`ensure_rule`] holds it to a chain's rule row by row and says which known rule would fit instead,
//! and [`ensure_one_demand`] says whether a demand may be fitted to it.
//!
//! ```
//! use chaos_history::{FeeHistory, Rules, ensure_rule};
//! use chaos_types::ChainId;
//!
//! let table = "block_number,timestamp,gas_used,gas_limit,base_fee_per_gas\n\
//!     12965001,2021-08-05 12:33:55 UTC,29985144,29999798,1124967822\n\
//!     12965000,2021-08-05 12:33:42 UTC,30025257,30029122,1000000000\n";
//! let history = FeeHistory::decode(table.as_bytes())?;
//! assert_eq!(history.blocks()[0].number, 12_965_000);
//! let report = ensure_rule(&history, &Rules::of(&ChainId::evm(1))?)?;
//! assert_eq!((report.base_fee.pairs, report.base_fee.exact), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants: blocks ascend, none is there twice, no gas use is above its limit, time never falls;
//! an empty cell is *not known* and never zero; the digest depends on the rows and not on how they
//! were written down.
//!
//! It refuses a table that it cannot read whole, with the line. It opens no file and knows no model.

mod bytes;
mod cell;
mod columns;
mod csv;
mod days;
mod diagnosis;
mod error;
mod fit;
mod gather;
mod history;
mod parquet;
mod rule;
mod shocks;

pub use cell::{day_of, parse_time};
pub use columns::{Columns, ColumnsError, Field};
pub use days::{DayTable, DaysError};
pub use error::HistoryError;
pub use fit::{FitError, ensure_one_demand};
pub use history::{BlobBlock, FeeHistory, Gaps, HISTORY_BYTES_MAX};
pub use rule::{Counts, Report, RuleError, Rules, check_rule, ensure_rule};
pub use shocks::{Response, SHOCK_BLOCKS_MIN, ShockError, ShockEstimate, elasticity_from_shocks};
