use chaos_parameters::Layer;
use serde::{Deserialize, Serialize};

use super::Scenario;

/// One figure of an attack in both arms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What it is, such as `cost_1_hour`; unique within a result.
    pub name: String,
    /// Unit of the three numbers.
    pub unit: String,
    /// Under the baseline's rules.
    #[serde(with = "chaos_types::decimal")]
    pub baseline: i128,
    /// Under the proposal's rules.
    #[serde(with = "chaos_types::decimal")]
    pub proposal: i128,
    /// Proposal less baseline.
    #[serde(with = "chaos_types::decimal")]
    pub difference: i128,
}

impl Row {
    pub(super) fn new(name: impl Into<String>, unit: &str, baseline: i128, proposal: i128) -> Self {
        Self {
            name: name.into(),
            unit: unit.to_owned(),
            baseline,
            proposal,
            difference: proposal.saturating_sub(baseline),
        }
    }
}

/// What an attack costs and what it does, under the baseline's rules and under the proposal's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackResult {
    /// The attack.
    pub scenario: Scenario,
    /// Where the figures came from: executed code or the fee rules alone.
    pub layer: Layer,
    /// What the attacker pays.
    pub cost: Row,
    /// What others suffer, and the figures that explain it.
    pub damage: Vec<Row>,
    /// Assumptions and warnings that hold for this case.
    pub notes: Vec<String>,
}

impl AttackResult {
    /// The damage row with this name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.damage.iter().find(|row| row.name == name)
    }
}

/// One arm's figures, in an order that is the same for both arms.
pub(super) type Figures = Vec<Figure>;

/// One arm's figure before it meets that of the other arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) unit: &'static str,
    pub(super) value: i128,
}

pub(super) fn figure(
    name: impl Into<String>,
    unit: &'static str,
    value: impl TryInto<i128>,
) -> Figure {
    // Amounts beyond 2^127 stop there; no chain has that much of anything.
    Figure { name: name.into(), unit, value: value.try_into().unwrap_or(i128::MAX) }
}

/// Joins the figures of both arms by name; the first is the cost.
///
/// A figure that one arm lacks, such as an operation that its fork does not know, is left out.
pub(super) fn join(
    scenario: Scenario,
    layer: Layer,
    baseline: Figures,
    proposal: &[Figure],
    notes: Vec<String>,
) -> AttackResult {
    let mut rows = baseline.into_iter().filter_map(|one| {
        let other = proposal.iter().find(|other| other.name == one.name)?;
        Some(Row::new(one.name, one.unit, one.value, other.value))
    });
    let cost = rows.next().expect("every scenario begins with its cost");
    AttackResult { scenario, layer, cost, damage: rows.collect(), notes }
}
