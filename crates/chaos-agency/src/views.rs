//! The fold of a log in memory, and what its rows say, whoever holds them.

use std::collections::BTreeMap;

use chaos_reputation::{Evidence, Model, Params, Table};
use chaos_types::{Did, Rejection, Verified};

use crate::{
    Key, Kinds, Memory, Place, Receipt, Rules, State, Stop, registry, registry::Agent, rules,
    state::EntryRow,
};
pub use crate::{
    rules::RewardRow,
    state::{ActionRow, RefusedRow},
};

/// A log folded in memory, up to some size.
///
/// An entry that breaks a rule stays in the log, since nothing can remove it, but counts for
/// nothing: it is refused with the check that it failed.
#[derive(Debug)]
pub struct Views {
    rules: Rules,
    state: Memory,
    next: Place,
}

impl Views {
    /// The fold of an empty log run by `operator`, which knows `kinds` of receipts.
    #[must_use]
    pub fn new(operator: Did, kinds: Kinds) -> Self {
        Self { rules: Rules::new(operator, kinds), state: Memory::default(), next: Place::FIRST }
    }

    /// How many log entries were folded.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.next.index
    }

    /// When the log took in its last entry that counts, milliseconds since 1970: the time that
    /// scores are computed for unless another is asked.
    #[must_use]
    pub const fn last_integrated_at_ms(&self) -> u64 {
        self.next.after_ms
    }

    /// Its rows.
    #[must_use]
    pub const fn state(&self) -> &Memory {
        &self.state
    }

    /// Folds the next log entry. Returns the refusal, which is also recorded, if it breaks a rule.
    ///
    /// # Errors
    /// The refusal.
    pub fn apply(&mut self, leaf: &[u8], record: &[u8]) -> Result<(), Rejection> {
        let read = Receipt::open_bytes(record, self.rules.kinds());
        self.apply_read(leaf, &read)
    }

    /// Folds the next log entry, whose record was read already: that can be done for many at once.
    ///
    /// # Errors
    /// The refusal.
    pub fn apply_read(
        &mut self,
        leaf: &[u8],
        read: &Result<Verified<Receipt>, Rejection>,
    ) -> Result<(), Rejection> {
        let folded = match self.rules.fold(self.next, leaf, read, &self.state) {
            Ok(folded) => folded,
            Err(stop) => unreachable!("a state in memory shows what the rules wrote: {stop}"),
        };
        self.state.apply(folded.writes);
        if let Ok(receipt) = read {
            self.state.stands(receipt.id, self.next.index);
        }
        self.next = folded.next;
        folded.refused.map_or(Ok(()), Err)
    }

    /// The agent with this root key, if it is known.
    ///
    /// # Errors
    /// Never for a fold in memory.
    pub fn agent(&self, did: &Did) -> Result<Option<Agent>, Stop> {
        registry::agent(&self.state, did)
    }

    /// The causal graph, by log index.
    ///
    /// # Errors
    /// Never for a fold in memory.
    pub fn actions(&self) -> Result<BTreeMap<u64, ActionRow>, Stop> {
        let rows =
            (0..self.size()).map(|index| Ok(action(&self.state, index)?.map(|r| (index, r))));
        rows.filter_map(Result::transpose).collect()
    }

    /// Entries that count for nothing, by log index.
    ///
    /// # Errors
    /// Never for a fold in memory.
    pub fn refused(&self) -> Result<BTreeMap<u64, RefusedRow>, Stop> {
        let rows =
            (0..self.size()).map(|index| Ok(refused(&self.state, index)?.map(|r| (index, r))));
        rows.filter_map(Result::transpose).collect()
    }

    /// The facts that reputation by a model as of a time is computed from, in log order.
    ///
    /// # Errors
    /// Never for a fold in memory.
    pub fn evidence(&self, as_of_ms: u64, model: Model) -> Result<Vec<Evidence>, Stop> {
        evidence(&self.state, self.size(), as_of_ms, model)
    }
}

/// What an entry did, if it counts.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn action(state: &dyn State, index: u64) -> Result<Option<ActionRow>, Stop> {
    Ok(state.read::<EntryRow>(&Key::action(index))?.map(|row| row.action))
}

/// Why an entry counts for nothing, if it does.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn refused(state: &dyn State, index: u64) -> Result<Option<RefusedRow>, Stop> {
    state.read(&Key::refusal(index))
}

/// The facts in the first `size` entries that reputation by a model as of a time is computed from, in
/// log order. What is older than the horizon of the decay weighs nothing and is left out.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn evidence(
    state: &dyn State,
    size: u64,
    as_of_ms: u64,
    model: Model,
) -> Result<Vec<Evidence>, Stop> {
    rules::evidence(state, size, as_of_ms, model)
}

/// Reputation by a model.
///
/// # Errors
/// If the evidence cannot be scored.
pub fn scores(
    evidence: &[Evidence],
    as_of_ms: u64,
    model: Model,
) -> Result<Table, chaos_reputation::Error> {
    chaos_reputation::score(evidence, as_of_ms, &Params::of(model))
}
