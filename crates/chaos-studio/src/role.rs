use std::collections::BTreeSet;

use crate::name::{ActionName, Capability};

/// What the holder of a role offers and is allowed to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// What an agent of this role advertises when it registers.
    pub capabilities: BTreeSet<Capability>,
    /// The kinds of action whose receipts count when an agent of this role signs them.
    pub actions: BTreeSet<ActionName>,
}
