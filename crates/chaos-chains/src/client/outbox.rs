//! Sending what is durable, and going on with what was sent before.

mod delivery;
mod journaled;
mod outlasting;
mod preparing;
mod setting;
mod spending;
mod standing;
mod vouching;

use std::{fmt, ops::Deref, path::Path, sync::Arc, time::Duration};

use self::standing::{Placed, gap};
pub use self::{
    journaled::{Change, Ended, Journaled, Word},
    preparing::Plan,
};
use super::{EvmChain, Mined};
use crate::{
    Error, Signer,
    sending::{
        Account, Accounts, Claim, FeeCap, FeeError, Finality, Inclusion, Intent, Journal, Reached,
        Stage,
    },
    signer::Unsigned,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};

/// What sending needs: where intents are kept, what may be spent, and how long to wait.
#[derive(Clone)]
pub struct Outbox {
    /// The intents of the data directory.
    pub journal: Journal,
    /// The accounts of the user.
    pub accounts: Accounts,
    /// What may be spent.
    pub cap: FeeCap,
    /// What an account may spend within 24 hours by this journal, in wei.
    pub day_max: Option<U256>,
    /// How sure an anchor has to be before it counts.
    pub until: Finality,
    /// How long to wait for that.
    pub patience: Duration,
    /// The transactions of which their user saw elsewhere that they took their nonces and did nothing: what those were
    /// for is signed anew. Without that word nothing is, since it would be a node's alone.
    pub anew: Vec<B256>,
    /// Whether nothing is signed or sent: what would be is [`Error::Planned`].
    pub plans_only: bool,
    /// The time, milliseconds since 1970.
    pub now_ms: fn() -> u64,
    /// Who is told what happens meanwhile.
    pub tell: Arc<dyn Fn(&Told<'_>) + Send + Sync>,
}

impl Outbox {
    /// For a chain that lives no longer than its user: journal and accounts in one folder, and a cap that
    /// deploying every contract stays below.
    #[must_use]
    pub fn local(folder: &Path, now_ms: fn() -> u64) -> Self {
        let max_cost = U256::from(1_000_000_000_000_000_000_u64);
        Self {
            journal: Journal::new(folder.join("transactions")),
            accounts: Accounts::new(folder.join("accounts")),
            cap: FeeCap { max_cost, ..FeeCap::default() },
            day_max: None,
            until: Finality::IN_A_BLOCK,
            patience: Duration::from_secs(180),
            anew: Vec::new(),
            plans_only: false,
            now_ms,
            tell: Arc::new(|_| ()),
        }
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("journal", &self.journal).finish_non_exhaustive()
    }
}

/// What happens while something is sent.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// Bytes that were kept are about to be sent, for the first time or again.
    Sending(&'a Intent),
    /// It is not in a block yet.
    Waiting(&'a Intent, Duration),
    /// It is too cheap by now, and the cap allows no more.
    Capped(&'a Intent, &'a FeeError),
    /// It is too cheap by now, and nobody signs it for more.
    Unsigned(&'a Intent, &'a Unsigned),
    /// The node does not take it again. It stays in the journal, and may be in other nodes.
    Refused(&'a Intent, &'a Error),
    /// The same was meant before and came to nothing, in a block that may still be replaced: it is waited for before
    /// anything is signed anew.
    Outlasting(&'a Intent),
    /// It was too cheap, and something dearer was signed in its place.
    Replacing(&'a Intent),
    /// It is in a block.
    Included(&'a Intent, &'a Inclusion),
    /// It is in a block that is not as sure yet as was asked for.
    Settling(&'a Intent, Reached),
    /// The chain names no final block, so that depth stands for one.
    Unnamed,
    /// The block that it was in is no longer part of the chain.
    Left(&'a Intent),
}

/// An outbox for one chain.
#[derive(Debug)]
pub(in crate::client) struct Sending {
    outbox: Outbox,
    /// The hash of the chain's first block.
    genesis: B256,
}

impl Deref for Sending {
    type Target = Outbox;

    fn deref(&self) -> &Outbox {
        &self.outbox
    }
}

/// What is to be sent.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) what: &'static str,
    pub(super) to: TxKind,
    pub(super) input: Bytes,
    /// Gas that it takes at most, as far as what runs is our contract's code.
    pub(super) gas_max: u64,
}

impl EvmChain {
    /// The same connection with what sending needs. It asks for the chain's first block, which tells chains
    /// of one number apart.
    ///
    /// # Errors
    /// As every read, and if the node has no first block.
    pub async fn sending(mut self, outbox: Outbox) -> Result<Self, Error> {
        let genesis = self.first_block().await?;
        self.sending = Some(Arc::new(Sending { outbox, genesis }));
        Ok(self)
    }

    /// Whether what is meant is sent, rather than planned or only read.
    #[must_use]
    pub fn sends(&self) -> bool {
        self.sending.as_ref().is_some_and(|sending| !sending.plans_only)
    }

    pub(super) fn outbox(&self) -> Result<&Sending, Error> {
        self.sending.as_deref().ok_or(Error::NoOutbox)
    }

    /// Does something once, until it is as sure as is asked for: what was prepared or sent for it before is
    /// gone on with, and what is in the chain is answered without sending anything.
    pub(super) async fn act(
        &self,
        from: &Signer,
        act: Act,
        until: Finality,
    ) -> Result<Mined, Error> {
        let outbox = self.outbox()?;
        if outbox.plans_only {
            return self.foreseen(outbox, from.address(), &act).await;
        }
        let (key, address) = (key_of(&act), from.address());
        let account = outbox.accounts.take(self.chain_id(), outbox.genesis, address)?;
        for intent in self.in_order(outbox, address).await? {
            // What was sent before has the lower nonce: nothing lands before it does.
            let is_meant = intent.key == key && !intent.is_cancelled();
            let until = if is_meant { until } else { Finality::IN_A_BLOCK };
            let mined = self.deliver(outbox, &account, Some(from), intent, until).await;
            if is_meant {
                return mined;
            }
            // A revert of something else is that command's to report.
            match mined {
                Ok(_)
                | Err(Error::Failed { .. } | Error::Reverted { .. } | Error::Cancelled { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(intent) = self.done_before(outbox, address, &key).await? {
            return self.deliver(outbox, &account, Some(from), intent, until).await;
        }
        if let Some(mined) = self.outlast(outbox, &account, from, &key).await? {
            return Ok(mined);
        }
        self.ensure_unclaimed(outbox, &account, address).await?;
        let intent = self.prepare(outbox, from, &act, key).await?;
        self.deliver(outbox, &account, Some(from), intent, until).await
    }

    /// What an act did before, or what it would be: nothing is signed, sent or written.
    async fn foreseen(&self, outbox: &Sending, from: Address, act: &Act) -> Result<Mined, Error> {
        let found = outbox.journal.find(self.chain_id(), outbox.genesis, from, &key_of(act))?;
        let (mut came_to_nothing, mut seen) = (None, Vec::with_capacity(found.len()));
        for intent in found.iter().rev() {
            let Placed { stage, reached, .. } = self.placed(intent).await?;
            let intent = Intent { stage, ..intent.clone() };
            match intent.included() {
                Some(inclusion) if inclusion.succeeded => {
                    return self.mined(&intent, *inclusion, reached).await;
                }
                None if intent.is_waiting() && self.given_up(&intent).await?.is_none() => {
                    let what = intent.doing(intent.newest()).into_owned();
                    return Err(Error::UnderWay { what, nonce: intent.nonce });
                }
                Some(_) | None => {
                    let not_over = outlasting::not_over(&intent, reached);
                    came_to_nothing = came_to_nothing.or(not_over);
                    seen.insert(0, intent);
                }
            }
        }
        if let Some(error) = came_to_nothing {
            return Err(error);
        }
        self.ensure_each_vouched(outbox, &seen).await?;
        if let Some(claim) = outbox.accounts.claim(self.chain_id(), outbox.genesis, from)?
            && let Err(error @ Error::Older { .. }) = self.ensure_claim(outbox, from, claim).await
        {
            return Err(error);
        }
        Err(Error::Planned(Box::new(self.plan(from, act).await?)))
    }

    /// By what this account is known to have done the same here, or to have sent it: the last time.
    pub(super) fn sent(&self, from: Address, act: &Act) -> Result<Option<Intent>, Error> {
        let outbox = self.outbox()?;
        let found = outbox.journal.find(self.chain_id(), outbox.genesis, from, &key_of(act))?;
        Ok(found.into_iter().rev().find(|intent| {
            (intent.is_waiting() && !intent.is_cancelled()) || intent.included().is_some()
        }))
    }

    /// What this account sent to a contract, by what it says, the newest last, without what was cancelled or came to nothing.
    pub(super) fn sent_to(&self, contract: Address, from: Address) -> Result<Vec<Bytes>, Error> {
        let mut intents = self.signed_for(contract, from)?;
        intents.retain(|intent| {
            intent.included().is_some_and(|inclusion| inclusion.succeeded)
                || (intent.is_waiting() && !intent.is_cancelled())
        });
        Ok(intents.into_iter().map(|intent| intent.input).collect())
    }

    /// What this account signed for a contract, the newest last, whatever became of it.
    pub(super) fn signed_for(
        &self,
        contract: Address,
        from: Address,
    ) -> Result<Vec<Intent>, Error> {
        let mut intents = self.intents_of(self.outbox()?, from)?;
        intents.retain(|intent| intent.to == Some(contract));
        intents.sort_by_key(|intent| intent.nonce);
        Ok(intents)
    }

    /// The intent by which this account did something and succeeded, or that may still land: it was struck, or its
    /// nonce was never taken. One that was taken for lost is asked for again.
    async fn done_before(
        &self,
        outbox: &Sending,
        account: Address,
        key: &str,
    ) -> Result<Option<Intent>, Error> {
        let found = outbox.journal.find(self.chain_id(), outbox.genesis, account, key)?;
        let mut waiting = None;
        for mut intent in found.into_iter().rev() {
            match intent.stage {
                // This chain is the one that was said to be gone: what was struck is open on it.
                Stage::Abandoned => {
                    intent.stage = self.placed(&intent).await?.stage;
                    outbox.journal.keep(&intent)?;
                }
                // The node that said so may have been wrong, or have lied.
                Stage::Replaced
                | Stage::Dropped(_)
                | Stage::Final(Inclusion { succeeded: false, .. }) => {
                    let landed = self.landed(&intent).await?;
                    intent.stage = match landed {
                        Some(Placed { stage, .. }) => stage,
                        None if self.is_free(&intent).await? => Stage::Sent,
                        None => continue,
                    };
                    outbox.journal.keep(&intent)?;
                }
                Stage::Prepared | Stage::Sent | Stage::Included(_) | Stage::Final(_) => {}
            }
            if intent.is_waiting() {
                let next = self.transaction_count(account, "latest").await?;
                let is_given_up = intent.is_cancelled() && intent.nonce > next;
                waiting = if is_given_up { waiting } else { Some(intent.clone()) };
            }
            if intent.included().is_some_and(|inclusion| inclusion.succeeded) {
                return Ok(Some(intent));
            }
        }
        Ok(waiting)
    }

    /// What waits to land of this account, in the order in which it can. Refuses where something cannot.
    async fn in_order(&self, outbox: &Sending, account: Address) -> Result<Vec<Intent>, Error> {
        self.ensure_one_chain(outbox, account)?;
        let mut waiting = self.settled(outbox, account).await?;
        waiting.retain(Intent::is_waiting);
        if waiting.is_empty() {
            return Ok(waiting);
        }
        let next = self.transaction_count(account, "latest").await?;
        let Some(at) = gap(next, &waiting) else { return Ok(waiting) };
        // Somebody else may fill it.
        if self.transaction_count(account, "pending").await? > waiting[at].nonce {
            return Ok(waiting);
        }
        let beyond = waiting.split_off(at);
        match beyond.iter().find(|intent| !intent.is_cancelled()) {
            None => Ok(waiting),
            Some(intent) => Err(Error::Gap {
                account,
                next: next + waiting.len() as u64,
                nonce: intent.nonce,
                hash: intent.newest().map_or(B256::ZERO, |attempt| attempt.hash),
            }),
        }
    }

    /// Goes on with what waits to land of the journal on this chain, by the bytes that are there, until it is in a
    /// block. With a key it is that account's alone, and signed for more where it is too cheap by now; without one it is
    /// every account's. What it comes to is its own command's to report.
    ///
    /// # Errors
    /// If something cannot land.
    pub async fn go_on(&self, from: Option<&Signer>) -> Result<(), Error> {
        let outbox = self.outbox()?;
        if outbox.plans_only {
            return Ok(());
        }
        let mut accounts: Vec<Address> =
            outbox.journal.open()?.iter().map(|intent| intent.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts.retain(|account| from.is_none_or(|from| from.address() == *account));
        for address in accounts {
            let account = outbox.accounts.take(self.chain_id(), outbox.genesis, address)?;
            for intent in self.in_order(outbox, address).await? {
                match self.deliver(outbox, &account, from, intent, Finality::IN_A_BLOCK).await {
                    Ok(_) | Err(Error::Failed { .. } | Error::Cancelled { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Nothing that was sent before keeps this account from sending more.
    ///
    /// # Errors
    /// What does: as an open transaction that cannot land, or that the node does not show.
    pub async fn ensure_sendable(&self, account: Address) -> Result<(), Error> {
        self.in_order(self.outbox()?, account).await.map(drop)
    }

    /// Nothing keeps this account from signing an act now: neither what is known of it from elsewhere, nor the caps,
    /// nor its coins. What waits in the journal was gone on with before.
    pub(super) async fn ensure_signable(&self, account: Address, act: &Act) -> Result<(), Error> {
        let outbox = self.outbox()?;
        if let Some(claim) = outbox.accounts.claim(self.chain_id(), outbox.genesis, account)? {
            self.ensure_claim(outbox, account, claim).await?;
        }
        self.ensure_funds(&self.plan(account, act).await?)
    }

    /// The account has sent nothing to a chain of this number with another first block, unless somebody said
    /// that it is gone: a node that lies about its first block would have everything sent a second time, most
    /// of all what has ended.
    pub(in crate::client) fn ensure_one_chain(
        &self,
        outbox: &Sending,
        account: Address,
    ) -> Result<(), Error> {
        let mut sent = outbox.journal.open()?;
        sent.extend(outbox.journal.done()?);
        let other = sent.into_iter().find(|intent| {
            intent.account == account
                && intent.chain == *self.chain_id()
                && intent.genesis != outbox.genesis
                && intent.stage != Stage::Abandoned
        });
        match other {
            None => Ok(()),
            Some(intent) => Err(Error::OtherGenesis {
                chain: intent.chain.clone(),
                nonce: intent.nonce,
                expected: intent.genesis,
                found: outbox.genesis,
            }),
        }
    }

    /// Nothing of this account may still land that is not in this journal.
    async fn ensure_unclaimed(
        &self,
        outbox: &Sending,
        account: &Account,
        address: Address,
    ) -> Result<(), Error> {
        match account.claim()? {
            Some(claim) => self.ensure_claim(outbox, address, claim).await,
            None => Ok(()),
        }
    }

    /// A claim's transaction has landed, or is in this journal.
    async fn ensure_claim(
        &self,
        outbox: &Sending,
        address: Address,
        claim: Claim,
    ) -> Result<(), Error> {
        let count = self.transaction_count(address, "latest").await?;
        let is_named = outbox.journal.is_at(&claim.journal);
        let has_landed = count > claim.nonce;
        if has_landed && !is_named {
            return Ok(());
        }
        // The folder may have been moved.
        let known = self.known(outbox, address, &claim)?;
        if has_landed {
            let Claim { nonce, hash, .. } = claim;
            let journal = outbox.journal.place();
            return match known {
                Some(_) => Ok(()),
                None => Err(Error::Older { account: address, journal, nonce, hash }),
            };
        }
        if let Some(intent) = known {
            // What waits was gone on with. What landed has used its nonce, and this node has not seen that.
            return match intent.stage {
                // Nothing has shown that what was struck used its nonce.
                Stage::Prepared | Stage::Sent | Stage::Abandoned => Ok(()),
                Stage::Included(inclusion)
                | Stage::Final(inclusion)
                | Stage::Dropped(inclusion)
                    if self.was_replaced(&inclusion).await? =>
                {
                    // A chain that took back what it called final. The same bytes are open again.
                    outbox.journal.keep(&Intent { stage: Stage::Sent, ..intent })?;
                    Err(Error::LeftChain { hash: inclusion.hash })
                }
                Stage::Included(_) | Stage::Final(_) | Stage::Dropped(_) | Stage::Replaced => {
                    Err(Error::Behind { account: address, next: count, nonce: claim.nonce })
                }
            };
        }
        // Where a path leads that is not from the root only its own folder shows.
        let is_lost = is_named || (claim.journal.is_absolute() && !claim.journal.exists());
        let Claim { journal, nonce, hash } = claim;
        Err(if is_lost {
            Error::Orphaned { account: address, journal, nonce, hash }
        } else {
            Error::Claimed { account: address, journal, nonce, hash }
        })
    }

    /// What was claimed from this journal, if it has those very bytes still: of an older copy, which may have the nonce
    /// without what was signed for it last, it would look as if another had taken it.
    fn known(
        &self,
        outbox: &Sending,
        account: Address,
        claim: &Claim,
    ) -> Result<Option<Intent>, Error> {
        let is_it = |intent: &Intent| {
            self.is_of(outbox, intent)
                && intent.account == account
                && intent.attempt(&claim.hash).is_some()
        };
        let open = outbox.journal.open()?.into_iter().find(is_it);
        Ok(match open {
            Some(intent) => Some(intent),
            None => outbox.journal.done()?.into_iter().find(is_it),
        })
    }

    /// The open intents of an account, where they stand now.
    async fn settled(&self, outbox: &Sending, account: Address) -> Result<Vec<Intent>, Error> {
        let mut settled = Vec::new();
        for mut intent in outbox.journal.open()? {
            if intent.account != account || !self.is_of(outbox, &intent) {
                continue;
            }
            match self.placed(&intent).await {
                Ok(Placed { stage, .. }) if stage != intent.stage => {
                    intent.stage = stage;
                    outbox.journal.keep(&intent)?;
                }
                // Whoever goes on with it waits a little for the node to show it.
                Ok(_) | Err(Error::Unshown { .. }) => {}
                Err(error) => return Err(error),
            }
            settled.push(intent);
        }
        Ok(settled)
    }

    /// Whether an intent is for this very chain.
    fn is_of(&self, outbox: &Sending, intent: &Intent) -> bool {
        intent.chain == *self.chain_id() && intent.genesis == outbox.genesis
    }
}

/// What is meant, by what is sent to whom.
fn key_of(act: &Act) -> String {
    let input = alloy_primitives::keccak256(&act.input);
    match act.to {
        TxKind::Call(to) => format!("{}/{to:#x}/{input:#x}", act.what),
        TxKind::Create => format!("deploy {}/{input:#x}", act.what),
    }
}
