//! The studio's view: proposals from draft to vote, and the rules that their receipts keep.

pub mod fault;
mod rows;

use std::collections::BTreeMap;

use chaos_agency::{
    Action, Outcome, Receipt, View,
    views::{self, Record, Rows},
};
use chaos_types::{Check, Digest, Rejection, Verified};

use self::fault::Fault;
pub use self::rows::{ProposalRow, SubmissionRow, VoteRow};
use crate::receipts::{Decision, Draft, ObserveVote, Submit};

/// Proposals by the receipt of their draft.
#[derive(Debug, Default)]
pub struct Proposals(BTreeMap<Digest, ProposalRow>);

/// A receipt of the studio's that the view follows.
enum Step {
    Draft(Draft),
    Submit(Submit),
    ObserveVote(ObserveVote),
}

impl Step {
    fn of(action: &Action) -> Option<Self> {
        let draft = || action.read().map(Self::Draft);
        let submit = || action.read().map(Self::Submit);
        let vote = || action.read().map(Self::ObserveVote);
        draft().or_else(submit).or_else(vote)
    }
}

impl View for Proposals {
    fn admit(&self, receipt: &Verified<Receipt>, _: &Record) -> Result<Option<Outcome>, Rejection> {
        match Step::of(&receipt.action) {
            Some(Step::Submit(_)) => self.ensure_submission(receipt).map(|()| None),
            Some(Step::ObserveVote(vote)) => self.ensure_vote(vote).map(Some),
            Some(Step::Draft(_)) | None => Ok(None),
        }
    }

    fn apply(&mut self, receipt: &Verified<Receipt>) {
        match Step::of(&receipt.action) {
            Some(Step::Draft(draft)) => {
                self.0.insert(
                    receipt.id,
                    ProposalRow {
                        title: draft.title,
                        author: receipt.agent,
                        chain: draft.chain,
                        changes: draft.changes,
                        decision: draft.decision,
                        submission: None,
                        vote: None,
                    },
                );
            }
            Some(Step::Submit(submit)) => self.record_submission(receipt, submit),
            Some(Step::ObserveVote(vote)) => self.record_vote(receipt, &vote),
            None => {}
        }
    }

    fn rows(&self, _: &Record) -> Result<Rows, chaos_reputation::Error> {
        Ok(views::rows(self.0.iter().map(|(id, row)| (id.to_string(), row))))
    }
}

impl Proposals {
    /// By the receipt of their draft.
    pub fn iter(&self) -> impl Iterator<Item = (&Digest, &ProposalRow)> {
        self.0.iter()
    }

    fn ensure_submission(&self, receipt: &Receipt) -> Result<(), Rejection> {
        let reject =
            |fault: Fault, reason: &str| Err(Rejection::new(Check::Statement, fault, reason));
        let Some(draft) = self.draft_of(receipt) else {
            return reject(
                Fault::DraftMissing,
                "a submission builds on the receipt of a finalised draft",
            );
        };
        match &self.0[&draft] {
            row if row.author != receipt.agent => {
                reject(Fault::DraftOther, "the draft is another agent's")
            }
            ProposalRow { decision: Decision::GivenUp { .. }, .. } => {
                reject(Fault::DraftGivenUp, "the draft was given up")
            }
            ProposalRow { submission: Some(_), .. } => {
                reject(Fault::DraftSubmitted, "the draft was already submitted")
            }
            ProposalRow { decision: Decision::Finalised {}, submission: None, .. } => Ok(()),
        }
    }

    fn draft_of(&self, submission: &Receipt) -> Option<Digest> {
        submission.parents.iter().find(|id| self.0.contains_key(*id)).copied()
    }

    /// The vote is on a proposal that was submitted, once, and its state follows from its weights.
    fn ensure_vote(&self, vote: ObserveVote) -> Result<Outcome, Rejection> {
        let reject = |fault: Fault, reason| Err(Rejection::new(Check::Statement, fault, reason));
        let submitted = self.0.values().find_map(|row| {
            let submission = row.submission.as_ref()?;
            (submission.receipt == vote.submission).then_some((row, submission))
        });
        let Some((row, submission)) = submitted else {
            return reject(
                Fault::ProposalUnknown,
                format!("no proposal was submitted by receipt {}", vote.submission),
            );
        };
        if row.vote.is_some() {
            return reject(
                Fault::OutcomeRepeated,
                format!("the outcome of `{}` is already in the log", row.title),
            );
        }
        if submission.chain != vote.chain {
            return reject(
                Fault::ChainOther,
                format!("the vote is on {}, the submission on {}", vote.chain, submission.chain),
            );
        }
        if vote.state.passed() && vote.votes_for <= vote.votes_against {
            return reject(
                Fault::VoteNotPassed,
                format!(
                    "a vote of {} for and {} against did not pass",
                    vote.votes_for, vote.votes_against
                ),
            );
        }
        Ok(Outcome {
            by: "vote",
            of: vote.submission,
            succeeded: vote.state.passed(),
            contributions: vote.contributions,
        })
    }

    fn record_submission(&mut self, receipt: &Receipt, submit: Submit) {
        let draft = self.draft_of(receipt).expect("ensure_submission found the draft");
        let row = self.0.get_mut(&draft).expect("draft_of returns known drafts");
        row.submission = Some(SubmissionRow {
            receipt: receipt.id,
            chain: submit.chain,
            contract: submit.contract,
            proposal_id: submit.proposal_id,
        });
    }

    fn record_vote(&mut self, receipt: &Receipt, vote: &ObserveVote) {
        for row in self.0.values_mut() {
            if row.submission.as_ref().is_some_and(|found| found.receipt == vote.submission) {
                row.vote = Some(VoteRow {
                    receipt: receipt.id,
                    state: vote.state,
                    votes_for: vote.votes_for,
                    votes_against: vote.votes_against,
                    votes_abstain: vote.votes_abstain,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
