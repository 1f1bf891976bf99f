//! The developer's work as one replayable document: what was tried, what came out, what followed.

use chaos_types::{Digest, canonical, decimal};
use serde::Serialize;

use crate::{
    Outcome,
    opportunity::Rule,
    refine::{Decision, Round},
};

/// The format line of the record of rounds.
pub const FORMAT: &str = "chaos-governance/minutes/1";

#[derive(Serialize)]
struct Document {
    format: &'static str,
    rule: &'static str,
    rounds: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    number: u32,
    parameter: &'static str,
    #[serde(with = "decimal")]
    proposed: u64,
    result: Digest,
    decision: &'static str,
    reason: String,
}

/// The canonical bytes of the record of rounds of a draft on the opportunity that `rule` found.
///
/// # Errors
/// Never in practice: all numbers are small or decimal strings.
pub fn to_canonical(rule: Rule, outcome: &Outcome) -> Result<Vec<u8>, canonical::Error> {
    let rounds = outcome.rounds.iter().map(line).collect();
    canonical::to_vec(&Document { format: FORMAT, rule: rule.as_str(), rounds })
}

fn line(round: &Round) -> Line {
    let (decision, reason) = match &round.decision {
        Decision::Finalise => ("finalise", String::new()),
        Decision::Refine { why, .. } => ("refine", why.to_string()),
        Decision::GiveUp(reason) => ("give_up", reason.to_string()),
    };
    Line {
        number: round.number,
        parameter: round.change.parameter().flag(),
        proposed: round.change.proposed(),
        result: round.result_digest,
        decision,
        reason,
    }
}
