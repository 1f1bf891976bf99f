//! What a receipt says of a chain, and what shows it.

use chaos_agency::Source;
use chaos_types::Rejection;

use super::{Options, place::Case};
use crate::{
    Attachments, ShownClaim,
    report::{Status, Trail},
    words::OnChain,
};

/// What was found of a claim about a chain.
pub(super) struct Found {
    pub(super) status: Status,
    pub(super) detail: String,
}

impl Case<'_> {
    /// Holds what a receipt says of a chain against the document that it names for it. Nothing is found of a receipt
    /// that names none.
    pub(super) fn check_claim(
        &self,
        attachments: &Attachments,
        options: &Options<'_>,
        trail: &mut Trail,
    ) -> Result<Option<Found>, Rejection> {
        let action = &self.receipt.action;
        // What a program reads of a chain is its inputs' matter.
        let says = |source, input: Option<_>| source == Source::Chain && input.is_none();
        if !action.grounds().iter().any(|ground| says(ground.source, ground.input)) {
            return Ok(None);
        }
        trail.words.on_chain = OnChain::Claimed;
        let Some(digest) = action.shown_by() else { return Ok(None) };
        let unseen = |why: &str| {
            let detail = format!("what it says of a chain is the signer's word: {why}");
            Ok(Some(Found { status: Status::NotPlaced, detail }))
        };
        let Some(document) = attachments.get(&digest) else {
            return unseen("the document that shows it is not in the bundle");
        };
        let Some(reader) = options.claim else {
            return unseen("no adapter for the chain's proof was given");
        };
        let origin = self.stand.checkpoint.claimed().origin();
        let shown = reader.read_claim(self.receipt, document, origin)?;
        let ShownClaim { block, is_contract_known } = shown;
        let word = match (is_contract_known, block.is_placed) {
            (false, _) => OnChain::Unvouched,
            (true, false) => OnChain::NotPlaced,
            (true, true) => OnChain::Shown,
        };
        trail.words.on_chain = word;
        trail.claim_said = block.said;
        let status = if word == OnChain::Shown { Status::Passed } else { Status::NotPlaced };
        if word == OnChain::Shown {
            let read = action.grounds().iter().filter(|ground| ground.input.is_some());
            let read: Vec<_> = read.map(|ground| ground.what).collect();
            trail.not_placed.retain(|what| read.contains(what));
        }
        Ok(Some(Found { status, detail: block.detail }))
    }
}
