//! A proposal as a study with one cell: the same report, figures and words.

use chaos_report::{Standing, quantity};
use chaos_simulation::{Decimal, Fan as EngineFan, Series};
use chaos_types::Digest;

use super::{Affected, AgentLine, Content, DecisionRow, Proposal, Verdict, shown_effect, spoken};
use crate::{
    facts::BlockFacts,
    study::data::{
        self, Alternative, Assumption, Change, Disclosure, Effect, Fan, Forecast, ForecastRow,
        Fullness, Heading, Histogram, Kind, ModelRow, Origin, Part, Percentiles, Replay, Reproduce,
        Rollout, Row, Scope, Side, Source, Step, Story, Study, Subject, Sweep, SweepPoint,
        Threshold, Tried, Validation,
    },
    study::flow_definitions,
};

/// What the figures show beside the proposal.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Bands and differences of the simulation that the proposal stands on.
    pub series: &'a Series,
    /// The blocks that the analysis read.
    pub observed: &'a [BlockFacts],
    /// Their gas limit over gas target.
    pub elasticity: u64,
    /// Where the blocks come from; generated blocks must say so.
    pub source: &'a Source,
}

/// What happened around the proposal, as only the caller knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What the agents did, in order.
    pub steps: Vec<Step>,
    /// How the recorded blocks were checked before anything was concluded from them.
    pub replay: Replay,
    /// What would change the conclusion, one sentence each.
    pub limits: Vec<String>,
    /// Names and digests of everything the run read and wrote.
    pub manifest: Vec<(String, Digest)>,
    /// The commands that verify the run, one per line.
    pub verify: Vec<String>,
    /// The anchor on a chain: where it is and what it holds, as (name, value).
    pub anchor: Vec<(String, String)>,
}

/// Bars of five per cent of the limit.
const BINS: usize = 20;
const PPM: u128 = 1_000_000;

/// The proposal as a study, without what happened around it.
#[must_use]
pub fn study(proposal: &Proposal, shown: &Shown<'_>) -> Study {
    let content = proposal.content();
    let fans = match shown.series.fans.get("base_fee") {
        Some(engine) => Part::Known(vec![fan(engine, content)]),
        None => Part::missing("the simulation left no series"),
    };
    Study {
        interval: "p10 to p90, paired".to_owned(),
        verdict: verdict(content),
        scope: scope(content),
        method: flow_definitions().collect(),
        validation: validation(content),
        decision: content.decision_table.iter().map(row).collect(),
        others: content.other_metrics.iter().map(row).collect(),
        fans,
        fullness: fullness(shown),
        sweep: sweep(content),
        tried: content.rounds.iter().map(tried).collect(),
        alternatives: content
            .alternatives
            .iter()
            .filter(|other| !is_tried(other, content))
            .map(alternative)
            .collect(),
        forecast: forecast(content),
        manifest: content.analyses.iter().map(|made| (made.text.clone(), made.receipt)).collect(),
        affected: content
            .affected
            .iter()
            .map(|group| affected(group, &content.decision_table))
            .collect(),
        assumptions: content.assumptions.iter().map(assumption).collect(),
        rollout: Rollout {
            signer: String::new(),
            effective: content.rollout.clone(),
            steps: Vec::new(),
            stop_conditions: content.stop_conditions.clone(),
            payload: content.payload.clone(),
            rollback: content.rollback.clone(),
        },
        disclosure: Disclosure {
            makers: content.agents.iter().map(maker).collect(),
            text: content.disclosure.clone(),
        },
        ..Study::new(heading(proposal, shown.source.clone()), reproduce(content))
    }
}

impl Run {
    /// The study with what happened around it.
    #[must_use]
    pub fn around(self, study: Study) -> Study {
        let replay = if self.replay.blocks == 0 {
            Part::missing("only headers were read")
        } else {
            Part::Known(self.replay)
        };
        let story = Story { steps: self.steps, verify: self.verify, anchor: self.anchor };
        Study {
            validation: Validation { replay, ..study.validation },
            limits: study.limits.into_iter().chain(self.limits).collect(),
            manifest: study.manifest.into_iter().chain(self.manifest).collect(),
            story: Part::Known(story),
            ..study
        }
    }
}

