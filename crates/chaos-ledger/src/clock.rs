//! The log's clock: when it is far off, and the way back from a wrong one.

use chaos_agency::{Action, Corrections, Evidence, action::CorrectTime};
use chaos_store::Records as _;
use chaos_types::Digest;

use crate::{Error, Ledger, NewEntry, tables::Tables};

/// The key under which the time is kept that somebody vouched for, and until which entry.
const CLOCK_META: &str = "clock";

const DAY_MS: u64 = 86_400_000;

/// A clock that is further ahead of the log's last entry than this has to be vouched for: 30 days.
const CLOCK_JUMP_MS_MAX: u64 = 30 * DAY_MS;

/// A clock that is further behind the log's last entry than this dates nothing: 60 s. What is less is a
/// clock that was set right, and the entry takes the time of the last one.
const CLOCK_BACK_MS_MAX: u64 = 60_000;

/// What a correction of the log's clock would say, before anybody signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// The first entry that it takes back.
    pub first: u64,
    /// How many entries the log has: the place of the correction.
    pub size: u64,
    /// What the clock here says, milliseconds since 1970.
    pub now_ms: u64,
    /// The latest time of the entries from `first` on, as known now.
    pub latest_ms: u64,
    /// How many of them are dated after the clock here.
    pub later: u64,
    /// The time of the last entry before `first` that counts, as known now.
    pub before_ms: Option<u64>,
}

impl Ledger {
    /// A clock that is far ahead would date every later entry, since the log's time does not go back; one
    /// that is behind shows that this one is wrong or that those before were. Whoever pays for what is logged
    /// afterwards asks before.
    ///
    /// # Errors
    /// [`Error::ClockBehind`], [`Error::ClockAhead`], or if the store fails.
    pub fn ensure_clock(&self) -> Result<(), Error> {
        let now_ms = self.system().now_ms();
        let last_ms = self.last_integrated_at_ms();
        if self.size() == 0 {
            return Ok(());
        }
        if now_ms.saturating_add(CLOCK_BACK_MS_MAX) < last_ms {
            return Err(Error::ClockBehind { now_ms, last_ms });
        }
        let follows = |from_ms: u64| now_ms.saturating_sub(from_ms) <= CLOCK_JUMP_MS_MAX;
        // The clock that somebody vouched for goes on; one that is behind it is another.
        let vouched = |ms: &u64| now_ms.saturating_add(CLOCK_BACK_MS_MAX) >= *ms && follows(*ms);
        if follows(last_ms) || self.accepted_ms()?.as_ref().is_some_and(vouched) {
            return Ok(());
        }
        let days = now_ms.saturating_sub(last_ms) / DAY_MS;
        Err(Error::ClockAhead { now_ms, last_ms, days })
    }

    /// Lets the log take in its next entry although the last one is long past, because the clock is
    /// right. That entry ends it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn accept_clock(&mut self) -> Result<u64, Error> {
        let now_ms = self.system().now_ms();
        let said = format!("{} {now_ms}", self.size());
        let kept = [Digest::of(said.as_bytes()).as_bytes(), said.as_bytes()].concat();
        self.store.put_meta(CLOCK_META, &kept)?;
        Ok(now_ms)
    }

    /// The time that somebody vouched for, for the next entry. What cannot be read, or was said before
    /// another entry, vouches for nothing.
    fn accepted_ms(&self) -> Result<Option<u64>, Error> {
        let kept = self.store.meta(CLOCK_META)?;
        let said = kept.as_ref().and_then(|kept| {
            let (digest, said) = kept.split_at_checked(32)?;
            (digest == Digest::of(said).as_bytes()).then_some(said)
        });
        Ok(said.and_then(|said| {
            let (size, ms) = std::str::from_utf8(said).ok()?.split_once(' ')?;
            (size.parse() == Ok(self.size())).then_some(ms.parse().ok()?)
        }))
    }

    /// The corrections of the log's clock.
    ///
    /// # Errors
    /// If the store fails.
    pub fn corrections(&self) -> Result<Corrections, Error> {
        self.ask(Corrections::read)
    }

    /// What a correction would say that takes back the entries from `first` on; if none is named, those
    /// that are dated after the clock here. `None` if there are none.
    ///
    /// # Errors
    /// If the store fails.
    pub fn propose_correction(&self, first: Option<u64>) -> Result<Option<Proposed>, Error> {
        let (now_ms, size) = (self.system().now_ms(), self.size());
        let corrections = self.corrections()?;
        // By the leaves: the operator signs what follows from these times.
        let tables = Tables::new(&self.store, &self.rules, self.next);
        let at_ms = |index| -> Result<Option<u64>, Error> {
            let written = tables.taken_in_ms(index)?;
            Ok(written.map(|ms| corrections.effective_ms(index, ms)))
        };
        // Times as they are known do not go back, so that what is later stands at the end.
        let (mut from, mut later, mut latest_ms) = (size, 0, 0);
        for index in (0..size).rev() {
            match at_ms(index)? {
                Some(ms) if ms > now_ms => (from, later) = (index, later + 1),
                Some(_) => break,
                // It counts for nothing and has no time.
                None => {}
            }
        }
        let first = first.unwrap_or(from);
        let (mut before_ms, mut before) = (None, first);
        while before_ms.is_none() && before > 0 {
            before -= 1;
            before_ms = at_ms(before)?;
        }
        for index in (first..size).rev() {
            if let Some(ms) = at_ms(index)? {
                latest_ms = ms;
                break;
            }
        }
        if first >= size || later == 0 {
            return Ok(None);
        }
        Ok(Some(Proposed { first, size, now_ms, latest_ms, later, before_ms }))
    }

    /// Signs a correction of the log's clock and appends it: the one entry at which the log's time goes
    /// back.
    ///
    /// # Errors
    /// If the log would not admit it; nothing is then written. If the store fails.
    pub fn correct_time(&mut self, first: u64) -> Result<Digest, Error> {
        let key = self.operator_key()?;
        let true_ms = self.system().now_ms();
        let entry = NewEntry {
            agent: self.operator(),
            keys: vec![&key],
            parents: vec![],
            subjects: vec![],
            evidence: Evidence::None {},
            action: Action::CorrectTime(CorrectTime { first, true_ms }),
        };
        let envelope = self.sign(entry, true_ms)?;
        self.append(&envelope, true_ms)
    }
}

#[cfg(test)]
mod tests;
