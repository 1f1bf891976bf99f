//! `chaoschain vote watch`.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use chaos_chains::{EvmChain, OpenVote, ProposalState, TokenUnit, U256, VoteTally};
use serde_json::json;

use super::word;
use crate::{
    args::WatchArgs,
    commands::sending::reach,
    exit::{Failure, Kind},
    output, runtime,
};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn run(args: &WatchArgs) -> Result<ExitCode, Failure> {
    runtime::single()?.block_on(async {
        let chain = reach(&args.chain).await?;
        let vote = super::read(&chain, &args.vote).await?;
        let unit = chain.vote_unit(vote.governor).await?;
        let patience = Duration::from_secs(args.wait);
        let has_ended = |state| !matches!(state, ProposalState::Pending | ProposalState::Active);
        let state = follow(&chain, &vote, patience, has_ended, |state, tally| {
            tell(state, tally, unit.as_ref(), args.json)
        })
        .await?;
        let next = match state {
            ProposalState::Succeeded | ProposalState::Queued => {
                "`chaoschain vote execute` carries it out"
            }
            _ => return Ok(ExitCode::SUCCESS),
        };
        if !args.json {
            output::say(next);
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Looks at a vote until it is in one of some states; tells each state that it comes to.
pub(super) async fn follow(
    chain: &EvmChain,
    vote: &OpenVote,
    patience: Duration,
    is_wanted: impl Fn(ProposalState) -> bool,
    mut tell: impl FnMut(ProposalState, &VoteTally) -> Result<(), Failure>,
) -> Result<ProposalState, Failure> {
    let (start, id) = (Instant::now(), vote.call.proposal_id());
    let mut told = None;
    loop {
        let state = chain.proposal_state(vote.governor, id).await?;
        if told != Some(state) {
            tell(state, &chain.votes(vote.governor, id).await?)?;
            told = Some(state);
        }
        if is_wanted(state) {
            return Ok(state);
        }
        if start.elapsed() > patience {
            let (window, now) = (vote.window, chain.block_number().await?);
            let reason = format!(
                "the vote is {} after {} s; votes are taken after block {} and up to block {}, now is {now}",
                word(state),
                patience.as_secs(),
                window.start_block,
                window.end_block
            );
            let hint = "run it again, or wait longer by --wait";
            return Err(Failure::message(Kind::Outside, reason).hint(hint));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn tell(
    state: ProposalState,
    tally: &VoteTally,
    unit: Option<&TokenUnit>,
    as_json: bool,
) -> Result<(), Failure> {
    let VoteTally { against, in_favour, abstain } = tally;
    if as_json {
        return output::json(&json!({
            "state": word(state),
            "votes_for": in_favour.to_string(),
            "votes_against": against.to_string(),
            "votes_abstain": abstain.to_string(),
        }));
    }
    let tokens = |votes: &U256| super::votes(unit, *votes);
    output::line(format_args!(
        "{}: {} for, {} against, {} abstain",
        word(state),
        tokens(in_favour),
        tokens(against),
        tokens(abstain)
    ));
    Ok(())
}

/// Nothing is said of what is passed on the way.
pub(super) fn silent(_: ProposalState, _: &VoteTally) -> Result<(), Failure> {
    Ok(())
}
