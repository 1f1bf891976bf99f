//! From the engine's results to what a report shows.
//!
//! Nothing is computed here that the result does not hold: rows are relabelled, thresholds are
//! turned into verdicts, and what is missing is said.

mod attacks;
mod evidence;
mod grid;
mod market;
mod people;
mod rollout;

use chaos_parameters::{Layer, ParameterName};
use chaos_report::quantity;
use chaos_simulation::{Fan as EngineFan, MetricRow};
use chaos_study::{
    Judgement, ScenarioResult, Side as WantedSide, Study as Plan, StudyResult, ThresholdValue,
};
use chaos_types::Digest;

use super::data::{
    Change, Definition, Disclosure, Heading, Kind, Origin, Part, Replay, Reproduce, Row, Scenario,
    Side, Source, SourceKind, Standing, Study, Subject, Threshold,
};
use crate::proposal::spoken;

/// What a report needs beyond the result: facts of the run, and what only the caller knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Digest of the result.
    pub result: Digest,
    /// Where the blocks come from, in one sentence.
    pub source: String,
    /// How recorded blocks were checked.
    pub replay: Replay,
    /// Base-fee transitions that the rule reproduces, as (reproduced, all); none without
    /// consecutive blocks.
    pub base_fee_rule: Option<(u64, u64)>,
    /// Observed blocks as (first, last, how many).
    pub observed: Option<(u64, u64, u64)>,
    /// Bands of the main cell, by name.
    pub fans: std::collections::BTreeMap<String, EngineFan>,
    /// Worst-case blocks as an optimised build of the caller's timed them; none of another build.
    pub worst_blocks: Vec<TimedBlock>,
    /// The machine they were measured on and the reference to read them by, or why nothing was measured.
    pub machine: String,
    /// The command that repeats the study.
    pub command: String,
    /// Names and digests of everything that was read and written.
    pub manifest: Vec<(String, Digest)>,
    /// The day of the run, `YYYY-MM-DD`.
    pub day: String,
    /// Digest of the forecast apart from its date.
    pub forecast: Option<Digest>,
    /// Whether its blocks were there already.
    pub is_hindcast: bool,
    /// Digest of `bundle.json` in the study's folder, if an agent signed the study.
    pub bundle: Option<Digest>,
}

/// A worst-case block as the caller timed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedBlock {
    /// The operation that fills it.
    pub operation: String,
    /// How it is made.
    pub construction: String,
    /// Measured gas per second.
    pub gas_per_second: u64,
    /// Microseconds of a full block under the baseline and under the proposal.
    pub microseconds: (u64, u64),
}

/// Turns a result into a report's content.
#[must_use]
pub fn compose(plan: &Plan, result: &StudyResult, facts: &Facts) -> Study {
    let decision = decision_rows(plan, result);
    let main = result.scenarios.first();
    let shown: Vec<&str> = decision.iter().map(|row| row.metric.as_str()).collect();
    let mut others: Vec<Row> = Vec::new();
    if let Some(main) = main {
        others
            .extend(plain_rows(&main.flow, "").filter(|row| !shown.contains(&row.metric.as_str())));
        others.extend(plain_rows(&main.transactions.metrics, "transaction model: "));
    }
    if let Some(evm) = &result.evm {
        others.extend(plain_rows(&evm.metrics, ""));
    }
    let heading = heading(plan, result, facts);
    let study = Study::new(heading, reproduce(facts));
    Study {
        interval: "p10 to p90, paired".to_owned(),
        verdict: people::verdict(plan, result, &decision),
        scope: evidence::scope(result, facts),
        method: method(result),
        validation: evidence::validation(result, facts),
        decision,
        others,
        scenarios: scenarios(result),
        fans: market::fans(result, facts),
        differences: market::differences(facts),
        delays: market::delays(result),
        fullness: market::fullness(result),
        revenue: market::revenue(result),
        outcomes: evidence::outcomes(result),
        gas_changes: evidence::gas_changes(result),
        worst_blocks: attacks::worst_blocks(result, facts),
        growth: attacks::growth(result),
        constraints: attacks::constraints(result),
        tornado: market::tornado(plan, result),
        attacks: attacks::attacks(result),
        forecast: evidence::forecast(result, facts),
        grid: grid::grid(plan, result),
        pareto: grid::pareto(plan, result),
        affected: people::affected(result),
        contracts: Part::missing("effects are counted by transaction, not by contract"),
        assumptions: people::assumptions(result),
        limits: people::limits(result),
        manifest: facts.manifest.clone(),
        run: run_facts(result, facts),
        rollout: rollout::rollout(plan, result),
        readiness: rollout::readiness(result),
        changelog: Vec::new(),
        disclosure: Disclosure {
            makers: vec![format!("computed by {} {}", result.program.name, result.program.version)],
            text:
                "The program takes no position; whoever posts this names themselves and who paid."
                    .to_owned(),
        },
        ..study
    }
}

