use std::collections::BTreeMap;

use chaos_types::Digest;

use crate::{
    definition::{self, DefinitionError},
    name::{Domain, RoleName, StudioName, ThresholdName},
    policy::Policy,
    role::Role,
    task::Task,
};

/// A checked studio definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Studio {
    pub(crate) name: StudioName,
    pub(crate) domain: Domain,
    pub(crate) description: String,
    pub(crate) roles: BTreeMap<RoleName, Role>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) policy: Policy,
    pub(crate) thresholds: BTreeMap<ThresholdName, u64>,
    pub(crate) digest: Digest,
}

impl Studio {
    /// Reads a definition; the format is documented by the default file of each studio.
    ///
    /// # Errors
    /// If the text is not TOML, has a key that is unknown or missing, or contradicts itself; the
    /// error names the key.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        definition::parse(text)
    }

    /// Name of the studio.
    #[must_use]
    pub const fn name(&self) -> &StudioName {
        &self.name
    }

    /// The domain in which its agents earn reputation.
    #[must_use]
    pub const fn domain(&self) -> &Domain {
        &self.domain
    }

    /// One or two sentences for people.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The roles by name.
    #[must_use]
    pub const fn roles(&self) -> &BTreeMap<RoleName, Role> {
        &self.roles
    }

    /// The tasks in the order of the file.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The limits of what it may propose.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Named integers for the studio's own rules; each studio checks that it knows them all.
    #[must_use]
    pub const fn thresholds(&self) -> &BTreeMap<ThresholdName, u64> {
        &self.thresholds
    }

    /// Digest of the canonical JSON of the definition; comments and layout do not change it.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

#[cfg(test)]
mod tests;
