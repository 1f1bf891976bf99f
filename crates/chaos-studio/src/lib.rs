//! A studio as data: who may do what, in which order, within which limits.
//!
//! A studio organises agents, tasks, policies and rewards for one domain. Everything that a reader
//! may want to dispute about it (bounds of a parameter, the largest step, what counts as success,
//! who approves, how rewards are weighted) stands in one TOML file, and the digest of that file goes
//! into the receipts. [`Studio::parse`] reads it once, refuses contradictions with the path of the
//! key at fault, and hands out values that need no further checking.
//!
//! ```
//! use chaos_studio::Studio;
//!
//! let studio = Studio::parse(include_str!("../tests/studio.toml"))?;
//! let policy = studio.policy();
//! let limit = "gas-limit".parse()?;
//! assert!(policy.check_change(&limit, 30_000_000, 36_000_000).is_ok());
//! let violation = policy.check_change(&limit, 30_000_000, 60_000_000).unwrap_err();
//! assert!(violation.to_string().contains("step"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants of a parsed studio: every role a task names exists and permits the task's action; the
//! tasks form a directed graph without cycles; every range is non-empty; every weight is positive;
//! an objective's margin is a number a simulation can reach or miss.
//!
//! It refuses to know any concrete studio: names of parameters, metrics, actions and thresholds are
//! words to it, and the studio crates give them meaning.

mod definition;
mod name;
mod objective;
mod policy;
mod role;
mod studio;
mod task;

pub use definition::{DefinitionError, Expected};
pub use name::{
    ActionName, Capability, Domain, MetricName, NameError, ParameterName, RoleName, StudioName,
    TaskName, ThresholdName,
};
pub use objective::{Direction, Guard, Judge, Judgement, Margin, Objective, Reading, Standing};
pub use policy::{
    Approvals, EvidenceClass, EvidenceRule, ParameterBounds, Policy, PolicyViolation, Tally,
};
pub use role::Role;
pub use studio::Studio;
pub use task::Task;
