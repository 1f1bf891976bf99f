//! `chaoschain vote execute`.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use chaos_chains::{EvmChain, OpenVote, ProposalState, TxSummary};
use serde_json::json;

use super::word;
use crate::{
    args::ExecuteArgs,
    commands::sending::{Explorer, connect, outbox, planned, signer},
    exit::{Failure, Kind},
    output, runtime,
};

/// Pause between two tries.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn run(args: &ExecuteArgs) -> Result<ExitCode, Failure> {
    let outbox = outbox(&args.send)?;
    let signer = signer(&args.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?;
        let vote = super::read(&chain, &args.vote).await?;
        let state = chain.proposal_state(vote.governor, vote.call.proposal_id()).await?;
        match state {
            ProposalState::Succeeded | ProposalState::Queued | ProposalState::Executed => {}
            ProposalState::Pending
            | ProposalState::Active
            | ProposalState::Canceled
            | ProposalState::Defeated
            | ProposalState::Expired => {
                let reason =
                    format!("the vote is {}, so there is nothing to carry out", word(state));
                let hint = "`chaoschain vote watch` follows it until it has ended";
                return Err(Failure::message(Kind::Input, reason).hint(hint));
            }
        }
        if state == ProposalState::Succeeded
            && let Err(error) = chain.queue(vote.governor, &signer, &vote.call).await
        {
            return planned(&chain, error, args.send.json);
        }
        let patience = if args.send.spend.dry_run { 0 } else { args.send.spend.wait.wait };
        let patience = Duration::from_secs(patience);
        let executed = if state == ProposalState::Executed {
            None
        } else {
            wait_for_timelock(&chain, &vote, patience).await?;
            match chain.settling()?.execute(vote.governor, &signer, &vote.call).await {
                Ok(executed) => Some(executed),
                Err(error) => return planned(&chain, error, args.send.json),
            }
        };
        report(&chain, args, &vote, executed).await
    })
}

/// Until the chain's own time is past what the timelock says.
async fn wait_for_timelock(
    chain: &EvmChain,
    vote: &OpenVote,
    patience: Duration,
) -> Result<(), Failure> {
    let (start, id) = (Instant::now(), vote.call.proposal_id());
    let mut is_told = false;
    loop {
        let eta = chain.proposal_eta(vote.governor, id).await?;
        let now_s = chain.newest_time_s().await?;
        if chaos_chains::U256::from(now_s) >= eta {
            return Ok(());
        }
        let left = eta.saturating_sub(chaos_chains::U256::from(now_s));
        if !is_told {
            output::say(format_args!("queued: the timelock opens in {left} s by the chain's time"));
            is_told = true;
        }
        if start.elapsed() > patience {
            let waited_s = patience.as_secs();
            let reason = format!("the timelock has {left} s left after {waited_s} s");
            let hint = "the vote is queued; run it again then, or wait longer by --wait";
            return Err(Failure::message(Kind::Outside, reason).hint(hint));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn report(
    chain: &EvmChain,
    args: &ExecuteArgs,
    vote: &OpenVote,
    executed: Option<TxSummary>,
) -> Result<ExitCode, Failure> {
    let OpenVote { call, .. } = vote;
    let value = chain.parameter(call.registry, &call.chain, &call.name).await?;
    if args.send.json {
        output::json(&json!({
            "event": "executed",
            "parameter": call.name,
            "of": call.chain,
            "value": value.to_string(),
            "expected": call.value.to_string(),
            "transaction": executed.map(|sent| format!("{:#x}", sent.hash)),
            "block_number": executed.map(|sent| sent.block_number.to_string()),
        }))?;
    } else {
        let (name, of) = (&call.name, &call.chain);
        output::line(format_args!("the vote is carried out: {name} of {of} is {value}"));
        if let Some(sent) = executed {
            output::line(format_args!("  transaction  {:#x}", sent.hash));
            output::line(format_args!("  block        {}", sent.block_number));
            Explorer::of(&args.send.chain)?.say_transaction(&sent.hash);
        }
    }
    if value == call.value {
        return Ok(ExitCode::SUCCESS);
    }
    // A later vote may have set it again.
    let reason = format!("the registry says {value}, the vote was on {}", call.value);
    Err(Failure::message(Kind::Check, reason))
}
