//! The flow model of the fee-market layer: what users pay and how long they wait, without executing
//! anything.
//!
//! A path is a sequence of blocks under one set of [`Parameters`](chaos_parameters::Parameters): gas demand
//! arrives, falls with the price, waits in a pool when the block is full, and the base fee answers
//! by the exact rule of [EIP-1559](https://eips.ethereum.org/EIPS/eip-1559). The demand's level and
//! noise are estimated from observed blocks ([`Demand`]); its price elasticity cannot be, and is an
//! assumption that every result states. Both arms of a comparison see the same random shocks.
//!
//! Everything is integer or fixed point ([`chaos_parameters::fixed`]).

mod demand;
mod history;
mod metrics;
mod path;

pub use demand::{
    Assumptions, CalibrationError, Demand, NoiseSource, POSTERIOR_MEDIAN_PPM, RowsUsed, calibrate,
    chain_parameters,
};
pub(crate) use demand::{
    Calibrated, Clamp, Fitted, LEVEL_BLOCKS_MIN, NOISE_BLOCKS_MIN, POSTERIOR_ELASTICITIES_PPM,
    POSTERIOR_KNOTS_PPM, at_price, calibrated, fit, longest_run, secant,
};
pub use history::ObservedBlock;
pub use metrics::{Metric, PathMetrics, observed_metrics, percentile};
pub(crate) use path::SlowStart;
pub use path::{BlockOutcome, Path, PathSpec, Shocks, simulate};
