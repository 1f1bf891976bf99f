//! The rules that decide whether an entry counts, as pure functions of the entry and the state
//! before it.

mod again;
mod anchoring;
mod fork;
mod outcome;
mod payment;
mod score;
mod time;

use chaos_log::map::{self, Changed, Put, ReadError};
use chaos_types::{Check, Did, Rejection, Verified};

pub use self::again::Counted;
use self::payment::PaymentRow;
pub(crate) use self::score::{ensure_as_of, evidence};
use crate::{
    Action, Fault, Key, Kinds, Leaf, Receipt, State, Stop, Writes,
    registry::{Scope, Standing},
    state::{ActionRow, EntryRow, RefusalRow, RefusedRow},
};

pub use self::payment::{RewardRow, Rewards};

/// Where in the log an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its log index: the number of entries before it.
    pub index: u64,
    /// When the log took in the last entry that counts, milliseconds since 1970.
    pub after_ms: u64,
    /// The root of the map of the committed rows before it.
    pub state: map::Hash,
    /// Whether a leaf before it states such a root. Every later one then does.
    pub is_stated: bool,
}

/// What the log holds at a place.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The bytes of the leaf.
    pub leaf: &'a [u8],
    /// The receipt as it was read from the record, or why it could not be.
    pub read: &'a Result<Verified<Receipt>, Rejection>,
}

