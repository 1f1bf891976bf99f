//! From a proposal to what became of it: agents submit it, a local chain votes on it, the outcome is
//! scored, paid, judged and anchored, and each step is signed.

mod report;

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chaos_agency::{
    Action, Evidence, Kinds,
    account::Agreement,
    action::{self, Contribution, Verdict},
    receipt::{Input, Product},
};
use chaos_chains::{
    Address, Claim, ProposalState, RegistryKey, U256,
    local::{self, LocalChain},
};
use chaos_governance::{proposal::Call, receipts::VoteState};
use chaos_ledger::{Heads, Ledger, NewEntry};
use chaos_reputation::{Model, ScoreDocument};
use chaos_types::{ChainId, Digest, canonical};
use chaos_verify::Report;

use crate::{
    ChainView, Error, Narrator, Progress, Reader, Step,
    anchoring::{Anchoring, Holder, Place, anchor, is_undeclared},
    appraisal::{Appraiser, known_anchors},
    check,
    paying::{Due, Paid, PayPlan, record_payment},
    program::{Program as _, RewardDocument, Score},
    proposing::{Finished, Receipts, Signer},
    reexecution::{EVIDENCE, Inputs},
    simulation::BlockSet,
    studio::Defined,
    submitting::{OnRecord, SeenVote, record_submission, record_vote, vote_text},
    voting::{self, VoteAt},
};

pub use self::report::Told;

/// The pool that the sponsor puts up: 1,000 tokens of 18 decimals.
const POOL: u128 = 1_000_000_000_000_000_000_000;

/// The local chain's accounts that the agents are paid on.
const RESEARCHER: usize = 0;
const DEVELOPER: usize = 1;

/// Who takes part.
#[derive(Debug)]
pub struct Parties {
    /// Measured and simulated.
    pub researcher: Signer,
    /// Drafted, and submits.
    pub developer: Signer,
    /// Runs the simulation again.
    pub verifier: Signer,
    /// Runs the log; reads the vote, scores, pays and anchors.
    pub operator: Signer,
}

/// What a decision takes beside the proposal.
#[expect(missing_debug_implementations, reason = "it holds what the caller does")]
pub struct Deciding<'a> {
    /// Where receipts go.
    pub ledger: &'a mut Ledger,
    /// What was signed before.
    pub heads: &'a Heads,
    /// Where the vote is held.
    pub local: &'a LocalChain,
    /// The blocks that the proposal is about.
    pub block_set: &'a BlockSet,
    /// The rules, with the weights of tasks.
    pub studio: &'a Defined,
    /// Who takes part.
    pub parties: &'a Parties,
    /// The folders in which re-execution finds its inputs.
    pub inputs: &'a [PathBuf],
    /// Who is told of steps.
    pub narrator: &'a mut dyn Narrator,
    /// Who is told how far long work is.
    pub progress: &'a dyn Progress,
}

/// How it ended.
#[derive(Debug)]
pub struct Decided {
    /// The anchored checkpoint, which covers everything before it.
    pub anchoring: Anchoring,
    /// The draft, which is the receipt that the chain's proposal carries.
    pub draft: Digest,
}

/// The Governor's call that sets a parameter, decoded and encoded.
#[must_use]
pub fn call(local: &LocalChain, chain: &ChainId, name: &str, value: u64) -> Call {
    Call {
        target: format!("{:#x}", local.stack().registry),
        function: "set(string,string,uint256)".to_owned(),
        arguments: vec![
            ("chain".to_owned(), chain.to_string()),
            ("name".to_owned(), name.to_owned()),
            ("value".to_owned(), value.to_string()),
        ],
        calldata: local.call(chain, name, value).calldata().to_string(),
    }
}

