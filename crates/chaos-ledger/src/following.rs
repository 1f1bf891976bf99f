//! A fold that goes on beside a log as it grows.

use std::{mem, ops::Range};

use chaos_agency::{Kinds, Place, Receipt, Rules, views};
use chaos_store::{Append, Records};
use chaos_types::{Rejection, Verified};

use crate::{
    Error,
    folding::{STEP, folded, read_all},
    tables::{Known, Tables, ensure_in_tree, tree_of},
};

/// A fold of the log in a store that one process takes further.
///
/// What it put itself it knows; what lay in the store before is believed only as the map under the last
/// leaf's root has it, or the entries that it comes from.
#[derive(Debug)]
pub struct Fold {
    rules: Rules,
    next: Place,
    known: Known,
}

impl Fold {
    /// Goes on where the rows of a store end. Rows of other rules are dropped, and the log is folded anew.
    ///
    /// # Errors
    /// If the store fails, or its rows are not of its log.
    pub fn open<R: Records>(store: &mut R, rules: Rules) -> Result<Self, Error> {
        if let Some(next) = folded(store, &rules)? {
            return Ok(Self { rules, next, known: Known::default() });
        }
        store.clear_rows()?;
        Ok(Self { rules, next: Place::FIRST, known: Known::all() })
    }

    /// Whether it goes by these kinds of receipts.
    #[must_use]
    pub fn is_by(&self, kinds: &Kinds) -> bool {
        self.rules.kinds().rules() == kinds.rules()
    }

    pub(crate) const fn next(&self) -> Place {
        self.next
    }

    /// Appends entries that the log does not hold, each with its receipt as it was read or why it could not
    /// be, and puts the rows that follow from them, in one transaction.
    ///
    /// # Errors
    /// If something was appended and not folded before, a row cannot be read or believed, or the store
    /// fails. Nothing is written then.
    pub fn append<R: Records>(
        &mut self,
        store: &mut R,
        appends: &[Append],
        reads: &[Result<Verified<Receipt>, Rejection>],
    ) -> Result<(), Error> {
        let (folded, log_size) = (self.next.index, store.head()?.size);
        if folded != log_size {
            return Err(Error::FoldBehind { folded, log_size });
        }
        self.step(store, appends, appends.iter().map(Append::leaf).zip(reads))
    }

    /// Folds what the store lacks. Each step is one transaction, so that a kill leaves a smaller fold and
    /// the next opening goes on.
    ///
    /// One step ends with the newest checkpoint: what the map had there is what proofs under it lead to.
    pub(crate) fn catch_up<R: Records>(&mut self, store: &mut R) -> Result<(), Error> {
        let size = store.head()?.size;
        let published = store.checkpoint()?.map_or(0, |signed| signed.claimed().size());
        while self.next.index < size {
            let from = self.next.index;
            let stop = if from < published { published.min(size) } else { size };
            let entries = store.entries(from..stop.min(from + STEP))?;
            // A false entry is not folded, whoever put it there.
            let tree = tree_of(&*store)?;
            entries.iter().try_for_each(|entry| ensure_in_tree(&tree, entry.index, &entry.leaf))?;
            let reads = read_all(&entries, self.rules.kinds());
            self.step(store, &[], entries.iter().map(|entry| entry.leaf.as_slice()).zip(&reads))?;
        }
        Ok(())
    }

    /// Folds what the store lacks, and answers which entries of a range state another root of the state than
    /// the log folds to, or none after one that did.
    ///
    /// # Errors
    /// If the store fails, or a row cannot be read or believed.
    pub fn misstated<R: Records>(
        &mut self,
        store: &mut R,
        range: Range<u64>,
    ) -> Result<Vec<(u64, Rejection)>, Error> {
        self.catch_up(store)?;
        let tables = Tables::new(&*store, &self.rules, self.next);
        views::misstated(&tables, range).map_err(|stop| tables.error(stop))
    }

    /// Folds what the store lacks, and answers which entries of a range count for nothing, each with the code
    /// of the reason.
    ///
    /// # Errors
    /// As [`Self::misstated`].
    pub fn refusals<R: Records>(
        &mut self,
        store: &mut R,
        range: Range<u64>,
    ) -> Result<Vec<(u64, String)>, Error> {
        self.catch_up(store)?;
        let tables = Tables::new(&*store, &self.rules, self.next);
        views::refusals(&tables, range).map_err(|stop| tables.error(stop))
    }

    /// Folds the next entries, of which `appends` are not in the log yet, in one transaction. If it fails,
    /// nothing is known of the rows any more, and the map is asked again.
    fn step<'e, R: Records>(
        &mut self,
        store: &mut R,
        appends: &[Append],
        entries: impl Iterator<Item = (&'e [u8], &'e Result<Verified<Receipt>, Rejection>)>,
    ) -> Result<(), Error> {
        let known = mem::take(&mut self.known);
        let mut tables = Tables::going_on(&*store, &self.rules, self.next, known);
        for (leaf, read) in entries {
            // A refusal is part of the state.
            let _refused = tables.fold(&self.rules, leaf, read)?;
        }
        let (next, known) = (tables.next(), tables.known());
        let pending = tables.into_pending();
        store.commit(&pending.change(&self.rules, appends, next))?;
        (self.next, self.known) = (next, known);
        Ok(())
    }
}
