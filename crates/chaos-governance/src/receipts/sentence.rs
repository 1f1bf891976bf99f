//! What the studio's receipts say, in a sentence with their figures.

use super::{
    Analyse, CheckProposal, Decision, Draft, ObserveVote, ParameterChange, Simulate, Submit,
    VoteState,
};

pub(super) fn analysed(body: &Analyse) -> String {
    let Analyse { chain, blocks, opportunities } = body;
    let named = match opportunities.as_slice() {
        [] => "named no opportunity".to_owned(),
        [one] => format!("named one opportunity: {one}"),
        [first, ..] => format!("named {} opportunities, first: {first}", opportunities.len()),
    };
    format!(
        "read {} blocks of {chain}, {} to {}, and {named}",
        blocks.count, blocks.first, blocks.last
    )
}

pub(super) fn checked(body: &CheckProposal) -> String {
    let CheckProposal { chain, block_number, calls, succeeded, .. } = body;
    let whose = match (&body.governor, &body.proposal_id) {
        (Some(governor), Some(id)) => format!("proposal {id} of {governor}"),
        _ => format!("calls that no governor is shown to have, by {},", body.sender),
    };
    let ended = if *succeeded { "all succeed" } else { "one fails" };
    let calls = if *calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") };
    format!("ran {whose} after block {block_number} of {chain}: of {calls} {ended}")
}

pub(super) fn simulated(body: &Simulate) -> String {
    let Simulate { chain, changes, round } = body;
    format!("simulated {} on {chain}, round {round}", changed(changes))
}

pub(super) fn drafted(body: &Draft) -> String {
    let Draft { title, chain, changes, rounds, decision } = body;
    let ended = match decision {
        Decision::Finalised {} => "finalised it".to_owned(),
        Decision::GivenUp { reason } => format!("gave it up: {reason}"),
    };
    format!("drafted `{title}` for {chain}, {}, in {rounds} rounds, and {ended}", changed(changes))
}

pub(super) fn submitted(body: &Submit) -> String {
    format!(
        "submitted proposal {} to {} on {} in block {}",
        body.proposal_id, body.contract, body.chain, body.block_number
    )
}

pub(super) fn saw(body: &ObserveVote) -> String {
    let state = match body.state {
        VoteState::Defeated => "defeated",
        VoteState::Succeeded => "passed",
        VoteState::Executed => "passed and executed",
        VoteState::Canceled => "withdrawn",
        VoteState::Expired => "passed and expired",
    };
    format!(
        "saw proposal {} of {} on {} {state} by {} for, {} against and {} abstaining at block {}, \
         and counts {} contributions to it",
        body.proposal_id,
        body.governor,
        body.chain,
        body.votes_for,
        body.votes_against,
        body.votes_abstain,
        body.block_number,
        body.contributions.len()
    )
}

fn changed(changes: &[ParameterChange]) -> String {
    let each: Vec<_> = changes
        .iter()
        .map(|change| format!("{} {} to {}", change.parameter, change.current, change.proposed))
        .collect();
    if each.is_empty() { "no change".to_owned() } else { each.join(", ") }
}