fn heading(proposal: &Proposal, source: Source) -> Heading {
    let content = proposal.content();
    Heading {
        kind: Kind::Proposal,
        title: content.title.clone(),
        question: content.ask.clone(),
        ask: content.ask.clone(),
        if_nothing_is_done: content.consequence().to_owned(),
        chain: content.chain.as_str().to_owned(),
        changes: content
            .changes
            .iter()
            .map(|change| Change {
                name: change.parameter.clone(),
                unit: change.unit.clone(),
                current: change.current.0,
                proposed: change.proposed.0,
                takes_effect: content.rollout.clone(),
                source: change.meaning.clone(),
            })
            .collect(),
        source,
        evidence: "replayable: anyone can run the simulation again".to_owned(),
        result: content.result,
        identities: vec![
            ("proposal".to_owned(), proposal.id()),
            ("policy".to_owned(), content.studio),
        ],
    }
}

fn observed(content: &Content) -> String {
    let (first, last) = content.observed_range;
    format!(
        "{} blocks were read, {} to {}.",
        quantity::grouped(content.observed_blocks.into()),
        quantity::grouped(first.into()),
        quantity::grouped(last.into())
    )
}

/// What a reader takes home: why, and what to dispute first.
fn verdict(content: &Content) -> Vec<String> {
    let mut sentences = vec![content.finding().to_owned()];
    if let Some(first) = content.assumptions.first() {
        sentences
            .push(format!("Weakest assumption: {} {} ({}).", first.name, first.value, first.note));
    }
    sentences
}

fn scope(content: &Content) -> Scope {
    let evidence = content.evidence.iter().map(|line| {
        format!(
            "The analysis found {} of {}; its rule looks for {}.",
            spoken(&line.metric),
            quantity::of(line.value.0, &line.unit),
            quantity::of(line.threshold.0, &line.unit)
        )
    });
    Scope {
        blocks: std::iter::once(observed(content)).chain(evidence).collect(),
        sample: vec![("observed blocks".to_owned(), content.observed_blocks)],
        exclusions: Vec::new(),
    }
}

fn validation(content: &Content) -> Validation {
    let model = if content.backtest.is_empty() {
        Part::missing("too few consecutive blocks")
    } else {
        Part::Known(
            content
                .backtest
                .iter()
                .map(|line| ModelRow {
                    label: spoken(&line.metric),
                    unit: line.unit.clone(),
                    observed: line.observed.0,
                    modelled: line.modelled.0,
                })
                .collect(),
        )
    };
    Validation { model, ..Validation::default() }
}

fn origin(row: &DecisionRow) -> Origin {
    if row.layer == "evm" { Origin::Reexecuted } else { Origin::Model }
}

fn row(row: &DecisionRow) -> Row {
    Row {
        metric: row.metric.clone(),
        label: spoken(&row.metric),
        unit: row.unit.clone(),
        origin: origin(row),
        baseline: row.baseline.0,
        proposal: row.proposed.0,
        difference: row.difference.0,
        interval: Some((row.low.0, row.high.0)),
        threshold: row.verdict.as_ref().map(threshold),
    }
}

fn threshold(verdict: &Verdict) -> Threshold {
    Threshold {
        subject: Subject::Difference,
        side: if verdict.side == "at_least" { Side::AtLeast } else { Side::AtMost },
        value: verdict.threshold.0,
        standing: if verdict.standing == "met" { Standing::Met } else { Standing::Missed },
    }
}

fn affected(group: &Affected, rows: &[DecisionRow]) -> data::Affected {
    data::Affected {
        who: group.who.to_owned(),
        effect: match group.effect {
            "gains" => Effect::Gains,
            "loses" => Effect::Loses,
            "unchanged" => Effect::Unchanged,
            _ => Effect::Unclear,
        },
        text: shown_effect(group, rows),
        origin: Origin::Model,
    }
}

fn assumption(assumption: &super::Assumption) -> Assumption {
    Assumption {
        name: assumption.name.to_owned(),
        value: assumption.value.clone(),
        note: assumption.note.to_owned(),
    }
}

fn tried(round: &super::RoundLine) -> Tried {
    Tried {
        value: quantity::of(round.value.0, &round.unit),
        decision: round.decision.clone(),
        result: round.result,
        receipt: round.receipt,
    }
}

/// Whether an alternative is a value that was tried on the way, which the rounds list with their receipts.
fn is_tried(alternative: &super::Alternative, content: &Content) -> bool {
    !alternative.rows.is_empty()
        && content.rounds.iter().any(|round| Some(round.result) == alternative.result)
}

fn alternative(alternative: &super::Alternative) -> Alternative {
    Alternative {
        name: alternative.name.clone(),
        text: alternative.text.clone(),
        result: alternative.result,
        rows: alternative.rows.iter().map(row).collect(),
    }
}

