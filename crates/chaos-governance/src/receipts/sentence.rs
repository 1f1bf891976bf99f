//! What the studio's receipts say, in a sentence with their figures.

use super::{
    Analyse, CheckProposal, Decision, Draft, MakeForecast, ObserveVote, ParameterChange, RunStudy,
    Simulate, Submit, VoteState,
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

pub(super) fn studied(body: &RunStudy) -> String {
    let RunStudy { name, chain, changes, blocks, generated, headline, .. } = body;
    let blocks = match blocks {
        None => "without blocks to execute".to_owned(),
        Some(blocks) => {
            let kind = if *generated { "GENERATED blocks" } else { "recorded blocks" };
            format!("on {} {kind}, {} to {}", blocks.count, blocks.first, blocks.last)
        }
    };
    let demand = if body.by_fee_history { " and a fee history" } else { "" };
    let figure =
        headline.as_ref().map_or_else(|| "no figure is told".to_owned(), super::Headline::sentence);
    let thresholds = match body.thresholds {
        0 => "the study named no threshold".to_owned(),
        all if body.thresholds_not_judged == all => {
            "no threshold judged, since the model does not reproduce the chain or has too few paths"
                .to_owned()
        }
        all => {
            let left = match body.thresholds_not_judged {
                0 => String::new(),
                left => format!(", {left} not judged"),
            };
            format!("{} of {all} thresholds met{left}", body.thresholds_met)
        }
    };
    format!(
        "studied {} on {chain} (`{name}`), {blocks}{demand}: {figure}; {thresholds}",
        changed(changes)
    )
}

pub(super) fn forecast(body: &MakeForecast) -> String {
    let MakeForecast { chain, changes, first_block, blocks, fitted_to } = body;
    let what = if changes.is_empty() { "without a change".to_owned() } else { changed(changes) };
    format!(
        "forecast {blocks} blocks of {chain} from block {first_block}, {what}, by the blocks up to {fitted_to}"
    )
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
