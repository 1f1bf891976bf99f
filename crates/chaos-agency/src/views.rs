//! The fold of a log in memory, and what its rows say, whoever holds them.

use std::{collections::BTreeMap, ops::Range};

use chaos_log::map::MemoryMap;
use chaos_reputation::{Evidence, Model, Params, Table};
use chaos_types::{Did, Rejection, Verified};

use crate::{
    Entry, Fault, Key, Kinds, Leaf, Memory, Place, Receipt, Rules, State, Stop, registry,
    registry::Agent,
    rules,
    state::{EntryRow, RefusalRow},
};
pub use crate::{
    rules::{RewardRow, Rewards},
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
    map: MemoryMap,
    next: Place,
    misstated: Option<u64>,
}

impl Views {
    /// The fold of an empty log run by `operator`, which knows `kinds` of receipts.
    #[must_use]
    pub fn new(operator: Did, kinds: Kinds) -> Self {
        Self {
            rules: Rules::new(operator, kinds),
            state: Memory::default(),
            map: MemoryMap::new(),
            next: Place::FIRST,
            misstated: None,
        }
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

    /// The map of the rows that the log commits to.
    #[must_use]
    pub const fn map(&self) -> &MemoryMap {
        &self.map
    }

    /// Where the next entry stands.
    #[must_use]
    pub const fn next(&self) -> Place {
        self.next
    }

    /// The first entry whose leaf states another root of the state than the log folds to, or none after
    /// one that did.
    #[must_use]
    pub const fn misstated(&self) -> Option<u64> {
        self.misstated
    }

    /// The next entry's leaf with the root after it stated.
    ///
    /// # Panics
    /// Never: what is in memory was written by these rules.
    #[must_use]
    pub fn stating(&self, leaf: Leaf, read: &Result<Verified<Receipt>, Rejection>) -> Leaf {
        let bytes = leaf.to_bytes();
        let entry = Entry { leaf: &bytes, read };
        match self.rules.stating(self.next, entry, &self.state, &self.map) {
            Ok(leaf) => leaf,
            Err(error) => unreachable!("a state in memory shows what the rules wrote: {error}"),
        }
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
        let entry = Entry { leaf, read };
        let folded = match self.rules.fold(self.next, entry, &self.state, &self.map) {
            Ok(folded) => folded,
            Err(error) => unreachable!("a state in memory shows what the rules wrote: {error}"),
        };
        let is_misstated = |refused: &Rejection| {
            [Fault::StateOther.code(), Fault::StateMissing.code()].contains(&refused.code)
        };
        if folded.refused.as_ref().is_some_and(is_misstated) {
            self.misstated.get_or_insert(self.next.index);
        }
        self.state.apply(folded.writes);
        self.map.apply(folded.change);
        self.state.grow(leaf);
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

/// Whether an entry states another root of the state than the log folds to, or none after one that did, as
/// the log commits to it.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn is_misstated(state: &dyn State, index: u64) -> Result<bool, Stop> {
    let code = refused_for(state, index)?;
    let is = |fault: Fault| code.as_deref() == Some(fault.code().as_str());
    Ok(is(Fault::StateOther) || is(Fault::StateMissing))
}

/// The code by which the log commits to it that an entry counts for nothing, if it does.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn refused_for(state: &dyn State, index: u64) -> Result<Option<String>, Stop> {
    let row: Option<RefusalRow> = state.read(&Key::refused(index))?;
    Ok(row.map(|row| row.code))
}

/// The entries of a range whose leaves state another root of the state than the log folds to, or none
/// after one that did.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn misstated(state: &dyn State, range: Range<u64>) -> Result<Vec<(u64, Rejection)>, Stop> {
    let (from, to) = (Key::refusal(range.start), Key::refusal(range.end));
    let rows: Vec<(Key, RefusedRow)> = state.rows(&from..&to)?;
    let mut misstated = Vec::new();
    for (key, RefusedRow { check, reason }) in rows {
        let index: u64 = key
            .parts()
            .nth(1)
            .and_then(|part| part.parse().ok())
            .ok_or_else(|| Stop::Unreadable { key: key.clone() })?;
        let row: Option<RefusalRow> = state.read(&Key::refused(index))?;
        let is = |fault: &Fault| row.as_ref().is_some_and(|row| row.code == fault.code().as_str());
        if let Some(fault) = [Fault::StateOther, Fault::StateMissing].into_iter().find(is) {
            misstated.push((index, Rejection::new(check, fault, reason)));
        }
    }
    Ok(misstated)
}

/// The entries of a range that count for nothing, each with the code that the log commits to.
///
/// # Errors
/// [`Stop::NotShown`] or [`Stop::Unreadable`].
pub fn refusals(state: &dyn State, range: Range<u64>) -> Result<Vec<(u64, String)>, Stop> {
    let (from, to) = (Key::refusal(range.start), Key::refusal(range.end));
    let rows: Vec<(Key, RefusedRow)> = state.rows(&from..&to)?;
    let mut refused = Vec::new();
    for (key, _) in rows {
        let index = key.parts().nth(1).and_then(|part| part.parse().ok());
        let index: u64 = index.ok_or(Stop::Unreadable { key })?;
        refused.extend(refused_for(state, index)?.map(|code| (index, code)));
    }
    Ok(refused)
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
