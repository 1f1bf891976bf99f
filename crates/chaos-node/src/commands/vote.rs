//! `chaoschain vote`.

mod cast;
mod execute;
mod observe;
mod open;
mod watch;

use std::process::ExitCode;

use chaos_chains::{
    Address, Contract, EvmChain, OpenVote, ProposalState, TokenUnit, TxSummary, U256,
    VOTE_FILE_BYTES_MAX,
};
use serde_json::json;

use crate::{
    args::{ChainArgs, DelegateArgs, VoteArgs, VoteCommand, VoteFileArgs},
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
            Ok(Some(sent)) => {
                let text = format!("the votes of {:#x}\n  are {to:#x}'s now", signer.address());
                sent_as(&Sent { event: "delegated", text, sent }, &args.send.chain, args.send.json)
            }
            Ok(None) => {
                report_delegated(signer.address(), to, args.send.json)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => planned(&chain, error, args.send.json),
        }
    })
}

/// The token says that there is nothing to send.
fn report_delegated(account: Address, to: Address, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&json!({"event": "delegated", "transaction": null}));
    }
    output::line(format_args!("the votes of {account:#x}\n  are {to:#x}'s already"));
    output::say("as the node says; nothing was sent");
    Ok(())
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

/// A vote by its file, on its own chain and of the governor that its reader votes in: whoever wrote the file
/// chose the one that is in it.
async fn read(chain: &EvmChain, args: &VoteFileArgs) -> Result<OpenVote, Failure> {
    let named = |failure: Failure| deployment::named(failure, &args.vote);
    let bytes = chaos_files::read(&args.vote, VOTE_FILE_BYTES_MAX)
        .or_fail(Kind::Input)
        .map_err(|failure| failure.hint("`chaoschain vote open` writes it; name it by --vote"))?;
    let vote = OpenVote::parse(&bytes).or_fail(Kind::Input).map_err(named)?;
    let found = chain.first_block().await?;
    if vote.chain != *chain.chain_id() || vote.genesis != found {
        let reason = format!(
            "it is of {} with first block {}, this is {} with first block {found}",
            vote.chain,
            vote.genesis,
            chain.chain_id()
        );
        return Err(named(Failure::message(Kind::Input, reason)));
    }
    ensure_own(chain, &vote, args).await?;
    // When votes are taken the governor says, not whoever handed the file on.
    let window = chain.voting_window(vote.governor, vote.call.proposal_id()).await?;
    Ok(OpenVote { window, ..vote })
}

/// A vote is of the governor that its reader names, and on the registry that this governor's votes set.
async fn ensure_own(chain: &EvmChain, vote: &OpenVote, args: &VoteFileArgs) -> Result<(), Failure> {
    let refused = |what: &str, found: Address, by: &str, own: Address| {
        let reason = format!("it is of {what} {found:#x}, and {by} says {own:#x}");
        let hint =
            "whoever wrote the vote's file chose the one in it; votes count in your own alone";
        Err(deployment::named(Failure::message(Kind::Input, reason), &args.vote).hint(hint))
    };
    let registry = vote.call.registry;
    let (by, own) = known(chain, Contract::Governor, args.governor, args).await?;
    if vote.governor != own {
        return refused("governor", vote.governor, &by, own);
    }
    let (by, own) = known(chain, Contract::ParameterRegistry, args.registry, args).await?;
    if registry != own {
        return refused("registry", registry, &by, own);
    }
    let owner = chain.registry_owner(registry).await?;
    let timelock = chain.timelock_of(vote.governor).await?;
    if owner == timelock {
        return Ok(());
    }
    let reason = format!(
        "its registry {registry:#x} belongs to {owner:#x}, not to the governor's timelock {timelock:#x}: the vote can \
         set nothing there"
    );
    Err(deployment::named(Failure::message(Kind::Input, reason), &args.vote))
}

/// Where the governor or the registry is that the reader knows, and by what: by an option, else the deployment. Whose
/// contract it is its code does not show: whoever made it can have written what it holds.
async fn known(
    chain: &EvmChain,
    contract: Contract,
    named: Option<Address>,
    args: &VoteFileArgs,
) -> Result<(String, Address), Failure> {
    let (option, use_of_it) = match contract {
        Contract::Governor => ("--governor", "in which governor you vote"),
        _ => ("--registry", "which registry your votes set"),
    };
    if let Some(own) = named {
        return Ok((option.to_owned(), own));
    }
    let file = args.deployment.display();
    if deployment::read(&args.deployment)?
        .is_some_and(|known| known.contracts.contains_key(&contract))
    {
        let own = deployment::contract(chain, contract, None, &args.deployment).await?;
        return Ok((file.to_string(), own));
    }
    let reason = format!("neither {option} nor {file} says {use_of_it}");
    let hint = format!("name it by {option}, or by a deployment file that you know: --deployment");
    Err(Failure::message(Kind::Input, reason).hint(hint))
}

/// Votes as a number, in the unit of the token that a governor names.
fn votes(unit: Option<&TokenUnit>, amount: U256) -> String {
    unit.map_or_else(|| amount.to_string(), |unit| unit.number(amount))
}

/// What such a number counts.
fn counted(unit: Option<&TokenUnit>) -> String {
    match unit {
        Some(unit) => unit.to_string(),
        None => "smallest units; the governor names no token".to_owned(),
    }
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
