//! A state of which proofs show some rows.

mod record;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use chaos_log::Hash;
use chaos_types::{Check, Did, Digest, Rejection};

pub use self::record::{Wanted, record};
use crate::{
    Answer, Corrections, Fault, Key, Row, Rules, State, Stop, Writes,
    state::{AgentRow, RefusalRow, SpanRow, past},
};

/// The rows that are shown under a later root, read as they were before one entry.
///
/// The log's committed rows only grow, so that a row under the root of any later leaf tells what it
/// was before the entry: what was written by the entry or after it reads as absent. Spans of one agent
/// do not overlap, so the one that covers the entry is the agent's state there, and nothing newer can
/// be left out without changing the root.
///
/// Whatever is neither shown nor asked for the entry's own receipt is [`Answer::NotShown`]. That the
/// receipt itself does not stand earlier in the log no proof can show: it is the word of the log's
/// fold, which [`Shown::refusal`] is asked for.
#[derive(Debug, Clone)]
pub struct Shown {
    index: u64,
    receipt: Digest,
    rows: BTreeMap<Key, Option<Vec<u8>>>,
    places: BTreeMap<Digest, u64>,
    before: Option<Hash>,
    asked: RefCell<BTreeSet<Key>>,
}

impl Shown {
    /// Nothing shown yet for the entry at `index`, which holds `receipt`.
    #[must_use]
    pub const fn new(index: u64, receipt: Digest) -> Self {
        Self {
            index,
            receipt,
            rows: BTreeMap::new(),
            places: BTreeMap::new(),
            before: None,
            asked: RefCell::new(BTreeSet::new()),
        }
    }

    /// Takes in what a proof shows: the value of a key under the later root, or that there is none.
    pub fn insert(&mut self, key: Key, value: Option<Vec<u8>>) {
        self.rows.insert(key, value);
    }

    /// Takes in where an earlier receipt stands, which a proof shows.
    pub fn insert_place(&mut self, receipt: Digest, index: u64) {
        self.places.insert(receipt, index);
    }

    /// Takes in the root of the tree before the entry, which the proof of its place shows.
    pub const fn insert_before(&mut self, root: Hash) {
        self.before = Some(root);
    }

    /// What is shown, in the order of the keys.
    pub fn rows(&self) -> impl Iterator<Item = (&Key, Option<&[u8]>)> {
        self.rows.iter().map(|(key, value)| (key, value.as_deref()))
    }

    /// Where earlier receipts stand.
    pub fn places(&self) -> impl Iterator<Item = (&Digest, u64)> {
        self.places.iter().map(|(receipt, index)| (receipt, *index))
    }

    /// The code with which the log's own fold refused the entry, if it did.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn refusal(&self) -> Result<Option<String>, Stop> {
        let key = Key::refused(self.index);
        self.asked.borrow_mut().insert(key.clone());
        match self.rows.get(&key) {
            Some(Some(bytes)) => {
                crate::state::value::<RefusalRow>(&key, bytes).map(|row| Some(row.code))
            }
            Some(None) => Ok(None),
            None => Err(Stop::NotShown { key }),
        }
    }

    /// Everything that the entry writes and the log commits to is shown as the entry wrote it: a root under
    /// which something else is written would be that of a log that did not count the entry.
    ///
    /// # Errors
    /// [`Stop::NotShown`] for a row that is not shown, [`Stop::Rejected`] for another one.
    pub fn ensure_written(&self, rules: &Rules, writes: &Writes) -> Result<(), Stop> {
        for (key, written) in writes.iter().filter(|(key, _)| rules.commits(key)) {
            self.asked.borrow_mut().insert(key.clone());
            let shown = self.rows.get(key).ok_or_else(|| Stop::NotShown { key: key.clone() })?;
            let then = match shown {
                Some(bytes) => past::before(key, bytes.clone(), self.index + 1)?,
                None => None,
            };
            let then = match then {
                Some(bytes) if key.kind() == "agent" => Some(past::counted(key, &bytes, written)?),
                then => then,
            };
            if then.as_deref() != Some(written) {
                return Err(Stop::Rejected(Rejection::new(
                    Check::Agent,
                    Fault::WriteOther,
                    format!("the row {key} is not what entry {} writes", self.index),
                )));
            }
        }
        Ok(())
    }

    /// The corrections of the log's clock, as they are known under the root; none if none are shown. What
    /// is shown of them is all of them, up to the one that there is not.
    ///
    /// # Errors
    /// [`Stop::NotShown`] or [`Stop::Unreadable`].
    pub fn corrections(&self) -> Result<Corrections, Stop> {
        if !self.rows.contains_key(&Key::time(0)) {
            return Ok(Corrections::default());
        }
        Corrections::of(|key| {
            self.asked.borrow_mut().insert(key.clone());
            let row = self.rows.get(key).ok_or_else(|| Stop::NotShown { key: key.clone() })?;
            row.as_deref().map(|bytes| crate::state::value(key, bytes)).transpose()
        })
    }

    /// An agent's name and role before the entry, if its span there is shown.
    #[must_use]
    pub fn standing(&self, agent: &Did) -> Option<(String, String)> {
        let (_, span) = self.covering(agent)?;
        let row: SpanRow = serde_json::from_slice(&span).ok()?;
        Some((row.name, row.role))
    }

    /// A row or a place that is shown and that nobody asked for.
    #[must_use]
    pub fn unasked(&self) -> Option<Key> {
        let asked = self.asked.borrow();
        let places = self.places.keys().map(Key::place);
        self.rows.keys().cloned().chain(places).find(|key| !asked.contains(key))
    }

    /// The shown span of an agent that covers the entry. Looking at it is no rule's question: a row that
    /// only this reads is one that nobody asked for.
    fn covering(&self, agent: &Did) -> Option<(u64, Vec<u8>)> {
        let all = Key::spans(agent);
        let mut rows = self.rows.range(all.clone()..all.end());
        rows.find_map(|(key, value)| {
            let bytes = past::before(key, value.clone()?, self.index).ok()??;
            let span: SpanRow = serde_json::from_slice(&bytes).ok()?;
            let number = key.parts().last()?.parse().ok()?;
            span.covers(self.index).then_some((number, bytes))
        })
    }
}