fn forecast(content: &Content) -> Part<Forecast> {
    let Some(forecast) = &content.forecast else {
        return Part::missing("the policy has no objective to predict");
    };
    Part::Known(Forecast {
        made: String::new(),
        activation: "activation".to_owned(),
        horizon_blocks: forecast.horizon_blocks.into(),
        score_on: forecast.scored_at.clone(),
        digest: None,
        is_hindcast: false,
        rows: vec![ForecastRow {
            metric: forecast.metric.clone(),
            label: format!("change of {} against as many blocks before", spoken(&forecast.metric)),
            unit: "ppm".to_owned(),
            p10: forecast.relative_low_ppm.0,
            p50: None,
            p90: forecast.relative_high_ppm.0,
            actual: None,
        }],
    })
}

fn maker(agent: &AgentLine) -> String {
    format!("{} ({}), {}; decides by: {}", agent.name, agent.role, agent.did, agent.engine)
}

fn reproduce(content: &Content) -> Reproduce {
    Reproduce {
        command: content.reproduce.command.clone(),
        expected: content.result,
        seconds: None,
        bundle: None,
        memory_mib: None,
        needs: content.reproduce.needs.clone(),
        not_covered: content.reproduce.not_covered.clone(),
    }
}

fn fan(engine: &EngineFan, content: &Content) -> Fan {
    let values = |values: &[Decimal]| values.iter().map(|value| value.0).collect();
    let band = |band: &chaos_simulation::Band| Percentiles {
        p10: values(&band.p10),
        p50: values(&band.p50),
        p90: values(&band.p90),
    };
    Fan {
        label: "base fee".to_owned(),
        unit: engine.unit.clone(),
        origin: Origin::Model,
        blocks: engine.blocks.iter().map(|block| i64::from(*block)).collect(),
        baseline: band(&engine.baseline),
        proposal: band(&engine.proposal),
        sample: sample(content),
    }
}

/// How many paths of how many blocks, as the assumptions say it.
fn sample(content: &Content) -> String {
    let paths = content.assumptions.iter().find(|assumption| assumption.name == "paths");
    paths.map_or_else(String::new, |paths| paths.value.clone())
}

fn sweep(content: &Content) -> Part<Sweep> {
    let Some(first) = content.sensitivity.first() else {
        return Part::missing("the comparison was not repeated");
    };
    Part::Known(Sweep {
        label: spoken(&first.row.metric),
        unit: first.row.unit.clone(),
        origin: origin(&first.row),
        sample: sample(content),
        points: content
            .sensitivity
            .iter()
            .map(|line| SweepPoint {
                elasticity_ppm: line.elasticity_ppm,
                baseline: line.row.baseline.0,
                proposal: line.row.proposed.0,
                difference: line.row.difference.0,
                interval: (line.row.low.0, line.row.high.0),
            })
            .collect(),
    })
}

/// Gas used over gas limit of the observed blocks.
fn fullness(shown: &Shown<'_>) -> Part<Fullness> {
    let blocks = shown.observed;
    if blocks.is_empty() {
        return Part::missing("no block was read");
    }
    let mut counts = vec![0; BINS];
    for block in blocks {
        let bin = usize::try_from(utilisation_ppm(block) * BINS as u128 / PPM).unwrap_or(BINS);
        // A block of exactly 100 % belongs to the last bar.
        counts[bin.min(BINS - 1)] += 1;
    }
    let share = |part: u128| i128::try_from(part / blocks.len() as u128).unwrap_or(0);
    let full = blocks.iter().filter(|block| block.observed.is_saturated()).count();
    Part::Known(Fullness {
        origin: Origin::Observed,
        baseline: Histogram {
            counts,
            target_ppm: u32::try_from(1_000_000 / shown.elasticity.max(1)).unwrap_or(0),
        },
        proposal: None,
        finding: format!(
            "{} of blocks are full; mean use is {} of the limit",
            quantity::percent(share(full as u128 * PPM)),
            quantity::percent(share(blocks.iter().map(utilisation_ppm).sum()))
        ),
    })
}

fn utilisation_ppm(block: &BlockFacts) -> u128 {
    let used = u128::from(block.observed.gas_used) * PPM;
    used.checked_div(block.observed.gas_limit.into()).unwrap_or(0)
}

#[cfg(test)]
mod figures;
#[cfg(test)]
mod tests;