fn heading(plan: &Plan, result: &StudyResult, facts: &Facts) -> Heading {
    let changes: Vec<Change> = result
        .parameters
        .proposal
        .changes_from(&result.parameters.baseline)
        .into_iter()
        .map(|(name, from, to)| change(name, from, to))
        .collect();
    let ask: Vec<String> = changes
        .iter()
        .map(|change| {
            let value = quantity::of(change.proposed, &change.unit);
            format!("set {} to {value}", change.name)
        })
        .collect();
    let mut ask = ask.join(" and ");
    if let Some(first) = ask.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    Heading {
        kind: Kind::Study,
        title: plan.title.clone(),
        question: plan.question.clone(),
        ask: format!("{ask}."),
        if_nothing_is_done: "the baseline column holds.".to_owned(),
        chain: result.chain.as_str().to_owned(),
        changes,
        source: Source {
            kind: if result.generated { SourceKind::Generated } else { SourceKind::Recorded },
            text: facts.source.clone(),
        },
        evidence: match facts.bundle {
            Some(_) => "replayable".to_owned(),
            None => "replayable, not signed".to_owned(),
        },
        result: facts.result,
        identities: Vec::new(),
    }
}

fn change(name: ParameterName, from: u64, to: u64) -> Change {
    let definition = name.definition();
    Change {
        name: definition.flag.to_owned(),
        unit: definition.unit.to_owned(),
        current: from.into(),
        proposed: to.into(),
        takes_effect: definition.takes_effect.to_owned(),
        source: definition.source.to_owned(),
    }
}

fn reproduce(facts: &Facts) -> Reproduce {
    Reproduce {
        command: facts.command.clone(),
        expected: facts.result,
        // A clock's word belongs to one machine, and documents that decide are the same on all.
        seconds: None,
        memory_mib: None,
        needs: "the study's folder, which holds the study file and what it read".to_owned(),
        bundle: facts.bundle,
        not_covered: "execution times, which belong to the machine".to_owned(),
    }
}

/// Metrics that a voter reads first when the study names fewer thresholds than six.
const HEADLINES: [&str; 6] = [
    "base_fee_median",
    "base_fee_p99",
    "blocks_saturated",
    "inclusion_delay_p95",
    "fee_burned",
    "demand_dropped",
];

/// The metrics with thresholds first, then headlines up to six rows.
fn decision_rows(plan: &Plan, result: &StudyResult) -> Vec<Row> {
    let Some(main) = result.scenarios.first() else {
        return Vec::new();
    };
    let mut rows: Vec<Row> = Vec::new();
    for (threshold, judgement) in plan.thresholds.iter().zip(&main.judgements) {
        let Some(metric) = main.flow.get(&judgement.metric) else {
            continue;
        };
        let mut row = plain_row(&judgement.metric, metric, "");
        row.threshold = Some(verdict(&threshold.value, judgement));
        rows.push(row);
    }
    for name in HEADLINES {
        if rows.len() < HEADLINES.len()
            && !rows.iter().any(|row| row.metric == name)
            && let Some(metric) = main.flow.get(name)
        {
            rows.push(plain_row(name, metric, ""));
        }
    }
    rows
}

