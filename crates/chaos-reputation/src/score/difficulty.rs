//! How much a success in a class of tasks teaches: four times the variance of its success rate.

use std::collections::BTreeMap;

use crate::{Evidence, Model, Outcome};

/// One in Q32.
pub(super) const ONE_Q32: u64 = 1 << 32;

/// Successes and failures.
#[derive(Debug, Clone, Copy, Default)]
struct Trials {
    successes: u128,
    failures: u128,
}

impl Trials {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Success => self.successes += 1,
            Outcome::Failure | Outcome::Fraud => self.failures += 1,
        }
    }

    /// The failures that `belief/2` admits: as many as the agent's successes in the class. An
    /// identity costs nothing and neither does failing, so failures alone say nothing of a class.
    fn admitted(self) -> u128 {
        self.failures.min(self.successes)
    }

    /// `floor(2^32 * 4 (S + 1) (F + 1) / (S + F + 2)^2)`; at most one.
    fn difficulty_q32(self) -> u64 {
        let Self { successes, failures } = self;
        let product = 4 * (successes + 1) * (failures + 1);
        let share = (product << 32) / ((successes + failures + 2) * (successes + failures + 2));
        u64::try_from(share).unwrap_or(ONE_Q32)
    }
}

/// The difficulty of every class of tasks, as each agent meets it.
pub(super) struct Difficulties<'a> {
    classes: BTreeMap<&'a str, Trials>,
    /// Failures by class and agent that count as trials of the class for others alone.
    own: BTreeMap<(&'a str, &'a str), u128>,
}

impl<'a> Difficulties<'a> {
    /// Of the evidence that counts.
    ///
    /// Under `belief/1` every trial counts. Under `belief/2` an agent's failures count up to its
    /// successes in the class, and not for the agent itself: nobody gains by failing.
    pub(super) fn of(model: Model, evidence: &[&'a Evidence]) -> Self {
        let mut agents: BTreeMap<(&str, &str), Trials> = BTreeMap::new();
        for piece in evidence {
            agents.entry((&piece.task_class, &piece.agent)).or_default().add(piece.outcome);
        }
        let mut classes: BTreeMap<&str, Trials> = BTreeMap::new();
        let mut own = BTreeMap::new();
        for ((class, agent), trials) in agents {
            let failures = match model {
                Model::Belief1 => trials.failures,
                Model::Belief2 => {
                    own.insert((class, agent), trials.admitted());
                    trials.admitted()
                }
            };
            let sum = classes.entry(class).or_default();
            sum.successes += trials.successes;
            sum.failures += failures;
        }
        Self { classes, own }
    }

    /// Of the class of this piece for its agent, in Q32.
    pub(super) fn met_by(&self, piece: &Evidence) -> u64 {
        let (class, agent) = (piece.task_class.as_str(), piece.agent.as_str());
        let Some(mut trials) = self.classes.get(class).copied() else { return ONE_Q32 };
        trials.failures -= self.own.get(&(class, agent)).copied().unwrap_or(0);
        trials.difficulty_q32()
    }
}
