//! Nothing is signed anew for what was signed before, by the word of one node that it did nothing: a node that says
//! so of what landed would have the same paid as often as it is meant.

use alloy_primitives::{Address, B256};
use serde_json::{Value, json};

use super::{EvmChain, Sending, standing::signed_by};
use crate::{
    Error, ToNothing,
    error::{Contradicted, Unvouched},
    json_rpc::JsonRpc,
    sending::{Intent, Stage},
};

impl EvmChain {
    /// Of each time that the same was signed and came to nothing, since it was last done, somebody says so who saw it
    /// elsewhere; and of whatever was given up.
    ///
    /// # Errors
    /// [`Error::Unvouched`] and [`Error::Contradicted`].
    pub(super) async fn ensure_vouched(
        &self,
        outbox: &Sending,
        account: Address,
        key: &str,
    ) -> Result<(), Error> {
        let found = outbox.journal.find(self.chain_id(), outbox.genesis, account, key)?;
        self.ensure_each_vouched(outbox, &found).await
    }

    /// The same of these, which are in the order of their nonces.
    pub(super) async fn ensure_each_vouched(
        &self,
        outbox: &Sending,
        found: &[Intent],
    ) -> Result<(), Error> {
        let is_done =
            |intent: &Intent| intent.included().is_some_and(|inclusion| inclusion.succeeded);
        let done = found.iter().rposition(is_done);
        for (at, intent) in found.iter().enumerate() {
            let Some(ending) = self.to_nothing(intent).await? else { continue };
            // All of them, and not the newest: the highest nonce is not what was signed last where one was given up.
            let is_over = done.is_some_and(|done| at < done);
            if !is_over || matches!(ending, ToNothing::GivenUp { .. }) {
                self.ensure_word(outbox, intent, ending).await?;
            }
        }
        Ok(())
    }

    /// How an intent came to nothing, if it did.
    async fn to_nothing(&self, intent: &Intent) -> Result<Option<ToNothing>, Error> {
        Ok(match ended(intent) {
            Some(ending) => Some(ending),
            None if intent.stage == Stage::Replaced => Some(ToNothing::Replaced),
            // Whether something waits there still is not asked: what is signed now has the nonce of another answer, and
            // between the two a node can say otherwise.
            None if intent.is_waiting() && intent.is_cancelled() => {
                let next = self.transaction_count(intent.account, "latest").await?;
                Some(ToNothing::GivenUp { next: next.min(intent.nonce) })
            }
            None => None,
        })
    }

    /// The account's next nonce, where that does not come to an intent that was given up.
    pub(super) async fn given_up(&self, intent: &Intent) -> Result<Option<u64>, Error> {
        if !intent.is_waiting() || !intent.is_cancelled() {
            return Ok(None);
        }
        let next = self.transaction_count(intent.account, "pending").await?;
        Ok((next < intent.nonce).then_some(next))
    }

    /// Somebody names what took the nonce as another source shows it, and the chain file's other endpoints show the
    /// same. One of a nonce's transactions says nothing of the others: the node may name whichever did not land.
    pub(super) async fn ensure_word(
        &self,
        outbox: &Sending,
        intent: &Intent,
        ending: ToNothing,
    ) -> Result<(), Error> {
        let named = |hash: &B256| outbox.anew.contains(hash);
        let taken_by = match ending {
            ToNothing::Reverted(inclusion) | ToNothing::Cancelled(inclusion) => {
                let hash = inclusion.hash;
                let is_other = |it: &&B256| **it != hash && intent.attempt(it).is_some();
                if let Some(other) = outbox.anew.iter().find(is_other) {
                    return Err(self.contradicted(intent, hash, None, Some(*other)));
                }
                named(&hash).then_some(hash)
            }
            ToNothing::Replaced => {
                let mut taken_by = None;
                for hash in &outbox.anew {
                    if has_taken(&self.rpc, self.number, intent, *hash).await? {
                        taken_by = Some(*hash);
                    }
                }
                taken_by
            }
            // Nothing has taken it, as the node says. Whoever names it lets both land.
            ToNothing::GivenUp { .. } if intent.attempts.iter().any(|it| named(&it.hash)) => {
                return self.ensure_not_done(outbox, intent).await;
            }
            // Who looks elsewhere looks at what it set, and so are the others asked, by whoever knows what that is.
            ToNothing::Undone(inclusion) if named(&inclusion.hash) => return Ok(()),
            ToNothing::GivenUp { .. } | ToNothing::Undone(_) => None,
        };
        let Some(taken_by) = taken_by else {
            let unvouched = Unvouched::of(intent, ending, self.url());
            return Err(Error::Unvouched(Box::new(unvouched)));
        };
        for other in self.others()? {
            self.ensure_shown(outbox, other, intent, taken_by).await?;
        }
        Ok(())
    }

