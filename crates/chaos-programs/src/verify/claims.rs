//! Reading what shows what receipts say of a chain: that a proposal is on record, that a payment was claimed.

use chaos_agency::{
    Action, Receipt,
    action::{self, Pay},
};
use chaos_chains::{
    Address, B256, Contract, PaidShare, PaymentClaim, ProvedBlock, StateProof, StateProofError,
    SubmissionClaim, U256, distribution_id, made_at,
    place::{Lookup, Sought},
};
use chaos_governance::receipts::{ObserveVote, Submit};
use chaos_incentives::Distribution;
use chaos_log::SignedCheckpoint;
use chaos_types::{ChainId, Check, Rejection};
use chaos_verify::{Block, Fault, ReadClaim, ShownClaim};

use serde::Deserialize;
use serde_json::Value;

use super::{ChainView, EvmProofs, anchors, said, told};
use crate::{
    deciding::vote_state,
    voting::{self, VoteAt},
};

/// The format line of what is kept of an anchor.
const ANCHORED_FORMAT: &str = "chaoschain-anchored/1";

/// What a proof shows, and where.
struct Shown<'a> {
    chain: &'a ChainId,
    /// What people call the contract.
    name: &'static str,
    address: Address,
    /// Whether that follows from the code that made it.
    is_made: bool,
    block: ProvedBlock,
    /// What the contract holds, and what of the receipt it leaves open.
    says: String,
}

impl ReadClaim for EvmProofs<'_> {
    fn read_claim(
        &self,
        receipt: &Receipt,
        document: &[u8],
        origin: &str,
    ) -> Result<ShownClaim, Rejection> {
        if let Action::Anchor(anchor) = &receipt.action {
            return self.0.shown(&anchored(anchor, document, origin)?);
        }
        let proof = StateProof::from_bytes(document)
            .map_err(|error| caused(Fault::ChainProofMalformed, &error))?;
        if let Some(submit) = receipt.action.read::<Submit>() {
            return self.0.shown(&submission(receipt, &submit, &proof)?);
        }
        if let Action::Pay(pay) = &receipt.action {
            return self.0.shown(&payment(pay, &proof)?);
        }
        if let Some(vote) = receipt.action.read::<ObserveVote>() {
            return self.0.shown(&outcome(&vote, &proof)?);
        }
        let reason = format!("no proof of a {} is known", receipt.action.kind());
        Err(Rejection::new(Check::Evidence, Fault::ChainProofMalformed, reason))
    }
}

fn submission<'a>(
    receipt: &Receipt,
    submit: &'a Submit,
    proof: &StateProof,
) -> Result<Shown<'a>, Rejection> {
    let draft =
        receipt.parents.first().ok_or_else(|| invalid("it rests on no receipt".to_owned()))?;
    let endpoint = address("contract", &submit.contract)?;
    let claim = SubmissionClaim {
        chain: &submit.chain,
        endpoint,
        proposal_id: number("proposal", &submit.proposal_id)?,
        uri: &submit.metadata_uri,
        receipt: *draft,
    };
    let fact = proof.submission(&claim).map_err(|error| shows_not(&error))?;
    let block = fact.block;
    let (when, which) = match block.number.checked_sub(submit.block_number) {
        None => {
            let reason = format!(
                "it is of block {}, before the submission's, {}",
                block.number, submit.block_number
            );
            return Err(invalid(reason));
        }
        // Its second is the block's own.
        Some(0) if fact.submitted_s != block.timestamp_s => {
            let reason = format!(
                "it was submitted at second {}, and block {} is of second {}",
                fact.submitted_s, block.number, block.timestamp_s
            );
            return Err(invalid(reason));
        }
        Some(0) => (String::new(), ""),
        Some(_) if fact.submitted_s > block.timestamp_s => {
            return Err(invalid("it was submitted after the block that shows it".to_owned()));
        }
        Some(_) => (format!(" at second {}", fact.submitted_s), "in which block, "),
    };
    let says = format!(
        "proposal {} by account {:#x}, which signed that it rests on {draft}{when}; {which}by which transaction, and \
         whose account that is, is the signer's word",
        submit.proposal_id, fact.submitter
    );
    Ok(Shown {
        chain: &submit.chain,
        name: Contract::ProposalEndpoint.name(),
        address: endpoint,
        is_made: made_at(Contract::ProposalEndpoint) == Some(endpoint),
        block,
        says,
    })
}

