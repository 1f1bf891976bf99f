//! What was meant before and came to nothing: nothing is signed anew for it while its bytes may still land.

use super::{Sending, Told, vouching::ended};
use crate::{
    Error, Signer, ToNothing,
    client::{EvmChain, Mined},
    sending::{Account, Finality, Intent, Reached, Stage},
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
}

/// What came to nothing in a block that is only as sure as this; none where it is over.
pub(super) fn not_over(intent: &Intent, reached: Reached) -> Option<Error> {
    let Stage::Included(inclusion) = intent.stage else { return None };
    let ended = match ended(intent)? {
        ToNothing::Cancelled(_) => "was cancelled",
        _ => "was reverted",
    };
    let (what, nonce) = (intent.what.clone(), intent.nonce);
    Some(Error::NotOver { what, nonce, ended, block_number: inclusion.block_number, reached })
}
