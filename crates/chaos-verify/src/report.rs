//! What a verification found, check by check, and in one word for each fact.

use chaos_agency::{Receipt, Succession, account::Payee};
use chaos_log::{SignedCheckpoint, VerifierKey, WholeNode};
use chaos_types::{Check, Code, Rejection, Verified};
use serde::Serialize;

use crate::{Attachments, Fault, Words};

/// How one check ended.
///
/// Only [`Status::Passed`] says that everything was shown. Between it and a failure stand the
/// statuses of what is somebody's word: nothing contradicts it, and nothing that the reader has
/// bears it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The check was made and holds.
    Passed,
    /// The check was made and does not hold.
    Failed,
    /// The parts agree with a key that the bundle itself brings: whose log it is, is its word.
    OwnLog,
    /// What the bundle shows holds; that it shows everything is its maker's word.
    NotShown,
    /// The chain's proof holds; that its block is on the chain is the operator's word.
    NotPlaced,
    /// A quote is named, and nobody appraised it.
    NotAppraised,
    /// The quote holds, under a root whose key anyone may hold: it shows nothing about hardware.
    DevelopmentTrust,
    /// A program is named, and nobody ran it.
    NotReexecuted,
    /// What the program would be run on sums up the log, in the signer's words.
    ClaimedNotRecomputed,
    /// There was nothing to check.
    NotApplicable,
    /// An earlier check failed.
    NotReached,
}

/// What one of those says that the reader asked where an anchor's block is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Who, without anything that could be a key.
    pub who: String,
    /// Whether it says that the block is on the chain, as sure as the reader asked for.
    pub agrees: bool,
    /// What it says.
    pub says: String,
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

/// A checkpoint that its log has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The log's root key.
    pub log: VerifierKey,
    /// What it signed.
    pub checkpoint: SignedCheckpoint,
    /// Nodes of its tree that the bundle shows.
    pub nodes: Vec<WholeNode>,
    /// Who signs the log's checkpoints, as far as the bundle shows it.
    pub succession: Succession,
}

/// A verification's result together with the list of checks that led to it.
#[derive(Debug)]
pub struct Report {
    /// All checks in the order they are made, each exactly once.
    pub outcomes: Vec<Outcome>,
    /// What was shown, in one word for each fact.
    pub words: Words,
    /// Who the agent is, by the registry entries that the bundle shows: name and role.
    pub agent: Option<String>,
    /// The head of the log that the receipt was proved under, once its signature was checked.
    pub head: Option<Head>,
    /// Of a payment: who gets a part of it, and whose word it is that the account is the payee's.
    pub payees: Vec<Payee>,
    /// Of an anchor: what each of those says whom the reader asked for its block, in the reader's order.
    pub said: Vec<Said>,
    /// Of what the receipt says of a chain: the same of the block that shows it.
    pub claim_said: Vec<Said>,
    /// What the receipt says about a chain, and no check has placed on one. An anchor places the log's
    /// head there, and nothing that the receipt says.
    pub not_placed: Vec<&'static str>,
    /// When the log took the receipt in, milliseconds since 1970 by the log's clock as far as it has not corrected
    /// that itself; once the receipt's place was shown.
    pub dated_ms: Option<u64>,
    /// What the bundle brings of the documents that an accepted receipt names, each checked against its digest.
    pub documents: Attachments,
    /// The receipt, which passed every check that applies to it; or the first check that failed.
    pub result: Result<Verified<Receipt>, Rejection>,
}

impl Report {
    /// Whether the program could not be run again for want of an input that the receipt names and the
    /// reader does not have: everything that was checked holds, and what was asked for was not done.
    #[must_use]
    pub fn lacks_an_input(&self) -> bool {
        let missing = Code::from(Fault::InputMissing);
        matches!(&self.result, Err(rejection) if rejection.code == missing)
    }

    /// Whether a check was come to.
    #[must_use]
    pub(crate) fn is_reached(&self, check: Check) -> bool {
        let found = self.outcomes.iter().find(|outcome| outcome.check == check);
        found.is_some_and(|outcome| outcome.status != Status::NotReached)
    }

    /// Turns the result into a rejection, by what was learnt beside the bundle.
    pub fn reject(&mut self, rejection: Rejection) {
        let outcomes = std::mem::take(&mut self.outcomes);
        let mut trail = Trail { outcomes, words: self.words, ..Trail::default() };
        trail.outcomes.retain(|outcome| outcome.check < rejection.check);
        let Self { outcomes, words, result, .. } = trail.end(Err(rejection));
        (self.outcomes, self.words, self.result) = (outcomes, words, result);
    }

    /// Says that the head is by a key which an entry has retired, and that nothing at hand shows it to be of
    /// the history that the root key signed: whoever has the key by now can have made all of it up, so that
    /// what was shown under the head is that key's word.
    pub fn by_retired_key(&mut self, since: u64) {
        for outcome in &mut self.outcomes {
            if outcome.check != Check::Checkpoint || outcome.status != Status::Passed {
                continue;
            }
            outcome.status = Status::NotShown;
            outcome.detail.push_str(&format!(
                "; by a key retired since entry {since}, and not held against the root-signed history"
            ));
        }
        self.words.by_retired_key();
    }
}

/// The checks made so far.
#[derive(Default)]
pub(crate) struct Trail {
    outcomes: Vec<Outcome>,
    pub(crate) words: Words,
    pub(crate) agent: Option<String>,
    pub(crate) head: Option<Head>,
    pub(crate) payees: Vec<Payee>,
    pub(crate) said: Vec<Said>,
    pub(crate) claim_said: Vec<Said>,
    pub(crate) not_placed: Vec<&'static str>,
    pub(crate) dated_ms: Option<u64>,
    pub(crate) documents: Attachments,
}

impl Trail {
    pub(crate) fn passed(&mut self, check: Check, detail: String) {
        self.ended(check, Status::Passed, detail);
    }

    /// Says more of a check that was made already.
    pub(crate) fn replace(&mut self, check: Check, detail: String) {
        self.outcomes.retain(|outcome| outcome.check != check);
        self.passed(check, detail);
    }

    pub(crate) fn ended(&mut self, check: Check, status: Status, detail: impl Into<String>) {
        self.outcomes.push(Outcome { check, status, code: None, detail: detail.into() });
    }

    /// The report: whatever was not reached is said to be so.
    pub(crate) fn end(mut self, result: Result<Verified<Receipt>, Rejection>) -> Report {
        if let Err(Rejection { check, code, reason }) = &result {
            self.outcomes.retain(|outcome| outcome.check != *check);
            // What the reader lacks speaks against nobody.
            let lacks = *code == Code::from(Fault::InputMissing);
            self.outcomes.push(Outcome {
                check: *check,
                status: if lacks { Status::NotReexecuted } else { Status::Failed },
                code: Some(*code),
                detail: reason.clone(),
            });
            let on_chain = self.words.on_chain;
            self.words.forget_from(*check);
            if lacks {
                self.words.on_chain = on_chain;
            }
        }
        for check in Check::ALL {
            if self.outcomes.iter().all(|outcome| outcome.check != check) {
                self.ended(check, Status::NotReached, "not reached");
            }
        }
        self.outcomes.sort_by_key(|outcome| outcome.check);
        let Self {
            outcomes,
            words,
            agent,
            head,
            payees,
            said,
            claim_said,
            not_placed,
            dated_ms,
            documents,
        } = self;
        Report {
            outcomes,
            words,
            agent,
            head,
            payees,
            said,
            claim_said,
            not_placed,
            dated_ms,
            documents,
            result,
        }
    }
}
