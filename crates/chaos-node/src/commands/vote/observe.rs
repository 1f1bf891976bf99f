//! `chaoschain vote observe`.

use std::process::ExitCode;

use chaos_agency::Body as _;
use chaos_chains::{
    Address, Error, EvmChain, GovernorCall, ObservedVote, StateProof, TokenUnit, U256,
    sending::Finality,
};
use chaos_governance::receipts::{ObserveVote, Submit};
use chaos_ledger::{Ledger, OPERATOR};
use chaos_programs::{
    deciding::vote_state,
    proposing,
    submitting::{SeenVote, led_to, record_vote, submitted},
    voting::{self, VoteAt},
};
use chaos_types::Digest;
use serde_json::json;

use super::word;
use crate::{
    args::{ObserveArgs, VoteFileArgs},
    commands::sending::reach,
    exit::{Failure, Kind, OrFail as _},
    ledger, output, runtime,
};

pub(super) fn run(args: &ObserveArgs) -> Result<ExitCode, Failure> {
    let read = runtime::single()?.block_on(async {
        let read = read(args).await?;
        if let (Some(submission), None) = (args.submission, &read.call) {
            ensure_later(args, &read, submission).await?;
        }
        Ok::<_, Failure>(read)
    })?;
    let receipt = match args.submission {
        Some(submission) => Some(record(args, &read, submission)?),
        None => None,
    };
    report(args, &read, receipt)
}

/// A vote, and where.
struct Read {
    chain: EvmChain,
    governor: Address,
    id: U256,
    /// What is voted on, where a file shows it.
    call: Option<GovernorCall>,
    vote: ObservedVote,
    unit: Option<TokenUnit>,
}

async fn read(args: &ObserveArgs) -> Result<Read, Failure> {
    let chain = reach(&args.read.chain).await?;
    let (governor, id, call) = match (args.governor, args.id) {
        (Some(governor), Some(id)) => (governor, id, None),
        _ => {
            let (vote, deployment) = (args.vote.clone(), args.deployment.clone());
            let file = VoteFileArgs { vote, deployment, governor: None, registry: None };
            let vote = super::read(&chain, &file).await?;
            (vote.governor, vote.call.proposal_id(), Some(vote.call))
        }
    };
    let finality = args.wait.finality;
    let vote = chain.observe_vote(governor, id, finality).await.map_err(|error| {
        let is_unknown = matches!(&error, Error::Reverted { .. } | Error::NoGovernor { .. });
        let failure = Failure::from(error);
        if is_unknown && matches!(finality, Finality::Safe | Finality::Final) {
            failure.hint(format!(
                "the newest block that is {finality} was asked, and the vote may be younger: --finality included \
                 asks the newest of all"
            ))
        } else {
            failure
        }
    })?;
    let unit = chain.vote_unit(governor).await?;
    Ok(Read { chain, governor, id, call, vote, unit })
}

/// A vote that is said to be on a submission, and shows no text, had not ended before that was on the chain.
async fn ensure_later(args: &ObserveArgs, read: &Read, submission: Digest) -> Result<(), Failure> {
    let receipt = ledger::read(&args.read.data.data)?.receipt(&submission)?;
    // What is no submission is refused where it would be logged.
    let Some(submit) = receipt.and_then(|receipt| receipt.action.read::<Submit>()) else {
        return Ok(());
    };
    let Read { chain, governor, vote, .. } = read;
    let block = submit.block_number;
    let has_ended = if submit.chain == *chain.chain_id() {
        chain.ended_before(*governor, vote, block).await?
    } else {
        None
    };
    match has_ended {
        Some(false) => Ok(()),
        Some(true) => {
            let reason = format!(
                "voting had ended at {} by the governor's clock, before submission {submission} was on the chain, in \
                 block {block}",
                vote.window[1]
            );
            Err(Failure::message(Kind::Input, reason).hint("nothing was logged"))
        }
        None => {
            output::tell(
                "whether voting ended after that submission cannot be told: the governor's clock counts no blocks of \
                 the submission's chain, and not their time",
            );
            Ok(())
        }
    }
}

fn record(args: &ObserveArgs, read: &Read, submission: Digest) -> Result<Digest, Failure> {
    let Read { chain, governor, id, vote, .. } = read;
    let mut ledger = ledger::open(&args.read.data.data)?;
    ledger.operator_for(ObserveVote::KIND)?;
    let state = vote_state(vote.state).map_err(|error| {
        Failure::from(error)
            .hint("an outcome is logged once the vote has ended, in a block that stays")
    })?;
    let receipts = led_to(&ledger, submission)?;
    match &read.call {
        Some(call) => ensure_of(&ledger, args, call, submission)?,
        None => output::tell(
            "that this vote is on that submission is the operator's word: without --vote its text is not known",
        ),
    }
    let operator = proposing::Signer::of(&ledger, OPERATOR)?;
    let shown_by = if args.without_proof {
        output::say("the outcome is logged on this node's word: its receipt names no proof");
        None
    } else {
        Some(shown(read)?)
    };
    let seen = SeenVote {
        chain: chain.chain_id(),
        governor: *governor,
        proposal_id: *id,
        state,
        tally: vote.tally,
        block_number: vote.block_number,
        shown_by,
    };
    match record_vote(&mut ledger, &operator, &seen, submission, &receipts) {
        Ok(receipt) => Ok(receipt),
        Err(error) => Err(match logged_before(&ledger, submission)? {
            Some(receipt) => Failure::from(error).hint(format!("its outcome is receipt {receipt}")),
            None => error.into(),
        }),
    }
}

