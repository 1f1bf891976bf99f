//! The state that the rules ask, as the store keeps it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ops::{Bound, Range},
};

use chaos_agency::{Answer, Folded, Key, Place, Row, Rules, State, Stop};
use chaos_store::{Records, StoreError};
use chaos_types::{Digest, Rejection, Verified};

use crate::Error;

/// The rows of a log before one of its entries: those in the store, and above them those of entries
/// that were folded since and are not stored yet.
///
/// A store that fails shows nothing, and the failure is kept for whoever ran the rules.
pub(crate) struct Tables<'a, R> {
    store: &'a R,
    next: Place,
    rows: BTreeMap<Key, Vec<u8>>,
    places: BTreeMap<Digest, u64>,
    failed: RefCell<Option<StoreError>>,
}

impl<'a, R: Records> Tables<'a, R> {
    /// The rows of a store that was folded up to `next`.
    pub(crate) const fn new(store: &'a R, next: Place) -> Self {
        Self {
            store,
            next,
            rows: BTreeMap::new(),
            places: BTreeMap::new(),
            failed: RefCell::new(None),
        }
    }

    /// Where the next entry stands.
    pub(crate) const fn next(&self) -> Place {
        self.next
    }

    /// Folds the next entry by the rules.
    pub(crate) fn fold(
        &mut self,
        rules: &Rules,
        leaf: &[u8],
        read: &Result<Verified<chaos_agency::Receipt>, Rejection>,
    ) -> Result<Option<Rejection>, Error> {
        let folded = rules.fold(self.next, leaf, read, &*self);
        let Folded { writes, refused, next } = folded.map_err(|stop| self.error(stop))?;
        if let Ok(receipt) = read {
            self.places.entry(receipt.id).or_insert(self.next.index);
        }
        self.rows.extend(writes.into_rows());
        self.next = next;
        Ok(refused)
    }

    /// Takes in what an admitted receipt changes.
    pub(crate) fn take(&mut self, receipt: Digest, rows: Vec<Row>, next: Place) {
        self.places.insert(receipt, self.next.index);
        self.rows.extend(rows);
        self.next = next;
    }

    /// What was folded and is not stored yet.
    pub(crate) fn into_rows(self) -> Vec<chaos_store::Row> {
        self.rows.into_iter().map(|(key, value)| (key.into_bytes(), value)).collect()
    }

    /// Why the rules stopped: what the store said, if it failed.
    pub(crate) fn error(&self, stop: Stop) -> Error {
        if let Some(error) = self.failed.borrow_mut().take() {
            return error.into();
        }
        match stop {
            Stop::Rejected(rejection) => Error::Inadmissible(rejection),
            Stop::NotShown { key } | Stop::Unreadable { key } => {
                Error::Row { key: key.to_string() }
            }
        }
    }

    fn answer<T>(&self, read: Result<Option<T>, StoreError>) -> Answer<T> {
        match read {
            Ok(Some(found)) => Answer::Is(found),
            Ok(None) => Answer::Absent,
            Err(error) => {
                self.failed.borrow_mut().get_or_insert(error);
                Answer::NotShown
            }
        }
    }
}

impl<R: Records> State for Tables<'_, R> {
    fn get(&self, key: &Key) -> Answer<Vec<u8>> {
        match self.rows.get(key) {
            Some(value) => Answer::Is(value.clone()),
            None => self.answer(self.store.row(key.as_bytes())),
        }
    }

    fn place(&self, receipt: &Digest) -> Answer<u64> {
        if let Some(index) = self.places.get(receipt) {
            return Answer::Is(*index);
        }
        // What is stored may be further than what is folded.
        let index =
            self.store.index_of(receipt).map(|found| found.filter(|i| *i < self.next.index));
        self.answer(index)
    }

    fn range(&self, range: Range<&Key>) -> Answer<Vec<Row>> {
        if range.start >= range.end {
            return Answer::Is(Vec::new());
        }
        let bytes = range.start.as_bytes()..range.end.as_bytes();
        match self.answer(self.store.rows(bytes, usize::MAX).map(Some)) {
            Answer::Is(stored) => {
                let stored = stored.into_iter().map(|(key, value)| (Key::from_bytes(key), value));
                let mut rows: BTreeMap<Key, Vec<u8>> = stored.collect();
                let bounds = (Bound::Included(range.start), Bound::Excluded(range.end));
                let above = self.rows.range::<Key, _>(bounds);
                rows.extend(above.map(|(key, value)| (key.clone(), value.clone())));
                Answer::Is(rows.into_iter().collect())
            }
            Answer::Absent => Answer::Absent,
            Answer::NotShown => Answer::NotShown,
        }
    }
}
