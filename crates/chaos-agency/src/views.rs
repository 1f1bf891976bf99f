//! Views: every table is a fold of the log and can be dropped and rebuilt.

mod rows;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use chaos_incentives::Distribution;
use chaos_types::{Check, Did, Digest, Rejection, Verified};

use crate::{
    Action, Evidence, Fault, Leaf, Receipt, Registry,
    action::{Contribution, Decision, ObserveVote, Pay, Payment, Score, Submit},
};

pub use self::rows::{ActionRow, ProposalRow, RefusedRow, RewardRow, Rows, SubmissionRow, VoteRow};
use self::rows::{RewardKey, index_key, rows};

/// The names of the views, as stored.
pub const NAMES: [&str; 6] = ["actions", "agents", "proposals", "refused", "reputation", "rewards"];

/// All views of one log, folded up to some size.
///
/// An entry that breaks a rule stays in the log, since nothing can remove it, but counts for
/// nothing: it goes to `refused` with the check that it failed.
#[derive(Debug, Clone)]
pub struct Views {
    registry: Registry,
    receipts: BTreeMap<Digest, Verified<Receipt>>,
    /// The log index of every admitted receipt.
    places: BTreeMap<Digest, u64>,
    actions: BTreeMap<u64, ActionRow>,
    proposals: BTreeMap<Digest, ProposalRow>,
    evidence: Vec<chaos_reputation::Evidence>,
    judged: BTreeSet<Digest>,
    rewards: BTreeMap<RewardKey, RewardRow>,
    paid: BTreeSet<Digest>,
    refused: BTreeMap<u64, RefusedRow>,
    size: u64,
    last_integrated_at_ms: u64,
    model: chaos_reputation::Params,
}

impl Views {
    /// The views of an empty log run by `operator`.
    #[must_use]
    pub fn new(operator: Did) -> Self {
        Self {
            registry: Registry::new(operator),
            receipts: BTreeMap::new(),
            places: BTreeMap::new(),
            actions: BTreeMap::new(),
            proposals: BTreeMap::new(),
            evidence: Vec::new(),
            judged: BTreeSet::new(),
            rewards: BTreeMap::new(),
            paid: BTreeSet::new(),
            refused: BTreeMap::new(),
            size: 0,
            last_integrated_at_ms: 0,
            model: chaos_reputation::Params::default(),
        }
    }

    /// How many log entries were folded.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The agent registry.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The causal graph, by log index.
    #[must_use]
    pub const fn actions(&self) -> &BTreeMap<u64, ActionRow> {
        &self.actions
    }

    /// Proposals by the receipt of their draft.
    #[must_use]
    pub const fn proposals(&self) -> &BTreeMap<Digest, ProposalRow> {
        &self.proposals
    }

    /// Rewards by agent, chain and token.
    #[must_use]
    pub const fn rewards(&self) -> &BTreeMap<(Did, String, String), RewardRow> {
        &self.rewards
    }

    /// Entries that count for nothing, by log index.
    #[must_use]
    pub const fn refused(&self) -> &BTreeMap<u64, RefusedRow> {
        &self.refused
    }

    /// An admitted receipt.
    #[must_use]
    pub fn receipt(&self, id: &Digest) -> Option<&Verified<Receipt>> {
        self.receipts.get(id)
    }

    /// The facts that reputation is computed from, in log order.
    #[must_use]
    pub fn evidence(&self) -> &[chaos_reputation::Evidence] {
        &self.evidence
    }

    /// When the log took in its last entry, milliseconds since 1970: the time that scores are
    /// computed for unless another is asked.
    #[must_use]
    pub const fn last_integrated_at_ms(&self) -> u64 {
        self.last_integrated_at_ms
    }

    /// Reputation as of `as_of_ms`.
    ///
    /// # Errors
    /// If the evidence cannot be scored.
    pub fn scores(
        &self,
        as_of_ms: u64,
    ) -> Result<chaos_reputation::Table, chaos_reputation::Error> {
        chaos_reputation::score(&self.evidence, as_of_ms, &self.model)
    }

    /// Says whether a receipt would be admitted as the next entry.
    ///
    /// # Errors
    /// The [`Rejection`] it would be refused with.
    pub fn authorise(&self, receipt: &Verified<Receipt>) -> Result<(), Rejection> {
        self.ensure_admissible(self.size, receipt)
    }

    /// Folds the next log entry. Returns the refusal, which is also recorded, if it breaks a rule.
    ///
    /// # Errors
    /// The refusal.
    pub fn apply(&mut self, leaf: &[u8], record: &[u8]) -> Result<(), Rejection> {
        let index = self.size;
        self.size += 1;
        let folded = self.fold(index, leaf, record);
        if let Err(rejection) = &folded {
            let row = RefusedRow { check: rejection.check, reason: rejection.reason.clone() };
            self.refused.insert(index, row);
        }
        folded
    }