/// The outcome that the log has of a submission.
fn logged_before(ledger: &Ledger, submission: Digest) -> Result<Option<Digest>, Failure> {
    for (_, row) in ledger.actions(0..ledger.size())? {
        if row.kind == ObserveVote::KIND
            && let Some(receipt) = ledger.receipt(&row.receipt)?
            && let Some(vote) = receipt.action.read::<ObserveVote>()
            && vote.submission == submission
        {
            return Ok(Some(row.receipt));
        }
    }
    Ok(None)
}

/// A vote is on what a submission asks for, in its text and in its call.
fn ensure_of(
    ledger: &Ledger,
    args: &ObserveArgs,
    call: &GovernorCall,
    submission: Digest,
) -> Result<(), Failure> {
    let submitted = submitted(ledger, submission)?;
    let (chain, change) = (submitted.chain(), submitted.change());
    let (name, value) = (&change.parameter, U256::from(change.proposed));
    let sets_it = (&call.chain, &call.name, call.value) == (chain, name, value);
    let reason = if call.description != submitted.vote_text() {
        format!(
            "the vote in {} is on another text than submission {submission}",
            args.vote.display()
        )
    } else if !sets_it {
        format!(
            "the vote in {} sets {} of {} to {}, and submission {submission} asks for {name} of {chain} = {value}",
            args.vote.display(),
            call.name,
            call.chain,
            call.value
        )
    } else {
        return Ok(());
    };
    Err(Failure::message(Kind::Input, reason).hint("nothing was logged"))
}

/// What shows what was read: the governor, asked once more on the state that the block left, as the node proves it.
fn shown(read: &Read) -> Result<StateProof, Failure> {
    let Read { chain, governor, id, vote, .. } = read;
    let asked = VoteAt { chain: chain.chain_id(), governor: *governor, id: *id };
    let node = chain.state_reader()?;
    let (proof, fact) = voting::prove(&node, &asked, vote.block_number)
        .or_fail(Kind::Outside)
        .map_err(|failure| {
            failure.hint(
                "nothing was logged; another node by --rpc-url may prove its state (eth_getProof), and \
                 --without-proof logs it on this node's word",
            )
        })?;
    let is_the_same =
        (fact.block.hash, fact.state, fact.tally) == (vote.block_hash, vote.state, vote.tally);
    if is_the_same {
        return Ok(proof);
    }
    let reason = format!(
        "the node says that the vote is {} after block {}, and what it proves that it is {}",
        word(vote.state),
        vote.block_number,
        word(fact.state)
    );
    let hint = "nothing was logged; name another node by --rpc-url. --without-proof logs it on this node's word, \
                for a governor that reads more than state (a rollup's own precompiles)";
    Err(Failure::message(Kind::Outside, reason).hint(hint))
}

fn report(args: &ObserveArgs, read: &Read, receipt: Option<Digest>) -> Result<ExitCode, Failure> {
    let Read { chain, governor, id, vote, unit, .. } = read;
    let ObservedVote { kind, state, tally, window, block_number, block_hash } = vote;
    if args.read.json {
        output::json(&json!({
            "chain": chain.chain_id(),
            "governor": format!("{governor:#x}"),
            "kind": kind.name(),
            "proposal_id": id.to_string(),
            "state": word(*state),
            "votes_for": tally.in_favour.to_string(),
            "votes_against": tally.against.to_string(),
            "votes_abstain": tally.abstain.to_string(),
            "start": window[0].to_string(),
            "end": window[1].to_string(),
            "block_number": block_number.to_string(),
            "block_hash": format!("{block_hash:#x}"),
            "finality": args.wait.finality.to_string(),
            "receipt": receipt,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let votes = |amount: &U256| super::votes(unit.as_ref(), *amount);
    output::line(format_args!("{} by {}: {}", chain.chain_id(), kind.name(), word(*state)));
    output::line(format_args!("  governor {governor:#x}"));
    output::line(format_args!("  number   {id:#x}"));
    if let Some(call) = &read.call {
        output::line(format_args!("  registry {:#x}", call.registry));
    }
    output::line(format_args!("  for      {}", votes(&tally.in_favour)));
    output::line(format_args!("  against  {}", votes(&tally.against)));
    output::line(format_args!("  abstain  {}", votes(&tally.abstain)));
    output::line(format_args!("  counted  {}", super::counted(unit.as_ref())));
    output::line(format_args!("  window   {} to {}", window[0], window[1]));
    output::line(format_args!("  read in  block {block_number}, {}", args.wait.finality));
    match receipt {
        Some(receipt) => output::line(format_args!("  receipt  {receipt}")),
        None => output::say("one node's word; nothing was logged"),
    }
    Ok(ExitCode::SUCCESS)
}
