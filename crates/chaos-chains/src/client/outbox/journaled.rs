//! What a journal holds, as the chain says now, and what can be done about it.

use alloy_primitives::{Address, B256, Bytes, U128, U256};
use serde_json::{Value, json};

use super::{
    Act, Plan, Sending,
    standing::{Placed, gap, inclusion},
};
use crate::{
    Error, Signer,
    client::{EvmChain, TxSummary},
    sending::{
        Account, Attempt, Claim, Fees, Finality, Inclusion, Intent, Purpose, Reached, Stage, Which,
    },
};

/// What a transaction is called that only takes a nonce.
const CANCEL: &str = "cancel";

/// An intent of the journal, and what can be said of it now. The chain was asked; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journaled {
    /// The intent, at the stage that the chain says.
    pub intent: Intent,
    /// What can be said.
    pub word: Word,
}

/// What can be said of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Its stage, which is as sure as this.
    Placed(Reached),
    /// It cannot land: nothing here lies between it and the account's next nonce.
    Gap {
        /// The account's next nonce that nothing has.
        next: u64,
    },
    /// Its nonce is used, and the node does not show by what.
    Unshown,
    /// It is of another chain than the node's, or of one with another first block: nobody was asked.
    Elsewhere,
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// What was meant is in the chain, and did it.
    Landed(TxSummary),
    /// What was meant is in the chain, and was reverted.
    Reverted(Inclusion),
    /// A transfer of nothing has its nonce in the chain.
    Cancelled(B256),
    /// It cannot land before the account comes to its nonce, and then a transfer of nothing waits there.
    GivenUp {
        /// The account's next nonce.
        next: u64,
    },
}

/// What is done about an open transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// What was signed last is signed again for more: what was meant, or its cancel. Whoever cancelled meant that.
    Raise,
    /// A transfer of nothing takes its place.
    Cancel,
}

impl Change {
    /// What is signed for it; none where nothing is: it is in a block, or was cancelled before.
    fn purpose(self, intent: &Intent) -> Option<Purpose> {
        let newest = intent.newest().filter(|_| intent.is_waiting())?.purpose;
        match self {
            Self::Raise => Some(newest),
            Self::Cancel => (newest != Purpose::Cancel).then_some(Purpose::Cancel),
        }
    }
}

impl EvmChain {
    /// The open intents of the journal, or all of them, where they stand now; without those that cannot be read, which
    /// [`Journal::unreadable`](crate::sending::Journal::unreadable) tells.
    ///
    /// # Errors
    /// As every read, and if the journal cannot be read.
    pub async fn journaled(&self, all: bool) -> Result<Vec<Journaled>, Error> {
        let outbox = self.outbox()?;
        let mut intents = outbox.journal.legible(all)?;
        intents.sort_by_key(|intent| (intent.account, intent.nonce));
        let mut journaled = Vec::with_capacity(intents.len());
        for mut intent in intents {
            let word = self.word(outbox, &mut intent).await?;
            journaled.push(Journaled { intent, word });
        }
        // What cannot be read may lie where a gap seems to be.
        if outbox.journal.unreadable()?.is_empty() {
            self.mark_gaps(&mut journaled).await?;
        }
        Ok(journaled)
    }

    async fn word(&self, outbox: &Sending, intent: &mut Intent) -> Result<Word, Error> {
        if !self.is_of(outbox, intent) {
            return Ok(Word::Elsewhere);
        }
        match self.placed(intent).await {
            Ok(Placed { stage, reached, .. }) => {
                // What was struck is not open again by being asked for.
                let was_struck = intent.stage == Stage::Abandoned;
                if !was_struck || stage.inclusion().is_some() {
                    intent.stage = stage;
                }
                Ok(Word::Placed(reached))
            }
            Err(Error::Unshown { .. } | Error::Forgotten { .. }) => Ok(Word::Unshown),
            Err(error) => Err(error),
        }
    }

    async fn mark_gaps(&self, journaled: &mut [Journaled]) -> Result<(), Error> {
        let waits =
            |it: &Journaled| it.word == Word::Placed(Reached::SEEN) && it.intent.is_waiting();
        let mut accounts: Vec<Address> =
            journaled.iter().filter(|it| waits(it)).map(|it| it.intent.account).collect();
        accounts.dedup();
        for account in accounts {
            let of = |it: &Journaled| it.intent.account == account && waits(it);
            let waiting: Vec<Intent> =
                journaled.iter().filter(|it| of(it)).map(|it| it.intent.clone()).collect();
            let next = self.transaction_count(account, "latest").await?;
            let Some(at) = gap(next, &waiting) else { continue };
            if self.transaction_count(account, "pending").await? > waiting[at].nonce {
                continue;
            }
            let next = next + at as u64;
            for it in
                journaled.iter_mut().filter(|it| of(it) && it.intent.nonce >= waiting[at].nonce)
            {
                it.word = Word::Gap { next };
            }
        }
        Ok(())
    }

