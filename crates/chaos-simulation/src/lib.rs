//! What a parameter change would do to fees and inclusion, from real blocks and a model of demand.
//!
//! Somebody proposes a gas limit or a base-fee rule. Readers want to know what it does to fees,
//! inclusion and gas use, and why they should believe the figures. [`flow`] models demand as
//! one number per block that answers to price, under either set of parameters; [`run`] compares the
//! two with common seeds and gives intervals. [`transactions`] models single transactions in a pool, and
//! [`forecast`] says what is expected after a change and scores it when it has come.
//!
//! Figures of re-executed blocks come in as [`EvmBlockFigures`] and stand beside the model's, each
//! with its layer. [`simulate`] is the comparison as bytes in and bytes out, which a component of
//! the sandbox repeats.
//!
//! ```
//! use chaos_parameters::{Parameters, parse_setting};
//! use chaos_simulation::{Experiment, Material, Program, flow::ObservedBlock, run};
//! use chaos_types::ChainId;
//!
//! let baseline = Parameters::ethereum(30_000_000)?;
//! let proposal = baseline.apply(&[parse_setting("gas-limit=60_000_000")?])?;
//! let observed: Vec<ObservedBlock> = (1..=20)
//!     .map(|number| ObservedBlock {
//!         number,
//!         timestamp: 12 * number,
//!         gas_used: 15_000_000,
//!         gas_limit: 30_000_000,
//!         base_fee_wei: Some(20_000_000_000),
//!     })
//!     .collect();
//! let experiment = Experiment { paths: 2, blocks: 60, ..Experiment::new(baseline, proposal) };
//! let material = Material {
//!     chain: ChainId::evm(1),
//!     program: Program::this(),
//!     inputs: Vec::new(),
//!     observed: &observed,
//!     evm: &[],
//! };
//! let simulation = run(&experiment, &material, std::num::NonZeroUsize::MIN)?;
//! let fee = &simulation.result.metrics["base_fee_median"];
//! assert!(fee.proposal < fee.baseline, "twice the room is cheaper");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants: the same inputs give the same bytes on any machine and on any number of threads;
//! nothing hashed or compared is a float.
//!
//! It refuses to touch files, network or clock: bytes come in, results go out. It knows no EVM.

mod calibration;
pub mod change;
mod experiment;
pub mod flow;
pub mod forecast;
mod material;
mod result;
pub mod transactions;
mod transition;

pub use calibration::{Calibration, CalibrationFigure, CalibrationStatus, Fit};
pub use experiment::{
    Bound, Error, Experiment, Material, PUBLISHED_ELASTICITIES, SENSITIVITY_ELASTICITIES_PPM,
    Sensitivity, SensitivityRow, Simulation, WORK_BLOCKS_MAX, run, sensitivity,
};
pub use material::{
    MATERIAL_BLOCKS_MAX, MATERIAL_FORMAT, MATERIAL_INPUTS_MAX, MaterialDocument, MaterialError,
    simulate,
};
pub use result::{
    Arms, BacktestRow, Band, Decimal, EvmBlockFigures, EvmMetric, Fan, Input, Interval, MetricRow,
    Pairs, Program, RESULT_FORMAT, RESULT_FORMAT_CHECKED, RESULT_FORMAT_REVISED, Series,
    SimulationResult,
};
