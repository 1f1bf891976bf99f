//! What was meant before and came to nothing: nothing is signed anew for it while its bytes may still land, nor
//! by the word of one node that they did nothing.

use alloy_primitives::Address;

use super::{Act, Sending, Told, key_of};
use crate::{
    Error, Signer,
    client::{EvmChain, Mined},
    sending::{Account, Finality, Inclusion, Intent, Reached, Stage},
};

impl EvmChain {
    /// Waits until what was meant the same before is over: cancelled, or reverted, in a block that stays. A block that
    /// is replaced sets its bytes free again, and whatever was signed meanwhile would be paid beside them. Some if
    /// what was meant landed after all.
    ///
    /// How sure the caller wants to be of what it sends says nothing of that: what is sent again is sent by the same
    /// bytes, and only what is signed anew can be paid twice.
    pub(super) async fn outlast(
        &self,
        outbox: &Sending,
        account: &Account,
        from: &Signer,
        key: &str,
    ) -> Result<Option<Mined>, Error> {
        let found = outbox.journal.find(self.chain_id(), outbox.genesis, from.address(), key)?;
        for intent in found {
            if !matches!(intent.stage, Stage::Included(_)) {
                continue;
            }
            (outbox.tell)(&Told::Outlasting(&intent));
            let end = self.deliver(outbox, account, Some(from), intent.clone(), Finality::Final);
            match end.await {
                Ok(mined) => return Ok(Some(mined)),
                Err(Error::Cancelled { .. } | Error::Failed { .. } | Error::NonceTaken { .. }) => {}
                Err(error @ Error::NotSettled { reached, .. }) => {
                    return Err(not_over(&intent, reached).unwrap_or(error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Nothing is signed anew for what was reverted or cancelled by a node's word alone: one that says so of what
    /// landed would have the same paid as often as it is meant. Whoever looked elsewhere names the transaction. What
    /// another one replaced needs nobody's word, since the account's signature shows it.
    ///
    /// # Errors
    /// [`Error::Unvouched`].
    pub(super) fn ensure_vouched(
        &self,
        outbox: &Sending,
        account: Address,
        act: &Act,
    ) -> Result<(), Error> {
        let (chain, key) = (self.chain_id(), key_of(act));
        let found = outbox.journal.find(chain, outbox.genesis, account, &key)?;
        // For those before it somebody's word was taken when it was signed.
        found.last().and_then(|last| self.unvouched(outbox, last)).map_or(Ok(()), Err)
    }

    /// What came to nothing and nobody vouches for.
    pub(super) fn unvouched(&self, outbox: &Sending, intent: &Intent) -> Option<Error> {
        let (ended, inclusion) = (ended(intent)?, intent.stage.inclusion()?);
        let Inclusion { hash, block_number, .. } = *inclusion;
        if outbox.anew.contains(&hash) {
            return None;
        }
        let (what, nonce, url) = (intent.what.as_str().into(), intent.nonce, self.url().into());
        Some(Error::Unvouched { what, nonce, ended, hash, block_number, url })
    }

    /// Whether what waits can land: it is not behind a gap, where it was given up.
    pub(super) async fn may_land(&self, intent: &Intent) -> Result<bool, Error> {
        if !intent.is_cancelled() {
            return Ok(true);
        }
        Ok(self.transaction_count(intent.account, "pending").await? >= intent.nonce)
    }
}

/// What came to nothing in a block that is only as sure as this; none where it is over.
pub(super) fn not_over(intent: &Intent, reached: Reached) -> Option<Error> {
    let Stage::Included(inclusion) = intent.stage else { return None };
    let ended = ended(intent)?;
    let (what, nonce) = (intent.what.clone(), intent.nonce);
    Some(Error::NotOver { what, nonce, ended, block_number: inclusion.block_number, reached })
}

/// How something came to nothing, by what is said of one of its own transactions; none if it did not.
fn ended(intent: &Intent) -> Option<&'static str> {
    intent.stage.inclusion()?;
    match intent.included() {
        Some(inclusion) if inclusion.succeeded => None,
        Some(_) => Some("was reverted"),
        None => Some("was cancelled"),
    }
}
