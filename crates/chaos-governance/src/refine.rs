//! Simulate, judge, adjust: until the policy is satisfied or there is nothing left to try.
//!
//! The search is a bisection over the size of the step. A step that misses an objective is too
//! small, one that breaks a guard is too large; the first that does neither is final, so the change
//! that is proposed is the smallest one tried that works. It ends because every round narrows the
//! range, and because the policy bounds the rounds.

use std::fmt;

use chaos_report::{quantity, quantity::sealed};
use chaos_simulation::{MetricRow, SimulationResult};
use chaos_studio::{Direction, Judge, Judgement, MetricName, Policy, Reading, Standing};
use chaos_types::{Digest, canonical};

use crate::{
    change,
    change::Change,
    draft::{Draft, round_value},
    proposal::label,
    studio_name,
};

/// What kind of requirement a criterion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Criterion {
    /// It must be achieved.
    Objective,
    /// It must not be damaged.
    Guard,
}

/// One requirement of the policy held against a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriterionVerdict {
    /// Objective or guard.
    pub criterion: Criterion,
    /// The metric.
    pub metric: MetricName,
    /// Unit of both numbers of the judgement.
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// Which number was judged.
    pub judge: Judge,
    /// The numbers and the result.
    pub judgement: Judgement,
}

/// One value that was simulated, and what followed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Number of the round, from 1.
    pub number: u32,
    /// The value that was tried.
    pub change: Change,
    /// What the simulation gave.
    pub result: SimulationResult,
    /// Digest of the result.
    pub result_digest: Digest,
    /// Every objective, then every guard, in the order of the policy.
    pub verdicts: Vec<CriterionVerdict>,
    /// What was decided.
    pub decision: Decision,
}

/// What follows from a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The value satisfies the policy.
    Finalise,
    /// Another value is tried.
    Refine {
        /// The next value.
        next: u64,
        /// Why, in one sentence.
        why: String,
    },
    /// Nothing is proposed.
    GiveUp(Reason),
}

/// Why a draft was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Even the farthest value misses an objective.
    OutOfReach {
        /// The value.
        value: u64,
        /// What was missed.
        missed: String,
    },
    /// One value misses an objective and breaks a guard, so neither direction helps.
    Conflict {
        /// The value.
        value: u64,
        /// What was missed.
        missed: String,
        /// What was broken.
        broken: String,
    },
    /// Between a value that is too small and one that is too large there is none left.
    NothingBetween {
        /// The value that misses an objective, or the current value.
        too_small: u64,
        /// The value that breaks a guard.
        too_large: u64,
        /// What was broken.
        broken: String,
    },
    /// The policy's rounds are used up.
    RoundsUsedUp {
        /// How many there were.
        rounds: u32,
    },
    /// The modelled baseline is not the observed chain, so nothing follows from its figures.
    NotCalibrated {
        /// Why, and on how many rows.
        why: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfReach { value, missed } => {
                write!(f, "even {}, the farthest value, misses: {missed}", shown(*value))
            }
            Self::Conflict { value, missed, broken } => write!(
                f,
                "{} misses ({missed}) and breaks ({broken}), so neither a larger nor a smaller \
                 step helps",
                shown(*value)
            ),
            Self::NothingBetween { too_small, too_large, broken } => write!(
                f,
                "no value is left between {}, too small, and {}, which breaks: {broken}",
                shown(*too_small),
                shown(*too_large)
            ),
            Self::RoundsUsedUp { rounds } => {
                write!(f, "no value satisfied the policy in {rounds} rounds")
            }
            Self::NotCalibrated { why } => {
                write!(f, "the modelled baseline is not the chain: {why}")
            }
        }
    }
}

/// All rounds of a draft and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The rounds in order; at least one.
    pub rounds: Vec<Round>,
}

impl Outcome {
    /// The last round.
    #[must_use]
    pub fn last(&self) -> &Round {
        self.rounds.last().expect("run pushes a round before it returns")
    }

    /// The round whose change is proposed, if one is.
    #[must_use]
    pub fn finalised(&self) -> Option<&Round> {
        let last = self.last();
        matches!(last.decision, Decision::Finalise).then_some(last)
    }
}

