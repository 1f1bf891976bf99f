//! From entries to rows: what a store lacks, all of it anew, and whether it is what it should be.

use std::{collections::BTreeMap, num::NonZero, thread};

use chaos_agency::{Fault, Key, Kinds, Leaf, Place, Receipt, Rules, Views, views};
use chaos_log::{
    HeldTiles,
    map::{self, GroupId},
};
use chaos_store::{Entry, Mark, Records, StoreError};
use chaos_types::{Rejection, Verified};

use crate::{
    Error, Fold, Ledger,
    documents::{NotHere, Search},
    tables::{Tables, ensure_in_tree, tree_of},
};

/// How many entries are read at a time where many are folded.
pub(crate) const STEP: u64 = 2_048;

/// The name of the map of the committed rows in a comparison.
const MAP: &str = "map";

/// The name of the map as it was at the newest head.
const MAP_AT_HEAD: &str = "map at the newest checkpoint";

/// How many rows are compared at a time.
const PAGE: usize = 4_096;

/// A receipt as it was read from its record, or why it could not be.
pub(crate) type Read = Result<Verified<Receipt>, Rejection>;

/// What a comparison of the stored rows with a fold of the log gave, by kind of row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// By kind: how many rows the fold gives, and the keys of those that differ.
    pub kinds: BTreeMap<String, Compared>,
    /// The documents that receipts which count name, and that are not beside the log.
    pub not_here: NotHere,
}

/// The rows of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// How many the fold gives.
    pub rows: u64,
    /// The keys of those that differ, are missing, or are there and should not be.
    pub differing: Vec<String>,
}

impl Comparison {
    /// Whether every row is as it should be.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.kinds.values().all(|kind| kind.differing.is_empty())
    }

    fn count(&mut self, key: &Key) {
        self.kinds.entry(key.kind().to_owned()).or_default().rows += 1;
    }

    fn differs(&mut self, key: &Key) {
        self.kinds.entry(key.kind().to_owned()).or_default().differing.push(key.to_string());
    }
}

/// The mark of rows that were folded up to a place.
pub(crate) fn mark(rules: &Rules, next: Place) -> Mark {
    Mark {
        rules: rules.kinds().rules(),
        size: next.index,
        last_ms: next.after_ms,
        state: next.state,
        is_stated: next.is_stated,
    }
}

/// How far the rows of a store go, if they are of these rules and of this log. Those of other rules, as
/// of a program that knows other kinds, are folded anew.
pub(crate) fn folded<R: Records>(store: &R, rules: &Rules) -> Result<Option<Place>, Error> {
    let own = rules.kinds().rules();
    let Some(fold) = store.folded()?.filter(|fold| fold.mark.rules == own) else {
        return Ok(None);
    };
    let (size, head) = (fold.mark.size, store.head()?);
    if size > head.size {
        return Err(Error::FoldAhead { folded: size, log_size: head.size });
    }
    let root = if size == head.size {
        head.root
    } else {
        chaos_log::root_at(store, size).map_err(Error::Prove)?
    };
    if root != fold.root {
        return Err(Error::FoldRoot { size, expected: fold.root, found: root });
    }
    let Mark { last_ms, state, is_stated, .. } = fold.mark;
    let place = Place { index: size, after_ms: last_ms, state, is_stated };
    ensure_mark(store, rules, place)?;
    Ok(Some(place))
}

/// What is kept of the place where the rows end is what the last leaves before it say.
fn ensure_mark<R: Records>(store: &R, rules: &Rules, place: Place) -> Result<(), Error> {
    let (tables, tree) = (Tables::new(store, rules, place), tree_of(store)?);
    let other =
        |found: String, expected: String| Err(Error::Mark { size: place.index, found, expected });
    for index in (0..place.index).rev() {
        let entry = store.entry(index)?;
        if let Some(entry) = &entry {
            ensure_leaf(&tree, index, &entry.leaf)?;
        }
        let leaf = entry.and_then(|entry| Leaf::from_bytes(&entry.leaf).ok());
        let code = views::refused_for(&tables, index).map_err(|stop| tables.error(stop))?;
        let stated = leaf.as_ref().and_then(|leaf| leaf.state);
        if let Some(stated) = stated.filter(|_| index + 1 == place.index) {
            let is_false = code.as_deref() == Some(Fault::StateOther.code().as_str());
            if !place.is_stated || (stated != place.state && !is_false) {
                return other(place.state.to_string(), stated.to_string());
            }
        }
        // The time of an entry that counts for nothing moves nothing.
        if code.is_none() {
            let expected = leaf.map(|leaf| leaf.integrated_at_ms);
            if expected == Some(place.after_ms) {
                return Ok(());
            }
            let expected = expected.map_or_else(|| "a leaf".to_owned(), |time| time.to_string());
            return other(place.after_ms.to_string(), expected);
        }
    }
    if place.after_ms == 0 { Ok(()) } else { other(place.after_ms.to_string(), "0".to_owned()) }
}

/// The leaf whose root the rows are held against is the one in the tree: what an entry says nothing commits
/// to but its tile, whose root was signed.
fn ensure_leaf<R: Records>(tree: &HeldTiles<'_, R>, index: u64, leaf: &[u8]) -> Result<(), Error> {
    ensure_in_tree(tree, index, leaf).map_err(|error| match error {
        Error::EntryOther { index, found, expected } => {
            Error::Mark { size: index + 1, found, expected }
        }
        error => error,
    })
}

