//! The rows that the log does not commit to, derived again from the entry that wrote them.

use super::{Rules, entry_row, outcome::Judge};
use crate::{
    Action, Key, Leaf, Receipt, State, Stop, Writes,
    registry::Standing,
    state::{SpanRow, past},
};

/// An entry that counts, as the tree has it.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    /// Its log index.
    pub index: u64,
    /// Its leaf.
    pub leaf: &'a Leaf,
    /// Its receipt.
    pub receipt: &'a Receipt,
}

impl Rules {
    /// What an entry did: the row of its action. `state` is that of before it or of any time later.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn action_again(&self, entry: Counted<'_>, state: &dyn State) -> Result<Writes, Stop> {
        let Counted { index, leaf, receipt } = entry;
        let standing = match &receipt.action {
            Action::Register(profile) | Action::Update(profile) => profile.into(),
            Action::RotateKey(_)
            | Action::Revoke(_)
            | Action::Delegate(_)
            | Action::BindAccount(_)
            | Action::Verify(_)
            | Action::Anchor(_)
            | Action::DeclareAnchoring(_)
            | Action::Run(_)
            | Action::Score(_)
            | Action::Pay(_)
            | Action::CorrectTime(_)
            | Action::ReportFork(_)
            | Action::Other(_) => standing(receipt, index, state)?,
        };
        let mut writes = Writes::default();
        writes.put(Key::action(index), &entry_row(receipt, standing, leaf));
        Ok(writes)
    }

    /// What an entry says of earlier work: the rows of its evidence. `state` is that of any time after it.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn evidence_again(&self, entry: Counted<'_>, state: &dyn State) -> Result<Writes, Stop> {
        let Counted { index, leaf, receipt } = entry;
        let mut writes = Writes::default();
        if let Action::Other(_) = receipt.action {
            let brought = self.kinds.views().filter_map(|(_, view)| view.outcome(receipt)).last();
            if let Some(outcome) = brought {
                Judge { receipt, index, leaf, state }.again(&outcome, &mut writes)?;
            }
        }
        Ok(writes)
    }
}

/// The role and the studio that an agent had before an entry of its own.
fn standing(receipt: &Receipt, index: u64, state: &dyn State) -> Result<Standing, Stop> {
    let agent = receipt.agent;
    let unreadable = |key| Stop::Unreadable { key };
    let spans = past::spans_before(state, &agent, index)?;
    let number = spans.and_then(|spans| spans.checked_sub(1));
    let key = Key::span(&agent, number.ok_or_else(|| unreadable(Key::agent(&agent)))?);
    let span: SpanRow = state.read(&key)?.ok_or_else(|| unreadable(key))?;
    Ok(Standing { role: span.role, studio: span.studio })
}
