//! Puts the words around the numbers.

use chaos_parameters::Parameters;
use chaos_report::{quantity, quantity::sealed};
use chaos_simulation::{Sensitivity, SimulationResult};
use chaos_studio::Studio;
use chaos_types::{Digest, canonical};

use super::{
    Affected, AgentLine, Alternative, Assumption, BacktestLine, Call, ChangeLine, Content,
    DecisionRow, EvidenceLine, Forecast, IF_NOTHING_IS_DONE, PROPOSAL_FORMAT,
    PROPOSAL_FORMAT_REVISED, Proposal, Reference, Reproduce, RoundLine, rows,
};
use crate::{
    change::Change,
    int::Int,
    opportunity::{Opportunity, Rule},
    refine,
    refine::{Decision, Outcome, Round},
};

/// No metric falls by more than all of it; a difference below comes from dividing by the mean.
const NOTHING_LEFT_PPM: i128 = -1_000_000;

/// What a proposal is composed from.
#[derive(Debug, Clone, Copy)]
pub struct Brief<'a> {
    /// The studio whose policy was applied.
    pub studio: &'a Studio,
    /// The parameters of the chain as they are.
    pub parameters: &'a Parameters,
    /// What the researcher found.
    pub opportunity: &'a Opportunity,
    /// What the developer tried.
    pub outcome: &'a Outcome,
    /// The simulation of a smaller step as an alternative, with its change.
    pub half_step: Option<(&'a Change, &'a SimulationResult)>,
    /// The comparison at several elasticities; may be empty.
    pub sensitivity: &'a Sensitivity,
    /// What only the caller knows.
    pub context: &'a Context,
}

/// Facts that are not in the simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Receipts of the analyses.
    pub analyses: Vec<Reference>,
    /// Receipts of the rounds, in order; may be shorter than the rounds.
    pub round_receipts: Vec<Digest>,
    /// When the forecast will be scored, such as a block number or a date.
    pub scored_at: String,
    /// The calls that carry the change out.
    pub payload: Vec<Call>,
    /// The calls that take it back.
    pub rollback: Vec<Call>,
    /// How to repeat the simulation.
    pub reproduce: Reproduce,
    /// Who took part.
    pub agents: Vec<AgentLine>,
    /// Who paid, conflicts of interest, where the blocks come from.
    pub disclosure: String,
}

/// Why there is no proposal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The developer gave the draft up.
    #[error("the draft was given up: {reason}")]
    GivenUp {
        /// Why.
        reason: String,
    },
    /// A metric that the policy judges is missing from the alternative's result.
    #[error("the alternative's result has no metric `{metric}`")]
    Alternative {
        /// The metric.
        metric: chaos_studio::MetricName,
    },
    /// A digest cannot be computed.
    #[error("a result has no canonical form")]
    Canonical(#[source] canonical::Error),
}

/// Composes the proposal of a finalised draft.
///
/// # Errors
/// If the draft was given up, or a result lacks a metric that the policy judges.
pub fn compose(brief: &Brief<'_>) -> Result<Proposal, Error> {
    let Some(round) = brief.outcome.finalised() else {
        let reason = match &brief.outcome.last().decision {
            Decision::GiveUp(reason) => reason.to_string(),
            Decision::Finalise | Decision::Refine { .. } => String::new(),
        };
        return Err(Error::GivenUp { reason });
    };
    let (decision_table, other_metrics) = rows::tables(&round.result, &round.verdicts);
    let change = change_line(&round.change);
    let context = brief.context;
    let definition = round.change.parameter().definition();
    let content = Content {
        format: format(brief),
        chain: round.result.chain.clone(),
        title: title(&change, round),
        ask: ask(&change, round),
        problem: problem(brief.opportunity),
        evidence: evidence(brief.opportunity),
        observed_range: brief.opportunity.range,
        observed_blocks: brief.opportunity.blocks,
        analyses: context.analyses.clone(),
        rounds: round_lines(brief.outcome, &context.round_receipts),
        result: round.result_digest,
        affected: affected(&decision_table, &round.change),
        assumptions: assumptions(&round.result),
        sensitivity: sensitivity(brief, round),
        backtest: backtest(&round.result),
        forecast: forecast(round, &decision_table, &context.scored_at),
        alternatives: alternatives(brief, round, &decision_table)?,
        rollout: definition.takes_effect.to_owned(),
        stop_conditions: stop_conditions(&decision_table),
        payload: context.payload.clone(),
        rollback: context.rollback.clone(),
        reproduce: context.reproduce.clone(),
        studio: brief.studio.digest(),
        agents: context.agents.clone(),
        disclosure: context.disclosure.clone(),
        changes: vec![change],
        decision_table,
        other_metrics,
    };
    Proposal::new(content).map_err(Error::Canonical)
}

