//! The proposal: one document with one digest. Its renderings are those of a study with one cell
//! ([`report::study`]).
//!
//! [`Content`] is the published form: plain data, every integer that may be large a decimal string.
//! Its digest is the proposal's id, so two renderings with the same id say the same.

use chaos_report::Comparison;
use chaos_types::{ChainId, Digest, canonical};
use serde::Serialize;

use crate::int::Int;

mod compose;
pub mod report;
mod rows;

use compose::shown_effect;
pub use compose::{Brief, Context, Error, compose};
pub use rows::label;
pub(crate) use rows::spoken;

/// Names the layout of [`Content`]; a change of layout changes it.
const PROPOSAL_FORMAT: &str = "chaos-governance/proposal/1";

/// The same layout where the one fee rule gives a figure of it, of an alternative or of the sweep of
/// elasticities another value than once (`docs/adr/0012-one-fee-rule.md`).
const PROPOSAL_FORMAT_REVISED: &str = "chaos-governance/proposal/2";

/// A finished proposal and its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    id: Digest,
    content: Content,
}

/// Everything a proposal says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Content {
    /// `PROPOSAL_FORMAT` or `PROPOSAL_FORMAT_REVISED`.
    pub format: &'static str,
    /// The chain, CAIP-2.
    pub chain: ChainId,
    /// What changes.
    pub changes: Vec<ChangeLine>,
    /// One line.
    pub title: String,
    /// The ask in one sentence.
    pub ask: String,
    /// What the observed blocks show and what happens if nothing is done.
    pub problem: String,
    /// The analyst's evidence.
    pub evidence: Vec<EvidenceLine>,
    /// First and last observed block.
    pub observed_range: (u64, u64),
    /// How many observed blocks.
    pub observed_blocks: u64,
    /// Receipts of the analyses it rests on.
    pub analyses: Vec<Reference>,
    /// Every value that was simulated.
    pub rounds: Vec<RoundLine>,
    /// Digest of the simulation result it stands on.
    pub result: Digest,
    /// The metrics a voter decides on.
    pub decision_table: Vec<DecisionRow>,
    /// All other metrics of the result.
    pub other_metrics: Vec<DecisionRow>,
    /// Who gains and who loses, as far as the data shows.
    pub affected: Vec<Affected>,
    /// What a reader may dispute.
    pub assumptions: Vec<Assumption>,
    /// The main metric at several elasticities.
    pub sensitivity: Vec<SensitivityLine>,
    /// The model's baseline beside the observed blocks.
    pub backtest: Vec<BacktestLine>,
    /// What it predicts, to be scored after activation.
    pub forecast: Option<Forecast>,
    /// What else was considered.
    pub alternatives: Vec<Alternative>,
    /// How the change becomes effective on the chain.
    pub rollout: String,
    /// When to stop or revert.
    pub stop_conditions: Vec<String>,
    /// The calls that carry the change out; empty if it is not made by a call.
    pub payload: Vec<Call>,
    /// The calls that take it back.
    pub rollback: Vec<Call>,
    /// How to repeat the simulation.
    pub reproduce: Reproduce,
    /// Digest of the studio definition whose policy was applied.
    pub studio: Digest,
    /// Who made it.
    pub agents: Vec<AgentLine>,
    /// Who paid, conflicts, what was not examined.
    pub disclosure: String,
}

/// One parameter before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeLine {
    /// Name of the parameter, such as `gas-limit`.
    pub parameter: String,
    /// Value now.
    pub current: Int,
    /// Value after.
    pub proposed: Int,
    /// Unit of both.
    pub unit: String,
    /// What the parameter does.
    pub meaning: String,
}

/// A metric of the observed blocks that a rule of the analyst held against a threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvidenceLine {
    /// Name of the metric.
    pub metric: String,
    /// Unit of both numbers.
    pub unit: String,
    /// What was observed.
    pub value: Int,
    /// What it was held against.
    pub threshold: Int,
}

/// A receipt and what it records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// Digest of the receipt.
    pub receipt: Digest,
    /// What it records.
    pub text: String,
}

/// A value that was simulated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundLine {
    /// Number of the round, from 1.
    pub number: u32,
    /// The value.
    pub value: Int,
    /// Unit of the value.
    pub unit: String,
    /// Digest of the simulation result.
    pub result: Digest,
    /// Digest of the receipt, if one was signed.
    pub receipt: Option<Digest>,
    /// What followed.
    pub decision: String,
}

/// One metric of the decision table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionRow {
    /// Name of the metric in the result.
    pub metric: String,
    /// Unit of all numbers.
    pub unit: String,
    /// Without the change.
    pub baseline: Int,
    /// With it.
    pub proposed: Int,
    /// Mean of the paired differences.
    pub difference: Int,
    /// Their 10th percentile.
    pub low: Int,
    /// Their 90th percentile.
    pub high: Int,
    /// `evm` or `fee_market`.
    pub layer: &'static str,
    /// The policy's requirement and whether it is met; absent if the policy has none.
    pub verdict: Option<Verdict>,
}

