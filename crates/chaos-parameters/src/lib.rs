//! What a chain's rules are, and how they move its fees.
//!
//! A proposal changes a gas limit, a floor or a schedule of blobs. Two models of demand and the
//! re-execution of blocks all ask what that does to the next block's fees, and their figures stand
//! side by side in one report, so they must answer by one rule. This crate holds the parameters of
//! three families of chains with their bounds and sources ([`Parameters`], [`ParameterName`],
//! [`Preset`]) and the one rule that moves fees under them ([`pricing`]).
//!
//! ```
//! use chaos_parameters::{
//!     Preset, parse_setting,
//!     pricing::{BlockUse, FeeState},
//! };
//!
//! let baseline = Preset::Osaka.parameters();
//! let proposal = baseline.apply(&[parse_setting("gas-limit=120_000_000")?])?;
//! let state = FeeState::settled(&baseline, 1_000_000_000).enact(&proposal);
//! let full = BlockUse { gas: state.gas_limit, blob_gas: 0, elapsed_ms: proposal.block_time_ms() };
//! assert_eq!(state.advance(&proposal, full).base_fee_wei, 1_125_000_000);
//! # Ok::<(), chaos_parameters::Error>(())
//! ```
//!
//! Invariants: a [`Parameters`] value never contradicts itself; everything is an integer or fixed
//! point ([`fixed`]), so that equal arguments give equal bits on any machine.
//!
//! It refuses a setting out of its bounds or of another family, with the bounds. It knows no EVM,
//! no block format and no model of demand.

mod layer;
mod name;
mod preset;
mod set;
mod setting;

pub mod fixed;
pub mod pricing;

pub use layer::Layer;
pub use name::{Definition, Error, Family, ParameterName, help_table};
pub use preset::Preset;
pub use set::{GasTarget, Parameters};
pub use setting::{Setting, parse_setting};