impl Deciding<'_> {
    /// Submits the proposal, has it voted on, scores and pays who worked on it, has a simulation
    /// judged, and anchors the log.
    ///
    /// # Errors
    /// If the ledger or the chain refuses, or the chain's answers do not fit.
    pub fn run(&mut self, finished: &Finished, receipts: &Receipts) -> Result<Decided, Error> {
        let draft = receipts.draft.ok_or(Error::NotDrafted)?;
        let sponsor = self.local.sponsor();
        let origin = self.ledger.log_key()?.name().to_string();
        let holder = Holder::Registry(RegistryKey::of(&origin, sponsor.address()));
        let place = Place { chain: self.local.chain(), holder, signer: &sponsor };
        self.declare(&place)?;
        let submission = self.submit(finished, draft)?;
        self.register_accounts()?;
        let outcome = self.vote(finished, receipts, submission)?;
        self.score(outcome)?;
        self.pay(outcome)?;
        self.judge(receipts)?;
        let checkpoint = self.ledger.checkpoint(self.heads)?;
        let anchoring = self.local.block_on(anchor(self.ledger, checkpoint, &place))?;
        let action::Anchor { log_size, block_number, chain, .. } = &anchoring.body;
        let text = format!("anchors {log_size} entries in block {block_number} of {chain}");
        self.tell(&self.parties.operator, text, anchoring.receipt);
        Ok(Decided { anchoring, draft })
    }

    fn tell(&mut self, actor: &Signer, text: String, receipt: Digest) {
        self.narrator.step(Step { agent: actor.name.clone(), text, receipt: Some(receipt) });
    }

    /// Says where the log is anchored, before anything of this story is in it.
    fn declare(&mut self, place: &Place<'_>) -> Result<(), Error> {
        let Some(body) = place.declaration() else { return Ok(()) };
        if is_undeclared(self.ledger, place, false)? {
            let text = format!("declares that the log is anchored on {}", body.chain);
            let receipt = self.ledger.declare_anchoring(body)?;
            self.tell(&self.parties.operator, text, receipt);
        }
        Ok(())
    }

    fn submit(&mut self, finished: &Finished, draft: Digest) -> Result<Digest, Error> {
        let (local, developer) = (self.local, &self.parties.developer);
        let checkpoint = self.ledger.checkpoint(self.heads)?;
        let text = finished.proposal.to_json()?;
        let uri = content_uri(&Digest::of(&text));
        let checkpoint = Digest::of(checkpoint.to_string().as_bytes());
        let submitted = local.submit(&local.account(DEVELOPER), &uri, draft, checkpoint)?;
        let (chain, endpoint) = (local.chain().chain_id(), local.stack().endpoint);
        let on = OnRecord::shown(local.chain(), endpoint, &submitted, &uri, draft);
        let on = local.block_on(on)?;
        let receipt = record_submission(self.ledger, developer, &text, &on)?;
        let text = format!("submits proposal {} on {chain}", submitted.proposal_id);
        self.tell(developer, text, receipt);
        Ok(receipt)
    }

    /// Before there is an outcome, so that what it pays is bound to these accounts.
    fn register_accounts(&mut self) -> Result<(), Error> {
        let (local, Parties { researcher, developer, .. }) = (self.local, self.parties);
        let chain = local.chain().chain_id();
        for (agent, key) in [(researcher, RESEARCHER), (developer, DEVELOPER)] {
            let signer = local.account(key);
            let account = format!("{:#x}", signer.address());
            let (log, did) = (self.ledger.operator(), agent.did);
            let number = Some(self.ledger.next_account(&did, chain)?);
            let text = Agreement { log, agent: did, chain, account: &account, number }.text();
            let signature =
                local.block_on(signer.sign_text(&text)).map_err(chaos_chains::Error::from)?;
            let text = format!("is paid at account {account} of {chain}, which agrees");
            let bind = action::BindAccount { chain: chain.clone(), account, number, signature };
            let receipt = self.ledger.record(by(agent, vec![], Action::BindAccount(bind)))?;
            self.tell(agent, text, receipt);
        }
        Ok(())
    }

    fn vote(
        &mut self,
        finished: &Finished,
        receipts: &Receipts,
        submission: Digest,
    ) -> Result<Digest, Error> {
        let (local, operator) = (self.local, &self.parties.operator);
        let (name, value) = (finished.change.parameter().flag(), finished.change.proposed());
        let (id, content) = (finished.proposal.id(), finished.proposal.content());
        let mut call = local.call(&self.block_set.chain, name, value);
        call.description = vote_text(&content.title, &content.ask, &id);
        let vote = local.vote(&call)?;
        if vote.value != call.value {
            let (name, found) = (name.to_owned(), vote.value);
            return Err(Error::VoteSet { name, expected: value, found });
        }
        let chain = local.chain();
        let at = VoteAt {
            chain: chain.chain_id(),
            governor: local.stack().governor,
            id: vote.proposal_id,
        };
        let (shown_by, fact) = voting::prove(&chain.state_reader()?, &at, vote.block_number)
            .map_err(|error| Error::Vote(Box::new(error)))?;
        let seen = SeenVote {
            chain: chain.chain_id(),
            governor: local.stack().governor,
            proposal_id: vote.proposal_id,
            state: vote_state(fact.state)?,
            tally: fact.tally,
            block_number: vote.block_number,
            shown_by: Some(shown_by),
        };
        let receipt = record_vote(self.ledger, operator, &seen, submission, receipts)?;
        let (state, set) = (vote.state, vote.value);
        let text = format!("reads the vote: {state:?}, {name} is now {set} on the local chain");
        self.tell(operator, text, receipt);
        Ok(receipt)
    }

    /// Reputation follows from the log; the receipt fixes what it was at this point.
    fn score(&mut self, outcome: Digest) -> Result<(), Error> {
        let operator = &self.parties.operator;
        let (as_of_ms, log_size) = (self.ledger.last_integrated_at_ms(), self.ledger.size());
        let document =
            ScoreDocument::new(Model::NEWEST, as_of_ms, &self.ledger.evidence(as_of_ms)?);
        let digest = self.ledger.put_blob(&canonical::to_vec(&document)?)?;
        let ran = Score { document, log_size }.run()?;
        let output = self.ledger.put_blob(&ran.document)?;
        let receipt = self.ledger.record(NewEntry {
            subjects: vec![Product::new("score-table", output)],
            evidence: Score::evidence(vec![Input { name: EVIDENCE.to_owned(), digest }], output),
            ..by(operator, vec![outcome], Action::Score(ran.body))
        })?;
        let scores = ran.output.scores.iter();
        let scores: Vec<String> = scores
            .map(|row| format!("{} {}..{} ppm", row.role, row.lower_ppm, row.upper_ppm))
            .collect();
        self.tell(operator, format!("scores: {}", scores.join(", ")), receipt);
        Ok(())
    }

    /// The studio's task weights divide the pool; each account claims its share on chain.
    fn pay(&mut self, outcome: Digest) -> Result<(), Error> {
        let (local, Parties { researcher, developer, operator, .. }) = (self.local, self.parties);
        let account = |number| local.account(number).address();
        let plan = PayPlan {
            chain: local.chain().chain_id().clone(),
            genesis: local.block_on(local.chain().first_block())?.0,
            token: local.stack().token,
            distributor: local.stack().distributor,
            outcome,
            refund_after_s: Some(local::REFUND_AFTER_S),
            funder: Some(local.sponsor().address()),
            document: self.reward_document(),
            payees: vec![
                (researcher.did, account(RESEARCHER)),
                (developer.did, account(DEVELOPER)),
            ],
        };
        let funded = local.distribute(&plan.funding()?)?;
        let distribution_id = funded.distribution_id;
        let mut by = vec![funded.transaction];
        let due = plan.due()?;
        for Due { account, amount, proof, .. } in &due {
            let claim = Claim { distribution_id, account: *account, amount: *amount, proof };
            by.push(local.claim(&claim)?);
        }
        let paid = Paid::shown(local.chain(), &plan, distribution_id, &by);
        let paid = local.block_on(paid)?;
        let receipt = record_payment(self.ledger, operator, paid)?;
        let shares = due.iter().map(|due| Ok(tokens(amount(due.amount)?)));
        let shares = shares.collect::<Result<Vec<_>, Error>>()?.join(" and ");
        let text = format!("divides {} tokens: {shares}, claimed on chain", tokens(POOL));
        self.tell(operator, text, receipt);
        Ok(())
    }

    /// Every task of the studio was accepted with the vote, at full quality.
    fn reward_document(&self) -> RewardDocument {
        let account = |number| -> Address { self.local.account(number).address() };
        let tasks = self.studio.studio.tasks().iter();
        let slots = tasks.map(|task| {
            let researches = task.role.to_string() == self.parties.researcher.role;
            let account = account(if researches { RESEARCHER } else { DEVELOPER });
            (task.name.to_string(), task.reward_weight, format!("{account:#x}"))
        });
        RewardDocument { pool: POOL, slots: slots.collect() }
    }

    /// The verifier runs the last simulation again from its bundle and signs a verdict.
    fn judge(&mut self, receipts: &Receipts) -> Result<(), Error> {
        let Some(&simulation) = receipts.simulations.last() else { return Ok(()) };
        let verifier = &self.parties.verifier;
        let checkpoint = self.ledger.checkpoint(self.heads)?;
        let bundle = chaos_ledger::bundle(self.ledger, &simulation, &checkpoint, None)?;
        let kinds = self.ledger.system().kinds;
        let inputs = Inputs::new(self.inputs.to_vec());
        let (report, reexecuted) = held(&bundle, kinds, &inputs, self.progress);
        let failed = report.result.as_ref().err().map(|rejection| rejection.check);
        let action = Action::Verify(Verdict { receipt: simulation, failed, reexecuted });
        let receipt = self.ledger.record(by(verifier, vec![simulation], action))?;
        let verdict = match &report.result {
            Ok(_) if reexecuted => "same result".to_owned(),
            Ok(_) => "not re-executed, an input of it is not here".to_owned(),
            Err(rejection) => format!("rejected, {rejection}"),
        };
        let text = format!("runs simulation {} again: {verdict}", simulation.short());
        self.tell(verifier, text, receipt);
        Ok(())
    }
}