/// Folds what a store lacks, and answers where the next entry stands.
pub(crate) fn catch_up<R: Records>(store: &mut R, rules: &Rules) -> Result<Place, Error> {
    let mut fold = Fold::open(store, rules.clone())?;
    fold.catch_up(store)?;
    Ok(fold.next())
}

/// Reads the records of many entries, on every core: most of a fold's work is checking signatures.
pub(crate) fn read_all(entries: &[Entry], kinds: &Kinds) -> Vec<Read> {
    let read = |entry: &Entry| Receipt::open_bytes(&entry.record, kinds);
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let share = entries.len().div_ceil(workers).max(1);
    if entries.len() < 2 * workers {
        return entries.iter().map(read).collect();
    }
    thread::scope(|scope| {
        let parts: Vec<_> = entries
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(read).collect::<Vec<Read>>()))
            .collect();
        let joined = parts.into_iter().map(|part| match part.join() {
            Ok(reads) => reads,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    })
}

impl Ledger {
    /// Folds the log in memory and compares every stored row with what comes out.
    ///
    /// # Errors
    /// If the store fails.
    pub fn compare(&self) -> Result<Comparison, Error> {
        let mut documents = Search::among(self.store.blobs());
        let mut fold = Views::new(self.rules.operator(), *self.rules.kinds());
        let mut see = |index, receipt: &Receipt| documents.see(index, receipt);
        self.fold_on(&mut fold, self.next.index, &mut see)?;
        let mut compared = Comparison { not_here: documents.found, ..Comparison::default() };
        let mut expected = fold.state().iter().peekable();
        let mut from = Vec::new();
        loop {
            // No key begins with a byte that UTF-8 never has.
            let page = self.store.rows(from.as_slice()..b"\xff".as_slice(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            from.clone_from(last);
            from.push(0);
            for (key, value) in page {
                let key = Key::from_bytes(key);
                while let Some((missing, _)) = expected.next_if(|(next, _)| **next < key) {
                    compared.count(missing);
                    compared.differs(missing);
                }
                match expected.next_if(|(next, _)| **next == key) {
                    Some((_, right)) => {
                        compared.count(&key);
                        if right != value {
                            compared.differs(&key);
                        }
                    }
                    None => compared.differs(&key),
                }
            }
        }
        for (missing, _) in expected {
            compared.count(missing);
            compared.differs(missing);
        }
        self.compare_map(&fold, &mut compared)?;
        let signed = self.store.checkpoint()?.map(|signed| signed.claimed().size());
        if let Some(size) = signed.filter(|size| (1..self.next.index).contains(size)) {
            self.read_former(size, &mut compared)?;
        }
        Ok(compared)
    }

    /// Whether what the map was at the newest head can be read, which that head's proofs rest on. A repair that takes
    /// an older head for the newest leaves nothing to compare it with, until the rows are folded anew.
    fn read_former(&self, size: u64, compared: &mut Comparison) -> Result<(), Error> {
        let former = compared.kinds.entry(MAP_AT_HEAD.to_owned()).or_default();
        let mut after: Option<GroupId> = None;
        loop {
            let page = match self.store.groups(after, PAGE) {
                // The map as it is now is said to be damaged already.
                Err(StoreError::Damaged { .. }) => break,
                page => page?,
            };
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (id, _) in page {
                match self.store.group_at(id, size) {
                    Ok(group) => former.rows += u64::from(group.is_some()),
                    Err(StoreError::Damaged { .. }) => former.differing.push(id.to_string()),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Compares the stored groups of the map with those that the fold gives, and the root.
    fn compare_map(&self, fold: &Views, compared: &mut Comparison) -> Result<(), Error> {
        let map = compared.kinds.entry(MAP.to_owned()).or_default();
        let mut expected = map::grouped(fold.map().entries());
        map.rows = expected.len() as u64;
        let mut after: Option<GroupId> = None;
        loop {
            let page = self.store.groups(after, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (id, group) in page {
                if expected.remove(&id) != Some(group) {
                    map.differing.push(id.to_string());
                }
            }
        }
        map.differing.extend(expected.into_keys().map(|missing| missing.to_string()));
        if let Some(index) = fold.misstated() {
            map.differing.push(format!("what entry {index} states"));
        }
        if fold.map().root() != self.next.state {
            map.differing.push(format!("root {}", self.next.state));
        }
        Ok(())
    }

    /// What the first `size` entries fold to.
    pub(crate) fn fold_in_memory(&self, size: u64) -> Result<Views, Error> {
        let mut views = Views::new(self.rules.operator(), *self.rules.kinds());
        self.fold_on(&mut views, size, &mut |_, _| Ok(()))?;
        Ok(views)
    }

    /// Folds on up to `size` entries; `see` is shown each receipt that counts.
    fn fold_on(
        &self,
        views: &mut Views,
        size: u64,
        see: &mut dyn FnMut(u64, &Receipt) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let kinds = *self.rules.kinds();
        while views.size() < size {
            let from = views.size();
            let entries = self.store.entries(from..size.min(from + STEP))?;
            if entries.is_empty() {
                break;
            }
            for (entry, read) in entries.iter().zip(&read_all(&entries, &kinds)) {
                let counts = views.apply_read(&entry.leaf, read).is_ok();
                if let (true, Ok(receipt)) = (counts, read) {
                    see(entry.index, receipt)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
