//! The second half: submit, vote, score, pay, verify and anchor.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chaos_agency::{
    Action, Evidence,
    action::{self, Contribution, Payment, Verdict},
    receipt::{Input, Product},
};
use chaos_chains::{ProposalState, U256};
use chaos_governance::receipts::{self, VoteState};
use chaos_log::SignedCheckpoint;
use chaos_reputation::ScoreDocument;
use chaos_types::{Digest, canonical};
use chaos_verify::Anchored;

use super::{LocalChain, ParameterCall, Setup};
use crate::{
    commands::{
        anchor::{self, Anchoring},
        write_file,
    },
    exit::{Failure, Kind, OrFail as _},
    narration::Terminal,
};
use chaos_ledger::NewEntry;
use chaos_programs::{
    ChainView, Reader,
    appraisal::{Appraiser, known_anchors},
    check,
    program::{Divide, Program as _, RewardDocument, Score},
    proposing::{Finished, Receipts, Signer},
    reexecution::{EVIDENCE, Inputs, REWARDS},
    simulation::BlockSet,
};

/// The pool that the sponsor puts up: 1,000 tokens of 18 decimals.
const POOL: u128 = 1_000_000_000_000_000_000_000;

/// What the second half left behind.
pub(crate) struct Ended {
    pub(super) anchoring: Anchoring,
    pub(super) bundles: Vec<PathBuf>,
    /// The draft, which is the receipt that the chain's proposal carries.
    pub(super) draft: Digest,
}

