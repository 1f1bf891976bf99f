//! What a study says, as plain data: integers, texts and digests.
//!
//! The engine's results are mapped into these types by the caller, so a rendering depends on
//! nothing but what it shows. Units are those of [`quantity`](crate::study): `wei`, `gas`, `ppm`,
//! `milli_blocks`, `milliseconds`, `bytes` and so on; an unknown unit is printed as it is.

use chaos_parameters::Layer;
use chaos_report::Comparison;
use chaos_types::Digest;

mod attempts;
mod decision;
mod evidence;
mod figures;
mod story;

pub use attempts::{
    Alternative, Attack, AttackRow, Attacks, Axis, Cell, Forecast, ForecastRow, Grid, Pareto,
    ParetoColumn, ParetoRow, Scenario, Sweep, SweepPoint, Tornado, TornadoRow, Tried,
};
pub use chaos_report::Standing;
pub use decision::{
    Affected, Assumption, Check, Climb, Contract, Disclosure, Effect, Floor, Launch, Readiness,
    Reproduce, Rollout,
};
pub use evidence::{
    Backtest, BacktestRow, ChangelogEntry, Coverage, ModelRow, Replay, Scope, Superseded,
    Validation,
};
pub use figures::{
    Arm, Better, Component, Constraint, Delay, Differences, Fan, Fullness, GasBin, GasChanges,
    Growth, GrowthCategory, Histogram, Limit, OutcomeError, Outcomes, Percentiles, Revenue,
    WorstBlock, WorstBlocks,
};
pub use story::{Step, Story};

/// A finished study or proposal: one change of parameters, what it would do, and why to believe it.
///
/// [`Study::new`] gives one in which every optional part is not measured, so a caller fills in what
/// it has with struct update syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    /// What is asked, of which chain, from which blocks.
    pub heading: Heading,
    /// What the reader takes home: at most five sentences.
    pub verdict: Vec<String>,
    /// What the intervals of all rows are, such as `paired 95 %`.
    pub interval: String,
    /// Which blocks, how many, what was left out.
    pub scope: Scope,
    /// Every metric with its formula.
    pub method: Vec<Definition>,
    /// Why to believe the model before reading its results.
    pub validation: Validation,
    /// The rows a voter decides on; about six.
    pub decision: Vec<Row>,
    /// All other metrics.
    pub others: Vec<Row>,
    /// The same rows under other conditions.
    pub scenarios: Vec<Scenario>,
    /// Figure 1: fees of both arms over blocks; the first fan is the base fee.
    pub fans: Part<Vec<Fan>>,
    /// Figure 2: the paired difference block by block.
    pub differences: Part<Differences>,
    /// Figure 3: inclusion delay by decile of the tip.
    pub delays: Part<Vec<Delay>>,
    /// Figure 4: how full blocks are.
    pub fullness: Part<Fullness>,
    /// Figure 5: who gets the fees.
    pub revenue: Part<Revenue>,
    /// Figure 6: what becomes of every recorded transaction.
    pub outcomes: Part<Outcomes>,
    /// Figure 7: how the gas of a transaction changes.
    pub gas_changes: Part<GasChanges>,
    /// Figure 8: the slowest and the largest blocks that can be built.
    pub worst_blocks: Part<WorstBlocks>,
    /// Figure 9: how fast the state grows.
    pub growth: Part<Growth>,
    /// Figure 10: how far each limit is away.
    pub constraints: Part<Vec<Constraint>>,
    /// Figure 11: how the main result depends on the assumptions.
    pub tornado: Part<Tornado>,
    /// Figure 12: what attacks cost and what damage they do.
    pub attacks: Part<Attacks>,
    /// Figure 13: what is predicted, and later what happened.
    pub forecast: Part<Forecast>,
    /// Figure 14: verdicts over a grid of parameters.
    pub grid: Part<Grid>,
    /// Figure 16: the main result at several elasticities.
    pub sweep: Part<Sweep>,
    /// Every value that was tried on the way to the proposed one, in order.
    pub tried: Vec<Tried>,
    /// What else could be done; the grid's cells are not repeated here.
    pub alternatives: Vec<Alternative>,
    /// The grid's cells that no other cell beats in every metric.
    pub pareto: Part<Pareto>,
    /// Who gains and who loses.
    pub affected: Vec<Affected>,
    /// Contracts whose transactions change most.
    pub contracts: Part<Vec<Contract>>,
    /// What a reader may dispute.
    pub assumptions: Vec<Assumption>,
    /// What the study cannot show and what would change its conclusion, one sentence each.
    pub limits: Vec<String>,
    /// Names and digests of everything that was read and written.
    pub manifest: Vec<(String, Digest)>,
    /// Versions, seeds and other facts of the run, as (name, value).
    pub run: Vec<(String, String)>,
    /// How to repeat it.
    pub reproduce: Reproduce,
    /// How the change is made and taken back.
    pub rollout: Rollout,
    /// What the owner of a rollup checks before signing.
    pub readiness: Part<Readiness>,
    /// What changed since the first version of this report, oldest first.
    pub changelog: Vec<ChangelogEntry>,
    /// Who made it, who paid.
    pub disclosure: Disclosure,
    /// What the agents did and signed, if agents made it.
    pub story: Part<Story>,
}

