use std::fmt;

use chaos_types::Rejection;

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
    /// The leaf states another root of the state than the log folds to, or none after one that did.
    State(Rejection),
    /// The log's time goes back.
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
            Wrong::TimeBack { before_ms, at_ms } => {
                write!(f, "its time {at_ms} ms is before {before_ms} ms, that of an earlier entry")
            }
            Wrong::Future { at_ms, now_ms } => {
                write!(f, "it is dated {at_ms} ms, in the future: the clock here says {now_ms} ms")
            }
        }
    }
}

/// Holds entries in their order against what a log must keep to.
pub(crate) struct Judge {
    now_ms: u64,
    latest_ms: u64,
    findings: Vec<Finding>,
    findings_max: usize,
    left_out: u64,
}

impl Judge {
    /// After entries whose latest time is `latest_ms`, 0 if there are none.
    pub(crate) const fn new(now_ms: u64, latest_ms: u64, findings_max: usize) -> Self {
        Self { now_ms, latest_ms, findings: Vec::new(), findings_max, left_out: 0 }
    }

    /// How many findings are kept.
    pub(crate) const fn count(&self) -> usize {
        self.findings.len()
    }

    /// The latest time of what was seen.
    pub(crate) const fn latest_ms(&self) -> u64 {
        self.latest_ms
    }

    /// Sees the next entry, and what is wrong with its receipt.
    pub(crate) fn see(&mut self, index: u64, at_ms: u64, receipt: Option<Rejection>) {
        if let Some(rejection) = receipt {
            self.tell(index, Wrong::Receipt(rejection));
        }
        if at_ms < self.latest_ms {
            self.tell(index, Wrong::TimeBack { before_ms: self.latest_ms, at_ms });
        }
        if at_ms > self.now_ms.saturating_add(AHEAD_MAX_MS) {
            self.tell(index, Wrong::Future { at_ms, now_ms: self.now_ms });
        }
        self.latest_ms = self.latest_ms.max(at_ms);
    }

    fn tell(&mut self, index: u64, wrong: Wrong) {
        if self.findings.len() < self.findings_max {
            self.findings.push(Finding { index, wrong });
        } else {
            self.left_out += 1;
        }
    }

    /// The findings, and how many further ones there were.
    pub(crate) fn end(self) -> (Vec<Finding>, u64) {
        (self.findings, self.left_out)
    }
}