impl Setup<'_> {
    pub(crate) fn finish(
        &mut self,
        block_set: &BlockSet,
        local: &LocalChain,
        finished: &Finished,
        receipts: &Receipts,
    ) -> Result<Ended, Failure> {
        let draft = receipts
            .draft
            .ok_or_else(|| Failure::message(Kind::Check, "the draft was not signed"))?;
        let submission = self.submit(local, finished, draft)?;
        let outcome = self.vote(block_set, local, finished, receipts, submission)?;
        self.score(outcome)?;
        self.pay(local, outcome)?;
        self.judge(receipts)?;
        let anchoring = {
            let LocalChain { chain, stack, runtime, .. } = local;
            let place = anchor::Place { chain, contract: stack.anchor, signer: &local.sponsor() };
            runtime.block_on(anchor::anchor(&mut self.ledger, &self.heads, &place))?
        };
        let text = format!(
            "anchors {} entries in block {} of {}",
            anchoring.body.log_size, anchoring.body.block_number, anchoring.body.chain
        );
        self.narration.tell("operator", text, Some(anchoring.receipt));
        let bundles = self.write_bundles(&anchoring.checkpoint, Some(&anchoring.anchored))?;
        Ok(Ended { anchoring, bundles, draft })
    }

    fn act(
        &mut self,
        actor: fn(&Self) -> &Signer,
        parents: Vec<Digest>,
        subjects: Vec<Product>,
        evidence: Evidence,
        action: Action,
    ) -> Result<Digest, Failure> {
        let actor = actor(self);
        let (agent, key) = (actor.did, actor.key.clone());
        Ok(self.ledger.record(NewEntry {
            agent,
            keys: vec![&key],
            parents,
            subjects,
            evidence,
            action,
        })?)
    }

    fn submit(
        &mut self,
        local: &LocalChain,
        finished: &Finished,
        draft: Digest,
    ) -> Result<Digest, Failure> {
        let checkpoint = self.ledger.checkpoint(&self.heads)?;
        let json = finished.proposal.to_json().or_fail(Kind::Check)?;
        let document = self.ledger.put_blob(&json)?;
        let uri = content_uri(&document);
        let submitted = local.submit(&uri, &draft, &checkpoint)?;
        let action = Action::of(&receipts::Submit {
            chain: local.chain.chain_id().clone(),
            contract: format!("{:#x}", local.stack.endpoint),
            proposal_id: submitted.proposal_id.to_string(),
            metadata_uri: uri,
            transaction: format!("{:#x}", submitted.transaction.hash),
            block_number: submitted.transaction.block_number,
        });
        let subjects = vec![Product::new("proposal", document)];
        let receipt =
            self.act(|setup| &setup.developer, vec![draft], subjects, Evidence::None {}, action)?;
        let text =
            format!("submits proposal {} on {}", submitted.proposal_id, local.chain.chain_id());
        self.narration.tell("developer", text, Some(receipt));
        Ok(receipt)
    }

    fn vote(
        &mut self,
        block_set: &BlockSet,
        local: &LocalChain,
        finished: &Finished,
        receipts: &Receipts,
        submission: Digest,
    ) -> Result<Digest, Failure> {
        let change = &finished.change;
        let call = ParameterCall {
            chain: block_set.chain.clone(),
            name: change.parameter().flag().to_owned(),
            value: change.proposed(),
        };
        let content = finished.proposal.content();
        let description = format!(
            "# {}\n\n{}\n\nproposal {}",
            content.title,
            content.ask,
            finished.proposal.id()
        );
        let vote = local.vote(&call, description)?;
        if vote.value != U256::from(change.proposed()) {
            return Err(Failure::message(
                Kind::Check,
                format!(
                    "the vote set {} to {}, not to {}",
                    call.name,
                    vote.value,
                    change.proposed()
                ),
            ));
        }
        let action = Action::of(&receipts::ObserveVote {
            chain: local.chain.chain_id().clone(),
            governor: format!("{:#x}", local.stack.governor),
            proposal_id: vote.proposal_id.to_string(),
            state: vote_state(vote.state)?,
            votes_for: amount(vote.tally.in_favour)?,
            votes_against: amount(vote.tally.against)?,
            votes_abstain: amount(vote.tally.abstain)?,
            block_number: vote.block_number,
            submission,
            contributions: contributions(receipts, submission),
        });
        let receipt =
            self.act(|setup| &setup.operator, vec![submission], vec![], Evidence::None {}, action)?;
        let text = format!(
            "reads the vote: {:?}, {} is now {} on the local chain",
            vote.state, call.name, vote.value
        );
        self.narration.tell("operator", text, Some(receipt));
        Ok(receipt)
    }

    /// Reputation follows from the log; the receipt fixes what it was at this point.
    fn score(&mut self, outcome: Digest) -> Result<(), Failure> {
        let (as_of_ms, log_size) = (self.ledger.last_integrated_at_ms(), self.ledger.size());
        let document = ScoreDocument::new(as_of_ms, &self.ledger.evidence(as_of_ms)?);
        let evidence = self.ledger.put_blob(&canonical::to_vec(&document).or_fail(Kind::Check)?)?;
        let ran = Score { document, log_size }.run()?;
        let output = self.ledger.put_blob(&ran.document)?;
        let action = Action::Score(ran.body);
        let subjects = vec![Product::new("score-table", output)];
        let why =
            Score::evidence(vec![Input { name: EVIDENCE.to_owned(), digest: evidence }], output);
        let receipt = self.act(|setup| &setup.operator, vec![outcome], subjects, why, action)?;
        let scores: Vec<String> = ran
            .output
            .scores
            .iter()
            .map(|row| format!("{} {}..{} ppm", row.role, row.lower_ppm, row.upper_ppm))
            .collect();
        self.narration.tell("operator", format!("scores: {}", scores.join(", ")), Some(receipt));
        Ok(())
    }

    /// The studio's task weights divide the pool; each account claims its share on chain.
    fn pay(&mut self, local: &LocalChain, outcome: Digest) -> Result<(), Failure> {
        let document = self.reward_document(local);
        let input = self.ledger.put_blob(&canonical::to_vec(&document).or_fail(Kind::Check)?)?;
        let ran = Divide { document: &document }.run()?;
        let output = self.ledger.put_blob(&ran.document)?;
        let (_, distribution) = &ran.output;
        let (id, funded) = local.distribute(distribution.root().0, distribution.total())?;
        let mut transactions = vec![format!("{:#x}", funded.hash)];
        let mut payments = Vec::new();
        for (agent, account) in [
            (self.researcher.did, local.researcher_account()),
            (self.developer.did, local.developer_account()),
        ] {
            let Some((claim, proof)) = distribution.claim(account) else { continue };
            let proof: Vec<[u8; 32]> = proof.iter().map(|hash| hash.0).collect();
            let claimed = local.claim(id, account, claim.amount, &proof)?;
            transactions.push(format!("{:#x}", claimed.hash));
            let amount = amount(claim.amount)?;
            payments.push(Payment { agent, account: format!("{account:#x}"), amount });
        }
        let paid: Vec<String> = payments.iter().map(|p| tokens(p.amount)).collect();
        let action = Action::Pay(action::Pay {
            chain: local.chain.chain_id().clone(),
            token: format!("{:#x}", local.stack.token),
            distributor: format!("{:#x}", local.stack.distributor),
            distribution_id: id.to_string(),
            merkle_root: ran.body.merkle_root,
            pool: ran.body.pool,
            payments,
            returned: ran.body.returned,
            outcome,
            transactions,
        });
        let subjects = vec![Product::new("shares", output)];
        let why = Divide::evidence(vec![Input { name: REWARDS.to_owned(), digest: input }], output);
        let receipt = self.act(|setup| &setup.operator, vec![outcome], subjects, why, action)?;
        let text =
            format!("divides {} tokens: {}, claimed on chain", tokens(POOL), paid.join(" and "));
        self.narration.tell("operator", text, Some(receipt));
        Ok(())
    }

    /// Every task of the studio was accepted with the vote, at full quality.
    fn reward_document(&self, local: &LocalChain) -> RewardDocument {
        let slots = self
            .studio
            .studio
            .tasks()
            .iter()
            .map(|task| {
                let account = if task.role.to_string() == self.researcher.role {
                    local.researcher_account()
                } else {
                    local.developer_account()
                };
                (task.name.to_string(), task.reward_weight, format!("{account:#x}"))
            })
            .collect();
        RewardDocument { pool: POOL, slots }
    }

    /// The verifier runs the last simulation again from its bundle and signs a verdict.
    fn judge(&mut self, receipts: &Receipts) -> Result<(), Failure> {
        let Some(&simulation) = receipts.simulations.last() else { return Ok(()) };
        let checkpoint = self.ledger.checkpoint(&self.heads)?;
        let bundle = chaos_ledger::bundle(&self.ledger, &simulation, &checkpoint, None)?;
        let inputs = Inputs::new(self.source.folders.clone());
        let appraiser = Appraiser::new(known_anchors(), None, None);
        let kinds = self.ledger.system().kinds;
        let reader = Reader { log: None, copy: None, kinds, chain: ChainView::default() };
        let report = check(&bundle, reader, &appraiser, Some(&inputs), &Terminal::default());
        let failed = report.result.as_ref().err().map(|rejection| rejection.check);
        let action = Action::Verify(Verdict { receipt: simulation, failed, reexecuted: true });
        let receipt =
            self.act(|setup| &setup.verifier, vec![simulation], vec![], Evidence::None {}, action)?;
        let verdict = match &report.result {
            Ok(_) => "same result".to_owned(),
            Err(rejection) => format!("rejected, {rejection}"),
        };
        let text = format!("runs simulation {} again: {verdict}", simulation.short());
        self.narration.tell("verifier", text, Some(receipt));
        Ok(())
    }

    /// A bundle for every receipt under the checkpoint.
    pub(super) fn write_bundles(
        &self,
        checkpoint: &SignedCheckpoint,
        anchored: Option<&Anchored>,
    ) -> Result<Vec<PathBuf>, Failure> {
        let size = checkpoint.claimed().size();
        let folder = self.folder.path().join("bundles");
        let mut paths = Vec::new();
        for (index, row) in self.ledger.actions(0..size)? {
            let bytes =
                chaos_ledger::bundle(&self.ledger, &row.receipt, checkpoint, anchored.cloned())?;
            let path = folder.join(format!("{index:02}-{}.json", row.kind.replace('_', "-")));
            write_file(&path, &bytes)?;
            paths.push(path);
        }
        Ok(paths)
    }
}