/// What is found of a bundle whose program is run again, and whether it was. What the verifier lacks to run it
/// speaks against nobody: then all the rest is judged.
fn held(bundle: &[u8], kinds: Kinds, inputs: &Inputs, progress: &dyn Progress) -> (Report, bool) {
    let appraiser = Appraiser::new(known_anchors(), None, None);
    let chain = ChainView::default();
    let reader = Reader { log: None, policy: None, now_ms: None, copy: None, kinds, chain };
    let report = check(bundle, reader, &appraiser, Some(inputs), progress);
    if !report.lacks_an_input() {
        return (report, true);
    }
    (check(bundle, reader, &appraiser, None, progress), false)
}

/// An entry that rests on its signer's word and produces nothing.
pub(crate) fn by(actor: &Signer, parents: Vec<Digest>, action: Action) -> NewEntry<'_> {
    NewEntry {
        agent: actor.did,
        keys: vec![&actor.key],
        parents,
        subjects: vec![],
        evidence: Evidence::None {},
        action,
    }
}

/// An [RFC 6920](https://www.rfc-editor.org/rfc/rfc6920) name: the content's digest is its address.
pub(crate) fn content_uri(digest: &Digest) -> String {
    format!("ni:///sha-256;{}", URL_SAFE_NO_PAD.encode(digest.as_bytes()))
}

