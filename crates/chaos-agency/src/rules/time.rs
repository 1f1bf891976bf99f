//! Corrections of the log's clock.

use super::reject;
use crate::{
    Fault, Key, Leaf, State, Stop, Writes,
    action::CorrectTime,
    corrections::{CORRECTIONS_MAX, Corrections, Dated, is_dated},
    state::{CorrectionRow, EntryRow},
};

/// A correction is dated as it says, takes later dates back, and dates no entry before those that it
/// follows.
pub(super) fn admit(
    body: &CorrectTime,
    index: u64,
    leaf: &Leaf,
    state: &dyn State,
    writes: &mut Writes,
) -> Result<(), Stop> {
    let CorrectTime { first, true_ms } = *body;
    if !is_dated(true_ms, leaf) {
        let at_ms = leaf.integrated_at_ms;
        return Err(reject(
            Fault::CorrectionDatedOther,
            format!(
                "the correction says that it is {true_ms} ms, the log took it in at {at_ms} ms"
            ),
        ));
    }
    let corrections = Corrections::read(state)?;
    if corrections.count() == CORRECTIONS_MAX {
        return Err(reject(
            Fault::CorrectionsTooMany,
            format!("the log's clock was corrected {CORRECTIONS_MAX} times"),
        ));
    }
    let last = counted_before(state, index)?;
    if last.is_none_or(|last| last.at_ms <= true_ms) {
        let last_ms = last.map_or(0, |last| last.at_ms);
        return Err(reject(
            Fault::CorrectionNeedless,
            format!("the entry before it is of {last_ms} ms, which is not after {true_ms} ms"),
        ));
    }
    if let Some(before) = counted_before(state, first)? {
        let before_ms = corrections.effective_ms(before.index, before.at_ms);
        if before_ms > true_ms {
            return Err(reject(
                Fault::CorrectionTooFar,
                format!(
                    "entry {} before the corrected ones is of {before_ms} ms, after {true_ms} ms",
                    before.index
                ),
            ));
        }
    }
    writes.put(Key::time(corrections.count() as u64), &CorrectionRow { index, first, true_ms });
    Ok(())
}

/// The last entry before a place that counts.
fn counted_before(state: &dyn State, index: u64) -> Result<Option<Dated>, Stop> {
    for index in (0..index).rev() {
        if let Some(row) = state.read::<EntryRow>(&Key::action(index))? {
            return Ok(Some(Dated { index, at_ms: row.action.integrated_at_ms }));
        }
    }
    Ok(None)
}
