//! `chaoschain vote execute`.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use chaos_chains::{EvmChain, OpenVote, ProposalState, Signer, TxSummary, U256};
use serde_json::json;

use super::word;
use crate::{
    args::ExecuteArgs,
    commands::sending::{Explorer, connect, outbox, planned, show_plans, signer},
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
                let hint = if matches!(state, ProposalState::Pending | ProposalState::Active) {
                    "`chaoschain vote watch` follows it until it has ended"
                } else {
                    "it has ended; what is to be voted on again takes another draft"
                };
                return Err(Failure::message(Kind::Input, reason).hint(hint));
            }
        }
        let mut state = state;
        if state == ProposalState::Succeeded
            && let Err(error) = chain.queue(vote.governor, &signer, &vote.call).await
        {
            // Anybody may, so that it may be done.
            state = after(&chain, &vote, &error).await.unwrap_or(state);
            if state == ProposalState::Succeeded {
                return planned(&chain, error, args.send.json);
            }
        }
        if args.send.spend.dry_run && state == ProposalState::Queued {
            let left_s = timelock_left(&chain, &vote).await?;
            if !left_s.is_zero() {
                return foretell(&chain, &signer, &vote, left_s, args.send.json).await;
            }
        }
        let patience = Duration::from_secs(args.send.spend.wait.wait);
        let executed = if state == ProposalState::Executed {
            None
        } else {
            wait_for_timelock(&chain, &vote, patience).await?;
            match chain.settling()?.execute(vote.governor, &signer, &vote.call).await {
                Ok(executed) => Some(executed),
                Err(error) => match after(&chain, &vote, &error).await {
                    Some(ProposalState::Executed) => None,
                    _ => return planned(&chain, error, args.send.json),
                },
            }
        };
        report(&chain, args, &vote, executed).await
    })
}

/// Where a vote stands once what was to move it was refused.
async fn after(
    chain: &EvmChain,
    vote: &OpenVote,
    error: &chaos_chains::Error,
) -> Option<ProposalState> {
    if !error.is_of_one_call() {
        return None;
    }
    chain.proposal_state(vote.governor, vote.call.proposal_id()).await.ok()
}

/// Seconds until the timelock opens, by the chain's own time.
async fn timelock_left(chain: &EvmChain, vote: &OpenVote) -> Result<U256, Failure> {
    let eta = chain.proposal_eta(vote.governor, vote.call.proposal_id()).await?;
    let now_s = chain.newest_time_s().await?;
    Ok(eta.saturating_sub(U256::from(now_s)))
}

/// What will be sent once the timelock is open. A dry run waits for nothing.
async fn foretell(
    chain: &EvmChain,
    signer: &Signer,
    vote: &OpenVote,
    left_s: U256,
    as_json: bool,
) -> Result<ExitCode, Failure> {
    let plan = chain.plan_execution(vote.governor, signer.address(), &vote.call).await?;
    show_plans(chain, &[plan], as_json)?;
    output::tell(format_args!(
        "the timelock opens in {left_s} s by the chain's time; until then the chain refuses this, and its gas \
         is a bound"
    ));
    Ok(ExitCode::SUCCESS)
}

/// Until the chain's own time is past what the timelock says.
async fn wait_for_timelock(
    chain: &EvmChain,
    vote: &OpenVote,
    patience: Duration,
) -> Result<(), Failure> {
    let start = Instant::now();
    let mut is_told = false;
    loop {
        let left = timelock_left(chain, vote).await?;
        if left.is_zero() {
            return Ok(());
        }
        if !is_told {
            output::tell(format_args!(
                "queued: the timelock opens in {left} s by the chain's time"
            ));
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
            "registry": format!("{:#x}", call.registry),
            "value": value.to_string(),
            "expected": call.value.to_string(),
            "transaction": executed.map(|sent| format!("{:#x}", sent.hash)),
            "block_number": executed.map(|sent| sent.block_number.to_string()),
        }))?;
    } else {
        let (name, of) = (output::one_line(&call.name), &call.chain);
        output::line(format_args!("the vote is carried out: {name} of {of} is {value}"));
        output::line(format_args!("  in registry  {:#x}", call.registry));
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
