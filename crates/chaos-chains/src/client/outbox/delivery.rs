//! Sending what is kept until it is in a block that is as sure as was asked for.

use std::time::{Duration, Instant};

use alloy_primitives::B256;
use serde_json::{Value, json};

use super::{Sending, Told, standing::Placed};
use crate::{
    Error, Signer,
    client::{EvmChain, Mined, TxSummary, refusal},
    json_rpc::Outcome,
    sending::{Account, Attempt, Claim, Finality, Inclusion, Intent, Purpose, Reached, Stage},
};

/// First pause between two looks for a receipt, in milliseconds; it doubles up to the largest.
const RECEIPT_PAUSE_MS: u64 = 10;
/// Largest pause between two looks for a receipt, in milliseconds.
const RECEIPT_PAUSE_MS_MAX: u64 = 2_000;
/// How long a transaction waits before it is sent again, for more if it is too cheap by then.
const REPLACE_AFTER: Duration = Duration::from_secs(45);
/// Less than one part in so many of the gas is left where it ran out: each caller keeps a 64th of it (EIP-150), and a
/// limit leaves a sixth where the estimate was right.
pub(super) const RETAINED: u64 = 16;
/// How long a nonce may be used by nothing that the node shows: its answers may come from several places,
/// which are not equally far.
const UNSHOWN_FOR: Duration = Duration::from_secs(10);

impl EvmChain {
    /// Sends what is kept until it is in a block that is as sure as is asked for. A block that is replaced
    /// meanwhile takes its transactions with it: the same bytes then go out again. Without a key nothing is
    /// signed for more.
    pub(super) async fn deliver(
        &self,
        outbox: &Sending,
        account: &Account,
        from: Option<&Signer>,
        mut intent: Intent,
        until: Finality,
    ) -> Result<Mined, Error> {
        let start = Instant::now();
        let (mut pause_ms, mut told_at) = (RECEIPT_PAUSE_MS, start);
        let (mut sent_at, mut was_unnamed): (Option<Instant>, bool) = (None, false);
        loop {
            let Placed { stage, reached, is_named } = match self.placed(&intent).await {
                Err(Error::Unshown { .. }) if start.elapsed() < UNSHOWN_FOR => {
                    tokio::time::sleep(Duration::from_millis(RECEIPT_PAUSE_MS)).await;
                    continue;
                }
                placed => placed?,
            };
            let before = std::mem::replace(&mut intent.stage, stage);
            if stage != before {
                outbox.journal.keep(&intent)?;
            }
            if let Some(inclusion) = stage.inclusion() {
                if before.inclusion() != Some(inclusion) {
                    (outbox.tell)(&Told::Included(&intent, inclusion));
                }
                if reached.is_enough_for(until) {
                    match self.mined(&intent, *inclusion, reached).await {
                        // The block may have gone between the answers.
                        Err(Error::Forgotten { .. })
                            if start.elapsed() <= outbox.patience
                                && self.has_left(inclusion).await? => {}
                        mined => return mined,
                    }
                }
                if !is_named && matches!(until, Finality::Safe | Finality::Final) && !was_unnamed {
                    (outbox.tell)(&Told::Unnamed);
                    was_unnamed = true;
                }
                if told_at.elapsed() > REPLACE_AFTER {
                    (outbox.tell)(&Told::Settling(&intent, reached));
                    told_at = Instant::now();
                }
            } else if stage == Stage::Replaced {
                return Err(Error::NonceTaken { what: intent.what, nonce: intent.nonce });
            } else {
                if before.inclusion().is_some() {
                    (outbox.tell)(&Told::Left(&intent));
                    (sent_at, pause_ms) = (None, RECEIPT_PAUSE_MS);
                }
                if sent_at.is_none_or(|at| at.elapsed() > REPLACE_AFTER) {
                    if sent_at.is_some() {
                        (outbox.tell)(&Told::Waiting(&intent, start.elapsed()));
                    }
                    self.offer(outbox, account, from, &mut intent, sent_at.is_some()).await?;
                    (sent_at, told_at) = (Some(Instant::now()), Instant::now());
                }
            }
            if start.elapsed() > outbox.patience {
                return Err(self.overdue(&intent, reached, until, outbox.patience).await);
            }
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            pause_ms = (pause_ms * 2).min(RECEIPT_PAUSE_MS_MAX);
        }
    }

    /// Sends an intent, for more if it is too cheap by now. What a node took once and does not take again goes
    /// on waiting: the price of gas falls again, and other nodes may have it.
    async fn offer(
        &self,
        outbox: &Sending,
        account: &Account,
        from: Option<&Signer>,
        intent: &mut Intent,
        is_again: bool,
    ) -> Result<(), Error> {
        if let Some(from) = from {
            self.raise(outbox, from, intent).await?;
        }
        let was_sent = intent.stage == Stage::Sent
            && outbox.journal.open()?.iter().any(|it| it.newest() == intent.newest());
        match self.submit(outbox, account, intent).await {
            Err(error @ Error::Rejected { .. }) if is_again || was_sent => {
                (outbox.tell)(&Told::Refused(intent, &error));
                Ok(())
            }
            sent => sent,
        }
    }

