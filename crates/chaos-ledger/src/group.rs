//! Many receipts in one transaction.

use std::sync::Arc;

use chaos_agency::{Kinds, Leaf, Receipt, views};
use chaos_store::{Append, Commit, Records as _};
use chaos_types::{Digest, Rejection, Verified, dsse::Envelope};

use crate::{Error, Ledger, tables::Tables};

/// A signed receipt that was read, with its signatures checked, and that any thread can make: it
/// needs no ledger.
#[derive(Debug, Clone)]
pub struct Prepared {
    receipt: Verified<Receipt>,
    record: Vec<u8>,
}

/// Where a receipt stands that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The receipt.
    pub receipt: Digest,
    /// Its log index.
    pub index: u64,
}

/// Why a receipt of a group was not taken in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GroupError {
    /// The log does not admit it. Others of its group may be in the log.
    #[error(transparent)]
    Inadmissible(Rejection),
    /// The group could not be written. None of it is in the log.
    #[error("the group was not written")]
    Failed(#[source] Arc<Error>),
}

impl Prepared {
    /// Reads an envelope and checks its signatures.
    ///
    /// # Errors
    /// If it is no receipt of a known kind, or a signature does not hold.
    pub fn read(envelope: &Envelope, kinds: &Kinds) -> Result<Self, Error> {
        let receipt = Receipt::open(envelope, kinds).map_err(Error::Inadmissible)?;
        let record = envelope.to_bytes().map_err(Error::Encode)?;
        Ok(Self { receipt, record })
    }
}

impl Ledger {
    /// Appends receipts in order, those that the log admits, in one transaction with the rows that
    /// follow from them. A refused one leaves the others as they are. What is answered is durable.
    ///
    /// # Errors
    /// If the store fails, or another copy of this directory has signed; nothing is then written.
    pub fn append_group(
        &mut self,
        group: &[Prepared],
        now_ms: u64,
    ) -> Result<Vec<Result<Accepted, Rejection>>, Error> {
        self.ensure_current()?;
        self.ensure_same_rules()?;
        let mut tables = Tables::new(&self.store, &self.rules, self.next);
        let mut appends = Vec::with_capacity(group.len());
        let mut answers = Vec::with_capacity(group.len());
        for Prepared { receipt, record } in group {
            let place = tables.next();
            // The log's time goes back at a correction of it and nowhere else, even if the clock does.
            let corrects = receipt.action.corrects_time();
            let at_ms = if corrects { now_ms } else { now_ms.max(place.after_ms) };
            let leaf = Leaf::new(receipt.id, at_ms);
            match self.rules.admit(place, &leaf, receipt, &tables) {
                Ok(writes) => {
                    let leaf = tables.take(&self.rules, leaf, writes)?;
                    let append = Append::new(record.clone(), leaf.to_bytes());
                    appends.push(append.map_err(Error::Append)?);
                    answers.push(Ok(Accepted { receipt: receipt.id, index: place.index }));
                }
                Err(stop) => match tables.error(stop) {
                    Error::Inadmissible(rejection) => answers.push(Err(rejection)),
                    error => return Err(error),
                },
            }
        }
        let next = tables.next();
        let pending = tables.into_pending();
        if !appends.is_empty() {
            self.store.commit(&pending.change(&self.rules, &appends, next))?;
            self.next = next;
        }
        Ok(answers)
    }

    /// Where the last entry states another root than the log folds to here, the log goes by other rules,
    /// and whatever this program would state would be false under them.
    fn ensure_same_rules(&self) -> Result<(), Error> {
        let Some(index) = self.size().checked_sub(1) else { return Ok(()) };
        let is_misstated = self.ask(|state| views::is_misstated(state, index))?;
        if is_misstated { Err(Error::OtherRules { index }) } else { Ok(()) }
    }
}

/// A ledger behind [`GroupCommit`](chaos_store::GroupCommit): callers on many threads prepare their
/// receipts, and those that wait share a transaction and a sync of the disk.
impl Commit for Ledger {
    type Item = Prepared;
    type Done = Accepted;
    type Error = GroupError;

    fn commit_group(&mut self, items: Vec<Prepared>) -> Vec<Result<Accepted, GroupError>> {
        let now_ms = self.system().now_ms();
        let appended = self.ensure_clock().and_then(|()| self.append_group(&items, now_ms));
        match appended {
            Ok(answers) => {
                answers.into_iter().map(|answer| answer.map_err(GroupError::Inadmissible)).collect()
            }
            Err(error) => {
                let error = Arc::new(error);
                items.iter().map(|_| Err(GroupError::Failed(Arc::clone(&error)))).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;
