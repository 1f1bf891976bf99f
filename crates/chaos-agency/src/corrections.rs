//! When entries were taken in, after the log's clock was corrected.

use chaos_types::Did;

use crate::{Action, Key, Leaf, Receipt, State, Stop, action::CorrectTime, state::CorrectionRow};

/// A log is corrected at most so often.
pub(crate) const CORRECTIONS_MAX: usize = 256;

/// How far the log's clock may be after the time that a correction says, in milliseconds: from the
/// signature to the append.
pub(crate) const SKEW_MS: u64 = 60_000;

/// One correction of a log's clock: the entries from `first` up to `index` were dated by a wrong
/// clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// The entry of the correction.
    pub index: u64,
    /// The first entry that was dated wrongly.
    pub first: u64,
    /// No entry of the range is later, milliseconds since 1970.
    pub true_ms: u64,
}

/// The corrections of a log's clock that are known at a place of it, in log order.
///
/// The effective time of an entry is the earliest of the written one and those of the corrections
/// whose range it is in. Effective times do not go back from entry to entry, whatever was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corrections(Vec<Correction>);

/// An entry and its time, as its leaf says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// The entry.
    pub index: u64,
    /// When the log took it in by its own word, milliseconds since 1970.
    pub at_ms: u64,
}

impl Correction {
    /// Whether an entry is in its range.
    #[must_use]
    pub const fn covers(&self, index: u64) -> bool {
        self.first <= index && index < self.index
    }
}

impl Corrections {
    /// Those that the rows of a state hold.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn read(state: &dyn State) -> Result<Self, Stop> {
        Self::of(|key| state.read(key))
    }

    /// Those whose rows `row` gives, up to the first that there is not.
    pub(crate) fn of(
        row: impl Fn(&Key) -> Result<Option<CorrectionRow>, Stop>,
    ) -> Result<Self, Stop> {
        let mut corrections = Vec::new();
        for number in 0.. {
            let Some(row) = row(&Key::time(number))? else { break };
            let CorrectionRow { index, first, true_ms } = row;
            corrections.push(Correction { index, first, true_ms });
        }
        Ok(Self(corrections))
    }

    /// The corrections in log order.
    pub fn iter(&self) -> impl Iterator<Item = &Correction> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub(crate) const fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether the log's time may go back between two entries, the first before the second: a correction
    /// between them takes the first one back as far.
    #[must_use]
    pub fn excuse(&self, before: Dated, after: Dated) -> bool {
        self.0.iter().any(|correction| {
            correction.covers(before.index)
                && correction.index <= after.index
                && correction.true_ms <= after.at_ms
        })
    }

    /// When the log took in an entry that it dated `written_ms`, milliseconds since 1970.
    #[must_use]
    pub fn effective_ms(&self, index: u64, written_ms: u64) -> u64 {
        let covering = self.0.iter().filter(|correction| correction.covers(index));
        covering.fold(written_ms, |ms, correction| ms.min(correction.true_ms))
    }
}

/// What a receipt says of the log's clock, if its entry may set it back as far as the receipt, its
/// leaf and its index alone tell: a correction by the operator, dated as it says, of entries before it.
#[must_use]
pub fn correction_at(
    receipt: &Receipt,
    index: u64,
    leaf: &Leaf,
    operator: &Did,
) -> Option<Correction> {
    let Action::CorrectTime(CorrectTime { first, true_ms }) = receipt.action else { return None };
    let is_dated = is_dated(true_ms, leaf);
    (receipt.agent == *operator && first < index && is_dated).then_some(Correction {
        index,
        first,
        true_ms,
    })
}

/// Whether a correction's leaf is of the time that it says, give or take the way to the log. It is not
/// earlier, so that the entries that it corrects are not later than it.
pub(crate) const fn is_dated(true_ms: u64, leaf: &Leaf) -> bool {
    true_ms <= leaf.integrated_at_ms && leaf.integrated_at_ms <= true_ms.saturating_add(SKEW_MS)
}

#[cfg(test)]
mod tests;