fn verdict(value: &ThresholdValue, judgement: &Judgement) -> Threshold {
    let (subject, bound) = match value {
        ThresholdValue::Proposal(bound) => (Subject::Proposal, *bound),
        ThresholdValue::ChangePpm(ppm) => (Subject::Relative, i128::from(*ppm)),
    };
    Threshold {
        subject,
        side: match judgement.side {
            WantedSide::AtMost => Side::AtMost,
            WantedSide::AtLeast => Side::AtLeast,
        },
        value: bound,
        standing: match judgement.not_judged {
            Some(_) => Standing::NotJudged,
            None => standing(judgement.met, judgement.robust),
        },
    }
}

/// Met only if the less favourable tail of the paths is on the wanted side, too.
const fn standing(met: bool, robust: bool) -> Standing {
    match (met, robust) {
        (true, true) => Standing::Met,
        (true, false) => Standing::Undecided,
        (false, _) => Standing::Missed,
    }
}

fn plain_rows<'a>(
    metrics: &'a std::collections::BTreeMap<String, MetricRow>,
    prefix: &'a str,
) -> impl Iterator<Item = Row> + 'a {
    metrics.iter().map(move |(name, row)| plain_row(name, row, prefix))
}

fn plain_row(name: &str, row: &MetricRow, prefix: &str) -> Row {
    Row {
        metric: name.to_owned(),
        label: format!("{prefix}{}", spoken(name)),
        unit: row.unit.clone(),
        origin: Origin::from(row.layer),
        baseline: row.baseline,
        proposal: row.proposal,
        difference: row.difference,
        // Recorded blocks are not a random sample: their figures are exact for these blocks.
        interval: match row.layer {
            Layer::FeeMarket => Some((row.interval.low, row.interval.high)),
            Layer::Evm => None,
        },
        threshold: None,
    }
}

fn scenarios(result: &StudyResult) -> Vec<Scenario> {
    result
        .scenarios
        .iter()
        .map(|scenario| Scenario {
            name: scenario.name.clone(),
            what: scenario.what.clone(),
            rows: HEADLINES
                .into_iter()
                .filter_map(|name| Some(plain_row(name, scenario.flow.get(name)?, "")))
                .collect(),
        })
        .collect()
}

/// Every metric of the two models and of re-execution with its formula.
fn method(result: &StudyResult) -> Vec<Definition> {
    let transactions =
        chaos_simulation::transactions::Metric::ALL.iter().map(|metric| Definition {
            metric: format!("transaction model: {}", spoken(metric.name())),
            formula: metric.definition().to_owned(),
            unit: metric.unit().to_owned(),
            origin: Origin::Model,
            source: metric.source().to_owned(),
        });
    let ran_transactions = result.scenarios.iter().any(|scenario| scenario.transactions.paths > 0);
    flow_definitions().chain(transactions.filter(|_| ran_transactions)).collect()
}

/// Every metric of the flow model with its formula.
pub(crate) fn flow_definitions() -> impl Iterator<Item = Definition> {
    chaos_simulation::flow::Metric::ALL.into_iter().map(|metric| Definition {
        metric: spoken(metric.name()),
        formula: metric.definition().to_owned(),
        unit: metric.unit().to_owned(),
        origin: Origin::Model,
        source: "docs/simulation/metrics.md".to_owned(),
    })
}

fn run_facts(result: &StudyResult, facts: &Facts) -> Vec<(String, String)> {
    vec![
        ("program".to_owned(), format!("{} {}", result.program.name, result.program.version)),
        ("day".to_owned(), facts.day.clone()),
        ("seed".to_owned(), result.seed.to_string()),
        ("paths per cell".to_owned(), result.paths.to_string()),
        ("blocks per path".to_owned(), result.blocks.to_string()),
        ("warm-up blocks".to_owned(), result.warmup_blocks.to_string()),
        ("blocks to settle, not counted".to_owned(), result.settle_blocks.to_string()),
        (
            "elasticity of the verdict".to_owned(),
            result.scenarios.first().map_or_else(String::new, ScenarioResult::elasticity),
        ),
    ]
}