/// Says whether a figure is revised: of a round, of the half step, or of the sweep.
fn format(brief: &Brief<'_>) -> &'static str {
    let revised = brief.outcome.rounds.iter().any(|round| round.result.is_revised())
        || brief.half_step.is_some_and(|(_, result)| result.is_revised())
        || brief.sensitivity.revised;
    if revised { PROPOSAL_FORMAT_REVISED } else { PROPOSAL_FORMAT }
}

fn change_line(change: &Change) -> ChangeLine {
    let definition = change.parameter().definition();
    ChangeLine {
        parameter: definition.flag.to_owned(),
        current: Int(change.current().into()),
        proposed: Int(change.proposed().into()),
        unit: definition.unit.to_owned(),
        meaning: definition.meaning.to_owned(),
    }
}

fn verb(change: &ChangeLine) -> &'static str {
    if change.proposed > change.current { "Raise" } else { "Lower" }
}

fn title(change: &ChangeLine, round: &Round) -> String {
    format!(
        "{} the {} of {} from {} to {}",
        verb(change),
        change.parameter.replace('-', " "),
        round.result.chain,
        sealed::of(change.current.0, &change.unit),
        sealed::of(change.proposed.0, &change.unit),
    )
}

fn ask(change: &ChangeLine, round: &Round) -> String {
    let main = round.verdicts.first().map(|verdict| {
        let row = round.result.metrics.get(verdict.metric.as_str());
        let relative = row.and_then(|row| sealed::relative(row.difference, row.baseline));
        let name = rows::label(verdict.metric.as_str());
        match relative {
            Some(relative) => format!(" In simulation this changes {name} by {relative}."),
            None => format!(" The objective is {name}."),
        }
    });
    format!(
        "{} {} from {} to {}.{}",
        verb(change),
        change.parameter,
        sealed::of(change.current.0, &change.unit),
        sealed::of(change.proposed.0, &change.unit),
        main.unwrap_or_default(),
    )
}

fn problem(opportunity: &Opportunity) -> String {
    let consequence = match opportunity.rule {
        Rule::Congestion => {
            "demand at this level keeps pressing the base fee up until it prices users out."
        }
        Rule::Oscillation => {
            "full and empty blocks keep alternating and fee estimates stay wrong from one block to \
             the next."
        }
        Rule::Bursts => "every burst keeps filling blocks although the chain has room on average.",
    };
    let mut reason = opportunity.reason.clone();
    if let Some(first) = reason.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    format!(
        "{reason} (blocks {} to {}). {IF_NOTHING_IS_DONE}{consequence}",
        quantity::grouped(opportunity.range.0.into()),
        quantity::grouped(opportunity.range.1.into()),
    )
}

fn evidence(opportunity: &Opportunity) -> Vec<EvidenceLine> {
    opportunity
        .evidence
        .iter()
        .map(|item| EvidenceLine {
            metric: item.metric.to_owned(),
            unit: item.unit.to_owned(),
            value: item.value,
            threshold: item.threshold,
        })
        .collect()
}

fn round_lines(outcome: &Outcome, receipts: &[Digest]) -> Vec<RoundLine> {
    outcome
        .rounds
        .iter()
        .enumerate()
        .map(|(index, round)| RoundLine {
            number: round.number,
            value: Int(round.change.proposed().into()),
            unit: round.change.parameter().definition().unit.to_owned(),
            result: round.result_digest,
            receipt: receipts.get(index).copied(),
            decision: match &round.decision {
                Decision::Finalise => "satisfies every objective and guard: final".to_owned(),
                Decision::Refine { why, .. } => why.clone(),
                Decision::GiveUp(reason) => format!("given up: {reason}"),
            },
        })
        .collect()
}

fn sign_of(row: &DecisionRow) -> i8 {
    if row.low.0 > 0 {
        1
    } else if row.high.0 < 0 {
        -1
    } else {
        0
    }
}

/// `gains` or `loses` only if the whole interval is on one side of zero.
fn effect(row: &DecisionRow, more_is_better: bool) -> &'static str {
    match sign_of(row) {
        0 if row.difference.0 == 0 && row.low.0 == 0 && row.high.0 == 0 => "unchanged",
        0 => "unclear",
        1 if more_is_better => "gains",
        -1 if !more_is_better => "gains",
        _ => "loses",
    }
}

