//! What the rules ask: rows by key, and how far an answer reaches.

mod key;
mod memory;
pub(crate) mod past;
mod rows;

use std::ops::Range;

use chaos_log::Hash;
use chaos_types::{Did, Digest, Rejection};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use self::key::VIEW_SEPARATOR;
pub(crate) use self::rows::{
    AccountsRow, AgentRow, AnchoringRow, BoundRow, CorrectionRow, DelegationRow, EntryRow,
    EvidenceRow, ForkedRow, KeyRow, NameRow, RefusalRow, Revoked, SpanRow,
};
pub use self::{
    key::Key,
    memory::Memory,
    rows::{ActionRow, Once, RefusedRow},
};

/// What is known of a question. To see no answer is not to see that there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// There is a value, and this is it.
    Is(T),
    /// There is none.
    Absent,
    /// Nothing here says whether there is one.
    NotShown,
}

/// A row as it is stored: its key, and its value as canonical JSON.
pub type Row = (Key, Vec<u8>);

/// The rows that a log was folded to before one entry of it.
///
/// The fold answers from its tables and shows everything. A proof about one receipt shows some
/// rows and answers [`Answer::NotShown`] for the rest; the rules then say neither that the receipt
/// counts nor that it does not.
pub trait State {
    /// The value under a key.
    fn get(&self, key: &Key) -> Answer<Vec<u8>>;

    /// Where in the log a receipt stands before this entry, whether it counts or was refused.
    fn place(&self, receipt: &Digest) -> Answer<u64>;

    /// Every row whose key lies in the range, in order.
    fn range(&self, range: Range<&Key>) -> Answer<Vec<Row>>;

    /// The root of the log's tree of the first `size` entries, all of them before this one.
    fn tree(&self, size: u64) -> Answer<Hash>;

    /// The span of an agent that covers this entry's index, or the last one before it, with its
    /// number. In a fold that is the last one, since all of them were written before.
    fn span(&self, agent: &Did, _index: u64) -> Answer<(u64, Vec<u8>)> {
        let number = match self.get(&Key::agent(agent)) {
            Answer::Is(bytes) => match serde_json::from_slice::<AgentRow>(&bytes) {
                Ok(row) => row.spans.saturating_sub(1),
                Err(_) => return Answer::NotShown,
            },
            Answer::Absent => return Answer::Absent,
            Answer::NotShown => return Answer::NotShown,
        };
        match self.get(&Key::span(agent, number)) {
            Answer::Is(bytes) => Answer::Is((number, bytes)),
            Answer::Absent => Answer::Absent,
            Answer::NotShown => Answer::NotShown,
        }
    }
}

/// Why the rules gave no rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The receipt breaks a rule.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A rule asked for what is not shown.
    #[error("not shown: {key}")]
    NotShown {
        /// What it asked for.
        key: Key,
    },
    /// A view put a row that is not its own.
    #[error("the view of `{extension}` put the row {key}, which is not its own")]
    Foreign {
        /// The view's extension.
        extension: &'static str,
        /// The row's key.
        key: Key,
    },
    /// A row is not what the fold writes under its key.
    #[error("the row {key} cannot be read")]
    Unreadable {
        /// Its key.
        key: Key,
    },
}

impl dyn State + '_ {
    /// The row under a key, if there is one.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn read<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, Stop> {
        match self.get(key) {
            Answer::Is(bytes) => value(key, &bytes).map(Some),
            Answer::Absent => Ok(None),
            Answer::NotShown => Err(Stop::NotShown { key: key.clone() }),
        }
    }

    /// Whether there is a row under a key.
    ///
    /// # Errors
    /// [`Stop::NotShown`].
    pub fn has(&self, key: &Key) -> Result<bool, Stop> {
        match self.get(key) {
            Answer::Is(_) => Ok(true),
            Answer::Absent => Ok(false),
            Answer::NotShown => Err(Stop::NotShown { key: key.clone() }),
        }
    }

    /// The rows of a range.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn rows<T: DeserializeOwned>(&self, range: Range<&Key>) -> Result<Vec<(Key, T)>, Stop> {
        match self.range(range.clone()) {
            Answer::Is(rows) => rows
                .into_iter()
                .map(|(key, bytes)| value(&key, &bytes).map(|row| (key, row)))
                .collect(),
            Answer::Absent => Ok(Vec::new()),
            Answer::NotShown => Err(Stop::NotShown { key: range.start.clone() }),
        }
    }

    /// Where a receipt stands that counts.
    pub(crate) fn admitted(&self, receipt: &Digest) -> Result<Option<u64>, Stop> {
        match self.place(receipt) {
            Answer::Is(index) => {
                Ok(if self.has(&Key::refused(index))? { None } else { Some(index) })
            }
            Answer::Absent => Ok(None),
            Answer::NotShown => Err(Stop::NotShown { key: Key::place(receipt) }),
        }
    }

    /// The root of the log's tree before an entry.
    pub(crate) fn tree_before(&self, index: u64) -> Result<Hash, Stop> {
        match self.tree(index) {
            Answer::Is(root) => Ok(root),
            Answer::Absent | Answer::NotShown => Err(Stop::NotShown { key: Key::tree(index) }),
        }
    }

    pub(crate) fn span_at(&self, agent: &Did, index: u64) -> Result<Option<(u64, SpanRow)>, Stop> {
        match self.span(agent, index) {
            Answer::Is((number, bytes)) => {
                value(&Key::span(agent, number), &bytes).map(|span| Some((number, span)))
            }
            Answer::Absent => Ok(None),
            Answer::NotShown => Err(Stop::NotShown { key: Key::spans(agent) }),
        }
    }
}

pub(crate) fn value<T: DeserializeOwned>(key: &Key, bytes: &[u8]) -> Result<T, Stop> {
    serde_json::from_slice(bytes).map_err(|_| Stop::Unreadable { key: key.clone() })
}

/// The rows that an entry changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writes(Vec<Row>);

impl Writes {
    /// Puts a value in the place of what was under the key.
    ///
    /// # Panics
    /// If the value has no canonical form, which structs of texts and integers within ±2^53 have.
    pub fn put<T: Serialize>(&mut self, key: Key, value: &T) {
        let bytes = chaos_types::canonical::to_vec(value)
            .expect("rows hold texts, digests, decimal strings and indices");
        self.0.push((key, bytes));
    }

    /// Takes in the rows of an extension's view, which are all its own.
    pub(crate) fn take(&mut self, extension: &'static str, rows: Self) -> Result<(), Stop> {
        let is_own = |key: &Key| {
            key.kind().split_once(VIEW_SEPARATOR).is_some_and(|(owner, _)| owner == extension)
        };
        match rows.0.iter().find(|(key, _)| !is_own(key)) {
            Some((key, _)) => Err(Stop::Foreign { extension, key: key.clone() }),
            None => {
                self.0.extend(rows.0);
                Ok(())
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &[u8])> {
        self.0.iter().map(|(key, value)| (key, value.as_slice()))
    }

    /// The rows in the order in which they were put.
    #[must_use]
    pub fn into_rows(self) -> Vec<Row> {
        self.0
    }
}