/// Why a refinement could not be carried through.
#[derive(Debug, thiserror::Error)]
pub enum Error<E: std::error::Error + 'static> {
    /// The simulator failed.
    #[error("round {round}: simulation failed")]
    Simulate {
        /// Number of the round.
        round: u32,
        /// The simulator's error.
        #[source]
        source: E,
    },
    /// The simulator answered a different question.
    #[error("round {round}: the result is not about {asked}")]
    WrongChange {
        /// Number of the round.
        round: u32,
        /// What was asked.
        asked: Change,
    },
    /// The policy judges a metric that the result does not have.
    #[error("round {round}: the result has no metric `{metric}`, which the policy judges")]
    MissingMetric {
        /// Number of the round.
        round: u32,
        /// The metric.
        metric: MetricName,
    },
    /// The result cannot be hashed.
    #[error("round {round}: the result has no canonical form")]
    Canonical {
        /// Number of the round.
        round: u32,
        /// What is wrong with it.
        #[source]
        source: canonical::Error,
    },
    /// A refined value was refused.
    #[error("round {round}: next value was refused")]
    Change {
        /// Number of the round.
        round: u32,
        /// Why.
        #[source]
        source: change::Error,
    },
}

/// Holds a result against every requirement of the policy for the change.
///
/// # Errors
/// The name of a metric that the policy judges and the result does not have.
pub fn judge(
    policy: &Policy,
    change: &Change,
    result: &SimulationResult,
) -> Result<Vec<CriterionVerdict>, MetricName> {
    let parameter = studio_name(change.parameter());
    let row = |metric: &MetricName| result.metrics.get(metric.as_str()).ok_or(metric.clone());
    let mut verdicts = Vec::new();
    for objective in policy.objectives(&parameter) {
        let row = row(&objective.metric)?;
        verdicts.push(CriterionVerdict {
            criterion: Criterion::Objective,
            metric: objective.metric.clone(),
            unit: row.unit.clone(),
            better: objective.direction,
            judge: objective.judge,
            judgement: objective.judge(&reading(row)),
        });
    }
    for guard in policy.guards(&parameter) {
        let row = row(&guard.metric)?;
        verdicts.push(CriterionVerdict {
            criterion: Criterion::Guard,
            metric: guard.metric.clone(),
            unit: row.unit.clone(),
            better: guard.better,
            judge: guard.judge,
            judgement: guard.judge(&reading(row)),
        });
    }
    Ok(verdicts)
}

fn reading(row: &MetricRow) -> Reading {
    Reading {
        baseline: row.baseline,
        difference: row.difference,
        low: row.interval.low,
        high: row.interval.high,
    }
}

/// Simulates a draft, adjusts it and simulates again, until it is final or given up.
///
/// `simulate` is called once per round, so the caller can sign a receipt for each.
///
/// # Errors
/// If the simulator fails, answers a different question, or lacks a metric the policy judges.
pub fn run<E: std::error::Error + 'static>(
    draft: &Draft,
    policy: &Policy,
    mut simulate: impl FnMut(&Change) -> Result<SimulationResult, E>,
) -> Result<Outcome, Error<E>> {
    let mut search = Search::new(draft);
    let mut change = draft.change;
    let mut rounds = Vec::new();
    for round in 1..=policy.rounds_max() {
        let result = simulate(&change).map_err(|source| Error::Simulate { round, source })?;
        ensure_about(&change, draft, &result, round)?;
        let result_digest = result.digest().map_err(|source| Error::Canonical { round, source })?;
        let verdicts = judge(policy, &change, &result)
            .map_err(|metric| Error::MissingMetric { round, metric })?;
        let last_round = round == policy.rounds_max();
        let decision = match uncalibrated(&result) {
            Some(why) => Decision::GiveUp(Reason::NotCalibrated { why }),
            None => search.decide(change.proposed(), &verdicts, round, last_round),
        };
        let next = match &decision {
            Decision::Refine { next, .. } => Some(*next),
            Decision::Finalise | Decision::GiveUp(_) => None,
        };
        rounds.push(Round { number: round, change, result, result_digest, verdicts, decision });
        let Some(next) = next else { break };
        change = Change::new(policy, &draft.parameters, change.parameter(), next)
            .map_err(|source| Error::Change { round, source })?;
    }
    Ok(Outcome { rounds })
}

/// Why nothing follows from a result, if its fit was checked and failed.
fn uncalibrated(result: &SimulationResult) -> Option<String> {
    let calibration = result.calibration.as_ref().filter(|found| !found.is_usable())?;
    Some(format!("{}, {}", calibration.rows_line(), calibration.reasons.join("; ")))
}