fn payment<'a>(pay: &'a Pay, proof: &StateProof) -> Result<Shown<'a>, Rejection> {
    let distributor = address("distributor", &pay.distributor)?;
    let mut total: u128 = 0;
    let mut accounts = Vec::with_capacity(pay.payments.len());
    for payment in &pay.payments {
        // That they add up is a rule of such receipts.
        total = total.saturating_add(payment.amount);
        accounts.push((address("account", &payment.account)?, U256::from(payment.amount)));
    }
    let tree =
        Distribution::new(accounts.iter().copied()).map_err(|error| invalid(error.to_string()))?;
    let shares = accounts.into_iter().filter_map(|(account, amount)| {
        let (_, way) = tree.claim(account)?;
        let way = way.iter().map(|hash| B256::from(hash.0)).collect();
        Some(PaidShare { account, amount, way })
    });
    let id = number("distribution", &pay.distribution_id)?;
    let whose = match &pay.funder {
        Some(funder) => {
            let from = address("funder", funder)?;
            if distribution_id(from, *pay.outcome.as_bytes()) != id {
                let outcome = pay.outcome;
                return Err(invalid(format!(
                    "it is not the one of {funder} for outcome {outcome}"
                )));
            }
            format!(" of {funder} for this outcome")
        }
        None => ", for which outcome is the signer's word".to_owned(),
    };
    let claim = PaymentClaim {
        distributor,
        distribution_id: id,
        token: address("token", &pay.token)?,
        root: B256::from(tree.root().0),
        total,
        claimed: shares.collect(),
    };
    let count = claim.claimed.len();
    let fact = proof.payment(&claim).map_err(|error| shows_not(&error))?;
    let says = format!(
        "the distribution{whose}, {total} units of token {}, of which {count} shares were claimed and {} units are \
         left; by which transactions, and what the token is, is the signer's word",
        pay.token, fact.remaining
    );
    Ok(Shown {
        chain: &pay.chain,
        name: Contract::RewardDistributor.name(),
        address: distributor,
        is_made: made_at(Contract::RewardDistributor) == Some(distributor),
        block: fact.block,
        says,
    })
}

/// What a governor says of a vote, asked here on the state that was proven.
fn outcome<'a>(vote: &'a ObserveVote, proof: &StateProof) -> Result<Shown<'a>, Rejection> {
    let governor = address("governor", &vote.governor)?;
    let id = number("vote", &vote.proposal_id)?;
    let fact = voting::read(proof, &VoteAt { chain: &vote.chain, governor, id })
        .map_err(|error| Rejection::caused(Check::Evidence, Fault::ChainProofInvalid, &error))?;
    let state = vote_state(fact.state).map_err(|error| invalid(error.to_string()))?;
    let tally = [fact.tally.in_favour, fact.tally.against, fact.tally.abstain];
    let claimed = [vote.votes_for, vote.votes_against, vote.votes_abstain].map(U256::from);
    let block = fact.block;
    if (state, tally, block.number) != (vote.state, claimed, vote.block_number) {
        let [found_for, found_against, found_abstain] = tally;
        return Err(invalid(format!(
            "after block {} the vote is {state:?} by {found_for} for, {found_against} against and \
             {found_abstain} abstaining; claimed is {:?} by {}, {} and {} after block {}",
            block.number,
            vote.state,
            vote.votes_for,
            vote.votes_against,
            vote.votes_abstain,
            vote.block_number
        )));
    }
    let says = format!(
        "vote {} with this state and these weights, as its own code says when it is run here; that it was \
         on that submission, and what counts towards it, is the signer's word",
        vote.proposal_id
    );
    let (name, is_made) = ("governor", false);
    Ok(Shown { chain: &vote.chain, name, address: governor, is_made, block, says })
}

/// What is kept of an anchor: the head, and the chain's proof of it.
#[derive(Deserialize)]
struct Kept {
    format: String,
    checkpoint: String,
    proof: Value,
}

