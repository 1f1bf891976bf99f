//! Where a transaction stands, as the chain says when it is asked.

use alloy_consensus::{Transaction as _, transaction::SignerRecoverable as _};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, U64, keccak256};
use alloy_rpc_types_eth::Transaction;
use serde_json::{Value, json};

use crate::{
    Error,
    client::{EvmChain, Receipt},
    json_rpc::{Outcome, parse},
    sending::{Finality, Horizon, Inclusion, Intent, Purpose, Reached, Stage},
};

/// How far an intent came, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) stage: Stage,
    pub(super) reached: Reached,
    /// Whether the node names a final block, where it was asked for one.
    pub(super) is_named: bool,
}

/// The first of these, which are in the order of their nonces, that the ones before it do not lead to from
/// an account's next nonce.
pub(super) fn gap(next: u64, waiting: &[Intent]) -> Option<usize> {
    let mut expected = next;
    for (at, intent) in waiting.iter().enumerate() {
        if intent.nonce > expected {
            return Some(at);
        }
        expected = expected.max(intent.nonce + 1);
    }
    None
}

impl EvmChain {
    /// How far an intent came, asked anew: a block that was replaced takes its transactions with it.
    pub(super) async fn placed(&self, intent: &Intent) -> Result<Placed, Error> {
        if let Some(placed) = self.landed(intent).await? {
            return Ok(placed);
        }
        let waiting = match intent.stage {
            Stage::Prepared => Stage::Prepared,
            _ => Stage::Sent,
        };
        let waiting = Placed { stage: waiting, reached: Reached::SEEN, is_named: true };
        if self.is_free(intent).await? {
            return Ok(waiting);
        }
        // Something has the nonce. Until its block stays, one of these may still take its place.
        let horizon = self.horizon().await?;
        let Some(last) = horizon.final_block() else { return Ok(waiting) };
        if !self.is_used_by(intent, last).await?.unwrap_or(false) {
            return Ok(waiting);
        }
        // One of them may have come in between the answers.
        if let Some(placed) = self.landed(intent).await? {
            return Ok(placed);
        }
        if let Stage::Included(inclusion) = intent.stage
            && self.block_hash(inclusion.block_number).await? == Some(inclusion.block_hash)
        {
            // Its receipt was seen and its block is still there: the node has forgotten the receipt.
            let Reached { depth, .. } = horizon.of(inclusion.block_number);
            let reached = Reached { finality: Finality::Final, depth };
            return Ok(Placed { stage: settled(intent, inclusion), reached, is_named: true });
        }
        let taker = self.taker(intent, last).await?.ok_or_else(|| self.unshown(intent, None))?;
        if intent.attempt(&taker).is_some() {
            return Err(self.unshown(intent, Some(taker)));
        }
        let reached = Reached { finality: Finality::Final, depth: 0 };
        Ok(Placed { stage: Stage::Replaced, reached, is_named: true })
    }

    /// Where one of the signed transactions is in the chain: by a receipt of a block that has the transaction.
    pub(super) async fn landed(&self, intent: &Intent) -> Result<Option<Placed>, Error> {
        for attempt in intent.attempts.iter().rev() {
            let Some(receipt) = self.receipt(attempt.hash).await? else { continue };
            let inclusion = inclusion(attempt.hash, &receipt);
            let horizon = self.horizon().await?;
            let mut reached = horizon.of(inclusion.block_number);
            let (is_called_final, is_named) =
                (reached.finality == Finality::Final, horizon.finalized.is_some());
            let at = json!([format!("{:#x}", inclusion.block_number), false]);
            let block: Value = self.rpc.request("eth_getBlockByNumber", at).await?;
            let is_there = is_hash(&block["hash"], &inclusion.block_hash);
            if is_there && !lists(&block, &attempt.hash) {
                continue;
            }
            // A block that stays is the one that the chain has at its height.
            let is_final = is_called_final && is_there;
            return Ok(Some(if is_final {
                Placed { stage: settled(intent, inclusion), reached, is_named }
            } else {
                if is_called_final {
                    reached.finality = Finality::Safe;
                }
                Placed { stage: Stage::Included(inclusion), reached, is_named }
            }));
        }
        Ok(None)
    }

    /// Whether nothing in the newest block has an intent's nonce.
    pub(super) async fn is_free(&self, intent: &Intent) -> Result<bool, Error> {
        Ok(self.transaction_count(intent.account, "latest").await? <= intent.nonce)
    }