/// An [RFC 6920](https://www.rfc-editor.org/rfc/rfc6920) name: the content's digest is its address.
fn content_uri(digest: &Digest) -> String {
    format!("ni:///sha-256;{}", URL_SAFE_NO_PAD.encode(digest.as_bytes()))
}

fn contributions(receipts: &Receipts, submission: Digest) -> Vec<Contribution> {
    let mut named = vec![(receipts.analysis, "measure")];
    named.extend(receipts.simulations.last().map(|receipt| (*receipt, "simulate")));
    named.extend(receipts.draft.map(|receipt| (receipt, "draft")));
    named.push((submission, "submit"));
    named
        .into_iter()
        .map(|(receipt, task)| Contribution { receipt, task: task.to_owned() })
        .collect()
}

fn vote_state(state: ProposalState) -> Result<VoteState, Failure> {
    match state {
        ProposalState::Defeated => Ok(VoteState::Defeated),
        ProposalState::Succeeded | ProposalState::Queued => Ok(VoteState::Succeeded),
        ProposalState::Executed => Ok(VoteState::Executed),
        ProposalState::Canceled => Ok(VoteState::Canceled),
        ProposalState::Expired => Ok(VoteState::Expired),
        ProposalState::Pending | ProposalState::Active => {
            Err(Failure::message(Kind::Check, format!("the vote is still {state:?}")))
        }
    }
}

fn amount(value: U256) -> Result<u128, Failure> {
    u128::try_from(value)
        .map_err(|_| Failure::message(Kind::Check, format!("{value} does not fit 128 bits")))
}

/// Whole tokens of 18 decimals, cut after three places.
fn tokens(units: u128) -> String {
    let thousandths = units / 1_000_000_000_000_000;
    format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000)
}