/// What is asked, of which chain, from which blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Whether it answers a question or asks for a change.
    pub kind: Kind,
    /// One line.
    pub title: String,
    /// The question in one sentence, with a question mark.
    pub question: String,
    /// The ask of the proposal in one sentence, such as `Raise the gas limit to 60 Mgas.`
    pub ask: String,
    /// What happens if nothing is done, in a sentence that goes on from there; empty if it was not
    /// studied.
    pub if_nothing_is_done: String,
    /// The chain, CAIP-2.
    pub chain: String,
    /// What changes.
    pub changes: Vec<Change>,
    /// Where the blocks come from.
    pub source: Source,
    /// Class of the evidence, such as `replayable`.
    pub evidence: String,
    /// Digest of the simulation result that every figure comes from.
    pub result: Digest,
    /// Digests of what else names it, such as the proposal's own.
    pub identities: Vec<(String, Digest)>,
}

/// Whether a report answers a question or asks for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A study of any change.
    Study,
    /// A proposal: a study with one cell.
    Proposal,
}

impl Study {
    /// A study in which nothing is measured yet.
    #[must_use]
    pub fn new(heading: Heading, reproduce: Reproduce) -> Self {
        Self {
            heading,
            verdict: Vec::new(),
            interval: "paired 95 %".to_owned(),
            scope: Scope::default(),
            method: Vec::new(),
            validation: Validation::default(),
            decision: Vec::new(),
            others: Vec::new(),
            scenarios: Vec::new(),
            fans: Part::default(),
            differences: Part::default(),
            delays: Part::default(),
            fullness: Part::default(),
            revenue: Part::default(),
            outcomes: Part::default(),
            gas_changes: Part::default(),
            worst_blocks: Part::default(),
            growth: Part::default(),
            constraints: Part::default(),
            tornado: Part::default(),
            attacks: Part::default(),
            forecast: Part::default(),
            grid: Part::default(),
            sweep: Part::default(),
            tried: Vec::new(),
            alternatives: Vec::new(),
            pareto: Part::default(),
            affected: Vec::new(),
            contracts: Part::default(),
            assumptions: Vec::new(),
            limits: Vec::new(),
            manifest: Vec::new(),
            run: Vec::new(),
            reproduce,
            rollout: Rollout::default(),
            readiness: Part::default(),
            changelog: Vec::new(),
            disclosure: Disclosure::default(),
            story: Part::default(),
        }
    }
}

/// A part of a study, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Part<T> {
    /// It was measured.
    Known(T),
    /// It was not; a clause that says why, such as `only headers were read`.
    NotMeasured(String),
    /// The study never asked for it; a report names all such parts in one place.
    #[default]
    NotAsked,
}

