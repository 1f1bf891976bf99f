//! The programs that agents run and verifiers run again.
//!
//! A receipt says which program gave its output from which inputs. Whoever signs one has to run that
//! program, and whoever doubts it has to run it again and hold the receipt against what comes out.
//! This crate has the programs as functions that take plain arguments and give values: for a command,
//! a service, a job or another node.
//!
//! ```
//! use chaos_agency::Kinds;
//! use chaos_programs::{
//!     ChainView, Reader, Silent, appraisal::{Appraiser, known_anchors}, check, reexecution::Inputs,
//! };
//!
//! // Whose kinds of receipts the reader knows, and which log it trusts: the bundle's own.
//! let kinds = Kinds::new(&[chaos_governance::receipts::EXTENSION]);
//! let reader = Reader { log: None, policy: None, now_ms: None, copy: None, kinds, chain: ChainView::default() };
//! let appraiser = Appraiser::new(known_anchors(), None, None);
//! let inputs = Inputs::new(vec!["inputs".into()]);
//! let report = check(b"{}", reader, &appraiser, Some(&inputs), &Silent);
//! assert!(report.result.is_err());
//! ```
//!
//! - [`program`]: the programs; the agent signs what [`program::Program::run`] gives, the verifier
//!   compares with it.
//! - [`check`]: a bundle, as [`bundle_files`] finds them, against everything that can be checked; [`reexecution`] runs its program.
//! - [`proposing`]: agents analyse, draft, simulate and refine, and sign what they did.
//! - [`deciding`]: a proposal is submitted, voted on, scored and paid on a local chain; [`anchoring`]
//!   writes the log's checkpoint to any, and [`auditing`] holds what is on one against the log.
//! - [`simulation`]: blocks that were replayed once, and experiments on them; [`blocks`] reads them,
//!   [`recorded`] chooses and writes them, [`live`] fetches them from a node, [`saved`] makes them of
//!   what somebody else fetched.
//! - [`checking`]: somebody else's proposal, run on the state that a block left.
//! - [`study`]: one question with its alternatives, from its file to its folder.
//! - [`submitting`]: a finished proposal by its file, on its way through a chain; [`paying`] for its
//!   outcome.
//! - [`history`]: fee histories, read and held to their chain's fee rule.
//! - [`changes`]: changes of the past, predicted from what was before them.
//! - [`forecasting`]: forecasts of blocks to come, and how those of past ones held.
//! - [`task`]: a component that an agent runs, and its receipt.
//! - [`enclave`] and [`sandbox`]: runs in the sandbox, and what a quote says about them;
//!   [`appraisal`] judges such quotes by a [`policy`].
//!
//! Equal inputs give equal bytes, on every machine and with any number of threads. What takes long
//! tells a [`Progress`], what agents do goes to a [`Narrator`]; no result depends on either. The
//! crate refuses to print, to read a clock or the environment, and to know a command line.

pub mod anchoring;
pub mod appraisal;
pub mod auditing;
pub mod blocks;
pub mod bundle_files;
pub mod changes;
pub mod checking;
pub mod deciding;
pub mod enclave;
mod error;
mod figures;
mod files;
#[cfg(test)]
mod fixture;
pub mod forecasting;
pub mod history;
pub mod live;
mod log_copy;
pub mod paying;
pub mod policy;
pub mod program;
mod progress;
pub mod proposing;
pub mod recorded;
pub mod reexecution;
pub mod sandbox;
pub mod saved;
pub mod simulation;
pub mod studio;
pub mod study;
pub mod submitting;
pub mod task;
mod verify;
pub mod voting;

pub use error::Error;
pub use figures::figures;
pub use log_copy::{LogCopy, ReportedFork};
pub use progress::{Narrator, Progress, Silent, Step};
pub use verify::{ChainView, Reader, check};
