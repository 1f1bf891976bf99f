//! A study: one proposal, its alternatives, demand scenarios, thresholds and attacks, as a file.
//!
//! A decider asks one question; two models of demand, the re-execution of recorded blocks and
//! [attacks](attack) each answer a part of it. This crate says what is asked ([`Study`]) and joins the
//! answers to one document with one digest ([`StudyResult`]).
//!
//! A study file says everything that a reader needs to repeat the study; [`Study::parse`] reads it
//! and refuses what it does not know. The work falls into [`Cell`]s, one set of parameters under
//! one demand scenario each; a cell is a pure function of the study and the blocks, so a stopped
//! run resumes by keeping the cells it has ([`Cell::key`]). Cells that miss a threshold on every
//! one of the first paths are not run to the end; what remains is ranked by
//! domination, not by one score ([`pareto`]).
//!
//! ```
//! use chaos_parameters::Preset;
//! use chaos_study::attack::{Case, Scenario, run};
//!
//! let case = Case::new(Preset::Prague.parameters(), Preset::Osaka.parameters());
//! let result = run(Scenario::BlockStuffing, &case)?;
//! assert!(result.cost.difference > 0, "a larger block is dearer to fill");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants: everything hashed is an integer in a canonical document; no figure depends on a clock
//! or on the number of threads.
//!
//! It refuses a study file with a key it does not know. It knows no files, network or clock.

pub mod attack;
mod blocks;
mod cell;
mod evm;
mod file;
mod judge;
mod plan;
mod result;
mod transactions;

pub use blocks::{executed, observed};
pub use cell::{Cell, CellResult, Standing, run_cell};
pub use evm::{EvmError, EvmFigures, OutcomeRow, WorkRow, execute_arms};
pub use file::{FileError, content_digest};
pub use judge::{Goal, Judgement, Side, Threshold, ThresholdValue, judge, pareto, withheld};
pub use plan::{Axis, DemandScenario, Market, Sources, Study, WhenAbsent, parse_ppm};
pub use result::{
    GridCell, STUDY_FORMAT, STUDY_FORMAT_CHECKED, STUDY_FORMAT_REVISED, ScenarioResult, StudyResult,
};
pub use transactions::{
    DelayRow, TransactionFigures, TransactionRun, UTILISATION_CLASSES, run_transactions,
};

#[cfg(test)]
mod tests;