impl<T> Part<T> {
    /// A part that was not measured, with the reason.
    #[must_use]
    pub fn missing(reason: impl Into<String>) -> Self {
        Self::NotMeasured(reason.into())
    }

    /// The part if it was measured.
    #[must_use]
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(part) => Some(part),
            Self::NotMeasured(_) | Self::NotAsked => None,
        }
    }

    /// Whether the study asked for it.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        !matches!(self, Self::NotAsked)
    }
}

/// One parameter before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Name of the parameter, such as `gas-limit`.
    pub name: String,
    /// Unit of both values.
    pub unit: String,
    /// Value now.
    pub current: i128,
    /// Value after.
    pub proposed: i128,
    /// How it takes effect, such as `by at most 1/1024 per block once proposers vote for it`.
    pub takes_effect: String,
    /// Where the parameter is defined: an EIP or a specification.
    pub source: String,
}

/// Where the studied blocks come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Whether they happened.
    pub kind: SourceKind,
    /// Which blocks these are, in one sentence.
    pub text: String,
}

/// Whether the studied blocks happened on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// All blocks were recorded from the chain.
    Recorded,
    /// Some blocks were recorded, others were made up.
    Mixed,
    /// All blocks were made up; nothing in the study is a fact about a chain.
    Generated,
}

/// Where a figure comes from: a layer of the simulation, or something firmer or weaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Recorded transactions were executed again.
    Reexecuted,
    /// The fee-market model.
    Model,
    /// Read from the chain.
    Observed,
    /// Follows from the rules alone by arithmetic.
    Arithmetic,
    /// Measured with a clock on one machine; outside the digest.
    Timed,
}

impl Origin {
    /// What the reader sees.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Reexecuted => "re-executed",
            Self::Model => "fee model",
            Self::Observed => "observed",
            Self::Arithmetic => "arithmetic",
            Self::Timed => "timed, outside the digest",
        }
    }
}

impl From<Layer> for Origin {
    fn from(layer: Layer) -> Self {
        match layer {
            Layer::Evm => Self::Reexecuted,
            Layer::FeeMarket => Self::Model,
        }
    }
}

/// One metric in both arms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Name of the metric, such as `base_fee_median`.
    pub metric: String,
    /// What it is called on screen.
    pub label: String,
    /// Unit of all its numbers.
    pub unit: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Value as the chain is.
    pub baseline: i128,
    /// Value after the change.
    pub proposal: i128,
    /// Proposal less baseline, paired.
    pub difference: i128,
    /// Ends of the difference's interval; none if the difference is exact.
    pub interval: Option<(i128, i128)>,
    /// What was required of it before the study.
    pub threshold: Option<Threshold>,
}

impl Row {
    /// How its figures are written, wherever they stand.
    pub(crate) fn shown(&self) -> Comparison {
        Comparison::of(&self.unit, self.baseline, self.proposal)
    }
}

/// A requirement that was named before the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// What is compared.
    pub subject: Subject,
    /// The side on which it must lie.
    pub side: Side,
    /// The bound, in the row's unit; in ppm if the subject is the relative difference.
    pub value: i128,
    /// The verdict.
    pub standing: Standing,
}

/// What a threshold is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The value after the change.
    Proposal,
    /// The difference, in the row's unit.
    Difference,
    /// The difference as a share of the baseline, in ppm.
    Relative,
}

/// The side of a threshold on which a value must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At most the threshold.
    AtMost,
    /// At least the threshold.
    AtLeast,
}

/// What a metric means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Name of the metric.
    pub metric: String,
    /// Formula in words and symbols.
    pub formula: String,
    /// Unit.
    pub unit: String,
    /// Where its figures come from.
    pub origin: Origin,
    /// Where the definition is taken from.
    pub source: String,
}

#[cfg(test)]
mod tests;
