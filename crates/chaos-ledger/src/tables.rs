//! The state that the rules ask, as the store keeps it.

mod held;

use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
    ops::{Bound, Range},
};

use chaos_agency::{
    Answer, Entry, FoldError, Folded, Key, Leaf, Place, Row, Rules, State, Stop, Writes,
};
use chaos_log::{
    Edge, Hash, leaf_hash,
    map::{
        self, Changed, Group, GroupId, GroupRead, Groups, Put, ReadError, Regrouped, overlaid,
        regroup,
    },
    prove_prefix,
};
use chaos_store::{Append, Change, Records, StoreError};
use chaos_types::{Digest, Rejection, Verified};

use self::held::Held;
pub(crate) use self::held::{ensure_in_tree, tree_of};
use crate::{Error, folding::mark};

/// How many rows a process keeps in mind from one step of a fold to the next.
const KNOWN_MAX: usize = 16_384;

/// What a process knows of the rows of a store that it goes on with: which are its own, and which the map
/// or their entries have shown it. Whatever lay there before it opened the store is shown or not believed.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Whether it has put every row there is.
    all: bool,
    rows: BTreeMap<Key, Option<Vec<u8>>>,
}

impl Known {
    /// Of a store without rows, into which this process folds the log from its first entry on.
    pub(crate) const fn all() -> Self {
        Self { all: true, rows: BTreeMap::new() }
    }
}

/// The rows of a log before one of its entries: those in the store, and above them those of entries
/// that were folded since and are not stored yet.
///
/// A stored row that the log commits to is believed only as the map under the root of `next` has it, as is
/// that there is none: whoever can write to the database can write a row, and cannot find another with
/// its digest. One that the log does not commit to is believed only as the entries say that it comes from,
/// which the tree has. A store that fails, or whose row is contradicted, shows nothing, and the failure is
/// kept for whoever ran the rules.
pub(crate) struct Tables<'a, R> {
    store: &'a R,
    /// What stored rows are held against; none where they are taken as they are.
    held: Option<Held<'a, R>>,
    known: RefCell<Known>,
    next: Place,
    /// How many entries were folded before, whose tree the store has.
    folded: u64,
    /// The leaves of those that were folded since.
    leaves: Vec<Hash>,
    rows: BTreeMap<Key, Vec<u8>>,
    groups: Groups,
    places: BTreeMap<Digest, u64>,
    failed: RefCell<Option<Error>>,
}

impl<'a, R: Records> Tables<'a, R> {
    /// The rows of a store that was folded up to `next`, whoever wrote to it since.
    pub(crate) fn new(store: &'a R, rules: &'a Rules, next: Place) -> Self {
        Self::going_on(store, rules, next, Known::default())
    }

    /// The rows of a store that this process folded up to `next`, as far as it knows them.
    pub(crate) fn going_on(store: &'a R, rules: &'a Rules, next: Place, known: Known) -> Self {
        let held = Held { rules, end: next, tree: OnceCell::new(), rewards: OnceCell::new() };
        let held = (!known.all).then_some(held);
        Self { held, known: RefCell::new(known), ..Self::unproved(store, next) }
    }

