use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

/// Why a task gave no answer: `chaoschain:agent/types.failure`.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    ComponentType,
    Lift,
    Lower,
    thiserror::Error,
)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The input is not what this task reads: what was expected, what was found, and where.
    #[component(name = "invalid-input")]
    #[error("invalid input: {0}")]
    InvalidInput(String),
    /// The input was read and has no answer.
    #[component(name = "no-answer")]
    #[error("no answer: {0}")]
    NoAnswer(String),
}

impl Failure {
    /// The reason that the task gave.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::InvalidInput(text) | Self::NoAnswer(text) => text,
        }
    }
}

/// What a strategy decided: the world `strategy`'s `step`.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Step {
    /// The state that the next call gets.
    pub state: Vec<u8>,
    /// What the strategy wants done.
    pub intents: Vec<u8>,
}
