use std::collections::{BTreeMap, BTreeSet};

use crate::{
    name::ParameterName,
    objective::{Direction, Guard, Margin, Objective},
};

/// Within which limits a studio may propose, and what it must show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub(crate) parameters: BTreeMap<ParameterName, ParameterBounds>,
    pub(crate) evidence: EvidenceRule,
    pub(crate) approvals: Approvals,
    pub(crate) objectives: Vec<Objective>,
    pub(crate) guards: Vec<Guard>,
    pub(crate) rounds_max: u32,
}

/// The range and the largest step of one parameter, in the parameter's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterBounds {
    pub(crate) min: u64,
    pub(crate) max: u64,
    pub(crate) step_max: Margin,
}

/// How much evidence a proposal needs, and of which classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRule {
    /// Fewest observed blocks.
    pub blocks_min: u64,
    /// Classes that are accepted.
    pub classes: BTreeSet<EvidenceClass>,
}

/// Why a receipt deserves belief.
///
/// There is no class for "none" here: a policy that accepts no evidence is a contradiction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvidenceClass {
    /// Anyone can re-execute it.
    Replayable,
    /// A trusted execution environment signed it.
    Attested,
    /// The verdicts of verifiers agree.
    Corroborated,
}

/// What a vote needs to pass, in parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approvals {
    /// Votes for and abstaining, as a share of all votes that could be cast.
    pub quorum_ppm: u32,
    /// Votes for, as a share of votes for and against; the share must be greater than this.
    pub threshold_ppm: u32,
}

/// The count of a vote, in the smallest unit of voting power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// In favour.
    pub votes_for: u128,
    /// Against.
    pub votes_against: u128,
    /// Abstaining; they count toward the quorum only.
    pub votes_abstain: u128,
    /// All votes that could have been cast.
    pub votes_possible: u128,
}

/// A limit of the policy that was crossed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyViolation {
    /// The policy has no bounds for the parameter, so it may not be changed.
    #[error("parameter `{parameter}` is not open to change under this policy")]
    ParameterClosed {
        /// The parameter.
        parameter: ParameterName,
    },
    /// The proposed value is the current one.
    #[error("`{parameter}` stays at {current}: nothing is proposed")]
    Unchanged {
        /// The parameter.
        parameter: ParameterName,
        /// Its value.
        current: u64,
    },
    /// The proposed value is outside the range.
    #[error("`{parameter}` = {proposed} is outside {min} to {max}")]
    OutOfBounds {
        /// The parameter.
        parameter: ParameterName,
        /// The proposed value.
        proposed: u64,
        /// Smallest value allowed.
        min: u64,
        /// Largest value allowed.
        max: u64,
    },
    /// The proposed value is too far from the current one.
    #[error("`{parameter}` {current} -> {proposed} is a step of {step}, the largest is {step_max}")]
    StepTooLarge {
        /// The parameter.
        parameter: ParameterName,
        /// Its value now.
        current: u64,
        /// The proposed value.
        proposed: u64,
        /// Distance between the two.
        step: u64,
        /// Largest distance allowed from the current value.
        step_max: u64,
    },
    /// There are fewer blocks than the policy asks for.
    #[error("evidence covers {blocks} blocks, the policy asks for at least {blocks_min}")]
    TooFewBlocks {
        /// Blocks at hand.
        blocks: u64,
        /// Fewest blocks accepted.
        blocks_min: u64,
    },
    /// The class of the evidence is not accepted.
    #[error("evidence class `{}` is not accepted by this policy", class.as_str())]
    EvidenceClass {
        /// The class at hand.
        class: EvidenceClass,
    },
    /// Too few votes were cast.
    #[error("quorum missed: {cast} of {possible} votes took part, {quorum_ppm} ppm are needed")]
    QuorumMissed {
        /// Votes for and abstaining.
        cast: u128,
        /// Votes that could have been cast.
        possible: u128,
        /// Share needed, in parts per million.
        quorum_ppm: u32,
    },
    /// Too few of the votes are in favour.
    #[error(
        "rejected: {votes_for} for, {votes_against} against; more than {threshold_ppm} ppm are needed"
    )]
    ThresholdMissed {
        /// Votes in favour.
        votes_for: u128,
        /// Votes against.
        votes_against: u128,
        /// Share that must be exceeded, in parts per million.
        threshold_ppm: u32,
    },
}

impl Policy {
    /// The parameters open to change, with their bounds.
    #[must_use]
    pub const fn parameters(&self) -> &BTreeMap<ParameterName, ParameterBounds> {
        &self.parameters
    }

    /// The evidence a proposal needs.
    #[must_use]
    pub const fn evidence(&self) -> &EvidenceRule {
        &self.evidence
    }

    /// What a vote needs to pass.
    #[must_use]
    pub const fn approvals(&self) -> &Approvals {
        &self.approvals
    }

