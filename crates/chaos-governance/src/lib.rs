//! From observed blocks to a proposal that a voter can check: the governance studio.
//!
//! A protocol team asks what happens to fees, waiting and use if a parameter changes, and why it
//! should believe the answer. This crate is the part of that answer that anyone can recompute: a
//! researcher's [`Metrics`] and [`analyse`], a developer's [`Draft`] and [`refine::run`], the
//! [`Proposal`] with its Markdown, figures and report, and the [`Study`] of any parameter change
//! with a report for those who will cross-examine it.
//!
//! ```
//! use chaos_governance::{BlockFacts, DEFAULT_STUDIO, Draft, Metrics, Thresholds, analyse};
//! use chaos_parameters::Parameters;
//! use chaos_simulation::flow::ObservedBlock;
//! use chaos_studio::Studio;
//!
//! let studio = Studio::parse(DEFAULT_STUDIO)?;
//! // Three full blocks, one empty one, and so on: demand presses against the limit.
//! let blocks: Vec<BlockFacts> = (1..=40)
//!     .map(|number| ObservedBlock {
//!         number,
//!         timestamp: number * 12,
//!         gas_used: if number % 4 == 0 { 0 } else { 30_000_000 },
//!         gas_limit: 30_000_000,
//!         base_fee_wei: Some(1_000_000_000),
//!     })
//!     .map(BlockFacts::from)
//!     .collect();
//! let parameters = Parameters::ethereum(30_000_000)?;
//! let metrics = Metrics::measure(&blocks, 2, studio.policy().evidence())?;
//! let found =
//!     analyse(&metrics, &parameters, studio.policy(), &Thresholds::of_studio(&studio)?);
//! assert_eq!(found[0].rule.as_str(), "congestion");
//!
//! let draft = Draft::new(&found[0], &parameters, studio.policy())?;
//! assert_eq!(draft.change().to_string(), "gas-limit 30000000 -> 35000000");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything is a pure function over integers: same inputs, same bytes. Invariants: no value
//! outside the policy is ever simulated or proposed; a refinement ends within the policy's rounds; a
//! result that misses an objective or breaks a guard is never final; text from outside is inert in
//! every rendering.
//!
//! The studio brings its own kinds of receipts and the view over them ([`receipts::EXTENSION`]).
//!
//! It refuses to simulate, sign, fetch or post: the simulator is a closure, and signing, calls and
//! commands are the caller's.

pub mod analysis;
mod facts;
mod int;
pub mod metrics;
pub mod opportunity;
pub mod thresholds;

pub mod change;
pub mod draft;
pub mod refine;
pub mod rounds;

pub mod receipts;
pub mod view;

pub mod proposal;
pub mod study;

#[cfg(test)]
#[path = "../tests/world/simulation.rs"]
mod fixture;

pub use analysis::Analysis;
pub use change::Change;
use chaos_parameters::ParameterName;
pub use draft::Draft;
pub use facts::BlockFacts;
pub use int::Int;
pub use metrics::{Metric, Metrics};
pub use opportunity::{Opportunity, analyse};
pub use proposal::{Context, Proposal};
pub use refine::Outcome;
pub use study::Study;
pub use thresholds::Thresholds;
pub use view::Proposals;

/// The default studio definition, `studios/governance.toml`.
pub const DEFAULT_STUDIO: &str = include_str!("../../../studios/governance.toml");

/// The name under which a studio definition speaks of a simulation parameter.
#[must_use]
pub fn studio_name(parameter: ParameterName) -> chaos_studio::ParameterName {
    parameter.flag().parse().expect("a flag has only lower-case letters and hyphens")
}
