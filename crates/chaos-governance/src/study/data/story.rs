//! What agents did around a study, and how to check it.

use chaos_types::Digest;

/// What the agents did and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// What they did, in order.
    pub steps: Vec<Step>,
    /// The commands that verify the run, one per line.
    pub verify: Vec<String>,
    /// The anchor on a chain: where it is and what it holds, as (name, value).
    pub anchor: Vec<(String, String)>,
}

/// One step of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Kind of the step, such as `simulate`.
    pub kind: String,
    /// Who did it.
    pub agent: String,
    /// Digest of the receipt, if the step left one.
    pub receipt: Option<Digest>,
    /// What happened, in one or two sentences.
    pub text: String,
}
