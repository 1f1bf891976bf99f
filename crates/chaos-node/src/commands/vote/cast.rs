//! `chaoschain vote cast`.

use std::{process::ExitCode, time::Duration};

use chaos_chains::{Error, ProposalState};

use super::{
    Sent, sent_as,
    watch::{follow, silent},
    word,
};
use crate::{
    args::CastArgs,
    commands::sending::{connect, outbox, planned, signer},
    exit::{Failure, Kind},
    output, runtime,
};

pub(super) fn run(args: &CastArgs) -> Result<ExitCode, Failure> {
    let outbox = outbox(&args.send)?;
    let signer = signer(&args.send.key)?;
    runtime::single()?.block_on(async {
        let chain = connect(&args.send.chain, outbox).await?.settling()?;
        let vote = super::read(&chain, &args.vote).await?;
        let (governor, id) = (vote.governor, vote.call.proposal_id());
        let unit = chain.vote_unit(governor).await?;
        let call = &vote.call;
        output::say(format_args!(
            "the vote is on {} of {} = {}",
            output::one_line(&call.name),
            call.chain,
            call.value
        ));
        output::say(format_args!("in governor {governor:#x}"));
        output::say(format_args!("in registry {:#x}", call.registry));
        let (account, support) = (signer.address(), args.support.support());
        let patience = Duration::from_secs(args.send.spend.wait.wait);
        let is_open = |state| state != ProposalState::Pending;
        let state = chain.proposal_state(governor, id).await?;
        if state == ProposalState::Pending {
            let start = vote.window.start_block;
            if args.send.spend.dry_run {
                return Err(too_early(start, chain.block_number().await?));
            }
            output::say(format_args!("votes are taken after block {start}, waiting"));
        }
        let state = follow(&chain, &vote, patience, is_open, silent).await?;
        // What was cast before is gone on with, whether votes are still taken or not.
        let has_voted = chain.has_voted(governor, account, id).await?;
        if state != ProposalState::Active && !has_voted {
            let reason = format!("the vote is {}: votes are no longer taken", word(state));
            return Err(Failure::message(Kind::Input, reason));
        }
        let held = chain.votes_of(governor, account, vote.window.start_block).await?;
        if held.is_zero() {
            let reason = format!(
                "{account:#x} had no votes in block {}, when they were counted",
                vote.window.start_block
            );
            let hint = "tokens count once they are delegated, by `chaoschain vote delegate`, before a vote is \
                        opened";
            return Err(Failure::message(Kind::Input, reason).hint(hint));
        }
        match chain.vote(governor, &signer, id, support, &args.reason).await {
            Ok(sent) => {
                let held = super::votes(unit.as_ref(), held);
                let text = format!("{held} votes are cast: {support:?}").to_lowercase();
                sent_as(&Sent { event: "cast", text, sent }, &args.send.chain, args.send.json)
            }
            Err(Error::Reverted { .. }) if has_voted => {
                let reason = format!("{account:#x} has voted on this already");
                Err(Failure::message(Kind::Input, reason).hint("a vote is cast once"))
            }
            Err(error) => planned(&chain, error, args.send.json),
        }
    })
}

/// What a vote would cost a node says only once it takes one.
fn too_early(start_block: u64, now: u64) -> Failure {
    let reason = format!(
        "the vote is pending: votes are taken after block {start_block}, now is {now}; nothing was sent"
    );
    let hint = "what a vote would send can be told once votes are taken; without --dry-run it is waited for";
    Failure::message(Kind::Outside, reason).hint(hint)
}
