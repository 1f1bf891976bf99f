//! The transaction model of the fee-market layer: single transactions, a pool and a builder.
//!
//! Where [`flow::simulate`](crate::flow::simulate) moves one number of demanded gas per
//! block, this model draws users with a value per unit of gas and a cost of waiting, lets them bid
//! by kind, keeps their transactions in a pool with a capacity and a replacement rule, and packs
//! blocks by effective tip. It shows what the flow model cannot: who waits, who pays, what a
//! proposer earns, what users gain, and what a second resource (blobs) does beside gas.
//!
//! [`run`] simulates one path in one arm; [`run_arms`] simulates the same path in several arms in
//! lockstep. The users of a block are drawn once and shown to every arm, so arms differ by their
//! rules alone (common random numbers), and equal rules give equal bytes.
//!
//! ```
//! use chaos_parameters::Parameters;
//! use chaos_simulation::transactions::{Arm, Metric, Spec, run_arms};
//!
//! let baseline = Parameters::ethereum(30_000_000)?;
//! let spec = Spec { blocks: 60, warmup_blocks: 20, ..Spec::stated(baseline) };
//! let arms = [Arm::honest(baseline), Arm::honest(Parameters::ethereum(60_000_000)?)];
//! let [same, raised] = &run_arms(&spec, &arms, (7, 0))?[..] else { unreachable!() };
//! assert!(raised.metrics[&Metric::BaseFeeMedian] < same.metrics[&Metric::BaseFeeMedian]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the stated users, demand calibrated on the 35,000 blocks after London and the exponential
//! block times of proof of work, the model's figures (and the recorded ones) are: mean use 0.515
//! (0.516), saturated blocks 22.5 % (23.3 %), empty ones 1.8 % (2.2 %), correlation of use in
//! adjacent blocks -0.41 (-0.41), volatility of the base fee 0.088 (0.089). Dear days are too cheap,
//! 53 gwei at the 95th percentile (75): mint spikes are a matter of shocks, not of the noise.
//!
//! Invariants: integers and fixed point only ([`chaos_parameters::fixed`]); the same arguments give the same
//! bytes; in every block what users deposit equals what is burnt, tipped and refunded; nobody pays
//! more than their maximum fee; no block exceeds a limit.
//!
//! It refuses parameters that contradict each other, and arms whose blocks take different times.

mod accounts;
pub mod arrivals;
mod builder;
mod draw;
mod engine;
mod metrics;
mod pool;
mod proposers;
mod rules;
mod scale;
mod spec;
pub mod users;

pub use accounts::{Block, Payments};
pub use engine::{run, run_arms, run_observed};
pub use metrics::{AttackAccount, DecileDelay, Highest, Metric, Outcome, Series};
pub use pool::PoolRules;
pub use spec::{Arm, Error, MATCH_PATHS, Matched, Proposer, Spec};
