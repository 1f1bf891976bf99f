//! Sending what is durable, and going on with what was sent before.

use std::{
    fmt,
    ops::Deref,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U128, U256};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{EvmChain, Mined, Receipt, TxSummary, refusal};
use crate::{
    Error, Signer,
    error::Shortage,
    json_rpc::{Outcome, parse},
    sending::{
        Account, Accounts, Attempt, Claim, FeeCap, Fees, Inclusion, Intent, Journal, Purpose,
        Quote, Stage,
    },
};

/// First pause between two looks for a receipt, in milliseconds; it doubles up to the largest.
const RECEIPT_PAUSE_MS: u64 = 10;
/// Largest pause between two looks for a receipt, in milliseconds.
const RECEIPT_PAUSE_MS_MAX: u64 = 2_000;
/// How long a transaction waits before it is sent again, for more if it is too cheap by then.
const REPLACE_AFTER: Duration = Duration::from_secs(45);
/// Of so many blocks the tips are asked.
const HISTORY_BLOCKS: u64 = 20;
/// And of each block the tip that so many percent of its gas stayed below.
const HISTORY_PERCENTILE: u64 = 90;

/// What sending needs: where intents are kept, what may be spent, and how long to wait.
#[derive(Clone)]
pub struct Outbox {
    /// The intents of the data directory.
    pub journal: Journal,
    /// The accounts of the user.
    pub accounts: Accounts,
    /// What may be spent.
    pub cap: FeeCap,
    /// How long to wait until a transaction is in a block.
    pub patience: Duration,
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
            patience: Duration::from_secs(180),
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
    /// It was too cheap, and something dearer was signed in its place.
    Replacing(&'a Intent),
    /// It is in a block.
    Included(&'a Intent, &'a Inclusion),
}

/// An outbox for one chain.
#[derive(Debug)]
pub(super) struct Sending {
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
pub(super) struct Act {
    pub(super) what: &'static str,
    pub(super) to: TxKind,
    pub(super) input: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FeeHistory {
    gas_used_ratio: Vec<f64>,
    #[serde(default)]
    reward: Option<Vec<Vec<U128>>>,
}

impl EvmChain {
    /// The same connection with what sending needs. It asks for the chain's first block, which tells chains
    /// of one number apart.
    ///
    /// # Errors
    /// As every read, and if the node has no first block.
    pub async fn sending(mut self, outbox: Outbox) -> Result<Self, Error> {
        let method = "eth_getBlockByNumber";
        let block: Value = self.rpc.request(method, json!(["0x0", false])).await?;
        let genesis = match block.get("hash").cloned() {
            Some(hash) => parse("block.hash", hash)?,
            None => return Err(Error::malformed(method, "there is no first block")),
        };
        self.sending = Some(Arc::new(Sending { outbox, genesis }));
        Ok(self)
    }

    fn outbox(&self) -> Result<&Sending, Error> {
        self.sending.as_deref().ok_or(Error::NoOutbox)
    }

