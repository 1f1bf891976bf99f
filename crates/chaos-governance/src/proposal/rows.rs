//! From the rows of a simulation result to the rows of a proposal.

use chaos_parameters::Layer;
use chaos_simulation::{MetricRow, SimulationResult};
use chaos_studio::{Direction, Judge, Standing};

use super::{DecisionRow, Verdict};
use crate::{
    int::Int,
    refine::{Criterion, CriterionVerdict},
};

/// Metrics that every decision table shows when the result has them, after the judged ones.
const ALWAYS: [&str; 6] = [
    "base_fee_median",
    "base_fee_p95",
    "inclusion_delay_p95",
    "fee_burned",
    "gas_served",
    "evm_transactions_excluded",
];

/// What a metric is called on screen; its own name if it has no other.
#[must_use]
pub fn label(metric: &str) -> &str {
    match metric {
        "utilisation_mean" => "utilisation, mean",
        "use_vs_target" => "mean use against target",
        "use_of_target" => "mean use of target",
        "blocks_saturated" | "blocks_full" => "full blocks",
        "blocks_empty" => "empty blocks",
        "saturated_run_max" => "longest run of full blocks",
        "base_fee_median" => "base fee, median",
        "base_fee_p95" => "base fee, 95th percentile",
        "base_fee_p99" => "base fee, 99th percentile",
        "base_fee_volatility" => "base-fee volatility",
        "inclusion_delay_mean" => "inclusion delay, mean",
        "inclusion_delay_p95" => "inclusion delay, 95th percentile",
        "demand_dropped" => "demand never served",
        "fee_burned" => "fees burnt",
        "gas_served" => "gas served per block",
        "response_clamped" => "price response held at bound",
        "utilisation_autocorrelation" => "autocorrelation of utilisation",
        "evm_blocks_replayed" => "recorded blocks re-executed",
        "evm_blocks_gas_reproduced" => "blocks with the header's gas",
        "evm_gas_used" => "gas of recorded transactions per block",
        "evm_limit_used" => "recorded gas over limit",
        "evm_transactions_included" => "recorded transactions included",
        "evm_transactions_excluded" => "recorded transactions left out",
        "evm_unknown_reads" => "reads outside the recorded state",
        other => other,
    }
}

/// The label of a metric, or its name with spaces.
pub(crate) fn spoken(metric: &str) -> String {
    let known = label(metric);
    if known == metric { metric.replace('_', " ") } else { known.to_owned() }
}

pub(super) fn row(name: &str, row: &MetricRow, verdicts: &[CriterionVerdict]) -> DecisionRow {
    let verdict = verdicts.iter().find(|verdict| verdict.metric.as_str() == name).map(verdict_of);
    DecisionRow {
        metric: name.to_owned(),
        unit: row.unit.clone(),
        baseline: Int(row.baseline),
        proposed: Int(row.proposal),
        difference: Int(row.difference),
        low: Int(row.interval.low),
        high: Int(row.interval.high),
        layer: match row.layer {
            Layer::Evm => "evm",
            Layer::FeeMarket => "fee_market",
        },
        verdict,
    }
}

fn verdict_of(verdict: &CriterionVerdict) -> Verdict {
    Verdict {
        criterion: match verdict.criterion {
            Criterion::Objective => "objective",
            Criterion::Guard => "guard",
        },
        standing: match verdict.judgement.standing {
            Standing::Met => "met",
            Standing::Missed => "missed",
        },
        side: match verdict.better {
            Direction::Increase => "at_least",
            Direction::Decrease => "at_most",
        },
        threshold: Int(verdict.judgement.threshold),
        judged: match verdict.judge {
            Judge::Point => "mean",
            Judge::Interval => "interval",
        },
    }
}

/// The rows a voter decides on, judged ones first, and all others.
pub(super) fn tables(
    result: &SimulationResult,
    verdicts: &[CriterionVerdict],
) -> (Vec<DecisionRow>, Vec<DecisionRow>) {
    let mut names: Vec<&str> = Vec::new();
    for name in verdicts.iter().map(|verdict| verdict.metric.as_str()).chain(ALWAYS) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let decision = names
        .iter()
        .filter_map(|name| Some(row(name, result.metrics.get(*name)?, verdicts)))
        .collect();
    let others = result
        .metrics
        .iter()
        .filter(|(name, _)| !names.contains(&name.as_str()))
        .map(|(name, metric)| row(name, metric, verdicts))
        .collect();
    (decision, others)
}
