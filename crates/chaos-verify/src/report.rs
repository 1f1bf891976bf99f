//! What a verification found, check by check.

use chaos_agency::Receipt;
use chaos_types::{Check, Code, Rejection, Verified};
use serde::Serialize;

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The check was made and holds.
    Passed,
    /// The check was made and does not hold.
    Failed,
    /// There was nothing to check, or an earlier check failed.
    NotApplicable,
}

/// One line of a verification's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Which check.
    pub check: Check,
    /// How it ended.
    pub status: Status,
    /// What is wrong, if the check failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// What was found.
    pub detail: String,
}

/// A verification's result together with the list of checks that led to it.
#[derive(Debug)]
pub struct Report {
    /// All checks in the order they are made, each exactly once.
    pub outcomes: Vec<Outcome>,
    /// The receipt, which passed every check that applies to it; or the first check that failed.
    pub result: Result<Verified<Receipt>, Rejection>,
}

/// The checks made so far.
#[derive(Default)]
pub(crate) struct Trail(Vec<Outcome>);

impl Trail {
    pub(crate) fn passed(&mut self, check: Check, detail: String) {
        self.push(check, Status::Passed, detail);
    }

    pub(crate) fn skipped(&mut self, check: Check, detail: &str) {
        self.push(check, Status::NotApplicable, detail.to_owned());
    }

    fn push(&mut self, check: Check, status: Status, detail: String) {
        self.0.push(Outcome { check, status, code: None, detail });
    }

    /// The report: whatever was not reached is said to be so.
    pub(crate) fn end(mut self, result: Result<Verified<Receipt>, Rejection>) -> Report {
        if let Err(Rejection { check, code, reason }) = &result {
            self.0.retain(|outcome| outcome.check != *check);
            self.0.push(Outcome {
                check: *check,
                status: Status::Failed,
                code: Some(*code),
                detail: reason.clone(),
            });
        }
        for check in Check::ALL {
            if self.0.iter().all(|outcome| outcome.check != check) {
                self.skipped(check, "not reached");
            }
        }
        self.0.sort_by_key(|outcome| outcome.check);
        Report { outcomes: self.0, result }
    }
}
