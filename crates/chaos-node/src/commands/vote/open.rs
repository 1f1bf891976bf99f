//! `chaoschain vote open`.

use std::process::ExitCode;

use chaos_chains::{Contract, Error, GovernorCall, OpenVote, ProposalState, U256};
use chaos_programs::submitting::{PROPOSAL_BYTES_MAX, Published};
use serde_json::json;

use super::word;
use crate::{
    args::OpenArgs,
    commands::{
        deployment,
        sending::{Explorer, connect, outbox, planned, signer},
    },
    exit::{Failure, Kind, OrFail as _},
    output, runtime,
};

pub(super) fn run(args: &OpenArgs) -> Result<ExitCode, Failure> {
    let outbox = outbox(&args.send)?;
    let text = chaos_files::read(&args.proposal, PROPOSAL_BYTES_MAX).or_fail(Kind::Input)?;
    let published = Published::parse(&text)
        .or_fail(Kind::Input)
        .map_err(|failure| deployment::named(failure, &args.proposal))?;
    let signer = signer(&args.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?.settling()?;
        let at =
            async |contract| deployment::contract(&chain, contract, None, &args.deployment).await;
        let governor = at(Contract::Governor).await?;
        let call = GovernorCall {
            registry: at(Contract::ParameterRegistry).await?,
            proposer: signer.address(),
            chain: published.chain().clone(),
            name: published.change().parameter.clone(),
            value: U256::from(published.change().proposed),
            description: published.vote_text(),
        };
        let expected = call.proposal_id();
        let (window, transaction) = match chain.propose(governor, &signer, &call).await {
            Ok(opened) if opened.proposal_id == expected => {
                (opened.window, Some(opened.transaction.hash))
            }
            Ok(opened) => {
                let found = opened.proposal_id;
                let reason = format!("the governor calls the vote {found}, expected {expected}");
                return Err(Failure::message(Kind::Check, reason));
            }
            // The same call with the same text and proposer is one vote, whoever's journal has it.
            Err(error @ Error::Reverted { .. }) => {
                match chain.proposal_state(governor, expected).await {
                    Ok(_) => (chain.voting_window(governor, expected).await?, None),
                    Err(_) => return Err(error.into()),
                }
            }
            Err(error) => return planned(&chain, error, args.send.json),
        };
        let vote = OpenVote {
            chain: chain.chain_id().clone(),
            genesis: chain.first_block().await?,
            governor,
            call,
            window,
            transaction,
        };
        if args.send.spend.dry_run {
            return foreseen(args, &vote);
        }
        deployment::write_text(&args.out, &vote.to_json())?;
        // The journal answers what was opened once, whatever became of it since.
        let state = chain.proposal_state(governor, expected).await?;
        report(args, &vote, state)
    })
}

/// The vote is there already, so that nothing would be sent.
fn foreseen(args: &OpenArgs, vote: &OpenVote) -> Result<ExitCode, Failure> {
    let id = vote.call.proposal_id();
    if args.send.json {
        output::json(&json!({"event": "nothing_to_send", "proposal_id": id.to_string()}))?;
    } else {
        output::line(format_args!("nothing would be signed or paid: the vote is there, {id:#x}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn report(args: &OpenArgs, vote: &OpenVote, state: ProposalState) -> Result<ExitCode, Failure> {
    let OpenVote { governor, call, window, transaction, .. } = vote;
    let id = call.proposal_id();
    if args.send.json {
        output::json(&json!({
            "event": "opened",
            "governor": format!("{governor:#x}"),
            "proposal_id": id.to_string(),
            "state": word(state),
            "start_block": window.start_block.to_string(),
            "end_block": window.end_block.to_string(),
            "transaction": transaction.map(|hash| format!("{hash:#x}")),
            "vote": args.out.display().to_string(),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_open = matches!(state, ProposalState::Pending | ProposalState::Active);
    let stands = if is_open { "open" } else { word(state) };
    output::line(format_args!("a vote on {} = {} is {stands}", call.name, call.value));
    output::line(format_args!("  governor     {governor:#x}"));
    output::line(format_args!("  in registry  {:#x}", call.registry));
    output::line(format_args!("  number       {id:#x}"));
    let (start, end) = (window.start_block, window.end_block);
    output::line(format_args!("  votes        after block {start}, up to block {end}"));
    match transaction {
        Some(hash) => output::line(format_args!("  transaction  {hash:#x}")),
        None => output::line("  it was opened before, not from this data directory"),
    }
    output::line(format_args!("written to {}", args.out.display()));
    if matches!(state, ProposalState::Defeated | ProposalState::Canceled | ProposalState::Expired) {
        output::hint(
            "a governor takes a text once: what is to be voted on again needs another draft",
        );
    }
    if let Some(hash) = transaction {
        Explorer::of(&args.send.chain)?.say_transaction(hash);
    }
    Ok(ExitCode::SUCCESS)
}