pub(crate) fn contributions(receipts: &Receipts, submission: Digest) -> Vec<Contribution> {
    let mut named = vec![(receipts.analysis, "measure")];
    named.extend(receipts.simulations.last().map(|receipt| (*receipt, "simulate")));
    named.extend(receipts.draft.map(|receipt| (receipt, "draft")));
    named.push((submission, "submit"));
    named
        .into_iter()
        .map(|(receipt, task)| Contribution { receipt, task: task.to_owned() })
        .collect()
}

/// A vote's state as a receipt says it.
///
/// # Errors
/// [`Error::VoteOpen`] if it has not ended.
pub const fn vote_state(state: ProposalState) -> Result<VoteState, Error> {
    match state {
        ProposalState::Defeated => Ok(VoteState::Defeated),
        ProposalState::Succeeded | ProposalState::Queued => Ok(VoteState::Succeeded),
        ProposalState::Executed => Ok(VoteState::Executed),
        ProposalState::Canceled => Ok(VoteState::Canceled),
        ProposalState::Expired => Ok(VoteState::Expired),
        ProposalState::Pending | ProposalState::Active => Err(Error::VoteOpen { state }),
    }
}

pub(crate) fn amount(value: U256) -> Result<u128, Error> {
    u128::try_from(value).map_err(|_| Error::AmountTooLarge { value })
}

/// Whole tokens of 18 decimals, cut after three places.
fn tokens(units: u128) -> String {
    let thousandths = units / 1_000_000_000_000_000;
    format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000)
}

#[cfg(test)]
mod tests;
