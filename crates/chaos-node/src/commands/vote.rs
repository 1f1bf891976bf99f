//! `chaoschain vote`.

mod cast;
mod execute;
mod observe;
mod open;
mod watch;

use std::{path::Path, process::ExitCode};

use chaos_chains::{Contract, EvmChain, OpenVote, ProposalState, TxSummary, VOTE_FILE_BYTES_MAX};
use serde_json::json;

use crate::{
    args::{ChainArgs, DelegateArgs, VoteArgs, VoteCommand},
    commands::{
        deployment,
        sending::{Explorer, connect, outbox, planned, signer},
    },
    exit::{Failure, Kind, OrFail as _},
    output, runtime,
};

pub(crate) fn run(args: &VoteArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        VoteCommand::Delegate(args) => delegate(args),
        VoteCommand::Open(args) => open::run(args),
        VoteCommand::Cast(args) => cast::run(args),
        VoteCommand::Watch(args) => watch::run(args),
        VoteCommand::Execute(args) => execute::run(args),
        VoteCommand::Observe(args) => observe::run(args),
    }
}

fn delegate(args: &DelegateArgs) -> Result<ExitCode, Failure> {
    let outbox = outbox(&args.send)?;
    let signer = signer(&args.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?.settling()?;
        let token = deployment::contract(&chain, Contract::Token, None, &args.deployment).await?;
        let to = args.to.unwrap_or_else(|| signer.address());
        match chain.delegate(token, &signer, to).await {
            Ok(sent) => {
                let text = format!("the votes of {:#x} are {to:#x}'s now", signer.address());
                sent_as(&Sent { event: "delegated", text, sent }, &args.send.chain, args.send.json)
            }
            Err(error) => planned(&chain, error, args.send.json),
        }
    })
}

/// What was sent, in words.
struct Sent {
    event: &'static str,
    text: String,
    sent: TxSummary,
}

fn sent_as(told: &Sent, chain: &ChainArgs, as_json: bool) -> Result<ExitCode, Failure> {
    let Sent { event, text, sent } = told;
    if as_json {
        output::json(&json!({
            "event": event,
            "transaction": format!("{:#x}", sent.hash),
            "block_number": sent.block_number.to_string(),
            "gas_used": sent.gas_used.to_string(),
        }))?;
    } else {
        output::line(text);
        output::line(format_args!("  transaction  {:#x}", sent.hash));
        output::line(format_args!("  block        {}", sent.block_number));
        Explorer::of(chain)?.say_transaction(&sent.hash);
    }
    Ok(ExitCode::SUCCESS)
}

/// A vote by its file, on its own chain.
async fn read(chain: &EvmChain, path: &Path) -> Result<OpenVote, Failure> {
    let named = |failure: Failure| deployment::named(failure, path);
    let bytes = chaos_files::read(path, VOTE_FILE_BYTES_MAX)
        .or_fail(Kind::Input)
        .map_err(|failure| failure.hint("`chaoschain vote open` writes it; name it by --vote"))?;
    let vote = OpenVote::parse(&bytes).or_fail(Kind::Input).map_err(named)?;
    let found = chain.first_block().await?;
    if vote.chain == *chain.chain_id() && vote.genesis == found {
        // When votes are taken the governor says, not whoever handed the file on.
        let window = chain.voting_window(vote.governor, vote.call.proposal_id()).await?;
        return Ok(OpenVote { window, ..vote });
    }
    let reason = format!(
        "it is of {} with first block {}, this is {} with first block {found}",
        vote.chain,
        vote.genesis,
        chain.chain_id()
    );
    Err(named(Failure::message(Kind::Input, reason)))
}

/// OpenZeppelin's word for where a vote stands.
const fn word(state: ProposalState) -> &'static str {
    match state {
        ProposalState::Pending => "pending",
        ProposalState::Active => "active",
        ProposalState::Canceled => "canceled",
        ProposalState::Defeated => "defeated",
        ProposalState::Succeeded => "succeeded",
        ProposalState::Queued => "queued",
        ProposalState::Expired => "expired",
        ProposalState::Executed => "executed",
    }
}