impl State for Shown {
    fn get(&self, key: &Key) -> Answer<Vec<u8>> {
        self.asked.borrow_mut().insert(key.clone());
        let bytes = match self.rows.get(key) {
            Some(Some(bytes)) => bytes.clone(),
            Some(None) => return Answer::Absent,
            None => return Answer::NotShown,
        };
        match past::before(key, bytes.clone(), self.index) {
            Ok(Some(before)) => Answer::Is(self.with_spans(key, before)),
            Ok(None) => Answer::Absent,
            // The rules cannot read it either, and say so.
            Err(_) => Answer::Is(bytes),
        }
    }

    fn place(&self, receipt: &Digest) -> Answer<u64> {
        self.asked.borrow_mut().insert(Key::place(receipt));
        match self.places.get(receipt) {
            Some(index) => Answer::Is(*index),
            None if *receipt == self.receipt => Answer::Absent,
            None => Answer::NotShown,
        }
    }

    fn tree(&self, size: u64) -> Answer<Hash> {
        match self.before {
            Some(root) if size == self.index => Answer::Is(root),
            Some(_) | None => Answer::NotShown,
        }
    }

    fn range(&self, range: Range<&Key>) -> Answer<Vec<Row>> {
        if range.start >= range.end { Answer::Is(Vec::new()) } else { Answer::NotShown }
    }

    fn span(&self, agent: &Did, _: u64) -> Answer<(u64, Vec<u8>)> {
        if let Some((number, bytes)) = self.covering(agent) {
            self.asked.borrow_mut().insert(Key::span(agent, number));
            return Answer::Is((number, bytes));
        }
        // None covers the entry: then the agent was not registered, or its last span has ended.
        let row: AgentRow = match self.get(&Key::agent(agent)) {
            Answer::Is(bytes) => match serde_json::from_slice(&bytes) {
                Ok(row) => row,
                Err(_) => return Answer::NotShown,
            },
            Answer::Absent => return Answer::Absent,
            Answer::NotShown => return Answer::NotShown,
        };
        let Some(last) = row.spans.checked_sub(1).filter(|_| row.revoked.is_some()) else {
            return Answer::NotShown;
        };
        match self.get(&Key::span(agent, last)) {
            Answer::Is(bytes) => Answer::Is((last, bytes)),
            Answer::Absent | Answer::NotShown => Answer::NotShown,
        }
    }
}

impl Shown {
    /// An agent's row counts the spans until the later root; the one that covers the entry is the last
    /// one before it.
    fn with_spans(&self, key: &Key, bytes: Vec<u8>) -> Vec<u8> {
        if key.kind() != "agent" {
            return bytes;
        }
        let agent = key.parts().nth(1).and_then(|part| part.parse().ok());
        let covering = agent.and_then(|agent| self.covering(&agent));
        let counted = covering.map(|(number, _)| past::with_spans(key, &bytes, number + 1));
        counted.and_then(Result::ok).unwrap_or(bytes)
    }
}

#[cfg(test)]
mod tests;