    /// No other endpoint shows that what was given up was done all the same.
    async fn ensure_not_done(&self, outbox: &Sending, intent: &Intent) -> Result<(), Error> {
        for other in self.others()? {
            let other = self.at(outbox, other).await?;
            let Some(placed) = other.landed(intent).await? else { continue };
            let Some(inclusion) = placed.stage.inclusion().copied() else { continue };
            if ended(&Intent { stage: placed.stage, ..intent.clone() }).is_none() {
                let url = Some(other.url().to_owned());
                return Err(self.contradicted(intent, inclusion.hash, url, Some(inclusion.hash)));
            }
        }
        Ok(())
    }

    /// The other endpoints of the chain file.
    pub(in crate::client) fn others(&self) -> Result<Vec<JsonRpc>, Error> {
        let mut others: Vec<JsonRpc> = Vec::new();
        for endpoint in self.file.iter().flat_map(|file| &file.endpoints) {
            let rpc = JsonRpc::new(endpoint)?;
            // Whoever is at one host and port has one word.
            let is_asked =
                others.iter().chain([&self.rpc]).any(|other| other.is_at_the_place_of(&rpc));
            if !is_asked {
                others.push(rpc);
            }
        }
        Ok(others)
    }

    /// Another endpoint, which serves the same chain.
    pub(super) async fn at(&self, outbox: &Sending, rpc: JsonRpc) -> Result<Self, Error> {
        let other = Self::over(rpc, Some(self.chain_id())).await?;
        let (chain, expected, found) =
            (self.chain_id().clone(), outbox.genesis, other.first_block().await?);
        if found == expected {
            return Ok(other);
        }
        Err(Error::WrongGenesis { chain, expected, found })
    }

    /// Another endpoint shows that a transaction took an intent's nonce and did nothing of what was meant.
    async fn ensure_shown(
        &self,
        outbox: &Sending,
        rpc: JsonRpc,
        intent: &Intent,
        taken_by: B256,
    ) -> Result<(), Error> {
        let other = self.at(outbox, rpc).await?;
        let landed = other.landed(intent).await?.and_then(|placed| {
            let by = placed.stage.inclusion()?.hash;
            Some((by, ended(&Intent { stage: placed.stage, ..intent.clone() }).is_some()))
        });
        let is_shown = match landed {
            Some((by, came_to_nothing)) => by == taken_by && came_to_nothing,
            None => has_taken(&other.rpc, self.number, intent, taken_by).await?,
        };
        if is_shown {
            return Ok(());
        }
        let by = landed.map(|(by, _)| by);
        Err(self.contradicted(intent, taken_by, Some(other.url().to_owned()), by))
    }

    fn contradicted(
        &self,
        intent: &Intent,
        hash: B256,
        other: Option<String>,
        found: Option<B256>,
    ) -> Error {
        let (what, nonce, url) = (intent.what.clone(), intent.nonce, self.url().to_owned());
        let is_still_so = false;
        let told = Contradicted { what, nonce, hash, url, other, found, is_still_so };
        Error::Contradicted(Box::new(told))
    }

    /// Another endpoint shows that what was set is so still.
    pub(super) fn still_so(&self, intent: &Intent, hash: B256, other: &Self) -> Error {
        Error::Contradicted(Box::new(Contradicted {
            what: intent.what.clone(),
            nonce: intent.nonce,
            hash,
            url: self.url().to_owned(),
            other: Some(other.url().to_owned()),
            found: Some(hash),
            is_still_so: true,
        }))
    }
}

/// Whether a node shows, in a block, that something took an intent's nonce which the account signed and the journal
/// has not.
async fn has_taken(rpc: &JsonRpc, chain: u64, intent: &Intent, hash: B256) -> Result<bool, Error> {
    if intent.attempt(&hash).is_some() {
        return Ok(false);
    }
    let tx: Value = rpc.request("eth_getTransactionByHash", json!([hash])).await?;
    let signed = signed_by(&tx, intent.account, chain);
    Ok(tx["blockHash"].is_string() && signed == Some((intent.nonce, hash)))
}

/// How something came to nothing, by what is said of one of its own transactions; none if it did not.
pub(super) fn ended(intent: &Intent) -> Option<ToNothing> {
    let inclusion = *intent.stage.inclusion()?;
    match intent.included() {
        Some(inclusion) if inclusion.succeeded => None,
        Some(_) => Some(ToNothing::Reverted(inclusion)),
        None => Some(ToNothing::Cancelled(inclusion)),
    }
}