    fn fold(&mut self, index: u64, leaf: &[u8], record: &[u8]) -> Result<(), Rejection> {
        let leaf = Leaf::from_bytes(leaf)
            .map_err(|error| Rejection::caused(Check::Inclusion, Fault::LeafMalformed, &error))?;
        if leaf.integrated_at_ms < self.last_integrated_at_ms {
            return Err(Rejection::new(
                Check::Inclusion,
                Fault::TimeGoesBack,
                format!(
                    "the log's time goes back from {} to {} ms",
                    self.last_integrated_at_ms, leaf.integrated_at_ms
                ),
            ));
        }
        let receipt = Receipt::open_bytes(record)?;
        if receipt.id != leaf.receipt {
            return Err(Rejection::new(
                Check::Inclusion,
                Fault::LeafOfAnother,
                format!("the log entry names {}, the record is {}", leaf.receipt, receipt.id),
            ));
        }
        self.ensure_admissible(index, &receipt)?;
        self.registry.admit(index, &receipt)?;
        self.last_integrated_at_ms = leaf.integrated_at_ms;
        self.update(&receipt, &leaf);
        let agent = self.registry.agent(&receipt.agent).expect("admit knows the agent");
        self.places.insert(receipt.id, index);
        self.actions.insert(
            index,
            ActionRow {
                receipt: receipt.id,
                agent: receipt.agent,
                studio: agent.profile.studio.clone(),
                role: agent.profile.role.clone(),
                kind: receipt.action.kind().to_owned(),
                evidence: receipt.evidence.class().to_owned(),
                parents: receipt.parents.clone(),
                integrated_at_ms: leaf.integrated_at_ms,
            },
        );
        self.receipts.insert(receipt.id, receipt);
        Ok(())
    }

    fn ensure_admissible(&self, index: u64, receipt: &Verified<Receipt>) -> Result<(), Rejection> {
        self.registry.authorise(index, receipt)?;
        let reject = |fault: Fault, reason| Err(Rejection::new(Check::Statement, fault, reason));
        if self.receipts.contains_key(&receipt.id) {
            return reject(
                Fault::ReceiptRepeated,
                format!("receipt {} is already in the log", receipt.id),
            );
        }
        if let Some(parent) = receipt.parents.iter().find(|id| !self.receipts.contains_key(*id)) {
            return reject(
                Fault::ParentUnknown,
                format!("parent {parent} is not in the log before it"),
            );
        }
        match &receipt.action {
            Action::Submit(_) => self.ensure_submission(receipt),
            Action::ObserveVote(vote) => self.ensure_outcome(vote),
            Action::Score(score) => self.ensure_score(index, score),
            Action::Pay(pay) => self.ensure_payment(pay),
            Action::Register(_)
            | Action::Update(_)
            | Action::RotateKey(_)
            | Action::Revoke(_)
            | Action::Analyse(_)
            | Action::Simulate(_)
            | Action::Draft(_)
            | Action::Verify(_)
            | Action::Anchor(_)
            | Action::Run(_)
            | Action::Oversee(_) => Ok(()),
        }
    }

