//! A change of one parameter that the policy allows.

use std::fmt;

use chaos_parameters::{ParameterName, Parameters, Setting};
use chaos_studio::{Policy, PolicyViolation};

use crate::studio_name;

/// One parameter and its proposed value, within the policy and within what the parameter can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    current: u64,
    setting: Setting,
}

/// Why a value cannot be proposed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The policy forbids it.
    #[error("change is outside the policy")]
    Policy(#[source] PolicyViolation),
    /// The parameter cannot have this value.
    #[error("change is outside what the parameter can be")]
    Parameter(#[source] chaos_parameters::Error),
}

impl Change {
    /// A change of `parameter` from its value in `parameters` to `proposed`.
    ///
    /// # Errors
    /// If the policy or the parameter's own bounds forbid the value.
    pub fn new(
        policy: &Policy,
        parameters: &Parameters,
        parameter: ParameterName,
        proposed: u64,
    ) -> Result<Self, Error> {
        let current = parameters.get(parameter);
        policy.check_change(&studio_name(parameter), current, proposed).map_err(Error::Policy)?;
        let setting = Setting::new(parameter, proposed).map_err(Error::Parameter)?;
        Ok(Self { current, setting })
    }

    /// The change by half the step, as an alternative to compare with.
    ///
    /// # Errors
    /// If half the step is no step, or the policy forbids it.
    pub fn half(&self, policy: &Policy, parameters: &Parameters) -> Result<Self, Error> {
        let half = self.current.midpoint(self.proposed());
        Self::new(policy, parameters, self.parameter(), half)
    }

    /// The parameter.
    #[must_use]
    pub const fn parameter(&self) -> ParameterName {
        self.setting.name()
    }

    /// Its value now.
    #[must_use]
    pub const fn current(&self) -> u64 {
        self.current
    }

    /// Its value after the change.
    #[must_use]
    pub const fn proposed(&self) -> u64 {
        self.setting.value()
    }

    /// The change as a setting of the simulation.
    #[must_use]
    pub const fn setting(&self) -> Setting {
        self.setting
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.parameter(), self.current, self.proposed())
    }
}
