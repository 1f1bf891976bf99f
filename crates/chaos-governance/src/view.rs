//! The studio's view: proposals from draft to vote, and the rules that their receipts keep.

pub mod fault;

use chaos_agency::{Key, Once, Outcome, Receipt, State, Stop, View, Writes};
use chaos_types::{ChainId, Check, Did, Digest, Rejection, Verified};
use serde::{Deserialize, Serialize};

use self::fault::Fault;
use crate::receipts::{Decision, Draft, ObserveVote, Submit};

/// The studio's name, which its rows begin with.
pub(crate) const NAME: &str = "governance";

/// Proposals from draft to vote.
///
/// Its rows: `governance.draft/receipt`, `governance.submission/receipt`, and once for each
/// `governance.submitted/draft` and `governance.observed/submission`.
#[derive(Debug)]
pub struct Proposals;

/// `governance.draft/receipt`: what a submission needs to know of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftRow {
    index: u64,
    author: Did,
    title: String,
    finalised: bool,
}

/// `governance.submission/receipt`: what a vote needs to know of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubmissionRow {
    index: u64,
    chain: ChainId,
    draft: Digest,
    title: String,
}

/// A draft that a submission builds on.
struct Drafted {
    id: Digest,
    row: DraftRow,
}

impl View for Proposals {
    fn admit(
        &self,
        receipt: &Verified<Receipt>,
        index: u64,
        state: &dyn State,
        writes: &mut Writes,
    ) -> Result<(), Stop> {
        let action = &receipt.action;
        if let Some(draft) = action.read::<Draft>() {
            let finalised = draft.decision == Decision::Finalised {};
            let row = DraftRow { index, author: receipt.agent, title: draft.title, finalised };
            writes.put(draft_key(&receipt.id), &row);
        } else if let Some(submit) = action.read::<Submit>() {
            let Drafted { id: draft, row } = ensure_submission(receipt, state)?;
            writes.put(submitted_key(&draft), &Once { index });
            let row = SubmissionRow { index, chain: submit.chain, draft, title: row.title };
            writes.put(submission_key(&receipt.id), &row);
        } else if let Some(vote) = action.read::<ObserveVote>() {
            ensure_vote(&vote, state)?;
            writes.put(observed_key(&vote.submission), &Once { index });
        }
        Ok(())
    }

    fn outcome(&self, receipt: &Receipt) -> Option<Outcome> {
        let vote = receipt.action.read::<ObserveVote>()?;
        Some(Outcome {
            by: "vote",
            of: vote.submission,
            // Those who voted are who the work was for; their governor is the one that the chain
            // knows.
            client: format!("{}:{}", vote.chain, vote.governor),
            succeeded: vote.state.passed(),
            contributions: vote.contributions,
        })
    }

    fn committed(&self) -> &'static [&'static str] {
        &["draft", "observed", "submission", "submitted"]
    }
}

/// A submission builds on a draft of the same agent, finalised and not submitted before.
fn ensure_submission(receipt: &Receipt, state: &dyn State) -> Result<Drafted, Stop> {
    let Some(draft) = draft_of(receipt, state)? else {
        let reason = "a submission builds on the receipt of a finalised draft";
        return Err(reject(Fault::DraftMissing, reason));
    };
    if draft.row.author != receipt.agent {
        return Err(reject(Fault::DraftOther, "the draft is another agent's"));
    }
    if !draft.row.finalised {
        return Err(reject(Fault::DraftGivenUp, "the draft was given up"));
    }
    if state.has(&submitted_key(&draft.id))? {
        return Err(reject(Fault::DraftSubmitted, "the draft was already submitted"));
    }
    Ok(draft)
}

fn draft_of(submission: &Receipt, state: &dyn State) -> Result<Option<Drafted>, Stop> {
    for id in &submission.parents {
        if let Some(row) = state.read(&draft_key(id))? {
            return Ok(Some(Drafted { id: *id, row }));
        }
    }
    Ok(None)
}

/// The vote is on a proposal that was submitted, once.
fn ensure_vote(vote: &ObserveVote, state: &dyn State) -> Result<(), Stop> {
    let submitted: Option<SubmissionRow> = state.read(&submission_key(&vote.submission))?;
    let Some(submission) = submitted else {
        let reason = format!("no proposal was submitted by receipt {}", vote.submission);
        return Err(reject(Fault::ProposalUnknown, &reason));
    };
    if state.has(&observed_key(&vote.submission))? {
        let reason = format!("the outcome of `{}` is already in the log", submission.title);
        return Err(reject(Fault::OutcomeRepeated, &reason));
    }
    if submission.chain != vote.chain {
        let reason =
            format!("the vote is on {}, the submission on {}", vote.chain, submission.chain);
        return Err(reject(Fault::ChainOther, &reason));
    }
    Ok(())
}

fn reject(fault: Fault, reason: &str) -> Stop {
    Rejection::new(Check::Statement, fault, reason).into()
}

fn draft_key(receipt: &Digest) -> Key {
    Key::of_view(NAME, "draft", &[receipt])
}

fn submitted_key(draft: &Digest) -> Key {
    Key::of_view(NAME, "submitted", &[draft])
}

fn submission_key(receipt: &Digest) -> Key {
    Key::of_view(NAME, "submission", &[receipt])
}

fn observed_key(submission: &Digest) -> Key {
    Key::of_view(NAME, "observed", &[submission])
}

#[cfg(test)]
mod tests;
