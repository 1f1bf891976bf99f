//! The first value of a change, and how far it may move.

use chaos_parameters::Parameters;
use chaos_studio::{Direction, Policy, PolicyViolation};

use crate::{
    change::{self, Change},
    opportunity::Opportunity,
    studio_name,
};

/// A first value for a parameter, and how far it may move while it is refined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub(crate) parameters: Parameters,
    pub(crate) change: Change,
    pub(crate) direction: Direction,
    /// The value closest to the current one that may be tried.
    pub(crate) nearest: u64,
    /// The value farthest from the current one that will be tried.
    pub(crate) farthest: u64,
}

/// Why an opportunity cannot become a draft.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The policy does not open the parameter.
    #[error("opportunity cannot be drafted")]
    Policy(#[source] PolicyViolation),
    /// No value in the direction is within range and step.
    #[error("policy leaves no room to {} `{parameter}` from {current}", direction.as_str())]
    NoRoom {
        /// The parameter.
        parameter: chaos_studio::ParameterName,
        /// Its value.
        current: u64,
        /// The direction that was wanted.
        direction: Direction,
    },
    /// The first value was refused.
    #[error("first value was refused")]
    Change(#[source] change::Error),
}

impl Draft {
    /// Drafts a change half-way between the current value and the farthest the policy allows,
    /// moved to a round number nearby.
    ///
    /// # Errors
    /// If the policy does not open the parameter or leaves no room.
    pub fn new(
        opportunity: &Opportunity,
        parameters: &Parameters,
        policy: &Policy,
    ) -> Result<Self, Error> {
        let (parameter, direction) = (opportunity.parameter, opportunity.direction);
        let (name, current) = (studio_name(parameter), parameters.get(parameter));
        let bounds = policy.bounds(&name).map_err(Error::Policy)?;
        let Some((nearest, limit)) = bounds.reach(current, direction) else {
            return Err(Error::NoRoom { parameter: name, current, direction });
        };
        let (low, high) = (nearest.min(limit), nearest.max(limit));
        let farthest = round_value(limit, low, high, (high - low) / 64);
        let middle = current.midpoint(farthest);
        let (low, high) = (nearest.min(farthest), nearest.max(farthest));
        let proposed = round_value(middle.clamp(low, high), low, high, (high - low) / 8);
        let change = Change::new(policy, parameters, parameter, proposed).map_err(Error::Change)?;
        Ok(Self { parameters: *parameters, change, direction, nearest, farthest })
    }

    /// The first change to try.
    #[must_use]
    pub const fn change(&self) -> &Change {
        &self.change
    }

    /// The parameters of the chain as they are.
    #[must_use]
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

/// The roundest number within `tolerance` of `target` and within `low` to `high`.
///
/// A number is rounder if it ends in more zeros; among equally round ones the closest, then the
/// smaller. `target` must be within `low` to `high`.
pub(crate) fn round_value(target: u64, low: u64, high: u64, tolerance: u64) -> u64 {
    let from = low.max(target.saturating_sub(tolerance));
    let to = high.min(target.saturating_add(tolerance));
    let mut unit = 10_u64.pow(18);
    while unit > 1 {
        let below = target / unit * unit;
        let candidates = [Some(below), below.checked_add(unit)];
        let best = candidates
            .into_iter()
            .flatten()
            .filter(|candidate| (from..=to).contains(candidate))
            .min_by_key(|candidate| candidate.abs_diff(target));
        if let Some(value) = best {
            return value;
        }
        unit /= 10;
    }
    target
}

#[cfg(test)]
mod tests;