    /// The rows as they are stored, for lists, which nothing is decided by.
    pub(crate) const fn unproved(store: &'a R, next: Place) -> Self {
        Self {
            store,
            held: None,
            known: RefCell::new(Known { all: false, rows: BTreeMap::new() }),
            next,
            folded: next.index,
            leaves: Vec::new(),
            rows: BTreeMap::new(),
            groups: BTreeMap::new(),
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
        let folded = rules.fold(self.next, Entry { leaf, read }, &*self, &*self);
        let Folded { writes, change, refused, next } = folded.map_err(|error| match error {
            FoldError::Stop(stop) => self.error(stop),
            FoldError::Map(error) => unreadable(error),
        })?;
        self.groups.extend(change);
        if let Ok(receipt) = read {
            self.places.entry(receipt.id).or_insert(self.next.index);
        }
        self.rows.extend(writes.into_rows());
        self.leaves.push(leaf_hash(leaf));
        self.next = next;
        Ok(refused)
    }

    /// Takes in what an admitted receipt changes, and answers its leaf, which states the root after it.
    pub(crate) fn take(
        &mut self,
        rules: &Rules,
        leaf: Leaf,
        writes: Writes,
    ) -> Result<Leaf, Error> {
        let changed = rules.commit(&writes, &*self, &self.next.state).map_err(unreadable)?;
        let leaf = leaf.stating(changed.root);
        self.next = self.next.after(&leaf, changed.root);
        self.leaves.push(leaf_hash(&leaf.to_bytes()));
        self.groups.extend(changed.change);
        self.places.insert(leaf.receipt, self.next.index - 1);
        self.rows.extend(writes.into_rows());
        Ok(leaf)
    }

    /// What was folded and is not stored yet.
    pub(crate) fn into_pending(self) -> Pending {
        Pending {
            rows: self.rows.into_iter().map(|(key, value)| (key.into_bytes(), value)).collect(),
            groups: self.groups.into_iter().collect(),
        }
    }

    /// What is known of the rows once those that were folded are stored.
    pub(crate) fn known(&self) -> Known {
        let mut known = self.known.take();
        for (key, value) in &self.rows {
            let is_held = self.held.as_ref().is_some_and(|held| held.rules.commits(key));
            if is_held || known.rows.contains_key(key) {
                known.rows.insert(key.clone(), Some(value.clone()));
            }
        }
        if known.rows.len() > KNOWN_MAX {
            known.rows.clear();
        }
        known
    }

    /// Why the rules stopped: what the store said, if it failed.
    pub(crate) fn error(&self, stop: Stop) -> Error {
        if let Some(error) = self.failed.borrow_mut().take() {
            return error;
        }
        match stop {
            Stop::Rejected(rejection) => Error::Inadmissible(rejection),
            Stop::NotShown { key } | Stop::Unreadable { key } => {
                Error::Row { key: key.to_string() }
            }
            Stop::Foreign { extension, key } => {
                Error::ForeignRow { extension, key: key.to_string() }
            }
        }
    }

    /// The root of the tree of the entries that are folded.
    fn tree_before(&self) -> Result<Hash, Error> {
        let (size, head) = (self.folded, self.store.head()?);
        let mut edge = Edge::load(self.store, size).map_err(Error::Prove)?;
        let found = edge.root();
        let expected = if size == head.size {
            Some(head.root)
        } else {
            let prefix = prove_prefix(self.store, size, head.size).map_err(Error::Prove)?;
            prefix.old_root(&head.root).ok()
        };
        if expected != Some(found) {
            let expected = expected.unwrap_or(head.root);
            return Err(Error::FoldRoot { size, expected, found });
        }
        drop(edge.append(&self.leaves));
        Ok(edge.root())
    }

    fn fail<T>(&self, error: Error) -> Answer<T> {
        self.failed.borrow_mut().get_or_insert(error);
        Answer::NotShown
    }
}

/// What a map that cannot be read says of the store.
pub(crate) fn unreadable(error: ReadError<StoreError>) -> Error {
    match error {
        ReadError::Read(error) => error.into(),
        error @ (ReadError::Missing { .. } | ReadError::Other { .. } | ReadError::Order { .. }) => {
            Error::Map(Box::new(error))
        }
    }
}

/// Rows and groups of the map that were folded and are not stored yet.
pub(crate) struct Pending {
    pub(crate) rows: Vec<chaos_store::Row>,
    pub(crate) groups: Vec<(GroupId, Option<Group>)>,
}

impl Pending {
    /// The change that stores them with entries.
    pub(crate) fn change<'a>(
        &'a self,
        rules: &Rules,
        appends: &'a [Append],
        next: Place,
    ) -> Change<'a> {
        let Self { rows, groups } = self;
        Change { appends, rows, groups, mark: Some(mark(rules, next)) }
    }
}

impl<R: Records> GroupRead for Tables<'_, R> {
    type Error = StoreError;

    fn read_group(&self, id: GroupId) -> Result<Option<Group>, StoreError> {
        match self.groups.get(&id) {
            Some(group) => Ok(group.clone()),
            None => self.store.read_group(id),
        }
    }

    fn read_below(&self, id: GroupId) -> Result<Vec<(GroupId, Group)>, StoreError> {
        Ok(overlaid(self.store.read_below(id)?, &self.groups, id))
    }
}

impl<R: Records> Put for Tables<'_, R> {
    type Error = StoreError;
    type Change = Groups;

    fn put<P: IntoIterator<Item = (map::Key, map::Value)>>(
        &self,
        root: &map::Hash,
        values: P,
    ) -> Result<Changed<Groups>, ReadError<StoreError>> {
        let Regrouped { root, groups } = regroup(self, root, values)?;
        Ok(Changed { root, change: groups })
    }
}

impl<R: Records> State for Tables<'_, R> {
    fn get(&self, key: &Key) -> Answer<Vec<u8>> {
        match self.rows.get(key) {
            Some(value) => Answer::Is(value.clone()),
            None => match self.stored(key) {
                Ok(Some(row)) => Answer::Is(row),
                Ok(None) => Answer::Absent,
                Err(error) => self.fail(error),
            },
        }
    }

    fn place(&self, receipt: &Digest) -> Answer<u64> {
        if let Some(index) = self.places.get(receipt) {
            return Answer::Is(*index);
        }
        // What is stored may be further than what is folded.
        match self.stands(receipt) {
            Ok(Some(index)) => Answer::Is(index),
            Ok(None) => Answer::Absent,
            Err(error) => self.fail(error),
        }
    }

    fn tree(&self, size: u64) -> Answer<Hash> {
        if size != self.next.index {
            return Answer::NotShown;
        }
        match self.tree_before() {
            Ok(root) => Answer::Is(root),
            Err(error) => self.fail(error),
        }
    }

    fn range(&self, range: Range<&Key>) -> Answer<Vec<Row>> {
        if range.start >= range.end {
            return Answer::Is(Vec::new());
        }
        match self.stored_range(range.clone()) {
            Ok(mut rows) => {
                let bounds = (Bound::Included(range.start), Bound::Excluded(range.end));
                let above = self.rows.range::<Key, _>(bounds);
                rows.extend(above.map(|(key, value)| (key.clone(), value.clone())));
                Answer::Is(rows.into_iter().collect())
            }
            Err(error) => self.fail(error),
        }
    }
}

#[cfg(test)]
mod tests;
