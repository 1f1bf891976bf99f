use std::fmt;

use chaos_agency::{Correction, Kinds, Leaf, Receipt, calendar::moment, correction_at};
use chaos_log::{Hash, leaf_hash};
use chaos_types::{Did, Rejection, Verified, dsse::Envelope};

use super::standing::{Findings, REPEATED, Standing};

/// Leaves dated later than this after the reader's clock are told, in milliseconds.
const AHEAD_MAX_MS: u64 = 60_000;

/// Something wrong with an entry that is in the log all the same.
#[derive(Debug)]
pub struct Finding {
    /// Index of the entry.
    pub index: u64,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What can be wrong with an entry of a log whose tree holds.
#[derive(Debug)]
pub enum Wrong {
    /// The receipt's signatures do not hold, or it is no receipt.
    Receipt(Rejection),
    /// The log holds a receipt a second time. A copy has one place for it, and ends before this entry.
    Repeated {
        /// Index of the entry with the same receipt.
        first: u64,
    },
    /// The leaf states another root of the state than the log folds to, or none after one that did.
    State(Rejection),
    /// The log corrects its clock: whoever reads times has to know.
    Corrected(Correction),
    /// The log's time goes back, and no correction of it says so.
    TimeBack {
        /// The latest time of the entries before, milliseconds since 1970.
        before_ms: u64,
        /// Time of this entry.
        at_ms: u64,
    },
    /// The entry is dated in the future.
    Future {
        /// Time of the entry, milliseconds since 1970.
        at_ms: u64,
        /// Time of whoever reads it.
        now_ms: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}: ", self.index)?;
        match &self.wrong {
            Wrong::Receipt(rejection) | Wrong::State(rejection) => write!(f, "{rejection}"),
            Wrong::Repeated { first } => write!(
                f,
                "it repeats the receipt of entry {first}, which the log's rules refuse; the copy ends before it"
            ),
            Wrong::Corrected(Correction { first, true_ms, .. }) => write!(
                f,
                "it corrects the log's clock: the entries from {first} up to it are not later than \
                 {true_ms} ms ({})",
                moment(*true_ms)
            ),
            Wrong::TimeBack { before_ms, at_ms } => {
                let (at, before) = (moment(*at_ms), moment(*before_ms));
                write!(f, "its time {at} is before {before}, that of an earlier entry")
            }
            Wrong::Future { at_ms, now_ms } => {
                let (at, now) = (moment(*at_ms), moment(*now_ms));
                write!(f, "it is dated {at}, in the future: the clock here says {now}")
            }
        }
    }
}

impl Wrong {
    /// What is wrong, in a word.
    #[must_use]
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Receipt(_) => "receipt",
            Self::Repeated { .. } => REPEATED,
            Self::State(_) => "state",
            Self::Corrected(_) => "corrected",
            Self::TimeBack { .. } => "time-back",
            Self::Future { .. } => "future",
        }
    }
}

/// The record of an entry as it was read.
#[derive(Debug)]
pub(crate) struct Read {
    /// Why its signatures do not hold, if so.
    pub(super) unsigned: Option<Rejection>,
    /// The receipt, or why it is none of a known kind.
    pub(super) receipt: Result<Verified<Receipt>, Rejection>,
}

impl Read {
    /// Checks the signatures of a record, and reads its receipt.
    pub(super) fn of(record: &[u8], kinds: &Kinds) -> Self {
        match Envelope::verify_bytes(record) {
            Ok(opened) => Self { unsigned: None, receipt: opened.narrow(kinds) },
            Err(rejection) => Self { unsigned: Some(rejection.clone()), receipt: Err(rejection) },
        }
    }
}

/// Holds entries in their order against what a log must keep to.
pub(super) struct Judge {
    operator: Did,
    now_ms: u64,
    findings: Findings,
    new: Vec<Finding>,
}

impl Judge {
    /// After the entries of the log of `operator` that were judged before.
    pub(super) const fn new(operator: Did, findings: Findings, now_ms: u64) -> Self {
        Self { operator, now_ms, findings, new: Vec::new() }
    }

    /// How many entries were judged.
    pub(super) const fn size(&self) -> u64 {
        self.findings.size
    }

    /// Whether entries were held against a later clock than this one, and not all of them are past by it.
    /// A clock that was ahead once hid them.
    pub(super) const fn is_clock_earlier(&self) -> bool {
        self.now_ms < self.findings.clock_ms && self.is_ahead(self.findings.furthest_ms)
    }

    /// The clock from now on is this one: every entry so far was held against it.
    pub(super) const fn set_clock(&mut self) {
        self.findings.clock_ms = self.now_ms;
    }

    /// Sees the next entry: its leaf, and its record as it was read.
    pub(super) fn see(&mut self, index: u64, leaf: &Leaf, read: &Read) {
        let at_ms = leaf.integrated_at_ms;
        let hash = leaf_hash(&leaf.to_bytes());
        let mut before_ms = self.findings.latest_ms;
        if let Some(rejection) = &read.unsigned {
            self.tell((index, &hash), Wrong::Receipt(rejection.clone()));
        }
        // Whether a correction counts, the fold says.
        let receipt = read.receipt.as_ref().ok();
        let correction = receipt.and_then(|r| correction_at(r, index, leaf, &self.operator));
        if let Some(correction) = correction {
            self.tell((index, &hash), Wrong::Corrected(correction));
            before_ms = before_ms.min(at_ms);
        }
        if at_ms < before_ms {
            self.tell((index, &hash), Wrong::TimeBack { before_ms, at_ms });
        }
        self.see_time(index, leaf);
        self.findings.latest_ms = before_ms.max(at_ms);
        self.findings.furthest_ms = self.findings.furthest_ms.max(at_ms);
        self.findings.clock_ms = self.findings.clock_ms.max(self.now_ms);
        self.findings.size = index + 1;
    }

    /// Holds the time of an entry against the clock.
    pub(super) fn see_time(&mut self, index: u64, leaf: &Leaf) {
        let (at_ms, hash) = (leaf.integrated_at_ms, leaf_hash(&leaf.to_bytes()));
        if self.is_ahead(at_ms) {
            self.tell((index, &hash), Wrong::Future { at_ms, now_ms: self.now_ms });
        }
    }

    const fn is_ahead(&self, at_ms: u64) -> bool {
        at_ms > self.now_ms.saturating_add(AHEAD_MAX_MS)
    }

    /// Takes in what is wrong with an entry, unless it is known.
    pub(super) fn tell(&mut self, (index, leaf): (u64, &Hash), wrong: Wrong) {
        let finding = Finding { index, wrong };
        if self.findings.add(Standing::of(&finding, leaf, self.now_ms)) {
            self.new.push(finding);
        }
    }

    /// What is to be kept, and what is new.
    pub(super) fn end(self) -> (Findings, Vec<Finding>) {
        (self.findings, self.new)
    }
}
