//! Acts that set state: whether they are to be done the chain says. The journal knows what was sent, and not
//! what became of it since: the same may be meant again after something else was.

use alloy_primitives::{Address, TxKind};

use super::{Act, EvmChain, Mined, Sending, key_of};
use crate::{
    Error, Signer, ToNothing,
    sending::{Finality, Intent},
};

impl EvmChain {
    /// Makes something so. `holds` asks a node whether it is: it is asked once everything that waits has landed.
    /// None where it is so and what this account last sent to that end is not what made it so. What it was set for
    /// uses it up: where nothing sent to that contract did, that it is not so any more is a node's word.
    pub(in crate::client) async fn set(
        &self,
        from: &Signer,
        act: Act,
        used_by: Option<Address>,
        holds: impl AsyncFn(&Self) -> Result<bool, Error>,
    ) -> Result<Option<Mined>, Error> {
        let (outbox, until, address) = (self.outbox()?, self.until, from.address());
        if outbox.plans_only {
            return self.foreseen_setting(outbox, address, &act, used_by, holds).await;
        }
        let key = key_of(&act);
        let account = outbox.accounts.take(self.chain_id(), outbox.genesis, address)?;
        for intent in self.in_order(outbox, address).await? {
            let is_meant = intent.key == key && !intent.is_cancelled();
            let mined =
                self.deliver(outbox, &account, Some(from), intent, Finality::IN_A_BLOCK).await;
            match mined {
                Ok(_) => {}
                // A revert of something else is that command's to report.
                Err(Error::Failed { .. } | Error::Reverted { .. } | Error::Cancelled { .. })
                    if !is_meant => {}
                Err(error) => return Err(error),
            }
        }
        if holds(self).await? {
            let Some(intent) = self.last_set(outbox, address, &act)? else { return Ok(None) };
            if intent.key != key {
                return Ok(None);
            }
            return self.deliver(outbox, &account, Some(from), intent, until).await.map(Some);
        }
        // What was struck, or called over, and may still land is gone on with.
        let before = self.done_before(outbox, address, &key).await?;
        let intent = match before.filter(|intent| intent.included().is_none()) {
            Some(waiting) => waiting,
            None => {
                self.ensure_undone(outbox, address, &act, used_by, holds).await?;
                self.ensure_unclaimed(outbox, &account, address).await?;
                self.prepare(outbox, from, &act, key).await?
            }
        };
        self.deliver(outbox, &account, Some(from), intent, until).await.map(Some)
    }

    /// Whether anything would be sent; nothing is signed, sent or written.
    async fn foreseen_setting(
        &self,
        outbox: &Sending,
        from: Address,
        act: &Act,
        used_by: Option<Address>,
        holds: impl AsyncFn(&Self) -> Result<bool, Error>,
    ) -> Result<Option<Mined>, Error> {
        let mut waiting = None;
        for mut intent in outbox.journal.open()? {
            if self.is_of(outbox, &intent) && sets_the_same(&intent, from, act) {
                intent.stage = self.placed(&intent).await?.stage;
                waiting = Some(intent).filter(|it| it.is_waiting() && !it.is_cancelled());
            }
        }
        match waiting {
            Some(Intent { key, what, nonce, .. }) if key == key_of(act) => {
                return Err(Error::UnderWay { what, nonce });
            }
            None if holds(self).await? => return Ok(None),
            Some(_) => {}
            None => self.ensure_undone(outbox, from, act, used_by, holds).await?,
        }
        Err(Error::Planned(Box::new(self.plan(from, act).await?)))
    }

    /// What this account made so last, and is not so any more, is that for a reason that the journal knows, or by
    /// somebody's word: on a node's alone it would be paid for at each run.
    async fn ensure_undone(
        &self,
        outbox: &Sending,
        from: Address,
        act: &Act,
        used_by: Option<Address>,
        holds: impl AsyncFn(&Self) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let Some(last) = self.last_set(outbox, from, act)? else { return Ok(()) };
        let Some(inclusion) = last.included().filter(|_| last.key == key_of(act)) else {
            return Ok(());
        };
        let uses = |it: &Intent| {
            used_by.is_some_and(|by| it.to == Some(by))
                && it.nonce > last.nonce
                && it.included().is_some_and(|inclusion| inclusion.succeeded)
        };
        if self.intents_of(outbox, from)?.iter().any(uses) {
            return Ok(());
        }
        self.ensure_word(outbox, &last, ToNothing::Undone(*inclusion)).await?;
        for other in self.others()? {
            let other = self.at(outbox, other).await?;
            if holds(&other).await? {
                return Err(self.still_so(&last, inclusion.hash, &other));
            }
        }
        Ok(())
    }

    /// By what this account last set the same thing, to whatever value.
    fn last_set(
        &self,
        outbox: &Sending,
        from: Address,
        act: &Act,
    ) -> Result<Option<Intent>, Error> {
        let mut sent = outbox.journal.open()?;
        sent.extend(outbox.journal.done()?);
        sent.retain(|intent| {
            self.is_of(outbox, intent)
                && sets_the_same(intent, from, act)
                && intent.included().is_some_and(|inclusion| inclusion.succeeded)
        });
        Ok(sent.into_iter().max_by_key(|intent| intent.nonce))
    }
}

/// An intent calls the same function of the same contract.
fn sets_the_same(intent: &Intent, from: Address, act: &Act) -> bool {
    intent.account == from
        && intent.what == act.what
        && matches!(act.to, TxKind::Call(to) if intent.to == Some(to))
}