    /// The objectives that concern a change of `parameter`, in the order of the file.
    pub fn objectives<'a>(
        &'a self,
        parameter: &'a ParameterName,
    ) -> impl Iterator<Item = &'a Objective> {
        self.objectives.iter().filter(move |objective| objective.applies_to(parameter))
    }

    /// The guards that concern a change of `parameter`, in the order of the file.
    pub fn guards<'a>(&'a self, parameter: &'a ParameterName) -> impl Iterator<Item = &'a Guard> {
        self.guards.iter().filter(move |guard| guard.applies_to(parameter))
    }

    /// How many times a draft may be simulated before it is finalised or given up; at least 1.
    #[must_use]
    pub const fn rounds_max(&self) -> u32 {
        self.rounds_max
    }

    /// The bounds of a parameter.
    ///
    /// # Errors
    /// If the policy does not open the parameter to change.
    pub fn bounds(&self, parameter: &ParameterName) -> Result<&ParameterBounds, PolicyViolation> {
        self.parameters
            .get(parameter)
            .ok_or_else(|| PolicyViolation::ParameterClosed { parameter: parameter.clone() })
    }

    /// Checks a proposed value of a parameter against its range and its largest step.
    ///
    /// # Errors
    /// The first limit that is crossed.
    pub fn check_change(
        &self,
        parameter: &ParameterName,
        current: u64,
        proposed: u64,
    ) -> Result<(), PolicyViolation> {
        let bounds = self.bounds(parameter)?;
        if proposed == current {
            return Err(PolicyViolation::Unchanged { parameter: parameter.clone(), current });
        }
        let (min, max) = (bounds.min, bounds.max);
        if proposed < min || proposed > max {
            let parameter = parameter.clone();
            return Err(PolicyViolation::OutOfBounds { parameter, proposed, min, max });
        }
        let (step, step_max) = (current.abs_diff(proposed), bounds.step_max(current));
        if step > step_max {
            let parameter = parameter.clone();
            return Err(PolicyViolation::StepTooLarge {
                parameter,
                current,
                proposed,
                step,
                step_max,
            });
        }
        Ok(())
    }
}

impl ParameterBounds {
    /// Smallest value allowed.
    #[must_use]
    pub const fn min(&self) -> u64 {
        self.min
    }

    /// Largest value allowed.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// Largest distance from `current`, rounded down.
    #[must_use]
    pub fn step_max(&self, current: u64) -> u64 {
        u64::try_from(self.step_max.of_rounded_down(i128::from(current))).unwrap_or(u64::MAX)
    }

    /// The values that may be proposed in a direction, nearest first: `(nearest, farthest)`.
    ///
    /// `None` if no value in that direction is within both the range and the step.
    #[must_use]
    pub fn reach(&self, current: u64, direction: Direction) -> Option<(u64, u64)> {
        let step = self.step_max(current);
        let (nearest, farthest, open) = match direction {
            Direction::Increase => {
                let nearest = current.checked_add(1)?.max(self.min);
                let farthest = current.saturating_add(step).min(self.max);
                (nearest, farthest, nearest <= farthest)
            }
            Direction::Decrease => {
                let nearest = current.checked_sub(1)?.min(self.max);
                let farthest = current.saturating_sub(step).max(self.min);
                (nearest, farthest, nearest >= farthest)
            }
        };
        open.then_some((nearest, farthest))
    }
}

impl EvidenceClass {
    /// Every class, in the order of [`Self::as_str`].
    pub const ALL: [Self; 3] = [Self::Replayable, Self::Attested, Self::Corroborated];

    /// The word used in receipts and definitions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replayable => "replayable",
            Self::Attested => "attested",
            Self::Corroborated => "corroborated",
        }
    }
}

impl EvidenceRule {
    /// Checks the number of blocks and the class of the evidence.
    ///
    /// # Errors
    /// If there are too few blocks, or the class is not accepted.
    pub fn check(&self, blocks: u64, class: EvidenceClass) -> Result<(), PolicyViolation> {
        self.check_blocks(blocks)?;
        if self.classes.contains(&class) {
            Ok(())
        } else {
            Err(PolicyViolation::EvidenceClass { class })
        }
    }

    /// Checks the number of blocks alone.
    ///
    /// # Errors
    /// If there are too few.
    pub fn check_blocks(&self, blocks: u64) -> Result<(), PolicyViolation> {
        if blocks < self.blocks_min {
            let blocks_min = self.blocks_min;
            return Err(PolicyViolation::TooFewBlocks { blocks, blocks_min });
        }
        Ok(())
    }
}

impl Approvals {
    /// Checks a finished vote, first the quorum and then the threshold.
    ///
    /// Votes for and abstentions count toward the quorum, as in OpenZeppelin's
    /// [`GovernorCountingSimple`](https://docs.openzeppelin.com/contracts/5.x/api/governance).
    ///
    /// # Errors
    /// The requirement that was missed.
    pub fn check(&self, tally: &Tally) -> Result<(), PolicyViolation> {
        let cast = tally.votes_for.saturating_add(tally.votes_abstain);
        if scaled(cast, PPM) < scaled(tally.votes_possible, self.quorum_ppm) {
            return Err(PolicyViolation::QuorumMissed {
                cast,
                possible: tally.votes_possible,
                quorum_ppm: self.quorum_ppm,
            });
        }
        let decided = tally.votes_for.saturating_add(tally.votes_against);
        if scaled(tally.votes_for, PPM) <= scaled(decided, self.threshold_ppm) {
            return Err(PolicyViolation::ThresholdMissed {
                votes_for: tally.votes_for,
                votes_against: tally.votes_against,
                threshold_ppm: self.threshold_ppm,
            });
        }
        Ok(())
    }
}

const PPM: u32 = 1_000_000;

/// `value * factor` as (high, low) with 64 low bits, so that a comparison of two is exact.
fn scaled(value: u128, factor: u32) -> (u128, u128) {
    let low_bits = u128::from(u64::MAX);
    let low = (value & low_bits) * u128::from(factor);
    ((value >> 64) * u128::from(factor) + (low >> 64), low & low_bits)
}

#[cfg(test)]
mod tests;
