//! A deterministic analyst: rules with named thresholds that read metrics and point at parameters.

use chaos_parameters::{ParameterName, Parameters};
use chaos_report::{quantity, quantity::sealed};
use chaos_studio::{Direction, Policy};
use serde::Serialize;

use crate::{
    int::Int,
    metrics::{Metric, Metrics},
    thresholds::Thresholds,
};

/// Something the observed blocks suggest changing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opportunity {
    /// Which rule fired.
    pub rule: Rule,
    /// The parameter it points at.
    pub parameter: ParameterName,
    /// Which way to move it.
    pub direction: Direction,
    /// One sentence with the numbers that made the rule fire.
    pub reason: String,
    /// The same numbers for machines.
    pub evidence: Vec<EvidenceItem>,
    /// First and last observed block.
    pub range: (u64, u64),
    /// How many observed blocks.
    pub blocks: u64,
    /// How far the weaker of the rule's conditions is past its threshold; 1,000,000 is on it.
    pub strength_ppm: u64,
}

/// The rules of the analyst, in the order in which equals are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Many blocks are full and mean use is near the target: demand presses against the limit.
    Congestion,
    /// The base fee swings and full blocks alternate with empty ones: it corrects too hard.
    Oscillation,
    /// Blocks fill in bursts although mean use is low: the target leaves too little headroom.
    Bursts,
}

/// A metric that a rule looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvidenceItem {
    /// Name of the metric.
    pub metric: &'static str,
    /// Unit of value and threshold.
    pub unit: &'static str,
    /// What was observed.
    pub value: Int,
    /// What it was held against.
    pub threshold: Int,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 3] = [Self::Congestion, Self::Oscillation, Self::Bursts];

    /// The word used in receipts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Congestion => "congestion",
            Self::Oscillation => "oscillation",
            Self::Bursts => "bursts",
        }
    }

    const fn remedy(self) -> ParameterName {
        match self {
            Self::Congestion => ParameterName::GasLimit,
            Self::Oscillation => ParameterName::BaseFeeChangeDenominator,
            Self::Bursts => ParameterName::ElasticityMultiplier,
        }
    }
}

/// Names what the metrics suggest, strongest first; nothing if no rule fires.
///
/// A rule is silent if its metrics are absent, if the policy does not open the parameter, or if the
/// policy leaves no room from the current value in the direction it points at.
#[must_use]
pub fn analyse(
    metrics: &Metrics,
    parameters: &Parameters,
    policy: &Policy,
    thresholds: &Thresholds,
) -> Vec<Opportunity> {
    let mut found: Vec<Opportunity> = Rule::ALL
        .into_iter()
        .filter(|rule| has_room(policy, parameters, rule.remedy()))
        .filter_map(|rule| apply(rule, metrics, thresholds))
        .collect();
    found.sort_by_key(|opportunity| (u64::MAX - opportunity.strength_ppm, opportunity.rule));
    found
}

fn has_room(policy: &Policy, parameters: &Parameters, parameter: ParameterName) -> bool {
    policy
        .bounds(&crate::studio_name(parameter))
        .is_ok_and(|bounds| bounds.reach(parameters.get(parameter), Direction::Increase).is_some())
}

/// A metric, its threshold, and whether it must be at least or at most that.
struct Condition {
    metric: Metric,
    threshold: i128,
    at_least: bool,
}

fn conditions(rule: Rule, thresholds: &Thresholds) -> [Condition; 2] {
    let at_least =
        |metric, threshold: u64| Condition { metric, threshold: threshold.into(), at_least: true };
    let at_most = |metric, threshold| Condition { metric, threshold, at_least: false };
    match rule {
        Rule::Congestion => [
            at_least(Metric::BlocksFull, thresholds.congestion_full_share_ppm),
            at_least(Metric::UseOfTarget, thresholds.congestion_use_of_target_ppm),
        ],
        Rule::Oscillation => [
            at_least(Metric::BaseFeeVolatility, thresholds.oscillation_volatility_ppm),
            at_most(
                Metric::UtilisationAutocorrelation,
                -i128::from(thresholds.oscillation_autocorrelation_ppm),
            ),
        ],
        Rule::Bursts => [
            at_least(Metric::BlocksFull, thresholds.burst_full_share_ppm),
            at_most(Metric::UseOfTarget, thresholds.burst_use_of_target_ppm.into()),
        ],
    }
}

fn apply(rule: Rule, metrics: &Metrics, thresholds: &Thresholds) -> Option<Opportunity> {
    let mut evidence = Vec::new();
    let mut strength_ppm = u64::MAX;
    for condition in conditions(rule, thresholds) {
        let value = metrics.get(condition.metric)?;
        let threshold = condition.threshold;
        let holds = if condition.at_least { value >= threshold } else { value <= threshold };
        if !holds {
            return None;
        }
        strength_ppm = strength_ppm.min(strength(value, threshold));
        evidence.push(EvidenceItem {
            metric: condition.metric.name(),
            unit: condition.metric.unit(),
            value: Int(value),
            threshold: Int(threshold),
        });
    }
    Some(Opportunity {
        rule,
        parameter: rule.remedy(),
        direction: Direction::Increase,
        reason: reason(rule, metrics, &evidence),
        evidence,
        range: metrics.range,
        blocks: metrics.blocks,
        strength_ppm,
    })
}

/// Value over threshold, or threshold over value where less is more; at least one million.
fn strength(value: i128, threshold: i128) -> u64 {
    let (value, threshold) = (value.unsigned_abs().max(1), threshold.unsigned_abs().max(1));
    let ratio = value.max(threshold).saturating_mul(1_000_000) / value.min(threshold);
    u64::try_from(ratio).unwrap_or(u64::MAX)
}

fn reason(rule: Rule, metrics: &Metrics, evidence: &[EvidenceItem]) -> String {
    let blocks = quantity::grouped(metrics.blocks.into());
    let value = |index: usize| evidence.get(index).map_or(0, |item| item.value.0);
    let (first, second) = (sealed::percent(value(0)), sealed::percent(value(1)));
    match rule {
        Rule::Congestion => format!(
            "{first} of {blocks} observed blocks are full while mean use is {second} of the \
             target, so demand presses against the gas limit"
        ),
        Rule::Oscillation => format!(
            "the base fee changes by {first} per block (standard deviation over {blocks} observed \
             blocks) and utilisation swings back (lag-1 autocorrelation {}), so the rule \
             over-corrects",
            quantity::decimal(value(1), 6, 2)
        ),
        Rule::Bursts => format!(
            "{first} of {blocks} observed blocks are full although mean use is only {second} of \
             the target, so bursts meet too little headroom"
        ),
    }
}

#[cfg(test)]
mod tests;
