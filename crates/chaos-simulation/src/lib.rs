//! What a parameter change would do to a chain, from real blocks.
//!
//! Somebody proposes a gas limit or a base-fee rule. Readers want to know what it does to fees,
//! inclusion and gas use, and why they should believe the figures. This crate answers in two
//! layers and says which layer each figure came from:
//!
//! - [`evm`] re-executes recorded blocks exactly, under the rules of their fork, and compares the
//!   result with the header; [`evm::rebuild()`] takes consecutive blocks apart, packs them again
//!   under changed rules and executes what comes out; [`evm::measure`] says what a block's gas was
//!   spent on.
//! - [`fee_market`] models demand that answers to price, block after block, under either set of
//!   parameters; [`run`] compares the two with common seeds and gives intervals.
//!
//! [`load`] makes blocks where none are recorded. [`simulate`] is the comparison as bytes in and
//! bytes out, which a component of the sandbox repeats; it needs nothing of the feature `evm`, with
//! which the first layer, attacks, load and studies come.
//!
//! ```
//! use chaos_simulation::{
//!     evm::{Bytecodes, RecordedBlock, ReplayInput, replay},
//!     load::{LoadParameters, generate},
//! };
//!
//! let load = generate(&LoadParameters { blocks: 1, ..LoadParameters::default() })?;
//! let codes = Bytecodes::decode(&load.bytecodes)?;
//! let block = RecordedBlock::decode(&load.blocks[0].json, Some(load.chain_id))?;
//! let result = replay(&ReplayInput::new(block, &codes))?;
//! assert!(result.agrees());
//! assert_eq!(result.unknown_reads.total(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants: the same inputs give the same bytes on any machine and on any number of threads;
//! nothing hashed or compared is a float; a read outside the recorded state is counted, never
//! taken for a zero.
//!
//! It refuses to touch files, network or clock: bytes come in, results go out. It refuses a chain
//! whose fork schedule it does not know.

#[cfg(feature = "evm")]
pub mod attack;
#[cfg(feature = "evm")]
pub mod evm;
mod experiment;
pub mod fee_market;
pub mod forecast;
#[cfg(feature = "evm")]
pub mod load;
pub mod market;
mod material;
mod result;
#[cfg(feature = "evm")]
pub mod study;
mod transition;

pub use experiment::{
    Bound, Error, Experiment, Material, SENSITIVITY_ELASTICITIES_PPM, SensitivityRow, Simulation,
    WORK_BLOCKS_MAX, run, sensitivity,
};
pub use material::{
    MATERIAL_BLOCKS_MAX, MATERIAL_FORMAT, MATERIAL_INPUTS_MAX, MaterialDocument, MaterialError,
    simulate,
};
pub use result::{
    Arms, BacktestRow, Band, Decimal, EvmBlockFigures, EvmMetric, Fan, Input, Interval, MetricRow,
    Program, RESULT_FORMAT, RESULT_FORMAT_REVISED, Series, SimulationResult,
};
