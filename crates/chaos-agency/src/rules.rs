//! The rules that decide whether an entry counts, as pure functions of the entry and the state
//! before it.

mod outcome;
mod payment;
mod score;

use chaos_types::{Check, Did, Rejection, Verified};

use self::payment::PaymentRow;
pub(crate) use self::score::evidence;
use crate::{
    Action, Fault, Key, Kinds, Leaf, Receipt, State, Stop, Writes,
    registry::{Scope, Standing},
    state::{ActionRow, EntryRow, RefusalRow, RefusedRow},
};

pub use self::payment::RewardRow;

/// Where in the log an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its log index: the number of entries before it.
    pub index: u64,
    /// When the log took in the last entry that counts, milliseconds since 1970.
    pub after_ms: u64,
}

/// The rules of one log.
#[derive(Debug, Clone)]
pub struct Rules {
    kinds: Kinds,
    scope: Scope,
}

/// What became of an entry.
#[derive(Debug)]
pub struct Folded {
    /// The rows that it changes.
    pub writes: Writes,
    /// Why it counts for nothing, if it does.
    pub refused: Option<Rejection>,
    /// Where the next entry stands.
    pub next: Place,
}

impl Place {
    /// The place of a log's first entry.
    pub const FIRST: Self = Self { index: 0, after_ms: 0 };
}

impl Rules {
    /// The rules of a log run by `operator`, which knows `kinds` of receipts.
    #[must_use]
    pub fn new(operator: Did, kinds: Kinds) -> Self {
        Self { kinds, scope: Scope::new(operator, &kinds) }
    }

    /// The log's operator.
    #[must_use]
    pub const fn operator(&self) -> Did {
        self.scope.operator
    }

    /// The kinds of receipts that the log knows.
    #[must_use]
    pub const fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Says whether a receipt counts at its place after everything that the state holds, and which
    /// rows it changes.
    ///
    /// # Errors
    /// [`Stop::Rejected`] if it breaks a rule, [`Stop::NotShown`] if the state does not show what a
    /// rule asks for.
    pub fn admit(
        &self,
        place: Place,
        leaf: &Leaf,
        receipt: &Verified<Receipt>,
        state: &dyn State,
    ) -> Result<Writes, Stop> {
        ensure_leaf(place, leaf, receipt)?;
        receipt.ensure_place(place.index)?;
        let mut writes = Writes::default();
        let standing = self.scope.admit(place.index, receipt, state, &mut writes)?;
        ensure_new(receipt, state)?;
        let mut outcome = None;
        match &receipt.action {
            Action::Score(body) => score::admit(body, place.index, state, &mut writes)?,
            Action::Pay(body) => {
                let row = PaymentRow { index: place.index, receipt: receipt.id };
                payment::admit(body, &row, state, &mut writes)?;
            }
            Action::Register(_)
            | Action::Update(_)
            | Action::RotateKey(_)
            | Action::Revoke(_)
            | Action::Verify(_)
            | Action::Anchor(_)
            | Action::Run(_) => {}
            Action::Other(_) => {
                for view in self.kinds.views() {
                    let brought = view.admit(receipt, place.index, state, &mut writes)?;
                    outcome = brought.or(outcome);
                }
            }
        }
        if let Some(outcome) = &outcome {
            let judge = outcome::Judge { receipt, index: place.index, leaf, state };
            judge.admit(outcome, &mut writes)?;
        }
        writes.put(Key::action(place.index), &entry_row(receipt, standing, leaf));
        Ok(writes)
    }

    /// Folds an entry: what was read of its record, under the bytes of its leaf. An entry that
    /// breaks a rule stays in the log, since nothing can remove it, and counts for nothing.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`]; a broken rule is no error here.
    pub fn fold(
        &self,
        place: Place,
        leaf: &[u8],
        read: &Result<Verified<Receipt>, Rejection>,
        state: &dyn State,
    ) -> Result<Folded, Stop> {
        let index = place.index + 1;
        let refused = match self.entry(place, leaf, read, state) {
            Ok((writes, after_ms)) => {
                return Ok(Folded { writes, refused: None, next: Place { index, after_ms } });
            }
            Err(Stop::Rejected(rejection)) => rejection,
            Err(stop) => return Err(stop),
        };
        let mut writes = Writes::default();
        let code = RefusalRow { code: refused.code.as_str().to_owned() };
        writes.put(Key::refused(place.index), &code);
        let row = RefusedRow { check: refused.check, reason: refused.reason.clone() };
        writes.put(Key::refusal(place.index), &row);
        Ok(Folded { writes, refused: Some(refused), next: Place { index, ..place } })
    }

    fn entry(
        &self,
        place: Place,
        leaf: &[u8],
        read: &Result<Verified<Receipt>, Rejection>,
        state: &dyn State,
    ) -> Result<(Writes, u64), Stop> {
        let leaf = Leaf::from_bytes(leaf)
            .map_err(|error| Rejection::caused(Check::Inclusion, Fault::LeafMalformed, &error))?;
        ensure_time(place, &leaf)?;
        let receipt = read.as_ref().map_err(Clone::clone)?;
        let writes = self.admit(place, &leaf, receipt, state)?;
        Ok((writes, leaf.integrated_at_ms))
    }
}

/// The log's time does not go back.
fn ensure_time(place: Place, leaf: &Leaf) -> Result<(), Rejection> {
    if leaf.integrated_at_ms >= place.after_ms {
        return Ok(());
    }
    Err(Rejection::new(
        Check::Inclusion,
        Fault::TimeGoesBack,
        format!("the log's time goes back from {} to {} ms", place.after_ms, leaf.integrated_at_ms),
    ))
}

fn ensure_leaf(place: Place, leaf: &Leaf, receipt: &Receipt) -> Result<(), Rejection> {
    ensure_time(place, leaf)?;
    if receipt.id == leaf.receipt {
        return Ok(());
    }
    Err(Rejection::new(
        Check::Inclusion,
        Fault::LeafOfAnother,
        format!("the log entry names {}, the record is {}", leaf.receipt, receipt.id),
    ))
}

/// A receipt stands in the log once, after everything it was built on.
fn ensure_new(receipt: &Receipt, state: &dyn State) -> Result<(), Stop> {
    if state.admitted(&receipt.id)?.is_some() {
        return Err(reject(
            Fault::ReceiptRepeated,
            format!("receipt {} is already in the log", receipt.id),
        ));
    }
    for parent in &receipt.parents {
        if state.admitted(parent)?.is_none() {
            return Err(reject(
                Fault::ParentUnknown,
                format!("parent {parent} is not in the log before it"),
            ));
        }
    }
    Ok(())
}

fn entry_row(receipt: &Receipt, standing: Standing, leaf: &Leaf) -> EntryRow {
    let Standing { role, studio } = standing;
    EntryRow {
        replayable: receipt.evidence.replay().is_some(),
        work: receipt.action.is_work(),
        action: ActionRow {
            receipt: receipt.id,
            agent: receipt.agent,
            studio,
            role,
            kind: receipt.action.kind().to_owned(),
            evidence: receipt.evidence.class().to_owned(),
            parents: receipt.parents.clone(),
            integrated_at_ms: leaf.integrated_at_ms,
        },
    }
}

fn reject(fault: Fault, reason: String) -> Stop {
    Stop::Rejected(Rejection::new(Check::Statement, fault, reason))
}

#[cfg(test)]
mod tests;
