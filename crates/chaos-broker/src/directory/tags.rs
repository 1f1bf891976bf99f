use serde::{Deserialize, Serialize};

use crate::Name;

/// How many kinds of tags there are.
pub(super) const KINDS: usize = 4;

/// What a service says of itself beside its name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tags {
    /// What it is for: `production`, `staging`.
    pub environment: Option<Name>,
    /// The exchange that it works with.
    pub exchange: Option<Name>,
    /// Where it runs.
    pub region: Option<Name>,
    /// How large its machine is.
    pub size: Option<Name>,
}

impl Tags {
    /// The tags in the order of their kinds.
    pub(super) const fn by_kind(&self) -> [Option<&Name>; KINDS] {
        [
            self.environment.as_ref(),
            self.exchange.as_ref(),
            self.region.as_ref(),
            self.size.as_ref(),
        ]
    }
}

/// Which services are wanted; what is not named may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The service's name, of any instance.
    pub name: Option<Name>,
    /// The tags that it must have.
    pub tags: Tags,
}