/// Why an entry could not be folded.
#[derive(Debug, thiserror::Error)]
pub enum FoldError<E: std::error::Error + 'static> {
    /// The rules gave no answer.
    #[error(transparent)]
    Stop(#[from] Stop),
    /// The map of the committed rows cannot be read.
    #[error(transparent)]
    Map(#[from] ReadError<E>),
}

/// The rules of one log.
#[derive(Debug, Clone)]
pub struct Rules {
    kinds: Kinds,
    scope: Scope,
}

/// What became of an entry.
#[derive(Debug)]
pub struct Folded<C> {
    /// The rows that it changes.
    pub writes: Writes,
    /// What that changes in the map of the committed rows.
    pub change: C,
    /// Why it counts for nothing, if it does.
    pub refused: Option<Rejection>,
    /// Where the next entry stands.
    pub next: Place,
}

impl Place {
    /// The place of a log's first entry.
    pub const FIRST: Self = Self::at(0);

    /// A place of which nothing but the index is known.
    #[must_use]
    pub const fn at(index: u64) -> Self {
        Self { index, after_ms: 0, state: map::EMPTY, is_stated: false }
    }

    /// The place after an entry of this leaf that counts.
    #[must_use]
    pub const fn after(self, leaf: &Leaf, state: map::Hash) -> Self {
        let is_stated = self.is_stated || leaf.state.is_some();
        Self { index: self.index + 1, after_ms: leaf.integrated_at_ms, state, is_stated }
    }
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
            Action::Score(body) => {
                score::Counted { place, leaf, state }.admit(body, &mut writes)?;
            }
            Action::CorrectTime(body) => time::admit(body, place.index, leaf, state, &mut writes)?,
            Action::DeclareAnchoring(body) => {
                anchoring::admit(body, place.index, state, &mut writes)?
            }
            Action::ReportFork(body) => fork::admit(body, place.index, state, &mut writes)?,
            Action::Pay(body) => {
                let row = PaymentRow { index: place.index, receipt: receipt.id };
                payment::admit(body, &row, state, &mut writes)?;
            }
            Action::Delegate(_) => receipt.ensure_history(&state.tree_before(place.index)?)?,
            Action::Register(_)
            | Action::Update(_)
            | Action::RotateKey(_)
            | Action::Revoke(_)
            | Action::BindAccount(_)
            | Action::Verify(_)
            | Action::Anchor(_)
            | Action::Run(_) => {}
            Action::Other(_) => {
                for (extension, view) in self.kinds.views() {
                    let mut own = Writes::default();
                    view.admit(receipt, place.index, state, &mut own)?;
                    writes.take(extension, own)?;
                    outcome = view.outcome(receipt).or(outcome);
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

    /// Folds an entry. One that breaks a rule stays in the log, since nothing can remove it, and counts
    /// for nothing; so does one whose leaf states another root than the map of the committed rows has
    /// after it. `map` is the map before it.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`], or a map that cannot be read; a broken rule is no
    /// error here.
    pub fn fold<M: Put<Error: std::error::Error + 'static>>(
        &self,
        place: Place,
        entry: Entry<'_>,
        state: &dyn State,
        map: &M,
    ) -> Result<Folded<M::Change>, FoldError<M::Error>> {
        let leaf = read_leaf(entry.leaf);
        let (mut writes, mut refused) = self.entry(place, &leaf, entry.read, state)?;
        let mut changed = self.commit(&writes, map, &place.state)?;
        let stated = leaf.as_ref().ok().and_then(|leaf| leaf.state);
        if let Some(stated) = stated.filter(|stated| *stated != changed.root) {
            let rejection = state_other(place.index, &stated, &changed.root);
            writes = refusal(place.index, &rejection);
            changed = self.commit(&writes, map, &place.state)?;
            refused = Some(rejection);
        }
        let next = match &leaf {
            Ok(leaf) if refused.is_none() => place.after(leaf, changed.root),
            Ok(_) | Err(_) => Place {
                index: place.index + 1,
                state: changed.root,
                is_stated: place.is_stated || stated.is_some(),
                ..place
            },
        };
        Ok(Folded { writes, change: changed.change, refused, next })
    }

    /// The leaf of an entry with the root after it stated, whether it counts or not.
    ///
    /// # Errors
    /// As [`Self::fold`], and if the leaf is none.
    pub fn stating<M: Put<Error: std::error::Error + 'static>>(
        &self,
        place: Place,
        entry: Entry<'_>,
        state: &dyn State,
        map: &M,
    ) -> Result<Leaf, FoldError<M::Error>> {
        let leaf = read_leaf(entry.leaf).map_err(Stop::from)?.stating(place.state);
        let (writes, _) = self.entry(place, &Ok(leaf), entry.read, state)?;
        Ok(leaf.stating(self.commit(&writes, map, &place.state)?.root))
    }

    /// What rows change in the map of the committed rows with root `root`.
    ///
    /// # Errors
    /// If the map cannot be read.
    pub fn commit<M: Put>(
        &self,
        writes: &Writes,
        map: &M,
        root: &map::Hash,
    ) -> Result<Changed<M::Change>, ReadError<M::Error>> {
        let committed = writes.iter().filter(|(key, _)| self.kinds.commits(key));
        let puts =
            committed.map(|(key, bytes)| (map::Key::of(key.as_bytes()), map::Value::of(bytes)));
        map.put(root, puts)
    }

    /// Whether the log commits to rows under this key.
    #[must_use]
    pub fn commits(&self, key: &Key) -> bool {
        self.kinds.commits(key)
    }

    /// Whether a proof can show the answer to a question of the rules: a row that the log commits to,
    /// where a receipt stands, or what the tree was before it.
    #[must_use]
    pub fn is_shown_by_proofs(&self, key: &Key) -> bool {
        matches!(key.kind(), "place" | "tree") || self.kinds.commits(key)
    }

    /// Whether a bundle may lack the answer although a proof can show it: the accounts that a payment's
    /// payees registered, which no bundle showed at first. Without them their accounts are the
    /// signer's word, and so they are said to be.
    #[must_use]
    pub fn may_be_left_out(&self, receipt: &Receipt, key: &Key) -> bool {
        matches!(receipt.action, Action::Pay(_)) && key.kind() == "account"
    }

    /// The rows of an entry, and why it counts for nothing if it does.
    fn entry(
        &self,
        place: Place,
        leaf: &Result<Leaf, Rejection>,
        read: &Result<Verified<Receipt>, Rejection>,
        state: &dyn State,
    ) -> Result<(Writes, Option<Rejection>), Stop> {
        match self.ruled(place, leaf, read, state) {
            Ok(writes) => Ok((writes, None)),
            Err(Stop::Rejected(rejection)) => {
                Ok((refusal(place.index, &rejection), Some(rejection)))
            }
            Err(stop) => Err(stop),
        }
    }

    fn ruled(
        &self,
        place: Place,
        leaf: &Result<Leaf, Rejection>,
        read: &Result<Verified<Receipt>, Rejection>,
        state: &dyn State,
    ) -> Result<Writes, Stop> {
        let leaf = leaf.as_ref().map_err(Clone::clone)?;
        ensure_stated(place, leaf)?;
        ensure_time(place, leaf, read.as_ref().ok())?;
        let receipt = read.as_ref().map_err(Clone::clone)?;
        self.admit(place, leaf, receipt, state)
    }
}

fn read_leaf(bytes: &[u8]) -> Result<Leaf, Rejection> {
    Leaf::from_bytes(bytes)
        .map_err(|error| Rejection::caused(Check::Inclusion, Fault::LeafMalformed, &error))
}

/// The rows of an entry that counts for nothing.
fn refusal(index: u64, refused: &Rejection) -> Writes {
    let mut writes = Writes::default();
    let code = RefusalRow { code: refused.code.as_str().to_owned() };
    writes.put(Key::refused(index), &code);
    let row = RefusedRow { check: refused.check, reason: refused.reason.clone() };
    writes.put(Key::refusal(index), &row);
    writes
}

/// Once a leaf has stated a root, every later one does: otherwise a log could say what it folds to only
/// where it pleases.
fn ensure_stated(place: Place, leaf: &Leaf) -> Result<(), Rejection> {
    if leaf.state.is_some() || !place.is_stated {
        return Ok(());
    }
    Err(Rejection::new(
        Check::Inclusion,
        Fault::StateMissing,
        format!("log entry {} states no root of the state, an earlier one does", place.index),
    ))
}

fn state_other(index: u64, stated: &map::Hash, found: &map::Hash) -> Rejection {
    Rejection::new(
        Check::Inclusion,
        Fault::StateOther,
        format!("log entry {index} states root {stated} of the state, the log folds to {found}"),
    )
}

/// The log's time does not go back but at a correction of it, whose own rules say how far.
fn ensure_time(
    place: Place,
    leaf: &Leaf,
    receipt: Option<&Verified<Receipt>>,
) -> Result<(), Rejection> {
    let corrects = receipt.is_some_and(|receipt| receipt.action.corrects_time());
    if leaf.integrated_at_ms >= place.after_ms || corrects {
        return Ok(());
    }
    Err(Rejection::new(
        Check::Inclusion,
        Fault::TimeGoesBack,
        format!("the log's time goes back from {} to {} ms", place.after_ms, leaf.integrated_at_ms),
    ))
}

fn ensure_leaf(place: Place, leaf: &Leaf, receipt: &Verified<Receipt>) -> Result<(), Rejection> {
    ensure_time(place, leaf, Some(receipt))?;
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