    /// Does something once: what was prepared or sent for it before is gone on with, and what is in the
    /// chain is answered without sending anything.
    pub(super) async fn act(&self, from: &Signer, act: Act) -> Result<Mined, Error> {
        let outbox = self.outbox()?;
        let key = key_of(&act);
        let account = outbox.accounts.take(self.chain_id(), outbox.genesis, from.address())?;
        let waiting = |intent: &Intent| matches!(intent.stage, Stage::Prepared | Stage::Sent);
        for intent in self.settled(outbox, from.address()).await?.into_iter().filter(waiting) {
            // What was sent before has the lower nonce: nothing lands before it does.
            let is_meant = intent.key == key;
            let mined = self.deliver(outbox, &account, from, intent).await;
            if is_meant {
                return mined;
            }
            // A revert of something else is that command's to report.
            match mined {
                Ok(_) | Err(Error::Reverted { .. } | Error::Cancelled { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(intent) =
            outbox.journal.find(self.chain_id(), outbox.genesis, from.address(), &key)?
            && let Some(inclusion) = intent.included().filter(|inclusion| inclusion.succeeded)
        {
            return self.mined(&intent, *inclusion).await;
        }
        self.ensure_unclaimed(outbox, &account, from.address()).await?;
        let intent = self.prepare(outbox, from, act, key).await?;
        self.deliver(outbox, &account, from, intent).await
    }

    /// Nothing of this account may still land that another data directory sent.
    async fn ensure_unclaimed(
        &self,
        outbox: &Sending,
        account: &Account,
        address: Address,
    ) -> Result<(), Error> {
        let Some(claim) = account.claim()? else { return Ok(()) };
        let count = self.transaction_count(address, "latest").await?;
        if claim.journal == outbox.journal.folder() || count > claim.nonce {
            return Ok(());
        }
        let Claim { journal, nonce, hash } = claim;
        Err(Error::Claimed { account: address, journal, nonce, hash })
    }

    /// The open intents of an account, where they stand now.
    async fn settled(&self, outbox: &Sending, account: Address) -> Result<Vec<Intent>, Error> {
        let mut settled = Vec::new();
        for mut intent in outbox.journal.open()? {
            let is_own = intent.account == account && intent.genesis == outbox.genesis;
            if !is_own || intent.chain != *self.chain_id() {
                continue;
            }
            let stage = self.stage(&intent).await?;
            if stage != intent.stage {
                intent.stage = stage;
                outbox.journal.keep(&intent)?;
            }
            settled.push(intent);
        }
        Ok(settled)
    }

    /// How far an intent came, asked anew: a block that was replaced takes its transactions with it.
    async fn stage(&self, intent: &Intent) -> Result<Stage, Error> {
        if let Some(stage) = self.landed(intent).await? {
            return Ok(stage);
        }
        // The node had none of them. If the nonce is used in a block that stays, none can come.
        let used = self.transaction_count(intent.account, "finalized").await;
        match used {
            Ok(count) if count > intent.nonce => {
                // One of them may have come in between the two answers.
                Ok(self.landed(intent).await?.unwrap_or(Stage::Replaced))
            }
            // A node without finality never says so.
            Ok(_) | Err(Error::Rejected { .. }) => Ok(match intent.stage {
                Stage::Prepared => Stage::Prepared,
                _ => Stage::Sent,
            }),
            Err(error) => Err(error),
        }
    }

    /// Where one of the signed transactions is in the chain.
    async fn landed(&self, intent: &Intent) -> Result<Option<Stage>, Error> {
        for attempt in intent.attempts.iter().rev() {
            let Some(receipt) = self.receipt(attempt.hash).await? else { continue };
            let inclusion = inclusion(attempt.hash, &receipt);
            let stays =
                self.final_block().await?.is_some_and(|block| inclusion.block_number <= block);
            return Ok(Some(match (stays, attempt.purpose) {
                (false, _) => Stage::Included(inclusion),
                (true, Purpose::Act) => Stage::Final(inclusion),
                (true, Purpose::Cancel) => Stage::Dropped(inclusion),
            }));
        }
        Ok(None)
    }

    /// Sends what is kept until it is in a block.
    async fn deliver(
        &self,
        outbox: &Sending,
        account: &Account,
        from: &Signer,
        mut intent: Intent,
    ) -> Result<Mined, Error> {
        let start = Instant::now();
        let (mut pause_ms, mut sent_at) = (RECEIPT_PAUSE_MS, Instant::now());
        // What was signed a while ago may be too cheap by now.
        self.raise(outbox, from, &mut intent).await?;
        self.submit(outbox, account, &mut intent).await?;
        loop {
            match self.stage(&intent).await? {
                Stage::Included(inclusion)
                | Stage::Final(inclusion)
                | Stage::Dropped(inclusion) => {
                    intent.stage = self.stage(&intent).await?;
                    outbox.journal.keep(&intent)?;
                    (outbox.tell)(&Told::Included(&intent, &inclusion));
                    return self.mined(&intent, inclusion).await;
                }
                Stage::Replaced => {
                    intent.stage = Stage::Replaced;
                    outbox.journal.keep(&intent)?;
                    return Err(Error::NonceTaken { what: intent.what, nonce: intent.nonce });
                }
                Stage::Prepared | Stage::Sent => {}
            }
            if start.elapsed() > outbox.patience {
                let hash = intent.newest().map_or(B256::ZERO, |attempt| attempt.hash);
                let waited_s = outbox.patience.as_secs();
                return Err(Error::NotMined { hash, waited_s });
            }
            if sent_at.elapsed() > REPLACE_AFTER {
                (outbox.tell)(&Told::Waiting(&intent, start.elapsed()));
                self.raise(outbox, from, &mut intent).await?;
                self.submit(outbox, account, &mut intent).await?;
                sent_at = Instant::now();
            }
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            pause_ms = (pause_ms * 2).min(RECEIPT_PAUSE_MS_MAX);
        }
    }

    /// Keeps an intent, says whose the account is, and sends the newest attempt.
    async fn submit(
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
            journal: outbox.journal.folder().to_owned(),
            nonce: intent.nonce,
            hash: attempt.hash,
        })?;
        (outbox.tell)(&Told::Sending(intent));
        let answer = self.rpc.ask("eth_sendRawTransaction", json!([attempt.raw])).await?;
        if let Outcome::Refused { code, message, data } = answer {
            // After a lost answer the node already has it; it, its receipt, or its absence will tell.
            let known: Option<Value> =
                self.rpc.request("eth_getTransactionByHash", json!([attempt.hash])).await?;
            let is_open = matches!(self.stage(intent).await?, Stage::Prepared | Stage::Sent);
            if known.is_none() && is_open {
                let what = "the transaction";
                return Err(refusal("eth_sendRawTransaction", what, code, &message, data));
            }
        }
        intent.stage = Stage::Sent;
        Ok(outbox.journal.keep(intent)?)
    }

    /// Signs the same for more, if what was signed last is too cheap for the next block. Where the cap does
    /// not allow it, the cheap one goes on waiting.
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
        let Ok(dearer) = fees.replacement(&quote, &outbox.cap) else { return Ok(()) };
        if dearer.ensure_cost(intent.gas_limit, intent.value, &outbox.cap).is_err() {
            return Ok(());
        }
        let attempt = self.sign(from, intent, purpose, dearer, (outbox.now_ms)())?;
        intent.attempts.push(attempt);
        (outbox.tell)(&Told::Replacing(intent));
        Ok(())
    }

    /// Looks at everything that can be looked at before anything is paid, and signs.
    async fn prepare(
        &self,
        outbox: &Sending,
        from: &Signer,
        act: Act,
        key: String,
    ) -> Result<Intent, Error> {
        let Act { what, to, input } = act;
        let account = from.address();
        let mut request = json!({"from": account, "data": input});
        if let TxKind::Call(to) = to {
            request["to"] = json!(to);
        }
        let estimate: U64 = match self.rpc.ask("eth_estimateGas", json!([request])).await? {
            Outcome::Result(value) => parse("eth_estimateGas", value)?,
            Outcome::Refused { code, message, data } => {
                return Err(refusal("eth_estimateGas", what, code, &message, data));
            }
        };
        let estimate: u64 = estimate.to();
        let fees = Fees::choose(&self.quote().await?, &outbox.cap)?;
        // A fifth more, because the state may have moved when it is mined.
        let gas_limit = estimate.saturating_add(estimate / 5);
        let worst = fees.ensure_cost(gas_limit, U256::ZERO, &outbox.cap)?;
        let balance: U256 = self.rpc.request("eth_getBalance", json!([account, "latest"])).await?;
        if balance < worst {
            let chain = self.chain_id().clone();
            let shortage = Shortage { account, chain, needed: worst, found: balance };
            return Err(Error::Funds(Box::new(shortage)));
        }
        let nonce = self.transaction_count(account, "latest").await?;
        let pending = self.transaction_count(account, "pending").await?;
        if pending > nonce {
            return Err(Error::Unknown { account, waiting: pending - nonce, nonce });
        }
        let mut intent = Intent {
            key,
            what: what.to_owned(),
            chain: self.chain_id().clone(),
            genesis: outbox.genesis,
            account,
            nonce,
            to: to.to().copied(),
            value: U256::ZERO,
            input,
            gas_limit,
            attempts: Vec::new(),
            stage: Stage::Prepared,
        };
        let attempt = self.sign(from, &intent, Purpose::Act, fees, (outbox.now_ms)())?;
        intent.attempts.push(attempt);
        Ok(intent)
    }

    fn sign(
        &self,
        from: &Signer,
        intent: &Intent,
        purpose: Purpose,
        fees: Fees,
        signed_at_ms: u64,
    ) -> Result<Attempt, Error> {
        let is_act = purpose == Purpose::Act;
        let to = if is_act {
            intent.to.map_or(TxKind::Create, TxKind::Call)
        } else {
            intent.account.into()
        };
        let mut transaction = TxEip1559 {
            chain_id: self.number,
            nonce: intent.nonce,
            gas_limit: intent.gas_limit,
            max_fee_per_gas: fees.max_fee_per_gas,
            max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
            to,
            value: if is_act { intent.value } else { U256::ZERO },
            access_list: alloy_eips::eip2930::AccessList::default(),
            input: if is_act { intent.input.clone() } else { Bytes::new() },
        };
        let signature =
            from.key().sign_transaction_sync(&mut transaction).map_err(Error::Signing)?;
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        let (hash, raw) = (*signed.tx_hash(), Bytes::from(signed.encoded_2718()));
        Ok(Attempt { raw, hash, purpose, fees, signed_at_ms })
    }

    /// What the node and the last blocks say of fees.
    pub(super) async fn quote(&self) -> Result<Quote, Error> {
        let block: Value =
            self.rpc.request("eth_getBlockByNumber", json!(["latest", false])).await?;
        let Some(base_fee) = block.get("baseFeePerGas").cloned() else {
            let capability = "EIP-1559 transactions";
            return Err(Error::Unsupported { url: self.url().to_owned(), capability });
        };
        let base_fee: U128 = parse("block.baseFeePerGas", base_fee)?;
        let node_tip = match self.rpc.ask("eth_maxPriorityFeePerGas", json!([])).await? {
            Outcome::Result(value) => Some(parse::<U128>("eth_maxPriorityFeePerGas", value)?.to()),
            Outcome::Refused { .. } => None,
        };
        let params = json!([format!("{HISTORY_BLOCKS:#x}"), "latest", [HISTORY_PERCENTILE]]);
        let history_tip = match self.rpc.ask("eth_feeHistory", params).await? {
            Outcome::Result(value) => history_tip(parse("eth_feeHistory", value)?),
            Outcome::Refused { .. } => None,
        };
        Ok(Quote { base_fee: base_fee.to(), node_tip, history_tip })
    }

    /// The newest block that stays, as the node says; none where it does not know.
    async fn final_block(&self) -> Result<Option<u64>, Error> {
        let params = json!(["finalized", false]);
        match self.rpc.ask("eth_getBlockByNumber", params).await? {
            Outcome::Result(block) => match block.get("number").cloned() {
                Some(number) => {
                    let number: U64 = parse("block.number", number)?;
                    Ok(Some(number.to()))
                }
                None => Ok(None),
            },
            Outcome::Refused { .. } => Ok(None),
        }
    }

    /// How many transactions of an account are in the chain.
    ///
    /// # Errors
    /// As every read.
    pub async fn transactions_of(&self, account: Address) -> Result<u64, Error> {
        self.transaction_count(account, "latest").await
    }

    /// What an account holds of the chain's coin, in wei.
    ///
    /// # Errors
    /// As every read.
    pub async fn balance(&self, account: Address) -> Result<U256, Error> {
        self.rpc.request("eth_getBalance", json!([account, "latest"])).await
    }

    async fn transaction_count(&self, account: Address, at: &str) -> Result<u64, Error> {
        let count: U64 = self.rpc.request("eth_getTransactionCount", json!([account, at])).await?;
        Ok(count.to())
    }

    async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, Error> {
        self.rpc.request("eth_getTransactionReceipt", json!([hash])).await
    }

    /// The receipt of what was included.
    async fn mined(&self, intent: &Intent, inclusion: Inclusion) -> Result<Mined, Error> {
        let Inclusion { hash, block_number, block_hash, gas_used, succeeded } = inclusion;
        if intent.attempt(&hash).is_some_and(|attempt| attempt.purpose == Purpose::Cancel) {
            return Err(Error::Cancelled { what: intent.what.clone(), hash });
        }
        if !succeeded {
            let reason = format!("transaction {hash} failed in block {block_number}");
            return Err(Error::Failed { what: intent.what.clone(), reason });
        }
        let receipt = self.receipt(hash).await?.ok_or_else(|| {
            Error::malformed("eth_getTransactionReceipt", format_args!("{hash} left the chain"))
        })?;
        Ok(Mined { summary: TxSummary { hash, block_number, block_hash, gas_used }, receipt })
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

fn inclusion(hash: B256, receipt: &Receipt) -> Inclusion {
    Inclusion {
        hash,
        block_number: receipt.block_number.to(),
        block_hash: receipt.block_hash,
        gas_used: receipt.gas_used.to(),
        succeeded: !receipt.status.is_zero(),
    }
}

/// The middle one of the tips of the blocks that held anything.
fn history_tip(history: FeeHistory) -> Option<u128> {
    let FeeHistory { gas_used_ratio, reward } = history;
    let used = gas_used_ratio.iter().map(|ratio| *ratio > 0.0);
    let rewards = reward.unwrap_or_default();
    let mut tips: Vec<u128> = rewards
        .iter()
        .zip(used)
        .filter(|(_, is_used)| *is_used)
        .filter_map(|(tips, _)| tips.first().map(|tip| tip.to()))
        .collect();
    tips.sort_unstable();
    tips.get(tips.len() / 2).copied()
}