    /// Sends again what is open on this chain, the bytes that are there and nothing else, and waits until each
    /// is as sure as is asked for.
    ///
    /// # Errors
    /// The first that does not get there; what comes after it cannot land before it either.
    pub async fn resume(&self, until: Finality) -> Result<Vec<(Intent, Ended)>, Error> {
        let outbox = self.outbox()?;
        let mut accounts: Vec<Address> =
            outbox.journal.open()?.iter().map(|intent| intent.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let mut ended = Vec::new();
        for address in accounts {
            let account = outbox.accounts.take(self.chain_id(), outbox.genesis, address)?;
            let mut open = outbox.journal.open()?;
            open.retain(|intent| intent.account == address && self.is_of(outbox, intent));
            let waiting = self.in_order(outbox, address).await?;
            // What was given up is not waited for.
            let beyond = waiting.last().map_or(0, |intent| intent.nonce + 1);
            for intent in open {
                let is_left = intent.is_waiting()
                    && intent.is_cancelled()
                    && intent.nonce > beyond.max(self.transactions_of(address).await?);
                if !is_left {
                    let end = self.end(outbox, &account, None, intent.clone(), until).await?;
                    ended.push((intent, end));
                }
            }
        }
        Ok(ended)
    }

    /// What changing an open transaction would cost; signs and writes nothing. None where nothing would be
    /// signed: it is in a block, or was cancelled before.
    ///
    /// # Errors
    /// If there is no such transaction, or what would replace it is above the cap.
    pub async fn plan_replacement(
        &self,
        account: Address,
        which: &Which,
        change: Change,
    ) -> Result<Option<Plan>, Error> {
        let outbox = self.outbox()?;
        let claim = match change {
            Change::Raise => None,
            Change::Cancel => outbox.accounts.claim(self.chain_id(), outbox.genesis, account)?,
        };
        let found = self.found(outbox, account, which, claim).await?;
        match found {
            Found::Open(mut intent) => {
                intent.stage = self.placed(&intent).await?.stage;
                let Some(purpose) = change.purpose(&intent) else { return Ok(None) };
                self.replacement(outbox, &intent, purpose).await.map(Some)
            }
            Found::Orphan(claim) => self.plan_orphan(account, &claim).await.map(Some),
            Found::Hole(nonce) if change == Change::Cancel => {
                self.plan_nothing(account, nonce).await.map(Some)
            }
            Found::Hole(_) => Err(Error::NoTransaction { which: which.to_string() }),
            Found::Landed(_) => Ok(None),
        }
    }

    /// Signs again what was signed last for an open transaction, for at least an eighth more, within the cap, and waits
    /// for it. Of one that was cancelled that is the cancel.
    ///
    /// # Errors
    /// As [`EvmChain::plan_replacement`], and if the node refuses it.
    pub async fn bump(
        &self,
        from: &Signer,
        which: &Which,
        until: Finality,
    ) -> Result<(Intent, Ended), Error> {
        let outbox = self.outbox()?;
        let account = outbox.accounts.take(self.chain_id(), outbox.genesis, from.address())?;
        let Found::Open(intent) = self.found(outbox, from.address(), which, None).await? else {
            return Err(Error::NoTransaction { which: which.to_string() });
        };
        self.in_order(outbox, from.address()).await?;
        self.replace(outbox, &account, from, *intent, Change::Raise, until).await
    }

    /// Signs a transfer of nothing under the nonce of an open transaction, so that it can no longer land, and
    /// says which of the two did. One behind a gap is given up: see [`Ended::GivenUp`]; the nonce before a gap's end,
    /// which nothing has, is taken for nothing, so that what is behind it can land. Of one that landed and that the
    /// journal lost it says where, and that the account is free of it is the caller's word from then on.
    ///
    /// # Errors
    /// As [`EvmChain::bump`].
    pub async fn cancel(
        &self,
        from: &Signer,
        which: &Which,
        until: Finality,
    ) -> Result<(Intent, Ended), Error> {
        let outbox = self.outbox()?;
        let address = from.address();
        let account = outbox.accounts.take(self.chain_id(), outbox.genesis, address)?;
        self.ensure_one_chain(outbox, address)?;
        let claim = account.claim()?;
        let intent = match self.found(outbox, address, which, claim.clone()).await? {
            Found::Open(intent) => *intent,
            Found::Orphan(claim) => {
                let plan = self.plan_orphan(address, &claim).await?;
                self.ensure_funds(&plan)?;
                self.orphan(outbox, from, &plan).await?
            }
            Found::Hole(nonce) => {
                let plan = self.plan_nothing(address, nonce).await?;
                self.ensure_funds(&plan)?;
                self.orphan(outbox, from, &plan).await?
            }
            Found::Landed(lost) => {
                account.clear_claim()?;
                return Ok(*lost);
            }
        };
        let next = self.transaction_count(address, "latest").await?;
        let pending = self.transaction_count(address, "pending").await?;
        let mut waiting = self.settled(outbox, address).await?;
        waiting.retain(|it| it.is_waiting() && it.nonce < intent.nonce);
        waiting.push(intent.clone());
        // Wherever below it the gap is: what was given up there leads nowhere.
        if intent.is_waiting() && gap(next.max(pending), &waiting).is_some() {
            return self.give_up(outbox, &account, from, intent, next).await;
        }
        let nonce = intent.nonce;
        let ended = self.replace(outbox, &account, from, intent, Change::Cancel, until).await;
        // What waits behind it is this journal's still.
        if let Some(claim) = claim.filter(|claim| claim.nonce > nonce) {
            account.put_claim(&claim)?;
        }
        ended
    }

    /// Strikes what an account sent to a chain that is gone, as a local one that was started anew: everything
    /// there, whether it has ended or not, by the name of one of it. Whoever says so vouches for it: the same
    /// bytes could land on that chain if it were there. The account is free then.
    ///
    /// # Errors
    /// If the journal has no such transaction for a chain of this number with another first block, nor an open
    /// one for a chain of another number; or has them for several.
    pub fn abandon(&self, which: &Which) -> Result<Vec<Intent>, Error> {
        let outbox = self.outbox()?;
        let open = outbox.journal.open()?;
        let mut all = outbox.journal.done()?;
        all.extend(open.iter().cloned());
        all.retain(|it| !self.is_of(outbox, it) && it.stage != Stage::Abandoned);
        let is_near = |it: &&Intent| it.chain == *self.chain_id() && which.names(it);
        let is_far = |it: &&Intent| it.chain != *self.chain_id() && it.is_open() && which.names(it);
        let mut named: Vec<&Intent> = all.iter().filter(is_near).collect();
        if named.is_empty() {
            named = all.iter().filter(is_far).collect();
        }
        let Some(first) = named.first().copied().cloned() else {
            return Err(Error::NoTransaction { which: which.to_string() });
        };
        let is_with_it = |it: &Intent| {
            it.chain == first.chain && it.genesis == first.genesis && it.account == first.account
        };
        if !named.into_iter().all(is_with_it) {
            return Err(Error::SeveralTransactions { which: which.to_string() });
        }
        let account = outbox.accounts.take(&first.chain, first.genesis, first.account)?;
        all.retain(is_with_it);
        for intent in &mut all {
            intent.stage = Stage::Abandoned;
            outbox.journal.keep(intent)?;
        }
        if account.claim()?.is_some_and(|claim| outbox.journal.is_at(&claim.journal)) {
            account.clear_claim()?;
        }
        Ok(all)
    }

    /// What a word names: an open transaction, or one that was claimed by a journal that is gone.
    async fn found(
        &self,
        outbox: &Sending,
        account: Address,
        which: &Which,
        claim: Option<Claim>,
    ) -> Result<Found, Error> {
        let is_own = |intent: &Intent| intent.account == account && self.is_of(outbox, intent);
        let mut named: Vec<Intent> = outbox.journal.open()?;
        named.retain(|intent| is_own(intent) && which.names(intent));
        match <[Intent; 1]>::try_from(named) {
            Ok([intent]) => return Ok(Found::Open(Box::new(intent))),
            Err(several) if !several.is_empty() => {
                return Err(Error::SeveralTransactions { which: which.to_string() });
            }
            Err(_) => {}
        }
        // What was struck, on a chain that is there after all.
        let mut struck = outbox.journal.done()?;
        struck.retain(|it| it.stage == Stage::Abandoned && is_own(it) && which.names(it));
        if let [intent] = &mut struck[..] {
            intent.stage = self.placed(intent).await?.stage;
            if intent.is_open() {
                return Ok(Found::Open(Box::new(intent.clone())));
            }
        }
        if let Some(claim) = claim
            && which.names_claim(&claim)
        {
            match self.ensure_claim(outbox, account, claim.clone()).await {
                Err(Error::Orphaned { .. }) => return Ok(Found::Orphan(claim)),
                Err(Error::Older { .. }) => return self.lost(outbox, account, &claim).await,
                Ok(()) | Err(_) => {}
            }
        }
        match which {
            Which::Nonce(nonce) if self.is_hole(outbox, account, *nonce).await? => {
                Ok(Found::Hole(*nonce))
            }
            Which::Nonce(_) | Which::Hash(_) => {
                Err(Error::NoTransaction { which: which.to_string() })
            }
        }
    }

    /// Whether a nonce is the account's next one, nothing is known to have it, and something waits behind it.
    async fn is_hole(&self, outbox: &Sending, account: Address, nonce: u64) -> Result<bool, Error> {
        let intents = self.intents_of(outbox, account)?;
        let is_behind = |intent: &Intent| intent.is_waiting() && intent.nonce > nonce;
        if intents.iter().any(|it| it.nonce == nonce) || !intents.iter().any(is_behind) {
            return Ok(false);
        }
        Ok(self.transaction_count(account, "pending").await? == nonce)
    }

    /// What replaces an open transaction, and what it costs.
    async fn replacement(
        &self,
        outbox: &Sending,
        intent: &Intent,
        purpose: Purpose,
    ) -> Result<Plan, Error> {
        let Some(Attempt { fees, hash, .. }) = intent.newest() else {
            return Err(Error::malformed("the journal", "an intent without a signed transaction"));
        };
        let quote = self.quote().await?;
        let dearer = fees.replacement(&quote, &outbox.cap)?;
        let worst = dearer.ensure_cost(intent.gas_limit, intent.value, &outbox.cap)?;
        let is_act = purpose == Purpose::Act;
        // Whoever takes a transaction back spends less than by letting it land.
        if is_act {
            self.ensure_within_day(outbox, intent.account, intent.nonce, worst)?;
        }
        Ok(Plan {
            what: if is_act { intent.what.clone() } else { cancelling(intent) },
            account: intent.account,
            to: if is_act { intent.to } else { Some(intent.account) },
            nonce: intent.nonce,
            input: if is_act { intent.input.clone() } else { Bytes::new() },
            gas: intent.gas_limit,
            gas_limit: intent.gas_limit,
            fees: dearer,
            base_fee: quote.base_fee,
            balance: self.balance(intent.account).await?,
            replaces: Some(*hash),
        })
    }

    /// Signs what replaces an intent, unless one of its transactions is in a block, and waits.
    async fn replace(
        &self,
        outbox: &Sending,
        account: &Account,
        from: &Signer,
        mut intent: Intent,
        change: Change,
        until: Finality,
    ) -> Result<(Intent, Ended), Error> {
        intent.stage = self.placed(&intent).await?.stage;
        if let Some(purpose) = change.purpose(&intent) {
            let plan = self.replacement(outbox, &intent, purpose).await?;
            self.ensure_funds(&plan)?;
            let attempt = self.sign(from, &intent, purpose, plan.fees, (outbox.now_ms)()).await?;
            intent.attempts.push(attempt);
        }
        let ended = self.end(outbox, account, Some(from), intent.clone(), until).await?;
        Ok((intent, ended))
    }

    /// Puts a transfer of nothing in the place of what cannot land now, in case that it could one day, and
    /// lets the account go on.
    async fn give_up(
        &self,
        outbox: &Sending,
        account: &Account,
        from: &Signer,
        mut intent: Intent,
        next: u64,
    ) -> Result<(Intent, Ended), Error> {
        if !intent.is_cancelled() {
            let plan = self.replacement(outbox, &intent, Purpose::Cancel).await?;
            let attempt =
                self.sign(from, &intent, Purpose::Cancel, plan.fees, (outbox.now_ms)()).await?;
            intent.attempts.push(attempt);
        }
        match self.submit(outbox, account, &mut intent).await {
            // A node need not keep what cannot land yet. Its bytes are here.
            Ok(()) | Err(Error::Rejected { .. }) => {}
            Err(error) => return Err(error),
        }
        account.clear_claim()?;
        Ok((intent, Ended::GivenUp { next }))
    }

    /// What taking a nonce for nothing costs.
    async fn plan_nothing(&self, account: Address, nonce: u64) -> Result<Plan, Error> {
        let act = Act::nothing(CANCEL, account);
        let gas = self.estimate(account, &act).await?;
        Ok(Plan { nonce, ..self.priced(account, &act, gas).await? })
    }

    /// What taking the nonce of a lost transaction costs.
    async fn plan_orphan(&self, account: Address, claim: &Claim) -> Result<Plan, Error> {
        let mut plan = self.plan_nothing(account, claim.nonce).await?;
        let outbox = self.outbox()?;
        if let Some(fees) = self.offered(claim.hash).await? {
            plan.fees = fees.replacement(&self.quote().await?, &outbox.cap)?;
            plan.fees.ensure_cost(plan.gas_limit, U256::ZERO, &outbox.cap)?;
        }
        plan.replaces = Some(claim.hash);
        Ok(plan)
    }

    /// What the journal sent and lost, where it is in the chain.
    async fn lost(
        &self,
        outbox: &Sending,
        account: Address,
        claim: &Claim,
    ) -> Result<Found, Error> {
        let Some(receipt) = self.receipt(claim.hash).await? else {
            return Err(Error::Forgotten { hash: claim.hash, url: self.url().to_owned() });
        };
        let landed = inclusion(claim.hash, &receipt);
        let intent = Intent {
            what: "what this journal lost".to_owned(),
            to: None,
            stage: Stage::Included(landed),
            ..self.nothing(outbox, account, claim.nonce)
        };
        let Inclusion { hash, block_number, block_hash, gas_used, succeeded } = landed;
        let ended = if succeeded {
            Ended::Landed(TxSummary { hash, block_number, block_hash, gas_used })
        } else {
            Ended::Reverted(landed)
        };
        Ok(Found::Landed(Box::new((intent, ended))))
    }

    /// An intent that does nothing but take a nonce, before anything is signed for it.
    fn nothing(&self, outbox: &Sending, account: Address, nonce: u64) -> Intent {
        Intent {
            key: format!("{CANCEL}/{nonce}"),
            what: CANCEL.to_owned(),
            chain: self.chain_id().clone(),
            genesis: outbox.genesis,
            account,
            nonce,
            to: Some(account),
            value: U256::ZERO,
            input: Bytes::new(),
            gas_limit: 0,
            attempts: Vec::new(),
            stage: Stage::Prepared,
        }
    }

    /// An intent that takes a nonce that the journal has nothing for.
    async fn orphan(&self, outbox: &Sending, from: &Signer, plan: &Plan) -> Result<Intent, Error> {
        let nothing = self.nothing(outbox, plan.account, plan.nonce);
        let mut intent = Intent { gas_limit: plan.gas_limit, ..nothing };
        let attempt =
            self.sign(from, &intent, Purpose::Cancel, plan.fees, (outbox.now_ms)()).await?;
        intent.attempts.push(attempt);
        Ok(intent)
    }

    /// What a transaction that the node has offers; none if it has none, or one of another kind.
    async fn offered(&self, hash: B256) -> Result<Option<Fees>, Error> {
        let found: Option<Value> =
            self.rpc.request("eth_getTransactionByHash", json!([hash])).await?;
        let number = |name: &str| {
            let value = found.as_ref()?.get(name)?.clone();
            serde_json::from_value::<U128>(value).ok().map(|it| it.to::<u128>())
        };
        Ok(match (number("maxFeePerGas"), number("maxPriorityFeePerGas")) {
            (Some(max_fee_per_gas), Some(max_priority_fee_per_gas)) => {
                Some(Fees { max_fee_per_gas, max_priority_fee_per_gas })
            }
            _ => None,
        })
    }

    /// Delivers an intent and says how it ended.
    async fn end(
        &self,
        outbox: &Sending,
        account: &Account,
        from: Option<&Signer>,
        intent: Intent,
        until: Finality,
    ) -> Result<Ended, Error> {
        match self.deliver(outbox, account, from, intent, until).await {
            Ok(mined) => Ok(Ended::Landed(mined.summary)),
            Err(Error::Cancelled { hash, .. }) => Ok(Ended::Cancelled(hash)),
            Err(Error::Failed { inclusion, .. }) => Ok(Ended::Reverted(*inclusion)),
            Err(error) => Err(error),
        }
    }
}

/// What the cancel of an intent is called.
fn cancelling(intent: &Intent) -> String {
    if intent.to == Some(intent.account) {
        CANCEL.to_owned()
    } else {
        format!("{CANCEL} of {}", intent.what)
    }
}

/// What is named by a hash or a nonce.
enum Found {
    /// An open intent of the journal.
    Open(Box<Intent>),
    /// What a journal claimed that is gone.
    Orphan(Claim),
    /// A nonce that nothing has, before a gap's end.
    Hole(u64),
    /// What this journal claimed and does not have, and how it ended.
    Landed(Box<(Intent, Ended)>),
}