/// That a contract was given a head of this log.
fn anchored<'a>(
    anchor: &'a action::Anchor,
    document: &[u8],
    origin: &str,
) -> Result<Shown<'a>, Rejection> {
    let malformed = |reason: String| {
        Rejection::new(Check::Evidence, Fault::ChainProofMalformed, format!("anchor: {reason}"))
    };
    let kept: Kept =
        serde_json::from_slice(document).map_err(|error| malformed(error.to_string()))?;
    if kept.format != ANCHORED_FORMAT {
        return Err(malformed(format!("format `{}`", kept.format.escape_debug())));
    }
    let head = SignedCheckpoint::parse(kept.checkpoint.as_bytes())
        .map_err(|error| malformed(error.to_string()))?;
    let head = head.claimed();
    if head.origin() != origin {
        return Err(invalid(format!("the head is of `{}`", head.origin().escape_debug())));
    }
    let fact = anchors::read(&kept.proof, anchor, head).map_err(|inner| invalid(inner.reason))?;
    let root = hex(head.root().as_bytes());
    if (head.size(), &root) != (anchor.log_size, &anchor.root) {
        return Err(invalid(format!("the head has {} entries and root {root}", head.size())));
    }
    let block = ProvedBlock {
        number: fact.block_number,
        hash: fact.block_hash,
        timestamp_s: fact.timestamp_s,
    };
    // Of the registry the proof has the address; a contract of a log's own is its maker's.
    let is_made = anchor.publisher.is_some();
    Ok(Shown {
        chain: &anchor.chain,
        name: if is_made { Contract::CheckpointRegistry.name() } else { "CheckpointAnchor" },
        address: fact.contract,
        is_made,
        block,
        says: format!("the log's head of {} entries", head.size()),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl ChainView<'_> {
    /// Holds the block against what the reader knows, and asks the reader's nodes for it.
    fn shown(&self, shown: &Shown<'_>) -> Result<ShownClaim, Rejection> {
        let Shown { chain, name, address, is_made, block, says } = shown;
        let ProvedBlock { number, hash, .. } = *block;
        // Hashes that were named, and nodes, are of the chain that the reader means.
        let other = self.chain.filter(|meant| meant != chain);
        let is_named = other.is_none() && self.blocks.contains(&hash);
        let lookup = self.nodes.filter(|_| other.is_none()).map(|nodes| {
            nodes.look_up(&Sought {
                chain: (*chain).clone(),
                block_number: number,
                block_hash: hash,
                contract: *address,
                origin: None,
            })
        });
        if let Some(said) = lookup.as_ref().and_then(Lookup::contradicting) {
            let reason =
                format!("shown after block {number} {hash:#x}: {} {}", said.node, said.says);
            return Err(Rejection::new(Check::Evidence, Fault::ChainBlockContradicted, reason));
        }
        let by_nodes = lookup.as_ref().map(|lookup| told(lookup, number, chain));
        let is_placed = is_named || lookup.as_ref().is_some_and(Lookup::is_placed);
        let placed = match (is_named, by_nodes) {
            (true, None) => "the hash that was named".to_owned(),
            (true, Some(told)) => format!("the hash that was named; {told}"),
            (false, Some(told)) if is_placed => told,
            (false, Some(told)) => format!("not placed: {told}"),
            (false, None) => match other {
                Some(meant) => format!("not placed: you mean {meant}"),
                None if self.blocks.is_empty() => "not compared with the chain".to_owned(),
                // Another file of the call may have that block, or this one's anchor.
                None => format!("not placed: named is {}", listed(self.blocks)),
            },
        };
        let is_contract_known = *is_made || self.trusted.contains(address);
        let known = match (*is_made, is_contract_known) {
            (true, _) => "whose address follows from its code",
            (false, true) => "which you trust",
            (false, false) => {
                "which anybody can have made with this in it (`--trust-contract`, if you know it)"
            }
        };
        let detail = format!(
            "after block {number} {hash:#x} of {chain} the {name} {address:#x}, {known}, holds {says}; {placed}"
        );
        let block = Block { is_placed, time_s: None, detail, said: said(lookup) };
        Ok(ShownClaim { block, is_contract_known })
    }
}

/// The hashes that the reader named.
pub(super) fn listed(blocks: &[B256]) -> String {
    let named: Vec<_> = blocks.iter().map(|hash| format!("{hash:#x}")).collect();
    named.join(", ")
}

fn address(what: &str, text: &str) -> Result<Address, Rejection> {
    text.parse().map_err(|_| invalid(format!("{what} `{}` is no address", text.escape_debug())))
}

/// A number in its one spelling.
fn number(what: &str, text: &str) -> Result<U256, Rejection> {
    let number = U256::from_str_radix(text, 10).ok().filter(|number| number.to_string() == text);
    number.ok_or_else(|| invalid(format!("{what} `{}` is no number", text.escape_debug())))
}

fn invalid(reason: String) -> Rejection {
    Rejection::new(Check::Evidence, Fault::ChainProofInvalid, reason)
}

fn shows_not(error: &StateProofError) -> Rejection {
    caused(Fault::ChainProofInvalid, error)
}

fn caused(fault: Fault, error: &StateProofError) -> Rejection {
    Rejection::caused(Check::Evidence, fault, error)
}