/// A group that one metric speaks for.
struct Group {
    who: &'static str,
    metric: &'static str,
    more_is_better: bool,
    what: &'static str,
}

const GROUPS: [Group; 5] = [
    Group {
        who: "users who pay the typical price",
        metric: "base_fee_median",
        more_is_better: false,
        what: "median base fee",
    },
    Group {
        who: "users in a rush hour",
        metric: "base_fee_p95",
        more_is_better: false,
        what: "95th percentile of the base fee",
    },
    Group {
        who: "users who wait",
        metric: "inclusion_delay_p95",
        more_is_better: false,
        what: "95th percentile of the wait",
    },
    Group {
        who: "holders, through the burn",
        metric: "fee_burned",
        more_is_better: true,
        what: "fees burnt",
    },
    Group {
        who: "node operators",
        metric: "gas_served",
        more_is_better: false,
        what: "work to execute per block, on average:",
    },
];

/// What a group loses or gains, with the digits of the decision table; the content's own sentence
/// has those that its digest covers.
pub(super) fn shown_effect(group: &Affected, rows: &[DecisionRow]) -> String {
    let known = GROUPS
        .iter()
        .find(|known| known.who == group.who)
        .and_then(|known| Some((known.what, rows.iter().find(|row| row.metric == known.metric)?)));
    known.map_or_else(
        || group.text.clone(),
        |(what, row)| {
            let relative = quantity::relative(row.difference.0, row.baseline.0)
                .map_or_else(String::new, |relative| format!(" ({relative})"));
            format!("{what} {}{relative}", row.shown().difference(row.difference.0))
        },
    )
}

fn affected(rows: &[DecisionRow], change: &Change) -> Vec<Affected> {
    let mut affected = Vec::new();
    for group in &GROUPS {
        if let Some(row) = rows.iter().find(|row| row.metric == group.metric) {
            let difference = sealed::difference(row.difference.0, &row.unit);
            let relative = sealed::relative(row.difference.0, row.baseline.0)
                .map_or_else(String::new, |relative| format!(" ({relative})"));
            affected.push(Affected {
                who: group.who,
                effect: effect(row, group.more_is_better),
                text: format!("{} {difference}{relative}", group.what),
            });
        }
    }
    if change.parameter() == chaos_parameters::ParameterName::GasLimit {
        let ratio = sealed::relative(
            i128::from(change.proposed()) - i128::from(change.current()),
            change.current().into(),
        );
        let grows = change.proposed() > change.current();
        affected.push(Affected {
            who: "node operators, worst case",
            effect: if grows { "loses" } else { "gains" },
            text: format!(
                "the largest possible block changes by {}; worst-case execution time and block \
                 bytes are not simulated here",
                ratio.unwrap_or_default()
            ),
        });
    }
    affected
}

fn assumptions(result: &SimulationResult) -> Vec<Assumption> {
    let (given, demand) = (&result.assumptions, &result.demand);
    let noise = match demand.noise {
        chaos_simulation::flow::NoiseSource::Observed => {
            "deviation of fresh and of persisting noise, estimated from the observed blocks"
        }
        chaos_simulation::flow::NoiseSource::Stated => {
            "deviation of fresh and of persisting noise; too few consecutive blocks, so figures of \
             mainnet in August 2021"
        }
    };
    vec![
        Assumption {
            name: "price elasticity of demand",
            value: quantity::decimal(given.elasticity_ppm.into(), 6, 3),
            note: "recorded raises and shocks: median 0.25, 80 % within 0.12 to 0.51; see the sensitivity",
        },
        Assumption {
            name: "demand level",
            value: format!(
                "{} per block at {}",
                sealed::of(demand.level_gas.into(), "gas"),
                sealed::of(i128::try_from(demand.anchor_wei).unwrap_or(i128::MAX), "wei")
            ),
            note: "from the observed blocks; no growth",
        },
        Assumption {
            name: "demand noise",
            value: format!(
                "{} and {}",
                sealed::percent(demand.fast_sigma_ppm.into()),
                sealed::percent(demand.slow_sigma_ppm.into())
            ),
            note: noise,
        },
        Assumption {
            name: "bursts",
            value: format!(
                "x{} for {} blocks, chance {} per block",
                quantity::decimal(given.burst_factor_ppm.into(), 6, 1),
                given.burst_blocks,
                sealed::percent(given.burst_probability_ppm.into())
            ),
            note: "stated, not estimated",
        },
        Assumption {
            name: "patience and pool",
            value: format!(
                "{} blocks; pool of {} block limits",
                given.patience_blocks, given.pool_blocks
            ),
            note: "users served first come first served; no tips, no builder strategy",
        },
        Assumption {
            name: "paths",
            value: format!(
                "{} paths of {} blocks, seed {}",
                result.paths,
                quantity::grouped(result.blocks.into()),
                result.seed
            ),
            note: "both arms see the same shocks; the interval is p10 to p90 over paths",
        },
    ]
}

