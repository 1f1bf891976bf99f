//! The studio's rules that need nothing but the receipt.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chaos_agency::receipt::{Form, ensure_address, ensure_hash};
use chaos_types::{Check, Digest, Rejection};

use super::{Blocks, CheckProposal, ObserveVote, Submit};
use crate::view::fault::Fault;

/// How the name of bytes by their digest begins
/// ([RFC 6920](https://www.rfc-editor.org/rfc/rfc6920)).
const NAME_BY_DIGEST: &str = "ni:///sha-256;";

fn reject(fault: Fault, reason: String) -> Rejection {
    Rejection::new(Check::Statement, fault, reason)
}

/// Some blocks of a range were read, and no more than it has.
pub(super) fn ensure_range(blocks: &Blocks) -> Result<(), Rejection> {
    let Blocks { first, last, count } = *blocks;
    let most = last.checked_sub(first).map(|more| more.saturating_add(1));
    if most.is_some_and(|most| (1..=most).contains(&u64::from(count))) {
        return Ok(());
    }
    Err(reject(
        Fault::BlocksMalformed,
        format!("{count} blocks from {first} to {last} are no part of a range"),
    ))
}

/// Addresses and the block's hash are written in the one way of their chain.
pub(super) fn ensure_check(check: &CheckProposal) -> Result<(), Rejection> {
    ensure_hash(&check.chain, "block_hash", &check.block_hash)?;
    ensure_address(&check.chain, "sender", &check.sender)?;
    match &check.governor {
        Some(governor) => ensure_address(&check.chain, "governor", governor),
        None => Ok(()),
    }
}

/// A proposal's text that is named by its digest is what the receipt produced.
pub(super) fn ensure_submission(submit: &Submit, form: &Form<'_>) -> Result<(), Rejection> {
    form.ensure_word()?;
    ensure_address(&submit.chain, "contract", &submit.contract)?;
    ensure_hash(&submit.chain, "transaction", &submit.transaction)?;
    let Some(named) = submit.metadata_uri.strip_prefix(NAME_BY_DIGEST) else { return Ok(()) };
    let names = |digest: &Digest| URL_SAFE_NO_PAD.encode(digest.as_bytes()) == named;
    if form.subjects().iter().any(|subject| names(&subject.digest)) {
        return Ok(());
    }
    Err(reject(
        Fault::ProposalTextOther,
        format!("no subject is the text that `{}` names", submit.metadata_uri.escape_debug()),
    ))
}

/// The state of a vote follows from its weights.
pub(super) fn ensure_vote(vote: &ObserveVote, form: &Form<'_>) -> Result<(), Rejection> {
    form.ensure_word()?;
    form.ensure_about_itself()?;
    ensure_address(&vote.chain, "governor", &vote.governor)?;
    if vote.state.passed() && vote.votes_for <= vote.votes_against {
        return Err(reject(
            Fault::VoteNotPassed,
            format!(
                "a vote of {} for and {} against did not pass",
                vote.votes_for, vote.votes_against
            ),
        ));
    }
    Ok(())
}