    /// Keeps an intent, says whose the account is, and sends the newest attempt.
    pub(super) async fn submit(
        &self,
        outbox: &Sending,
        account: &Account,
        intent: &mut Intent,
    ) -> Result<(), Error> {
        let Some(attempt) = intent.newest().cloned() else {
            return Err(Error::malformed("the journal", "an intent without a signed transaction"));
        };
        outbox.journal.keep(intent)?;
        account.put_claim(&Claim {
            journal: outbox.journal.place(),
            nonce: intent.nonce,
            hash: attempt.hash,
        })?;
        (outbox.tell)(&Told::Sending(intent));
        let answer = self.rpc.ask("eth_sendRawTransaction", json!([attempt.raw])).await?;
        if let Outcome::Refused { code, message, data } = answer {
            // After a lost answer the node already has it; it, its receipt, or its absence will tell.
            let known: Option<Value> =
                self.rpc.request("eth_getTransactionByHash", json!([attempt.hash])).await?;
            if known.is_none() && self.is_free(intent).await? {
                let what = "the transaction";
                return Err(refusal("eth_sendRawTransaction", what, code, &message, data));
            }
        }
        intent.stage = Stage::Sent;
        Ok(outbox.journal.keep(intent)?)
    }

    /// Signs the same for more, if what was signed last is too cheap for the next block. Where the cap does
    /// not allow it, or nobody signs it, the cheap one goes on waiting.
    async fn raise(
        &self,
        outbox: &Sending,
        from: &Signer,
        intent: &mut Intent,
    ) -> Result<(), Error> {
        let Some(Attempt { fees, purpose, .. }) = intent.newest().cloned() else { return Ok(()) };
        let quote = self.quote().await?;
        if fees.max_fee_per_gas >= quote.base_fee.saturating_add(fees.max_priority_fee_per_gas) {
            return Ok(());
        }
        let dearer = fees.replacement(&quote, &outbox.cap).and_then(|dearer| {
            let worst = dearer.ensure_cost(intent.gas_limit, intent.value, &outbox.cap)?;
            Ok((dearer, worst))
        });
        let (dearer, worst) = match dearer {
            Ok(dearer) => dearer,
            Err(error) => {
                (outbox.tell)(&Told::Capped(intent, &error));
                return Ok(());
            }
        };
        match self.ensure_within_day(outbox, intent.account, intent.nonce, worst) {
            Ok(()) => {}
            Err(Error::Fee(error)) => {
                (outbox.tell)(&Told::Capped(intent, &error));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let attempt = match self.sign(from, intent, purpose, dearer, (outbox.now_ms)()).await {
            Ok(attempt) => attempt,
            // One that signs what nobody asked for is not waited with.
            Err(Error::Unsigned(unsigned)) if !unsigned.is_a_lie() => {
                (outbox.tell)(&Told::Unsigned(intent, &unsigned));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        intent.attempts.push(attempt);
        (outbox.tell)(&Told::Replacing(intent));
        Ok(())
    }

    /// Whether the chain has another block where something was included.
    async fn has_left(&self, inclusion: &Inclusion) -> Result<bool, Error> {
        Ok(self.block_hash(inclusion.block_number).await? != Some(inclusion.block_hash))
    }

    /// Whether the chain has a block where something was included, and it is another one. A node that is behind has none.
    pub(super) async fn was_replaced(&self, inclusion: &Inclusion) -> Result<bool, Error> {
        let found = self.block_hash(inclusion.block_number).await?;
        Ok(found.is_some_and(|found| found != inclusion.block_hash))
    }

    /// The receipt of what was included.
    pub(super) async fn mined(
        &self,
        intent: &Intent,
        inclusion: Inclusion,
        reached: Reached,
    ) -> Result<Mined, Error> {
        let Inclusion { hash, block_number, block_hash, gas_used, succeeded } = inclusion;
        if intent.attempt(&hash).is_some_and(|attempt| attempt.purpose == Purpose::Cancel) {
            return Err(Error::Cancelled { what: intent.what.clone(), hash });
        }
        if !succeeded {
            // A call within keeps back a part of the gas for its caller.
            let limit = intent.gas_limit;
            let why = if gas_used >= limit - limit / RETAINED {
                format!(", most likely out of gas: it used {gas_used} of at most {limit}")
            } else {
                String::new()
            };
            let reason = format!("transaction {hash} failed in block {block_number}{why}");
            let inclusion = Box::new(inclusion);
            return Err(Error::Failed { what: intent.what.clone(), reason, inclusion });
        }
        let Some(receipt) = self.receipt(hash).await? else {
            return Err(self.unshown(intent, Some(hash)));
        };
        let summary = TxSummary { hash, block_number, block_hash, gas_used };
        Ok(Mined { summary, receipt, reached, nonce: intent.nonce })
    }

    /// Whether something that is none of an intent's attempts has its nonce, as far as the node shows.
    async fn is_held(&self, intent: &Intent) -> bool {
        // Asked in this order: one of them may land in between.
        matches!(self.is_free(intent).await, Ok(false))
            && matches!(self.landed(intent).await, Ok(None))
    }

    /// Why nobody waits any longer.
    async fn overdue(
        &self,
        intent: &Intent,
        reached: Reached,
        wanted: Finality,
        waited: Duration,
    ) -> Error {
        let (newest, waited_s) = (intent.newest(), waited.as_secs());
        let hash = newest.map_or(B256::ZERO, |attempt| attempt.hash);
        match intent.stage.inclusion() {
            None if self.is_held(intent).await => {
                Error::NonceHeld { what: intent.what.clone(), nonce: intent.nonce, hash }
            }
            None => Error::NotMined {
                hash,
                what: intent.doing(newest).into_owned(),
                nonce: intent.nonce,
                cancels: intent.is_cancelled(),
                waited_s,
            },
            Some(inclusion) => Error::NotSettled {
                hash: inclusion.hash,
                block_number: inclusion.block_number,
                reached,
                wanted,
                waited_s,
            },
        }
    }
}