    /// Whether an intent's nonce is used up to a block; none where the node does not know any more.
    async fn is_used_by(&self, intent: &Intent, block: u64) -> Result<Option<bool>, Error> {
        match self.transaction_count(intent.account, &format!("{block:#x}")).await {
            Ok(count) => Ok(Some(count > intent.nonce)),
            Err(Error::Rejected { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The transaction that took an intent's nonce, of which the block `last` is not older; none where the
    /// node cannot show one that the account signed.
    async fn taker(&self, intent: &Intent, last: u64) -> Result<Option<B256>, Error> {
        // It is most likely near: look back in strides that double, then halve what is between.
        let (mut unused, mut used, mut stride) = (None, last, 1);
        while unused.is_none() {
            let at = used.checked_sub(stride);
            match at {
                None => break,
                Some(at) => match self.is_used_by(intent, at).await? {
                    None => return Ok(None),
                    Some(true) => (used, stride) = (at, stride * 2),
                    Some(false) => unused = Some(at),
                },
            }
        }
        let mut unused = unused.map_or(0, |at| at + 1);
        while unused < used {
            let middle = unused + (used - unused) / 2;
            match self.is_used_by(intent, middle).await? {
                None => return Ok(None),
                Some(true) => used = middle,
                Some(false) => unused = middle + 1,
            }
        }
        let block = json!([format!("{used:#x}"), true]);
        let block: Value = self.rpc.request("eth_getBlockByNumber", block).await?;
        let transactions = block["transactions"].as_array().into_iter().flatten();
        let mut taken = transactions.filter_map(|tx| signed_by(tx, intent.account, self.number));
        Ok(taken.find(|(nonce, _)| *nonce == intent.nonce).map(|(_, hash)| hash))
    }

    /// The node shows too little to say what became of an intent.
    pub(super) fn unshown(&self, intent: &Intent, hash: Option<B256>) -> Error {
        let url = self.url().to_owned();
        match hash {
            Some(hash) => Error::Forgotten { hash, url },
            None => Error::Unshown { what: intent.what.clone(), nonce: intent.nonce, url },
        }
    }

    /// How far the chain has come. The head is asked last, so that it is the newest.
    pub(crate) async fn horizon(&self) -> Result<Horizon, Error> {
        if let Some(depth) = self.final_depth {
            let head = self.block_number().await?;
            // Of a chain that is shorter the first block alone stays.
            let finalized = Some((head + 1).saturating_sub(depth));
            return Ok(Horizon { head, safe: finalized, finalized });
        }
        let finalized = self.named_block("finalized").await?;
        let safe = self.named_block("safe").await?;
        Ok(Horizon { head: self.block_number().await?, safe, finalized })
    }

    /// The number of a block that has a name; none where the node does not know the name.
    pub(in crate::client) async fn named_block(&self, name: &str) -> Result<Option<u64>, Error> {
        match self.rpc.ask("eth_getBlockByNumber", json!([name, false])).await? {
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

    /// The hash of the chain's block of this height.
    pub(crate) async fn block_hash(&self, number: u64) -> Result<Option<B256>, Error> {
        let params = json!([format!("{number:#x}"), false]);
        let block: Value = self.rpc.request("eth_getBlockByNumber", params).await?;
        match block.get("hash").cloned() {
            Some(hash) => parse("block.hash", hash).map(Some),
            None => Ok(None),
        }
    }

    /// How many transactions of an account are in the chain.
    ///
    /// # Errors
    /// As every read.
    pub async fn transactions_of(&self, account: Address) -> Result<u64, Error> {
        self.transaction_count(account, "latest").await
    }

    pub(super) async fn transaction_count(&self, account: Address, at: &str) -> Result<u64, Error> {
        let count: U64 = self.rpc.request("eth_getTransactionCount", json!([account, at])).await?;
        Ok(count.to())
    }

    pub(in crate::client) async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, Error> {
        self.rpc.request("eth_getTransactionReceipt", json!([hash])).await
    }
}

/// Nonce and hash of a transaction that an account signed for a chain, both from the signed fields: what else a node
/// writes beside them, as hash and sender, it can invent. None of a transaction that is another's, or of no known kind.
pub(super) fn signed_by(tx: &Value, account: Address, chain: u64) -> Option<(u64, B256)> {
    // Before a signature is recovered, since a block has hundreds.
    if serde_json::from_value::<Address>(tx["from"].clone()).ok()? != account {
        return None;
    }
    let tx = serde_json::from_value::<Transaction>(tx.clone()).ok()?.into_inner();
    let is_own = tx.recover_signer().ok()? == account && tx.chain_id() == Some(chain);
    is_own.then(|| (tx.nonce(), keccak256(tx.encoded_2718())))
}

/// Whether a block that came without its transactions names one; one that names none says nothing.
fn lists(block: &Value, hash: &B256) -> bool {
    let hashes = block["transactions"].as_array();
    hashes.is_none_or(|hashes| hashes.iter().any(|found| is_hash(found, hash)))
}

fn is_hash(found: &Value, hash: &B256) -> bool {
    serde_json::from_value::<B256>(found.clone()).is_ok_and(|found| found == *hash)
}

/// The stage of what is in a block that stays.
fn settled(intent: &Intent, inclusion: Inclusion) -> Stage {
    match intent.attempt(&inclusion.hash).map(|attempt| attempt.purpose) {
        Some(Purpose::Cancel) => Stage::Dropped(inclusion),
        Some(Purpose::Act) | None => Stage::Final(inclusion),
    }
}

pub(super) fn inclusion(hash: B256, receipt: &Receipt) -> Inclusion {
    Inclusion {
        hash,
        block_number: receipt.block_number.to(),
        block_hash: receipt.block_hash,
        gas_used: receipt.gas_used.to(),
        succeeded: !receipt.status.is_zero(),
    }
}