fn ensure_about<E: std::error::Error + 'static>(
    change: &Change,
    draft: &Draft,
    result: &SimulationResult,
    round: u32,
) -> Result<(), Error<E>> {
    let arms = &result.parameters;
    let asked = draft.parameters.with(change.setting());
    if arms.baseline == draft.parameters && arms.proposal == asked {
        return Ok(());
    }
    Err(Error::WrongChange { round, asked: *change })
}

/// The part of the range that is still open, as distances from the current value.
struct Search {
    current: u64,
    direction: Direction,
    /// The largest distance known to be too small.
    too_small: u64,
    /// The smallest distance known to be too large, and what it broke.
    too_large: Option<(u64, String)>,
    farthest: u64,
}

impl Search {
    fn new(draft: &Draft) -> Self {
        let current = draft.change.current();
        Self {
            current,
            direction: draft.direction,
            too_small: current.abs_diff(draft.nearest).saturating_sub(1),
            too_large: None,
            farthest: current.abs_diff(draft.farthest),
        }
    }

    fn decide(
        &mut self,
        value: u64,
        verdicts: &[CriterionVerdict],
        round: u32,
        last_round: bool,
    ) -> Decision {
        let missed = failing(verdicts, Criterion::Objective);
        let broken = failing(verdicts, Criterion::Guard);
        let distance = self.current.abs_diff(value);
        match (missed, broken) {
            (None, None) => Decision::Finalise,
            (Some(missed), Some(broken)) => {
                Decision::GiveUp(Reason::Conflict { value, missed, broken })
            }
            (Some(missed), None) => {
                if distance >= self.farthest {
                    return Decision::GiveUp(Reason::OutOfReach { value, missed });
                }
                self.too_small = self.too_small.max(distance);
                self.adjust(value, &missed, "a larger step", round, last_round)
            }
            (None, Some(broken)) => {
                self.too_large = Some((distance, broken.clone()));
                self.adjust(value, &broken, "a smaller step", round, last_round)
            }
        }
    }

    fn adjust(
        &self,
        value: u64,
        because: &str,
        toward: &str,
        round: u32,
        last_round: bool,
    ) -> Decision {
        if let Some((too_large, broken)) = &self.too_large
            && too_large - self.too_small < 2
        {
            return Decision::GiveUp(Reason::NothingBetween {
                too_small: self.value_at(self.too_small),
                too_large: self.value_at(*too_large),
                broken: broken.clone(),
            });
        }
        if last_round {
            return Decision::GiveUp(Reason::RoundsUsedUp { rounds: round });
        }
        let next = self.next();
        let why = format!("{} fails ({because}), so {toward} is tried", shown(value));
        Decision::Refine { next, why }
    }

    /// The middle of what is open; its far end once the middle is close to it.
    fn next(&self) -> u64 {
        let last = self.too_large.as_ref().map_or(self.farthest, |(distance, _)| distance - 1);
        let first = self.too_small + 1;
        if self.too_large.is_none() && last - first < last / 8 {
            return self.value_at(last);
        }
        let (a, b) = (self.value_at(first), self.value_at(last));
        let (low, high) = (a.min(b), a.max(b));
        round_value(low.midpoint(high), low, high, (high - low) / 8)
    }

    const fn value_at(&self, distance: u64) -> u64 {
        match self.direction {
            Direction::Increase => self.current.saturating_add(distance),
            Direction::Decrease => self.current.saturating_sub(distance),
        }
    }
}

/// The first criterion of a kind that is not met, as a phrase with its numbers.
fn failing(verdicts: &[CriterionVerdict], criterion: Criterion) -> Option<String> {
    verdicts
        .iter()
        .find(|v| v.criterion == criterion && v.judgement.standing == Standing::Missed)
        .map(|verdict| {
            let bound = match verdict.better {
                Direction::Increase => "at least",
                Direction::Decrease => "at most",
            };
            format!(
                "{} changes by {}, {bound} {} was required",
                label(verdict.metric.as_str()),
                sealed::difference(verdict.judgement.judged, &verdict.unit),
                sealed::difference(verdict.judgement.threshold, &verdict.unit),
            )
        })
}

fn shown(value: u64) -> String {
    quantity::grouped(value.into())
}

#[cfg(test)]
mod tests;