fn sensitivity(brief: &Brief<'_>, round: &Round) -> Vec<super::SensitivityLine> {
    let Some(metric) = round.verdicts.first().map(|verdict| verdict.metric.as_str()) else {
        return Vec::new();
    };
    brief
        .sensitivity
        .rows
        .iter()
        .filter(|line| {
            line.calibration.as_ref().is_none_or(chaos_simulation::Calibration::is_usable)
        })
        .filter_map(|line| {
            let row = rows::row(metric, line.metrics.get(metric)?, &[]);
            Some(super::SensitivityLine { elasticity_ppm: line.elasticity_ppm, row })
        })
        .collect()
}

fn backtest(result: &SimulationResult) -> Vec<BacktestLine> {
    result
        .backtest
        .iter()
        .map(|(metric, row)| BacktestLine {
            metric: metric.clone(),
            unit: row.unit.clone(),
            observed: Int(row.observed),
            modelled: Int(row.modelled),
        })
        .collect()
}

fn forecast(round: &Round, rows: &[DecisionRow], scored_at: &str) -> Option<Forecast> {
    let metric = round.verdicts.first()?.metric.as_str();
    let row = rows.iter().find(|row| row.metric == metric)?;
    Some(Forecast {
        metric: metric.to_owned(),
        relative_low_ppm: Int(
            quantity::relative_ppm(row.low.0, row.baseline.0)?.max(NOTHING_LEFT_PPM)
        ),
        relative_high_ppm: Int(quantity::relative_ppm(row.high.0, row.baseline.0)?),
        horizon_blocks: round.result.blocks,
        scored_at: scored_at.to_owned(),
    })
}

fn alternatives(
    brief: &Brief<'_>,
    round: &Round,
    table: &[DecisionRow],
) -> Result<Vec<Alternative>, Error> {
    let mut alternatives = vec![Alternative {
        name: "no change".to_owned(),
        result: Some(round.result_digest),
        rows: Vec::new(),
        text: "the baseline column of the decision table".to_owned(),
    }];
    for tried in brief.outcome.rounds.iter().filter(|tried| tried.number != round.number) {
        let text = match &tried.decision {
            Decision::Refine { why, .. } => why.clone(),
            Decision::Finalise => String::new(),
            Decision::GiveUp(reason) => reason.to_string(),
        };
        alternatives.push(alternative(&tried.change, &tried.result, table, text, brief)?);
    }
    if let Some((change, result)) = brief.half_step {
        let text = "half of the proposed step".to_owned();
        alternatives.push(alternative(change, result, table, text, brief)?);
    }
    Ok(alternatives)
}

fn alternative(
    change: &Change,
    result: &SimulationResult,
    table: &[DecisionRow],
    text: String,
    brief: &Brief<'_>,
) -> Result<Alternative, Error> {
    let verdicts = refine::judge(brief.studio.policy(), change, result)
        .map_err(|metric| Error::Alternative { metric })?;
    let rows = table
        .iter()
        .filter_map(|shown| {
            Some(rows::row(&shown.metric, result.metrics.get(&shown.metric)?, &verdicts))
        })
        .collect();
    let definition = change.parameter().definition();
    Ok(Alternative {
        name: format!(
            "{} = {}",
            definition.flag,
            sealed::of(change.proposed().into(), definition.unit)
        ),
        result: Some(result.digest().map_err(Error::Canonical)?),
        rows,
        text,
    })
}

fn stop_conditions(table: &[DecisionRow]) -> Vec<String> {
    table
        .iter()
        .filter_map(|row| {
            let verdict = row.verdict.as_ref().filter(|verdict| verdict.criterion == "guard")?;
            let side = if verdict.side == "at_most" { "rises" } else { "falls" };
            let amount = sealed::of(verdict.threshold.0.abs(), &row.unit);
            Some(format!(
                "{} {side} by more than {amount} against the same number of blocks before \
                 activation",
                rows::label(&row.metric)
            ))
        })
        .collect()
}