/// Begins the sentence of [`Content::problem`] that says what follows from doing nothing.
const IF_NOTHING_IS_DONE: &str = "If nothing is done, ";

impl Content {
    /// What the blocks show: the first part of the problem.
    pub(crate) fn finding(&self) -> &str {
        self.problem
            .split_once(IF_NOTHING_IS_DONE)
            .map_or(&*self.problem, |(found, _)| found.trim())
    }

    /// What follows from doing nothing; empty if the problem does not say it.
    pub(crate) fn consequence(&self) -> &str {
        self.problem.split_once(IF_NOTHING_IS_DONE).map_or("", |(_, consequence)| consequence)
    }
}

impl DecisionRow {
    /// How its figures are written, wherever they stand.
    pub(crate) fn shown(&self) -> Comparison {
        Comparison::of(&self.unit, self.baseline.0, self.proposed.0)
    }
}

/// A requirement that was named before the simulation ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// `objective` or `guard`.
    pub criterion: &'static str,
    /// `met` or `missed`.
    pub standing: &'static str,
    /// `at_least` or `at_most`: on which side of the threshold the difference must be.
    pub side: &'static str,
    /// The difference required, in the metric's unit.
    pub threshold: Int,
    /// `mean` or `interval`: which number was judged.
    pub judged: &'static str,
}

/// A group and what the change does to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// The group.
    pub who: &'static str,
    /// `gains`, `loses`, `unclear` or `unchanged`.
    pub effect: &'static str,
    /// Why, with numbers.
    pub text: String,
}

/// An input of the model that blocks alone do not show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assumption {
    /// What it is.
    pub name: &'static str,
    /// Its value, with unit.
    pub value: String,
    /// Where it comes from, or why it may be wrong.
    pub note: &'static str,
}

/// The main metric at one assumed elasticity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SensitivityLine {
    /// The elasticity in ppm.
    pub elasticity_ppm: u32,
    /// The comparison at that elasticity.
    pub row: DecisionRow,
}

/// A figure of the observed blocks beside the baseline model's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BacktestLine {
    /// Name of the metric.
    pub metric: String,
    /// Unit of both numbers.
    pub unit: String,
    /// In the observed blocks.
    pub observed: Int,
    /// In the model's baseline.
    pub modelled: Int,
}

/// A prediction that blocks after activation will confirm or refute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// The metric.
    pub metric: String,
    /// Relative change after activation against before, 10th percentile, in ppm.
    pub relative_low_ppm: Int,
    /// The same, 90th percentile.
    pub relative_high_ppm: Int,
    /// Blocks after activation, and as many before, over which it is measured.
    pub horizon_blocks: u32,
    /// When it will be scored: a block or a date.
    pub scored_at: String,
}

/// A course of action other than the proposed one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alternative {
    /// What it is.
    pub name: String,
    /// Digest of its simulation, if it was simulated.
    pub result: Option<Digest>,
    /// The metrics of the decision table under it.
    pub rows: Vec<DecisionRow>,
    /// Why it is not proposed.
    pub text: String,
}

/// A contract call, decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The address called.
    pub target: String,
    /// The function's signature.
    pub function: String,
    /// Arguments in order, as (name, value).
    pub arguments: Vec<(String, String)>,
    /// The same call as bytes, `0x` and hexadecimal digits.
    pub calldata: String,
}

/// How to repeat the simulation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reproduce {
    /// The exact command.
    pub command: String,
    /// What it needs and how long it takes.
    pub needs: String,
    /// What the command does not cover.
    pub not_covered: String,
}

/// An agent that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentLine {
    /// Name it registered.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Its identifier.
    pub did: String,
    /// What decides for it: a program or a language model.
    pub engine: String,
}

/// The published JSON: the content and its digest.
#[derive(Serialize)]
struct Document<'a> {
    id: Digest,
    proposal: &'a Content,
}

impl Proposal {
    /// Fixes the content; its id is the SHA-256 of its canonical JSON.
    ///
    /// # Errors
    /// If the content holds a block number beyond 2^53.
    pub fn new(content: Content) -> Result<Self, canonical::Error> {
        let id = Digest::of(&canonical::to_vec(&content)?);
        Ok(Self { id, content })
    }

    /// The digest of the canonical content.
    #[must_use]
    pub const fn id(&self) -> Digest {
        self.id
    }

    /// What it says.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// Canonical JSON `{"id", "proposal"}`; the id is the digest of the canonical `proposal`.
    ///
    /// # Errors
    /// Never: [`Self::new`] wrote the content once already.
    pub fn to_json(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_vec(&Document { id: self.id, proposal: &self.content })
    }
}

#[cfg(test)]
mod tests;