    fn ensure_submission(&self, receipt: &Verified<Receipt>) -> Result<(), Rejection> {
        let reject =
            |fault: Fault, reason: &str| Err(Rejection::new(Check::Statement, fault, reason));
        let Some(draft) = self.draft_of(receipt) else {
            return reject(
                Fault::DraftMissing,
                "a submission builds on the receipt of a finalised draft",
            );
        };
        match &self.proposals[&draft] {
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
        submission.parents.iter().find(|id| self.proposals.contains_key(*id)).copied()
    }

    fn ensure_outcome(&self, vote: &ObserveVote) -> Result<(), Rejection> {
        let reject = |fault: Fault, reason| Err(Rejection::new(Check::Statement, fault, reason));
        let submitted = self.proposals.values().find_map(|row| {
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
        let history = self.history_of(vote.submission);
        let mut seen = BTreeSet::new();
        for Contribution { receipt, .. } in &vote.contributions {
            if !seen.insert(receipt) || self.judged.contains(receipt) {
                return reject(
                    Fault::ContributionRepeated,
                    format!("contribution {receipt} is judged twice"),
                );
            }
            let known = self.receipts.get(receipt).filter(|_| history.contains(receipt));
            if !known.is_some_and(|found| found.action.is_work()) {
                return reject(
                    Fault::ContributionNoWork,
                    format!("contribution {receipt} is not work that led to the vote"),
                );
            }
        }
        Ok(())
    }

    /// A receipt and everything it was built on.
    fn history_of(&self, receipt: Digest) -> BTreeSet<Digest> {
        let mut history = BTreeSet::new();
        let mut waiting = vec![receipt];
        while let Some(id) = waiting.pop() {
            if history.insert(id)
                && let Some(found) = self.receipts.get(&id)
            {
                waiting.extend(&found.parents);
            }
        }
        history
    }

    /// A score receipt must repeat: the same log gives the same table.
    fn ensure_score(&self, index: u64, score: &Score) -> Result<(), Rejection> {
        let reject = |fault: Fault, reason| Err(Rejection::new(Check::Evidence, fault, reason));
        let model = self
            .model
            .id()
            .map_err(|error| Rejection::caused(Check::Evidence, Fault::ScoreImpossible, &error))?;
        if score.model != model {
            return reject(
                Fault::ModelOther,
                format!("scored by model {}, this log uses {model}", score.model),
            );
        }
        if score.log_size != index {
            return reject(
                Fault::LogSizeOther,
                format!("scores {} entries, {index} came before it", score.log_size),
            );
        }
        let found = self
            .scores(score.as_of_ms)
            .and_then(|table| table.digest())
            .map_err(|error| Rejection::caused(Check::Evidence, Fault::ScoreImpossible, &error))?;
        if found != score.table {
            return reject(
                Fault::ScoreNotRepeated,
                format!("the log gives table {found}, not {}", score.table),
            );
        }
        Ok(())
    }

    fn ensure_payment(&self, pay: &Pay) -> Result<(), Rejection> {
        let reject = |fault: Fault, reason| Err(Rejection::new(Check::Statement, fault, reason));
        if !self
            .proposals
            .values()
            .any(|row| row.vote.as_ref().is_some_and(|vote| vote.receipt == pay.outcome))
        {
            return reject(
                Fault::OutcomeUnknown,
                format!("no outcome {} is in the log", pay.outcome),
            );
        }
        if self.paid.contains(&pay.outcome) {
            return reject(
                Fault::OutcomePaid,
                format!("outcome {} was already paid for", pay.outcome),
            );
        }
        let mut accounts = BTreeMap::new();
        let mut sum = pay.returned;
        for payment in &pay.payments {
            let account = self.ensure_payee(payment)?;
            if accounts.insert(account, U256::from(payment.amount)).is_some() {
                return reject(
                    Fault::AccountRepeated,
                    format!("account {} is paid twice", payment.account),
                );
            }
            sum = sum.saturating_add(payment.amount);
            let key = (payment.agent, pay.chain.to_string(), pay.token.clone());
            let before = self.rewards.get(&key).map_or(0, |row| row.total);
            if before.checked_add(payment.amount).is_none() {
                return reject(
                    Fault::RewardsTooLarge,
                    format!("the rewards of {} exceed 128 bits", payment.agent),
                );
            }
        }
        if sum != pay.pool {
            return reject(
                Fault::PoolNotDivided,
                format!("payments and the returned part are not the pool {}", pay.pool),
            );
        }
        let root = Distribution::new(accounts)
            .map(|distribution| format!("{:#x}", distribution.root()))
            .map_err(|error| {
                Rejection::caused(Check::Statement, Fault::DistributionInvalid, &error)
            })?;
        if root != pay.merkle_root {
            return reject(
                Fault::RootMismatch,
                format!(
                    "the payments have the Merkle root {root}, not {}",
                    pay.merkle_root.escape_debug()
                ),
            );
        }
        Ok(())
    }

    /// The payee is an agent of this log, and its account is in its one spelling.
    fn ensure_payee(&self, payment: &Payment) -> Result<Address, Rejection> {
        let reject = |fault: Fault, reason| Rejection::new(Check::Statement, fault, reason);
        if self.registry.agent(&payment.agent).is_none() {
            return Err(reject(
                Fault::PayeeUnknown,
                format!("payee {} is not registered", payment.agent),
            ));
        }
        account(&payment.account).ok_or_else(|| {
            reject(
                Fault::AccountMalformed,
                format!(
                    "account `{}` is not 0x and 40 lower-case hexadecimal digits",
                    payment.account.escape_debug()
                ),
            )
        })
    }

    fn update(&mut self, receipt: &Verified<Receipt>, leaf: &Leaf) {
        match &receipt.action {
            Action::Draft(draft) => {
                self.proposals.insert(
                    receipt.id,
                    ProposalRow {
                        title: draft.title.clone(),
                        author: receipt.agent,
                        chain: draft.chain.clone(),
                        changes: draft.changes.clone(),
                        decision: draft.decision.clone(),
                        submission: None,
                        vote: None,
                    },
                );
            }
            Action::Submit(submit) => self.record_submission(receipt, submit),
            Action::ObserveVote(vote) => self.record_outcome(receipt, vote, leaf),
            Action::Pay(pay) => self.record_payment(receipt, pay),
            Action::Register(_)
            | Action::Update(_)
            | Action::RotateKey(_)
            | Action::Revoke(_)
            | Action::Analyse(_)
            | Action::Simulate(_)
            | Action::Score(_)
            | Action::Verify(_)
            | Action::Anchor(_)
            | Action::Run(_)
            | Action::Oversee(_) => {}
        }
    }

    fn record_submission(&mut self, receipt: &Verified<Receipt>, submit: &Submit) {
        let draft = self.draft_of(receipt).expect("ensure_submission found the draft");
        let row = self.proposals.get_mut(&draft).expect("draft_of returns known drafts");
        row.submission = Some(SubmissionRow {
            receipt: receipt.id,
            chain: submit.chain.clone(),
            contract: submit.contract.clone(),
            proposal_id: submit.proposal_id.clone(),
        });
    }

    fn record_outcome(&mut self, receipt: &Verified<Receipt>, vote: &ObserveVote, leaf: &Leaf) {
        for row in self.proposals.values_mut() {
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
        for contribution in &vote.contributions {
            self.judge(receipt, vote, contribution, leaf);
        }
    }

    /// A contribution becomes reputation evidence. Nobody earns by judging himself.
    fn judge(&mut self, outcome: &Receipt, vote: &ObserveVote, of: &Contribution, leaf: &Leaf) {
        let receipt = &self.receipts[&of.receipt];
        let then = &self.actions[&self.places[&of.receipt]];
        self.judged.insert(of.receipt);
        if receipt.agent == outcome.agent {
            return;
        }
        self.evidence.push(chaos_reputation::Evidence {
            receipt: of.receipt,
            agent: receipt.agent.to_string(),
            domain: then.studio.clone(),
            role: then.role.clone(),
            payer: outcome.agent.to_string(),
            task_class: of.task.clone(),
            at_ms: leaf.integrated_at_ms,
            outcome: if vote.state.passed() {
                chaos_reputation::Outcome::Success
            } else {
                chaos_reputation::Outcome::Failure
            },
            class: match &receipt.evidence {
                Evidence::None {} => chaos_reputation::EvidenceClass::None,
                Evidence::Replayable(_) => chaos_reputation::EvidenceClass::Replayable,
                // The fold appraises no quotes, and an attestation that nobody appraised, perhaps
                // under a development root, must not earn a reputation.
                Evidence::Attested(attested) => match &attested.replay {
                    Some(_) => chaos_reputation::EvidenceClass::Replayable,
                    None => chaos_reputation::EvidenceClass::None,
                },
            },
            units_micro: chaos_reputation::TASK_UNIT_MICRO,
        });
    }

    fn record_payment(&mut self, receipt: &Verified<Receipt>, pay: &Pay) {
        self.paid.insert(pay.outcome);
        for payment in &pay.payments {
            let key = (payment.agent, pay.chain.to_string(), pay.token.clone());
            let row = self
                .rewards
                .entry(key)
                .or_insert_with(|| RewardRow { total: 0, receipts: Vec::new() });
            row.total += payment.amount;
            row.receipts.push(receipt.id);
        }
    }

    /// Every view as rows of canonical JSON, for storage and for comparison.
    ///
    /// # Errors
    /// If the reputation cannot be computed.
    pub fn to_rows(&self) -> Result<BTreeMap<&'static str, Rows>, chaos_reputation::Error> {
        let table = self.scores(self.last_integrated_at_ms)?;
        Ok(BTreeMap::from([
            ("actions", rows(self.actions.iter().map(|(index, row)| (index_key(*index), row)))),
            ("agents", rows(self.registry.agents().map(|a| (a.did.to_string(), a)))),
            ("proposals", rows(self.proposals.iter().map(|(id, row)| (id.to_string(), row)))),
            ("refused", rows(self.refused.iter().map(|(index, row)| (index_key(*index), row)))),
            (
                "reputation",
                rows(table.scores.iter().map(|score| {
                    (format!("{}|{}|{}", score.agent, score.domain, score.role), score)
                })),
            ),
            (
                "rewards",
                rows(
                    self.rewards.iter().map(|((agent, chain, token), row)| {
                        (format!("{agent}|{chain}|{token}"), row)
                    }),
                ),
            ),
        ]))
    }
}

/// An account in its one spelling.
fn account(text: &str) -> Option<Address> {
    let account: Address = text.parse().ok()?;
    (format!("{account:#x}") == text).then_some(account)
}

#[cfg(test)]
mod tests;
