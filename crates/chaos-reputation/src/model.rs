use chaos_types::{Digest, canonical};
use serde::{Deserialize, Serialize};

use crate::{EvidenceClass, Outcome};

/// A scoring model. The rules behind a name never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// `belief/1`: what logs held before `docs/adr/0025-scores-that-cost-what-they-say.md`.
    Belief1,
    /// `belief/2`: one trial of a class an outcome, failures of agents that succeed too, payers that
    /// saturate.
    Belief2,
}

impl Model {
    /// Every model, oldest first.
    pub const ALL: [Self; 2] = [Self::Belief1, Self::Belief2];

    /// The one that new scores are made by.
    pub const NEWEST: Self = Self::Belief2;

    /// Its name in parameter files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Belief1 => "belief/1",
            Self::Belief2 => "belief/2",
        }
    }

    /// The model whose published parameters have this digest.
    #[must_use]
    pub fn of_id(id: &Digest) -> Option<Self> {
        Self::ALL.into_iter().find(|model| Params::of(*model).id().is_ok_and(|known| known == *id))
    }
}

/// The parameter file of a [`Model`]; its digest is the model id in every table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// [`Model::name`].
    pub model: String,
    /// Weight of replayable evidence in ppm.
    pub class_replayable_ppm: u32,
    /// Weight of attested evidence in ppm.
    pub class_attested_ppm: u32,
    /// Weight of corroborated evidence in ppm.
    pub class_corroborated_ppm: u32,
    /// Largest task that counts, in millionths of a standard one.
    pub units_max_micro: u64,
    /// Half-life of successes in days.
    pub success_half_life_days: u32,
    /// Half-life of failures in days.
    pub failure_half_life_days: u32,
    /// How many successes a failure weighs.
    pub failure_factor: u32,
    /// How many successes a proved fraud weighs.
    pub fraud_factor: u32,
    /// Most success that one payer can give one agent, domain and role, in micro-units. Under
    /// `belief/2` it is approached and never reached.
    pub payer_cap_micro: u64,
    /// Prior mass A in micro-units: how much evidence it takes to be half sure.
    pub prior_micro: u64,
}

/// Why a parameter file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ParamsError {
    /// It is for another model.
    #[error("expected model `belief/1` or `belief/2`, found `{found}`")]
    Model {
        /// The model found.
        found: String,
    },
    /// A number is out of bounds.
    #[error("{field} must be from {min} to {max}, found {found}")]
    OutOfBounds {
        /// The field.
        field: &'static str,
        /// The smallest value accepted.
        min: u64,
        /// The largest value accepted.
        max: u64,
        /// The value found.
        found: u64,
    },
    /// It has no canonical form.
    #[error("parameters have no canonical form")]
    Canonical(#[source] canonical::Error),
}

impl Params {
    /// The published parameters of a model.
    #[must_use]
    pub fn of(model: Model) -> Self {
        Self {
            model: model.name().to_owned(),
            class_replayable_ppm: 1_000_000,
            class_attested_ppm: 900_000,
            class_corroborated_ppm: 800_000,
            units_max_micro: 8_000_000,
            success_half_life_days: 90,
            failure_half_life_days: 180,
            failure_factor: 2,
            fraud_factor: 20,
            payer_cap_micro: 6_000_000,
            prior_micro: 4_000_000,
        }
    }

    /// The model that they are for.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn model(&self) -> Result<Model, ParamsError> {
        Model::ALL
            .into_iter()
            .find(|model| model.name() == self.model)
            .ok_or_else(|| ParamsError::Model { found: self.model.chars().take(80).collect() })
    }

    /// Checks model name and bounds, and gives the model id: SHA-256 of the canonical bytes.
    ///
    /// # Errors
    /// If the model is another or a number is out of bounds.
    pub fn id(&self) -> Result<Digest, ParamsError> {
        self.model()?;
        for (field, min, max, found) in [
            ("class_replayable_ppm", 0, 1_000_000, self.class_replayable_ppm.into()),
            ("class_attested_ppm", 0, 1_000_000, self.class_attested_ppm.into()),
            ("class_corroborated_ppm", 0, 1_000_000, self.class_corroborated_ppm.into()),
            ("units_max_micro", 1, 1 << 40, self.units_max_micro),
            ("success_half_life_days", 1, 1_024, self.success_half_life_days.into()),
            ("failure_half_life_days", 1, 1_024, self.failure_half_life_days.into()),
            ("failure_factor", 1, 1_000, self.failure_factor.into()),
            ("fraud_factor", 1, 1_000, self.fraud_factor.into()),
            ("payer_cap_micro", 1, 1 << 50, self.payer_cap_micro),
            ("prior_micro", 1, 1 << 50, self.prior_micro),
        ] {
            if found < min || found > max {
                return Err(ParamsError::OutOfBounds { field, min, max, found });
            }
        }
        canonical::to_vec(self).map(|bytes| Digest::of(&bytes)).map_err(ParamsError::Canonical)
    }

    pub(crate) const fn class_ppm(&self, class: EvidenceClass) -> u32 {
        match class {
            EvidenceClass::Replayable => self.class_replayable_ppm,
            EvidenceClass::Attested => self.class_attested_ppm,
            EvidenceClass::Corroborated => self.class_corroborated_ppm,
            EvidenceClass::None => 0,
        }
    }

    pub(crate) const fn factor(&self, outcome: Outcome) -> u32 {
        match outcome {
            Outcome::Success => 1,
            Outcome::Failure => self.failure_factor,
            Outcome::Fraud => self.fraud_factor,
        }
    }
}

#[cfg(test)]
mod tests;
